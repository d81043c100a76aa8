"""What Scrapy logs of items: nothing above DEBUG, because the table at the end says it."""

from typing import TYPE_CHECKING, Any, Self

from scrapy import logformatter

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure


class LogFormatter(logformatter.LogFormatter):
    """Scrapy's own, without a record for each item: building one costs as much as cleaning the item."""

    def __init__(self, *, items: bool) -> None:
        self.items = items

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """For Scrapy."""
        return cls(items=crawler.settings["LOG_LEVEL"] == "DEBUG")

    def scraped(self, item: Any, response: "Response | Failure | None", spider: "Spider") -> Any:
        """Nothing, or Scrapy's record at DEBUG."""
        return super().scraped(item, response, spider) if self.items else None

    def dropped(
        self, item: Any, exception: BaseException, response: "Response | Failure | None", spider: "Spider"
    ) -> Any:
        """Nothing, or Scrapy's record at DEBUG."""
        return super().dropped(item, exception, response, spider) if self.items else None
