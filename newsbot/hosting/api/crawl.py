"""`crawl.json`: a spider's items as the answer of one call."""

import contextlib
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field
from scrapyd.website import Root
from twisted.internet import reactor, task
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, ensureDeferred
from twisted.internet.threads import deferToThread
from twisted.web import http

from newsbot.hosting import queries
from newsbot.hosting.api import schemas
from newsbot.hosting.api.call import RefusedError
from newsbot.hosting.api.scrapyd import PROJECT, Asked, ScrapydCall
from newsbot.hosting.api.waiting import within
from newsbot.hosting.config import home
from newsbot.hosting.names import Name
from newsbot.hosting.sessions import AwayError
from newsbot.job import FINISHED, PENDING, RUNNING, DuplicateError, Job

logger = logging.getLogger(__name__)

PRIORITY = 1_000.0  # somebody waits for the job
AT_ONCE = 50  # calls
LOOK_EVERY = 0.2  # seconds
LAST_WORDS = 5.0  # seconds for a job past its time to end before the answer goes out without its end
_FULL = "closespider_answer_"  # the finish reason of a crawl that filled its answer, before the name of the bound


class Crawl(ScrapydCall):
    """Run a spider at once and answer with its items, new or stored already. Any other parameter is an argument of the
    spider.

    The items are those that passed validation and cleaning; they are stored as by any job, and the job is in the
    history. A feed is fetched in full, in any stored state, unless `FEED_FULL_FETCH_INTERVAL` is given.
    `truncated` names the bound that ended the items: the answer has those before it. Closing the connection cancels
    the job.
    """

    method = "POST"
    lenient = False
    patience = 900.0  # beyond a list of spiders, and `max_seconds` for a slot and for the job
    errors: ClassVar[Mapping[int, str]] = {
        http.FORBIDDEN: "A setting is not allowed.",
        http.NOT_FOUND: "There is no such project, version or spider.",
        http.CONFLICT: "A job has that id already.",
        http.NOT_IMPLEMENTED: "The project's code has no stage that answers.",
    }

    class query(Asked):  # noqa: N801
        """Parameters."""

        project: Name = Field("newsbot", description=PROJECT.description)
        max_items: int = Field(100, description="items in the answer, at most", ge=1, le=1_000)
        max_seconds: float = Field(
            60, description="seconds of the job, from its start; for as long it waits for a slot", ge=1, le=300
        )
        max_bytes: int = Field(4 << 20, description="bytes of the items, at most", ge=1, le=16 << 20)

    def __init__(self, root: Root) -> None:
        super().__init__(root)
        self._calls = 0
        reactor.callWhenRunning(self._sweep)  # not before this process has the port

    @property
    def _folder(self) -> Path:
        """The folder of this Scrapyd's answers; others that share the home have their own."""
        return home() / "answers" / quote(self.root.node_name, safe="")

    def _sweep(self) -> None:
        """Remove what calls of an earlier process left; nobody waits for their jobs that run again."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)

    async def answer(self, query: Any) -> schemas.Crawl:
        """The items, and how the job ended. A job that found no slot in time is cancelled and refused."""
        settings = await self.check_job(query)
        if self._calls >= AT_ONCE:
            raise RefusedError(f"{AT_ONCE} calls wait for their items already", http.SERVICE_UNAVAILABLE)
        self._calls += 1
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            job = self._job(query, settings, folder / "items.jl")
            ended, in_time = await self._run(job, query.max_seconds)
            items = await deferToThread(_items, folder / "items.jl")
        except TimeoutError:
            raise RefusedError("the database does not answer", http.SERVICE_UNAVAILABLE) from None
        finally:
            self._calls -= 1
            shutil.rmtree(folder, ignore_errors=True)
        if items is None and ended.state == FINISHED:
            raise RefusedError(
                "the job finished and wrote no answer: ITEM_PIPELINES of its project lacks"
                " newsbot.pipelines.answer.AnswerPipeline",
                http.NOT_IMPLEMENTED,
                {"jobid": job.id},
            )
        reason = ended.reason or ""
        bound = reason.removeprefix(_FULL) if reason.startswith(_FULL) else None
        return {
            "jobid": job.id,
            "state": ended.state,
            "reason": ended.reason,
            "truncated": bound if in_time else "seconds",
            "items": items or [],
        }

    def _job(self, query: Any, settings: dict[str, str], file: Path) -> Job:
        own = {"ANSWER_FILE": str(file), "ANSWER_ITEMS": str(query.max_items), "ANSWER_BYTES": str(query.max_bytes)}
        return Job(
            project=query.project,
            id=query.jobid,
            spider=query.spider,
            version=query.version,
            args=query.model_extra,
            # Without the first the answer would lack what a feed has brought before.
            settings={"FEED_FULL_FETCH_INTERVAL": "0"} | settings | own,
            priority=PRIORITY,
            asked_by="crawl.json",
            timeout=query.max_seconds + 2 * LAST_WORDS,  # in case this process is gone by then
            wanted_node=self.root.node_name,
        )

    async def _run(self, job: Job, seconds: float) -> tuple[Job, bool]:
        """The job at its end, and whether it came to that in time; else the job after it was asked to end."""
        adding = ensureDeferred(queries.add(job))
        try:
            await within(LAST_WORDS, adding)
            self.root.poller.poll()
            ended = await self._ended(job, seconds, from_start=True)
        except DuplicateError as error:
            raise RefusedError(str(error), http.CONFLICT) from None
        except (CancelledError, TimeoutError):
            self._desert(job, adding)
            raise
        if ended:
            return ended, True
        state = await within(LAST_WORDS, self._cancel(job, f"max_seconds={seconds:g} were over"))
        if state == PENDING:
            message = f"no slot became free within {seconds:g} s; the job is cancelled"
            raise RefusedError(message, http.SERVICE_UNAVAILABLE, {"jobid": job.id})
        ended = await self._ended(job, LAST_WORDS)
        job.state, job.reason = RUNNING, "asked to end"
        return ended or job, state is None

    async def _ended(self, job: Job, seconds: float, *, from_start: bool = False) -> Job | None:
        """The job once it has ended; None when it has not within that time. Waits for a database that is away.

        With `from_start` it may wait as long for a slot, and the time starts again from there.
        """
        deadline = reactor.seconds() + seconds
        while True:
            with contextlib.suppress(AwayError, TimeoutError):
                found = await within(LAST_WORDS, queries.find(job.id, job.project))
                if found and found.ended_at:
                    return found
                if from_start and found and found.state == RUNNING:
                    from_start, deadline = False, reactor.seconds() + seconds
            if reactor.seconds() >= deadline:
                return None
            await task.deferLater(reactor, LOOK_EVERY)

    async def _cancel(self, job: Job, reason: str) -> str | None:
        """Cancel the job; returns the state it was in."""
        return await self.root.cancel(job.project, job.id, "TERM", reason)

    def _desert(self, job: Job, adding: "Deferred[None]") -> None:
        """Cancel a job that nobody waits for any more, once it is added."""
        adding.addCallback(lambda _: ensureDeferred(self._cancel(job, "its caller is gone")))
        adding.addErrback(
            lambda failure: logger.warning(
                "Job %s, whose caller is gone, is not cancelled and ends by its timeout: %s", job.id, failure.value
            )
        )


def _items(file: Path) -> list[dict[str, Any]] | None:
    """The whole lines that a job has written; None when it has not begun."""
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    return [json.loads(line) for line in lines[:-1]]
