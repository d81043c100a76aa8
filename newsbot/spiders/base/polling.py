"""The base for what is asked again and again: feeds, sitemaps, section pages.

It asks with the validators of last time, and yields what a reader makes of the answer: a batch, and what it leads to.
What a subclass says: which endpoints there are.
"""

import math
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.batch import Answer, Ask, Batch, FeedState, Then
from newsbot.extraction.sitemaps import newest_first
from newsbot.hosts import with_ascii_host
from newsbot.logins import has_login, without_login
from newsbot.readers import feed, polled, section
from newsbot.readers.endpoint import Bounds, Endpoint
from newsbot.sources.options import NAME, RequestOptions
from newsbot.sources.secrets import LoginError
from newsbot.spiders.base import responses
from newsbot.spiders.base.errbacks import errback
from newsbot.storage import feeds, sources
from newsbot.storage.writer import Writer

CLOCKS = 3_600  # seconds that a site's clock may be off

_READERS = {"feed": feed.read, "news_sitemap": feed.read, "section": section.read}


@dataclass(slots=True)
class _Met:
    """An address of this run. It is asked for the first of the sources that name it, and counts for all."""

    sources: list[str]
    told: tuple[bool, str] | None = None  # how it ended


class PollingSpider(Spider):
    """See the module."""

    tells_outcomes = True  # of what it asks, and rightly asks nothing where nothing is due

    due_only: bool = False

    @property
    def bounds(self) -> Bounds:
        """What the settings say of all endpoints."""
        settings = self.crawler.settings
        return Bounds(
            interval_min=settings.getint("FEED_INTERVAL_MIN"),
            interval_max=settings.getint("FEED_INTERVAL_MAX"),
            refused_runs=settings.getint("REFUSED_RUNS"),
            children=settings.getint("SITEMAP_CHILDREN_MAX"),
        )

    def endpoints(self) -> Iterable[Endpoint]:
        """The addresses to poll."""
        raise NotImplementedError

    def read(self, answer: Answer, endpoint: Endpoint, state: FeedState) -> tuple[Batch, FeedState, Then[Endpoint]]:
        """The batch of an answer, and the sitemaps that it leads to."""
        return _READERS[endpoint.kind](answer, endpoint, state)

    async def start(self) -> AsyncIterator[Request | Batch]:
        """A request for each endpoint whose time has come."""
        self.writer = Writer.of(self.crawler)
        self._met: dict[str, _Met] = {}  # by name
        endpoints = list(self.endpoints())
        rows = [
            {
                "id": source.id,
                "name": source.name,
                "country": source.country,
                "language": source.language,
                "homepage": source.homepage,
            }
            for source in {endpoint.source.id: endpoint.source for endpoint in endpoints}.values()
        ]
        await self.writer.ask(partial(sources.write, sources=rows))
        self.crawler.stats.set_value("newsbot/endpoints", len(endpoints))
        async for each in self._ask_all(self._unmet(endpoints), due_only=self.due_only):
            yield each

    async def _ask_all(
        self, endpoints: Sequence[Endpoint], *, due_only: bool = False, in_order: bool = False
    ) -> AsyncIterator[Request | Batch]:
        """The requests of those that do not rest; Scrapy would send the last first."""
        states = await self._states(endpoints)
        for number, endpoint in enumerate(endpoints):
            state = states[endpoint.name]
            reason = self._rests(endpoint, state, due_only=due_only)
            if reason:  # it counts as it did when it was last asked
                self._tell(endpoint, ok=not state.failures, status=reason)
            else:
                yield self._ask(endpoint, state, priority=-number if in_order else 0)

    async def _states(self, endpoints: Sequence[Endpoint]) -> dict[str, FeedState]:
        """What is known of each, by name."""
        bounds = feeds.bounds(self.crawler.settings)
        return await self.writer.ask(partial(feeds.read, urls=[endpoint.name for endpoint in endpoints], **bounds))

    def _unmet(self, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
        """Those whose address comes for the first time in this run.

        A second fetch would find every entry met before, and save its validators ahead of the rows of the first.
        """
        unmet = []
        for endpoint in endpoints:
            source = endpoint.source.id
            met = self._met.get(endpoint.name)
            if met is None:
                self._met[endpoint.name] = _Met([source])
                unmet.append(endpoint)
            elif source not in met.sources:
                met.sources.append(source)
                self.writer.run.asking(source, endpoint.name)
                if met.told:
                    self._tell_source(source, endpoint.name, met)
        return unmet

    def _rests(self, endpoint: Endpoint, state: FeedState, *, due_only: bool) -> str | None:
        """Why a feed is not asked in this run, or None."""
        reason = state.rest or ("not due" if due_only and not state.due else None)
        if state.rest and state.says_gone:
            return f"{reason}; {polled.gone(endpoint, state)}"
        return f"{reason} ({state.problem})" if reason and state.failures else reason

    def _ask(self, endpoint: Endpoint, state: FeedState, *, priority: int = 0) -> Request | Batch:
        try:
            request = self._request(endpoint, state, priority)
        except ValueError as error:  # a sitemap can list what is no URL; a login may be missing
            return self._told(endpoint, polled.failed(endpoint, state, str(error), None)[0])
        self.writer.run.asking(endpoint.source.id, endpoint.name)
        return request

    def _request(self, endpoint: Endpoint, state: FeedState, priority: int) -> Request:
        headers = {}
        if not polled.is_full_due(endpoint, state):
            if state.etag:
                headers["If-None-Match"] = state.etag
            if state.last_modified:
                headers["If-Modified-Since"] = state.last_modified
        if state.status == 304 and state.failures:  # to nothing that was known: what lies in between is to be passed by
            headers["Cache-Control"] = "no-cache"
        meta: dict[str, Any] = {"handle_httpstatus_list": responses.STATUSES}
        if endpoint.key:
            endpoint.key.key.check()
            meta[NAME] = RequestOptions(keys=(endpoint.key,))
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

    async def answered(
        self, response: Response, endpoint: Endpoint, state: FeedState
    ) -> AsyncIterator[Batch | Request]:
        """The batch of an answer, then the requests for what it leads to."""
        batch, _, then = self.read(responses.answer_of(response), endpoint, state)
        yield self._told(endpoint, batch)
        if isinstance(then, Ask):
            children = await self._children(then.requests)
            async for each in self._ask_all(self._unmet(children), in_order=True):
                yield each

    async def _children(self, children: Sequence[Endpoint]) -> list[Endpoint]:
        """Those sitemaps of an index that this run takes, the newest first.

        Half of them are the newest of those that may have news, the others those that were not read for the longest
        time, or never: so all come in time, whatever the index says of them.
        """
        children = list({child.name: child for child in children}.values())
        order = newest_first([(child.url, child.modified) for child in children])
        children = [children[place] for place in order]
        longest = self.bounds.children
        if len(children) <= longest:
            return children
        states = await self._states(children)
        children = [child for child in children if not states[child.name].rest]
        newest = sorted(children, key=lambda child: _is_read(child, states[child.name]))[: longest - longest // 2]
        taken = {child.name for child in newest}
        others = [child for child in children if child.name not in taken]
        others.sort(key=lambda child: states[child.name].fetched or -math.inf)
        return [*newest, *others[: longest // 2]]

    @errback
    def failed(self, failure: Failure) -> Iterable[Batch]:
        """The batch of a fetch that got no answer."""
        endpoint, state = (failure.request.cb_kwargs[name] for name in ("endpoint", "state"))
        answer = responses.answer_of(failure.value.response) if failure.check(HttpError) else None
        problem = answer.told if answer else str(failure.value) or type(failure.value).__name__
        yield self._told(endpoint, polled.failed(endpoint, state, problem.splitlines()[0], answer)[0])

    def _told(self, endpoint: Endpoint, batch: Batch) -> Batch:
        """The batch, which tells the outcome for the first source; it is told for the others that name the address."""
        met = self._met[endpoint.name]
        met.told = batch.outcome.ok, batch.outcome.status
        for source in met.sources[1:]:
            self._tell_source(source, endpoint.name, met)
        return batch

    def _tell(self, endpoint: Endpoint, *, ok: bool, status: str) -> None:
        met = self._met[endpoint.name]
        met.told = ok, without_login(status)
        for source in met.sources:
            self._tell_source(source, endpoint.name, met)

    def _tell_source(self, source: str, name: str, met: _Met) -> None:
        ok, status = met.told
        first = met.sources[0]
        self.writer.run.outcome(
            source, name, ok=ok, status=status if source == first else f"read for {first}: {status}"
        )


def _is_read(child: Endpoint, state: FeedState) -> bool:
    """Whether a sitemap was read after the time at which its index says that it was changed."""
    known = child.modified is not None and state.succeeded is not None
    return known and child.modified + CLOCKS < state.succeeded
