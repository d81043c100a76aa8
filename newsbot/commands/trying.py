"""One page of an API as a first run would read it, with nothing stored."""

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
    """What came of the page, and what the crawl would do next."""

    url: str | None = None
    status: int | None = None
    size: int = 0  # bytes
    records: list[Any] = field(default_factory=list)  # as they came
    withdrawn: int = 0  # records that stand for one that was taken back, and make no item
    mapped: int = 0  # items that the records make
    items: list[Item] = field(default_factory=list)  # the first ones, clean, as they would be stored
    refused: list[tuple[str | None, str]] = field(default_factory=list)  # (field, reason) of the rejects
    cursor: Any = None  # its value after this page, where that moves it
    following: list[str] = field(default_factory=list)  # what would be asked next
    remarks: list[str] = field(default_factory=list)
    problem: str | None = None  # why there is nothing

    @property
    def is_good(self) -> bool:
        """Whether the page came, and makes items unless it has none to make."""
        return self.problem is None and (bool(self.items) or self.withdrawn == len(self.records))


class Trying(ApiSpider):
    """To be mixed in before an API spider, by `trying`.

    The ledger of the quota does not know of its call: trying needs no database.
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
        stream = self._asked()[0]
        self._plan(stream)
        request = self._request(page_reader.call(self.facts, stream, stream.chains.popleft()), stream)
        self.tried.url = request.url
        yield request

    def request(self, url: str, **options: Any) -> Request:
        """A request that no ledger counts."""
        request = super().request(url, **options)
        request.meta[NAME].terms = None
        return request

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """The records, noted."""
        self.tried.records = super().rows(data, stream)
        return self.tried.records

    async def known(self, external_ids: Sequence[str]) -> dict[str, bool]:
        """None: there may be no database."""
        return {}

    async def answered(self, response: Response, stream: Stream) -> AsyncIterator[Item]:
        """The first items; the rest of what the reader gives is noted."""
        self.tried.status, self.tried.size = response.status, len(response.body)
        answer = responses.answer_of(response)
        try:
            if answer.status == 200:
                self.data(answer, stream)
        except UnreadableError as error:  # which a crawl may ask again for, in a smaller slice
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
        """Note a page that did not come."""
        self.tried.problem = failure.getErrorMessage().partition("\n")[0]

    def _note(self, batch: Batch) -> list[Item]:
        """The first items of a batch, to pass the stages."""
        tried, items = self.tried, []
        tried.cursor = batch.progress and batch.progress.value
        for each in batch.items:
            if isinstance(each, Reject):
                tried.refused.append((each.field, each.reason))
            else:
                items.append(each)
        tried.mapped += len(items)
        if (told := batch.outcome) and not told.ok:
            tried.problem = told.status
        elif told and told.status != "ok":
            tried.remarks.append(told.status.removeprefix("ok; "))
        return items[:SHOWN]

    def _scraped(self, item: Item) -> None:
        self.tried.items.append(item)

    def _dropped(self, exception: Exception) -> None:
        self.tried.refused.append((None, str(exception)))

    def _broke(self, failure: Failure) -> None:
        self.tried.problem = f"{failure.type.__name__} in the spider: {failure.getErrorMessage()}"


def trying(spider: type[ApiSpider], tried: Tried) -> type[ApiSpider]:
    """A spider that asks for the first page of another, and notes what came of it."""
    return type("Trying", (Trying, spider), {"tried": tried})
