"""HTML pages: turns bytes into a tree, within limits that are checked before it is built.

Sources: https://html.spec.whatwg.org/multipage/parsing.html for encodings and tokens, and
https://html.spec.whatwg.org/multipage/semantics.html#the-base-element.
"""

import re
from dataclasses import dataclass

from lxml import etree
from parsel import Selector

from newsbot.extraction import charsets, gzipped
from newsbot.extraction.links import absolute

MAX_BYTES = 33_554_432  # 32 MiB after inflating
MAX_TAGS = 300_000  # the largest of 638 front pages and articles has 19,437
MAX_ATTRIBUTES = 1_000  # of one tag: the parser compares each with all before it
MAX_DEPTH = 255  # the parser's own bound; the deepest of those pages has 51 levels
MAX_TREE_BYTES = 250_000_000  # of what the parser makes of the markup

_META = re.compile(rb"""(?i)<meta\b[^<>]*?\bcharset\s*=\s*["']?\s*([\w:.-]+)""")
_XML = re.compile(rb"""(?i)\s*<\?xml\b[^<>]*?\bencoding\s*=\s*["']\s*([\w:.-]+)""")
_HEAD_BYTES = 65_536  # browsers look at 1,024, and again when they meet the name further down

# As the tokenizer of HTML: quotes count behind "=" alone.
_TAG = re.compile(rb"""<(?:!--()|([a-z/!?][^\s/>]*+)((?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+|["'])*+)>?)""", re.I)
_COMMENT_END = re.compile(rb"-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>)?")
_RAW_TEXT = frozenset((b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes"))
_VALUE = re.compile(rb"""=\s*+(?:"[^"]*+"|'[^']*+')""")
_BETWEEN = re.compile(rb"[\s/]++")
_UNSEEN = re.compile(
    rb"(?i)<(script|style)\b(?:[^<]++|<(?!/\1))*+(?:</\1)?+|<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>)?)"
)
_END = re.compile(rb"(?i)</(?:html|body)\s*>")
_ELEMENT = re.compile(rb"(?i)<[a-z]")
_OPEN_VALUE = re.compile(rb"""=\s*+["']""")
_CUT = "\ue000cut\ue001"  # stands at the end of a page without one: what is around it was open there
_AT_CUT = etree.XPath(f"(//text()[contains(., '{_CUT}')])[last()]")
_FIRST_BASE = etree.XPath("string((//base[@href])[1]/@href)")


class PageError(ValueError):
    """The bytes are not a readable page; the message says what was found and expected."""


@dataclass(slots=True, frozen=True)
class Page:
    """A page as a tree."""

    tree: Selector
    base: str  # the URL that its links are relative to
    whole: bool  # False if it has no end, which is legal, and nearly always means that it was cut off
    open: frozenset[etree._Element] = frozenset()  # if it has no end: the elements that were still open there


def read(raw: bytes, url: str, *, content_type: str | None = None, language: str | None = None) -> Page:
    """The page in `raw`, fetched from `url`; plain or in gzip.

    Its encoding is found as browsers find it: by a mark, the Content-Type, the page's own declaration, and its bytes,
    where the `language` of the source helps (ISO 639, two letters). Raises PageError if it is not HTML, or more than is
    safe to read.
    """
    try:
        raw, has_end = gzipped.inflate(raw, MAX_BYTES)
    except gzipped.InflateError as error:
        raise PageError(f"found {error}, expected an HTML page of at most {MAX_BYTES} bytes") from error
    utf8 = _decoded(raw, content_type, language).replace("\0", "").strip().encode("utf-8", "replace")
    if b"<" not in utf8:
        start = utf8[:60].decode("utf-8", "ignore")
        raise PageError(f"found {start!r}, expected an HTML page" if start else "found no bytes, expected an HTML page")
    last = _check(utf8)
    seen = _UNSEEN.sub(b"", utf8)
    whole = has_end and bool(_END.search(seen))
    if not whole and _ELEMENT.search(seen):
        utf8 = utf8[:last] + _CUT.encode()
    parser = etree.HTMLParser(encoding="utf-8", recover=True, no_network=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(utf8, parser)
    if limits := [each.message for each in parser.error_log if each.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT]:
        raise PageError(
            f"found too much ({limits[0].strip()}), expected at most {MAX_DEPTH} levels, and texts of 10 MB"
        )
    if root is None:
        raise PageError("found no element, expected an HTML page")
    base = absolute(_FIRST_BASE(root), url) or url
    return Page(Selector(root=root, type="html"), base, whole, frozenset() if whole else _take_cut(root))


def _take_cut(root: etree._Element) -> frozenset[etree._Element]:
    """Remove the text that marks the cut, and return the elements around it."""
    for text in _AT_CUT(root):
        parent = text.getparent()
        kept = text.removesuffix(_CUT) or None
        if text.is_tail:
            parent.tail = kept
            return frozenset(parent.iterancestors())
        parent.text = kept
        return frozenset((parent, *parent.iterancestors()))
    return frozenset()


def _decoded(raw: bytes, content_type: str | None, language: str | None) -> str:
    narrow = charsets.narrow(raw)
    if narrow is not raw:  # it had a mark, or is wide
        return narrow.decode("utf-8", "replace")
    name = charsets.in_header(content_type) or _named_inside(raw[:_HEAD_BYTES])
    return charsets.as_named(raw, name) if name else charsets.decode(raw, (), language)


def _named_inside(raw: bytes) -> str | None:
    found = _XML.match(raw) or _META.search(_UNSEEN.sub(b"", raw))
    return charsets.named(found[1].decode("ascii", "replace")) if found else None


def _check(utf8: bytes) -> int:
    """The position of the last tag or comment if it has no end, else the length of the page.

    Raises PageError for more markup than fits into memory: four bytes can take hundreds.
    The sizes of an element with its text and of an attribute were measured.
    """
    if (tags := utf8.count(b"<")) > MAX_TAGS:
        raise PageError(f"found {tags} tags, expected at most {MAX_TAGS}")
    tags = attributes = position = 0
    last = len(utf8)
    while token := _TAG.search(utf8, position):
        position = token.end()
        comment, name, inside = token.groups()
        if comment is not None:
            position = _COMMENT_END.match(utf8, position).end()
            if position == len(utf8) and not utf8.endswith((b"-->", b"--!>", b"<!-->")):
                last = min(last, token.start())
            continue
        tags += 1
        if not token[0].endswith(b">") or _OPEN_VALUE.search(_VALUE.sub(b" ", inside)):
            last = min(last, token.start())
        found = _attributes(inside)
        attributes += found
        if found > MAX_ATTRIBUTES:
            raise PageError(f"found a tag of {found} attributes, expected at most {MAX_ATTRIBUTES}")
        if (name := name.lower()) in _RAW_TEXT:
            end = re.compile(rb"(?i)</" + name).search(utf8, position)
            position = end.start() if end else len(utf8)
    if 322 * tags + 228 * attributes > MAX_TREE_BYTES:
        raise PageError(
            f"found {tags} tags and {attributes} attributes, expected at most {MAX_TREE_BYTES} bytes of them in memory"
        )
    return last


def _attributes(inside: bytes) -> int:
    """An upper bound for the attributes of a tag."""
    bare = _BETWEEN.sub(b" ", _VALUE.sub(b" ", inside)).strip()
    return bare.count(b" ") + 1 if bare else 0
