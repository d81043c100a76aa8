"""A loopback server in a thread of this process: the benchmarks measure child processes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Site(ThreadingHTTPServer):
    """Answers a GET with what `page` gives for its path, and 404 where that is None."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, page: Callable[[str], bytes | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page
        self.validators = True  # whether an ETag is sent and obeyed

    def handle_error(self, request: object, client_address: object) -> None:
        """Report a failure, unless the client was killed on purpose."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def base(self) -> str:
        """The URL under which it is reached."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        body = self.server.page(self.path)
        etag = f'"{blake2b(body or b"", digest_size=8).hexdigest()}"'
        status = HTTPStatus.OK if body is not None else HTTPStatus.NOT_FOUND
        if self.server.validators and self.headers.get("If-None-Match") == etag:
            status, body = HTTPStatus.NOT_MODIFIED, None
        self.send_response(status)
        if self.server.validators:
            self.send_header("ETag", etag)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: object) -> None:
        """Log nothing: the crawl reports what it fetched."""


@contextmanager
def serving(page: Callable[[str], bytes | None]) -> Iterator[Site]:
    """A server that runs until the block ends."""
    with Site(page) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
