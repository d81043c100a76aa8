"""Turns bytes into a parsed XML document: compression, encodings, and an error for anything that is not XML."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from lxml import etree

from newsbot.extraction import charsets, gzipped
from newsbot.extraction.entries import FeedError
from newsbot.extraction.tidy import well_formed

_T = TypeVar("_T")

MAX_BYTES = 52_428_800  # 50 MiB after inflating: the limit of the sitemap protocol
MAX_BROKEN_BYTES = 20_971_520  # of broken XML: mending takes many times the memory of reading
MAX_TAGS = 2_000_000  # a full sitemap has 500,000
MAX_TREE_BYTES = 400_000_000  # of the parser's tree

_DECLARATION = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']\s*([\w.:-]+)""", re.IGNORECASE)
_ROOTS = "rss|rdf|feed|channel|entry|urlset|sitemapindex"
# Comments and instructions may precede a page's first element; a feed's root behind them shows a feed, whatever the
# document type. Atomic: else a comment could also end with any later one, and matching would try two to the power of
# the comments ways.
_BEFORE = r"\s*+(?:<\?[^>]*+>\s*+|(?><!--.{0,2000}?-->)\s*+)*+"
_SUBSET = r"""(?:\[(?:[^\]"']++|"[^"]*+"|'[^']*+')*+\]\s*+)?+"""  # of a document type: entities
_HTML = re.compile(
    rf"{_BEFORE}<(?:html|head|body)\b"
    rf"|{_BEFORE}<!doctype\s+html\b[^>\[]*+{_SUBSET}>(?!{_BEFORE}<(?:[\w.-]+:)?(?:{_ROOTS})[\s>/])",
    re.DOTALL | re.IGNORECASE,
)
_SAMPLE_BYTES = 20_000
_OF_TEXT = (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;")  # references that the parser puts into the text


class Declared(NamedTuple):
    """The facts about a text from outside of it."""

    charset: str | None = None  # from the header, as `charsets.named`
    language: str | None = None  # of the source


def inflate(raw: bytes) -> tuple[bytes, bool]:
    """`raw`, inflated if it is gzip, up to `MAX_BYTES`, and whether it is complete. Raises FeedError beyond that and
    for broken gzip."""
    try:
        return gzipped.inflate(raw, MAX_BYTES)
    except gzipped.InflateError as error:
        packed = str(error).startswith("gzip")
        expected = "a feed" if packed else "a feed of at most that size"
        raise FeedError(f"found {error}, expected {expected}", "binary" if packed else "unknown") from error


def read_xml(raw: bytes, url: str, declared: Declared) -> tuple[etree._Element, bool]:
    """The root element of `raw`, an XML document in any encoding, mended if broken; and whether it is complete.

    A well-formed document in UTF-8 goes to libxml2 unchanged. A document that is not well-formed, or has a document
    type, is mended first, so that no entity and no external file is ever read. If a document was cut off, the entry in
    which it ends is left out. Raises FeedError if there is no element.
    """
    utf8 = _utf8(raw, declared)
    if b"<!DOCTYPE" not in utf8 and b"\0" not in utf8:
        root, sound = _parsed(utf8, url)
        if sound:
            return root, True
        del root  # the mended one needs as much memory
    if len(raw) > MAX_BROKEN_BYTES:
        raise _too_large(raw, f"{len(raw)} bytes of broken XML, expected at most {MAX_BROKEN_BYTES}")
    text = decode(raw, declared)
    mended, whole = (None, True) if _HTML.match(text) else well_formed(text)
    root = _parsed(mended, url)[0] if mended else None
    if root is None:
        raise no_feed(text)
    return root, whole


def _check_markup(utf8: bytes) -> None:
    """Raise FeedError for more markup than fits into memory, before it is parsed: three bytes can take hundreds.

    The sizes of an element, the text between two tags, an attribute and a reference were measured.
    """
    if len(utf8) < MAX_TREE_BYTES // 300:
        return
    count = utf8.count
    tags, attributes, references = map(count, (b"<", b"=", b"&"))
    if tags <= MAX_TAGS and 322 * tags + 228 * attributes + 300 * references <= MAX_TREE_BYTES:
        return  # as nearly always: the counts below are lower
    references -= sum(map(count, _OF_TEXT))
    elements, texts = tags - count(b"</"), tags - count(b"><")
    if tags > MAX_TAGS or 200 * elements + 122 * texts + 228 * attributes + 300 * references > MAX_TREE_BYTES:
        found = f"{tags} tags, {attributes} attributes and {references} references"
        raise _too_large(utf8, f"{found}, expected at most {MAX_TAGS} tags or {MAX_TREE_BYTES} bytes of them in memory")


def _too_large(raw: bytes, found: str) -> FeedError:
    error = no_feed(raw[:_SAMPLE_BYTES].decode("utf-8", "replace"))
    return error if error.looks_like != "unknown" else FeedError(f"found {found}", "unknown")


def no_feed(text: str) -> FeedError:
    """The error for a text that is not a feed, by its appearance."""
    start = " ".join(text[:200].split())[:60]
    if not start:
        return FeedError("found nothing but white space, expected a feed", "empty")
    if _HTML.match(text) or re.search(r"(?i)<html[\s>]", text[:10_000]):
        return FeedError(f"found an HTML page beginning {start!r}, expected a feed", "html")
    if "\0" in text[:1000] or sum(not (c.isprintable() or c.isspace()) for c in text[:1000]) > 50:
        return FeedError(f"found binary data beginning {start!r}, expected a feed", "binary")
    return FeedError(f"found {start!r}, expected RSS, Atom, RDF, JSON Feed or a sitemap", "unknown")


def decode(raw: bytes, declared: Declared) -> str:
    """The text of `raw`, the result of `charsets.narrow`."""
    return charsets.decode(raw, (declared.charset, _in_declaration(raw)), declared.language)


def each_once(elements: Sequence[etree._Element], read: Callable[[etree._Element], _T]) -> list[_T]:
    """The results of `read` for the elements, in their order.

    The last is read first and then emptied: so an element inside another is read once, not again with the outer ones.
    """
    results = []
    for element in reversed(elements):
        results.append(read(element))
        element.clear(keep_tail=True)
    return results[::-1]


def local_name(element: etree._Element) -> str:
    """The name without its namespace, in lower case, even if the prefix was never declared."""
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


def _in_declaration(raw: bytes) -> str | None:
    """The encoding that the XML declaration names, as `charsets.named`."""
    declared = _DECLARATION.search(raw, 0, 1000)
    return charsets.named(declared[1].decode("ascii")) if declared else None


def _utf8(raw: bytes, declared: Declared) -> bytes:
    """`raw` in UTF-8 if it may have another encoding, else unchanged: the parser then finds faults."""
    if {declared.charset, _in_declaration(raw)} <= {None, "utf-8", "ascii"} and b"\x1b" not in raw:
        return raw.lstrip()
    return decode(raw, declared).lstrip().encode("utf-8", "replace")
