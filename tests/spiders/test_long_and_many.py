"""Sitemaps by the dozen, URLs of thousands of characters, and requests that code drops silently."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from made_up_sites import ROOT, environment, sitemap, sitemap_index, source, stories

SETTINGS = {"SITEMAP_CHILDREN_MAX": 4}


def index(name, children):
    """An index of (path, lastmod or None)."""
    listed = "".join(
        f"<sitemap><loc>https://{name}.example{path}</loc>{f'<lastmod>{date}</lastmod>' if date else ''}</sitemap>"
        for path, date in children
    )
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</sitemapindex>'.encode()


class Index:
    """A made-up source with an index of sitemaps, each of one story."""

    def __init__(self, newsbot, name, children):
        self.newsbot, self.name = newsbot, name
        self.entry = source(name, news_sitemaps=[f"https://{name}.example/index.xml"])
        self.lists(children)
        for number, (path, _) in enumerate(children):
            newsbot.sites.routes[f"{name}.example", path] = 200, sitemap(name, number), {}

    def lists(self, children):
        self.newsbot.sites.routes[f"{self.name}.example", "/index.xml"] = 200, index(self.name, children), {}

    def crawl(self, **settings):
        """The sitemaps asked for, in their order, and the status of the index."""
        self.newsbot.sites.log.clear()
        process = self.newsbot.crawl(
            [self.entry], **SETTINGS, CONCURRENT_REQUESTS=1, CONCURRENT_REQUESTS_PER_DOMAIN=1, **settings
        )
        assert process.returncode == 0, process.stderr
        first, *paths = [path for path, _ in self.newsbot.sites.asked(f"{self.name}.example")]
        assert first == "/index.xml"
        return paths, self.newsbot.last_run()[1][f"https://{self.name}.example/index.xml"]

    def stored(self):
        return self.newsbot.query(f"SELECT count(*) FROM articles WHERE source_id = '{self.name}'")[0][0]


def test_the_newest_sitemaps_of_an_index_come_first_and_all_in_time(newsbot):
    children = [(f"/s{n}.xml", f"2026-0{1 + n}-01T00:00:00Z") for n in range(7)]
    site = Index(newsbot, "oldest", children)
    paths, status = site.crawl()
    assert paths == ["/s6.xml", "/s5.xml", "/s4.xml", "/s3.xml"]
    assert status == "ok; 4 of its 7 sitemaps are read, the newest first; the others in later runs"
    paths, _ = site.crawl()
    assert paths[:2] == ["/s2.xml", "/s1.xml"]
    assert paths[2] == "/s0.xml", "what was never read goes before what was"
    assert site.stored() == 7
    site.lists([("/s0.xml", "2100-01-01"), *children[1:]])
    assert site.crawl()[0][0] == "/s0.xml", "it has news"


@pytest.mark.parametrize(
    ("name", "children", "first"),
    [
        ("inurl", [f"/news-2026-0{n}.xml" for n in range(1, 8)], ["07", "06", "05", "04"]),
        ("numbered", [f"/map{n:02}.xml" for n in range(1, 8)], ["07", "01", "06", "02"]),
    ],
)
def test_without_lastmod_all_come_in_time(newsbot, name, children, first):
    site = Index(newsbot, name, [(path, None) for path in children])
    paths, _ = site.crawl()
    assert [path.removesuffix(".xml")[-2:] for path in paths] == first
    again, _ = site.crawl()
    assert again[:2] == paths[:2], "the newest may have changed"
    site.crawl()
    assert site.stored() == 7


def test_an_index_whose_dates_are_all_of_today_is_read_whole_in_time(newsbot):
    site = Index(newsbot, "today", [(f"/s{n}.xml", "2100-01-01T00:00:00Z") for n in range(8)])
    for _ in range(3):
        site.crawl()
    assert site.stored() == 8


def test_a_sitemap_that_asks_to_be_left_alone_is(newsbot):
    site = Index(newsbot, "leftalone", [("/a.xml", None), ("/b.xml", None)])
    newsbot.sites.routes["leftalone.example", "/a.xml"] = 429, b"", {"Retry-After": "7200"}
    assert len(site.crawl()[0]) == 2
    assert site.crawl()[0] == ["/b.xml"]


# --- Long URLs --------------------------------------------------------------------------------------------------------


def token(length):
    """Letters that cannot be compressed."""
    text = "".join(hashlib.sha256(f"{length} {n}".encode()).hexdigest() for n in range(length // 64 + 1))
    return text[:length]


def test_a_long_url_is_asked_and_one_that_is_too_long_is_reported(newsbot):
    paths = [f"/{token(length)}.xml" for length in (2_500, 7_000, 15_000, 17_000, 70_000)]
    newsbot.sites.routes.update({("long.example", path): (200, sitemap("long", len(path)), {}) for path in paths})
    listed = sitemap_index(*(f"https://long.example{path}" for path in paths))
    newsbot.sites.routes["long.example", "/index.xml"] = 200, listed, {}
    entry = source("long", news_sitemaps=["https://long.example/index.xml"])
    for expected in ("ok", "the same entries"):
        process = newsbot.crawl([entry])
        assert process.returncode == 0, process.stderr
        _, statuses = newsbot.last_run()
        told = list(statuses.values())
        assert told.count(expected) == (4 if expected == "ok" else 3)
        assert sorted(status.partition(", expected")[0] for status in told if "URL has" in status) == [
            "the URL has 17025 bytes",
            "the URL has 65536 bytes",
        ]
    assert newsbot.query("SELECT count(*), max(length(url)) FROM articles WHERE source_id = 'long'")[0][0] == 3
    assert newsbot.query("SELECT max(failures) FROM feeds WHERE source_id = 'long'") == [(2,)]


def test_a_redirect_to_a_long_url_is_followed_and_to_one_that_is_too_long_reported(newsbot):
    for name, length in (("leads", 15_000), ("astray", 100_000)):
        path = f"/{token(length)}"
        newsbot.sites.routes[f"{name}.example", "/feed"] = 302, b"", {"Location": path}
        newsbot.sites.routes[f"{name}.example", path] = 200, stories(name), {}
    process = newsbot.crawl([source("leads", "/feed"), source("astray", "/feed")])
    assert process.returncode == 0, process.stderr
    _, statuses = newsbot.last_run()
    assert statuses["https://leads.example/feed"] == "ok"
    assert statuses["https://astray.example/feed"].startswith("the URL has 100023 bytes, expected at most 16384")


def test_a_long_url_of_the_catalogue(newsbot):
    path = f"/feed?token={token(5_000)}"
    newsbot.sites.routes["longfeed.example", path] = 200, stories("longfeed"), {}
    assert newsbot.crawl([source("longfeed", path)]).returncode == 0
    newsbot.sites.routes["toolong.example", "/"] = 200, stories("toolong"), {}
    process = newsbot.crawl([source("toolong", f"/?{token(17_000)}")])
    assert process.returncode == 1
    assert "expected at most 16384 (URLLENGTH_LIMIT)" in process.stderr


# --- Users' spiders and middlewares -----------------------------------------------------------------------------------


def crawl(newsbot, spider, entries, **settings):
    command = newsbot.command(entries, SPIDER_MODULES="made_up_spiders", **settings)
    command[command.index("headlines")] = spider
    here = str(Path(__file__).parent)
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment() | {"PYTHONPATH": here}
    )


def test_what_is_dropped_without_a_word_failed(newsbot):
    entries = [source(name, "/feed") for name in ("asked", "dropped")]
    newsbot.sites.routes.update(
        {(f"{name}.example", "/feed"): (200, stories(name), {}) for name in ("asked", "dropped")}
    )
    dropping = json.dumps({"made_up_spiders.Dropping": 1})
    process = crawl(newsbot, "unsure", entries, SPIDER_MIDDLEWARES=dropping)
    code, statuses = newsbot.last_run()
    assert (process.returncode, code, statuses["https://asked.example/feed"]) == (0, 0, "ok")
    assert statuses["https://dropped.example/feed"].startswith("its request was dropped")
    assert "dropped: https://dropped.example/feed: its request was dropped" in process.stderr
    assert crawl(newsbot, "unsure", entries[1:], SPIDER_MIDDLEWARES=dropping).returncode == 1


def test_a_fault_of_the_spider_fails_the_feed(newsbot):
    entries = [source(name, "/feed") for name in ("faulty", "faultless")]
    newsbot.sites.routes.update(
        {(f"{entry['id']}.example", "/feed"): (200, stories(entry["id"]), {}) for entry in entries}
    )
    process = crawl(newsbot, "failing", entries)
    _, statuses = newsbot.last_run()
    assert "ZeroDivisionError" in process.stderr
    assert statuses["https://faulty.example/feed"].startswith(
        "its request was dropped, or its answer could not be read"
    )
    assert statuses["https://faultless.example/feed"] == "ok"


def test_a_fault_behind_an_answer_fails_the_feed(newsbot):
    newsbot.sites.routes["behind.example", "/feed"] = 200, stories("behind"), {}
    process = crawl(newsbot, "astray", [source("behind", "/feed")])
    status = "AttributeError: 'NoneType' object has no attribute 'name'; the log has the traceback"
    assert (process.returncode, newsbot.last_run()[1]) == (1, {"https://behind.example/feed": status})
    assert newsbot.query("SELECT count(*) FROM articles WHERE source_id = 'behind'") == [(3,)]


def test_an_answer_that_may_be_cut_has_no_validators_and_its_entries_are_compared(newsbot):
    newsbot.sites.routes["unsure.example", "/feed"] = 200, stories("unsure"), {"ETag": '"1"'}
    for expected in ("ok", "the same entries"):
        newsbot.sites.log.clear()
        assert crawl(newsbot, "unsure", [source("unsure", "/feed")]).returncode == 0
        assert newsbot.last_run()[1]["https://unsure.example/feed"] == expected
        ((_, headers),) = newsbot.sites.asked("unsure.example")
        assert "If-None-Match" not in headers
