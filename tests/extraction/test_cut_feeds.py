"""Feeds that were cut off: their whole entries are read, and the rest becomes nothing."""

import gzip
import json

import pytest

from newsbot.extraction.feeds import FeedError, parse

URL = "https://news.test/feed"

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Harbour news</title>
<link>https://news.test/</link><image><url>https://news.test/logo.png</url></image>
<item><title>Ferries &amp; fares</title><link>https://news.test/2026/11/ferries?id=1234567&amp;p=2</link>
<guid isPermaLink="false">tag:1234567</guid><pubDate>Thu, 26 Nov 2026 08:15:30 +0100</pubDate>
<description><![CDATA[<p>A <b>ship</b> for the island</p></item>]]></description></item>
<item><title><![CDATA[Größe des Hafens]]></title><guid>https://news.test/2026/11/harbour</guid>
<dc:date>2026-11-26T08:15:30+01:00</dc:date><dc:creator>Ada North</dc:creator></item>
<item><pubDate>26 Nov 2026 10:00:00 GMT</pubDate><!-- <item> --><link>https://news.test/3</link>
<title>Third of three</title></item></channel></rss>
"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour</title><link href="https://news.test/"/>
<entry><title type="html">A &amp;lt;b&amp;gt; ship</title><link rel="alternate" href="https://news.test/a/1"/>
<id>urn:1</id><published>2026-11-26T08:15:30Z</published><updated>2026-11-27T08:15:30Z</updated>
<source><title>Other</title><updated>2020-01-01T00:00:00Z</updated></source></entry>
<entry><updated>2026-11-25T08:15:30Z</updated><id>https://news.test/a/2</id><title>Lighthouse</title>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Text</p></div></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://news.test/"><title>R</title></channel>
<item rdf:about="https://news.test/r/1"><title>One</title><link>https://news.test/r/1</link></item>
<item rdf:about="https://news.test/r/2"><title>Two</title><link>https://news.test/r/2</link></item></rdf:RDF>"""
PREFIXED = """<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>One</a:title>
<a:link href="https://news.test/p/1"/></a:entry><a:entry><a:title>Two</a:title>
<a:link href="https://news.test/p/2"/></a:entry></a:feed>"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://news.test/s/1</loc>
<lastmod>2026-11-26T08:15:30Z</lastmod></url><url><loc>https://news.test/s/2000</loc><n:news>
<n:publication_date>2026-11-26</n:publication_date><n:title>Two ships</n:title></n:news></url></urlset>"""
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour",
        "home_page_url": "https://news.test/",
        "items": [
            {"id": 1234, "url": "https://news.test/j/1", "title": "One", "date_published": "2026-11-26T08:15:30Z"},
            {"id": "2", "url": "https://news.test/j/2", "title": "Größe \\ \"two\"", "tags": ["a", "b"]},
        ],
        "expired": True,
    },
    indent=1,
)  # fmt: skip
INDEX = """<sitemapindex><sitemap><loc>https://news.test/map-1.xml</loc></sitemap><sitemap>
<loc>https://news.test/map-2.xml?page=200</loc></sitemap></sitemapindex>"""

