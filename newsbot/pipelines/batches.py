"""Takes the batches out of what a spider yields: they are no items of Scrapy's, which would count each as one."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self

from newsbot.batch import Batch

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class BatchMiddleware:
    """Passes each batch on at once, yields all else, and waits for the batches at the end.

    So a request that follows a batch is not held up, and the engine waits for all.
    """

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """For Scrapy."""
        return cls(crawler)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """What `start` yields, without batches."""
        async for each in self._without_batches(start):
            yield each

    async def process_spider_output(self, response: "Response", result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """What a callback yields, without batches."""
        async for each in self._without_batches(result):
            yield each

    async def _without_batches(self, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        under_way = []
        try:
            async for each in result:
                if isinstance(each, Batch):
                    under_way.append(asyncio.ensure_future(self.crawler.engine.scraper.itemproc.take(each)))
                else:
                    yield each
        finally:
            # Also behind a callback that fails: what it yielded before is none of that.
            ends = await asyncio.gather(*under_way, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
