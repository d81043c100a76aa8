"""The writer of one crawl: commits its rows in batches, in order, each in one transaction.

The queue is bounded: a caller that puts rows in waits while it is full, which pauses the crawl. It waits for a database
that is away; a row that the database refuses is split from its batch and kept among the rejects.
"""

import asyncio
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import partial
from itertools import count as counter
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import psycopg2
from psycopg2.errors import UniqueViolation

from newsbot.batch import CursorProgress, FeedProgress, Progress, Reject
from newsbot.items import KINDS, Article, Item, State
from newsbot.job import TOKEN
from newsbot.storage import articles, bulk, cursors, feeds, jobs, rejects, runs
from newsbot.storage.database import Database
from newsbot.storage.errors import DatabaseError, UnsuitableError
from newsbot.storage.run import Reasons, Run, States, count
from newsbot.storage.session import Outage, Session, patiently
from newsbot.storage.upgrade import upgrade
from newsbot.storage.variants import FormOf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

BATCH = 500  # rows in one transaction: more costs memory and gains nothing
QUEUE = 2_000  # rows that may wait before the crawl is paused
LINGER = 0.25  # seconds that a batch waits to fill
TRIES = 5  # attempts for a whole batch, when other processes store the same articles at the same moment

# The errors with which the database refuses a row. Any other exception is our fault, and ends the crawl.
_REFUSALS = (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.errors.ProgramLimitExceeded)

# The writers of each table, in one order for all processes.
_WRITERS: dict[type[Item], Callable[..., Sequence[Any]]] = {
    kind: resolve_name(f"newsbot.storage.{kind.stored_by}") for kind in KINDS
}

Row = Item | Reject | Progress

_T = TypeVar("_T")


class _Written(NamedTuple):
    """The result of a transaction."""

    states: States
    left_out: Reasons
    remarks: Counter[str]


