"""The base for web APIs: a spider is a declaration, and a small method for what its API has of its own.

Each thing that is asked for is a stream, with a cursor of its own. A stream is read in chains of pages: what is new, or
a part of the past, one after the other, cut into slices of time where that is declared. The items of a page go with a
checkpoint, and a checkpoint moves the cursor only when all pages of what it promises went before it.
"""

import json
import logging
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.extraction.paths import PathError, fill, path, places
from newsbot.extraction.values import ValueTypeError, moment
from newsbot.items import Checkpoint, Item
from newsbot.sources.api import Api, HostKey, LinkedPages, NumberedPages, TokenPages
from newsbot.spiders.base import answers, arguments, paging
from newsbot.spiders.base.mapping import RefusedRecordError, mapper
from newsbot.spiders.base.paging import BadPageError, Page
from newsbot.spiders.base.terms import terms
from newsbot.storage import cursors
from newsbot.storage.quotas import QuotaSpentError
from newsbot.storage.rejects import Reject
from newsbot.storage.store import Store

logger = logging.getLogger(__name__)

HOUR, DAY = 3_600, 86_400  # seconds, for declarations
RESTARTS = 50  # of a chain whose tokens are over, each with some progress
MAX_TOLD = 300  # characters of what an answer says
_BEHIND_THE_LAST = (400, 404, 410, 416, 422)  # what is said of a page behind the last, and of a token that is over
_KEY_REFUSED = (401, 403)
_SECOND = timedelta(seconds=1)


class UnreadableError(ValueError):
    """An answer that is not what the API is said to give; the message says what it is."""


@dataclass(slots=True)
class Stream:
    """One thing that is asked for, and how far it is read."""

    source: str  # what tells it from the others of this run
    key: str  # of its cursor
    arguments: Mapping[str, Any]  # those that make the cursor another one
    values: Mapping[str, Any]  # of all arguments
    cursor: dict[str, Any] = field(default_factory=dict)
    chains: list["Chain"] = field(default_factory=list)  # still to be read, the next one first
    last: Checkpoint | None = None  # that was yielded
    restarts: int = 0
    incomplete: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Chain:
    """Pages that belong together: what is new, a part of the past, or a slice of either."""

    since: datetime | None = None
    until: datetime | None = None
    moves: bool = True  # whether the cursor follows; not for a time that was asked for by name
    is_past: bool = False  # before what was read earlier: read from its end on, so that what is read stays in one piece
    span: tuple[datetime, datetime] | None = None  # of which this is a slice
    covers: datetime | None = None  # the time up to which it and what was read of it before reach, if not `until`
    page: Page = field(default_factory=Page)
    newest: Any = None  # time or id of the records so far
    oldest: datetime | None = None
    count: int = 0  # records so far


