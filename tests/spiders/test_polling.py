"""Good feeds over four runs: conditional requests, redirects, sitemaps, when a feed is due."""

import gzip
from datetime import UTC, datetime

import pytest
from made_up_sites import entry, rss, sitemap, sitemap_index, source, stories

SECTION = """
<article><h2><a href="/a">Council rejects the quarry</a></h2><time datetime="2026-03-04">4 March</time></article>
<article><p>An advertisement without a link</p></article>
<article><h2>Ferry runs, for subscribers</h2></article>
"""

ENTRIES = [
    *(
        source(name, "/feed")
        for name in ("etag", "date", "lying", "plain", "temporary", "silent", "hourly", "cut", "poor")
    ),
    source("moved", "/old"),
    source("moved308", "/old"),
    source("mixed", "/old"),
    source("zone", "/feed", timezone="Asia/Tokyo"),
    source("gzip", news_sitemaps=["https://gzip.example/news.xml.gz"]),
    source("index", news_sitemaps=["https://index.example/sitemaps.xml"]),
    source(
        "section",
        sections=[{"url": "https://section.example/", "items": "article", "title": "h2 ::text", "date": "time"}],
    ),
]
STORED = {
    **dict.fromkeys(("etag", "date", "plain", "temporary", "hourly", "moved", "moved308", "mixed", "index"), 3),
    "lying": 4,
    "cut": 3,
    "zone": 1,
    "gzip": 2,
    "section": 1,
    "poor": 1,
}
CUT = (entry("Ferry number 1 of cut runs again", "https://cut.example/1") + "<item><title>Fer").encode()
MODIFIED = "Wed, 04 Mar 2026 05:06:07 GMT"


def conditional(body, header, value, condition):
    def route(handler):
        if handler.headers[condition] == value:
            return 304, b"", {header: value}
        return 200, body, {header: value}

    return route


def routes():
    ok = {
        ("etag", "/feed"): conditional(stories("etag"), "ETag", '"1"', "If-None-Match"),
        ("date", "/feed"): conditional(stories("date"), "Last-Modified", MODIFIED, "If-Modified-Since"),
        # Its validator stays the same when it has something new.
        ("lying", "/feed"): conditional(stories("lying"), "ETag", '"always"', "If-None-Match"),
        # The connection ended before the feed did.
        ("cut", "/feed"): conditional(stories("cut").partition(b"<item>")[0] + CUT, "ETag", '"2"', "If-None-Match"),
        ("plain", "/feed"): (200, stories("plain"), {}),
        ("silent", "/feed"): (200, rss(), {}),
        ("poor", "/feed"): (200, rss(entry("A good one", "https://poor.example/1"), entry("Without a link")), {}),
        ("hourly", "/feed"): (200, stories("hourly"), {"Cache-Control": "max-age=3600"}),
        ("moved", "/old"): (301, b"", {"Location": "/new"}),
        ("moved", "/new"): (200, stories("moved"), {}),
        ("moved308", "/old"): (308, b"", {"Location": "/new"}),
        ("moved308", "/new"): (200, stories("moved308"), {}),
        ("mixed", "/old"): (301, b"", {"Location": "/middle"}),
        ("mixed", "/middle"): (302, b"", {"Location": "/new"}),
        ("mixed", "/new"): (200, stories("mixed"), {}),
        ("temporary", "/feed"): (302, b"", {"Location": "/today"}),
        ("temporary", "/today"): (200, stories("temporary"), {}),
        ("zone", "/feed"): (200, rss(entry("Noon in Tokyo", "https://zone.example/1", "4 Mar 2026 12:00:00")), {}),
        ("gzip", "/news.xml.gz"): (200, gzip.compress(sitemap("gzip", 1, 2)), {"Content-Type": "application/gzip"}),
        ("index", "/sitemaps.xml"): (
            200,
            sitemap_index("https://index.example/1.xml", "https://index.example/2.xml", "https://index.example/3.xml"),
            {},
        ),
        ("index", "/1.xml"): (200, sitemap("index", 1, 2), {}),
        ("index", "/2.xml"): (200, gzip.compress(sitemap("index", 3)), {}),
        ("section", "/"): (200, SECTION.encode(), {"Content-Type": "text/html"}),
    }
    return {(f"{name}.example", path): answer for (name, path), answer in ok.items()}


class Run:
    def __init__(self, newsbot, *arguments, **settings):
        newsbot.sites.log.clear()
        self.process = newsbot.crawl(ENTRIES, *arguments, **settings)
        assert self.process.returncode == 0, self.process.stderr
        self.log = list(newsbot.sites.log)
        _, self.statuses = newsbot.last_run()
        ((self.stats, self.items),) = newsbot.query("SELECT stats, items FROM runs ORDER BY started_at DESC LIMIT 1")
        self.revisions = newsbot.query("SELECT count(*) FROM article_revisions")[0][0]
        self.feeds = {url: tuple(state) for url, *state in newsbot.query("SELECT url, moved_to, failures FROM feeds")}

    def asked(self, name):
        return [
            (path, headers) for host, path, headers in self.log if host == f"{name}.example" and "robots" not in path
        ]


