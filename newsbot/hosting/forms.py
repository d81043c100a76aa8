"""The fields of a form, as HTML forms and Scrapyd's clients send them: read within bounds.

Twisted would read them before it knows who sent them, and would parse multipart/form-data with a mail parser.
"""

import re
from email.message import Message

from twisted.web import http

MAX_FIELDS = 1000

# RFC 7578: each part has one.
_NAME = re.compile(
    rb'^content-disposition:[ \t]*form-data[ \t]*;(?:[^\r\n]*?;)?[ \t]*name=(?:"([^"\r\n]*)"|([^";\r\n]+))',
    re.IGNORECASE | re.MULTILINE,
)


class FormError(ValueError):
    """A body that is not what its Content-Type says, or has too many fields."""


def fields(request: http.Request) -> dict[bytes, list[bytes]]:
    """The values of each field, in their order; none for a body that is not a form. Raises `FormError`."""
    given = request.getHeader(b"content-type") or b""
    kind = given.partition(b";")[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        return _urlencoded(request.content.read())
    if kind == b"multipart/form-data":
        return _multipart(request.content.read(), _boundary(given))
    return {}


def _urlencoded(body: bytes) -> dict[bytes, list[bytes]]:
    if body.count(b"&") + body.count(b";") >= MAX_FIELDS:
        raise FormError(f"more than {MAX_FIELDS} fields")
    return http.parse_qs(body, 1)


def _boundary(content_type: bytes) -> bytes:
    header = Message()
    header["Content-Type"] = content_type.decode("latin-1")
    boundary = (header.get_boundary() or "").encode("latin-1", "replace")
    if not 0 < len(boundary) <= 70:  # RFC 2046
        raise FormError("multipart/form-data without a boundary of 1 to 70 characters")
    return boundary


def _multipart(body: bytes, boundary: bytes) -> dict[bytes, list[bytes]]:
    if not body.startswith(b"--" + boundary):
        raise FormError("it does not begin with its boundary")
    first, *parts = body.split(b"\r\n--" + boundary, MAX_FIELDS + 1)
    parts.insert(0, first[2 + len(boundary) :])
    if len(parts) > MAX_FIELDS + 1:
        raise FormError(f"more than {MAX_FIELDS} fields")
    if not parts.pop().startswith(b"--"):
        raise FormError("it ends before its last boundary")
    found: dict[bytes, list[bytes]] = {}
    for part in parts:
        head, end, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not end or not name:
            raise FormError("a part without a name")
        found.setdefault(name[1] or name[2] or b"", []).append(value)
    return found
