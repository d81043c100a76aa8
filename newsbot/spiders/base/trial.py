"""One page of an API as a first run would read it, with nothing stored."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from scrapy import Request, signals
from scrapy.http import Response
from twisted.python.failure import Failure

from newsbot.batch import Batch, Reject
from newsbot.items import Item
from newsbot.sources.options import NAME
from newsbot.spiders.base.api import ApiSpider, Stream
from newsbot.spiders.base.chains import Chain

SHOWN = 20  # items that pass the stages


@dataclass(slots=True)
class Tried:
    """What came of the page, and what the crawl would do next."""

    url: str | None = None
    status: int | None = None
    size: int = 0  # bytes
    records: list[Any] = field(default_factory=list)  # as they came
    mapped: int = 0  # items that the records make
    items: list[Item] = field(default_factory=list)  # the first ones, clean, as they would be stored
    refused: list[tuple[str | None, str]] = field(default_factory=list)  # (field, reason) of the rejects
    cursor: Any = None  # its value after this page, where that moves it
    following: list[str] = field(default_factory=list)  # what would be asked next
    remarks: list[str] = field(default_factory=list)
    problem: str | None = None  # why there is nothing

    def refuse(self, reject: Reject) -> None:
        """As `Store.refuse`."""
        self.refused.append((reject.field, reject.reason))

    def asking(self, source_id: str, url: str) -> None:
        """As `Store.asking`: whether anything came of it is seen without."""

    def outcome(self, source_id: str, url: str, *, ok: bool, status: str) -> None:
        """As `Store.outcome`."""
        if ok:
            self.remarks += [] if status == "ok" else [status]
        else:
            self.problem = status


class Trial(ApiSpider):
    """To be mixed in before an API spider, by `trial_of`.

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
        self.store = self.tried
        self.crawler.signals.connect(self._scraped, signal=signals.item_scraped)
        self.crawler.signals.connect(self._dropped, signal=signals.item_dropped)
        self.crawler.signals.connect(self._broke, signal=signals.spider_error)
        self._streams.append(self._asked()[0])
        for each in self._begin():
            if isinstance(each, Request):
                self.tried.url = each.url
                yield each

    def request(self, url: str, **options: Any) -> Request:
        """A request that no ledger counts."""
        request = super().request(url, **options)
        request.meta[NAME].terms = None
        return request

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """The records, noted."""
        self.tried.records = super().rows(data, stream)
        return self.tried.records

    async def answered(self, response: Response, stream: Stream, chain: Chain) -> AsyncIterator[Item]:
        """The first items; the rest of what the crawl would do is noted."""
        self.tried.status, self.tried.size = response.status, len(response.body)
        async for each in super().answered(response, stream, chain):
            if isinstance(each, Request):
                self.tried.following.append(each.url)
                continue
            self.tried.cursor = each.progress and each.progress.value
            for item in self._counted(each):
                yield item

    async def known(self, external_ids: Sequence[str]) -> dict[str, bool]:
        """None: there may be no database."""
        return {}

    def _again(self, response: Response, times: int = 0) -> None:
        """A page that can not be read is shown as it is."""

    def _narrowed(
        self, stream: Stream, chain: Chain, problem: str, body: str | None = None
    ) -> Iterator[Batch | Request]:
        """So is one that is garbled; of one with too many hits the half is told."""
        return super()._narrowed(stream, chain, problem) if body is None else self._broken(stream, problem)

    def _counted(self, batch: Batch) -> list[Item]:
        items = []
        for each in batch.items:
            if isinstance(each, Reject):
                self.tried.refuse(each)
            else:
                items.append(each)
        self.tried.mapped += len(items)
        return items[:SHOWN]

    def _scraped(self, item: Item) -> None:
        self.tried.items.append(item)

    def _dropped(self, exception: Exception) -> None:
        self.tried.refused.append((None, str(exception)))

    def _broke(self, failure: Failure) -> None:
        self.tried.problem = f"{failure.type.__name__} in the spider: {failure.getErrorMessage()}"


def trial_of(spider: type[ApiSpider], tried: Tried) -> type[ApiSpider]:
    """A spider that asks for the first page of another, and notes what came of it."""
    return type("Trial", (Trial, spider), {"tried": tried})
