"""Bytes to a parsed XML document: compression, encodings, and what is no XML at all."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from lxml import etree

from newsbot.extraction import charsets, gzipped
from newsbot.extraction.entries import FeedError
from newsbot.extraction.tidy import well_formed

_T = TypeVar("_T")

MAX_BYTES = 52_428_800  # 50 MiB after inflating: what the sitemap protocol allows
MAX_BROKEN_BYTES = 20_971_520  # of what has to be mended, which takes many times the memory of reading it
MAX_TAGS = 2_000_000  # a full sitemap has 500,000
MAX_TREE_BYTES = 400_000_000  # of what the parser makes of the markup

_DECLARATION = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']\s*([\w.:-]+)""", re.IGNORECASE)
_ROOTS = "rss|rdf|feed|channel|entry|urlset|sitemapindex"
# What is no element may stand before a page's first; a feed's root behind it says that it is none, whatever the
# document type. Atomic: else a comment could also end with any later one, and two to the power of the comments ways
# are tried.
_BEFORE = r"\s*+(?:<\?[^>]*+>\s*+|(?><!--.{0,2000}?-->)\s*+)*+"
_SUBSET = r"""(?:\[(?:[^\]"']++|"[^"]*+"|'[^']*+')*+\]\s*+)?+"""  # of a document type: entities
_HTML = re.compile(
    rf"{_BEFORE}<(?:html|head|body)\b"
    rf"|{_BEFORE}<!doctype\s+html\b[^>\[]*+{_SUBSET}>(?!{_BEFORE}<(?:[\w.-]+:)?(?:{_ROOTS})[\s>/])",
    re.DOTALL | re.IGNORECASE,
)
_SAMPLE_BYTES = 20_000
_OF_TEXT = (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;")  # references that the parser puts into the text


class Told(NamedTuple):
    """What is known of a text from outside of it."""

    charset: str | None = None  # that the header names, as `charsets.named`
    language: str | None = None  # of the source


def inflate(raw: bytes) -> tuple[bytes, bool]:
    """`raw`, inflated if it is gzip, up to `MAX_BYTES`, and whether it has an end. Raises FeedError beyond that and for
    broken gzip."""
    try:
        return gzipped.inflate(raw, MAX_BYTES)
    except gzipped.InflateError as error:
        packed = str(error).startswith("gzip")
        expected = "a feed" if packed else "a feed of at most that size"
        raise FeedError(f"found {error}, expected {expected}", "binary" if packed else "unknown") from error


def read_xml(raw: bytes, url: str, told: Told) -> tuple[etree._Element, bool]:
    """The root element of `raw`, an XML document in any encoding, mended where it is broken; and whether it has an end.

    A well-formed document in UTF-8 goes to libxml2 as it is. One that is not, or that has a document type, is mended
    first, so that no entity and no external file is ever read. Of one that was cut off, the entry in which it ends is
    left out. Raises FeedError where no element is found.
    """
    utf8 = _utf8(raw, told)
    if b"<!DOCTYPE" not in utf8 and b"\0" not in utf8:
        root, sound = _parsed(utf8, url)
        if sound:
            return root, True
        del root  # the mended one needs as much memory
    if len(raw) > MAX_BROKEN_BYTES:
        raise _too_large(raw, f"{len(raw)} bytes of broken XML, expected at most {MAX_BROKEN_BYTES}")
    text = decode(raw, told)
    mended, whole = (None, True) if _HTML.match(text) else well_formed(text)
    root = _parsed(mended, url)[0] if mended else None
    if root is None:
        raise no_feed(text)
    return root, whole


def _check_markup(utf8: bytes) -> None:
    """Raise FeedError where there is more markup than can be kept, before it is parsed: three bytes can make hundreds.

    What an element, the text between two tags, an attribute and a reference take was measured.
    """
    if len(utf8) < MAX_TREE_BYTES // 300:
        return
    count = utf8.count
    tags, attributes, references = map(count, (b"<", b"=", b"&"))
    if tags <= MAX_TAGS and 322 * tags + 228 * attributes + 300 * references <= MAX_TREE_BYTES:
        return  # as nearly always: all that is counted below is less
    references -= sum(map(count, _OF_TEXT))
    elements, texts = tags - count(b"</"), tags - count(b"><")
    if tags > MAX_TAGS or 200 * elements + 122 * texts + 228 * attributes + 300 * references > MAX_TREE_BYTES:
        found = f"{tags} tags, {attributes} attributes and {references} references"
        raise _too_large(utf8, f"{found}, expected at most {MAX_TAGS} tags or {MAX_TREE_BYTES} bytes of them in memory")


def _too_large(raw: bytes, found: str) -> FeedError:
    error = no_feed(raw[:_SAMPLE_BYTES].decode("utf-8", "replace"))
    return error if error.looks_like != "unknown" else FeedError(f"found {found}", "unknown")


def no_feed(text: str) -> FeedError:
    """The error for a text that is no feed, by what it looks like."""
    start = " ".join(text[:200].split())[:60]
    if not start:
        return FeedError("found nothing but white space, expected a feed", "empty")
    if _HTML.match(text) or re.search(r"(?i)<html[\s>]", text[:10_000]):
        return FeedError(f"found an HTML page beginning {start!r}, expected a feed", "html")
    if "\0" in text[:1000] or sum(not (c.isprintable() or c.isspace()) for c in text[:1000]) > 50:
        return FeedError(f"found binary data beginning {start!r}, expected a feed", "binary")
    return FeedError(f"found {start!r}, expected RSS, Atom, RDF, JSON Feed or a sitemap", "unknown")


def decode(raw: bytes, told: Told) -> str:
    """`raw`, which `charsets.narrow` gave, as text."""
    return charsets.decode(raw, (told.charset, _declared(raw)), told.language)


def each_once(elements: Sequence[etree._Element], read: Callable[[etree._Element], _T]) -> list[_T]:
    """What `read` makes of each element, in their order.

    The last is read first and then emptied: one inside of another is read for itself, and not with each around it too.
    """
    results = []
    for element in reversed(elements):
        results.append(read(element))
        element.clear(keep_tail=True)
    return results[::-1]


def local_name(element: etree._Element) -> str:
    """The name without its namespace, in lower case; also where the prefix was never declared."""
    return element.tag.rpartition("}")[2].rpartition(":")[2].lower()


def _parsed(utf8: bytes, url: str) -> tuple[etree._Element | None, bool]:
    """The root element and whether it was well-formed; undeclared prefixes do not count."""
    _check_markup(utf8)
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(utf8, parser, base_url=url)
    except etree.XMLSyntaxError:
        return None, False
    sound = all(entry.domain == etree.ErrorDomains.NAMESPACE for entry in parser.error_log)
    return root, sound and root is not None


def _declared(raw: bytes) -> str | None:
    """The encoding that the XML declaration names, as `charsets.named`."""
    declared = _DECLARATION.search(raw, 0, 1000)
    return charsets.named(declared[1].decode("ascii")) if declared else None


def _utf8(raw: bytes, told: Told) -> bytes:
    """`raw` in UTF-8 where something else may be meant, else as it is: the parser then finds what is wrong."""
    if {told.charset, _declared(raw)} <= {None, "utf-8", "ascii"} and b"\x1b" not in raw:
        return raw.lstrip()
    return decode(raw, told).lstrip().encode("utf-8", "replace")
