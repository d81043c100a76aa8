"""A dry run of an API: read its first page as a first run does, and store nothing."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from scrapy import Request, signals
from scrapy.http import Response
from twisted.python.failure import Failure

from newsbot.batch import Ask, Batch, Broken, Reject
from newsbot.items import Item
from newsbot.readers.api import page_reader
from newsbot.readers.api.streams import Stream, UnreadableError
from newsbot.sources.options import NAME
from newsbot.spiders.base import responses
from newsbot.spiders.base.api import ApiSpider

SHOWN = 20  # items that pass the stages


@dataclass(slots=True)
class Tried:
    """The result of the page, and what the crawl would ask for next."""

    url: str | None = None
    status: int | None = None
    size: int = 0  # bytes
    records: list[Any] = field(default_factory=list)  # as the API sent them
    withdrawn: int = 0  # number of records that stand for a withdrawn one, and make no item
    mapped: int = 0  # number of items made from the records
    items: list[Item] = field(default_factory=list)  # the first items, clean, as a run would store them
    refused: list[tuple[str | None, str]] = field(default_factory=list)  # (field, reason) of the rejects
    cursor: Any = None  # its value after this page; None if the page does not move it
    following: list[str] = field(default_factory=list)  # the URLs that a run would ask for next
    remarks: list[str] = field(default_factory=list)
    problem: str | None = None  # why there are no items

    @property
    def is_good(self) -> bool:
        """Whether the page came, and makes items unless it has none to make."""
        return self.problem is None and (bool(self.items) or self.withdrawn == len(self.records))


class Trying(ApiSpider):
    """A mixin that `trying` puts before an API spider.

    Its call does not enter the ledger of the quota, so a try needs no database.
    """

    tried: Tried
    custom_settings: ClassVar[dict[str, Any]] = {
        **ApiSpider.custom_settings,
        "RETRY_TIMES": 0,
        "ITEM_PIPELINES": {
            "newsbot.pipelines.validate.ValidatePipeline": 100,
            "newsbot.pipelines.clean.CleanPipeline": 200,
        },
    }

    async def start(self) -> AsyncIterator[Request]:
        """The first request of the first stream."""
        connect = self.crawler.signals.connect
        connect(self._scraped, signal=signals.item_scraped)
        connect(self._dropped, signal=signals.item_dropped)
        connect(self._broke, signal=signals.spider_error)
        connect(self._stage_broke, signal=signals.item_error)
        stream = self._asked()[0]
        self._plan(stream)
        request = self._request(page_reader.call(self.facts, stream, stream.chains.popleft()), stream)
        self.tried.url = request.url
        yield request

    def request(self, url: str, **options: Any) -> Request:
        """A request that the ledger does not count."""
        request = super().request(url, **options)
        request.meta[NAME].terms = None
        return request

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """The records; they are noted in `tried`."""
        self.tried.records = super().rows(data, stream)
        return self.tried.records

    async def known(self, external_ids: Sequence[str]) -> dict[str, bool]:
        """No ids: a try needs no database."""
        return {}

    async def answered(self, response: Response, stream: Stream) -> AsyncIterator[Item]:
        """The first items; the rest of the result is noted in `tried`."""
        self.tried.status, self.tried.size = response.status, len(response.body)
        answer = responses.answer_of(response)
        try:
            if answer.status == 200:
                self.data(answer, stream)
        except UnreadableError as error:  # a crawl may ask again, with a smaller slice
            self.tried.problem = str(error)
            return
        found = page_reader.look(answer, self.facts, stream)
        if isinstance(found, page_reader.Page):
            await self.look_up(found.rows, stream)
            found = page_reader.take(found, self.facts, stream)
            self.tried.withdrawn = stream.withdrawn
        batch, stream, then = found
        if isinstance(then, Ask):
            self.tried.following = [call.url for call in then.requests]
        elif not isinstance(then, Broken):
            self.tried.following = [request.url for request in self.after(stream)]
        for item in self._note(batch) if batch is not None else []:
            yield item

    def failed(self, failure: Failure) -> None:
        """Note why the page did not come."""
        self.tried.problem = failure.getErrorMessage().partition("\n")[0]

    def _note(self, batch: Batch) -> list[Item]:
        """The first items of a batch; they go through the pipelines."""
        tried, items = self.tried, []
        tried.cursor = batch.progress and batch.progress.value
        for each in batch.items:
            if isinstance(each, Reject):
                tried.refused.append((each.field, each.reason))
            else:
                items.append(each)
        tried.mapped += len(items)
        if (outcome := batch.outcome) and not outcome.ok:
            tried.problem = outcome.status
        elif outcome and outcome.status != "ok":
            tried.remarks.append(outcome.status.removeprefix("ok; "))
        return items[:SHOWN]

    def _scraped(self, item: Item) -> None:
        self.tried.items.append(item)

    def _dropped(self, exception: Exception) -> None:
        self.tried.refused.append((None, str(exception)))

    def _broke(self, failure: Failure) -> None:
        self.tried.problem = f"{failure.type.__name__} in the spider: {failure.getErrorMessage()}"

    def _stage_broke(self, failure: Failure) -> None:
        self.tried.problem = f"{failure.type.__name__} in a stage: {failure.getErrorMessage()}"


def trying(spider: type[ApiSpider], tried: Tried) -> type[ApiSpider]:
    """A subclass of the spider that asks for the first page only and notes the result in `tried`."""
    return type("Trying", (Trying, spider), {"tried": tried})
