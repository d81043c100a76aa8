"""The base for web APIs: a spider is a declaration, and a small method for what its API has of its own.

Each thing that is asked for is a stream, with a cursor of its own; one is read after the other, in chains of pages
(`newsbot.spiders.base.chains`). The items of a page go in a batch, and a batch moves the cursor only when
all pages of what it promises went before it.
"""

import hashlib
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.batch import Batch, CursorProgress, Reject
from newsbot.extraction import charsets, lenient_json
from newsbot.extraction.paths import PathError, fill, holds, path, places
from newsbot.hosts import with_ascii_host
from newsbot.items import Item
from newsbot.sources.api import Api, HostKey, LinkedPages, NumberedPages, OffsetPages
from newsbot.sources.options import NAME, RequestOptions
from newsbot.sources.secrets import secret_of
from newsbot.spiders.base import answers, arguments, chains, paging
from newsbot.spiders.base.chains import DAY, HOUR, SECOND, Chain
from newsbot.spiders.base.errbacks import errback, pass_on
from newsbot.spiders.base.mapping import RefusedRecordError, identity, mapper
from newsbot.spiders.base.paging import BadPageError
from newsbot.spiders.base.terms import terms
from newsbot.storage import cursors
from newsbot.storage.quotas import QuotaSpentError
from newsbot.storage.store import Store

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["DAY", "HOUR", "MAX_TOLD", "ApiSpider", "RefusedError", "Stream", "UnreadableError", "expect"]

logger = logging.getLogger(__name__)

BAD_ANSWERS = 5  # times that a page is asked for again which came, but can not be read
BAD_PAGES = 2  # times that one is which can be read, but contradicts those before it
TOKEN_TRIES = 2  # times that a page is asked for again whose token is said to be over, before its chain begins anew
SAME_ANSWERS = 2  # times that any of these is asked for again where the answer is the same each time
RESTARTS = 10  # of a chain whose tokens are over, without coming further
DOUBTFUL_RESTARTS = 1  # of one whose tokens may as well be wrong each time
REFUSED_SLICES = 3  # in a row, as short as they may be: then it is not because of too many hits
MOST_KEYS = 100_000  # records of before that are looked for among those that come
MOST_NAMED = 10  # of those that did not come
MAX_TOLD = 300  # characters of what an answer says
SMALLEST_GAP = timedelta(minutes=1)  # that is told; where a first run goes as far back as the API, each retry has one
_OVER = (404, 410, 416)
_BEHIND_THE_LAST = (400, 422, *_OVER)  # what is said of a page behind the last, and of a token that is over
_KEY_REFUSED = (401, 403)
_NOT_KNOWN = (400, 404, 422)
# What is another one in each answer: the id of a request, a clock. A short number may be how far something has come.
_PASSING = re.compile(rb"(?<![\w:.+-])(?=[\w:.+-]{8})[A-Za-z_:.+-]*+\d[\w:.+-]*+")


class UnreadableError(ValueError):
    """An answer that is not what the API is said to give; the message says what it is."""


class GarbledError(UnreadableError):
    """An answer that is JSON but for a fault that can not be passed over."""


class RefusedError(UnreadableError):
    """An answer that says why there is nothing, and would say so again."""


@dataclass(slots=True)
class Stream:
    """One thing that is asked for, and how far it is read."""

    source: str  # what tells it from the others of this run
    key: str  # of its cursor
    arguments: Mapping[str, Any]  # those that make the cursor another one
    values: Mapping[str, Any]  # of all arguments
    cursor: dict[str, Any] = field(default_factory=dict)
    begin: dict[str, Any] = field(default_factory=dict)  # the cursor where a first run begins, until it is stored
    chains: deque[Chain] = field(default_factory=deque)  # still to be read, behind the one that is
    incomplete: list[str] = field(default_factory=list)
    refused: list["Refused"] = field(default_factory=list)  # slices in a row, as short as they may be
    count: int = 0  # records so far
    url: str = ""  # that was asked for last
    met: set[str] = field(default_factory=set)  # keys of records, where all should come
    remarks: dict[str, None] = field(default_factory=dict)  # in their order
    found: dict[str, set[str]] = field(default_factory=dict)  # of an argument, the values that records had
    refused_runs: int = 0  # before this one, in a row, of which all of an answer was refused
    withdrawn: int = 0  # records that stand for one that was taken back


