"""URLs that are too long to be asked for fail, so that whoever asks hears of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from scrapy.exceptions import IgnoreRequest, NotConfigured

from newsbot.sources.secrets import without_login

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

SHOWN = 200  # characters of the URL in the message


class UrlTooLong(IgnoreRequest):
    """A request whose URL is above ``URLLENGTH_LIMIT``. Errbacks see it; it is not retried."""


class UrlLengthMiddleware:
    """In place of Scrapy's spider middleware, which drops a request where no errback hears of it.

    Raises `UrlTooLong` above ``URLLENGTH_LIMIT`` bytes; 0 is no bound. Where a redirect leads is bounded too.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """For Scrapy."""
        longest = crawler.settings.getint("URLLENGTH_LIMIT")
        if not longest:
            raise NotConfigured
        return cls(longest)

    def process_request(self, request: Request) -> None:
        """Refuse a URL that is too long."""
        if len(request.url) > self._longest:
            error = UrlTooLong(
                f"the URL has {len(request.url)} bytes, and at most {self._longest} (URLLENGTH_LIMIT) are asked for:"
                f" {without_login(request.url)[:SHOWN]}..."
            )
            logger.warning("Refused: %s", error)
            raise error
