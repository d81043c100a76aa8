import re

import pytest

from newsbot.batch import MAX_NAME, FeedProgress, FeedState, feed_name
from newsbot.storage import feeds

URL = "https://site.example/feed"
DAY = 86_400
MINUTE = r"20\d\d-\d\d-\d\d \d\d:\d\d \S+"
GOOD = {
    "source_id": "site",
    "kind": "rss",
    "status": 200,
    "ok": True,
    "entries": 50,
    "etag": '"1"',
    "last_modified": "Wed, 04 Mar 2026 05:06:07 GMT",
    "content_hash": "h1",
    "interval": 900,
    "is_full": True,
    "changed": True,
}
FAILED = {"source_id": "site", "status": 500, "problem": "HTTP status 500", "ok": False, "due_in": 1800}


def save(cursor, *columns):
    for each in columns:
        feeds.write(cursor, [FeedProgress(url=URL, **each)])
    return feeds.read(cursor, [URL], DAY)[URL]


def test_an_unknown_feed_is_due_in_full(cursor):
    states = feeds.read(cursor, [URL, "https://other.example/"], DAY)
    assert list(states) == [URL, "https://other.example/"]
    state = states[URL]
    assert (state.due, state.full_due, state.etag, state.failures) == (True, True, None, 0)
    assert state.rest is None


def test_what_a_good_fetch_leaves(cursor):
    state = save(cursor, GOOD)
    assert (state.etag, state.last_modified, state.content_hash) == ('"1"', GOOD["last_modified"], "h1")
    assert (state.interval, state.entries, state.failures) == (900, 50, 0)
    assert (state.due, state.full_due, state.gone) == (False, False, False)


def test_failures_are_counted_until_one_succeeds(cursor):
    assert save(cursor, GOOD, FAILED, FAILED).failures == 2
    assert save(cursor, {"source_id": "site", "status": 304, "ok": True, "interval": 900}).failures == 0


def test_a_failure_keeps_the_validators_and_shows_its_problem(cursor):
    state = save(cursor, GOOD, FAILED)
    assert (state.etag, state.content_hash, state.interval) == ('"1"', "h1", 900)
    columns, rows = feeds.overview(cursor, ["site", "other"])
    (row,) = (dict(zip(columns, row, strict=True)) for row in rows)
    assert (row["source"], row["feed"], row["state"], row["failures"]) == ("site", URL, "HTTP status 500", 1)


def test_a_validator_that_is_not_sent_any_more_is_forgotten(cursor):
    state = save(cursor, GOOD, GOOD | {"etag": None, "content_hash": "h2"})
    assert (state.etag, state.content_hash) == (None, "h2")


@pytest.mark.parametrize(("wait", "waits"), [(3600, True), (0, False), (None, False)])
def test_retry_after(cursor, wait, waits):
    state = save(cursor, FAILED | {"wait": wait})
    assert (state.rest or "").startswith("asked to be left alone until 2") is waits
    assert save(cursor, GOOD).rest is None


def test_due_and_full_again_after_their_time(cursor):
    save(cursor, GOOD)
    cursor.execute("UPDATE feeds SET due_at = now() - interval '1 s', full_at = now() - interval '25 hours'")
    state = feeds.read(cursor, [URL], DAY)[URL]
    assert (state.due, state.full_due) == (True, True)
    assert not feeds.read(cursor, [URL], 2 * DAY)[URL].full_due


def test_a_clock_that_was_ahead_does_not_stop_a_feed(cursor):
    save(cursor, GOOD)
    cursor.execute("UPDATE feeds SET fetched_at = now() + interval '1 day', due_at = now() + interval '1 day'")
    assert feeds.read(cursor, [URL], DAY)[URL].due


def test_moved_and_gone(cursor):
    assert save(cursor, GOOD | {"moved_to": "https://new.example/feed"}).moved_to == "https://new.example/feed"
    assert feeds.overview(cursor, ["site"])[1][0][2] == "moved to https://new.example/feed"
    gone = FAILED | {"gone": True}
    assert [save(cursor, gone, gone).gone, save(cursor, gone).gone] == [False, False]
    cursor.execute("UPDATE feeds SET gone_since = now() - interval '2 days'")
    state = save(cursor, gone | {"status": 410})
    assert (state.gone, state.says_gone) == (True, True)
    assert re.fullmatch(rf"not asked; answered 410 at {MINUTE}, next at {MINUTE}", state.rest)
    assert feeds.overview(cursor, ["site"])[1][0][2] == f"gone (410); {state.rest}"
    state = save(cursor, FAILED)
    assert state.gone, "another failure is no sign of life"
    assert state.rest.startswith("not asked; answered 410 before, failed at 2")
    cursor.execute("UPDATE feeds SET fetched_at = now() - interval '24 hours'")
    assert feeds.overview(cursor, ["site"])[1][0][2] == "gone (410)"
    state = save(cursor, GOOD)
    assert (state.gone, state.says_gone, state.rest) == (False, False, None)


def test_one_410_of_before_is_asked_again(cursor):
    """As an older version of newsbot writes it, which runs beside this one."""
    save(cursor, FAILED)
    cursor.execute("UPDATE feeds SET gone_at = now() - interval '30 days', fetched_at = now() - interval '30 days'")
    state = feeds.read(cursor, [URL], DAY)[URL]
    assert (state.gone, state.rest) == (True, None)


def test_a_source_that_is_forgotten_is_as_new(cursor):
    save(cursor, GOOD)
    assert (feeds.forget(cursor, "other"), feeds.forget(cursor, "site")) == (0, 1)
    assert feeds.read(cursor, [URL], DAY)[URL] == FeedState(URL)


def test_without_validators_the_hash_is_kept_and_the_old_validators_are_not(cursor):
    state = save(cursor, GOOD, GOOD | {"etag": None, "last_modified": None})
    assert (state.etag, state.last_modified, state.content_hash) == (None, None, "h1")


@pytest.mark.parametrize(
    "url", ["https://a.example/" + "k" * 5000, "https://a.example/" + "é" * 5000, "https://a.example/\0\ud800"]
)
def test_any_url_can_be_a_key(cursor, url):
    name = feed_name(url)
    assert len(name.encode()) <= MAX_NAME
    assert feed_name(name) == name
    feeds.write(cursor, [FeedProgress(url=name, **GOOD)])
    assert feeds.read(cursor, [name], DAY)[name].etag == '"1"'


def test_long_urls_have_keys_of_their_own():
    assert len({feed_name(f"https://a.example/{'k' * 5000}{n}") for n in range(3)}) == 3
    assert feed_name(URL) == URL


def test_the_last_progress_of_a_batch_counts(cursor):
    feeds.write(cursor, [FeedProgress(url=URL, **GOOD), FeedProgress(url=URL, **GOOD | {"etag": '"2"'})])
    assert feeds.read(cursor, [URL], DAY)[URL].etag == '"2"'
