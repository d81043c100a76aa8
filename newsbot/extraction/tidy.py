"""Turns broken markup of feeds into well-formed XML."""

import re
from html import unescape
from html.entities import html5
from xml.sax.saxutils import escape

MAX_DEPTH = 100  # feeds need about ten; each closing tag is looked for among as many

_ROOT = re.compile(r"(?i)<(?:[\w.-]+:)?(?:rss|rdf|feed|channel|entry|urlset|sitemapindex)(?=[\s>/])")
# Quoted values may hold ">"; where the quotes do not match, the tag ends at the first ">". Possessive, so linear.
_TOKEN = re.compile(
    r"""<(?:(/?)([A-Za-z_][\w:.-]*+)((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+|[^<>]*+)>|(!\[CDATA\[)|(!--)|[!?][^<>]*+>)"""
)
_ATTRIBUTE = re.compile(r"""(?<![\w:.-])([A-Za-z_][\w:.-]*+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_BARE_AMPERSAND = re.compile(r"&(?!#?\w{1,64};)", re.ASCII)
# References that XML does not define: numbers, which may be forbidden, and names.
_REFERENCE = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)(?:#(\w{1,64})|(\w{1,64}));", re.ASCII)
_ENTITY = re.compile(r"""<!ENTITY\s+([A-Za-z][\w.-]{0,63})\s+(?:"([^"<%]{0,32})"|'([^'<%]{0,32})')\s*>""", re.ASCII)
_CUT_TAG = re.compile(r"<[^<>\s][^<>]*+\Z")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_VOID = frozenset(["br", "hr", "img", "input", "meta", "wbr", "col", "embed", "area"])
_FILE = re.compile(
    r"(?i)\bsrc(?:set)?\b"
)  # of the void `source` of HTML; those of Atom and RSS hold where an entry is from
_ENTRIES = frozenset(("item", "entry", "url", "sitemap"))
# An element that holds text alone ends where the next field of the entry begins.
_LEAVES = frozenset(("title", "link", "guid", "id", "pubdate", "published", "updated", "dc:creator", "dc:date", "loc"))
_FIELDS = _LEAVES | _ENTRIES | {"description", "summary", "content", "content:encoded", "category", "author", "lastmod"}


def well_formed(text: str) -> tuple[bytes | None, bool]:
    """`text`, from the root element of a feed or sitemap on, as well-formed XML in UTF-8, None without such a root; and
    whether the root is closed. If not, an entry that is open where the text ends was cut off and is left out.

    Junk before and after the root is removed, with the document type; its entities are kept if they are a few
    characters of text, and HTML's are known. Tags are balanced, attributes quoted, bare `<` and `&` escaped; an open
    CDATA section ends with its element. Nesting beyond `MAX_DEPTH` is flattened. Linear in time.
    """
    text = _FORBIDDEN.sub("", text)
    root = _ROOT.search(text)
    if root is None:
        return None, True
    entities = {name: unescape(double or single) for name, double, single in _ENTITY.findall(text, 0, root.start())}
    out, whole = _balanced(_CUT_TAG.sub("", text), root.start(), entities)
    return "".join(out).encode("utf-8", "replace"), whole


def _balanced(text: str, position: int, entities: dict[str, str]) -> tuple[list[str], bool]:
    out: list[str] = []
    names: list[str] = []  # open elements in lower case
    spelled: list[str] = []  # the same as they were written
    entry: tuple[int, int] | None = None  # the open one that is in no other: its depth, and where it begins in `out`
    whole = False

    def close(depth: int) -> None:
        nonlocal entry
        while len(names) > depth:
            names.pop()
            out.append(f"</{spelled.pop()}>")
        if entry and depth <= entry[0]:
            entry = None

    while token := _TOKEN.search(text, position):
        out.append(_text(text[position : token.start()], entities))
        position = token.end()
        slash, name, attributes, cdata, comment = token.groups()
        if cdata:
            content, position = _cdata(text, position, spelled[-1] if spelled else "")
            out.append(f"<![CDATA[{content}]]>")
        elif comment:
            end = text.find("-->", position)
            position = len(text) if end < 0 else end + 3
        elif slash:
            lower = name.lower()
            if names and names[-1] == lower:
                close(len(names) - 1)
            elif lower in names:
                close(len(names) - 1 - names[::-1].index(lower))
            if not names:
                whole = True
                break
        elif name:
            lower = name.lower()
            if lower in _ENTRIES and lower in names:
                close(names.index(lower))
            elif lower in _FIELDS and names and names[-1] in _LEAVES:
                close(len(names) - 1)
            if len(names) >= MAX_DEPTH:
                continue
            start = len(out)
            out.append(f"<{name}{_attributes(attributes, entities)}")
            if attributes.endswith("/") or _is_void(lower, attributes):
                out.append("/>")
            else:
                out.append(">")
                if entry is None and lower.rpartition(":")[2] in _ENTRIES:
                    entry = len(names), start
                names.append(lower)
                spelled.append(name)
    else:
        out.append(_text(text[position:], entities))
        if entry:
            del out[entry[1] :], names[entry[0] :], spelled[entry[0] :]
    close(0)
    return out, whole


def _is_void(name: str, attributes: str) -> bool:
    if name == "source":
        return bool(_FILE.search(attributes))
    return name in _VOID or (name == "link" and "href" in attributes)


def _cdata(text: str, start: int, element: str) -> tuple[str, int]:
    """A section's content and the position behind it. A section that is never closed, or not before the next begins,
    ends where `element` does."""
    # Each search ends where the next section begins, so that many sections cost no more than one long one.
    again = text.find("<![CDATA[", start)
    next_begins = None if again < 0 else again
    end = text.find("]]>", start, next_begins)
    if end >= 0:
        return text[start:end], end + 3
    closing = text.find(f"</{element}", start, next_begins) if element else -1
    if closing >= 0:
        return text[start:closing], closing
    end = text.find("]]>", start)
    end = len(text) if end < 0 else end
    return text[start:end], min(len(text), end + 3)


def _attributes(text: str, entities: dict[str, str]) -> str:
    if not text or text == "/":
        return ""
    values: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        values.setdefault(name, _text(double or single or bare.rstrip("/"), entities).replace('"', "&quot;"))
    return "".join(f' {name}="{value}"' for name, value in values.items())


def _text(text: str, entities: dict[str, str]) -> str:
    """Character data whose references are all known to XML, with everything else escaped."""
    if "&" in text:
        text = _BARE_AMPERSAND.sub("&amp;", text)
        text = _REFERENCE.sub(lambda match: escape(_character(match, entities)), text)
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _character(reference: re.Match[str], entities: dict[str, str]) -> str:
    number, name = reference.groups()
    if number:
        return _FORBIDDEN.sub("", unescape(f"&#{number};"))
    return entities.get(name) or html5.get(f"{name};", reference[0])
