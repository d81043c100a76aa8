"""Scrapy's core stats, without a signal for each item: sending one costs more than cleaning the item."""

from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.extensions import corestats

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler


class CoreStats(corestats.CoreStats):
    """As Scrapy's; the items are counted under the same names by `newsbot.pipelines.manager`."""

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """For Scrapy."""
        extension = super().from_crawler(crawler)
        crawler.signals.disconnect(extension.item_scraped, signal=signals.item_scraped)
        crawler.signals.disconnect(extension.item_dropped, signal=signals.item_dropped)
        return extension

    def spider_closed(self, spider: "Spider", reason: str) -> None:
        """As Scrapy's, which fails on a spider that was never opened, as when the database can not be used."""
        if self.start_time is not None:
            super().spider_closed(spider, reason)
