"""The base for what is asked again and again: feeds, sitemaps, section pages.

It asks with the validators of last time, lets the spider read the answer, and yields the items with a checkpoint that
is saved with or after them. What a subclass says: which endpoints there are, and how to read an answer.
"""

import hashlib
import marshal
import math
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.enrichment.identity import MAX_ID, identify
from newsbot.extraction.sitemaps import newest_first
from newsbot.hosts import with_ascii_host
from newsbot.items import Article, Checkpoint
from newsbot.logins import has_login, without_login
from newsbot.sources.api import HostKey
from newsbot.sources.model import Source
from newsbot.sources.secrets import LoginError
from newsbot.spiders.base import answers
from newsbot.storage import feeds
from newsbot.storage.feeds import FeedState
from newsbot.storage.store import Store

DEFAULT_INTERVAL = 900  # seconds, until a feed has shown how often it changes
DAY = 86_400  # seconds
CLOCKS = 3_600  # seconds that a site's clock may be off

_GONE = "gone (410): take it out of the catalogue, or have it asked again by `scrapy sources reset {}`"
_SAYS_GONE = "HTTP status 410, gone: it is asked daily for a week; `scrapy sources reset {}` has it asked at once"

# Kinds of answers whose entries may share a link; on other pages a link that is there twice leads to one article.
FEEDS = {"rss", "atom", "rdf", "json"}

