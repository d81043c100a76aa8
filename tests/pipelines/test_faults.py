"""A fault of the program is not a fault of the data; an answer refused whole is fetched again."""

from datetime import UTC, datetime, timedelta

import pytest
from scrapy import Spider, signals

from newsbot.batch import Batch, CursorProgress, FeedProgress, Outcome, Reject
from newsbot.items import Article, Observation, Rank, Series
from newsbot.pipelines.clean import CleanPipeline
from newsbot.pipelines.enrich import EnrichPipeline

FEED = "https://site.example/feed"
TITLE = "A wonderful success for the happy harbour"


def article(number=1, **fields):
    return Article(**{"url": f"https://site.example/{number}", "title": f"{TITLE} {number}", "origin": FEED} | fields)


def observations(number=7):
    start = datetime(2026, 5, 1, tzinfo=UTC)
    return [Observation(series=Series(name="s"), time=start + timedelta(days=n), value=n) for n in range(number)]


def feed(**columns):
    return FeedProgress(**{"url": FEED, "source_id": "own", "entries": 5, "etag": "e", "content_hash": "h"} | columns)


def cursor(value):
    return CursorProgress(key="k", spider="own", arguments={}, source="s", value=value)


# --- Faults of the program --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [TypeError("one of ours"), ValueError("one of ours"), AttributeError("one of ours")])
def test_a_fault_in_the_writer_ends_the_crawl_and_saves_nothing(crawl, monkeypatch, caplog, fault):
    def broken(*_):
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr("newsbot.storage.writer._WRITERS", {Observation: broken})
        run = crawl(Batch(items=observations(), progress=cursor({"value": 1})))
    assert (run.failure, crawl.closed) == (fault, ["fault"])
    assert "Traceback" in caplog.text
    assert [crawl.query(f"SELECT count(*) FROM {name}") for name in ("rejects", "cursors")] == [[(0,)], [(0,)]]
    run = crawl(Batch(items=observations(), progress=cursor({"value": 1})))
    assert (run.total.new, crawl.query("SELECT value FROM cursors")) == (7, [({"value": 1},)])


@pytest.mark.parametrize("stage", [CleanPipeline, EnrichPipeline])
def test_a_fault_in_a_stage_ends_the_crawl_and_saves_nothing(crawl, monkeypatch, stage):
    async def broken(self, items):
        raise TypeError("one of ours")

    monkeypatch.setattr(stage, "process_batch", broken)
    run = crawl(Batch(items=map(article, range(5)), progress=feed()))
    assert (type(run.failure), crawl.closed, run.results) == (TypeError, ["fault"], [False])
    assert crawl.query("SELECT finish_reason FROM runs") == [("finished",)]  # as the test ends it: the row is closed
    assert [crawl.query(f"SELECT count(*) FROM {name}") for name in ("rejects", "feeds")] == [[(0,)], [(0,)]]


def test_a_fault_in_the_making_of_items_is_reported_for_its_source(crawl):
    items = (article(1 / n) for n in (1, 0))
    run = crawl(Batch(items=items, progress=feed()), Batch(items=[article(2)], progress=feed(url=f"{FEED}/2")))
    assert type(run.results[0]) is ZeroDivisionError
    run.run.outcome("own", FEED, ok=True, status="ok")
    ((outcome,),) = run.run.outcomes.values()
    assert (outcome.ok, outcome.status) == (False, "ZeroDivisionError: division by zero; the log has the traceback")
    assert crawl.query("SELECT url FROM feeds") == [(f"{FEED}/2",)]


# --- Answers of which all is refused ----------------------------------------------------------------------------------


def untitled(number=5):
    return [article(n, title="") for n in range(number)]


def test_a_feed_of_which_all_is_refused_is_not_taken_for_read(crawl):
    columns = "etag, content_hash, failures, refused_runs"
    for runs in range(4):
        run = crawl(Batch(items=untitled(), progress=feed(), refused_runs=runs))
        ((problem,),) = crawl.query("SELECT problem FROM feeds")
        told = run.run.spoilt["own", FEED]
        assert told == problem
        if runs < 3:
            assert crawl.query(f"SELECT {columns} FROM feeds") == [(None, None, runs + 1, runs + 1)]
            assert told == (
                f"all 5 items are refused, as title: is missing; the next runs ask again, {3 - runs} at most"
            )
    assert crawl.query(f"SELECT {columns} FROM feeds") == [("e", "h", 4, 4)]
    assert told.startswith("broken: all 5 items are refused, as title: is missing, in 4 runs in a row;")
    assert crawl.query("SELECT count(*), min(times), max(times) FROM rejects") == [(5, 4, 4)]
    crawl(Batch(items=map(article, range(5)), progress=feed(), refused_runs=4))
    assert crawl.query(f"SELECT {columns} FROM feeds") == [("e", "h", 0, 0)]


