"""RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, and CDF: one reader for all, because feeds mix each other's elements.

Sources: https://www.rssboard.org/rss-specification, https://web.resource.org/rss/1.0/spec, RFC 4287,
https://www.rssboard.org/media-rss, the Dublin Core and iTunes modules; where they are silent or feeds differ, the
documentation of feedparser (https://feedparser.readthedocs.io/).
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from html import escape

from lxml import etree

from newsbot.extraction import media
from newsbot.extraction.dates import MAX_DATE_CHARS, NO_HINTS, Hints, parse_date
from newsbot.extraction.documents import each_once
from newsbot.extraction.entries import (
    MAX_INHERITED,
    MAX_KEYWORDS,
    MAX_LIST,
    MAX_NAME_CHARS,
    MAX_SUMMARY_CHARS,
    MAX_TITLE_CHARS,
    MAX_UNREADABLE_DATES,
    MAX_URL_CHARS,
    Entry,
    Feed,
    Kind,
    check_count,
    dates,
)
from newsbot.extraction.links import absolute
from newsbot.extraction.markup import first_image, plain, split_keywords, squash

Fields = dict[str, list[etree._Element]]

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_HAS_BASE = etree.XPath("boolean(//@xml:base)")

# Prefix by namespace, in lower case and without a closing "/" or "#"; "" stands for RSS and Atom themselves.
_NAMESPACES = {
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://purl.org/rss/1.0": "",
    "http://purl.org/rss/1.0/modules/rss091": "",
    "http://my.netscape.com/rdf/simple/0.9": "",
    "http://channel.netscape.com/rdf/simple/0.9": "",
    "http://my.netscape.com/publish/formats/rss-0.91.dtd": "",
    "http://purl.org/atom/ns": "",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/rss/1.0/modules/content": "content",
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/elements/1.0": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://www.itunes.com/dtds/podcast-1.0": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://search.yahoo.com/mrss": "media",
    "http://prismstandard.org/namespaces/1.2/basic": "prism",
    "http://prismstandard.org/namespaces/basic/2.0": "prism",
    "http://purl.org/rss/1.0/modules/syndication": "sy",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns": "rdf",
    "http://www.w3.org/1999/xhtml": "xhtml",
}

_TITLES = ("title", "dc:title", "media:title", "itunes:title")
_SUMMARIES = frozenset(
    ("description", "summary", "itunes:summary", "abstract", "dc:description", "dcterms:abstract", "dc:abstract")
)
_BODIES = ("content:encoded", "content", "xhtml:body", "body", "fullitem", "media:description", "itunes:subtitle")
_PUBLISHED = ("pubdate", "published", "issued", "dcterms:issued", "dc:date", "prism:publicationdate")
_UPDATED = ("updated", "modified", "dcterms:modified", "dc:date", "lastmod", "created", "dcterms:created")
_AUTHORS = ("author", "dc:creator", "dc:author", "itunes:author")

_EMAIL = re.compile(r"\(?<?(?:mailto:)?(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++>?\)?")
_ADDRESSES = {"link": "href", "content": "src"}  # the attribute of an element that names a file
_IMAGE_FILE = re.compile(r"(?i)\.(?:jpe?g|png|gif|webp|avif)(?:[?#]|$)")
_PERIODS = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
_MAX_INTERVAL = 31536000
_MAX_NAMES = 1_000  # different names of elements: each costs more than the element


class _Names(dict[str, str]):
    """Qualified name in lower case ("title", "dc:creator", "media:content") by lxml tag, for one document."""

    def of(self, element: etree._Element) -> str:
        tag = element.tag
        name = self.get(tag)
        if name is None:
            name = self._qualified(element)
            if len(self) < _MAX_NAMES:
                self[tag] = name
        return name

    @staticmethod
    def _qualified(element: etree._Element) -> str:
        namespace, _, local = element.tag.lower().removeprefix("{").rpartition("}")
        if not namespace:  # an undeclared prefix stays in the name
            return local.removeprefix("atom:").removeprefix("rss:")
        prefix = _NAMESPACES.get(namespace.rstrip("/#"))
        if prefix is None:
            prefix = "" if "backend.userland.com" in namespace else (element.prefix or "").lower()
        return f"{prefix}:{local}" if prefix else local


def read(root: etree._Element, kind: Kind, url: str, hints: Hints = NO_HINTS) -> Feed:
    """The feed under `root`; `url` is its address, for relative links; `hints` are for dates."""
    return _Reader(root, kind, url, hints).feed()


class _Reader:
    """One document: its names, its base, and whether texts say their type (Atom) or are HTML (all others)."""

    def __init__(self, root: etree._Element, kind: Kind, url: str, hints: Hints) -> None:
        self.root = root
        self.hints = hints
        self.kind = kind
        self.url = self.base = url
        self.names = _Names()
        self.has_base = _HAS_BASE(root)
        self.unreadable_dates = 0
        self.bases: dict[etree._Element | None, str | None] = {None: None}  # by xml:base

    def feed(self) -> Feed:
        names = self.names
        # The second way is for names in capitals and for prefixes that were never declared.
        entries = self._named_entries("{*}item", "{*}entry") or self._named_entries("*")
        channel = next((child for child in self.root if names.of(child) == "channel"), self.root)
        fields = self._fields(child for child in channel if names.of(child) not in ("item", "entry"))
        link, _ = self._link(channel, {"link": fields.get("link", [])})
        self.base = link or self.url
        authors = self._authors(fields)[:MAX_INHERITED] if self.kind == "atom" else []
        self.inherited = authors, ", ".join(authors) or None
        feed = Feed(
            kind=self.kind,
            title=self._first(fields, ("title", "dc:title"), MAX_TITLE_CHARS),
            link=link,
            language=self._language(channel, fields) or self._language(self.root, {}),
            interval=self._interval(fields),
        )
        check_count(len(entries))
        feed.entries = each_once(entries, self._entry)
        return feed

    def _named_entries(self, *tags: str) -> list[etree._Element]:
        return [element for element in self.root.iter(*tags) if self.names.of(element) in ("item", "entry")]

    def _fields(self, elements: Iterable[etree._Element]) -> Fields:
        fields: Fields = {}
        of = self.names.of
        known = self.names.get
        for element in elements:
            name = known(element.tag) or of(element)
            if name in fields:
                fields[name].append(element)
            elif len(fields) < _MAX_NAMES:
                fields[name] = [element]
        if "media:group" in fields:
            for group in fields.pop("media:group"):
                for element in group:
                    fields.setdefault(of(element), []).append(element)
        return fields

    def _entry(self, element: etree._Element) -> Entry:
        fields = self._fields(element)
        link, refused = self._link(element, fields)
        is_media = False
        if not link:
            if files := self._files(fields):
                link, refused, is_media = files[0], None, True
        elif "enclosure" in fields and link in [file.get("url") for file in fields["enclosure"]]:
            is_media = link in self._files(fields)
        authors = self._authors(fields)
        author = ", ".join(authors) or None
        if not authors and "source" not in fields:
            authors, author = self.inherited
        return {
            "title": self._first(fields, _TITLES, MAX_TITLE_CHARS),
            "link": link,
            **dates(self._date(fields, _PUBLISHED), self._date(fields, _UPDATED, _attribute(element, "lastmod"))),
            "author": author,
            "authors": authors,
            "summary": self._summary(fields),
            "image": self._image(fields),
            "id": self._id(element, fields),
            "language": self._language(element, fields),
            "section": self._first(fields, ("prism:section", "section"), MAX_NAME_CHARS),
            "keywords": self._keywords(fields),
            "media": is_media,
            "refused_link": refused,
        }

    # Texts

    def _plain(self, element: etree._Element, limit: int) -> str | None:
        """The text of an element for a reader."""
        if len(element):
            return plain(_markup(element), limit)
        text = element.text
        if not text:
            return None
        if self.kind != "atom":
            return plain(text, limit)
        form = (element.get("type") or "text").strip().lower()
        if element.get("mode") == "base64" or not _is_text(form):
            return plain(_base64(text), limit)
        return plain(text, limit) if "html" in form else squash(text, limit)

    def _first(self, fields: Fields, names: Iterable[str], limit: int) -> str | None:
        for name in names:
            if name in fields:
                for element in fields[name]:
                    if text := self._plain(element, limit):
                        return text
        return None

    def _summary(self, fields: Fields) -> str | None:
        # The first element that is meant as a summary, then the element that is meant as the body.
        summaries = [name for name in fields if name in _SUMMARIES]
        return self._first(fields, (*summaries, *_BODIES), MAX_SUMMARY_CHARS)

    # Links

    def _link(self, parent: etree._Element, fields: Fields) -> tuple[str | None, str | None]:
        """The link of an entry or a feed; or None and the link as written, if it is not a web address."""
        refused = None
        for raw, element in self._link_candidates(parent, fields):
            if link := absolute(raw, self._base(element)):
                return link, None
            refused = refused or raw.strip()[:MAX_URL_CHARS] or None
        return None, refused

    def _link_candidates(self, parent: etree._Element, fields: Fields) -> Iterable[tuple[str, etree._Element]]:
        links = fields.get("link", ())
        for element in links:
            text = element.text
            if text and not text.isspace() and "href" not in element.attrib:
                yield text, element
        alternates = []
        for element in links:
            href = _attribute(element, "href")
            if href and element.get("rel", "alternate").lower() == "alternate":
                alternates.append((_html_rank(element), href, element))
        for _, href, element in sorted(alternates, key=lambda each: each[0]):
            yield href, element
        for element in fields.get("guid", ()):
            text = element.text or ""
            permalink = _attribute(element, "ispermalink", "isPermaLink").lower()
            if permalink == "true" or (permalink != "false" and text.lstrip()[:4].lower() == "http"):
                yield text, element
        for element in fields.get("id", ()):
            if (element.text or "").lstrip()[:4].lower() == "http":
                yield element.text, element
        for element in fields.get("content", ()):
            if (src := element.get("src")) and not media.by_rank([media.File(src, element.get("type"))]):
                yield src, element
        if href := _attribute(parent, "href") or parent.get(f"{_RDF}about", ""):
            yield href, parent

    def _files(self, fields: Fields) -> list[str]:
        """The addresses of the entry's files; those of Media RSS only if there are no others."""
        for names in (("enclosure", "link", "content"), ("media:content",)):
            files = []
            for name in names:
                for element in fields.get(name, ()):
                    if address := _enclosed(name, element, self._base):
                        files.append(media.File(address, element.get("type") or element.get("medium")))
            if files and (ranked := media.by_rank(files)):
                return [file.address for file in ranked]
        return []

    def _base(self, element: etree._Element) -> str:
        """The base of the links of an element: xml:base, which is itself relative to the base around it.

        lxml's `base` gives the same, but joins all of them again for every element.
        """
        if not self.has_base:
            return self.base
        inside: etree._Element | None = element
        unknown = []
        while inside not in self.bases:
            unknown.append(inside)
            inside = inside.getparent()
        base = self.bases[inside]
        for each in reversed(unknown):
            base = self.bases[each] = absolute(each.get(_XML_BASE, ""), base or self.url) or base
        return base or self.base

    def _image(self, fields: Fields) -> str | None:
        for raw, element in self._image_candidates(fields):
            if image := absolute(raw, self._base(element)):
                return image
        return None

    def _image_candidates(self, fields: Fields) -> Iterable[tuple[str, etree._Element]]:
        for name in ("itunes:image", "media:content", "media:thumbnail", "enclosure", "link", "image"):
            for element in fields.get(name, ()):
                if raw := _image_address(name, element):
                    yield raw, element
        for name in ("description", "summary", "content:encoded", "content"):
            for element in fields.get(name, ()):
                if raw := first_image(_markup(element)):
                    yield raw, element

    # The rest

    def _date(self, fields: Fields, names: Iterable[str], last: str = "") -> tuple[str | None, str | None]:
        """The first date of these elements, else `last`; if none is understood, also the first text."""
        refused = None
        texts = [element.text for name in names if name in fields for element in fields[name]]
        for text in (*texts, last) if last else texts:
            if text and not text.isspace():
                if self.unreadable_dates < MAX_UNREADABLE_DATES:
                    if moment := parse_date(text, self.hints):
                        return moment, None
                    self.unreadable_dates += 1
                refused = refused or text.strip()[:MAX_DATE_CHARS]
        return None, refused

    def _authors(self, fields: Fields) -> list[str]:
        """The names of the first element kind that has any; addresses only if there are no names."""
        addresses: list[str] = []
        for kind in _AUTHORS:
            if kind in fields:
                people = [self._person(element) for element in fields[kind][:MAX_LIST]]
                if named := list(dict.fromkeys(person for person in people if person and not _EMAIL.fullmatch(person))):
                    return named
                addresses = addresses or [person for person in people if person]
        return addresses

    def _person(self, element: etree._Element) -> str | None:
        parts = self._fields(element) if len(element) else {}
        text = self._first(parts, ("name", "email"), MAX_NAME_CHARS) or plain(_markup(element), MAX_NAME_CHARS)
        if not text or "@" not in text:
            return text
        name, addresses = _EMAIL.subn("", text)
        return (name.strip(" <>,;").removeprefix("(").removesuffix(")").strip() or text) if addresses else text

    def _keywords(self, fields: Fields) -> list[str]:
        keywords: list[str] = []
        for name in ("category", "dc:subject"):
            for element in fields.get(name, ()):
                text = self._plain(element, MAX_NAME_CHARS)
                keywords.append(text or plain(element.get("label") or element.get("term") or "", MAX_NAME_CHARS) or "")
        for name in ("itunes:keywords", "media:keywords", "keywords"):
            for element in fields.get(name, ()):
                keywords += split_keywords(element.text or "", MAX_NAME_CHARS)
        return list(dict.fromkeys(filter(None, keywords)))[:MAX_KEYWORDS] if keywords else keywords

    def _id(self, element: etree._Element, fields: Fields) -> str | None:
        for each in (*fields.get("guid", ()), *fields.get("id", ())):
            if each.text and (text := squash(each.text, MAX_URL_CHARS)):
                return text
        return squash(element.get(f"{_RDF}about", ""), MAX_URL_CHARS)

    def _language(self, element: etree._Element, fields: Fields) -> str | None:
        language = self._first(fields, ("language", "dc:language"), MAX_NAME_CHARS) or element.get(_XML_LANG)
        return language.strip()[:MAX_NAME_CHARS].replace("_", "-") or None if language else None

    def _interval(self, fields: Fields) -> int | None:
        if minutes := _number(fields, "ttl"):
            return min(minutes * 60, _MAX_INTERVAL)
        if "sy:updateperiod" not in fields and "sy:updatefrequency" not in fields:
            return None
        period = _PERIODS.get(_word(fields, "sy:updateperiod"), _PERIODS["daily"])
        return max(period // (_number(fields, "sy:updatefrequency") or 1), 1)


def _markup(element: etree._Element) -> str:
    """The markup inside an element: names, texts, and addresses of images.

    lxml's `tostring` gives the same, but looks for the namespaces of all elements around it at every call.
    """
    if not len(element):
        return element.text or ""
    parts = [escape(element.text or "")]
    for event, inner in etree.iterwalk(element, events=("start", "end")):
        if inner is element:
            continue
        name = inner.tag.rpartition("}")[2]
        if event == "end":
            parts.append(f"</{name}>{escape(inner.tail or '')}")
        elif src := inner.get("src"):
            parts.append(f'<{name} src="{escape(src)}">{escape(inner.text or "")}')
        else:
            parts.append(f"<{name}>{escape(inner.text or '')}")
    return "".join(parts)


def _is_text(form: str) -> bool:
    return form in ("text", "html", "xhtml") or form.startswith("text/") or form.endswith(("+xml", "/xml"))


def _base64(text: str) -> str:
    """The text behind base64, or nothing if it is not base64 or not text."""
    try:
        return b64decode(text).decode("utf-8")
    except ValueError:
        return ""


def _attribute(element: etree._Element, *names: str) -> str:
    """The first of these attributes, in lower or in upper case, or nothing."""
    for name in names:
        if value := element.get(name) or element.get(name.upper()):
            return value
    return ""


def _html_rank(link: etree._Element) -> int:
    """0 for a link to a page, 1 for one to another form of the entry."""
    return 0 if "html" in link.get("type", "html") else 1


def _enclosed(name: str, element: etree._Element, base: Callable[[etree._Element], str]) -> str | None:
    """The address of the file that an element names."""
    if name == "link" and element.get("rel", "").lower() != "enclosure":
        return None
    raw = _attribute(element, _ADDRESSES.get(name, "url"))
    return absolute(raw, base(element)) if raw else None


def _image_address(name: str, element: etree._Element) -> str | None:
    """The address of an image in an element that describes one."""
    if name == "media:thumbnail":
        return element.get("url") or element.text
    if name in ("itunes:image", "image"):
        url = element.find("{*}url")
        return element.get("href") or element.get("url") or (element.text if url is None else url.text)
    if name == "link" and element.get("rel") != "enclosure":
        return None
    address = element.get("href") if name == "link" else element.get("url")
    form = element.get("medium") or element.get("type") or ""
    if form.startswith("image") or (not form and address and _IMAGE_FILE.search(address)):
        return address
    return None


def _word(fields: Fields, name: str) -> str:
    return (fields[name][0].text or "").strip().lower() if name in fields else ""


def _number(fields: Fields, name: str) -> int | None:
    digits = _word(fields, name)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