PLANET = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Planet</title>
<entry><source><id>urn:s</id><title>Other</title><link href="https://other.test/"/><updated>2020-01-01T00:00:00Z</updated>
</source><id>urn:1</id><title>One</title><link href="https://news.test/q/1"/><updated>2026-11-26T08:15:30Z</updated></entry>
<entry><id>urn:2</id><title>Two</title><link href="https://news.test/q/2"/>
<updated>2026-11-27T08:15:30Z</updated></entry>
</feed>"""
FEEDS = {
    "rss": RSS,
    "atom": ATOM,
    "planet": PLANET,
    "rdf": RDF,
    "prefixed": PREFIXED,
    "sitemap": SITEMAP,
    "json": JSON_FEED,
}


def read(raw):
    """The entries, and whether the feed was whole; without refused ones."""
    try:
        feed = parse(raw, URL)
    except FeedError:
        return [], False
    return feed.entries, feed.whole


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_that_is_cut_at_any_byte_has_its_first_entries_as_they_are(name, encoding):
    raw = FEEDS[name].encode(encoding)
    entries, whole = read(raw)
    assert whole
    assert len(entries) >= 2
    most = 0
    for end in range(len(raw)):
        cut, whole = read(raw[:end])
        assert cut == entries[: len(cut)], f"cut at {end}"
        assert len(cut) >= most, f"cut at {end}"
        assert whole <= (cut == entries), f"cut at {end}"
        most = len(cut)
    assert most == len(entries)


def test_an_index_that_is_cut_at_any_byte_leads_nowhere_else():
    sitemaps = parse(INDEX.encode(), URL).sitemaps
    assert len(sitemaps) == 2
    for end in range(INDEX.index("<loc"), len(INDEX)):
        found = parse(INDEX[:end].encode(), URL).sitemaps
        assert found == sitemaps[: len(found)], f"cut at {end}"


ITEM = "<item><title>{0}</title><link>https://news.test/{0}</link>".format


@pytest.mark.parametrize(
    ("text", "titles", "whole"),
    [
        # Never closed, in a root that is.
        (f"<rss><channel>{ITEM('a')}{ITEM('b')}</channel></rss>", ["a", "b"], True),
        (f"<rss><channel>{ITEM('a')}{ITEM('b')}</rss>", ["a", "b"], True),
        (f"<rss><channel>{ITEM('a')}{ITEM('b')}</channel>", ["a", "b"], False),
        # Closed, in a root that is not.
        (f"<rss><channel>{ITEM('a')}</item>{ITEM('b')}</item>", ["a", "b"], False),
        (f"<rss><channel>{ITEM('a')}</item>{ITEM('b')}</item><item", ["a", "b"], False),
        # Nothing is ever closed.
        (f"<rss><channel>{ITEM('a')}{ITEM('b')}{ITEM('c')}", ["a", "b"], False),
        (f"<a:feed>{ITEM('a').replace('<', '<a:').replace('a:/', '/a:')}", [], False),
        # Only the last is open.
        (f"<rss><channel>{ITEM('a')}</item>{ITEM('b')}", ["a"], False),
        (f"<rss><channel>{ITEM('a')}</item><group>{ITEM('b')}</item><x>", ["a", "b"], False),
        (f"<rss><channel>{ITEM('a')}</item><item/><group><x>", ["a"], False),
        (f"<rss><channel>{ITEM('a')}<![CDATA[</item></channel></rss>", ["a"], True),
    ],
)
def test_an_entry_is_dropped_that_has_no_end_before_that_of_the_text(text, titles, whole):
    feed = parse(text.encode(), URL)
    assert ([entry["title"] for entry in feed.entries if entry["title"]], feed.whole) == (titles, whole)


def test_the_end_of_a_root_that_is_quoted_is_none():
    text = f"<rss><channel>{ITEM('a')}</item><item><description><![CDATA[ends with </item></channel></rss>]]>"
    feed = parse(text.encode(), URL)
    assert ([entry["title"] for entry in feed.entries], feed.whole) == (["a"], False)


def test_json_that_is_wrong_elsewhere_is_not_taken_for_cut_off():
    with pytest.raises(FeedError, match="cannot be read"):
        parse(JSON_FEED.replace('"version":', '"version"').encode(), URL)


def test_gzip_that_is_cut_at_any_byte_is_not_whole():
    raw = gzip.compress(RSS.encode() + b" " * 2_000, mtime=0)
    entries, whole = read(raw)
    assert whole
    for end in range(2, len(raw)):
        cut, whole = read(raw[:end])
        assert (cut, whole) == (entries[: len(cut)], False), f"cut at {end}"


def test_of_a_list_of_addresses_in_gzip_without_an_end_the_last_one_is_dropped():
    addresses = [f"https://news.test/{number:x}" for number in range(0, 9_000_000, 12_345)]
    raw = gzip.compress("\n".join(addresses).encode(), mtime=0)
    for end in range(40, len(raw), 97):
        links = [entry["link"] for entry in read(raw[:end])[0]]
        assert links == addresses[: len(links)], f"cut at {end}"
