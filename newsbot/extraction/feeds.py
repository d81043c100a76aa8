"""Reading feeds: RSS, Atom, RDF, CDF, JSON Feed, sitemaps, distinguished by their content.

Each step has its own module: bytes to a document (`documents`, with `tidy` for broken ones), the document to entries
(`syndication`, `jsonfeed`, `sitemaps`), and shared parts (`dates`, `links`, `markup`, `entries`).
"""

from typing import Any

from newsbot.extraction import charsets, jsonfeed, lenient_json, sitemaps, syndication
from newsbot.extraction.dates import Hints
from newsbot.extraction.documents import Declared, decode, inflate, local_name, no_feed, read_xml
from newsbot.extraction.entries import Entry, Feed, FeedError

__all__ = ["Entry", "Feed", "FeedError", "parse"]

MAX_JSON_BYTES = 26_214_400  # 25 MiB: the text and its values are in memory together
MAX_JSON_VALUES = 1_200_000  # 230 MB where each is an object

_KINDS = {"rss": "rss", "channel": "rss", "feed": "atom", "entry": "atom", "rdf": "rdf"}


def parse(
    raw: bytes, url: str, *, content_type: str | None = None, country: str | None = None, language: str | None = None
) -> Feed:
    """Read the feed or sitemap in `raw`, fetched from `url`.

    The answer's Content-Type and the language of the source (ISO 639, two letters) help with old encodings; the country
    (ISO 3166, lower case) and the language decide ambiguous dates. Broken feeds are read as far as possible. Raises
    FeedError if the bytes are not a feed, or are more than `MAX_BYTES`.
    """
    raw, has_end = inflate(raw)
    declared = Declared(charsets.in_header(content_type), language)
    feed = _read(charsets.narrow(raw), url, declared, Hints(country, language), has_end)
    feed.whole = feed.whole and has_end
    return feed


def _read(raw: bytes, url: str, declared: Declared, hints: Hints, has_end: bool) -> Feed:
    if not raw or raw.isspace():
        raise FeedError("found no bytes, expected a feed", "empty")
    if raw[:64].lstrip()[:1] in (b"{", b"["):
        document, whole, remarks = _json(raw, declared)
        feed = jsonfeed.read(document, url, hints)
        feed.whole, feed.remarks = whole, remarks
        return feed
    if b"<" not in raw:
        text = decode(raw, declared)
        if feed := sitemaps.read_list(text if has_end else text.rpartition("\n")[0]):
            return feed
        raise no_feed(text)
    root, whole = read_xml(raw, url, declared)
    name = local_name(root)
    if name in ("urlset", "sitemapindex"):
        feed = sitemaps.read(root, url, hints)
    else:
        feed = syndication.read(root, _KINDS.get(name, "rss"), url, hints)
        if name not in _KINDS and not feed.entries:
            raise no_feed(decode(raw, declared))
    feed.whole = whole
    return feed


def _json(raw: bytes, declared: Declared) -> tuple[dict[str, Any], bool, tuple[str, ...]]:
    """The document, whether it is complete, and remarks on its faults."""
    values = sum(map(raw.count, (b"{", b"[", b",")))
    if len(raw) > MAX_JSON_BYTES or values > MAX_JSON_VALUES:
        raise FeedError(
            f"found {len(raw)} bytes of JSON with {values} values,"
            f" expected at most {MAX_JSON_BYTES} bytes and {MAX_JSON_VALUES} values",
            "json",
        )
    text, whole, remarks = decode(raw, declared), True, ()
    try:
        document, remarks = lenient_json.parse(text)
    except (ValueError, RecursionError) as error:
        document, whole = jsonfeed.cut_off(text, error), False
        if document is None:
            raise FeedError(f"found JSON that cannot be read ({error}), expected a JSON Feed", "json") from error
    if not isinstance(document, dict) or not ("items" in document or "jsonfeed.org" in str(document.get("version"))):
        raise FeedError('found JSON without "items", expected a JSON Feed', "json")
    return document, whole, remarks
