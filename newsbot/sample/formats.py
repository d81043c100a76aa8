"""Writes the stories of a site as a feed, sitemap or page, in every format that news sites still use.

Sources: RSS 0.91 and 0.92 (http://backend.userland.com/rss092), RSS 1.0 (https://web.resource.org/rss/1.0/spec),
RSS 2.0 (https://www.rssboard.org/rss-specification), Atom 0.3 (draft-nottingham-atom-format-02), Atom 1.0 (RFC 4287),
JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), sitemaps (https://www.sitemaps.org/protocol.html), news sitemaps
(https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap).
"""

import gzip
import json
from collections.abc import Callable
from email.utils import format_datetime

from lxml import etree
from lxml.builder import ElementMaker

from newsbot.sample import site_pages
from newsbot.sample.newsroom import Channel, Site, Story

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RSS1 = "http://purl.org/rss/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_ATOM = "http://www.w3.org/2005/Atom"
_ATOM03 = "http://purl.org/atom/ns#"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"

_DC_ELEMENT = ElementMaker(namespace=_DC, nsmap={"dc": _DC})


def rss(version: str, site: Site, channel: Channel, stories: list[Story]) -> bytes:
    """RSS 0.91 has no dates and no categories; 0.92 has categories; 2.0 has all."""
    make = ElementMaker(nsmap={"dc": _DC}) if version == "2.0" else ElementMaker()
    head = [make.title(site.name), make.link(site.homepage), make.description(site.name), make.language(site.language)]
    items = []
    for story in stories:
        texts = {"title": story.title, "link": story.link, "description": story.summary}
        if version != "0.91":
            texts["category"] = story.section
        if version == "2.0":
            texts["pubDate"] = format_datetime(story.published)
        item = make.item(*(make(name, text) for name, text in texts.items() if text))
        if version == "2.0":
            item.append(_DC_ELEMENT.creator(story.byline))
        items.append(item)
    return _xml(make.rss(make.channel(*head, *items), version=version), channel)


def rdf(site: Site, channel: Channel, stories: list[Story]) -> bytes:
    """RSS 1.0: the channel lists its items, which are its siblings."""
    make = ElementMaker(namespace=_RSS1, nsmap={None: _RSS1, "rdf": _RDF, "dc": _DC})
    syntax = ElementMaker(namespace=_RDF)
    about, resource = f"{{{_RDF}}}about", f"{{{_RDF}}}resource"
    head = make.channel(
        {about: site.url(channel.path)},
        make.title(site.name),
        make.link(site.homepage),
        make.description(site.name),
        _DC_ELEMENT.language(site.language),
        make.items(syntax.Seq(*(syntax.li({resource: story.link}) for story in stories))),
    )
    items = [
        make.item(
            {about: story.link},
            make.title(story.title),
            make.link(story.link),
            make.description(story.summary),
            _DC_ELEMENT.date(story.published.isoformat()),
            _DC_ELEMENT.creator(story.byline),
            _DC_ELEMENT.subject(story.section),
        )
        for story in stories
    ]
    return _xml(syntax.RDF(head, *items), channel)


def atom(namespace: str, site: Site, channel: Channel, stories: list[Story]) -> bytes:
    """Atom 1.0, or 0.3, which has other names for the dates."""
    make = ElementMaker(namespace=namespace, nsmap={None: namespace})
    published, updated = ("published", "updated") if namespace == _ATOM else ("issued", "modified")
    language = {"{http://www.w3.org/XML/1998/namespace}lang": site.language}
    entries = [
        make.entry(
            make.title(story.title),
            make.link(rel="alternate", type="text/html", href=story.link),
            make.id(story.link),
            make.author(make.name(story.byline)),
            make(published, story.published.isoformat()),
            make(updated, story.published.isoformat()),
            make.summary(story.summary),
        )
        for story in stories
    ]
    feed = make.feed(
        language,
        make.title(site.name),
        make.link(rel="alternate", type="text/html", href=site.homepage),
        make.id(site.url(channel.path)),
        make(updated, stories[0].published.isoformat()),
        *entries,
    )
    if namespace == _ATOM03:
        feed.set("version", "0.3")
    return _xml(feed, channel)


def json_feed(site: Site, channel: Channel, stories: list[Story]) -> bytes:
    """JSON Feed 1.1."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.name,
        "home_page_url": site.homepage,
        "feed_url": site.url(channel.path),
        "language": site.language,
        "items": [
            {
                "id": story.link,
                "url": story.link,
                "title": story.title,
                "summary": story.summary,
                "date_published": story.published.isoformat(),
                "authors": [{"name": story.byline}],
                "tags": [story.section],
            }
            for story in stories
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode(channel.encoding)


def news_sitemap(site: Site, channel: Channel, stories: list[Story]) -> bytes:
    """A sitemap with the news extension: links, titles and dates."""
    make = ElementMaker(namespace=_SITEMAP, nsmap={None: _SITEMAP, "news": _NEWS})
    news = ElementMaker(namespace=_NEWS)
    urls = [
        make.url(
            make.loc(story.link),
            news.news(
                news.publication(news.name(site.name), news.language(site.language)),
                news.publication_date(story.published.isoformat()),
                news.title(story.title),
            ),
        )
        for story in stories
    ]
    return _xml(make.urlset(*urls), channel)


def sitemap_index(site: Site, channel: Channel, stories: list[Story]) -> bytes:
    """An index of sitemaps."""
    make = ElementMaker(namespace=_SITEMAP, nsmap={None: _SITEMAP})
    return _xml(make.sitemapindex(*(make.sitemap(make.loc(site.url(path))) for path in channel.children)), channel)


def _section(site: Site, channel: Channel, stories: list[Story]) -> bytes:
    return site_pages.section(site, stories)


def _xml(root: etree._Element, channel: Channel) -> bytes:
    raw = etree.tostring(root, encoding=channel.encoding, xml_declaration=True, pretty_print=True)
    # Without a time stamp, so that the same stories give the same bytes.
    return gzip.compress(raw, mtime=0) if channel.gzip else raw


Format = Callable[[Site, Channel, list[Story]], bytes]

# By the name in `sites/*.yaml`: the media type and the function.
FORMATS: dict[str, tuple[str, Format]] = {
    "rss091": ("application/rss+xml", lambda *given: rss("0.91", *given)),
    "rss092": ("application/rss+xml", lambda *given: rss("0.92", *given)),
    "rss2": ("application/rss+xml", lambda *given: rss("2.0", *given)),
    "rdf": ("application/rdf+xml", rdf),
    "atom03": ("application/atom+xml", lambda *given: atom(_ATOM03, *given)),
    "atom10": ("application/atom+xml", lambda *given: atom(_ATOM, *given)),
    "json": ("application/feed+json", json_feed),
    "news_sitemap": ("application/xml", news_sitemap),
    "sitemap_index": ("application/xml", sitemap_index),
    "section": ("text/html; charset=utf-8", _section),
}
