"""Bytes to a parsed XML document: compression, encodings, and what is no XML at all."""

import codecs
import re
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from lxml import etree

from newsbot.extraction.entries import FeedError
from newsbot.extraction.tidy import well_formed

_T = TypeVar("_T")

MAX_BYTES = 52_428_800  # 50 MiB after inflating: what the sitemap protocol allows
MAX_BROKEN_BYTES = 20_971_520  # of what has to be mended, which takes many times the memory of reading it
MAX_TAGS = 2_000_000  # a full sitemap has 500,000
MAX_TREE_BYTES = 400_000_000  # of what the parser makes of the markup

_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']\s*([\w.:-]+)""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# "<" or "<?xm" in encodings that ASCII cannot read (XML 1.0, appendix F).
_SIGNATURES = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
# What a declared name means in practice: the larger set that browsers read it as (WHATWG Encoding).
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932", "tis-620": "cp874"}
_NO_CHARSETS = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"))
# Atomic: else a comment could also end with any later one, and two to the power of the comments ways are tried.
_HTML = re.compile(
    r"(?i)\s*+(?:<\?xml[^>]*+>\s*+|(?><!--.{0,2000}?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.DOTALL
)
_SAMPLE_BYTES = 20_000
_OF_TEXT = (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;")  # references that the parser puts into the text
_TAGS = re.compile(rb"<[^<>]*+>")
_ASCII = bytes(range(128))
_STRAYS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}


def inflate(raw: bytes) -> bytes:
    """`raw`, inflated if it is gzip, up to `MAX_BYTES`. Raises FeedError beyond that and for broken gzip."""
    if raw[:2] == b"\x1f\x8b":
        inflater = zlib.decompressobj(wbits=31)
        try:
            raw = inflater.decompress(raw, MAX_BYTES + 1)
        except zlib.error as error:
            raise FeedError(f"found gzip that cannot be inflated ({error}), expected a feed", "binary") from error
    if len(raw) > MAX_BYTES:
        raise FeedError(f"found more than {MAX_BYTES} bytes, expected a feed of at most that size", "unknown")
    return raw


def read_xml(raw: bytes, url: str) -> tuple[etree._Element, bool]:
    """The root element of `raw`, an XML document in any encoding, mended where it is broken; and whether it has an end.

    A well-formed document in UTF-8 goes to libxml2 as it is. One that is not, or that has a document type, is mended
    first, so that no entity and no external file is ever read. Raises FeedError where no element is found.
    """
    utf8 = _utf8(raw)
    if b"<!DOCTYPE" not in utf8 and b"\0" not in utf8:
        root, sound = _parsed(utf8, url)
        if sound:
            return root, True
        del root  # the mended one needs as much memory
    if len(raw) > MAX_BROKEN_BYTES:
        raise _too_large(raw, f"{len(raw)} bytes of broken XML, expected at most {MAX_BROKEN_BYTES}")
    text = decode(raw)
    mended = None if _HTML.match(text) else well_formed(text)
    root = _parsed(mended, url)[0] if mended else None
    if root is None:
        raise no_feed(text)
    return root, bool(re.search(rf"(?i)</(?:[\w.-]+:)?{re.escape(local_name(root))}\s*>", text))


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


def decode(raw: bytes) -> str:
    """`raw` as text: by byte order mark, as UTF-8, as declared, or by what its bytes look like, in this order."""
    encoding, bom = _encoding(raw)
    raw = raw[bom:]
    if not raw.isascii() or encoding is None:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
    if encoding not in (None, "utf-8", "ascii"):
        try:
            return raw.decode(encoding, "replace")
        except (UnicodeError, LookupError):
            pass
    return _guessed(raw)


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


def _encoding(raw: bytes) -> tuple[str | None, int]:
    """The encoding that the bytes say they have, in Python's name, and the length of the byte order mark."""
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return encoding, len(bom)
    for signature, encoding in _SIGNATURES:
        if raw.startswith(signature):
            return encoding, 0
    declared = _DECLARATION.match(raw, 0, 1000)
    if declared is None:
        return None, 0
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return None, 0
    # The declaration was read as ASCII, so it is none of the wide encodings, whatever it says.
    return (None if name in _NO_CHARSETS or name.startswith(("utf-16", "utf-32")) else _SUPERSETS.get(name, name)), 0


def _utf8(raw: bytes) -> bytes:
    """`raw` in UTF-8 where its own word can be trusted, else as it is: the parser then finds what is wrong."""
    encoding, bom = _encoding(raw)
    if encoding in (None, "utf-8", "ascii"):
        return raw[bom:].lstrip()
    return decode(raw).lstrip().encode("utf-8", "replace")


def _guessed(raw: bytes) -> str:
    """Bytes that are no UTF-8 and name no other encoding. Where most of what is beyond ASCII is UTF-8, the rest is
    taken for Windows-1252; else the encoding is detected."""
    valid = raw.decode("utf-8", "ignore")
    wide = len(valid) - len(valid.encode("ascii", "ignore"))
    if 2 * (len(raw) - len(valid.encode())) <= wide:
        return raw.decode("utf-8", "surrogateescape").translate(_STRAYS)
    sample = _TAGS.sub(b" ", raw[:_SAMPLE_BYTES])
    if 3 * len(sample.translate(None, _ASCII)) < len(sample):  # Latin script, in which accents are few
        return raw.decode("cp1252", "replace")
    from charset_normalizer import from_bytes  # slow to import, seldom needed

    best = from_bytes(sample).best()
    return raw.decode(best.encoding if best else "cp1252", "replace")