class Refused(NamedTuple):
    """A slice of which nothing came."""

    chain: Chain
    problem: str
    body: str | None  # of an answer that can not be read; None for one that says that there are too many hits


class ApiSpider(Spider):
    """See the module. A subclass sets `api` to its declaration."""

    tells_outcomes = True  # of what it asks, and rightly asks nothing where nothing is due

    api: Api

    custom_settings: ClassVar[dict[str, Any]] = {
        "ROBOTSTXT_OBEY": False,  # default True: for what follows links; what an API allows is declared as its quota
        "DOWNLOAD_DELAY": 0,  # default 1: the quota spaces the calls
        "RETRY_TIMES": 10,  # default 2: a page that is missing holds up all that come after it
        "RETRY_PRIORITY_ADJUST": 0,
    }

    @classmethod
    def from_crawler(cls, crawler: Crawler, **given: str) -> Self:
        """Read the arguments. Raises `ArgumentError`, and `NotConfigured` where the key is missing."""
        spider = super().from_crawler(crawler, _job=given.get("_job"))
        spider._take(given)
        secrets = [(key, secret_of(key.variable)) for key in spider.api.keys]
        for key, secret in secrets:
            if key.required and not secret:
                where = f"; there is one at {key.signup}" if key.signup else ""
                raise NotConfigured(f"{key.variable} is not set: put your key for {spider.api.title} into it{where}")
        spider._keys_there = tuple(key for key, secret in secrets if secret)
        spider._terms = terms(spider.api, "".join(secret for _, secret in secrets) or None)
        spider._mapper = mapper(spider.api)
        spider._identity = identity(spider.api)
        spider._streams: deque[Stream] = deque()  # still to be read
        spider._under_way: Stream | None = None
        spider._stored: set[str] = set()  # keys of the records of before, of an API that gives all of them each time
        return spider

    @classmethod
    def read_arguments(cls, given: Mapping[str, str], settings: "BaseSettings | None" = None) -> dict[str, Any]:
        """The arguments as values, complete. Raises `ArgumentError`, and what `declaration` does.

        Without settings only what does not depend on them is checked.
        """
        asked = cls.__new__(cls)  # for its own check of the arguments alone, as nothing is crawled
        asked.settings = settings
        asked._take(dict(given))
        return asked.given

    def _take(self, given: dict[str, str]) -> None:
        self.api = self.declaration(given)
        self.given = arguments.read(self.name, given, arguments.of(self.api) | self.own_arguments())
        self.check_arguments()

    # What a subclass may say

    @classmethod
    def declaration(cls, given: dict[str, str]) -> Api:
        """The declaration."""
        return cls.api

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """Arguments beyond those of the declaration, each with the function that reads it."""
        return {}

    def check_arguments(self) -> None:
        """Fill in the defaults. Raises `ArgumentError` for what is missing or not among the choices."""
        arguments.complete(self.name, self.api.arguments, self.given)

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """The records of an answer. Raises `UnreadableError`, or another ValueError."""
        if self.api.none_as_empty and path(self.api.records)(data) is None:
            return []
        return expect(data, self.api.records, list)

    def items(self, record: Any, stream: Stream) -> Iterable[Item]:
        """The items of a record. Raises `RefusedRecordError`."""
        yield self._mapper(record)

    async def look_up(self, rows: Sequence[Any], stream: Stream, chain: Chain) -> None:
        """Called with the records of an answer before their items are made; for what is to be known of them."""

    async def known(self, external_ids: Sequence[str]) -> dict[str, bool]:
        """Which of these the source's articles have, and whether it took them back."""
        return await self.store.known_ids(self.api.name, external_ids)

    def planned(self, stream: Stream, now: datetime) -> list[Chain]:
        """What is to be read of a stream, in its order."""
        return chains.planned(self.api, stream.cursor, self.given, now)

    def too_many(self, response: Response) -> bool:
        """Whether a refusal means that a slice has more hits than the API gives."""
        slices = self.api.slices
        if slices is None or response.status not in slices.statuses:
            return False
        return slices.too_many is None or holds(slices.too_many, response.body)

    def after(self, stream: Stream) -> Iterable[Request]:
        """Requests for what is to be asked once a stream is read, as `aside` makes them."""
        return ()

    # Asking

    async def start(self) -> AsyncIterator[Batch | Request]:
        """The first request."""
        self._streams.extend(await self._opened())
        self.crawler.signals.connect(self._idle, signals.spider_idle)
        self.crawler.signals.connect(self._faulted, signals.spider_error)
        for each in self._begin():
            yield each

    async def _opened(self) -> list[Stream]:
        """The streams with their cursors, once the database knows the source."""
        api, self.store = self.api, Store.of(self.crawler)
        source = {"id": api.name, "name": api.title, "language": api.language, "homepage": api.homepage}
        await self.store.keep_sources([source | {"country": None}])
        if api.record and api.record.columns:
            await self.store.describe(_dataset(api))
        if api.record and not api.arguments and not api.cursor and not arguments.placed(api):
            self._stored = await self.store.record_keys(api.record.dataset, MOST_KEYS)
        streams = self._asked()
        keys = [stream.key for stream in streams]
        known, refused = await self.store.cursors(keys), await self.store.refused_runs(keys)
        for stream in streams:
            stream.cursor = known.get(stream.key, {})
            stream.refused_runs = refused.get(stream.key, 0)
        self.crawler.stats.set_value("newsbot/endpoints", len(streams))
        return streams

    def _asked(self) -> list[Stream]:
        each = next((name for name, argument in self.api.arguments.items() if argument.each), None)
        timeless = {name: value for name, value in self.given.items() if name not in arguments.TIMES}
        streams = []
        for value in self.given[each] if each else [None]:
            values = timeless | ({each: value} if each else {})
            streams.append(self._stream(values, str(value) if each else self.api.name))
        return streams

    def _stream(self, values: Mapping[str, Any], source: str) -> Stream:
        asked = {name: value for name, value in values.items() if value is not None and value is not False}
        return Stream(source, cursors.key(self.api.name, asked, source), asked, values)

    def _begin(self) -> Iterator[Batch | Request]:
        """The first request of the next stream."""
        while self._streams:
            stream = self._streams.popleft()
            try:
                self._plan(stream)
            except ValueError as error:
                self._tell(stream, self.unreadable(error), ok=False)
                continue
            self._under_way = stream
            chain = stream.chains.popleft()
            self.store.asking(self.api.name, stream.source)
            self._look_for_gap(stream, chain)
            if self.api.cursor and not stream.cursor:
                stream.begin = chains.begun(chain)
            yield self._request(stream, chain)
            return

    def _plan(self, stream: Stream) -> None:
        """What is to be read of a stream, and the remarks on that. Raises ValueError for its stored cursor."""
        now = datetime.now(UTC).replace(microsecond=0) + SECOND
        stored, stream.cursor = stream.cursor, chains.readable(self.api, stream.cursor, now)
        stream.chains.extend(self.planned(stream, now))
        chain, cursor, back = stream.chains[0], self.api.cursor, self.given.get("backfill")
        if stream.cursor != stored and cursor is not None and chain.moves:
            stream.remarks[f"its cursor stood in the future: read from {chain.since:%Y-%m-%dT%H:%M} on"] = None
        if back and cursor.reach is not None and back.total_seconds() >= cursor.reach + DAY:
            since = now - timedelta(seconds=cursor.reach)
            stream.remarks[f"it does not go back {back.days} days: read from {since:%Y-%m-%dT%H:%M} on"] = None

    def unreadable(self, error: ValueError) -> str:
        """The message about a stored cursor that cannot be read."""
        return f"its cursor cannot be read: {error}; `scrapy cursors reset {self.api.name}` begins anew"

    def _look_for_gap(self, stream: Stream, chain: Chain) -> None:
        """Tell what the API does not give any more; what is read is in one piece from here on."""
        until = stream.cursor.get("until")
        if until is None or not chain.moves or chain.since - datetime.fromisoformat(until) <= SMALLEST_GAP:
            return
        remark = f"it does not go back to {until[:16]} any more: read from {chain.since:%Y-%m-%dT%H:%M} on"
        logger.warning("%s: %s", stream.source, remark)
        stream.remarks[remark] = None
        stream.cursor = {"since": chain.since.isoformat(), "until": chain.since.isoformat()}

    def _request(self, stream: Stream, chain: Chain) -> Request:
        api = self.api
        if isinstance(api.pages, LinkedPages) and chain.page.token:
            url = chain.page.token
        else:
            values = {**stream.values, "since": chain.since, "until": chain.until}
            values["cursor"] = stream.cursor.get("value")
            url = fill(api.url, values, in_url=True)
            if url is None:
                raise ValueError(f"{api.name}: {api.url} lacks {', '.join(sorted(places(api.url)))}")
            filled = {name: fill(template, values) for name, template in api.params.items()}
            asked = {name: value for name, value in filled.items() if value is not None}
            asked |= paging.params(api.pages, chain.page)
            url += ("&" if "?" in url else "?") + urlencode(asked) if asked else ""
        stream.url = url
        headers = {name: fill(template, stream.values) for name, template in api.plain_headers.items()}
        return self.request(
            url,
            headers={name: value for name, value in headers.items() if value is not None},
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"stream": stream, "chain": chain},
        )

    def request(self, url: str, **options: Any) -> Request:
        """A request that is counted, and carries the key to the API's host and no other."""
        declared = urlsplit(self.api.url)
        is_plain = declared.scheme == "http"
        keys = tuple(HostKey(declared.hostname, key, may_be_plain=is_plain) for key in self._keys_there)
        told = RequestOptions(keys=keys, quota=self.api.quota, terms=self._terms, budget=self.given.get("budget"))
        meta = {"handle_httpstatus_list": answers.STATUSES, NAME: told}
        return Request(with_ascii_host(url), meta=meta, dont_filter=True, **options)

    def aside(self, url: str, take: Callable[[Any], AsyncIterator[Batch | Request]]) -> Request:
        """A request beside the streams, whose answer goes to `take`, which may raise `UnreadableError`."""
        return self.request(url, callback=self._aside, errback=self._aside_failed, cb_kwargs={"take": take})

    # Answers

    async def answered(self, response: Response, stream: Stream, chain: Chain) -> AsyncIterator[Batch | Request]:
        """The batch of a page with its items, then the request for what comes after it."""
        if response.status != 200:
            found = self._refusal(response, stream, chain)
        else:
            try:
                data = self.read(response, stream)
                rows = self.rows(data, stream)
                hits = self._hits(data, rows, chain)
            except ValueError as error:  # UnreadableError, PathError, BadPageError, or of a method of the spider
                found = self._unread(response, stream, chain, error)
            else:
                await self.look_up(rows, stream, chain)
                found = self._read(response, stream, chain, data, rows, hits)
        for each in found:
            yield each

    def _unread(self, response: Response, stream: Stream, chain: Chain, error: ValueError) -> Iterator[Batch | Request]:
        """What comes after an answer that can not be read."""
        if not isinstance(error, RefusedError) and (again := self._again(response)):
            yield again
        elif isinstance(error, GarbledError) and chain.span is not None:
            yield from self._narrowed(stream, chain, str(error), response.body.decode("utf-8", "replace"))
        else:
            yield from self._broken(stream, str(error))

    def _read(
        self, response: Response, stream: Stream, chain: Chain, data: Any, rows: Sequence[Any], hits: str | None
    ) -> Iterator[Batch | Request]:
        if hits is not None and not chain.is_incomplete:
            if narrower := self._narrower(stream, chain, hits, "read in slices, as it gives no more at once"):
                yield narrower
                return
            chain = self._incomplete(stream, chain, hits)
        following = problem = None
        try:
            following = paging.following(self.api.pages, chain.page, response, data, rows, self._identity)
        except (BadPageError, PathError) as error:
            if again := self._again(response, BAD_PAGES):
                yield again
                return
            problem = str(error)
        if not problem and chains.moves_by_page(self.api, chain):
            problem = chains.disorder(self.api, rows)
        items = list(self._items(rows, stream))
        self._pass_over(stream)
        stream.count += len(rows)
        if self._stored:
            stream.met.update(self._keys(rows))
        chain = chains.seen(self.api, chain, data, rows)
        over = following is None or chains.is_before(self.api, chain, data, rows, stream.cursor.get("value"))
        moves = not problem and (over or chains.moves_by_page(self.api, chain))
        self._look_through(stream, rows)
        yield self._batch(stream, chain, items, moves=moves, is_over=over)
        if problem:
            yield from self._broken(stream, problem)
        elif over:
            yield from self._over(stream, chain)
        else:
            yield self._request(stream, replace(chain, page=following))

    def _again(self, response: Response, times: int = BAD_ANSWERS) -> Request | None:
        """The request once more; fewer times where the answer is the same each time, ids and clocks in it aside."""
        answer = hashlib.sha256(_PASSING.sub(b"0", response.body)).digest()
        options = response.meta[NAME]
        before, same = options.bad_answer
        same = same + 1 if before == answer else 0
        if same == SAME_ANSWERS:
            return None
        times = min(times, self.crawler.settings.getint("RETRY_TIMES"))
        again = get_retry_request(response.request, spider=self, reason="bad answer", max_retry_times=times)
        if again is not None:
            options.bad_answer = answer, same
        return again

    def read(self, response: Response, stream: Stream | None = None) -> Any:
        """What an answer says; what is wrong with its JSON is a remark of the stream. Raises `UnreadableError`."""
        if response.status != 200:
            raise UnreadableError(f"{answers.told(response)}: {said(response)}")
        content_type = answers.header(response, "Content-Type")
        try:
            data, wrong = lenient_json.read(response.body, charsets.in_header(content_type), self.api.language)
        except UnicodeDecodeError as error:
            raise _unreadable(response, f"is not UTF-8 at byte {error.start}") from None
        except ValueError as error:
            kind = (content_type or "no Content-Type").partition(";")[0]
            raise _unreadable(response, f"is no JSON but {kind}: {said(response)!r} ({error})") from None
        except RecursionError:
            raise UnreadableError("is nested too deep to be read") from None
        if self.api.error and (problem := path(self.api.error)(data)):
            raise UnreadableError(f"says: {str(problem)[:MAX_TOLD]}")
        for remark in wrong:
            logger.warning("%s: %s", response.url, remark)
            if stream:
                stream.remarks[remark] = None
        return data

    def _items(self, rows: Iterable[Any], stream: Stream) -> Iterator[Item | Reject]:
        met: dict[Hashable, Any] = {}
        for row in rows:
            try:
                if not isinstance(row, dict):
                    raise RefusedRecordError(None, f"a record should be an object, and is {row!r:.80}")
                if self._is_withdrawn(row):
                    continue
                if met.setdefault(self._identity(row), row) != row:
                    raise RefusedRecordError(None, "it came before in this answer with other values, which are kept")
                yield from self.items(row, stream)
            except RefusedRecordError as error:
                yield self._refused(row, error.field, str(error))
            except PathError as error:  # a function of a path did not like a value
                yield self._refused(row, None, str(error))

    def _is_withdrawn(self, row: Any) -> bool:
        return self.api.withdrawn is not None and bool(path(self.api.withdrawn)(row))

    def _look_through(self, stream: Stream, rows: Sequence[Any]) -> None:
        """Note what is to be told of the records as a whole."""
        rows = [row for row in rows if isinstance(row, dict)]
        for row in rows if self.api.withdrawn else ():
            with suppress(PathError):  # it is refused when it is mapped
                stream.withdrawn += self._is_withdrawn(row)
        for name, argument in self.api.arguments.items():
            if argument.found and stream.values.get(name):
                found = map(path(argument.found), rows)
                values = (value for each in found for value in (each if isinstance(each, list) else [each]))
                stream.found.setdefault(name, set()).update(str(value).casefold() for value in values)

    def _missing(self, stream: Stream) -> list[str]:
        """What was asked for and did not come, though other things did: the service does not know it, or has none."""
        missing = []
        for name, found in stream.found.items():
            argument = self.api.arguments[name]
            asked = [each for each in arguments.values_of(argument, stream.values[name]) if each != argument.default]
            lacking = [each for each in asked if each.casefold() not in found]
            if found and lacking:
                missing.append(f"missing: nothing came of -a {name}={','.join(lacking)}")
        return missing

    def _refused(self, row: Any, field_: str | None, reason: str) -> Reject:
        payload = row if isinstance(row, dict) else {"record": row}
        return Reject(self.api.name, "record", None, field_, reason, payload)

    def _batch(
        self,
        stream: Stream,
        chain: Chain,
        items: Iterable[Item | Reject] = (),
        *,
        moves: bool = True,
        is_over: bool = True,
    ) -> Batch:
        """What a page brought, with the cursor behind it if it `moves`."""
        value = stream.begin
        if moves:
            value = chains.moved(self.api, stream.cursor or stream.begin, chain, is_over=is_over)
        return self._moved(stream, value, items)

    def _moved(self, stream: Stream, value: dict[str, Any], items: Iterable[Item | Reject] = ()) -> Batch:
        """A batch with a value of the cursor; with none, it stays."""
        if value:
            stream.cursor, stream.begin = value, {}
        progress = self._progress(stream, value or None)
        return Batch(items=items, progress=progress, lane=stream.key, refused_runs=stream.refused_runs)

    def _progress(self, stream: Stream, value: dict[str, Any] | None) -> CursorProgress:
        return CursorProgress(
            key=stream.key, spider=self.api.name, arguments=stream.arguments, source=stream.source, value=value
        )

    def _over(self, stream: Stream, chain: Chain) -> Iterator[Batch | Request]:
        """What comes after a chain: its next slice, the next chain, the next stream."""
        if chain.page.remark:
            stream.remarks[chain.page.remark] = None
        if self.api.cursor and chain.count and chain.newest is None:
            stream.remarks[f"there is nothing at {self.api.cursor.path!r}, which the cursor goes by"] = None
        following = chains.next_slice(self.api, chain)
        if following is None and stream.chains:
            following = stream.chains.popleft()
        if following is not None:
            yield self._request(stream, following)
            return
        self._pass_over(stream)
        stream.incomplete += self._missing(stream)
        few = self._too_few(stream)
        self._tell(stream, few, ok=few is None)
        yield from self.after(stream)
        yield from self._begin()

    def _too_few(self, stream: Stream) -> str | None:
        """What is wrong with the number of all records that came, as the service answers and something is missing."""
        least = self.api.at_least
        if least is not None and stream.count < least:
            return f"{stream.count} records came, and {least} at least are expected"
        if gone := self._stored - stream.met:
            before, named = len(self._stored), ", ".join(f"{key:.80}" for key in sorted(gone)[:MOST_NAMED])
            told = f"{len(gone)} of the {before} records of before did not come, as {named}; they stay"
            if 2 * len(gone) > before:
                return told
            stream.remarks[told] = None
        return None

    def _keys(self, rows: Iterable[Any]) -> Iterator[str]:
        """The keys of records, as they are stored."""
        key_of = path(self.api.record.key)
        for row in rows:
            with suppress(PathError):  # it is refused when it is mapped
                yield str(key_of(row))

    # More than the API gives

    def _hits(self, data: Any, rows: Sequence[Any], chain: Chain) -> str | None:
        """How many hits there are, in words, where they are more than the API gives."""
        slices = self.api.slices
        if slices is None or slices.cap is None or chain.since is None:
            return None
        if slices.total:
            total = paging.told_count(slices.total, data)
            return f"{total} hits" if total > slices.cap else None
        return f"{slices.cap} hits or more" if chain.count + len(rows) >= slices.cap else None

    def _narrower(self, stream: Stream, chain: Chain, problem: str, remark: str) -> Request | None:
        half = chains.halved(self.api, chain)
        if half is None:
            return None
        stream.remarks.setdefault(remark)
        logger.info("%s: %s from %s to %s, halved", stream.source, problem, chain.since, chain.until)
        return self._request(stream, half)

    def _incomplete(self, stream: Stream, chain: Chain, problem: str, body: str | None = None) -> Chain:
        """Tell of a slice of which not all is read: it has more hits than are given, or can not be read."""
        reason = f"incomplete: {problem} from {chain.since:%Y-%m-%d %H:%M:%S} to {chain.until:%Y-%m-%d %H:%M:%S}"
        reason += ", more than the API gives" if body is None else ""
        stream.incomplete.append(reason)
        logger.warning("%s: %s", stream.source, reason)
        payload = {"since": chain.since.isoformat(), "until": chain.until.isoformat()}
        payload |= {"hits": problem} if body is None else {"body": body}
        self.store.refuse(Reject(self.api.name, "slice", None, None, reason, payload))
        return replace(chain, is_incomplete=True)

    # What goes wrong

    @errback
    def failed(self, failure: Failure) -> Iterator[Batch | Request]:
        """Note a page that did not come. The cursor stays before it, so that the next run asks again."""
        kwargs = failure.request.cb_kwargs
        if failure.check(HttpError):
            yield from self._refusal(failure.value.response, **kwargs)
            return
        # Nothing is wrong where a budget is spent: the next run goes on.
        yield from self._broken(kwargs["stream"], _told(failure), ok=failure.check(QuotaSpentError) is not None)

    def _refusal(self, response: Response, stream: Stream, chain: Chain) -> Iterator[Batch | Request]:
        """What becomes of an answer that is none."""
        status, page, pages = response.status, chain.page, self.api.pages
        problem = f"{answers.told(response)}: {said(response)}"
        is_behind = status in _BEHIND_THE_LAST
        if page.is_probe and isinstance(pages, NumberedPages | OffsetPages) and (is_behind or self.too_many(response)):
            yield self._batch(stream, chain)
            yield from self._over(stream, chain)
        elif self.too_many(response):
            yield from self._narrowed(stream, chain, problem)
        elif is_behind and (before := paging.before(pages, page)):
            yield self._request(stream, replace(chain, page=before))
        elif page.token and is_behind and page.depth != chain.depth and (again := self._again(response, TOKEN_TRIES)):
            yield again  # but for the page that the chain began anew for
        elif page.token and is_behind and chain.restarts < (RESTARTS if status in _OVER else DOUBTFUL_RESTARTS):
            logger.info("%s: the token of a page is over, the chain begins anew: %s", stream.source, problem)
            yield self._request(stream, chains.restarted(self.api, chain))
        elif self._keys_there and status in _KEY_REFUSED:
            self._streams.clear()  # not once more with the others
            stream.begin = {}  # nothing began
            variables = " or ".join(key.variable for key in self._keys_there)
            yield from self._broken(stream, f"the key in {variables} is refused ({problem})")
        else:
            doubt = self._doubt(stream) if status in _NOT_KNOWN else ""
            yield from self._broken(stream, problem + doubt + self._hint(stream, chain))

    def _doubt(self, stream: Stream) -> str:
        """What an API that refuses may not know."""
        named = (name for name, argument in self.api.arguments.items() if argument.found and stream.values.get(name))
        asked = " ".join(f"-a {name}={stream.values[name]}" for name in named)
        return f"; does it know {asked}?" if asked else ""

    def _hint(self, stream: Stream, chain: Chain) -> str:
        """What may help where a cursor is over, or goes back further than a first run would, as after a long rest."""
        cursor = self.api.cursor
        if not stream.cursor or chain.is_past or not chain.moves or chain.page.depth:
            return ""
        if cursor.by != "time":
            return f"; if its cursor is over, `scrapy cursors reset {self.api.name}` begins anew"
        if datetime.now(UTC) - chain.since <= timedelta(seconds=cursor.first + cursor.overlap):
            return ""
        asked = f"; asked from {chain.since:%Y-%m-%d} on"
        return f"{asked}: if it does not go back so far, `scrapy cursors reset {self.api.name}` begins anew"

    def _narrowed(
        self, stream: Stream, chain: Chain, problem: str, body: str | None = None
    ) -> Iterator[Batch | Request]:
        """What comes after a slice that is refused for too many hits or, with its body, can not be read: one half as
        long, or what is behind it."""
        remark = "read in slices, as it gives no more at once" if body is None else "read in slices, as one is garbled"
        if narrower := self._narrower(stream, chain, problem, remark):
            yield narrower
            return
        if chain.count:
            if not chain.is_incomplete:
                self._incomplete(stream, chain, problem, body)
            yield self._batch(stream, chain)
            yield from self._over(stream, chain)
            return
        # One of which nothing came does not move the cursor; what is behind it will.
        stream.refused.append(Refused(chain, problem, body))
        if len(stream.refused) < REFUSED_SLICES:
            yield from self._over(stream, chain)
            return
        stream.refused.clear()
        what = "refused, as short as they may be, so it is not for too many hits"
        if body is not None:
            what = "garbled, as short as they may be, so it is not one record"
        yield from self._broken(stream, f"{REFUSED_SLICES} slices in a row are {what}: {problem}")

    def _pass_over(self, stream: Stream) -> None:
        """Tell of slices of which nothing came, as others are read."""
        for chain, problem, body in stream.refused:
            self._incomplete(stream, chain, problem, body)
        stream.refused.clear()

    def _broken(self, stream: Stream, problem: str, *, ok: bool = False) -> Iterator[Batch | Request]:
        """End a stream: what comes after a gap would move the cursor past it. A first run's begin is kept."""
        if stream.begin:
            yield self._moved(stream, stream.begin)
        stream.chains.clear()
        self._tell(stream, problem, ok=ok)
        yield from self._begin()

    def _faulted(self, failure: Failure) -> None:
        """A fault in a method of the spider, which the log has with its traceback, ends the stream; others are read."""
        if self._under_way is not None:
            told = f"{failure.type.__name__}: {failure.getErrorMessage()}; the log says where"
            self._break_off(self._under_way, told)

    def _idle(self) -> None:
        """Tell of a stream whose request was dropped on its way out, which has no errback; the next ones are read."""
        if self._under_way is not None:
            url = self._under_way.url
            problem = "a request was dropped before it left, by a setting or a middleware of this run"
            told = f"{problem}: {url[:MAX_TOLD]}{'...' if len(url) > MAX_TOLD else ''} ({len(url):,} characters)"
            self._break_off(self._under_way, told)

    def _break_off(self, stream: Stream, problem: str) -> None:
        """End a stream where nobody takes what is yielded."""
        for each in self._broken(stream, problem):
            if isinstance(each, Request):
                self.crawler.engine.crawl(each)
            else:
                pass_on(self, each)

    def _tell(self, stream: Stream, problem: str | None, *, ok: bool) -> None:
        self._under_way = None
        told = [*stream.incomplete[:3], *stream.remarks]
        if stream.withdrawn:
            told.append(f"{stream.withdrawn} records stand for withdrawn ones and were left out")
        status = "; ".join([problem, *told] if problem else told if stream.incomplete else ["ok", *told])
        self.store.outcome(self.api.name, stream.source, ok=ok and not stream.incomplete, status=status)

    async def _aside(
        self, response: Response, take: Callable[[Any], AsyncIterator[Batch | Request]]
    ) -> AsyncIterator[Batch | Request]:
        try:
            async for each in take(self.read(response)):
                yield each
        except (UnreadableError, PathError) as error:
            if response.status == 200 and (again := self._again(response)):
                yield again
                return
            self.store.outcome(self.api.name, response.url, ok=False, status=str(error))

    def _aside_failed(self, failure: Failure) -> None:
        """Note what could not be looked at; the next run does."""
        ok = failure.check(QuotaSpentError) is not None
        self.store.outcome(self.api.name, failure.request.url, ok=ok, status=_told(failure))


