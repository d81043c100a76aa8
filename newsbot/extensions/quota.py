"""Quotas: each call is taken out of the budget in the database before it goes out, whoever makes it."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from newsbot.extensions.retry_after import retry_after
from newsbot.extraction.paths import PathError, path
from newsbot.storage.quotas import QuotaSpentError, Refusal
from newsbot.storage.store import Store

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from newsbot.sources.api import Quota
    from newsbot.storage.quotas import Terms

LONGEST_BACKOFF = 60.0  # seconds, after a 429 that does not say how long
LONGEST_BLOCK = 32 * 86_400.0  # seconds: what is said of longer, as of the year 9999, is no period of a quota
LONGEST_RETRY = 30.0  # seconds before a page is asked for again


class QuotaMiddleware:
    """For requests with ``meta["quota"]``, the declared `Quota`, and ``meta["terms"]``, its `Terms`.

    Waits for the space between two calls; raises `QuotaSpentError` where there is none left. Takes over what answers
    say: calls left, when there are some again, ``Retry-After``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.store = Store.of(crawler)
        self._longest = crawler.settings.getfloat("RETRY_AFTER_MAX")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """For Scrapy."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Take the call out of the budget, once it is its time."""
        terms: Terms | None = request.meta.get("terms")
        if terms is None:
            return
        if tries := request.meta.get("retry_times"):
            await asyncio.sleep(min(LONGEST_RETRY, 0.1 * 2**tries))
        while answer := await self.store.spend(terms, request.meta.get("budget")):
            if not isinstance(answer, Refusal):
                await asyncio.sleep(answer)
            elif answer.seconds <= self._longest:
                await asyncio.sleep(answer.seconds)
            else:
                raise QuotaSpentError(f"{answer.reason}; there are some again at {answer.until:%Y-%m-%d %H:%M %Z}")
        request.meta["call"] = terms

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """The call is over, without an answer."""
        await self._answered(request)

    async def process_response(self, request: Request, response: Response) -> Response:
        """The same response, after what it says of the quota."""
        await self._answered(request)
        terms: Terms | None = request.meta.get("terms")
        if terms is None:
            return response
        quota: Quota | None = request.meta.get("quota")
        remaining = _number(response, quota and quota.remaining)
        limit = _number(response, quota and quota.limit)
        if limit is not None and limit < 1:  # as some say that there is none
            remaining = limit = None
        spent = _says(quota.spent, response) if response.status == 429 and quota and quota.spent else None
        if spent:
            remaining = 0
        reset = _reset(response, quota and quota.reset)
        if remaining is not None:
            period = spent if isinstance(spent, str) else None
            limit = None if limit is None or period else int(limit)
            await self.store.quota_told(terms, max(0, int(remaining)), limit, reset, period)
        wait = _wait(request, response, reset, is_spent=remaining is not None and remaining <= 0)
        if wait is not None:
            reason = f"it asked to be left alone (HTTP status {response.status})"
            await self.store.block_quota(terms, min(wait, LONGEST_BLOCK), reason)
        return response

    async def _answered(self, request: Request) -> None:
        if terms := request.meta.pop("call", None):
            await self.store.call_answered(terms)


def _wait(request: Request, response: Response, reset: float | None, *, is_spent: bool) -> float | None:
    """Seconds to leave the API alone: as it says or, after a 429 that does not, twice as long each time."""
    asked = retry_after(response)
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


def _says(where: str, response: Response) -> Any:
    try:
        return path(where)(json.loads(response.body))
    except (ValueError, PathError):
        return None


def _reset(response: Response, name: str | None) -> float | None:
    """Seconds until there are calls again: the header has Unix seconds, seconds from now, or an ISO time."""
    text = (response.headers.get(name) or b"").decode("latin-1") if name else ""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        try:
            value = datetime.fromisoformat(text).timestamp()
        except ValueError:
            return None
    if not abs(value) < 1e11:
        return None
    return min(LONGEST_BLOCK, max(0.0, value - time.time() if value > 1e8 else value))
