"""Scrapy's log, without a record for each item, tracebacks for hosts that do not answer, and logins in URLs."""

import logging
from typing import TYPE_CHECKING, Any, Self

from scrapy import logformatter
from scrapy.utils.log import get_scrapy_root_handler

from newsbot.logins import without_login

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure


def _brief(record: logging.LogRecord) -> bool:
    """Log a missing robots.txt without a traceback; the table at the end of the run reports it in one line."""
    if record.exc_info:
        record.exc_info = None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


class _WithoutLogins(logging.Formatter):
    """Formats as another formatter, without the logins in URLs of messages and tracebacks."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return without_login(self.inner.format(record))


def hide_logins() -> None:
    """Keep logins out of the log: Scrapy logs redirects and filtered requests before a guard can refuse them.

    Scrapy makes a new handler for each crawler, after the log formatter; a script may have no handler.
    """
    handler = get_scrapy_root_handler()
    if handler is not None and handler.formatter is not None:
        handler.setFormatter(_WithoutLogins(handler.formatter))


class LogFormatter(logformatter.LogFormatter):
    """Scrapy's formatter, without a record for each item: building one costs as much as cleaning the item."""

    def __init__(self, *, items: bool) -> None:
        self.items = items

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Read LOG_LEVEL, and shorten the records of robots.txt."""
        logging.getLogger("scrapy.downloadermiddlewares.robotstxt").addFilter(_brief)
        return cls(items=crawler.settings["LOG_LEVEL"] == "DEBUG")

    def scraped(self, item: Any, response: "Response | Failure | None", spider: "Spider") -> Any:
        """Nothing, or Scrapy's record at DEBUG."""
        return super().scraped(item, response, spider) if self.items else None

    def dropped(
        self, item: Any, exception: BaseException, response: "Response | Failure | None", spider: "Spider"
    ) -> Any:
        """Nothing, or Scrapy's record at DEBUG."""
        return super().dropped(item, exception, response, spider) if self.items else None
