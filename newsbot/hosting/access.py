"""Who may ask: login, cross-site requests, sizes; and what every answer says to browsers."""

import base64
import binascii
import hmac
import json
import logging
import os
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from scrapyd.config import Config
from scrapyd.exceptions import ConfigError, InvalidUsernameError
from twisted.internet import reactor, task
from twisted.web import http, resource, server

logger = logging.getLogger(__name__)

MAX_BODY = 1 << 20  # bytes of a request
MAX_EGG = 64 << 20  # bytes of one that brings an egg
FIRST_DELAY, LONGEST_DELAY = 0.1, 1.0  # seconds before a wrong password is told so, doubled with each
FORGIVEN = 300.0  # seconds after which wrong passwords are forgotten
REMEMBERED = 10_000  # addresses with wrong passwords

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What a job wrote is shown by its browser as nothing but text, whatever it may be.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Server": "newsbot",
}


@dataclass(frozen=True)
class Login:
    """The one user."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, config: Config) -> Self | None:
        """From the environment, which forgets it so that no job inherits it, or from the configuration.

        Raises `ConfigError` when only one of the two is given.
        """
        given = [
            os.environ.pop(f"SCRAPYD_{name.upper()}", "") or config.get(name, "") for name in ("username", "password")
        ]
        if not any(given):
            return None
        if not all(given):
            raise ConfigError(
                "username and password go together: set both SCRAPYD_USERNAME and SCRAPYD_PASSWORD, or none"
            )
        if ":" in given[0]:
            raise InvalidUsernameError
        return cls(*given)

    def fits(self, username: bytes, password: bytes) -> bool:
        """Whether these are the right ones, in a time that does not tell how much of them is."""
        right = hmac.compare_digest(username, self.username.encode())
        return hmac.compare_digest(password, self.password.encode()) and right


class Request(server.Request):
    """Refuses a body that is too large before it has come."""

    _taken = 0

    def gotLength(self, length: int | None) -> None:  # noqa: N802  Twisted's
        """See the announced length."""
        super().gotLength(length)
        if length is not None and length > MAX_EGG:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  Twisted's
        """Count what comes."""
        self._taken += len(data)
        if self._taken <= MAX_EGG:
            super().handleContentChunk(data)
        elif self._taken - len(data) <= MAX_EGG:
            self._refuse()

    def _refuse(self) -> None:
        self._taken = MAX_EGG + 1
        body = json.dumps({"status": "error", "message": f"more than {MAX_EGG} bytes"}).encode()
        head = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: application/json\r\n"
        self.channel.transport.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.channel.loseConnection()


class Gate(resource.Resource):
    """Stands before all that is served."""

    def __init__(self, root: resource.Resource, login: Login | None) -> None:
        super().__init__()
        self.root = root
        self.login = login
        self._wrong: dict[str, tuple[int, float]] = {}  # by address: how many in a row, and when the last

    def getChildWithDefault(self, path: bytes, request: http.Request) -> Any:  # noqa: N802  Twisted's
        """What was asked for, or why not."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        if self.login and (refusal := self._unknown(request)):
            return refusal
        if request.method not in (b"GET", b"HEAD", b"OPTIONS") and _is_from_elsewhere(request):
            return Refusal(http.FORBIDDEN, "this request was sent by a page of another site")
        if path != b"addversion.json" and int(request.getHeader("content-length") or 0) > MAX_BODY:
            return Refusal(http.REQUEST_ENTITY_TOO_LARGE, f"more than {MAX_BODY} bytes")
        return self.root.getChildWithDefault(path, request)

    def _unknown(self, request: http.Request) -> "Refusal | None":
        """A refusal unless the request has the right name and password."""
        address = request.getClientAddress().host
        given = _credentials(request)
        if given and self.login.fits(*given):
            self._wrong.pop(address, None)
            return None
        delay = 0.0
        if given:
            times, last = self._wrong.get(address, (0, 0.0))
            times = times + 1 if time.monotonic() - last < FORGIVEN else 1
            if len(self._wrong) >= REMEMBERED:
                self._wrong.clear()
            self._wrong[address] = times, time.monotonic()
            delay = min(FIRST_DELAY * 2 ** min(times - 1, 10), LONGEST_DELAY)
            logger.warning("Wrong user name or password from %s, %d in a row", address, times)
        request.setHeader("WWW-Authenticate", 'Basic realm="Scrapyd", charset="UTF-8"')
        return Refusal(http.UNAUTHORIZED, "a user name and a password are needed", delay)


class Refusal(resource.Resource):
    """An answer in Scrapyd's form that says no, after `delay` seconds."""

    isLeaf = True  # noqa: N815  Twisted's

    def __init__(self, status: int, message: str, delay: float = 0.0) -> None:
        super().__init__()
        self.status, self.message, self.delay = status, message, delay

    def render(self, request: http.Request) -> bytes | int:
        """Answer, later if it is to be so."""
        request.setResponseCode(self.status)
        request.setHeader("Content-Type", "application/json")
        body = json.dumps({"status": "error", "message": self.message}).encode() + b"\n"
        if not self.delay:
            return body
        gone = request.notifyFinish()
        waiting = task.deferLater(reactor, self.delay)
        gone.addErrback(lambda _: waiting.cancel())
        waiting.addCallbacks(lambda _: (request.write(body), request.finish()), lambda _: None)
        return server.NOT_DONE_YET


def guarded(root: resource.Resource, login: Login | None) -> server.Site:
    """The site of `root`, behind a gate."""
    return server.Site(Gate(root, login), requestFactory=Request, timeout=60)


def _credentials(request: http.Request) -> tuple[bytes, bytes] | None:
    kind, _, given = (request.getHeader("authorization") or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(given, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return (username, password) if colon else (b"", b"")


def _is_from_elsewhere(request: http.Request) -> bool:
    """Whether a browser says that a page of another site sent this. Programs say nothing of the kind."""
    if request.getHeader("sec-fetch-site") in ("cross-site", "same-site"):
        return True
    origin = request.getHeader("origin")
    if origin is None:
        return False
    return (
        urlsplit(origin).netloc.lower()
        != (request.getHeader("x-forwarded-host") or request.getHeader("host") or "").lower()
    )
