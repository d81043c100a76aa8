"""The base for data in files, one for each step of time, with a list of their sizes and checksums.

A run asks for the new files since the cursor one by one, in the order of time. It finds files older than the newest
ones in the list, which it reads from its end. A file that does not come as the list says is reported and kept in the
cursor, so the next runs retry it; it holds up no other. A file that the list lacks, though it has the next one, is
reported, and the runs of the next day look for it in the list. After a
fault of the program it reads no further file, so that the cursor stays before the fault.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from scrapy import Request
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.batch import Answer, Batch, Broken, Outcome, Reject, Then, fault_in_words
from newsbot.hosts import with_ascii_host
from newsbot.readers.api import chains
from newsbot.readers.api.page_reader import progress_of
from newsbot.readers.api.streams import said
from newsbot.readers.listed_files import File, mismatch
from newsbot.spiders.base import responses
from newsbot.spiders.base.api import ApiSpider
from newsbot.spiders.base.errbacks import errback

logger = logging.getLogger(__name__)

RUNS = 10  # that retry a missing file before it is given up
TRIES = 3  # retries of a file in one run
LIST_PART = 8 * 1024 * 1024  # bytes of the list in one request; the whole may be a hundred times as large
LIST_LINE = 120  # bytes; the list has some lines for each step
WHOLE_LIST = 512 * 1024 * 1024  # bytes, if a server gives no parts
LATE = timedelta(days=1)  # by which a file may enter the list after its successor
UNORDERED = timedelta(hours=6)  # by which lines of the list may be out of order
PATIENCE = 600  # seconds for one file or part of the list


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time whose files a run wants, without its end."""

    since: datetime
    until: datetime
    is_past: bool = False  # before the span of the cursor: read from its end, so that the cursor covers one piece
    is_next: bool = False  # after the span of the cursor: begins a second after its last file