class Writer:
    """Stores the rows of one crawl. One a crawler: `Writer.of(crawler)`."""

    _writers: ClassVar["WeakKeyDictionary[Any, Writer]"] = WeakKeyDictionary()

    @classmethod
    def of(cls, crawler: "Crawler") -> "Writer":
        """The crawler's writer, made at the first call."""
        if crawler not in cls._writers:
            cls._writers[crawler] = cls(crawler.settings)
        return cls._writers[crawler]

    def __init__(self, settings: "BaseSettings") -> None:
        self.run = Run()
        self.form_of: FormOf = str  # of a URL's variants; the stage sets it, as storage has no rules of URLs
        self.failure: BaseException | None = None  # why nothing can be written any more
        self.token = _token(settings)  # of the job that runs the crawl
        self._database = Database.from_settings(settings)
        self._rejects_days = settings.getint("REJECTS_DAYS")
        self._outage = Outage("the crawl waits")
        self._patience = settings.getfloat("DATABASE_WAIT")
        self._writing, self._asking = self._session(), self._session()
        self.on_failure: Callable[[], None] = lambda: None  # called once, when it gives up
        self._enough, self._room, self._asking_lock = asyncio.Event(), asyncio.Event(), asyncio.Lock()
        self._queue: list[Row] = []
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def _session(self) -> Session:
        return Session(self._database, self._outage, self._patience)

    # Start and end

    async def open(self, spider: str, job: str | None) -> list[runs.Killed]:
        """Bring the database to head, open the run and start writing; returns runs found killed.

        Raises `DatabaseError` when the database cannot be used: at once, so that the user who types the command knows;
        a job waits for it as long as later on.
        """
        self._beat_at = time.monotonic()
        killed = await _in_thread(partial(self._start, spider, job))
        self._task = asyncio.create_task(self._work())
        return killed

    def _start(self, spider: str, job: str | None) -> list[runs.Killed]:
        patiently(self._prepare, self._outage, self._patience if self.token else 0.0)
        try:
            return self._writing.transaction(lambda cursor: self.run.start(cursor, spider, job))
        except psycopg2.errors.InsufficientPrivilege as error:
            raise UnsuitableError(
                f"{self._database.safe_url} lets newsbot read only: {error.diag.message_primary}; GRANT SELECT, INSERT,"
                " UPDATE, DELETE on its tables and USAGE on their sequences, or name their owner in DATABASE_URL"
            ) from None

    def _prepare(self) -> None:
        self._database.check()
        with closing(self._database.connect()) as connection:
            upgrade(connection)

    @property
    def is_shut_out(self) -> bool:
        """Whether it gave up because the database cannot be written to, or another process took over."""
        return isinstance(self.failure, psycopg2.Error | DatabaseError | jobs.FencedError)

    @property
    def opened(self) -> bool:
        """Whether the run has a row."""
        return self._task is not None

    async def flush(self) -> None:
        """Commit the waiting rows and stop writing."""
        if self._task is None:
            return
        self._closing = True
        self._enough.set()
        await self._task

    async def finish(
        self, reason: str, exit_code: int, errors: int, *, failed: Sequence[str] = (), remarks: Sequence[str] = ()
    ) -> None:
        """Close the run's row (see `Run.finish`), delete old rejects and disconnect."""
        self.run.exit_code = exit_code

        def work(cursor: "Cursor") -> None:
            self.run.finish(cursor, reason, errors, failed, remarks)
            rejects.forget(cursor, self._rejects_days)

        if not self.is_shut_out:
            await _in_thread(partial(self._writing.transaction, work))
        self._writing.close()
        self._asking.close()

    # Rows and questions

    async def put(self, rows: Sequence[Item]) -> None:
        """Take items, and wait while the queue is full; articles when `look_up` found them new, changed or due to be
        marked as seen. Raises the writer's failure."""
        self._add(*rows)
        while len(self._queue) >= QUEUE and self.failure is None:
            self._room.clear()
            await self._room.wait()
        if self.failure is not None:
            raise self.failure

    def refuse(self, reject: Reject) -> None:
        """Take a reject. Counts as one rejected item of its source."""
        self.run.refused(reject)
        self._add(reject)

    def save(self, progress: Progress) -> None:
        """Take progress: committed with the last of the items before it, or after it."""
        self._add(progress)

    async def look_up(self, items: Sequence[Article]) -> None:
        """Note on each item what the database knows of it; see `articles.lookup`.

        A look-up that fails for good ends the crawl, as a write does: its items must not count as refused.
        """
        try:
            await self.ask(partial(articles.lookup, items=items))
        except _REFUSALS:  # one of them is spoilt: the write finds out which
            for item in items:
                item.state = State.AGAIN
        except Exception as error:
            self.give_up(error)
            raise

    async def ask(self, work: "Callable[[Cursor], _T]") -> _T:
        """Do `work` in a separate transaction, beside the writing."""
        if not self.opened:
            raise DatabaseError("nothing is stored: ITEM_PIPELINES lacks newsbot.pipelines.store.StorePipeline")
        async with self._asking_lock:
            return await _in_thread(partial(self._asking.transaction, work))

    async def load(self, source_id: str, work: "Callable[[Cursor], bulk.Loaded]") -> bulk.Loaded:
        """Store rows past the queue, in a separate transaction with the run's counters; see `bulk.load`.

        Repeats `work` where the database was lost meanwhile. A job that was taken over ends the crawl.
        """
        session = self._session()
        try:
            loaded = await _in_thread(partial(session.transaction, partial(self._load, work=work, source_id=source_id)))
        except (jobs.FencedError, DatabaseError, psycopg2.OperationalError) as error:
            self.give_up(error)
            raise
        finally:
            session.close()
        self._beat_at = time.monotonic()
        self.run.wrote(_states(source_id, loaded))
        for reason, number in loaded.refusals.reasons.items():
            count(self.run.reasons, reason, number)
        return loaded

    def _load(self, cursor: "Cursor", work: "Callable[[Cursor], bulk.Loaded]", source_id: str) -> bulk.Loaded:
        loaded = work(cursor)
        # Held only at the end: it keeps others from taking the job over, and a load takes minutes.
        if self.token:
            jobs.hold(cursor, self.token)
        self.run.beat(cursor, _states(source_id, loaded))
        return loaded

    # Writing

    def _add(self, *rows: Row) -> None:
        if not self.opened:  # the settings lack the store stage: nobody would write them
            return
        self._queue += rows
        if len(self._queue) >= BATCH:
            self._enough.set()

    async def _work(self) -> None:
        """Commit batch after batch, until `flush`."""
        while self.failure is None and (self._queue or not self._closing):
            if len(self._queue) < BATCH and not self._closing:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._enough.wait(), LINGER)
            self._enough.clear()
            part = self._queue[:BATCH]
            if not part and time.monotonic() - self._beat_at < runs.HEARTBEAT:
                continue
            try:
                await self._commit(part)
            except Exception as error:  # noqa: BLE001  on any error, callers that wait for room must not wait for ever
                self.give_up(error)
            del self._queue[: len(part)]
            self._room.set()

    def give_up(self, error: Exception) -> None:
        """End the crawl: nothing is stored any more."""
        if self.failure is not None:
            return
        logger.critical("Nothing can be stored any more, the crawl ends: %s", error, exc_info=error)
        self.failure = error
        self._queue.clear()
        self._room.set()
        self.on_failure()

    async def _commit(self, part: Sequence[Row], tries: "Iterator[int] | None" = None) -> None:
        """Write a batch in one transaction; split off what the database refuses."""
        tries = tries or counter()
        refused: psycopg2.Error
        for _ in range(TRIES):
            try:
                work = partial(self._write, part=part, tries=tries)
                written = await _in_thread(partial(self._writing.transaction, work))
            except UniqueViolation as error:  # another process was first: the whole batch again, from a fresh look-up
                refused = error
            except _REFUSALS as error:
                refused = error
                break
            else:
                self._count(written)
                return
        if len(part) > 1:
            half = len(part) // 2
            await self._commit(part[:half], counter(1))
            await self._commit(part[half:], counter(1))
        elif isinstance(part[0], Item):
            reject = Reject.of(part[0], None, f"the database refuses it: {str(refused).splitlines()[0]}")
            self.run.refused(reject)
            await self._commit([reject])
        else:
            raise DatabaseError(f"{part[0]!r} cannot be written: {refused}") from refused

    def _write(self, cursor: "Cursor", part: Sequence[Row], tries: "Iterator[int]") -> _Written:
        """The transaction: rows, revisions, rejects, progress, the run's counters; the tables in one order for all."""
        items = [row for row in part if isinstance(row, Item)]
        refused = [row for row in part if isinstance(row, Reject)]
        written = _Written(Counter(), Counter(), Counter())
        if self.token:
            jobs.hold(cursor, self.token)
        if next(tries):  # the failed attempt's look-up may be out of date
            for item in items:
                item.state = State.AGAIN
        for kind, write in _WRITERS.items():
            if some := [item for item in items if isinstance(item, kind)]:
                more = {"form_of": self.form_of} if kind is Article else {}
                for item in write(cursor, some, self.run.id, **more):
                    for field, reason, value in item.refused:
                        refused.append(Reject.of(item, field, reason, value))
                        written.states[item.source_id, "left_out"] += 1
                        written.left_out[field, reason] += 1
        for item in items:
            if isinstance(item, Article) and item.state == State.NEW and item.takes_from:
                written.remarks[f"{item.origin} gave an id to another entry before: both are kept"] += 1
        if refused:
            rejects.write(cursor, refused, self.run.id)
        if fetched := [row for row in part if isinstance(row, FeedProgress)]:
            feeds.write(cursor, fetched)
        if moved := [row for row in part if isinstance(row, CursorProgress)]:
            cursors.write(cursor, moved, self.run.id)
        written.states.update((item.source_id, str(item.state)) for item in items)
        self.run.beat(cursor, written.states)
        return written

    def _count(self, written: _Written) -> None:
        self._beat_at = time.monotonic()
        self.run.remarks += written.remarks
        for reason, number in written.left_out.items():
            count(self.run.left_out, reason, number)
        self.run.wrote(written.states)


def _states(source_id: str, loaded: bulk.Loaded) -> States:
    numbers = {"new": loaded.new, "changed": loaded.changed, "unchanged": loaded.unchanged}
    numbers["rejected"] = loaded.refusals.rows
    return Counter({(source_id, state): number for state, number in numbers.items()})


def _token(settings: "BaseSettings") -> str | None:
    """The token of the crawl's job, where its rows go to the database that has the queue of jobs."""
    elsewhere = any(settings.get(name) != os.environ.get(name, "") for name in ("DATABASE_URL", "NEWSBOT_HOME"))
    return None if elsewhere else os.environ.get(TOKEN)


def _in_thread(work: Callable[[], _T]) -> "asyncio.Future[_T]":
    """As `asyncio.to_thread`, but a forced end does not wait for the thread: the database may hang."""
    outcome: Future[_T] = Future()

    def run() -> None:
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001  the caller that awaits it gets it
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(outcome)
