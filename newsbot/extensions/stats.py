"""Scrapy's core stats, without a signal for each item: a signal costs more than cleaning the item."""

from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.extensions import corestats

from newsbot.storage.writer import Writer

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler


class CoreStats(corestats.CoreStats):
    """Does not count items: `newsbot.pipelines.manager` counts them under the same names."""

    writer: Writer

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make the extension, without the signals of items."""
        extension = super().from_crawler(crawler)
        extension.writer = Writer.of(crawler)
        crawler.signals.disconnect(extension.item_scraped, signal=signals.item_scraped)
        crawler.signals.disconnect(extension.item_dropped, signal=signals.item_dropped)
        return extension

    def spider_closed(self, spider: "Spider", reason: str) -> None:
        """Note the writer's reason if it gave up; skip a spider that never opened, where Scrapy's method fails."""
        if self.start_time is not None:
            super().spider_closed(spider, self.writer.end_reason(reason))
