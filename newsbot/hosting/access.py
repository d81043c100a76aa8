"""Access control: login, cross-site requests, sizes, time limits; and the security headers of every answer."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import logging
import os
import time
from collections.abc import Iterator
from configparser import InterpolationError
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote_to_bytes, urlsplit

from scrapyd.config import Config
from scrapyd.exceptions import ConfigError, InvalidUsernameError
from scrapyd.website import Root
from twisted.internet import reactor, task
from twisted.internet.interfaces import IAddress
from twisted.web import http, resource, server

from newsbot.hosting import forms

logger = logging.getLogger(__name__)

MAX_BODY = 256 << 10  # bytes of a request; a process could not take more arguments
MAX_EGG = 64 << 20  # bytes of a request that uploads an egg
LONGEST_LENGTH = 20  # digits of a Content-Length
MAX_CONNECTIONS = 256  # jobs and the database need open files as well
TIMEOUT = 60  # seconds for a whole request to come; after a login: seconds without any byte of its body
LINGER = 5  # seconds for a refused client to stop sending and read the reason
FIRST_DELAY, LONGEST_DELAY = 0.1, 1.0  # seconds before a wrong password is refused, doubled with each
LONGEST_QUEUE = 60.0  # seconds that a wrong password waits behind others from its address
FORGIVEN = 300.0  # seconds after which wrong passwords are forgotten
REMEMBERED = 10_000  # addresses with wrong passwords
REFUSALS_LOGGED = 60  # a minute

_PARTS = ("username", "password")
_METHODS = (b"GET", b"HEAD", b"OPTIONS", b"POST")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A browser shows a job's files, of any kind, as plain text only.
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
        """From the environment, which drops it so that no job inherits it, or from the configuration.

        Raises `ConfigError` when only one of the two is given, or the file cannot be read.
        """
        try:
            given = [os.environ.pop(f"SCRAPYD_{name.upper()}", "") or config.get(name, "") for name in _PARTS]
        except InterpolationError as error:
            raise ConfigError(f"{error.option} in scrapyd.conf: write %% for a %") from None
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
        """Whether both match, in a time that reveals neither a matching part nor their lengths."""
        right = hmac.compare_digest(_digest(username), _digest(os.fsencode(self.username)))
        return hmac.compare_digest(_digest(password), _digest(os.fsencode(self.password))) and right


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


class Refusal(resource.Resource):
    """A refusal in Scrapyd's form, after `delay` seconds."""

    isLeaf = True  # noqa: N815  Twisted's

    def __init__(self, status: int, message: str, node: str, *, delay: float = 0.0, allow: bytes = b"") -> None:
        super().__init__()
        self.status, self.delay, self.allow = status, delay, allow
        self.body = json.dumps({"status": "error", "message": message, "node_name": node}).encode() + b"\n"

    def render(self, request: http.Request) -> bytes | int:
        """Answer, after the delay if there is one."""
        request.setResponseCode(self.status)
        request.setHeader("Content-Type", "application/json")
        request.setHeader("Content-Length", str(len(self.body)))
        if self.allow:
            request.setHeader("Allow", self.allow)
        if self.status == http.UNAUTHORIZED:
            request.setHeader("WWW-Authenticate", 'Basic realm="Scrapyd", charset="UTF-8"')
        gone = request.notifyFinish()
        waiting = task.deferLater(reactor, self.delay)
        gone.addErrback(lambda _: waiting.cancel())
        waiting.addCallbacks(lambda _: (request.write(self.body), request.finish()), lambda _: None)
        return server.NOT_DONE_YET


