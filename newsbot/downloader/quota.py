"""Quotas: each call is taken out of the budget in the database before it goes out, whoever makes it."""

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

LONGEST_BACKOFF = 60.0  # seconds, after a 429 that does not say how long
_MIN_TIME, _MAX_SECONDS = 1e8, 1e11  # of Unix seconds: less are seconds from now, more are milliseconds
LONGEST_RETRY = 30.0  # seconds before a page is asked for again


class QuotaMiddleware:
    """For requests with the `terms` of a quota among their options.

    Waits for the space between two calls; raises `QuotaSpentError` where there is none left. Takes over what answers
    say: calls left, when there are some again, ``Retry-After``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._budget = Budget(crawler)
        self._longest = crawler.settings.getfloat("RETRY_AFTER_MAX")
        self._longest_kept = longest_rest(crawler.settings)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """For Scrapy."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Take the call out of the budget, once it is its time."""
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
                raise QuotaSpentError(f"{answer.reason}; there are some again at {answer.until:%Y-%m-%d %H:%M %Z}")
        options.call = options.terms, time.monotonic()
        options.reached = False

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """The call is over, without an answer; one that reached nobody is given back."""
        options = options_of(request)
        call = await self._answered(options)
        if call and not _may_have_arrived(options, exception):
            await self._budget.give_back(call[0], time.monotonic() - call[1])

    async def process_response(self, request: Request, response: Response) -> Response:
        """The same response, after what it says of the quota."""
        options = options_of(request)
        await self._answered(options)
        if options is None or options.terms is None:
            return response
        terms, quota = options.terms, options.quota
        remaining = _number(response, quota and quota.remaining)
        limit = _number(response, quota and quota.limit)
        if limit is not None and limit < 1:  # as some say that there is none
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
        """The call that was under way, if there was one."""
        if options is None or options.call is None:
            return None
        call, options.call = options.call, None
        await self._budget.answered(call[0])
        return call


def _may_have_arrived(options: RequestOptions, exception: Exception) -> bool:
    """Whether the service may have counted a call that has no answer.

    Not without a connection, as the download handler notes, or where that was refused to the end of its TLS handshake
    or reset before the first byte of an answer. A connection that is closed in order may have been read from.
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
    """Seconds to leave the API alone: as it says or, after a 429 that does not, twice as long each time."""
    if asked is not None:
        return asked
    if response.status != 429:
        return None
    if reset is not None or is_spent:  # what is spent stands in the ledger
        return reset
    return min(LONGEST_BACKOFF, 2.0 ** request.meta.get("retry_times", 0))


def _number(response: Response, name: str | None) -> float | None:
    try:
        value = float(response.headers[name]) if name else None
    except (KeyError, ValueError, TypeError):
        return None
    return value if value is not None and abs(value) < 2**62 else None


def _reset(response: Response, name: str | None) -> float | None:
    """Seconds until there are calls again: the header has Unix seconds or milliseconds, seconds, or an ISO time.

    None for what is too far to be the end of a quota's period.
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
