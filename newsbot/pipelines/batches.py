"""Takes the batches out of the output of a spider: Scrapy would count each batch as an item."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self

from newsbot.batch import Batch

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)


class BatchMiddleware:
    """Passes each batch on at once, yields everything else, and waits for the batches at the end.

    So a batch does not hold up the request after it, and the engine waits for all batches.
    """

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make the middleware of a crawler."""
        return cls(crawler)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The output of `start`, without batches."""
        async for each in self._without_batches(start):
            yield each

    async def process_spider_output(self, response: "Response", result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The output of a callback, without batches."""
        async for each in self._without_batches(result):
            yield each

    async def _without_batches(self, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        under_way, faults = [], []
        try:
            async for each in result:
                if isinstance(each, Batch):
                    under_way.append(asyncio.ensure_future(self.crawler.engine.scraper.itemproc.take(each)))
                else:
                    yield each
        except BaseException as error:  # noqa: BLE001  raised below: the batches before it are good
            faults.append(error)
        ends = await asyncio.gather(*under_way, return_exceptions=True)
        faults += [end for end in ends if isinstance(end, BaseException)]
        for fault in faults[1:]:  # Scrapy logs the first one
            logger.error("One more fault in the same output", exc_info=fault)
        if faults:
            raise faults[0]
