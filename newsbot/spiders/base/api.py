"""The base for web APIs: a spider is a declaration, and a small method for each peculiarity of its API.

A spider reads streams one after the other, each with its own cursor, in chains of pages (`newsbot.readers.api`). The
items of a page go in a batch. A batch moves the cursor only after all pages that the new cursor covers.
"""

import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.batch import Again, Answer, Ask, Batch, Broken, Done, Outcome, fault_in_words
from newsbot.extraction.paths import PathError
from newsbot.hosts import with_ascii_host
from newsbot.items import Item
from newsbot.limits import QuotaSpentError
from newsbot.readers.api import chains, page_reader
from newsbot.readers.api.chains import DAY, HOUR, SECOND, Chain
from newsbot.readers.api.data import data_of, rows_of
from newsbot.readers.api.facts import Facts, has_too_many
from newsbot.readers.api.mapping import identity, mapper
from newsbot.readers.api.page_reader import BAD_ANSWERS, Read
from newsbot.readers.api.streams import MAX_TOLD, Call, RefusedError, Stream, Tries, UnreadableError, expect
from newsbot.sources.api import Api, HostKey
from newsbot.sources.options import NAME, RequestOptions
from newsbot.sources.secrets import secret_of
from newsbot.spiders.base import arguments, responses
from newsbot.spiders.base.errbacks import errback, pass_on
from newsbot.spiders.base.terms import terms
from newsbot.storage import articles, cursors, records, sources
from newsbot.storage.writer import Writer

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["DAY", "HOUR", "MAX_TOLD", "ApiSpider", "RefusedError", "Stream", "UnreadableError", "expect"]

logger = logging.getLogger(__name__)

MOST_KEYS = 100_000  # stored records that a run looks for in the answers
SMALLEST_GAP = timedelta(minutes=1)  # that a run reports; each retry of a first run over the API's whole reach has one


