"""Keys of APIs: added where a request leaves, taken out of what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from newsbot.sources.secrets import hide, secret_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response
    from twisted.web.http_headers import Headers

    from newsbot.sources.api import Key


class KeyMiddleware:
    """Hides the key of a request with ``meta["key"]`` in the body of its response, which is not compressed any more.

    What stands in the headers is hidden by the download handler, since redirects are followed and logged before.
    """

    def process_response(self, request: Request, response: Response) -> Response:
        """The response without the key."""
        key = request.meta.get("key")
        if key is None:
            return response
        body = response.body
        for each in key.keys:
            body = hide(body, secret_of(each.variable))
        return response if body is response.body else response.replace(body=body)


def add(key: Key, uri: bytes, headers: Headers) -> bytes:
    """Put the key into the headers, or into the URI that is returned: in place of one that a server sent along."""
    secret = secret_of(key.variable)
    if key.header:
        headers.setRawHeaders(key.header, [key.prefix + secret])
        return uri
    place, _, query = uri.partition(b"#")[0].partition(b"?")
    name = urlencode({key.query: ""}).encode("ascii")
    pairs = [pair for pair in query.split(b"&") if pair and not pair.startswith(name)]
    return place + b"?" + b"&".join([*pairs, urlencode({key.query: secret}).encode("ascii")])