class ApiSpider(Spider):
    """See the module. A subclass sets `api` to its declaration."""

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
        spider.api = cls.declaration(given)
        spider.given = arguments.read(cls.name, given, arguments.of(spider.api) | cls.own_arguments())
        spider.check_arguments()
        key = spider.api.key
        secret = os.environ.get(key.variable) if key else None
        if key and not secret:
            where = f"; there is one at {key.signup}" if key.signup else ""
            raise NotConfigured(f"{key.variable} is not set: put your key for {spider.api.title} into it{where}")
        spider._secret = secret
        spider._terms = terms(spider.api, secret)
        spider._mapper = mapper(spider.api)
        spider._refused: str | None = None
        if key:
            crawler.settings.set("CONCURRENT_REQUESTS", 1, priority="spider")  # a wrong key is shown once, not often
        return spider

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
        """The records of an answer. Raises `UnreadableError`."""
        if self.api.none_as_empty and path(self.api.records)(data) is None:
            return []
        return expect(data, self.api.records, list)

    def items(self, record: Any, stream: Stream) -> Iterable[Item]:
        """The items of a record. Raises `RefusedRecordError`."""
        yield self._mapper(record)

    def after(self, stream: Stream) -> Iterable[Request]:
        """Requests for what is to be asked once a stream is read."""
        return ()

    # Asking

    async def start(self) -> AsyncIterator[Request]:
        """The first request of each stream."""
        self.store = Store.of(self.crawler)
        await self.store.keep_sources(
            [
                {
                    "id": self.api.name,
                    "name": self.api.title,
                    "country": None,
                    "language": self.api.language,
                    "homepage": self.api.homepage,
                }
            ]
        )
        streams = self._streams()
        known = await self.store.cursors([stream.key for stream in streams])
        self.crawler.stats.set_value("newsbot/endpoints", len(streams))
        for stream in streams:
            stream.cursor = known.get(stream.key, {})
            stream.chains = self._chains(stream)
            for request in self._next_chain(stream):
                yield request

    def _streams(self) -> list[Stream]:
        each = next((name for name, argument in self.api.arguments.items() if argument.each), None)
        timeless = {name: value for name, value in self.given.items() if name not in arguments.TIMES}
        streams = []
        for value in self.given[each] if each else [None]:
            values = timeless | ({each: value} if each else {})
            asked = {name: value for name, value in values.items() if value is not None}
            source = str(value) if each else self.api.name
            streams.append(Stream(source, cursors.key(self.api.name, asked, source), asked, values))
        return streams

    def _chains(self, stream: Stream) -> list[Chain]:
        """What is to be read: what is new and, with `backfill`, what was not read of the past."""
        now = datetime.now(UTC).replace(microsecond=0) + _SECOND
        cursor, given = self.api.cursor, self.given
        if given.get("since") or given.get("until"):
            until = given.get("until") or now
            first = timedelta(seconds=cursor.first if cursor else 86_400)
            return [self._chain(given.get("since") or until - first, until, moves=False)]
        if cursor is None or cursor.by != "time":
            return [self._chain(None, now)]
        back = given.get("backfill")
        if not stream.cursor:
            return [self._chain(now - (back or timedelta(seconds=cursor.first)), now)]
        covered = {name: datetime.fromisoformat(stream.cursor[name]) for name in ("since", "until")}
        chains = [self._chain(covered["until"] - timedelta(seconds=cursor.overlap), now)]
        if back and now - back < covered["since"]:
            chains.append(self._chain(now - back, covered["since"], is_past=True))
        return chains

    def _chain(self, since: datetime | None, until: datetime, **options: Any) -> Chain:
        chain = Chain(since=since, until=until, page=paging.first(self.api.pages), **options)
        if self.api.slices is None or since is None:
            return chain
        return _slice(replace(chain, span=(since, until)), timedelta(seconds=self.api.slices.longest))

    def _next_chain(self, stream: Stream) -> Iterator[Request]:
        if stream.chains and not self._refused:
            yield self._request(stream, stream.chains[0])

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
        headers = {name: fill(template, stream.values) for name, template in api.headers.items()}
        return self.request(
            url,
            headers={name: value for name, value in headers.items() if value is not None},
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"stream": stream, "chain": chain},
        )

    def request(self, url: str, **options: Any) -> Request:
        """A request that is counted, and carries the key to the API's host and no other."""
        meta: dict[str, Any] = {"handle_httpstatus_list": answers.STATUSES, "terms": self._terms}
        meta |= {"quota": self.api.quota, "budget": self.given.get("budget")}
        if self.api.key:
            meta["key"] = HostKey(urlsplit(self.api.url).hostname, self.api.key)
        return Request(url, meta=meta, dont_filter=True, **options)

    # Answers

    async def answered(self, response: Response, stream: Stream, chain: Chain) -> AsyncIterator[Checkpoint | Request]:
        """The checkpoint of a page with its items, then the request for what comes after it."""
        for each in self._answered(response, stream, chain):
            yield each

    def _answered(self, response: Response, stream: Stream, chain: Chain) -> Iterator[Checkpoint | Request]:
        slices = self.api.slices
        if slices and response.status in slices.statuses:
            yield from self._halve(stream, chain, f"HTTP status {response.status}: {self.said(response)}")
            return
        if response.status != 200:
            yield from self._refusal(response, stream, chain)
            return
        try:
            data = self.read(response)
            rows = self.rows(data, stream)
            hits = self._hits(data, rows, chain)
            if hits is None:
                following, fresh = paging.following(self.api.pages, chain.page, response, data, rows)
        except (UnreadableError, BadPageError, PathError) as error:
            again = get_retry_request(response.request, spider=self, reason="bad answer")
            yield from [again] if again else self._broken(stream, chain, str(error))
            return
        if hits is not None:
            (since, until), shortest = (chain.since, chain.until), timedelta(seconds=slices.shortest)
            if until - since > shortest:
                yield from self._halve(stream, chain, hits)
                return
            self._incomplete(stream, chain, hits)
            following, fresh = paging.following(self.api.pages, chain.page, response, data, rows)
        chain = self._seen(chain, fresh)
        over = following is None or self._is_before(chain, fresh)
        # A page of the past is not next to what is read, unless it is the last.
        each_page = self.api.cursor is not None and self.api.cursor.oldest_first and not chain.is_past
        moved = self._moved(stream, chain) if over or each_page else {}
        stream.last = Checkpoint(
            table="cursors",
            key=stream.key,
            columns=moved,
            items=self._items(fresh, stream),
            after=stream.last,
        )
        yield stream.last
        if over:
            yield from self._over(stream, chain)
        else:
            yield self._request(stream, replace(chain, page=following))

    def read(self, response: Response) -> Any:
        """What an answer says. Raises `UnreadableError`."""
        try:
            data = json.loads(response.body.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise UnreadableError(f"is not UTF-8 at byte {error.start}") from None
        except ValueError as error:
            kind = (answers.header(response, "Content-Type") or "no Content-Type").partition(";")[0]
            raise UnreadableError(f"is no JSON but {kind}: {self.said(response)!r} ({error})") from None
        except RecursionError:
            raise UnreadableError("is nested too deep to be read") from None
        if self.api.error and (problem := path(self.api.error)(data)):
            raise UnreadableError(f"says: {self._scrubbed(str(problem))[:MAX_TOLD]}")
        return data

    def said(self, response: Response) -> str:
        """The beginning of an answer, for a message: without the key, which some repeat."""
        text = response.body[: 4 * MAX_TOLD].decode("utf-8", "replace")
        return " ".join(self._scrubbed(text).split())[:MAX_TOLD]

    def _scrubbed(self, text: str) -> str:
        return text.replace(self._secret, "***") if self._secret else text

    def _items(self, rows: Iterable[Any], stream: Stream) -> Iterator[Item]:
        for row in rows:
            try:
                if not isinstance(row, dict):
                    raise RefusedRecordError(None, f"a record should be an object, and is {row!r:.80}")
                yield from self.items(row, stream)
            except (RefusedRecordError, PathError) as error:
                payload = row if isinstance(row, dict) else {"record": row}
                field = getattr(error, "field", None)
                self.store.refuse(Reject(self.api.name, "record", None, field, str(error), payload))

    # Where a chain is

    def _hits(self, data: Any, rows: Sequence[Any], chain: Chain) -> str | None:
        """How many hits there are, in words, where they are more than the API gives."""
        slices = self.api.slices
        if slices is None or slices.cap is None or chain.since is None:
            return None
        if slices.total:
            total = path(slices.total)(data)
            if not isinstance(total, int):
                raise UnreadableError(f"there should be a number at {slices.total!r}, and there is {total!r:.80}")
            return f"{total} hits" if total > slices.cap else None
        return f"{slices.cap} hits or more" if chain.page.received + len(rows) >= slices.cap else None

    def _halve(self, stream: Stream, chain: Chain, hits: str) -> Iterator[Request]:
        length = (chain.until - chain.since) / 2
        shortest = timedelta(seconds=self.api.slices.shortest)
        if chain.until - chain.since <= shortest:  # by its status: there is nothing that could be read
            self._incomplete(stream, chain, hits)
            yield from self._over(stream, chain)
            return
        stream.remarks = [f"read in slices, as it gives no more at once ({hits})"]
        length = max(shortest, timedelta(seconds=int(length.total_seconds())))
        chain = replace(chain, page=paging.first(self.api.pages))
        stream.chains[0] = _slice(chain, length)
        yield from self._next_chain(stream)

    def _incomplete(self, stream: Stream, chain: Chain, hits: str) -> None:
        reason = f"incomplete: {hits} from {chain.since:%Y-%m-%d %H:%M:%S} to {chain.until:%Y-%m-%d %H:%M:%S}"
        reason += ", more than the API gives"
        stream.incomplete.append(reason)
        logger.warning("%s: %s", stream.source, reason)
        payload = {"since": chain.since.isoformat(), "until": chain.until.isoformat(), "hits": hits}
        self.store.refuse(Reject(self.api.name, "slice", None, None, reason, payload))

    def _seen(self, chain: Chain, rows: Sequence[Any]) -> Chain:
        """The chain with the newest and oldest of what it has read."""
        cursor = self.api.cursor
        chain = replace(chain, count=chain.count + len(rows))
        if cursor is None or cursor.by == "token":
            return chain
        newest, oldest, get = chain.newest, chain.oldest, path(cursor.path)
        for row in rows:
            try:
                value = get(row) if isinstance(row, dict) else None
                if cursor.by == "time":
                    value = moment(value, self.api.timezone)
            except (PathError, ValueTypeError):
                continue  # the item is refused, or goes without a date
            if value is None:
                continue
            if cursor.by == "id":
                newest = value if newest is None or _order(value) > _order(newest) else newest
                continue
            newest, oldest = max(newest or value, value), min(oldest or value, value)
        return replace(chain, newest=newest, oldest=oldest)

    def _is_before(self, chain: Chain, rows: Sequence[Any]) -> bool:
        """Whether a page of an API that can not be asked for a time is older than what is wanted."""
        cursor = self.api.cursor
        if cursor is None or cursor.by != "time" or cursor.oldest_first or not rows or chain.since is None:
            return False
        if "since" in arguments.placed(self.api):
            return False
        this = self._seen(Chain(), rows)
        return this.newest is not None and this.newest < chain.since

    def _moved(self, stream: Stream, chain: Chain) -> dict[str, Any]:
        """The columns of the cursor after this chain, or this page; nothing where it stays."""
        cursor = self.api.cursor
        if cursor is None or not chain.moves:
            return {}
        if cursor.by == "time":
            # Where it is asked for up to a time, all up to there is read; else up to the newest that came.
            exact = "until" in arguments.placed(self.api) and not cursor.oldest_first
            until = (chain.covers or chain.until) if exact else min(chain.newest or chain.since, chain.until)
            if not stream.cursor:
                stream.cursor |= {"since": chain.since.isoformat(), "until": chain.since.isoformat()}
            if chain.is_past:
                stream.cursor["since"] = chain.since.isoformat()
            elif until > datetime.fromisoformat(stream.cursor["until"]):
                stream.cursor["until"] = until.isoformat()
        elif chain.newest is not None:
            stream.cursor["value"] = chain.newest
        return {
            "spider": self.api.name,
            "arguments": stream.arguments,
            "source": stream.source,
            "value": dict(stream.cursor),
        }

    def _over(self, stream: Stream, chain: Chain) -> Iterator[Request]:
        """What comes after a chain: its next slice, the next chain, or the end."""
        following = self._next_slice(chain)
        if following is None:
            stream.chains.pop(0)
        else:
            stream.chains[0] = following
        if stream.chains:
            yield from self._next_chain(stream)
            return
        status = "; ".join(stream.incomplete[:3] or ["ok", *stream.remarks])
        self._tell(stream, ok=not stream.incomplete, status=status)
        yield from self.after(stream)

    def _next_slice(self, chain: Chain) -> Chain | None:
        if chain.span is None:
            return None
        first, last = chain.span
        until = chain.covers or chain.until
        rest = (first, chain.since) if chain.is_past else (until, last)
        if rest[0] >= rest[1]:
            return None
        slices, length = self.api.slices, until - chain.since
        if slices.cap is None or chain.count < slices.cap / 2:  # one that was halved may be longer again
            length = min(2 * length, timedelta(seconds=slices.longest))
        fresh = Chain(moves=chain.moves, is_past=chain.is_past, span=rest, page=paging.first(self.api.pages))
        return _slice(fresh, length)

    # What goes wrong

    def failed(self, failure: Failure) -> Iterator[Request]:
        """Note a page that did not come. The cursor stays before it, so that the next run asks again."""
        kwargs = failure.request.cb_kwargs
        if failure.check(HttpError):
            yield from self._refusal(failure.value.response, **kwargs)
            return
        problem = str(failure.value) or type(failure.value).__name__
        # Nothing is wrong where a budget is spent: the next run goes on.
        spent = failure.check(QuotaSpentError) is not None
        yield from self._broken(**kwargs, problem=self._scrubbed(problem.splitlines()[0]), ok=spent)

    def _refusal(self, response: Response, stream: Stream, chain: Chain) -> Iterator[Request]:
        """What becomes of an answer that is none."""
        status, page = response.status, chain.page
        problem = f"{answers.told(response)}: {self.said(response)}"
        if self.api.key and status in _KEY_REFUSED:
            self._refused = f"the key in {self.api.key.variable} is refused ({problem})"
            yield from self._broken(stream, chain, self._refused)
        elif page.is_probe and status in _BEHIND_THE_LAST and isinstance(self.api.pages, NumberedPages):
            yield from self._over(stream, chain)
        elif page.token and status in _BEHIND_THE_LAST and isinstance(self.api.pages, TokenPages | LinkedPages):
            stream.restarts += 1
            if stream.restarts > RESTARTS:
                yield from self._broken(stream, chain, problem)
                return
            logger.info("%s: the token of a page is over, the chain begins anew: %s", stream.source, problem)
            yield self._request(stream, self._restarted(chain))
        else:
            yield from self._broken(stream, chain, problem)

    def _restarted(self, chain: Chain) -> Chain:
        """The chain from its beginning, less what is read of it where the API can be asked for that."""
        cursor = self.api.cursor
        chain = replace(chain, page=paging.first(self.api.pages))
        if cursor is None or cursor.by != "time" or not arguments.placed(self.api) >= {"since", "until"}:
            return chain
        if cursor.oldest_first:
            return replace(chain, since=max(chain.since, chain.newest or chain.since))
        if chain.oldest is None:
            return chain
        covers = chain.covers or chain.until
        return replace(chain, until=min(chain.until, chain.oldest + _SECOND), covers=covers)

    def _broken(self, stream: Stream, chain: Chain, problem: str, *, ok: bool = False) -> Iterator[Request]:
        """End a stream: what comes after a gap would move the cursor past it."""
        stream.chains.clear()
        self._tell(stream, ok=ok, status=problem)
        yield from ()

    def _tell(self, stream: Stream, *, ok: bool, status: str) -> None:
        self.store.outcome(self.api.name, stream.source, ok=ok, status=status)


_T = TypeVar("_T")

_NAMES = {dict: "an object", list: "a list", str: "a text"}


def expect(data: Any, where: str, kind: type[_T]) -> _T:
    """What is at `where` in an answer, a `dict` or a `list`. Raises `UnreadableError` with what is there instead."""
    found = path(where)(data)
    if isinstance(found, kind):
        return found
    keys = f"; it has {', '.join(map(repr, list(data)[:20]))}" if isinstance(data, dict) else ""
    what = "nothing" if found is None else f"{type(found).__name__} {found!r:.80}"
    raise UnreadableError(f"there should be {_NAMES[kind]} at {where!r}, and there is {what}{keys}")


def _slice(chain: Chain, length: timedelta) -> Chain:
    """The first slice of a chain's span; of the past, the last one."""
    first, last = chain.span
    if chain.is_past:
        return replace(chain, since=max(first, last - length), until=last)
    return replace(chain, since=first, until=min(last, first + length))


def _order(value: Any) -> tuple[int, Any]:
    """Ids in their order: numbers by size, also as text, and whatever their length."""
    text = str(value)
    return (0, int(text)) if text.isdecimal() else (1, text)