class ApiSpider(Spider):
    """Reads a web API.

    1. Set `name`, and `api` to the declaration.
    2. Write a hook where the declaration does not suffice, such as `rows` or `items`: see "What a subclass may say".
    """

    tells_outcomes = True  # reports the outcome of each stream; a run in which nothing is due asks nothing

    api: Api

    custom_settings: ClassVar[dict[str, Any]] = {
        "ROBOTSTXT_OBEY": False,  # default True: for spiders that follow links; the quota declares what an API allows
        "DOWNLOAD_DELAY": 0,  # default 1: the quota spaces the calls
        "RETRY_TIMES": 10,  # default 2: a missing page holds up all pages after it
        "RETRY_PRIORITY_ADJUST": 0,
    }

    @classmethod
    def from_crawler(cls, crawler: Crawler, **given: str) -> Self:
        """Read the arguments. Raises `ArgumentError`, and `NotConfigured` if a key is missing."""
        spider = super().from_crawler(crawler, _job=given.get("_job"))
        spider._take(given)
        secrets = [(key, secret_of(key.variable)) for key in spider.api.keys]
        for key, secret in secrets:
            if key.required and not secret:
                where = f"; get one at {key.signup}" if key.signup else ""
                raise NotConfigured(f"{key.variable} is not set: set it to your key for {spider.api.title}{where}")
        spider._keys_there = tuple(key for key, secret in secrets if secret)
        spider._terms = terms(spider.api, "".join(secret for _, secret in secrets) or None)
        spider._mapper = mapper(spider.api)
        spider._streams: deque[Stream] = deque()  # still to be read
        spider._under_way: Stream | None = None
        spider._stored: set[str] = set()  # keys of the stored records, for an API that gives all records each time
        return spider

    @classmethod
    def read_arguments(cls, given: Mapping[str, str], settings: "BaseSettings | None" = None) -> dict[str, Any]:
        """All arguments, as values. Raises `ArgumentError`, and the errors of `declaration`.

        Without settings it skips the checks that depend on them.
        """
        asked = cls.__new__(cls)  # only for `check_arguments`, as nothing is crawled
        asked.settings = settings
        asked._take(dict(given))
        return asked.given

    @classmethod
    def describe_arguments(cls, given: Mapping[str, str]) -> list[arguments.Described]:
        """The arguments, for the help, with those of the declaration that `given` names. Raises as `declaration`."""
        declared = arguments.described(cls.declaration(dict(given)))
        names = {each.name for each in declared}
        own = [name for name in cls.own_arguments() if name not in names]
        return [arguments.Described(name, cls.own_meanings.get(name, "")) for name in own] + declared

    def _take(self, given: dict[str, str]) -> None:
        self.api = self.declaration(given)
        self.given = arguments.read(self.name, given, arguments.of(self.api) | self.own_arguments())
        self.check_arguments()

    # What a subclass may say

    own_meanings: ClassVar[dict[str, str]] = {}  # help for those of `own_arguments` that the declaration lacks

    @classmethod
    def declaration(cls, given: dict[str, str]) -> Api:
        """The declaration to crawl by, which may depend on the arguments."""
        return cls.api

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """Further arguments, each with the function that reads it."""
        return {}

    def check_arguments(self) -> None:
        """Fill in the defaults. Raises `ArgumentError` for a missing value, or one that is not among the choices."""
        arguments.complete(self.name, self.api.arguments, self.given)

    def data(self, answer: Answer, stream: Stream | None = None) -> Any:
        """The data of an answer. Raises `UnreadableError`."""
        return data_of(self.api, answer, stream)

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """The records of an answer. Raises `UnreadableError`, or another ValueError."""
        return rows_of(self.api, data)

    def items(self, record: Any, stream: Stream) -> Iterable[Item]:
        """The items of a record. Raises `RefusedRecordError`."""
        yield self._mapper(record)

    async def look_up(self, rows: Sequence[Any], stream: Stream) -> None:
        """Called with the records of an answer before `items`, to look up facts that `items` needs."""

    async def known(self, external_ids: Sequence[str]) -> dict[str, bool]:
        """Those of these ids that the source's stored articles have, each with whether the source withdrew it."""
        return await self.writer.ask(partial(articles.known_ids, source_id=self.api.name, external_ids=external_ids))

    async def known_since(self, since: datetime) -> set[str]:
        """The ids of the source's articles from this time on, without those that it withdrew."""
        return await self.writer.ask(partial(articles.ids_since, source_id=self.api.name, since=since))

    def planned(self, stream: Stream, now: datetime) -> list[Chain]:
        """The chains to read of a stream, in their order."""
        return chains.planned(self.api, stream.cursor, self.given, now)

    def too_many(self, response: Response) -> bool:
        """Whether a refused page means that a slice has more hits than the API gives."""
        return has_too_many(self.api, response.status, response.body)

    def is_end(self, response: Response) -> bool:
        """Whether a refused page means that the API gives no further pages."""
        return False

    def after(self, stream: Stream) -> Iterable[Request]:
        """Requests to make once a stream is read, as `aside` makes them."""
        return ()

    # Asking

    async def start(self) -> AsyncIterator[Batch | Request]:
        """The first request of the first stream."""
        self._streams.extend(await self._opened())
        self.crawler.signals.connect(self._idle, signals.spider_idle)
        self.crawler.signals.connect(self._faulted, signals.spider_error)
        for each in self._begin():
            yield each

    async def _opened(self) -> list[Stream]:
        """The streams with their cursors, after writing the source to the database."""
        api, self.writer = self.api, Writer.of(self.crawler)
        ask = self.writer.ask
        source = {"id": api.name, "name": api.title, "language": api.language, "homepage": api.homepage}
        await ask(partial(sources.write, sources=[source | {"country": None}]))
        if api.record and api.record.columns:
            await ask(partial(records.describe, **_dataset(api)))
        if api.record and not api.arguments and not api.cursor and not api.placed:
            self._stored = await ask(partial(records.keys, dataset=api.record.dataset, most=MOST_KEYS))
        streams = self._asked()
        keys = [stream.key for stream in streams]
        known = await ask(partial(cursors.read, keys=keys))
        refused = await ask(partial(cursors.refused_runs, keys=keys))
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
        return Stream(source, cursors.key(self.api.name, asked, source), asked, values, dict(self._wanted(values)))

    def _wanted(self, values: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        """The values that the records should hold, by argument."""
        for name, argument in self.api.arguments.items():
            if argument.found and values.get(name):
                asked = arguments.values_of(argument, values[name])
                yield name, [each for each in asked if each != argument.default]

    def _begin(self) -> Iterator[Batch | Request]:
        """The first request of the next stream."""
        while self._streams:
            stream = self._streams.popleft()
            try:
                request = self._first(stream)
            except chains.CursorError as error:
                problem = self.unreadable(error)
            except Exception as error:  # a fault in a method of the spider: the other streams are read
                logger.exception("%s: the stream %s cannot begin", self.api.name, stream.source)
                problem = fault_in_words(error)
            else:
                self._under_way = stream
                self.writer.run.asking(self.api.name, stream.source)
                yield request
                return
            yield page_reader.broken(self.facts, stream, problem)[0]

    def _first(self, stream: Stream) -> Request:
        """The first request of a stream. Raises `CursorError`."""
        self._plan(stream)
        chain = stream.chains.popleft()
        self._look_for_gap(stream, chain)
        if self.api.cursor and not stream.cursor:
            stream.begin = chains.begun(chain)
        return self._request(page_reader.call(self.facts, stream, chain), stream)

    def _plan(self, stream: Stream) -> None:
        """Plan the chains of a stream, and note the remarks. Raises `CursorError`."""
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
        """Report a gap that the API no longer gives; from here on the cursor covers one piece."""
        until = stream.cursor.get("until")
        if until is None or not chain.moves or chain.since - datetime.fromisoformat(until) <= SMALLEST_GAP:
            return
        remark = f"it no longer goes back to {until[:16]}: read from {chain.since:%Y-%m-%dT%H:%M} on"
        logger.warning("%s: %s", stream.source, remark)
        stream.remarks[remark] = None
        stream.cursor = {"since": chain.since.isoformat(), "until": chain.since.isoformat()}

    @cached_property
    def facts(self) -> Facts:
        """The facts of the API for the reader."""
        return Facts(
            api=self.api,
            data=self.data,
            rows=self.rows,
            items=self.items,
            too_many=lambda answer: self.too_many(responses.response_of(answer)),
            is_end=lambda answer: self.is_end(responses.response_of(answer)),
            identity=identity(self.api),
            tries=self.crawler.settings.getint("RETRY_TIMES"),
            keys=tuple(key.variable for key in self._keys_there),
            stored=self._stored,
        )

    def _request(self, call: Call, stream: Stream) -> Request:
        return self.request(
            call.url,
            headers=call.headers,
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"stream": stream},
        )

    def request(self, url: str, **options: Any) -> Request:
        """A request that the quota counts, with the key for the API's host and no other."""
        declared = urlsplit(self.api.url)
        is_plain = declared.scheme == "http"
        keys = tuple(HostKey(declared.hostname, key, may_be_plain=is_plain) for key in self._keys_there)
        asked = RequestOptions(keys=keys, quota=self.api.quota, terms=self._terms, budget=self.given.get("budget"))
        meta = {"handle_httpstatus_list": responses.STATUSES, NAME: asked}
        return Request(with_ascii_host(url), meta=meta, dont_filter=True, **options)

    def aside(self, url: str, take: Callable[[Any], AsyncIterator[Batch | Request]]) -> Request:
        """A request beside the streams. Its answer goes to `take`, which may raise `UnreadableError`."""
        kwargs = {"take": take, "tries": Tries()}
        return self.request(url, callback=self._aside, errback=self._aside_failed, cb_kwargs=kwargs)

    # Answers

    async def answered(self, response: Response, stream: Stream) -> AsyncIterator[Batch | Request]:
        """The batch of a page with its items, then the next request."""
        answer = responses.answer_of(response)
        found = page_reader.look(answer, self.facts, stream)
        if isinstance(found, page_reader.Page):
            await self.look_up(found.rows, stream)
            found = page_reader.take(found, self.facts, stream)
        for each in self._follow(found, response.request):
            yield each

    def _follow(self, read: Read, request: Request) -> Iterator[Batch | Request]:
        """The batch of an answer, then the next requests."""
        batch, stream, then = read
        if batch is not None:
            yield batch
        match then:
            case Ask():
                for call in then.requests:
                    yield self._request(call, stream)
                return
            case Again():
                yield self._once_more(request, then.reason)
                return
            case Broken() if then.is_general:
                self._streams.clear()  # the others would fail in the same way
        self._under_way = None
        yield from self._begin()
        if isinstance(then, Done):  # behind the next stream: a fault in it must not hold the others up
            yield from self.after(stream)

    def _once_more(self, request: Request, reason: str) -> Request:
        """A retry of the request; the reader counts the attempts."""
        return get_retry_request(request, spider=self, reason=reason, max_retry_times=math.inf)

    @errback
    def failed(self, failure: Failure) -> Iterator[Batch | Request]:
        """Note a page that did not come. The cursor stays before it, so the next run asks again."""
        stream = failure.request.cb_kwargs["stream"]
        if failure.check(HttpError):
            found = page_reader.read(responses.answer_of(failure.value.response), self.facts, stream)
        else:  # a spent budget is not a failure: the next run goes on
            is_spent = failure.check(QuotaSpentError) is not None
            found = page_reader.broken(self.facts, stream, _message(failure), ok=is_spent)
        yield from self._follow(found, failure.request)

    def _faulted(self, failure: Failure, response: Any) -> None:
        """Report an error in a method of the spider, and end the stream that it was called for; the others go on."""
        if response is None:
            return  # in `start`: Scrapy ends the crawl
        request, problem = response.request, fault_in_words(failure.value)
        stream = request.cb_kwargs.get("stream")
        if not isinstance(stream, Stream):
            self.writer.run.outcome(self.api.name, request.url, ok=False, status=problem)
        elif self._under_way is not None and stream.key == self._under_way.key:  # not `is`: JOBDIR makes a copy
            self._break_off(stream, problem)
        else:
            self.writer.run.spoil(self.api.name, stream.source, problem)

    def _idle(self) -> None:
        """Report a stream whose request was dropped on its way out, without an errback, and go on."""
        if self._under_way is not None:
            url = self._under_way.url
            shown = f"{url[:MAX_TOLD]}{'...' if len(url) > MAX_TOLD else ''} ({len(url):,} characters)"
            problem = f"a setting or a middleware of this run dropped a request before it left: {shown}"
            self._break_off(self._under_way, problem)

    def _break_off(self, stream: Stream, problem: str) -> None:
        """End a stream outside a callback, where Scrapy takes no output."""
        self._under_way = None
        pass_on(self, page_reader.broken(self.facts, stream, problem)[0])
        for each in self._begin():
            if isinstance(each, Request):
                self.crawler.engine.crawl(each)
            else:
                pass_on(self, each)

    async def _aside(
        self, response: Response, take: Callable[[Any], AsyncIterator[Batch | Request]], tries: Tries
    ) -> AsyncIterator[Batch | Request]:
        answer = responses.answer_of(response)
        try:
            async for each in take(self.data(answer)):
                yield each
        except (UnreadableError, PathError) as error:
            if answer.status == 200 and tries.again(answer, min(BAD_ANSWERS, self.facts.tries)):
                yield self._once_more(response.request, "bad answer")
                return
            yield self._failed_aside(response.url, str(error))

    @errback
    def _aside_failed(self, failure: Failure) -> Iterator[Batch]:
        """Note that the request failed; the next run asks again."""
        yield self._failed_aside(failure.request.url, _message(failure), ok=failure.check(QuotaSpentError) is not None)

    def _failed_aside(self, url: str, problem: str, *, ok: bool = False) -> Batch:
        return Batch(outcome=Outcome(source_id=self.api.name, url=url, ok=ok, status=problem))


def _message(failure: Failure) -> str:
    lines = str(failure.value).splitlines()
    return lines[0] if lines else type(failure.value).__name__


def _dataset(api: Api) -> dict[str, Any]:
    columns = {
        name: {"type": column.type, "unit": column.unit, "description": column.description}
        for name, column in api.record.columns.items()
    }
    named = {"name": api.record.dataset, "title": api.title}
    return named | {"columns": columns, "source_id": api.name, "url": api.homepage}