class FilesSpider(ApiSpider):
    """Reads files that a list names.

    1. Set `name`, `api`, and `step`.
    2. Write `lists`, the URLs of the lists; `listed`, which reads a list; and `read_file`, which reads a file.
    """

    step: timedelta  # between two files

    def lists(self) -> tuple[str, str]:
        """The URL of the list of the newest files, and that of the list of all files."""
        raise NotImplementedError

    def listed(self, text: bytes) -> tuple[list[File], list[str]]:
        """The files that a list, or a part of it, names, and its lines that are not valid."""
        raise NotImplementedError

    def read_file(self, answer: Answer, file: File) -> tuple[Batch | None, File, Then[str]]:
        """The batch of a file. Runs in its own thread."""
        raise NotImplementedError

    # The lists

    async def start(self) -> AsyncIterator[Request]:
        """The request for the list of the newest files, or for that of all files with `since` or `until`."""
        (self.stream,) = await self._opened()
        try:
            self._read_cursor()
        except ValueError as error:
            self.writer.run.outcome(self.api.name, self.stream.source, ok=False, status=self.unreadable(error))
            return
        self.files: deque[tuple[File, Window | None]] = deque()
        self.newest: list[File] = []
        self.turn = asyncio.Lock()  # read one file while the next one is fetched, and no more
        self.is_broken_off = False  # by a fault
        if self.given.get("since") or self.given.get("until"):
            until = self.given.get("until") or datetime.now(UTC)
            window = Window(self.given.get("since") or until - timedelta(days=1), until)
            yield self._list_request([window])
        else:
            yield self._get(self.lists()[0], self.newest_listed, self.not_listed, max_retry_times=self._retries())

    def _read_cursor(self) -> None:
        """Raise ValueError if the stored cursor is not valid; times in the future begin anew."""
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
        """The request for the list of all files if the newest ones do not suffice, else for the first file."""
        if response.status != 200:
            self._report_list(
                ok=False, status=f"{response.url}: {responses.answer_of(response).told}: {said(response.body)}"
            )
            return
        self.newest, wrong = self._read_list(response.url, response.body)
        if not self.newest:
            problem = f"{response.url} names no file: {(wrong or [said(response.body)])[0]!r}"
            again = get_retry_request(response.request, spider=self, reason="bad list")
            if again is None:
                self._report_list(ok=False, status=problem)
            yield from [again] if again else []
            return
        windows = self._windows(max(file.time for file in self.newest))
        if self._gaps() or any(window.is_past or window.since < window.until - self.step for window in windows):
            yield self._list_request(windows)
        else:
            yield from self._queue_up(windows, self.newest)

    def _windows(self, newest: datetime) -> list[Window]:
        """The span after the cursor and, with `backfill`, the unread span before it."""
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
        """The request for the end of the list, as far back as wanted, or for the part before the byte `end`."""
        oldest = self._oldest(windows)
        size = (datetime.now(UTC) - oldest + UNORDERED) // self.step * 4 * LIST_LINE + 64 * 1024
        size = max(1, min(size, LIST_PART))
        span = f"-{size}" if end is None else f"{max(0, end - size)}-{end - 1}"
        # A range of a compressed list could not be read.
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
        """The request for the previous part of the list, or for the first file."""
        if response.status not in (200, 206):
            self._report_list(
                ok=False, status=f"{response.url}: {responses.answer_of(response).told}: {said(response.body)}"
            )
            return
        begin = _begin_of(response)
        text = response.body + rest
        cut = text.find(b"\n") + 1 if begin else 0  # its first line begins in the previous part
        files, wrong = self._read_list(response.url, text[cut:])
        oldest = self._oldest(windows)
        if begin and (not files or min(file.time for file in files) > oldest - UNORDERED):
            request = self._list_request(windows, begin, text[:cut])
            request.cb_kwargs["found"] = found | {file.url: file for file in files}
            yield request
            return
        found |= {file.url: file for file in (*files, *self.newest)}
        if not found:
            self._report_list(ok=False, status=f"{response.url} names no file: {said(response.body)!r}")
            return
        for line in wrong:
            reason = "expected size, md5 and URL"
            self.writer.refuse(Reject(self.name, "line", response.url, None, reason, {"line": line}))
        yield from self._queue_up(windows, found.values())

    def _read_list(self, url: str, text: bytes) -> tuple[list[File], list[str]]:
        try:
            return self.listed(text)
        except Exception as error:
            self._report_list(ok=False, status=f"{url}: {fault_in_words(error)}")
            raise

    def not_listed(self, failure: Failure) -> None:
        """Report a list that did not come. The cursor stays, as the new files are not known."""
        self._report_list(ok=False, status=f"{failure.request.url}: {_problem(failure)}")

    def _queue_up(self, windows: list[Window], listed: Iterable[File]) -> Iterator[Request | Batch]:
        if self._is_first():
            self._keep_begin(windows[0].since - timedelta(seconds=1))
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
        if not self.files:  # this outcome stands beside those of files that are still missing
            self._report_list(ok=True, status="nothing new")
        known = {file.url: file for file in files}
        again = [File.of(url, kept) for url, kept in missing.items()]
        # The current list overrides the cursor.
        again = [replace(known.get(file.url, file), failures=file.failures) for file in again]
        self.files.extendleft((file, None) for file in reversed(again))
        self.crawler.stats.set_value("newsbot/endpoints", len(self.files))
        yield from self._next()

    def _gaps(self) -> set[datetime]:
        """The times of files that the list lacked and may still add."""
        kept = map(datetime.fromisoformat, self.stream.cursor.get("gaps", ()) if self._moves else ())
        return {time for time in kept if time > datetime.now(UTC) - LATE}

    def _oldest(self, windows: list[Window]) -> datetime:
        return min([*self._gaps(), *(window.since for window in windows)])

    def _note_gaps(self, times: list[datetime]) -> None:
        """Keep the missing steps between these ordered times of files, for the next runs."""
        gaps = set()
        for before, time in pairwise(times):
            gaps |= {before + n * self.step for n in range(1, round((time - before) / self.step))}
        if not gaps:
            return
        shown = ", ".join(f"{time:%Y-%m-%d %H:%M}" for time in sorted(gaps)[:10])
        logger.warning("%s: %d files are not in the list, such as that of %s", self.name, len(gaps), shown)
        if self._moves:
            self.stream.cursor["gaps"] = sorted(map(datetime.isoformat, gaps | self._gaps()))

    # The files

    @property
    def _moves(self) -> bool:
        """Whether the run moves the cursor: not with `since` or `until`."""
        return not (self.given.get("since") or self.given.get("until"))

    def _next(self) -> Iterator[Request]:
        if self.files:
            file, window = self.files.popleft()
            kwargs = {"file": file, "window": window}
            yield self._get(file.url, self.arrived, self.lost, cb_kwargs=kwargs, max_retry_times=TRIES)

    @asynccontextmanager
    async def _turn_of(self, file: File) -> AsyncIterator[None]:
        """One file at a time, and none after a fault: it would move the cursor past the file with the fault."""
        async with self.turn:
            try:
                yield
            except Exception as error:
                self.is_broken_off = True
                self.writer.run.outcome(self.name, file.url, ok=False, status=fault_in_words(error))
                raise

    async def arrived(self, response: Response, file: File, window: Window | None) -> AsyncIterator[Batch | Request]:
        """The request for the next file, and the batch of this one."""
        async with self._turn_of(file):
            if self.is_broken_off:
                return
            answer = responses.answer_of(response)
            problem = await asyncio.to_thread(mismatch, answer, file)
            again = (
                problem and answer.status == 200 and get_retry_request(response.request, spider=self, reason=problem)
            )
            if again:
                yield again
                return
            for request in self._next():  # fetch it while this one is read
                yield request
            if problem:
                yield self._failed(file, window, problem)
                return
            batch, _, then = await asyncio.to_thread(self.read_file, answer, file)
            if isinstance(then, Broken):
                yield self._failed(file, window, then.problem)
            else:
                yield self._settled(self._behind(file, window), batch)

    @errback
    async def lost(self, failure: Failure) -> AsyncIterator[Batch | Request]:
        """The batch of a file that did not come, and the request for the next one."""
        async with self._turn_of(failure.request.cb_kwargs["file"]):
            if self.is_broken_off:
                return
            for request in self._next():
                yield request
            yield self._failed(**failure.request.cb_kwargs, problem=_problem(failure))

    def _failed(self, file: File, window: Window | None, problem: str) -> Batch:
        again = self._moves and file.failures + 1 < RUNS
        if again:
            problem += f"; the next run retries it ({file.failures + 1} of {RUNS})"
        elif self._moves:
            problem += f"; given up after {RUNS} runs"
        outcome = Outcome(source_id=self.name, url=file.url, ok=False, status=problem)
        reject = Reject(self.name, "file", file.url, None, problem, {"size": file.size, "md5": file.md5})
        return self._settled(self._behind(file, window, missing=again), Batch(items=[reject], outcome=outcome))

    def _behind(self, file: File, window: Window | None, *, missing: bool = False) -> dict[str, Any] | None:
        """The cursor after this file; None if it does not move."""
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
        return cursor | {"missing": dict(kept)}  # a copy, as the next files change it

    def _settled(self, cursor: dict[str, Any] | None, batch: Batch) -> Batch:
        progress = progress_of(self.api, self.stream, cursor)
        return replace(batch, progress=progress, lane=self.stream.key, refused_runs=self.stream.refused_runs)

    def _get(self, url: str, callback: Any, errback: Any, **options: Any) -> Request:
        """A request outside the quota: each one waits for the previous one."""
        given = {name: options.pop(name) for name in ("headers", "cb_kwargs") if name in options}
        meta = {"handle_httpstatus_list": responses.STATUSES, "download_timeout": PATIENCE} | options
        return Request(with_ascii_host(url), callback=callback, errback=errback, meta=meta, dont_filter=True, **given)

    def _report_list(self, *, ok: bool, status: str) -> None:
        if not ok and self._is_first():
            now = datetime.now(UTC)
            self._keep_begin(now - (now - datetime.min.replace(tzinfo=UTC)) % self.step - 2 * self.step)
        self.writer.tell(Outcome(source_id=self.api.name, url=self.stream.source, ok=ok, status=status))

    def _is_first(self) -> bool:
        """Whether the run is to make the cursor, and no file has made it yet."""
        return self._moves and "until" not in self.stream.cursor

    def _keep_begin(self, begin: datetime) -> None:
        """Keep the start of a first run: if it gets no list, or no file, the next run begins there."""
        time = begin.isoformat()
        self.writer.save(progress_of(self.api, self.stream, {"since": time, "until": time}))

    def _retries(self) -> int:
        return self.crawler.settings.getint("RETRY_TIMES")


def _begin_of(response: Response) -> int:
    """The position in the list at which a response begins."""
    if response.status != 206:
        return 0
    span = responses.answer_of(response).headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(span) if span.isdecimal() else 0


def _problem(failure: Failure) -> str:
    if failure.check(HttpError):
        return responses.answer_of(failure.value.response).told
    return (str(failure.value) or type(failure.value).__name__).splitlines()[0]
