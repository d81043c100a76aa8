"""The base for what is published as files, one for each step of time, with a list that has their sizes and checksums.

What is new since the cursor is asked for file by file, in the order of time; what is older than the newest, by the
list, which is read from its end. A file that can not be had as the list has it is told, is kept in the cursor to be
asked for again by the next runs, and holds up no other. One that the list has not, though it has the next one, is told,
and looked for in the list by the runs of the next day.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from scrapy import Request
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.batch import Answer, Batch, Broken, Outcome, Reject, Then
from newsbot.hosts import with_ascii_host
from newsbot.readers.api import chains
from newsbot.readers.api.page_reader import progress_of
from newsbot.readers.api.streams import said
from newsbot.readers.listed_files import File, mismatch
from newsbot.spiders.base import responses
from newsbot.spiders.base.api import ApiSpider
from newsbot.spiders.base.errbacks import errback

logger = logging.getLogger(__name__)

RUNS = 10  # that ask for a file which can not be had, before it is given up
TRIES = 3  # to fetch a file, or a part of the list, in one run
LIST_PART = 8 * 1024 * 1024  # bytes of the list that are asked for at once: the whole may have a hundred times as many
LIST_LINE = 120  # bytes, of which the list has some for each step
WHOLE_LIST = 512 * 1024 * 1024  # bytes, where a server gives no parts
LATE = timedelta(days=1)  # by which a file may come into the list after the one that follows it
UNORDERED = timedelta(hours=6)  # by which lines of the list may be out of the order of time
PATIENCE = 600  # seconds for one file or part of the list


@dataclass(frozen=True, slots=True)
class Window:
    """A time whose files are wanted, its end not included."""

    since: datetime
    until: datetime
    is_past: bool = False  # before what was read earlier: read from its end on, so that what is read stays in one piece
    is_next: bool = False  # behind what was read earlier: a second after its last file


class FilesSpider(ApiSpider):
    """See the module. What a subclass says: where the lists are, how to read a line of them, and how to read a file."""

    step: timedelta  # between two files

    def lists(self) -> tuple[str, str]:
        """The URLs of the list of the newest files, and of that of all."""
        raise NotImplementedError

    def listed(self, text: bytes) -> tuple[list[File], list[str]]:
        """The files that a list or a part of it names, and the lines that should name one and do not."""
        raise NotImplementedError

    def read_file(self, answer: Answer, file: File) -> tuple[Batch | None, File, Then[str]]:
        """The batch of a file, in a thread of its own."""
        raise NotImplementedError

    # The lists

    async def start(self) -> AsyncIterator[Request]:
        """The request for the newest files, or for the list where times are asked for by name."""
        (self.stream,) = await self._opened()
        try:
            self._read_cursor()
        except ValueError as error:
            self.writer.run.outcome(self.api.name, self.stream.source, ok=False, status=self.unreadable(error))
            return
        self.files: deque[tuple[File, Window | None]] = deque()
        self.newest: list[File] = []
        self.turn = asyncio.Lock()  # a file is read while the next one is fetched, and no more than that
        if self.given.get("since") or self.given.get("until"):
            until = self.given.get("until") or datetime.now(UTC)
            window = Window(self.given.get("since") or until - timedelta(days=1), until)
            yield self._list_request([window])
        else:
            yield self._get(self.lists()[0], self.newest_listed, self.not_listed, max_retry_times=self._retries())

    def _read_cursor(self) -> None:
        """Raise ValueError where the stored cursor is none; times in the future begin anew."""
        cursor, now = self.stream.cursor, datetime.now(UTC)
        if cursor == {}:
            return
        times = chains.readable(self.api, cursor, now)
        try:
            for url, kept in cursor.get("missing", {}).items():
                File.of(url, kept)
            for gap in cursor.get("gaps", ()):
                datetime.fromisoformat(gap)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValueError(f"{json.dumps(cursor)[: chains.MAX_SHOWN]} is stored") from None
        self.stream.cursor = cursor | times

    def newest_listed(self, response: Response) -> Iterator[Request | Batch]:
        """The request for the list where a file is wanted that is not among the newest, else for the first file."""
        if response.status != 200:
            self._list_told(
                ok=False, status=f"{response.url}: {responses.answer_of(response).told}: {said(response.body)}"
            )
            return
        self.newest, wrong = self.listed(response.body)
        if not self.newest:
            told = f"{response.url} names no file: {(wrong or [said(response.body)])[0]!r}"
            again = get_retry_request(response.request, spider=self, reason="bad list")
            if again is None:
                self._list_told(ok=False, status=told)
            yield from [again] if again else []
            return
        windows = self._windows(max(file.time for file in self.newest))
        if self._gaps() or any(window.is_past or window.since < window.until - self.step for window in windows):
            yield self._list_request(windows)
        else:
            yield from self._queue_up(windows, self.newest)

    def _windows(self, newest: datetime) -> list[Window]:
        """What is new up to the newest file and, with `backfill`, what was not read of the past."""
        now, second = datetime.now(UTC), timedelta(seconds=1)
        back, cursor = self.given.get("backfill"), self.stream.cursor
        if "until" not in cursor:
            return [Window(now - back if back else newest, newest + second)]
        known = {name: datetime.fromisoformat(cursor[name]) for name in ("since", "until")}
        windows = [Window(known["until"] + second, newest + second, is_next=True)]
        if back and now - back < known["since"] - self.step:
            windows.append(Window(now - back, known["since"], is_past=True))
        return windows

    def _list_request(self, windows: list[Window], end: int | None = None, rest: bytes = b"") -> Request:
        """For the end of the list, as far back as is wanted, or for the part of it before the byte `end`."""
        oldest = self._oldest(windows)
        size = (datetime.now(UTC) - oldest + UNORDERED) // self.step * 4 * LIST_LINE + 64 * 1024
        size = max(1, min(size, LIST_PART))
        span = f"-{size}" if end is None else f"{max(0, end - size)}-{end - 1}"
        # A part of what is compressed would be no part of the list.
        return self._get(
            self.lists()[1],
            self.all_listed,
            self.not_listed,
            headers={"Range": f"bytes={span}", "Accept-Encoding": "identity"},
            cb_kwargs={"windows": windows, "rest": rest, "found": {}},
            download_maxsize=WHOLE_LIST,
            max_retry_times=self._retries(),
        )

    def all_listed(
        self, response: Response, windows: list[Window], rest: bytes, found: dict[str, File]
    ) -> Iterator[Request | Batch]:
        """The request for the part of the list before this one, or for the first file."""
        if response.status not in (200, 206):
            self._list_told(
                ok=False, status=f"{response.url}: {responses.answer_of(response).told}: {said(response.body)}"
            )
            return
        begin = _begin_of(response)
        text = response.body + rest
        cut = text.find(b"\n") + 1 if begin else 0  # its first line began in the part before
        files, wrong = self.listed(text[cut:])
        oldest = self._oldest(windows)
        if begin and (not files or min(file.time for file in files) > oldest - UNORDERED):
            request = self._list_request(windows, begin, text[:cut])
            request.cb_kwargs["found"] = found | {file.url: file for file in files}
            yield request
            return
        found |= {file.url: file for file in (*files, *self.newest)}
        if not found:
            self._list_told(ok=False, status=f"{response.url} names no file: {said(response.body)!r}")
            return
        for line in wrong:
            self.writer.refuse(Reject(self.name, "line", response.url, None, "is no size, md5 and URL", {"line": line}))
        yield from self._queue_up(windows, found.values())

    def not_listed(self, failure: Failure) -> None:
        """Note a list that did not come: what is new can not be told, so the cursor stays."""
        self._list_told(ok=False, status=f"{failure.request.url}: {_problem(failure)}")

    def _queue_up(self, windows: list[Window], listed: Iterable[File]) -> Iterator[Request | Batch]:
        files = sorted(listed, key=lambda file: file.time)
        missing = self.stream.cursor.get("missing", {}) if self._moves else {}
        gaps = self._gaps()
        for window in windows:
            inside = [file for file in files if window.since <= file.time < window.until]
            gaps -= {file.time for file in inside}
            wanted = [file for file in inside if file.url not in missing]
            self.files.extend((file, window) for file in (reversed(wanted) if window.is_past else wanted))
            self._note_gaps([window.since - timedelta(seconds=1)] * window.is_next + [file.time for file in inside])
        self.files.extendleft((file, None) for file in reversed(files) if file.time in gaps and file.url not in missing)
        if not self.files:  # that is an outcome too, beside those of files that are still missing
            self._list_told(ok=True, status="nothing new")
        known = {file.url: file for file in files}
        again = [File.of(url, kept) for url, kept in missing.items()]
        # What a list says of it now is right.
        again = [replace(known.get(file.url, file), failures=file.failures) for file in again]
        self.files.extendleft((file, None) for file in reversed(again))
        self.crawler.stats.set_value("newsbot/endpoints", len(self.files))
        yield from self._next()

    def _gaps(self) -> set[datetime]:
        """The times of files that were not in the list, and may still come."""
        kept = map(datetime.fromisoformat, self.stream.cursor.get("gaps", ()) if self._moves else ())
        return {time for time in kept if time > datetime.now(UTC) - LATE}

    def _oldest(self, windows: list[Window]) -> datetime:
        return min([*self._gaps(), *(window.since for window in windows)])

    def _note_gaps(self, times: list[datetime]) -> None:
        """Keep what is lacking between the times of files, in their order, for the next runs."""
        gaps = set()
        for before, time in pairwise(times):
            gaps |= {before + n * self.step for n in range(1, round((time - before) / self.step))}
        if not gaps:
            return
        shown = ", ".join(f"{time:%Y-%m-%d %H:%M}" for time in sorted(gaps)[:10])
        logger.warning("%s: %d files are not in the list, as that of %s", self.name, len(gaps), shown)
        if self._moves:
            self.stream.cursor["gaps"] = sorted(map(datetime.isoformat, gaps | self._gaps()))

    # The files

    @property
    def _moves(self) -> bool:
        """Whether the cursor follows: not for a time that was asked for by name."""
        return not (self.given.get("since") or self.given.get("until"))

    def _next(self) -> Iterator[Request]:
        if self.files:
            file, window = self.files.popleft()
            kwargs = {"file": file, "window": window}
            yield self._get(file.url, self.arrived, self.lost, cb_kwargs=kwargs, max_retry_times=TRIES)

    async def arrived(self, response: Response, file: File, window: Window | None) -> AsyncIterator[Batch | Request]:
        """The request for the next file, and the batch of this one."""
        async with self.turn:
            answer = responses.answer_of(response)
            problem = await asyncio.to_thread(mismatch, answer, file)
            again = (
                problem and answer.status == 200 and get_retry_request(response.request, spider=self, reason=problem)
            )
            if again:
                yield again
                return
            for request in self._next():  # it comes while this one is read
                yield request
            if problem:
                yield self._failed(file, window, problem)
                return
            try:
                batch, _, then = await asyncio.to_thread(self.read_file, answer, file)
            except Exception as error:  # what comes after it must not move the cursor past it
                logger.exception("%s can not be read", file.url)
                batch, then = None, Broken(f"{type(error).__name__}: {error}")
            if isinstance(then, Broken):
                yield self._failed(file, window, then.problem)
            else:
                yield self._settled(self._behind(file, window), batch)

    @errback
    async def lost(self, failure: Failure) -> AsyncIterator[Batch | Request]:
        """The batch of a file that did not come, and the request for the next one."""
        async with self.turn:
            for request in self._next():
                yield request
            yield self._failed(**failure.request.cb_kwargs, problem=_problem(failure))

    def _failed(self, file: File, window: Window | None, problem: str) -> Batch:
        again = self._moves and file.failures + 1 < RUNS
        if again:
            problem += f"; the next run asks for it again ({file.failures + 1} of {RUNS})"
        elif self._moves:
            problem += f"; given up after {RUNS} runs"
        outcome = Outcome(source_id=self.name, url=file.url, ok=False, status=problem)
        reject = Reject(self.name, "file", file.url, None, problem, {"size": file.size, "md5": file.md5})
        return self._settled(self._behind(file, window, missing=again), Batch(items=[reject], outcome=outcome))

    def _behind(self, file: File, window: Window | None, *, missing: bool = False) -> dict[str, Any] | None:
        """The cursor behind this file; None where it stays."""
        if not self._moves:
            return None
        cursor = self.stream.cursor
        kept = cursor.setdefault("missing", {})
        kept.pop(file.url, None)
        if missing:
            kept[file.url] = file.kept()
        gaps = self._gaps() - {file.time}
        cursor.pop("gaps", None)
        if gaps:
            cursor["gaps"] = sorted(map(datetime.isoformat, gaps))
        if window is not None:
            since = file.time if window.is_past else window.since
            cursor["since"] = min(since, datetime.fromisoformat(cursor.get("since", since.isoformat()))).isoformat()
            if not window.is_past:
                cursor["until"] = file.time.isoformat()
        return cursor | {"missing": dict(kept)}  # as it is now: the files after it change it

    def _settled(self, cursor: dict[str, Any] | None, batch: Batch) -> Batch:
        progress = progress_of(self.api, self.stream, cursor)
        return replace(batch, progress=progress, lane=self.stream.key, refused_runs=self.stream.refused_runs)

    def _get(self, url: str, callback: Any, errback: Any, **options: Any) -> Request:
        """A request that is spaced from others by the chain that it is part of, not by a quota."""
        given = {name: options.pop(name) for name in ("headers", "cb_kwargs") if name in options}
        meta = {"handle_httpstatus_list": responses.STATUSES, "download_timeout": PATIENCE} | options
        return Request(with_ascii_host(url), callback=callback, errback=errback, meta=meta, dont_filter=True, **given)

    def _list_told(self, *, ok: bool, status: str) -> None:
        if not ok and self._moves and "until" not in self.stream.cursor:
            self._keep_begin()
        self.writer.run.outcome(self.api.name, self.stream.source, ok=ok, status=status)

    def _keep_begin(self) -> None:
        """Of a first run without a list: the newest file of now, which was to be its first, is that of the next run."""
        now = datetime.now(UTC)
        begin = (now - (now - datetime.min.replace(tzinfo=UTC)) % self.step - 2 * self.step).isoformat()
        self.writer.save(progress_of(self.api, self.stream, {"since": begin, "until": begin}))

    def _retries(self) -> int:
        return self.crawler.settings.getint("RETRY_TIMES")


def _begin_of(response: Response) -> int:
    """The byte of the whole that an answer begins with."""
    if response.status != 206:
        return 0
    span = responses.answer_of(response).headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(span) if span.isdecimal() else 0


def _problem(failure: Failure) -> str:
    if failure.check(HttpError):
        return responses.answer_of(failure.value.response).told
    return (str(failure.value) or type(failure.value).__name__).splitlines()[0]
