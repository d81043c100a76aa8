"""``Retry-After``: waits as a host asks, if the wait is short enough for this run."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.utils.asyncio import call_later

from newsbot.limits import longest_rest

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

LONGEST = 1e12  # seconds: some 30,000 years, which any clock can count


class RetryAfterMiddleware(RetryMiddleware):
    """Retries as Scrapy does, but after a 429 or 503 with ``Retry-After`` not before the time that the server names.

    Until then the whole host waits (its download slot), and other hosts go on. A wait above ``RETRY_AFTER_MAX``
    (seconds, default 60) ends the retries: the response carries the wait as ``response.meta["retry_after"]`` (seconds,
    float), up to ``RETRY_AFTER_DAYS`` (default 7): a longer one is a mistake, such as the year 9999.
    """

    def __init__(self, settings: BaseSettings) -> None:
        super().__init__(settings)
        self._longest = settings.getfloat("RETRY_AFTER_MAX", 60)
        self._longest_kept = longest_rest(settings)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the middleware; it sees each response before the next request to its host."""
        middleware = super().from_crawler(crawler)
        crawler.signals.connect(middleware._hold_host, signals.response_downloaded)
        return middleware

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """The request to retry, or the response."""
        wait = retry_after(response)
        if wait is None or wait <= self._longest:
            result = super().process_response(request, response)
            if wait is None or result is not response:
                return result
        wait = min(wait, self._longest_kept)
        request.meta["retry_after"] = wait
        self.crawler.stats.inc_value("retry_after/left")
        logger.info("%s: no further attempt in this run, the server asks to wait %.0f s", request, wait)
        return response

    def _hold_host(self, request: Request, response: Response) -> None:
        wait = retry_after(response)
        if wait is None or wait > self._longest:
            return
        downloader = self.crawler.engine.downloader
        slot = downloader.slots[request.meta[downloader.DOWNLOAD_SLOT]]
        if slot.latercall:
            slot.latercall.cancel()
        # The downloader itself makes a host wait in this way; afterwards it checks the delay again.
        slot.latercall = call_later(wait, downloader._latercall, slot)
        self.crawler.stats.inc_value("retry_after/waited")
        logger.info("%s: the host waits for %.0f s, as the server asks", request, wait)


def retry_after(response: Response) -> float | None:
    """The seconds that a 429 or 503 asks to wait (RFC 9110, section 10.2.3); None without a valid ``Retry-After``.

    It compares a date with the server's ``Date``, if present, as either clock may be wrong. A past date or a negative
    number is 0; the wait has no upper bound here.
    """
    if response.status not in (429, 503):
        return None
    value = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", value):
        return min(max(0.0, float(value)), LONGEST)
    until = _http_date(value)
    if until is None:
        return None
    now = _http_date((response.headers.get("Date") or b"").decode("latin-1")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