@pytest.mark.parametrize("items", [untitled(4), [*untitled(5), article(6)]], ids=["fewer than five", "not all"])
def test_a_few_bad_entries_hold_nothing_up(crawl, items):
    crawl(Batch(items=items, progress=feed(entries=len(items))))
    assert crawl.query("SELECT etag, entries, refused_runs FROM feeds") == [
        ("e", len(items) - len([i for i in items if not i.title]), 0)
    ]


def test_a_cursor_stays_before_a_page_of_which_all_is_refused(crawl):
    """Records that could not become items count too; what follows in their lane does not move the cursor either."""
    refused = [Reject("own", "record", None, "id", "is missing", {"n": n}) for n in range(5)]
    crawl(Batch(items=[article(1)], lane="k", progress=cursor({"value": 1})))
    for runs in range(4):
        page = Batch(items=refused, lane="k", progress=cursor(None), refused_runs=runs)
        behind = Batch(items=[article(2)], lane="k", progress=cursor({"value": 2}), refused_runs=runs)
        crawl(page, behind)
        moved = {"value": 1 if runs < 3 else 2}
        assert crawl.query("SELECT value, refused_runs FROM cursors") == [(moved, runs + 1 if runs < 3 else 0)]


def test_a_held_back_page_does_not_take_the_cursor_of_the_page_before_it_away(crawl):
    """Both are saved in one transaction."""
    refused = [Reject("own", "record", None, "id", "is missing", {"n": n}) for n in range(5)]
    good = Batch(items=[article(1)], lane="k", progress=cursor({"value": 1}))
    crawl(good, Batch(items=refused, lane="k", progress=cursor({"value": 2})))
    assert crawl.query("SELECT value, refused_runs FROM cursors") == [({"value": 1}, 1)]


@pytest.mark.parametrize("items", [untitled(), (article(1 / n) for n in (1, 0))], ids=["refused", "a fault"])
def test_a_batch_with_an_outcome_of_its_own_is_not_ok(crawl, items):
    """The outcome is that of a file; the progress is that of the stream."""
    outcome = Outcome(source_id="own", url=f"{FEED}/file", ok=True, status="ok; 3 others")
    run = crawl(Batch(items=items, progress=cursor({"value": 1}), outcome=outcome))
    ((told,),) = run.run.outcomes.values()
    assert (told.url, told.ok) == (outcome.url, False)
    assert told.status.endswith("; 3 others")


# --- Listeners --------------------------------------------------------------------------------------------------------


class Watched(Spider):
    """It has a listener for its items."""

    name = "own"
    heard = ()

    @classmethod
    def from_crawler(cls, crawler):
        spider = super().from_crawler(crawler)
        spider.heard = cls.heard = []
        crawler.signals.connect(spider.scraped, signals.item_scraped)
        crawler.signals.connect(spider.dropped, signals.item_dropped)
        return spider

    def scraped(self, item):
        self.heard.append(item.url)

    def dropped(self, item, exception):
        self.heard.append(type(exception).__name__)


@pytest.mark.parametrize("options", [{}, {"LOG_LEVEL": "DEBUG"}, {"spider": Watched}], ids=["nobody", "log", "signals"])
def test_who_watches_changes_nothing_that_is_stored(crawl, options):
    items = [article(1), article(2, rank=Rank.INDEX), article(3, title=""), article(1)]
    crawl(Batch(items=items, progress=feed()), **options)
    stored = crawl.query(
        "SELECT url, language, sentiment > 0, sentiment_model, field_origins FROM articles ORDER BY url"
    )
    assert stored == [
        ("https://site.example/1", "en", True, "vader-3.3.2", {}),
        ("https://site.example/2", "en", None, None, {}),
    ]
    if "spider" in options:
        assert Watched.heard == ["https://site.example/1", "https://site.example/2", "Rejected", "Unchanged"]
