"""One server for all sites and APIs of the sample newsroom, on loopback; the Host header chooses one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from newsbot.sample import services, site_pages
from newsbot.sample.formats import FORMATS
from newsbot.sample.newsroom import Channel, Site, sites

NEXT_EDITION = "/next-edition"
_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_ROBOTS = "User-agent: *\nDisallow: /drafts/\n"


@dataclass
class Answer:
    """The answer to a request."""

    body: bytes = b""
    content_type: str = _TEXT
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class SampleServer(ThreadingHTTPServer):
    """The newsroom. `edition` starts at 1; the next one has edits and new stories. `log` has (host, path, status).

    Dates count from the start of the hour in which the server was made, so they stay the same while it runs.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        """Bind to loopback; port 0 takes any free one. Raises OSError if the port is taken."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.sites = {site.host: site for site in sites()}
        self.edition = 1
        self.clock = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.log: list[tuple[str, str, int]] = []

    @property
    def base(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def stand_ins(self) -> str:
        """The value of the setting STAND_INS that sends requests for all sites and APIs here."""
        return json.dumps(dict.fromkeys((*self.sites, *services.HOSTS), self.base))

    def next_edition(self) -> None:
        """Switch to the edition with edits and new stories."""
        self.edition += 1

    def answer(self, host: str, path: str, query: str = "") -> Answer:
        """The answer of a site or an API."""
        if host in services.HOSTS:
            return self._service(host, path, dict(parse_qsl(query, keep_blank_values=True)))
        site = self.sites.get(host)
        if site is None:
            known = "\n".join((*self.sites, *services.HOSTS))
            return _missing(f"Unknown site {host!r}. Send one of these in the Host header:\n{known}\n")
        time.sleep(site.delay)
        if path == "/robots.txt":
            return Answer(_ROBOTS.encode())
        if path in site.moved:
            return Answer(status=HTTPStatus.MOVED_PERMANENTLY, headers={"Location": site.moved[path]})
        for channel in site.channels:
            if path == channel.path:
                return self._channel(site, channel)
        stories = {
            story.link: story for story in site.edition(self.edition, self.clock) if story.title and "://" in story.link
        }
        if path == "/":
            return Answer(site_pages.front(site, list(stories.values())), _HTML)
        if story := stories.get(site.url(path)):
            return Answer(site_pages.article(site, story), _HTML)
        return _missing(f"{site.name} has no page {path}\n")

    def _service(self, host: str, path: str, query: dict[str, str]) -> Answer:
        asked = sum(each == host for each, *_ in self.log)
        status, headers = HTTPStatus.OK, {"X-Calls-Left": str(services.CALLS_A_DAY - asked)}
        try:
            found = services.answer(host, path, query, self.edition, self.clock)
        except services.AskedWronglyError as error:
            status, found = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        if found is None:
            return _missing(f"{host} has nothing at {path}\n")
        return Answer(json.dumps(found).encode(), _JSON, status, headers)

    def _channel(self, site: Site, channel: Channel) -> Answer:
        stories = channel.pick(site.edition(self.edition, self.clock))
        content_type, write = FORMATS[channel.format]
        answer = Answer(write(site, channel, stories), content_type)
        if channel.validator == "etag":
            answer.headers["ETag"] = f'"{blake2b(answer.body, digest_size=8).hexdigest()}"'
        elif channel.validator == "last_modified":
            answer.headers["Last-Modified"] = format_datetime(stories[0].published, usegmt=True)
        return answer


@contextmanager
def serving(port: int = 0) -> Iterator[SampleServer]:
    """A running server, in its own thread, until the block ends."""
    with SampleServer(port) as server:
        thread = Thread(target=server.serve_forever, name="sample newsroom", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: SampleServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").partition(":")[0].lower()
        _, _, path, query, _ = urlsplit(self.path)
        answer = self.server.answer(host, path, query)
        # Compare validators for equality (RFC 9110, section 13.1), as most servers do.
        asked = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        if any(value and value in asked for value in map(answer.headers.get, ("ETag", "Last-Modified"))):
            answer.status, answer.body = HTTPStatus.NOT_MODIFIED, b""
        self.server.log.append((host, path, answer.status))
        self._send(answer)

    def do_POST(self) -> None:
        if self.path != NEXT_EDITION:
            self._send(_missing(f"Expected POST {NEXT_EDITION}\n"))
            return
        self.server.next_edition()
        self._send(Answer(f"This is edition {self.server.edition}\n".encode()))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *args: object) -> None:
        """Log nothing: the crawl reports its requests."""


def _missing(text: str) -> Answer:
    return Answer(text.encode(), status=HTTPStatus.NOT_FOUND)
