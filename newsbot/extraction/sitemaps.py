"""Sitemaps, news sitemaps, indexes of sitemaps and lists of addresses.

Sources: https://www.sitemaps.org/protocol.html, https://developers.google.com/search/docs/crawling-indexing/sitemaps.
"""

from lxml import etree

from newsbot.extraction.dates import NO_HINTS, Hints, first_date
from newsbot.extraction.documents import each_once, local_name
from newsbot.extraction.entries import (
    MAX_ENTRIES,
    MAX_NAME_CHARS,
    MAX_TITLE_CHARS,
    MAX_URL_CHARS,
    Entry,
    Feed,
    blank,
    check_count,
)
from newsbot.extraction.links import absolute
from newsbot.extraction.markup import plain, split_keywords, squash


def read(root: etree._Element, url: str, hints: Hints = NO_HINTS) -> Feed:
    """The sitemap or index under `root`; `url` is where it was fetched, for relative links; `hints` are for dates."""
    if local_name(root) == "sitemapindex":
        locations = [texts.get("loc", "") for texts in each_once(list(root.iter("{*}sitemap")), _texts)]
        return Feed(kind="sitemap_index", sitemaps=[link for each in locations if (link := absolute(each, url))])
    feed = Feed(kind="sitemap")
    elements = list(root.iter("{*}url"))
    check_count(len(elements))

    def read_one(element: etree._Element) -> Entry | None:
        texts = _texts(element)
        if "title" in texts or "publication_date" in texts:
            feed.kind = "news_sitemap"
        return _entry(texts, url, hints) if texts else None

    feed.entries = [entry for entry in each_once(elements, read_one) if entry]
    return feed


def read_list(text: str) -> Feed | None:
    """A sitemap that is a plain list of addresses, one a line; None where `text` is anything else."""
    lines = text[:MAX_URL_CHARS].split(None, 1)
    if not lines or not absolute(lines[0], ""):
        return None
    lines = text.split(None, MAX_ENTRIES + 1)
    check_count(len(lines))
    links = [absolute(line, "") for line in lines]
    if None in links:
        return None
    return Feed(kind="sitemap", entries=[blank(link=link) for link in links])


def _entry(texts: dict[str, str], url: str, hints: Hints) -> Entry:
    location = texts.get("loc", "")
    link = absolute(location, url)
    modified, refused_modified = first_date([texts.get("lastmod", "")], hints)
    published, refused_published = first_date([texts.get("publication_date", "")], hints)
    return blank(
        title=plain(texts.get("title", ""), MAX_TITLE_CHARS),
        link=link,
        published=published or modified,
        updated=modified,
        image=absolute(texts.get("image", ""), url),
        language=squash(texts.get("language", ""), MAX_NAME_CHARS),
        keywords=split_keywords(texts.get("keywords", ""), MAX_NAME_CHARS),
        refused_link=None if link else location.strip()[:MAX_URL_CHARS] or None,
        refused_date=refused_published or (None if published else refused_modified),
    )


def _texts(element: etree._Element) -> dict[str, str]:
    """The texts of a `<url>` or `<sitemap>` by local name; an image's location as "image"."""
    texts: dict[str, str] = {}
    for each in element.iterdescendants():
        if not each.text:
            continue
        name = local_name(each)
        if local_name(each.getparent()) in ("image", "video"):
            name = {"loc": "image", "thumbnail_loc": "image"}.get(name, "")
        texts.setdefault(name, each.text)
    return texts
