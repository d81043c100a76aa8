"""The common parts of the page and the logs: their security policy, and the document around them."""

import functools
import logging
import re
import secrets
from importlib import resources
from typing import Any, ClassVar, NamedTuple

from scrapyd.website import Root
from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.python.failure import Failure
from twisted.web import http, resource, server

from newsbot.hosting.access import Refusal
from newsbot.hosting.page.html import Html, html

logger = logging.getLogger(__name__)

_STYLE, _SCRIPT = (Html((resources.files(__package__) / name).read_text("utf-8")) for name in ("page.css", "page.js"))
# Put into links: no end of an attribute, no other host, no way up.
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,10}/?")
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect \
width='16' height='16' rx='4' fill='%231f5f8b'/%3E%3Cpath d='M4 5h8M4 8h8M4 11h5' stroke='white' stroke-width='1.6'/%3E\
%3C/svg%3E">
{head}<style nonce="{nonce}">{style}</style>
</head>
<body>
{body}
<script nonce="{nonce}">{script}</script>
</body>
</html>
"""


class Answer(NamedTuple):
    """A page; `head` is added to the common head."""

    title: str
    body: Html
    head: Html | None = None
    status: int = http.OK


class View(resource.Resource):
    """A resource whose answers are HTML, made without blocking the reactor."""

    methods: ClassVar = (b"GET", b"HEAD")

    def __init__(self, root: Root) -> None:
        super().__init__()
        self.root = root

    async def get(self, request: http.Request) -> Answer | bytes:
        """The page to show, or another body with its headers set."""
        raise NotImplementedError

    def render(self, request: http.Request) -> bytes | int:
        """Refuse other methods with a reason."""
        if request.method in self.methods:
            return super().render(request)
        allow = b", ".join(self.methods)
        message = f"{allow.decode()} are for this page"
        return Refusal(http.NOT_ALLOWED, message, self.root.node_name, allow=allow).render(request)

    def render_GET(self, request: http.Request) -> int:  # noqa: N802  Twisted's
        """Answer with the outcome of `get`."""
        return self.later(request, self.get(request))

    def later(self, request: http.Request, answer: Any) -> int:
        """Answer with a coroutine's outcome."""
        answering = ensureDeferred(answer)
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addCallback(functools.partial(_send, request)).addErrback(functools.partial(_fail, request))
        return server.NOT_DONE_YET

    def base(self, request: http.Request) -> str:
        """The path under which a proxy shows this Scrapyd, without a slash at its end; "" unless a proxy names one."""
        given = request.getHeader(self.root.prefix_header) or ""
        return given.rstrip("/") if _PREFIX.fullmatch(given) else ""


def _send(request: http.Request, answer: Answer | bytes) -> None:
    request.setHeader("Cache-Control", "no-store")
    if isinstance(answer, Answer):
        nonce = secrets.token_urlsafe(18)
        request.setResponseCode(answer.status)
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        request.setHeader("Content-Security-Policy", _POLICY.format(nonce=nonce))
        # Without a site to refer to, a browser sends the page's forms as if from nowhere.
        request.setHeader("Referrer-Policy", "same-origin")
        page = html(_DOCUMENT, nonce=nonce, style=_STYLE, script=_SCRIPT, **answer._asdict())
        answer = page.encode()
    request.write(answer)
    request.finish()


def _fail(request: http.Request, failure: Failure) -> None:
    if failure.check(CancelledError):  # nobody listens any more
        return
    error = failure.value
    logger.error("%s failed", request.path, exc_info=(failure.type, error, failure.getTracebackObject()))
    text = html("<main><h1>This page failed</h1><p>{kind}: {error}</p></main>", kind=failure.type.__name__, error=error)
    _send(request, Answer("failed", text, status=http.INTERNAL_SERVER_ERROR))
