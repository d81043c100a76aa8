"""Reading feeds: RSS, Atom, RDF, CDF, JSON Feed, sitemaps, told apart by their content.

The steps, each in a module of its own: bytes to a document (`documents`, with `tidy` for what is broken), the document
to entries (`syndication`, `jsonfeed`, `sitemaps`), and what these share (`dates`, `links`, `markup`, `entries`).
"""

import json
from typing import Any

from newsbot.extraction import jsonfeed, sitemaps, syndication
from newsbot.extraction.dates import Hints
from newsbot.extraction.documents import decode, inflate, local_name, no_feed, read_xml
from newsbot.extraction.entries import Entry, Feed, FeedError

__all__ = ["Entry", "Feed", "FeedError", "parse"]

MAX_JSON_BYTES = 26_214_400  # 25 MiB: the text and all that it says are in memory together
MAX_JSON_VALUES = 1_200_000  # 230 MB where each is an object

_KINDS = {"rss": "rss", "channel": "rss", "feed": "atom", "entry": "atom", "rdf": "rdf"}


def parse(raw: bytes, url: str, *, country: str | None = None, language: str | None = None) -> Feed:
    """Read the feed or sitemap in `raw`, which was fetched from `url`.

    `country` (ISO 3166, lower case) and `language` (ISO 639) of its source decide what may be two dates.

    Broken feeds are read as far as they go. Raises FeedError where the bytes are no feed, or more than `MAX_BYTES`.
    """
    hints = Hints(country, language)
    raw = inflate(raw)
    start = raw[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not raw or raw.isspace():
        raise FeedError("found no bytes, expected a feed", "empty")
    if start in (b"{", b"["):
        return jsonfeed.read(_json(raw), url, hints)
    if start != b"<" and b"<" not in raw and "<" not in (text := decode(raw)):
        if feed := sitemaps.read_list(text):
            return feed
        raise no_feed(text)
    root, whole = read_xml(raw, url)
    name = local_name(root)
    if name in ("urlset", "sitemapindex"):
        feed = sitemaps.read(root, url, hints)
    else:
        feed = syndication.read(root, _KINDS.get(name, "rss"), url, hints)
        if name not in _KINDS and not feed.entries:
            raise no_feed(decode(raw))
    feed.whole = whole
    return feed


def _json(raw: bytes) -> dict[str, Any]:
    values = sum(map(raw.count, (b"{", b"[", b",")))
    if len(raw) > MAX_JSON_BYTES or values > MAX_JSON_VALUES:
        raise FeedError(
            f"found {len(raw)} bytes of JSON with {values} values,"
            f" expected at most {MAX_JSON_BYTES} bytes and {MAX_JSON_VALUES} values",
            "json",
        )
    try:
        document = json.loads(decode(raw))
    except (ValueError, RecursionError) as error:
        raise FeedError(f"found JSON that cannot be read ({error}), expected a JSON Feed", "json") from error
    if not isinstance(document, dict) or not ("items" in document or "jsonfeed.org" in str(document.get("version"))):
        raise FeedError('found JSON without "items", expected a JSON Feed', "json")
    return document
