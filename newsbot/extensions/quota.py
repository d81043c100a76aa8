"""Quotas: each call is taken out of the budget in the database before it goes out, whoever makes it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import datetime
from typing import TYPE_CHECKING, Self

from newsbot.extensions.retry_after import retry_after
from newsbot.extraction.paths import path
from newsbot.storage.quotas import QuotaSpentError, Refusal
from newsbot.storage.store import Store

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from newsbot.sources.api import Quota
    from newsbot.storage.quotas import Terms

logger = logging.getLogger(__name__)

LONGEST_BACKOFF = 60.0  # seconds, after a 429 that does not say how long


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
        """Take the call out of the budget, and wait for its time."""
        terms: Terms | None = request.meta.get("terms")
        if terms is None:
            return
        if tries := request.meta.get("retry_times"):
            await asyncio.sleep(min(LONGEST_BACKOFF / 2, 0.1 * 2**tries))
        budget = request.meta.get("budget")
        price = terms.cost or 1
        if budget is not None and self.store.spent[terms.name] * price + price > budget:
            raise QuotaSpentError(f"the budget of this run, {budget:g}, is spent")
        while True:
            answer = await self.store.spend(terms)
            if not isinstance(answer, Refusal):
                break
            if answer.seconds > self._longest:
                raise QuotaSpentError(f"{answer.reason}; there are some again at {answer.until:%Y-%m-%d %H:%M %Z}")
            await asyncio.sleep(max(0.05, answer.seconds))
        if answer > 0:
            await asyncio.sleep(answer)

    async def process_response(self, request: Request, response: Response) -> Response:
        """The same response, after what it says of the quota."""
        terms: Terms | None = request.meta.get("terms")
        if terms is None:
            return response
        quota: Quota | None = request.meta.get("quota")
        remaining = _number(response, quota and quota.remaining)
        limit = _number(response, quota and quota.limit)
        reset = _reset(response, quota and quota.reset)
        if response.status == 429 and quota and quota.spent and _says(quota.spent, response):
            remaining = 0
        if remaining is not None:
            await self.store.quota_told(terms, max(0, int(remaining)), None if limit is None else int(limit))
        if response.status == 429 or (remaining is not None and remaining <= 0 and reset):
            wait = retry_after(response)
            wait = reset if wait is None else wait
            if wait is None:
                wait = min(LONGEST_BACKOFF, 2.0 ** request.meta.get("retry_times", 0))
            await self.store.block_quota(terms, wait, f"it asked to be left alone (HTTP status {response.status})")
            if response.status == 429 and wait > self._longest:
                request.meta["retry_after"] = wait
        return response


def _number(response: Response, name: str | None) -> float | None:
    try:
        return float(response.headers[name]) if name else None
    except (KeyError, ValueError, TypeError):
        return None


def _says(where: str, response: Response) -> bool:
    try:
        return bool(path(where)(json.loads(response.body)))
    except ValueError:
        return False


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
    return max(0.0, value - time.time()) if value > 1e8 else max(0.0, value)
