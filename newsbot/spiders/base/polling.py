"""The base for endpoints that a spider polls: feeds, sitemaps, section pages.

A request carries the validators of the last answer. A reader makes a batch of the answer, and the next requests.
"""

import math
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsbot.batch import Answer, Ask, Batch, FeedState, Then, fault_in_words
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


class PollingSpider(Spider):
    """Polls endpoints.

    1. Set `name`, and `due_only` to skip endpoints that are not due.
    2. Write `endpoints`.
    """

    tells_outcomes = True  # reports the outcome of each endpoint; a run in which nothing is due asks nothing

    due_only: bool = False

    @property
    def bounds(self) -> Bounds:
        """The settings for all endpoints."""
        settings = self.crawler.settings
        return Bounds(
            interval_min=settings.getint("FEED_INTERVAL_MIN"),
            interval_max=settings.getint("FEED_INTERVAL_MAX"),
            refused_runs=settings.getint("REFUSED_RUNS"),
            children=settings.getint("SITEMAP_CHILDREN_MAX"),
        )

    def endpoints(self) -> Iterable[Endpoint]:
        """The endpoints to poll."""
        raise NotImplementedError

    def read(self, answer: Answer, endpoint: Endpoint, state: FeedState) -> tuple[Batch, FeedState, Then[Endpoint]]:
        """The batch of an answer, the new state, and the sitemaps that the answer names."""
        return _READERS[endpoint.kind](answer, endpoint, state)

    async def start(self) -> AsyncIterator[Request | Batch]:
        """A request for each endpoint, or for each that is due."""
        self.writer = Writer.of(self.crawler)
        self._met: dict[str, list[str]] = {}  # by name: the sources with this address; it is asked for the first one
        self.crawler.signals.connect(self._faulted, signals.spider_error)
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
        """The requests for the endpoints that do not rest; Scrapy would send the last one first."""
        states = await self._states(endpoints)
        for number, endpoint in enumerate(endpoints):
            state = states[endpoint.name]
            reason = self._rests(endpoint, state, due_only=due_only)
            if reason:  # its last outcome counts
                status = without_login(reason)
                self.writer.run.outcome(endpoint.source.id, endpoint.name, ok=not state.failures, status=status)
            else:
                yield self._ask(endpoint, state, priority=-number if in_order else 0)

    async def _states(self, endpoints: Sequence[Endpoint]) -> dict[str, FeedState]:
        """The stored state of each endpoint, by name."""
        bounds = feeds.bounds(self.crawler.settings)
        return await self.writer.ask(partial(feeds.read, urls=[endpoint.name for endpoint in endpoints], **bounds))

    def _unmet(self, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
        """The endpoints whose address is new in this run.

        A second fetch would find every entry seen before, and save its validators ahead of the rows of the first.
        """
        unmet = []
        for endpoint in endpoints:
            source = endpoint.source.id
            met = self._met.setdefault(endpoint.name, [])
            if source in met:
                continue
            if met:
                self.writer.run.share(met[0], endpoint.name, source)
            else:
                unmet.append(endpoint)
            met.append(source)
        return unmet

    def _rests(self, endpoint: Endpoint, state: FeedState, *, due_only: bool) -> str | None:
        """Why a feed rests in this run, or None."""
        reason = state.rest or ("not due" if due_only and not state.due else None)
        if state.rest and state.says_gone:
            return f"{reason}; {polled.gone(endpoint, state)}"
        return f"{reason} ({state.problem})" if reason and state.failures else reason

    def _ask(self, endpoint: Endpoint, state: FeedState, *, priority: int = 0) -> Request | Batch:
        try:
            request = self._request(endpoint, state, priority)
        except ValueError as error:  # a sitemap can list an invalid URL; a login may be missing
            return polled.failed(endpoint, state, str(error), None)[0]
        self.writer.run.asking(endpoint.source.id, endpoint.name)
        return request

    def _request(self, endpoint: Endpoint, state: FeedState, priority: int) -> Request:
        headers = {}
        if not polled.is_full_due(endpoint, state):
            if state.etag:
                headers["If-None-Match"] = state.etag
            if state.last_modified:
                headers["If-Modified-Since"] = state.last_modified
        if state.status == 304 and state.failures:  # a 304 without validators comes from a cache: bypass it
            headers["Cache-Control"] = "no-cache"
        meta: dict[str, Any] = {"handle_httpstatus_list": responses.STATUSES}
        if endpoint.key:
            endpoint.key.key.check()
            meta[NAME] = RequestOptions(keys=(endpoint.key,))
        if has_login(endpoint.url):
            raise LoginError("its URL has a login, which is not sent")
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
        """The batch of an answer, then the requests for the sitemaps that it names."""
        batch, _, then = self.read(responses.answer_of(response), endpoint, state)
        yield batch
        if isinstance(then, Ask):
            children = await self._children(then.requests)
            async for each in self._ask_all(self._unmet(children), in_order=True):
                yield each

    async def _children(self, children: Sequence[Endpoint]) -> list[Endpoint]:
        """The sitemaps of an index that this run reads, the newest first.

        Half of them are the newest that may have news. The others are those unread for the longest time, or never read,
        so every sitemap gets its turn, whatever the index says of it.
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
        yield polled.failed(endpoint, state, problem.splitlines()[0], answer)[0]

    def _faulted(self, failure: Failure, response: Any) -> None:
        """Report an error of the program behind the batch of an answer: its sitemaps are not read."""
        endpoint = response.request.cb_kwargs.get("endpoint") if response else None
        if isinstance(endpoint, Endpoint):
            self.writer.run.spoil(endpoint.source.id, endpoint.name, fault_in_words(failure.value))


def _is_read(child: Endpoint, state: FeedState) -> bool:
    """Whether the sitemap was read after its last change, by the date in its index."""
    known = child.modified is not None and state.succeeded is not None
    return known and child.modified + CLOCKS < state.succeeded