class Gate(resource.Resource):
    """Stands before all resources."""

    def __init__(self, root: Root, login: Login | None) -> None:
        super().__init__()
        self.root = root
        self.login = login
        # By address: how many in a row, and when the last of them is refused.
        self._wrong: dict[str, tuple[int, float]] = {}

    def refusal(self, status: int, message: str, **options: Any) -> Refusal:
        """A refusal with its reason."""
        return Refusal(status, message, self.root.node_name, **options)

    def look(self, request: http.Request) -> Refusal | None:
        """A refusal because of the headers, before anything else of the request is read."""
        hosts = request.requestHeaders.getRawHeaders(b"host", [])
        if len(hosts) > 1:
            return self.refusal(http.BAD_REQUEST, "more than one Host header")
        if self.login:
            return self._unknown(request)
        # A page of another site may point its name here; its browser then takes both for one origin.
        if hosts and not _is_loopback(hosts[0]):
            shown = hosts[0].decode(errors="replace")[:60]
            return self.refusal(
                http.FORBIDDEN,
                f"without a password this Scrapyd answers to localhost only, not to {shown!r}:"
                " set SCRAPYD_USERNAME and SCRAPYD_PASSWORD",
            )
        return None

    def getChildWithDefault(self, path: bytes, request: "Request") -> Any:  # noqa: N802  Twisted's
        """The resource asked for, or a refusal."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        if request.refusal:
            return request.refusal
        if not _is_text(unquote_to_bytes(request.path)):
            return self.refusal(http.BAD_REQUEST, "the path is not UTF-8, or holds control characters")
        if request.method not in _METHODS:
            allow = b", ".join(_METHODS)
            shown = request.method.decode()[:20]
            return self.refusal(http.NOT_ALLOWED, f"{shown} is not for anything here", allow=allow)
        if request.method == b"POST":
            if _is_from_elsewhere(request):
                return self.refusal(http.FORBIDDEN, "this request was sent by a page of another site")
            limit = MAX_EGG if path == b"addversion.json" else MAX_BODY
            if request.taken > limit:
                return self.refusal(http.REQUEST_ENTITY_TOO_LARGE, f"more than {limit} bytes")
            if request.getHeader(b"content-encoding") not in (None, b"identity"):
                return self.refusal(http.UNSUPPORTED_MEDIA_TYPE, "a compressed body is not read: send it as it is")
            try:
                request.args |= forms.fields(request)
            except forms.FormError as error:
                return self.refusal(http.BAD_REQUEST, f"the form cannot be read: {error}")
        if path not in self.root.children:
            return self.refusal(http.NOT_FOUND, f"there is no {_shown(request.path)} here")
        return self.root.getChildWithDefault(path, request)

    def _unknown(self, request: http.Request) -> Refusal | None:
        """A refusal unless the request has the right name and password."""
        address = request.getClientAddress().host
        given = _credentials(request)
        if given and self.login.fits(*given):
            self._wrong.pop(address, None)
            return None
        delay = self._delay(address) if given else 0.0
        return self.refusal(http.UNAUTHORIZED, "a user name and a password are needed", delay=delay)

    def _delay(self, address: str) -> float:
        """Seconds until one more wrong password from that address is refused: one after the other, over any number of
        connections.
        """
        now = time.monotonic()
        times, last = self._wrong.pop(address, (0, now))
        times = times + 1 if now - last < FORGIVEN else 1
        if len(self._wrong) >= REMEMBERED:
            del self._wrong[next(iter(self._wrong))]  # the address whose last wrong password is oldest
        turn = max(now, last) + min(FIRST_DELAY * 2 ** min(times - 1, 10), LONGEST_DELAY)
        turn = min(turn, now + LONGEST_QUEUE)
        self._wrong[address] = times, turn
        logger.warning("Wrong user name or password from %s, %d in a row", address, times)
        return turn - now


class Channel(http.HTTPChannel):
    """A connection. A whole request has `TIMEOUT` seconds to come: a byte now and then does not prolong it."""

    refused = False  # it gets the reason, and no more is read from it

    @property
    def admitted(self) -> bool:
        """Whether the current request has passed the gate."""
        return any(request.admitted for request in self.requests)

    def connectionMade(self) -> None:  # noqa: N802  Twisted's
        """Be counted."""
        super().connectionMade()
        self.site.channels[self] = None

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  Twisted's
        """Leave the count of connections."""
        self.site.channels.pop(self, None)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  Twisted's
        """Read what comes, unless the connection was refused."""
        if not self.refused:
            super().dataReceived(data)

    def resetTimeout(self) -> None:  # noqa: N802  Twisted's
        """Restart the time limit only for the body of a request that passed the gate."""
        if self.admitted:
            super().resetTimeout()

    def headerReceived(self, line: bytes) -> bool:  # noqa: N802  Twisted's
        """Read a header; refuse a length that Python cannot parse, which Twisted would stumble over."""
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(value.strip()) > LONGEST_LENGTH:
            self.refuse(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            return False
        return super().headerReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802  Twisted's
        """Refuse a request line or header that is too long."""
        self.refuse(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    def refuse(self, answer: bytes) -> None:
        """Answer before the request is whole, and give the client the time to read that."""
        self.refused = True
        self.transport.write(answer)
        self.callLater(LINGER, self.transport.abortConnection)


class Request(server.Request):
    """Reads no body before the request has passed the gate, nor more than the largest."""

    refusal: Refusal | None = None
    admitted = False
    taken = 0  # bytes of the body

    def __repr__(self) -> str:
        return f"<{self.method} {_shown(self.path)}>"  # the query may hold a secret

    def gotLength(self, length: int | None) -> None:  # noqa: N802  Twisted's
        """Check the request once all headers are there."""
        super().gotLength(length)
        self.refusal = self.channel.site.gate.look(self)
        self.admitted = self.refusal is None
        if length is not None and length > MAX_EGG:
            self._cut()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  Twisted's
        """Count the bytes of the body, and keep them unless the request is refused."""
        self.taken += len(data)
        if self.channel.refused:
            return
        if self.taken > MAX_EGG:
            self._cut()
        elif self.admitted:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802  Twisted's
        """Answer the whole request, or refuse it."""
        if not self.channel.refused:
            super().requestReceived(command, path, version)

    def _handleStar(self) -> None:  # noqa: N802  Twisted's
        """Refuse `OPTIONS *`, which Twisted answers before it asks for a resource."""
        if self.refusal:
            self.render(self.refusal)
        else:
            super()._handleStar()

    def _cut(self) -> None:
        refusal = self.refusal or self.channel.site.gate.refusal(
            http.REQUEST_ENTITY_TOO_LARGE, f"more than {MAX_EGG} bytes"
        )
        logger.warning("%s sent more than %d bytes: %d", self.getClientAddress().host, MAX_EGG, refusal.status)
        self.admitted = False
        reason = http.RESPONSES[refusal.status]
        head = b"HTTP/1.1 %d %b\r\nConnection: close\r\nContent-Type: application/json\r\n" % (refusal.status, reason)
        self.channel.refuse(head + b"Content-Length: %d\r\n\r\n" % len(refusal.body) + refusal.body)


class Site(server.Site):
    """The served resources, behind a gate."""

    protocol = Channel

    def __init__(self, root: Root, login: Login | None) -> None:
        self.gate = Gate(root, login)
        # Forms are read only after the gate.
        super().__init__(self.gate, requestFactory=Request, timeout=TIMEOUT, parsePOSTFormSubmission=False)
        self.channels: dict[Channel, None] = {}  # the oldest first

    def buildProtocol(self, addr: IAddress) -> Channel | None:  # noqa: N802  Twisted's
        """A connection; at the limit it replaces the oldest one without a request that passed the gate."""
        if len(self.channels) >= MAX_CONNECTIONS:
            oldest = next((channel for channel in self.channels if not channel.admitted), None)
            if oldest is None:
                return None
            del self.channels[oldest]
            oldest.transport.abortConnection()
        return super().buildProtocol(addr)

    def log(self, request: Request) -> None:
        """Log refusals and possible changes, without the query, which may hold a secret."""
        level = logging.WARNING if request.code >= 400 else logging.INFO if request.method == b"POST" else logging.DEBUG
        address = request.getClientAddress().host
        logger.log(level, "%s: %s %s: %d", address, request.method.decode(), _shown(request.path), request.code)


class Sparing(logging.Filter):
    """Lets `REFUSALS_LOGGED` warnings a minute pass, and counts the others: clients must not be able to fill the
    disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self._since, self._seen = 0.0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it."""
        if record.levelno < logging.WARNING:
            return True
        if time.monotonic() - self._since >= 60:
            if (left_out := self._seen - REFUSALS_LOGGED) > 0:
                record.msg = f"{record.getMessage()} ({left_out} refusals before this were not logged)"
                record.args = ()
            self._since, self._seen = time.monotonic(), 0
        self._seen += 1
        return self._seen <= REFUSALS_LOGGED


logger.addFilter(Sparing())


def guarded(root: Root, login: Login | None) -> Site:
    """The site of `root`, behind a gate."""
    return Site(root, login)


def _is_text(path: bytes) -> bool:
    try:
        return path.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _shown(path: bytes) -> str:
    return repr(path[:200])[2:-1]


def _credentials(request: http.Request) -> tuple[bytes, bytes] | None:
    kind, _, given = (request.getHeader(b"authorization") or b"").partition(b" ")
    if kind.lower() != b"basic":
        return None
    try:
        username, colon, password = base64.b64decode(given, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return (username, password) if colon else (b"", b"")


def _is_loopback(host: bytes) -> bool:
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_from_elsewhere(request: http.Request) -> bool:
    """Whether a browser says that a page of another site sent this. Programs say nothing about it."""

    def values(name: bytes) -> Iterator[bytes]:
        return (value.strip().lower() for value in request.requestHeaders.getRawHeaders(name, []))

    if any(value not in (b"same-origin", b"none") for value in values(b"sec-fetch-site")):
        return True
    hosts = {*values(b"host"), *values(b"x-forwarded-host")}  # a page cannot set either without asking first
    own = {scheme + host for scheme in (b"http://", b"https://") for host in hosts}
    return any(origin not in own for origin in values(b"origin"))