@pytest.fixture(scope="module")
def runs(newsbot):
    """First, again, after a change with validators that lie, and only what is due."""
    newsbot.sites.routes = routes()
    first = Run(newsbot)
    newsbot.sites.routes["cut.example", "/feed"] = conditional(stories("cut"), "ETag", '"2"', "If-None-Match")
    second = Run(newsbot)
    newsbot.sites.routes["lying.example", "/feed"] = conditional(
        stories("lying", 4), "ETag", '"always"', "If-None-Match"
    )
    third = Run(newsbot)
    full = Run(newsbot, FEED_FULL_FETCH_INTERVAL=0)
    return first, second, third, full, Run(newsbot, "due=1")


def test_everything_is_stored_once(runs, newsbot):
    first, second, *_ = runs
    assert (first.stats["new"], first.stats["rejected"]) == (sum(STORED.values()) - 3, 2)
    assert (second.stats["new"], second.stats["changed"], second.revisions) == (2, 0, 0)
    assert dict(newsbot.query("SELECT source_id, count(*) FROM articles GROUP BY source_id")) == STORED


def test_conditional_requests(runs):
    first, second, *_ = runs
    for name, condition, value in (
        ("etag", "If-None-Match", '"1"'),
        ("date", "If-Modified-Since", MODIFIED),
    ):
        assert [condition in headers for _, headers in first.asked(name)] == [False]
        assert [headers.get(condition) for _, headers in second.asked(name)] == [value]
        assert second.statuses[f"https://{name}.example/feed"] == "not modified"
    assert second.statuses["https://plain.example/feed"] == "the same entries"


@pytest.mark.parametrize("url", ["https://poor.example/feed", "https://section.example/"])
def test_entries_without_a_link_are_refused_and_the_same_count_as_before(runs, url):
    first, second, *_ = runs
    figures = [run.stats["sources"][url[8:].partition(".")[0]] for run in (first, second)]
    assert [(each["new"], each["unchanged"], each["rejected"]) for each in figures] == [(1, 0, 1), (0, 1, 1)]
    assert second.statuses[url] == "the same entries"


def test_the_validators_of_a_feed_that_was_cut_off_are_not_kept(runs):
    first, second, third, *_ = runs
    url = "https://cut.example/feed"
    assert "was cut off" in first.statuses[url]
    assert ["If-None-Match" in headers for _, headers in second.asked("cut")] == [False]
    assert (second.statuses[url], third.statuses[url]) == ("ok", "not modified")


def test_validators_that_lie_are_not_believed_for_ever(runs):
    _, _, third, full, _ = runs
    assert third.statuses["https://lying.example/feed"] == "not modified"
    assert full.statuses["https://lying.example/feed"] == "ok"
    assert "If-None-Match" not in full.asked("lying")[0][1]
    assert full.stats["new"] == 1


@pytest.mark.parametrize("name", ["moved", "moved308"])
def test_a_permanent_redirect_is_remembered_and_shown(runs, name):
    first, second, *_ = runs
    assert [path for path, _ in first.asked(name)] == ["/old", "/new"]
    assert first.statuses[f"https://{name}.example/old"] == f"ok; moved to https://{name}.example/new"
    assert [path for path, _ in second.asked(name)] == ["/new"]
    assert first.feeds[f"https://{name}.example/old"] == (f"https://{name}.example/new", 0)


@pytest.mark.parametrize(("name", "path"), [("temporary", "/feed"), ("mixed", "/old")])
def test_a_temporary_redirect_is_not(runs, name, path):
    _, second, *_ = runs
    assert second.asked(name)[0][0] == path
    assert second.feeds[f"https://{name}.example{path}"] == (None, 0)


def test_a_sitemap_of_an_index_that_is_missing_is_reported(runs):
    first, *_ = runs
    assert first.statuses["https://index.example/3.xml"] == "HTTP status 404"
    assert first.statuses["https://index.example/sitemaps.xml"] == "ok"
    assert "index.example/3.xml: HTTP status 404" in first.process.stderr


def test_a_date_without_a_zone_is_in_that_of_the_source(runs, newsbot):
    assert newsbot.query("SELECT published_at FROM articles WHERE source_id = 'zone'") == [
        (datetime(2026, 3, 4, 3, tzinfo=UTC),)
    ]


def test_a_section_page(runs, newsbot):
    assert newsbot.query("SELECT url, title, published_at FROM articles WHERE source_id = 'section'") == [
        ("https://section.example/a", "Council rejects the quarry", datetime(2026, 3, 4, tzinfo=UTC))
    ]


def test_an_empty_feed_is_not_a_failure(runs):
    assert runs[0].statuses["https://silent.example/feed"] == "ok"


def test_what_is_not_due_is_not_asked(runs, newsbot):
    *_, due = runs
    assert due.log == []
    assert set(due.statuses.values()) == {"not due"}


def test_a_feed_is_due_when_its_time_has_come(runs, newsbot):
    waits = dict(newsbot.query("SELECT url, interval FROM feeds WHERE failures = 0"))
    assert waits["https://hourly.example/feed"] >= 3600
    assert min(waits.values()) >= 300


def test_the_run_says_what_the_table_says(runs):
    first, *_ = runs
    row = next(line for line in first.process.stderr.splitlines() if line.startswith("etag"))
    assert row.split() == ["etag", "3", "0", "0", "0", "ok"]
    total = next(line for line in first.process.stderr.splitlines() if line.startswith("all"))
    counted = [first.stats[name] for name in ("new", "changed", "unchanged", "rejected")]
    assert total.split() == ["all", *map(str, counted)]
    assert first.items == sum(counted[:3])
