"""Failed requests, with their reasons, of a spider that reports no outcomes itself.

Two middlewares of a crawl write to one `Failures`: the outermost of the downloader, after all retries, and Scrapy's
check of the status. `RobotsOnSite` keeps the offsite filter from dropping robots.txt, which would allow everything.
"""

from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from scrapy.downloadermiddlewares import robotstxt
from scrapy.http import Request, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.spidermiddlewares import httperror
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.url import strip_url

from newsbot.logins import url_without_login, without_login

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser

MAX_URL = 300  # characters of a listed URL
MAX_TEXT = 200  # characters of an exception
SHOWN = 20  # failures to list; the others are counted by their reason


class Failures:
    """The failed requests of a crawl, in bounded memory."""

    _of: ClassVar[WeakKeyDictionary[Any, Self]] = WeakKeyDictionary()

    @classmethod
    def of(cls, crawler: "Crawler") -> Self:
        """The failures of the crawler, made at the first call."""
        return cls._of.setdefault(crawler, cls())

    def __init__(self) -> None:
        self.answered = 0  # answers that reached a callback
        self.total = 0  # requests without an answer
        self.shown: list[str] = []  # the first of these and the first exceptions of callbacks: URL and reason
        self.others: Counter[str] = Counter()  # the rest, by reason

    def add(self, url: str, reason: str) -> None:
        """Note a request without an answer."""
        self.total += 1
        self._note(url, reason)

    def add_error(self, url: str, error: BaseException) -> None:
        """Note an exception of the spider's method that read the answer of `url`."""
        lines = str(error).splitlines()
        text = f": {lines[0][:MAX_TEXT]}" if lines else ""
        self._note(url, f"{type(error).__name__}{text} (in a callback; the log has the traceback)")

    def _note(self, url: str, reason: str) -> None:
        login, at, _ = urlsplit(url).netloc.rpartition("@")
        reason = without_login(reason).replace(login + at, "") if login else without_login(reason)
        if len(self.shown) < SHOWN:
            address = strip_url(url_without_login(url))
            self.shown.append(f"{address[:MAX_URL]}{'...' if len(address) > MAX_URL else ''}: {reason}")
        else:
            self.others[reason] += 1


class FailedRequests:
    """A downloader middleware next to the engine: it sees an exception after all retries."""

    def __init__(self, failures: Failures) -> None:
        self.failures = failures

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Take the failures of the crawler."""
        return cls(Failures.of(crawler))

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Note it, and leave it to the errback."""
        if request.callback is not NO_CALLBACK:  # not for robots.txt and pictures
            lines = str(exception).splitlines()
            self.failures.add(request.url, lines[0] if lines else type(exception).__name__)


class HttpErrorMiddleware(httperror.HttpErrorMiddleware):
    """Scrapy's middleware; it also counts refused and accepted responses."""

    failures: Failures

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make the middleware, with the failures of the crawler."""
        middleware = super().from_crawler(crawler)
        middleware.failures = Failures.of(crawler)
        return middleware

    def process_spider_input(self, response: Response) -> None:
        """Raise `HttpError` for a status that the spider does not handle."""
        try:
            super().process_spider_input(response)
        except httperror.HttpError:
            self.failures.add(response.url, _status(response.status))
            raise
        self.failures.answered += 1


class RobotsTxtMiddleware(robotstxt.RobotsTxtMiddleware):
    """Scrapy's middleware lets a third simultaneous request to a host pass: requests that wait for its robots.txt share
    a Deferred, the first one takes its result away, and None counts as a robots.txt that allows all. This one reads the
    parser again after the wait."""

    async def robot_parser(self, request: Request) -> "RobotParser | None":
        """The parser of the request's host; None without a robots.txt."""
        await super().robot_parser(request)
        return self._parsers[urlparse_cached(request).netloc]


class RobotsOnSite:
    """A downloader middleware before the offsite filter, which would drop robots.txt of a host outside
    `allowed_domains`, as after a redirect: Scrapy takes a robots.txt that it cannot get for one that allows all."""

    def process_request(self, request: Request) -> None:
        """Mark Scrapy's request for a robots.txt."""
        if request.callback is NO_CALLBACK and urlsplit(request.url).path == "/robots.txt":
            request.meta["allow_offsite"] = True


def _status(status: int) -> str:
    try:
        return f"HTTP status {status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return f"HTTP status {status}"
