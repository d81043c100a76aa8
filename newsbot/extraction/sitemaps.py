"""Sitemaps, news sitemaps, indexes of sitemaps and lists of addresses.

Sources: https://www.sitemaps.org/protocol.html, https://developers.google.com/search/docs/crawling-indexing/sitemaps.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from lxml import etree

from newsbot.extraction.dates import NO_HINTS, Hints, first_date, parse_date
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
    dates,
)
from newsbot.extraction.links import absolute
from newsbot.extraction.markup import plain, split_keywords, squash

MAX_SITEMAP_URL_CHARS = 65_536  # of a child of an index: above the limit of requests, so that it fails visibly

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# As in sitemap-2026-03.xml, 2026/03/04.xml, news20260304.xml.
_DATE_IN_URL = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_/.]?(0[1-9]|1[0-2])(?:[-_/.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")


def read(root: etree._Element, url: str, hints: Hints = NO_HINTS) -> Feed:
    """The sitemap or index under `root`; `url` is its address, for relative links; `hints` are for dates."""
    if local_name(root) == "sitemapindex":
        feed = Feed(kind="sitemap_index")
        for texts in each_once(list(root.iter("{*}sitemap")), _texts):
            if link := absolute(texts.get("loc", "")[:MAX_SITEMAP_URL_CHARS], url, MAX_SITEMAP_URL_CHARS):
                feed.sitemaps.append(link)
                feed.modified.append(parse_date(texts.get("lastmod", ""), hints))
        return feed
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


def newest_first(sitemaps: Sequence[tuple[str, float | None]]) -> list[int]:
    """The positions of sitemaps, each a URL and its time of modification, the likely newest first: by that time, or by
    a date in the URL. Without either, the newest may be first or last: these follow from both ends in turn.
    """
    times = [_in_url(url) if time is None else time for url, time in sitemaps]
    known = sorted((place for place, time in enumerate(times) if time is not None), key=lambda place: -times[place])
    others = [place for place, time in enumerate(times) if time is None]
    ends = [place for pair in zip(reversed(others), others, strict=True) for place in pair]
    return [*known, *dict.fromkeys(ends)]


def end_of(date: str | None) -> float | None:
    """The latest moment that a date of `parse_date` may mean, in Unix seconds: midnight without a zone means a day."""
    if date is None:
        return None
    moment = datetime.fromisoformat(date)
    if moment.tzinfo:
        return (moment - _EPOCH).total_seconds()
    return (moment.replace(tzinfo=UTC) - _EPOCH).total_seconds() + (86_400 if date.endswith("T00:00:00") else 0)


def _in_url(url: str) -> float | None:
    found = _DATE_IN_URL.search(url)
    return end_of(parse_date("-".join(part or "01" for part in found.groups()))) if found else None


def read_list(text: str) -> Feed | None:
    """A sitemap that is a plain list of addresses, one per line; None if `text` is anything else."""
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
    return blank(
        title=plain(texts.get("title", ""), MAX_TITLE_CHARS),
        link=link,
        **dates(*(first_date([texts.get(name, "")], hints) for name in ("publication_date", "lastmod"))),
        image=absolute(texts.get("image", ""), url),
        language=squash(texts.get("language", ""), MAX_NAME_CHARS),
        keywords=split_keywords(texts.get("keywords", ""), MAX_NAME_CHARS),
        refused_link=None if link else location.strip()[:MAX_URL_CHARS] or None,
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
