"""Turns the links of feeds into absolute http and https URLs."""

import re
from urllib.parse import urljoin, urlsplit

from newsbot.extraction.entries import MAX_URL_CHARS
from newsbot.hosts import with_ascii_host

MAX_BASE_CHARS = 500  # of a base: joining a link to a longer one takes milliseconds

_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))', re.IGNORECASE)
_BREAKS = re.compile(r"[\x00-\x1f\x7f]")


def absolute(link: str, base: str, longest: int = MAX_URL_CHARS) -> str | None:
    """`link` joined to `base`; None if the result is not an http or https URL with a host, or is longer than `longest`.

    A base beyond `MAX_BASE_CHARS` is ignored.
    """
    link = link.strip()
    if not link or len(link) > longest:
        return None
    if not link.isprintable():  # browsers drop line breaks and tabs inside of URLs
        link = _BREAKS.sub("", link)
    if "&amp;" in link:
        link = link.replace("&amp;", "&")
    try:
        if not link.startswith(("http://", "https://")):
            link = urljoin(base if len(base) <= MAX_BASE_CHARS else "", link)
        elif not link.isascii() or "[" in link or "]" in link:
            urlsplit(link)
    except ValueError:  # a host that urllib finds malformed
        return None
    return with_ascii_host(link) if len(link) <= longest and _WEB.match(link) else None


def next_link(header: str) -> str | None:
    """The target of a `Link` header with `rel="next"` (RFC 8288), as written; None without one."""
    for target, parameters in _LINK.findall(header):
        relation = _REL.search(parameters)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return target.strip()
    return None
