"""The made-up sites' answers, read by the project's own feed reader."""

import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from newsbot.extraction.feeds import parse
from newsbot.sample.formats import FORMATS
from newsbot.sample.newsroom import FOLDER, sites
from newsbot.sources.check import read

CLOCK = datetime(2030, 4, 5, 6, tzinfo=UTC)
SITES = {site.id: site for site in sites()}
CHANNELS = {(site.id, channel.path): (site, channel) for site in SITES.values() for channel in site.channels}

# A mark in the bytes, kind, entries of the first and the second edition, and whether they have dates.
FEEDS = {
    ("harbour-times", "/feeds/news.xml"): (b'version="2.0"', "rss", 14, 15, True),
    ("harbour-times", "/feeds/sport.xml"): (b'version="2.0"', "rss", 4, 4, True),
    ("valley-gazette", "/gazette.rss"): (b'version="0.91"', "rss", 4, 4, False),
    ("valley-gazette", "/farming.rss"): (b'version="0.92"', "rss", 3, 3, False),
    ("kuestenbote", "/aktuell.atom"): (b"http://www.w3.org/2005/Atom", "atom", 9, 9, True),
    ("phare-du-ponant", "/flux/actualites.rdf"): (b"http://purl.org/rss/1.0/", "rdf", 9, 9, True),
    ("voz-del-faro", "/portada.xml"): (b"http://purl.org/atom/ns#", "atom", 9, 9, True),
    ("severnaya-gavan", "/rss.xml"): (b"encoding='windows-1251'", "rss", 9, 10, True),
    ("al-sahil", "/feed.json"): (b"https://jsonfeed.org/version/1.1", "json", 8, 8, True),
    ("shiokaze", "/index.rdf"): (b"encoding='Shift_JIS'", "rdf", 8, 8, True),
    ("foni-limaniou", "/sitemaps/news.xml"): (b"<sitemapindex", "sitemap_index", 0, 0, True),
    ("foni-limaniou", "/sitemaps/news-1.xml.gz"): (b"\x1f\x8b", "news_sitemap", 8, 8, True),
    ("haiwan-wanbao", "/news-sitemap.xml"): (b"sitemap-news/0.9", "news_sitemap", 8, 9, True),
}


def serve(site, channel, edition=1):
    _, write = FORMATS[channel.format]
    return write(site, channel, channel.pick(site.edition(edition, CLOCK)))


def test_every_channel_but_the_section_page_is_a_feed():
    assert FEEDS.keys() == CHANNELS.keys() - {("valley-gazette", "/council/")}


@pytest.mark.parametrize("key", FEEDS, ids="".join)
def test_feed(key):
    site, channel = CHANNELS[key]
    mark, kind, first, second, dated = FEEDS[key]
    raw = serve(site, channel)
    feed = parse(raw, site.url(channel.path))
    assert mark in raw
    assert (feed.kind, len(feed.entries)) == (kind, first)
    assert len(parse(serve(site, channel, 2), site.url(channel.path)).entries) == second
    stories = channel.pick(site.edition(1, CLOCK)) if feed.entries else []
    assert [entry["title"] or "" for entry in feed.entries] == [story.title for story in stories]
    dates = [datetime.fromisoformat(entry["published"]) for entry in feed.entries if entry["published"]]
    assert dates == ([story.published for story in stories] if dated else [])
    assert all(timedelta() <= CLOCK - date < timedelta(days=3) for date in dates)


def test_languages_and_scripts():
    scripts = {}
    for site in SITES.values():
        letters = Counter(
            unicodedata.name(letter).split()[0]
            for story in site.edition(2, CLOCK)
            for letter in story.title + story.summary
            if letter.isalpha()
        )
        scripts[site.language] = letters.most_common(1)[0][0]
    assert scripts == {
        **dict.fromkeys(("en", "de", "fr", "es"), "LATIN"),
        "ru": "CYRILLIC",
        "ar": "ARABIC",
        "el": "GREEK",
        "ja": "CJK",
        "zh": "CJK",
    }


def test_one_event_in_all_languages():
    for event in ("quill", "petrel"):
        told = [site.id for site in SITES.values() if any(event in story["slug"] for story in site.stories)]
        assert len(told) >= 5, event


def test_a_story_in_two_feeds_has_two_titles():
    site = SITES["harbour-times"]
    titles = [
        {story.title for story in channel.pick(site.edition(1, CLOCK)) if story.slug == "regatta"}
        for channel in site.channels
    ]
    assert [len(each) for each in titles] == [1, 1]
    assert titles[0] != titles[1]


def test_the_catalogue_is_valid_and_complete():
    sources = read([FOLDER / "catalogue.yaml"])
    assert [source.id for source in sources] == list(SITES)
    assert len({source.language for source in sources}) == 9
    assert {source.delay for source in sources} == {0}
