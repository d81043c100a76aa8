"""Feeds that ask for rest, report that they are gone, or that nothing changed: over runs, with hostile values."""

import re
import subprocess
import sys

import pytest
from made_up_sites import ROOT, entry, environment, rss, source, stories

YEAR_9999 = "Fri, 31 Dec 9999 23:59:59 GMT"
WEEK = 7 * 86_400
HOSTILE = {
    "century": {"Retry-After": "999999999"},
    "digits": {"Retry-After": "9" * 4000},
    "epoch": {"Retry-After": "1764230000000"},
    "late": {"Retry-After": YEAR_9999},
    "late1970": {"Retry-After": YEAR_9999, "Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
    "latewest": {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -1200"},
    "soon1970": {"Retry-After": "Mon, 01 Jan 2035 00:00:00 GMT", "Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
}
COLUMNS = ("due_at", "not_before", "fetched_at", "succeeded_at", "full_at", "changed_at", "gone_since", "gone_at")


class Site:
    """A made-up source with one feed, and its results."""

    def __init__(self, newsbot, name, answer, **others):
        self.newsbot, self.name = newsbot, name
        self.entry = source(name, "/feed", **others)
        self.host, self.url = f"{name}.example", f"https://{name}.example/feed"
        self.answers(answer)

    def answers(self, answer):
        self.newsbot.sites.routes[self.host, "/feed"] = answer

    def crawl(self, *arguments, **settings):
        """The exit code, the status and the headers of the requests."""
        self.newsbot.sites.log.clear()
        process = self.newsbot.crawl([self.entry], *arguments, **settings)
        code, statuses = self.newsbot.last_run()
        assert code == process.returncode, process.stderr
        return code, statuses[self.url], [headers for _, headers in self.newsbot.sites.asked(self.host)]

    def columns(self, names):
        ((*row,),) = self.newsbot.query(f"SELECT {names} FROM feeds WHERE url = '{self.url}'")
        return row

    def age(self, hours):
        """As if so much time had passed."""
        moved = ", ".join(f"{column} = {column} - interval '{hours} hours'" for column in COLUMNS)
        self.newsbot.query(f"UPDATE feeds SET {moved} WHERE url = '{self.url}' RETURNING 1")

    def says(self, assignments):
        self.newsbot.query(f"UPDATE feeds SET {assignments} WHERE url = '{self.url}' RETURNING 1")


# --- Retry-After ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_no_answer_ends_the_runs_after_it(newsbot, status):
    names = [f"{name}{status}" for name in HOSTILE]
    entries = [source(name, "/feed") for name in [*names, f"good{status}"]]
    routes = {(f"{name}{status}.example", "/feed"): (status, b"", headers) for name, headers in HOSTILE.items()}
    newsbot.sites.routes.update(routes)
    newsbot.sites.routes[f"good{status}.example", "/feed"] = 200, stories(f"good{status}"), {}
    first = newsbot.crawl(entries)
    newsbot.sites.log.clear()
    second = newsbot.crawl(entries)
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    _, statuses = newsbot.last_run()
    for name in names:
        assert newsbot.sites.asked(f"{name}.example") == []
        rests = statuses[f"https://{name}.example/feed"]
        assert rests.startswith("asked to be left alone until 20")
        assert f"HTTP status {status}" in rests
        assert f"{name}: https://{name}.example/feed: {rests}" in second.stderr, "among what failed"
    waits = newsbot.query(
        f"SELECT extract(epoch FROM not_before - fetched_at)::int FROM feeds WHERE source_id = ANY(ARRAY{names})"
    )
    assert waits == [(WEEK,)] * len(names)
    assert len(newsbot.sites.asked(f"good{status}.example")) == 1


def test_a_source_that_rests_counts_as_it_did_when_it_was_last_asked(newsbot):
    site = Site(newsbot, "rests", (503, b"", {"Retry-After": "7200"}))
    assert site.crawl()[0] == 1
    code, status, asked = site.crawl()
    assert (code, asked) == (1, [])
    assert status.startswith("asked to be left alone until")
    code, status, asked = site.crawl("due=1")
    assert (code, asked) == (1, [])


def test_what_is_not_due_counts_as_it_did_when_it_was_last_asked(newsbot):
    site = Site(newsbot, "notdue", (500, b"", {}))
    site.crawl()
    assert site.crawl("due=1") == (1, "not due (HTTP status 500)", [])
    site.answers((200, stories("notdue"), {}))
    assert site.crawl()[:2] == (0, "ok")
    assert site.crawl("due=1") == (0, "not due", [])


def test_the_longest_rest_is_a_setting(newsbot):
    site = Site(newsbot, "aday", (429, b"", {"Retry-After": "999999999"}))
    site.crawl(RETRY_AFTER_DAYS=1)
    assert site.columns("extract(epoch FROM not_before - fetched_at)::int") == [86_400]


ROWS = {
    "infinite": "not_before = 'infinity', due_at = 'infinity', full_at = 'infinity', changed_at = 'infinity'",
    "far": "not_before = '10055-01-01', due_at = '200000-01-01', full_at = '9999-12-31', succeeded_at = '9999-12-31'",
    "never": "not_before = '9999-12-31 23:59:59+00', fetched_at = '-infinity', succeeded_at = '4000-01-01 BC'",
    "neverthen": "not_before = 'infinity', fetched_at = '2100-01-01', due_at = 'infinity'",  # by a clock that was wrong
    "often": "interval = 2147483647, failures = 2147483647, gone_times = 2147483647, due_at = '9999-12-31'",
    "negative": "interval = -5, entries = NULL, failures = -1, gone_times = -1",
    "gone": "gone_at = 'infinity', gone_since = '-infinity'",
}


@pytest.mark.parametrize("days", [0, 8])
@pytest.mark.parametrize("status", [200, 500])
def test_a_row_of_before_heals(newsbot, status, days):
    """Any value in it costs its feed a week at most, and costs no other feed."""
    sites = [Site(newsbot, f"{name}{status}{days}", (200, stories(name), {"ETag": '"1"'})) for name in ROWS]
    newsbot.crawl([site.entry for site in sites])
    for site, stored in zip(sites, ROWS.values(), strict=True):
        site.says(f"fetched_at = now() - interval '{days} days 1 hour', due_at = now()")
        site.says(stored)
        site.answers((status, stories(site.name, 4), {}))
    newsbot.sites.log.clear()
    assert newsbot.crawl([site.entry for site in sites], "due=1").returncode in (0, 1)
    asked = [site.name for site in sites if newsbot.sites.asked(site.host)]
    assert asked == [site.name for site in sites if days or site.name.startswith(("often", "negative", "never"))]
    if days and status == 200:
        assert {site.columns("failures, not_before, gone_since")[0] for site in sites} == {0}


# --- An answer's lifetime ---------------------------------------------------------------------------------------------

TTL = '<rss version="2.0"><channel><title>T</title><ttl>{}</ttl></channel></rss>'


LIFETIMES = {
    "maxage": ({"Cache-Control": "max-age=99999999999999999999"}, "60"),
    "minus": ({"Cache-Control": "max-age=-5"}, "-60"),
    "words": ({"Cache-Control": "max-age=soon, max-age"}, "soon"),
    "expires": ({"Expires": YEAR_9999}, "999999999"),
    "west": ({"Expires": "Fri, 31 Dec 9999 23:59:59 -1200"}, "9" * 5000),
    "past": ({"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, "0"),
    "zero": ({"Expires": "0"}, "1e400"),
    "etag": ({"ETag": '"\xe9' + "x" * 8000 + '"', "Last-Modified": YEAR_9999}, "1"),
}


def test_a_lifetime_is_bounded(newsbot):
    sites = [
        Site(newsbot, name, (200, TTL.format(ttl).encode(), headers)) for name, (headers, ttl) in LIFETIMES.items()
    ]
    for _ in range(2):
        assert newsbot.crawl([site.entry for site in sites]).returncode == 0
        for site in sites:
            interval, due, failures = site.columns("interval, extract(epoch FROM due_at - fetched_at)::int, failures")
            assert 300 <= interval == due <= 86_400, site.name
            assert failures == 0


# --- 304 --------------------------------------------------------------------------------------------------------------


def test_not_modified_without_a_question_is_a_failure(newsbot):
    site = Site(newsbot, "unasked", (304, b"", {}))
    code, status, asked = site.crawl()
    assert (code, status.partition(",")[0]) == (1, "HTTP status 304")
    assert "Cache-Control" not in asked[0]
    code, status, asked = site.crawl()
    assert (code, asked[0]["Cache-Control"]) == (1, "no-cache")
    site.answers((200, stories("unasked"), {}))
    code, status, asked = site.crawl()
    assert (code, status, asked[0]["Cache-Control"]) == (0, "ok", "no-cache")
    code, status, asked = site.crawl()
    assert (code, "Cache-Control" in asked[0]) == (0, False)


# --- 410 --------------------------------------------------------------------------------------------------------------


def test_a_feed_is_gone_when_it_says_so_three_times_over_two_days(newsbot):
    site = Site(newsbot, "gone", (410, b"", {}))
    code, status, asked = site.crawl()
    assert (code, status.partition(":")[0], len(asked)) == (1, "HTTP status 410, gone", 1)
    code, rests, none = site.crawl()
    assert (code, none) == (1, []), "once a day"
    moment = r"20\d\d-\d\d-\d\d \d\d:\d\d \S+"
    assert re.fullmatch(f"not asked; answered 410 at {moment}, next at {moment}; gone: it is asked daily.*", rests)
    site.age(24)
    assert site.crawl()[1:] == (status, asked)
    site.age(24)
    code, _, asked = site.crawl()
    assert (code, len(asked)) == (1, 1)
    assert site.columns("gone_at IS NOT NULL, gone_times") == [True, 3]
    code, status, asked = site.crawl()
    assert (code, asked) == (1, [])
    assert re.fullmatch(r"not asked; answered 410 at .*, next at .*; gone: take it out of the catalogue.*", status)
    site.age(24)
    assert len(site.crawl()[2]) == 1, "daily for a week"
    site.age(5 * 24)
    assert len(site.crawl()[2]) == 0, "then weekly"
    site.age(2 * 24)
    assert len(site.crawl()[2]) == 1


def test_three_times_in_a_day_are_not_enough(newsbot):
    site = Site(newsbot, "often", (410, b"", {}))
    for _ in range(4):
        site.crawl()
        site.says("fetched_at = fetched_at - interval '1 day'")
    assert site.columns("gone_at, gone_times") == [None, 4]


def test_what_was_gone_once_comes_back(newsbot):
    site = Site(newsbot, "back", (410, b"", {}))
    site.crawl()
    site.answers((200, stories("back"), {}))
    site.age(24)
    assert site.crawl()[:2] == (0, "ok")
    assert site.columns("gone_since, gone_times, gone_at, failures") == [None, 0, None, 0]
    assert site.crawl()[:2] == (0, "the same entries")


def sources_reset(newsbot, *ids):
    command = [sys.executable, "-m", "scrapy", "sources", "reset", *ids, "-s", f"DATABASE_URL={newsbot.url}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment())


@pytest.mark.parametrize(
    ("name", "answer"), [("resetgone", (410, b"", {})), ("resetrest", (429, b"", {"Retry-After": YEAR_9999}))]
)
def test_reset_asks_at_once_and_in_full(newsbot, name, answer):
    site = Site(newsbot, name, (200, stories(name), {"ETag": '"1"'}))
    site.crawl()
    site.answers(answer)
    site.crawl()
    assert site.crawl()[2] == []
    process = sources_reset(newsbot, name)
    assert (process.returncode, process.stdout) == (
        0,
        f"{name}: forgot the state of 1 feed; the next run asks at once\n",
    )
    site.answers((200, stories(name, 4), {}))
    code, status, asked = site.crawl()
    assert (code, status, "If-None-Match" in asked[0]) == (0, "ok", False)
    assert newsbot.query(f"SELECT count(*) FROM articles WHERE source_id = '{name}'") == [(4,)]


def test_a_feed_of_two_sources_counts_for_both_and_is_reset_for_both(newsbot):
    one, other = (source(name, feeds=["https://shares.example/feed"]) for name in ("shares", "shares-too"))

    def crawl(*answer):
        newsbot.sites.routes["shares.example", "/feed"] = answer
        newsbot.sites.log.clear()
        code = newsbot.crawl([one, other]).returncode
        ((stats,),) = newsbot.query("SELECT stats FROM runs ORDER BY started_at DESC LIMIT 1")
        statuses = [stats["sources"][entry["id"]]["feeds"][0]["status"] for entry in (one, other)]
        assert len(stats["sources"]) == len(statuses)
        return code, *statuses, len(newsbot.sites.asked("shares.example"))

    assert crawl(200, stories("shares"), {}) == (0, "ok", "read for shares: ok", 1)
    status = "HTTP status 500"
    assert crawl(500, b"", {}) == (1, status, f"read for shares: {status}", 1)
    code, first, second, asked = crawl(410, b"", {})
    assert (code, second, asked) == (1, f"read for shares: {first}", 1)
    code, first, second, asked = crawl(410, b"", {})
    assert (code, second, asked) == (1, f"read for shares: {first}", 0)
    catalogue = ("-a", f"catalogue={newsbot.folder / 'catalogue.yaml'}")
    process = sources_reset(newsbot, "shares-too", *catalogue)
    assert process.stdout == "shares-too: forgot the state of 1 feed; the next run asks at once\n", process.stderr
    assert crawl(200, stories("shares"), {}) == (0, "ok", "read for shares: ok", 1)


def test_what_the_one_reading_of_two_sources_came_to_is_told_for_both(newsbot):
    one, other = (source(name, feeds=["https://halves.example/feed"]) for name in ("halves", "halves-too"))
    untitled = rss(*(entry(None, f"https://halves.example/{n}") for n in range(5)))
    newsbot.sites.routes["halves.example", "/feed"] = 200, untitled, {}
    process = newsbot.crawl([one, other])
    ((stats,),) = newsbot.query("SELECT stats FROM runs ORDER BY started_at DESC LIMIT 1")
    (mine,), (shared,) = (stats["sources"][each["id"]]["feeds"] for each in (one, other))
    assert mine["status"].startswith("all 5 items are refused, as title: is missing; the next runs ask again")
    assert (mine["ok"], shared["ok"], shared["status"]) == (False, False, f"read for halves: {mine['status']}")
    assert [stats["sources"][each["id"]]["errors"] for each in (one, other)] == [1, 1]
    assert process.returncode == 1


def test_reset_of_what_there_is_not(newsbot):
    process = sources_reset(newsbot, "guardiann")
    assert process.returncode == 2
    assert "guardiann: no source has this id; did you mean 'guardian'?" in process.stderr
    assert sources_reset(newsbot).returncode == 2


# --- How it is read ---------------------------------------------------------------------------------------------------

PAGE = b'<article><h2><a href="/a">Council rejects the quarry</a></h2><h3>Quarry rejected</h3></article></body></html>'


def conditional(body):
    def route(handler):
        return (304, b"", {}) if handler.headers["If-None-Match"] == '"1"' else (200, body, {"ETag": '"1"'})

    return route


def test_selectors_that_were_edited_have_an_effect(newsbot):
    newsbot.sites.routes["edited.example", "/"] = conditional(PAGE)

    def crawl(title, **others):
        section = {"url": "https://edited.example/", "items": "article", "title": title}
        newsbot.sites.log.clear()
        process = newsbot.crawl([source("edited", sections=[section], **others)])
        assert process.returncode == 0, process.stderr
        ((_, headers),) = newsbot.sites.asked("edited.example")
        _, statuses = newsbot.last_run()
        return "If-None-Match" in headers, statuses["https://edited.example/"]

    assert crawl("h2 ::text") == (False, "ok")
    assert crawl("h2 ::text") == (True, "not modified")
    assert crawl("h3 ::text") == (False, "ok")
    assert newsbot.query("SELECT title FROM articles WHERE source_id = 'edited'") == [("Quarry rejected",)]
    assert crawl("h3 ::text") == (True, "not modified")
    assert crawl("h3 ::text", section="local") == (False, "ok")
    assert newsbot.query("SELECT section FROM articles WHERE source_id = 'edited'") == [("local",)]


def test_a_zone_that_was_edited_has_an_effect_on_the_same_entries(newsbot):
    feed = rss(
        "<item><title>Noon</title><link>https://zoned.example/1</link><pubDate>4 Mar 2026 12:00:00</pubDate></item>"
    )
    newsbot.sites.routes["zoned.example", "/feed"] = 200, feed, {}
    for zone, hour in (("UTC", 12), ("Asia/Tokyo", 3)):
        newsbot.crawl([source("zoned", "/feed", timezone=zone)])
        assert newsbot.query(
            "SELECT extract(hour FROM published_at AT TIME ZONE 'UTC')::int FROM articles WHERE source_id = 'zoned'"
        ) == [(hour,)]