_PERMANENT = {301, 308}


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One address that is polled."""

    url: str
    source: Source
    kind: str  # "feed", "news_sitemap" or "section": what the catalogue says that it is
    facts: Any = None  # what the subclass needs to read it
    depth: int = 0  # of sitemaps: how many indexes lead here
    modified: float | None = None  # of a child of an index: when it was changed at the latest, in Unix seconds
    key: HostKey | None = None  # the login, and who gets it: the host that the catalogue names, no child's
    name: str = field(init=False)  # what it is called in the database and for users: the URL, bounded, without a login

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", feeds.key(without_login(self.url)))


@dataclass(slots=True)
class Reading:
    """What an answer holds."""

    kind: str  # what it turned out to be
    entries: Sequence[Mapping[str, Any]] = ()
    interval: int | None = None  # seconds that it asks to wait between two fetches
    children: Sequence[Endpoint] = ()  # of an index: to be fetched too, as many as a run takes
    whole: bool = True  # False for a part: its validators and its entries would hide the rest
    validated: bool = True  # False where it may be a part: its validators would hide the rest, the same entries do not
    remark: str | None = None  # what a user should know although nothing failed


class UnreadableError(ValueError):
    """An answer that is not what the endpoint is said to be; the message says what it is and what helps."""


class PollingSpider(Spider):
    """See the module."""

    due_only: bool = False

    def endpoints(self) -> Iterable[Endpoint]:
        """The addresses to poll."""
        raise NotImplementedError

    def read(self, response: Response, endpoint: Endpoint) -> Reading:
        """What an answer holds. Raises `UnreadableError`."""
        raise NotImplementedError

    def item(self, entry: Mapping[str, Any], reading: Reading, endpoint: Endpoint) -> Article:
        """The item of one entry."""
        raise NotImplementedError

    def items(self, reading: Reading, endpoint: Endpoint) -> Iterator[Article]:
        """The items of an answer, each with what tells its entry from the others."""
        identities = identify(reading.entries, share_links=reading.kind in FEEDS)
        for entry, identity in zip(reading.entries, identities, strict=True):
            article = self.item(entry, reading, endpoint)
            article.entry = identity
            article.external_id = article.external_id or identity.id or _short(entry.get("id"))
            article.canonical_url = article.canonical_url or identity.link
            yield article

    def fingerprint(self, endpoint: Endpoint) -> str:
        """Stands for how an endpoint is read: with another one, the same answer is read again."""
        raise NotImplementedError

    async def start(self) -> AsyncIterator[Request | Checkpoint]:
        """A request for each endpoint whose time has come."""
        self.store = Store.of(self.crawler)
        self._met: dict[str, Endpoint] = {}  # of this run, by URL
        endpoints = list(self.endpoints())
        sources = {endpoint.source.id: endpoint.source for endpoint in endpoints}
        await self.store.keep_sources(
            {
                "id": source.id,
                "name": source.name,
                "country": source.country,
                "language": source.language,
                "homepage": source.homepage,
            }
            for source in sources.values()
        )
        self.crawler.stats.set_value("newsbot/endpoints", len(endpoints))
        async for each in self._ask_all(self._unmet(endpoints), due_only=self.due_only):
            yield each

    async def _ask_all(
        self, endpoints: Sequence[Endpoint], *, due_only: bool = False, in_order: bool = False
    ) -> AsyncIterator[Request | Checkpoint]:
        """The requests of those that do not rest; Scrapy would send the last first."""
        states = await self.store.feed_states([endpoint.name for endpoint in endpoints])
        for number, endpoint in enumerate(endpoints):
            state = states[endpoint.name]
            reason = self._rests(endpoint, state, due_only=due_only)
            if reason:  # it counts as it did when it was last asked
                self._tell(endpoint, ok=not state.failures, status=reason)
            else:
                yield self._ask(endpoint, state, priority=-number if in_order else 0)

    def _unmet(self, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
        """Those whose address comes for the first time in this run.

        A second fetch would find every entry met before, and save its validators ahead of the rows of the first.
        """
        unmet = []
        for endpoint in endpoints:
            first = self._met.setdefault(endpoint.name, endpoint)
            if first is endpoint:
                unmet.append(endpoint)
            else:
                self._tell(endpoint, ok=True, status=f"{endpoint.name} is read for {first.source.id}")
        return unmet

    def _rests(self, endpoint: Endpoint, state: FeedState, *, due_only: bool) -> str | None:
        """Why a feed is not asked in this run, or None."""
        reason = None
        if state.waits and state.says_gone:
            reason = (_GONE if state.gone else _SAYS_GONE).format(endpoint.source.id)
        elif state.waits:
            reason = f"asked to be left alone until {state.not_before:%Y-%m-%d %H:%M %Z}"
        elif due_only and not state.due:
            reason = "not due"
        return f"{reason} ({state.problem})" if reason and state.failures and not state.says_gone else reason

    def _ask(self, endpoint: Endpoint, state: FeedState, *, priority: int = 0) -> Request | Checkpoint:
        try:
            request = self._request(endpoint, state, priority)
        except ValueError as error:  # a sitemap can list what is no URL; a login may be missing
            self._tell(endpoint, ok=False, status=str(error))
            return self._failure(endpoint, state, str(error), None)
        self.store.asking(endpoint.source.id, endpoint.name)
        return request

    def _request(self, endpoint: Endpoint, state: FeedState, priority: int) -> Request:
        headers = {}
        if not self._is_full_due(endpoint, state):
            if state.etag:
                headers["If-None-Match"] = state.etag
            if state.last_modified:
                headers["If-Modified-Since"] = state.last_modified
        if state.status == 304 and state.failures:  # to nothing that was known: what lies in between is to be passed by
            headers["Cache-Control"] = "no-cache"
        meta: dict[str, Any] = {"handle_httpstatus_list": answers.STATUSES}
        if endpoint.key:
            endpoint.key.key.check()
            meta["keys"] = (endpoint.key,)
        if has_login(endpoint.url):
            raise LoginError("there is a login in its URL, which is not sent")
        return Request(
            with_ascii_host(state.moved_to or endpoint.url),
            headers=headers,
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"endpoint": endpoint, "state": state},
            meta=meta,
            priority=priority,
            dont_filter=True,
        )

    def _is_full_due(self, endpoint: Endpoint, state: FeedState) -> bool:
        """Whether the whole answer is wanted, and read, also when nothing changed."""
        return state.full_due or state.fingerprint != self.fingerprint(endpoint)

    async def answered(
        self, response: Response, endpoint: Endpoint, state: FeedState
    ) -> AsyncIterator[Checkpoint | Request]:
        """The checkpoint of an answer with its items, then the requests for what it leads to."""
        asked = response.request.headers
        if response.status == 304 and ("If-None-Match" in asked or "If-Modified-Since" in asked):
            self._tell(endpoint, ok=True, status="not modified")
            yield self._checkpoint(endpoint, state, response, interval=self._interval(state, response, changed=False))
            return
        if response.status == 410:
            self._tell(endpoint, ok=False, status=(_GONE if state.gone else _SAYS_GONE).format(endpoint.source.id))
            yield self._failure(endpoint, state, answers.told(response), response, gone=True, due_in=DAY)
            return
        if response.status != 200:
            problem = answers.told(response)
            if response.status == 304:
                problem += ", not modified, although it was asked for whatever there is"
            for item in self._failed(endpoint, state, problem, response):
                yield item
            return
        try:
            reading = self.read(response, endpoint)
        except UnreadableError as error:
            for item in self._failed(endpoint, state, str(error), response):
                yield item
            return
        async for item in self._take(response, endpoint, state, reading):
            yield item

    async def _take(
        self, response: Response, endpoint: Endpoint, state: FeedState, reading: Reading
    ) -> AsyncIterator[Checkpoint | Request]:
        children = await self._children(reading)
        remarks = [reading.remark]
        if len(children) < len(reading.children):
            number = f"{len(children)} of its {len(reading.children)} sitemaps"
            remarks.append(f"{number} are read, the newest first; the others in later runs")
        remark = "; ".join(filter(None, remarks)) or None
        # An index has no hash and no validators: it may stay the same while the sitemaps that it lists change.
        content_hash = _content_hash(reading.entries) if reading.whole and not reading.children else None
        validated = content_hash is not None and reading.validated
        changed = content_hash is None or content_hash != state.content_hash
        read = changed or self._is_full_due(endpoint, state)
        checkpoint = self._checkpoint(
            endpoint,
            state,
            response,
            kind=reading.kind,
            entries=len(reading.entries),
            interval=self._interval(state, response, changed=changed, hint=reading.interval),
            content_hash=content_hash,
            etag=answers.header(response, "ETag") if validated else None,
            last_modified=answers.header(response, "Last-Modified") if validated else None,
            fingerprint=self.fingerprint(endpoint),
            is_full=read,
            changed=changed,
            problem=remark,
        )
        if read:
            checkpoint.items = self.items(reading, endpoint)
        else:  # the very entries of last time, which were all stored or refused
            stored = min(state.entries, len(reading.entries))
            checkpoint.columns["entries"] = stored
            tally = self.store.tally(endpoint.source.id)
            tally.unchanged += stored
            tally.rejected += len(reading.entries) - stored
        yield checkpoint
        status = "ok" if read else "the same entries"
        moved = checkpoint.columns["moved_to"]
        told = [f"moved to {without_login(moved)}" if moved and not state.moved_to else None, remark]
        self._tell(endpoint, ok=True, status="; ".join([status, *filter(None, told)]))
        async for each in self._ask_all(self._unmet(children), in_order=True):
            yield each

    async def _children(self, reading: Reading) -> list[Endpoint]:
        """Those sitemaps of an index that this run takes, the newest first.

        Half of them are the newest of those that may have news, the others those that were not read for the longest
        time, or never: so all come in time, whatever the index says of them.
        """
        children = list({child.name: child for child in reading.children}.values())
        order = newest_first([(child.url, child.modified) for child in children])
        children = [children[place] for place in order]
        longest = self.crawler.settings.getint("SITEMAP_CHILDREN_MAX")
        if len(children) <= longest:
            return children
        states = await self.store.feed_states([child.name for child in children])
        children = [child for child in children if not states[child.name].waits]
        newest = sorted(children, key=lambda child: _is_read(child, states[child.name]))[: longest - longest // 2]
        taken = {child.name for child in newest}
        others = [child for child in children if child.name not in taken]
        others.sort(key=lambda child: states[child.name].fetched or -math.inf)
        return [*newest, *others[: longest // 2]]

    def failed(self, failure: Failure) -> Iterator[Checkpoint]:
        """The checkpoint of a fetch that got no answer."""
        request = failure.request
        response = failure.value.response if failure.check(HttpError) else None
        problem = answers.told(response) if response is not None else str(failure.value) or type(failure.value).__name__
        yield from self._failed(**request.cb_kwargs, problem=problem.splitlines()[0], response=response)

    def _failed(
        self, endpoint: Endpoint, state: FeedState, problem: str, response: Response | None
    ) -> Iterator[Checkpoint]:
        self._tell(endpoint, ok=False, status=problem)
        yield self._failure(endpoint, state, problem, response)

    def _failure(
        self, endpoint: Endpoint, state: FeedState, problem: str, response: Response | None, **columns: Any
    ) -> Checkpoint:
        longest = self.crawler.settings.getint("FEED_INTERVAL_MAX")
        due_in = min(longest, (state.interval or DEFAULT_INTERVAL) * 2 ** min(state.failures, 10))
        columns = {"problem": without_login(problem), "ok": False, "moved_to": None, "due_in": due_in} | columns
        return self._checkpoint(endpoint, state, response, **columns)

    def _checkpoint(
        self, endpoint: Endpoint, state: FeedState, response: Response | None, **columns: Any
    ) -> Checkpoint:
        row = {
            "source_id": endpoint.source.id,
            "status": response.status if response is not None else None,
            "ok": True,
            "moved_to": _moved_to(endpoint, state, response),
            "wait": response.meta.get("retry_after") if response is not None else None,
        }
        return Checkpoint(key=endpoint.name, columns=row | columns)

    def _interval(self, state: FeedState, response: Response, *, changed: bool, hint: int | None = None) -> int:
        """Seconds until the feed is due: sooner when it changed, later when not, never sooner than it asks for."""
        settings = self.crawler.settings
        interval = (state.interval or DEFAULT_INTERVAL) * (0.5 if changed else 1.5)
        interval = max(interval, hint or 0, _max_age(response), settings.getint("FEED_INTERVAL_MIN"))
        return round(min(interval, settings.getint("FEED_INTERVAL_MAX")))

    def _tell(self, endpoint: Endpoint, *, ok: bool, status: str) -> None:
        self.store.outcome(endpoint.source.id, endpoint.name, ok=ok, status=without_login(status))


def _short(id_: str | None) -> str | None:
    """An id that nothing is known by, for those who look at what was refused."""
    return id_ if id_ and id_.isprintable() and len(id_) <= MAX_ID else None


def _moved_to(endpoint: Endpoint, state: FeedState, response: Response | None) -> str | None:
    """Where the feed is from now on: only permanent redirects count, and only if the chain has no other."""
    if response is None:
        return None
    reasons = response.meta.get("redirect_reasons", [])
    if reasons and all(reason in _PERMANENT for reason in reasons):
        return response.url
    return state.moved_to


def _is_read(child: Endpoint, state: FeedState) -> bool:
    """Whether a sitemap was read after the time at which its index says that it was changed."""
    known = child.modified is not None and state.succeeded is not None
    return known and child.modified + CLOCKS < state.succeeded


def _content_hash(entries: Sequence[Mapping[str, Any]]) -> str:
    # The second version of the format gives the same bytes for the same values, always, at a third of the cost of JSON.
    return hashlib.blake2b(marshal.dumps(entries, 2), digest_size=16).hexdigest()


def _max_age(response: Response) -> float:
    """Seconds for which a cache may keep the answer (RFC 9111, section 4.2.1); 0 where it does not say."""
    for directive in (answers.header(response, "Cache-Control") or "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-cache", "no-store"):
            return 0
        if name == "max-age" and value.strip('"').isdecimal():
            return float(value.strip('"')[:9])
    expires = answers.header(response, "Expires")
    try:
        return max(0.0, (parsedate_to_datetime(expires) - datetime.now(UTC)).total_seconds()) if expires else 0
    except (ValueError, TypeError, OverflowError):  # a date that is none, or has no zone
        return 0
