"""The base for what is asked again and again: feeds, sitemaps, section pages.

It asks with the validators of last time, lets the spider read the answer, and yields the items with a checkpoint that
is saved with or after them. What a subclass says: which endpoints there are, and how to read an answer.
"""

import hashlib
import marshal
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
from newsbot.hosts import with_ascii_host
from newsbot.items import Article, Checkpoint
from newsbot.sources.model import Source
from newsbot.spiders.base import answers
from newsbot.storage.feeds import FeedState
from newsbot.storage.store import Store

DEFAULT_INTERVAL = 900  # seconds, until a feed has shown how often it changes

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


@dataclass(slots=True)
class Reading:
    """What an answer holds."""

    kind: str  # what it turned out to be
    entries: Sequence[Mapping[str, Any]] = ()
    interval: int | None = None  # seconds that it asks to wait between two fetches
    children: list[Endpoint] = field(default_factory=list)  # of an index: to be fetched in this run too
    whole: bool = True  # False for a part: its validators would hide the rest
    has_end: bool = True  # False for what may be a part: its validators are not kept, and its entries are compared
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
        endpoints = self._unmet(endpoints)
        states = await self.store.feed_states([endpoint.url for endpoint in endpoints])
        for endpoint in endpoints:
            state = states[endpoint.url]
            reason = self._rests(state)
            if reason:
                self._tell(endpoint, ok=not state.gone, status=reason)
            else:
                yield self._ask(endpoint, state)

    def _unmet(self, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
        """Those whose address comes for the first time in this run.

        A second fetch would find every entry met before, and save its validators ahead of the rows of the first.
        """
        unmet = []
        for endpoint in endpoints:
            first = self._met.setdefault(endpoint.url, endpoint)
            if first is endpoint:
                unmet.append(endpoint)
            else:
                self._tell(endpoint, ok=True, status=f"{endpoint.url} is read for {first.source.id}")
        return unmet

    def _rests(self, state: FeedState) -> str | None:
        """Why a feed is not asked in this run, or None."""
        if state.gone:
            return "gone (410): take it out of the catalogue"
        if state.waits:
            return f"asked to be left alone until {state.not_before:%Y-%m-%d %H:%M %Z}"
        if self.due_only and not state.due:
            return "not due"
        return None

    def _ask(self, endpoint: Endpoint, state: FeedState) -> Request | Checkpoint:
        try:
            return self._request(endpoint, state)
        except ValueError as error:  # a sitemap can list what is no URL
            self._tell(endpoint, ok=False, status=str(error))
            return self._failure(endpoint, state, str(error), None)

    def _request(self, endpoint: Endpoint, state: FeedState) -> Request:
        headers = {}
        if not state.full_due:
            if state.etag:
                headers["If-None-Match"] = state.etag
            if state.last_modified:
                headers["If-Modified-Since"] = state.last_modified
        return Request(
            with_ascii_host(state.moved_to or endpoint.url),
            headers=headers,
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"endpoint": endpoint, "state": state},
            meta={"handle_httpstatus_list": answers.STATUSES},
            dont_filter=True,
        )

    async def answered(
        self, response: Response, endpoint: Endpoint, state: FeedState
    ) -> AsyncIterator[Checkpoint | Request]:
        """The checkpoint of an answer with its items, then the requests for what it leads to."""
        if response.status == 304:
            self._tell(endpoint, ok=True, status="not modified")
            yield self._checkpoint(endpoint, state, response, interval=self._interval(state, response, changed=False))
            return
        if response.status == 410:
            self._tell(endpoint, ok=False, status="gone (410): take it out of the catalogue")
            yield self._failure(endpoint, state, "gone", response, gone=True)
            return
        if response.status != 200:
            for item in self._failed(endpoint, state, answers.told(response), response):
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
        # An index has no hash and no validators: it may stay the same while the sitemaps that it lists change.
        content_hash = _content_hash(reading.entries) if reading.whole and not reading.children else None
        changed = content_hash is None or content_hash != state.content_hash
        read = changed or state.full_due
        checkpoint = self._checkpoint(
            endpoint,
            state,
            response,
            kind=reading.kind,
            entries=len(reading.entries),
            interval=self._interval(state, response, changed=changed, hint=reading.interval),
            content_hash=content_hash,
            etag=answers.header(response, "ETag") if content_hash and reading.has_end else None,
            last_modified=answers.header(response, "Last-Modified") if content_hash and reading.has_end else None,
            is_full=read,
            changed=changed,
            problem=reading.remark,
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
        remarks = [f"moved to {moved}" if moved and not state.moved_to else None, reading.remark]
        self._tell(endpoint, ok=True, status="; ".join([status, *filter(None, remarks)]))
        if reading.children:
            children = self._unmet(reading.children)
            states = await self.store.feed_states([child.url for child in children])
            for child in children:
                yield self._ask(child, states[child.url])

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
        columns |= {"problem": problem, "ok": False, "moved_to": None, "due_in": due_in}
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
        return Checkpoint(key=endpoint.url, columns=row | columns)

    def _interval(self, state: FeedState, response: Response, *, changed: bool, hint: int | None = None) -> int:
        """Seconds until the feed is due: sooner when it changed, later when not, never sooner than it asks for."""
        settings = self.crawler.settings
        interval = (state.interval or DEFAULT_INTERVAL) * (0.5 if changed else 1.5)
        interval = max(interval, hint or 0, _max_age(response), settings.getint("FEED_INTERVAL_MIN"))
        return round(min(interval, settings.getint("FEED_INTERVAL_MAX")))

    def _tell(self, endpoint: Endpoint, *, ok: bool, status: str) -> None:
        self.store.outcome(endpoint.source.id, endpoint.url, ok=ok, status=status)


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
