import pytest

from newsbot.items import Checkpoint
from newsbot.storage import feeds

URL = "https://site.example/feed"
DAY = 86_400
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
        feeds.write(cursor, [Checkpoint(key=URL, columns=each)])
    return feeds.read(cursor, [URL], DAY)[URL]


def test_an_unknown_feed_is_due_in_full(cursor):
    states = feeds.read(cursor, [URL, "https://other.example/"], DAY)
    assert list(states) == [URL, "https://other.example/"]
    state = states[URL]
    assert (state.due, state.full_due, state.etag, state.failures) == (True, True, None, 0)
    assert not state.waits


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


@pytest.mark.parametrize(("wait", "waits"), [(3600, True), (0, False), (None, None)])
def test_retry_after(cursor, wait, waits):
    state = save(cursor, FAILED | {"wait": wait})
    assert state.waits is waits
    assert save(cursor, GOOD).waits is None


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
    assert save(cursor, FAILED | {"gone": True}).gone
    assert feeds.overview(cursor, ["site"])[1][0][2] == "gone (410)"
    assert not save(cursor, GOOD).gone


def test_the_last_checkpoint_of_a_batch_counts(cursor):
    feeds.write(cursor, [Checkpoint(key=URL, columns=GOOD), Checkpoint(key=URL, columns=GOOD | {"etag": '"2"'})])
    assert feeds.read(cursor, [URL], DAY)[URL].etag == '"2"'
