"""What a user's stage sets, makes or drops. Its items are those of a reader, whose types no stage checks elsewhere."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from scrapy.exceptions import DropItem

from newsbot.batch import Batch, FeedProgress
from newsbot.items import Article, Observation, Record, Series
from newsbot.pipelines.clean import CleanPipeline

FEED = "https://site.example/feed"
TITLE = "Ferries run again after the storm has passed"
PLACES = [50, 150, 220, 350, 450]
BEHIND = 900


def read(number):
    """An article of a reader."""
    url = f"https://site.example/{number}"
    article = Article(url=url, title=f"{TITLE} {number}", source_id="own", origin=FEED)
    article.is_read = article.is_plain = True
    article.extra_json = '{"a":1}'
    return article


def feed(*items):
    return Batch(items=items, progress=FeedProgress(url=FEED, source_id="own", entries=len(items), etag="e"))


def stage(change):
    """A user's stage that calls `change` with each item."""
    return type("Own", (), {"process_item": lambda self, item: change(item)})


def setting(**values):
    def change(item):
        for name, value in values.items():
            setattr(item, name, value)
        return item

    return stage(change)


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("change", [setting, lambda **values: stage(lambda item: replace(item, **values))])
@pytest.mark.parametrize(
    ("values", "rejected", "left_out"),
    [
        ({"published_at": "2026-03-04T05:06:07"}, 0, 0),
        ({"authors": "Jane Doe"}, 0, 1),
        ({"keywords": [5]}, 0, 1),
        ({"sentiment": 7}, 0, 1),
        ({"title": 5}, 1, 0),
        ({"rank": "x"}, 1, 0),
    ],
)
def test_a_value_that_a_stage_sets_is_checked(crawl, place, change, values, rejected, left_out):
    run = crawl(feed(read(1)), stages={place: change(**values)})
    assert run.failure is None
    assert (run.total.new, run.total.rejected, run.total.left_out) == (1 - rejected, rejected, left_out)
    stored = run.query("SELECT published_at, authors, keywords, sentiment > 1 FROM articles")
    published = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC) if "published_at" in values else None
    assert [row[:3] for row in stored] == [(published, [], [])] * (1 - rejected)
    assert not any(row[3] for row in stored)


@pytest.mark.parametrize("place", PLACES)
def test_extra_values_that_a_stage_removes_are_not_stored(crawl, place):
    crawl(feed(read(1), read(2)), stages={place: stage(lambda i: i if i.url[-1] == "1" else replace(i, extra=None))})
    assert crawl.query("SELECT data FROM sightings ORDER BY data") == [({"a": 1},), (None,)]


# --- Items ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_stage_may_make_a_record_of_an_article(crawl, place):
    making = stage(lambda item: Record(dataset="d", key=item.url, data={"title": item.title}))
    for new in (2, 0):
        run = crawl(feed(read(1), read(2)), stages={place: making})
        assert (run.failure, run.total.new, run.total.rejected) == (None, new, 0)
        assert run.query("SELECT source_id, count(*) FROM records GROUP BY 1") == [("own", 2)]


@pytest.mark.parametrize("place", PLACES)
def test_a_stage_may_make_an_article_of_a_record(crawl, place):
    records = [Record(dataset="d", key=str(n), data={"title": f"{TITLE} {n}"}) for n in range(2)]
    making = stage(lambda item: Article(url=f"https://site.example/{item.key}", title=item.data["title"]))
    for new in (2, 0):
        run = crawl(*map(replace, records), stages={place: making})
        assert (run.failure, run.total.new, run.total.unchanged, run.total.rejected) == (None, new, 2 - new, 0)
        assert run.query("SELECT language, count(*) FROM articles GROUP BY 1") == [("en", 2)]


@pytest.mark.parametrize("place", PLACES)
def test_a_stage_may_make_an_article_anew(crawl, place):
    making = stage(lambda item: Article(url=item.url, title=item.title, section="New"))
    for new in (1, 0):
        run = crawl(feed(read(1)), stages={place: making})
        assert (run.failure, run.total.new, run.total.rejected) == (None, new, 0)
        stored = run.query("SELECT canonical_url, section, source_id FROM articles")
        assert stored == [("https://site.example/1", "New", "own")]