_T = TypeVar("_T")

_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def expect(data: Any, where: str, kind: type[_T]) -> _T:
    """What is at `where` in an answer, of a kind of `_NAMES`. Raises `UnreadableError` with what is there."""
    found = path(where)(data)
    if isinstance(found, kind):
        return found
    keys = f"; it has {', '.join(map(repr, list(data)[:20]))}" if isinstance(data, dict) else ""
    what = "nothing" if found is None else f"{type(found).__name__} {found!r:.80}"
    raise UnreadableError(f"there should be {_NAMES[kind]} at {where!r}, and there is {what}{keys}")


def said(response: Response) -> str:
    """The beginning of an answer, for a message."""
    return " ".join(response.body[: 4 * MAX_TOLD].decode("utf-8", "replace").split())[:MAX_TOLD]


def _unreadable(response: Response, problem: str) -> UnreadableError:
    """Of what begins as JSON a part may be read; a page of HTML says that nothing came."""
    is_json = response.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    return GarbledError(problem) if is_json else UnreadableError(problem)


def _told(failure: Failure) -> str:
    lines = str(failure.value).splitlines()
    return lines[0] if lines else type(failure.value).__name__


def _dataset(api: Api) -> dict[str, Any]:
    columns = {
        name: {"type": column.type, "unit": column.unit, "description": column.description}
        for name, column in api.record.columns.items()
    }
    named = {"name": api.record.dataset, "title": api.title}
    return named | {"columns": columns, "source_id": api.name, "url": api.homepage}
