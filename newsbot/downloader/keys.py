"""Keys of APIs: adds them as a request leaves, and hides them in the response."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from newsbot.sources.options import options_of
from newsbot.sources.secrets import Login, hide, secret_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response
    from twisted.web.client import URI
    from twisted.web.http_headers import Headers

    from newsbot.sources.api import HostKey, Key


class KeyMiddleware:
    """Hides the keys of a request in the uncompressed body of its response.

    The download handler hides those in the headers, since Scrapy follows and logs redirects before this.
    """

    def process_response(self, request: Request, response: Response) -> Response:
        """The response without the key."""
        body = hidden(response.body, request)
        return response if body is response.body else response.replace(body=body)


def hidden(text: bytes, request: Request) -> bytes:
    """The text without the keys of a request."""
    options = options_of(request)
    for _, key, *_ in options.keys if options else ():
        secret = secret_of(key.variable)
        for spelt in (secret, key.token) if isinstance(key, Login) else (secret,):
            text = hide(text, spelt)
    return text


def fits(key: HostKey, uri: URI) -> bool:
    """Whether a request to this URI gets the key: only its host does, and plain HTTP only if declared so."""
    return (
        key.host == uri.host.decode("ascii").lower()
        and key.port in (None, uri.port)
        and (uri.scheme == b"https" or key.may_be_plain)
    )


def add(key: Key | Login, uri: bytes, headers: Headers) -> bytes:
    """Put the key into the headers, or into the returned URI, where it replaces one that a server's link holds."""
    if isinstance(key, Login):
        headers.setRawHeaders("Authorization", [f"Basic {key.token}"])
        return uri
    secret = secret_of(key.variable)
    if key.header:
        headers.setRawHeaders(key.header, [key.prefix + secret])
        return uri
    place, _, query = uri.partition(b"#")[0].partition(b"?")
    name = urlencode({key.query: ""}).encode("ascii")
    pairs = [pair for pair in query.split(b"&") if pair and not pair.startswith(name)]
    return place + b"?" + b"&".join([*pairs, urlencode({key.query: secret}).encode("ascii")])
