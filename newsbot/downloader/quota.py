"""Quotas: takes each call of any component out of the budget in the database before it goes out."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Self

from OpenSSL import SSL
from scrapy.exceptions import CannotResolveHostError, DownloadConnectionRefusedError, DownloadFailedError
from twisted.internet.error import ConnectionLost

from newsbot.downloader.retry_after import retry_after
from newsbot.extraction.paths import looked_up
from newsbot.limits import LONGEST_BLOCK, QuotaSpentError, Refusal, longest_rest
from newsbot.sources.options import options_of
from newsbot.storage.budget import Budget

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from newsbot.limits import Terms
    from newsbot.sources.options import RequestOptions

LONGEST_BACKOFF = 60.0  # seconds, after a 429 without a wait
_MIN_TIME, _MAX_SECONDS = 1e8, 1e11  # of Unix seconds; less are seconds from now, more are milliseconds
LONGEST_RETRY = 30.0  # seconds before a retry


class QuotaMiddleware:
    """Keeps requests with the `terms` of a quota among their options within it.

    Waits for the space between two calls; raises `QuotaSpentError` if no call is left. Takes over the facts in answers:
    calls left, the time of the next ones, ``Retry-After``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._budget = Budget(crawler)
        self._longest = crawler.settings.getfloat("RETRY_AFTER_MAX")
        self._longest_kept = longest_rest(crawler.settings)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the middleware, with the budget of a crawl."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait until the call is due, and take it out of the budget."""
        options = options_of(request)
        if options is None or options.terms is None:
            return
        if tries := request.meta.get("retry_times"):
            await asyncio.sleep(min(LONGEST_RETRY, 0.1 * 2**tries))
        while answer := await self._budget.spend(options.terms, options.budget):
            if not isinstance(answer, Refusal):
                await asyncio.sleep(answer)
            elif answer.seconds <= self._longest:
                await asyncio.sleep(answer.seconds)
            else:
                raise QuotaSpentError(f"{answer.reason}; more from {answer.until:%Y-%m-%d %H:%M %Z}")
        options.call = options.terms, time.monotonic()
        options.reached = False

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """End a call without an answer, and give it back to the budget if it reached nobody."""
        options = options_of(request)
        call = await self._answered(options)
        if call and not _may_have_arrived(options, exception):
            await self._budget.give_back(call[0], time.monotonic() - call[1])

    async def process_response(self, request: Request, response: Response) -> Response:
        """Record the quota that the response states; the same response."""
        options = options_of(request)
        await self._answered(options)
        if options is None or options.terms is None:
            return response
        terms, quota = options.terms, options.quota
        remaining = _number(response, quota and quota.remaining)
        limit = _number(response, quota and quota.limit)
        if limit is not None and limit < 1:  # some services mean "no limit"
            remaining = limit = None
        spent = looked_up(quota.spent, response.body) if response.status == 429 and quota and quota.spent else None
        if spent:
            remaining = 0
        reset = _reset(response, quota and quota.reset)
        if remaining is not None:
            period = spent if isinstance(spent, str) else None
            limit = None if limit is None or period else int(limit)
            await self._budget.told(terms, max(0, int(remaining)), limit, reset, period)
        asked = retry_after(response)
        if asked is not None:
            asked = min(asked, self._longest_kept)
        wait = _wait(request, response, asked, reset, is_spent=remaining is not None and remaining <= 0)
        if wait is not None:
            reason = f"it asked to be left alone (HTTP status {response.status})"
            await self._budget.block(terms, wait, reason)
        return response

    async def _answered(self, options: RequestOptions | None) -> tuple[Terms, float] | None:
        """End the call under way, and return it; None if there was none."""
        if options is None or options.call is None:
            return None
        call, options.call = options.call, None
        await self._budget.answered(call[0])
        return call


def _may_have_arrived(options: RequestOptions, exception: Exception) -> bool:
    """Whether the service may have counted a call without an answer.

    It has not without a connection, as the download handler notes, nor if the connection was refused up to the end of
    its TLS handshake or reset before the first byte of an answer. It may have read from a connection closed in order.
    """
    if isinstance(exception, CannotResolveHostError | DownloadConnectionRefusedError):
        return False
    if isinstance(exception, DownloadFailedError):
        reasons = getattr(getattr(exception.__cause__, "__cause__", None), "reasons", ())
        if any(reason.check(ConnectionLost, SSL.Error) for reason in reasons):
            return False
    return options.reached


def _wait(
    request: Request, response: Response, asked: float | None, reset: float | None, *, is_spent: bool
) -> float | None:
    """Seconds to wait: as the API says or, after a 429 without a wait, twice as long each time."""
    if asked is not None:
        return asked
    if response.status != 429:
        return None
    if reset is not None or is_spent:  # the ledger has it as spent
        return reset
    return min(LONGEST_BACKOFF, 2.0 ** request.meta.get("retry_times", 0))


def _number(response: Response, name: str | None) -> float | None:
    try:
        value = float(response.headers[name]) if name else None
    except (KeyError, ValueError, TypeError):
        return None
    return value if value is not None and abs(value) < 2**62 else None


def _reset(response: Response, name: str | None) -> float | None:
    """Seconds until the next calls: the header has Unix seconds or milliseconds, seconds, or an ISO time.

    None for a time too far away to end the period of a quota.
    """
    text = (response.headers.get(name) or b"").decode("latin-1").strip() if name else ""
    try:
        value = float(text)
        value = value / 1000 if value > _MAX_SECONDS else value
    except ValueError:
        try:
            value = datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            return None
    seconds = value - time.time() if value > _MIN_TIME else value
    return max(0.0, seconds) if seconds <= LONGEST_BLOCK else None