# --- Items that a stage drops -----------------------------------------------------------------------------------------


def dropping(item):
    if item.section is None:
        raise DropItem("not of interest")
    return item


@pytest.mark.parametrize("place", [*PLACES, BEHIND])
def test_a_stage_that_drops_all_items_holds_nothing_back(crawl, place):
    run = crawl(feed(*map(read, range(7))), stages={place: stage(dropping)})
    assert run.results == [True]
    assert run.run.spoilt == {}
    assert crawl.query("SELECT entries, failures, refused_runs FROM feeds") == [(0, 0, 0)]


def test_of_the_items_that_a_stage_lets_through_all_are_refused(crawl):
    items = [replace(read(n), section="Ports", title="") for n in range(5)]
    run = crawl(feed(read(6), *items), stages={50: stage(dropping)})
    assert run.results == [False]
    assert run.run.spoilt["own", FEED].startswith("all 5 items are refused, as title: is missing;")


# --- Behind the store -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, {"a": "dict"}, "text"])
def test_nothing_that_a_stage_behind_the_store_returns_is_refused(crawl, caplog, given):
    run = crawl(feed(*map(read, range(7))), read(7), stages={BEHIND: stage(lambda item: given)})
    assert run.results[0] is True
    assert run.results[1] == given if given is not None else run.results[1].url.endswith("/7")
    assert (run.total.new, run.total.rejected) == (8, 0)
    assert crawl.query("SELECT entries FROM feeds") == [(7,)]
    assert caplog.text.count("returned None, expected the item that it got") == (given is None)


@pytest.mark.parametrize(
    "values", [{"published_at": "soon"}, {"title": None}, {"canonical_url": None}, {"extra": {"a": object()}}]
)
def test_a_stage_behind_the_store_does_not_change_what_is_stored(crawl, values):
    run = crawl(feed(*map(read, range(7))), stages={BEHIND: setting(**values)})
    assert (run.failure, run.total.new, run.total.rejected) == (None, 7, 0)
    assert crawl.query("SELECT DISTINCT data FROM sightings") == [({"a": 1},)]


# --- Names ------------------------------------------------------------------------------------------------------------


class Posting:
    """Posts the items in parts; its helper has the name of a method of newsbot's stages."""

    def __init__(self):
        self.titles = []

    def process_item(self, item):
        self.titles.append(item.title)
        self.process_batch()
        return item

    def process_batch(self):
        self.titles.clear()


@pytest.mark.parametrize("place", [*PLACES, BEHIND])
def test_a_helper_named_process_batch_is_not_called_by_newsbot(crawl, place):
    run = crawl(feed(read(1), read(2)), stages={place: Posting})
    assert (run.failure, run.total.new, run.total.rejected) == (None, 2, 0)


# --- Without the store stage ------------------------------------------------------------------------------------------

WITHOUT_STORE = {None: "newsbot.pipelines.store.StorePipeline"}


def observations(number):
    start = datetime(2026, 5, 1, tzinfo=UTC)
    return [Observation(series=Series(name="s"), time=start + timedelta(days=n), value=n) for n in range(number)]


def test_a_fault_without_the_store_stage_ends_the_crawl(crawl, monkeypatch, caplog):
    fault = TypeError("one of ours")

    async def broken(self, items):
        raise fault

    monkeypatch.setattr(CleanPipeline, "process_batch", broken)
    run = crawl(*observations(2), stages=WITHOUT_STORE)
    assert (run.failure, crawl.closed) == (fault, ["fault"])
    assert "Traceback" in caplog.text


def test_many_refusals_without_the_store_stage(crawl):
    run = crawl(*[replace(each, time=None) for each in observations(600)], stages=WITHOUT_STORE)
    assert (run.failure, run.total.rejected) == (None, 600)
