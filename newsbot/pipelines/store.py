"""Stage 800: hands the items to the writer, which commits them together with their progress."""

import logging
from typing import TYPE_CHECKING, Any, Self

from scrapy.utils.spider import DefaultSpider

from newsbot.enrichment.urls import form_of
from newsbot.storage.writer import Writer

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class StorePipeline:
    """Opens the run with the spider, waits for room in the queue, and commits everything when the spider closes."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler
        self.writer = Writer.of(crawler)
        self.writer.form_of = form_of

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Take the crawler's writer."""
        return cls(crawler)

    async def open_spider(self) -> None:
        """Upgrade the database to head and open the run. A database that cannot be used ends the crawl here."""
        spider = self.crawler.spider
        if isinstance(spider, DefaultSpider):
            return  # `scrapy fetch` and `scrapy shell` store nothing
        job = getattr(spider, "_job", None)  # Scrapyd's argument
        killed = await self.writer.open(spider.name, job)
        for run in killed:
            logger.warning(
                "Run %s of %s, started %s, was killed after %d stored items; this run fetches the unsaved ones again",
                run.id,
                run.spider,
                f"{run.started_at:%Y-%m-%d %H:%M:%S %Z}",
                run.items,
            )

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """Queue the items once the queue has room; the same items."""
        await self.writer.put(items)
        return items

    async def close_spider(self) -> None:
        """Commit the queued items."""
        await self.writer.flush()
