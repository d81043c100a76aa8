"""Refuses some URLs with the reason, which reaches the errback of the request."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from scrapy.exceptions import IgnoreRequest

from newsbot.extensions.log import hide_logins
from newsbot.logins import has_login, url_without_login

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

SHOWN = 200  # characters of the URL in the message


class UrlTooLong(IgnoreRequest):
    """The URL of a request is above ``URLLENGTH_LIMIT``. Errbacks see it; it is not retried."""


class UrlWithLogin(IgnoreRequest):
    """The URL of a request has a user or a password, which logs and tables would show. Errbacks see it."""


class UrlMiddleware:
    """Refuses URLs, also those of redirects, before any request for their sake.

    Raises `UrlWithLogin`, and `UrlTooLong` above ``URLLENGTH_LIMIT`` bytes; 0 turns the limit off. Scrapy's limit is a
    spider middleware, which silently drops a request without a call of its errback.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the setting, and keep logins out of the log."""
        hide_logins()
        return cls(crawler.settings.getint("URLLENGTH_LIMIT"))

    def process_request(self, request: Request) -> None:
        """Refuse a URL that is too long or has a login."""
        error = self._refusal(request.url)
        if error is not None:
            logger.warning("Refused: %s", error)
            raise error

    def _refusal(self, url: str) -> IgnoreRequest | None:
        shown = url_without_login(url)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
        if has_login(url):
            return UrlWithLogin(
                f"a URL with a login is not requested, since logs would show it: {shown}; in a spider, set http_user,"
                " http_pass and http_auth_domain from the environment; for a source of a catalogue, write"
                " auth: env:NAME"
            )
        if 0 < self._longest < len(url):
            return UrlTooLong(
                f"the URL has {len(url)} bytes, expected at most {self._longest} (URLLENGTH_LIMIT): {shown}"
            )
        return None
