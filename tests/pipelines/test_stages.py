"""The stages: what each takes, repairs and refuses. Every refusal is a row of `rejects`, and the rest goes on."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from scrapy import Spider
from scrapy.exceptions import DropItem

from newsbot.batch import Batch, CursorProgress, FeedProgress
from newsbot.extensions.runs import report
from newsbot.items import Article, Observation, Record, Series
from newsbot.pipelines.outcomes import Rejected, Unchanged

FEED = "https://site.example/feed"
TITLE = "Ferries run again after the storm has passed"


def article(number=1, **fields):
    return Article(**{"url": f"https://site.example/{number}", "title": f"{TITLE} {number}"} | fields)


def rejects(run):
    return run.query("SELECT url, field, reason FROM rejects ORDER BY url, field")


# --- Validate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"url": None}, "url", "is missing"),
        ({"url": ""}, "url", "is missing"),
        ({"url": 7}, "url", "7: Input should be a valid string"),
        ({"url": f"https://site.example/{'a' * 2000}"}, "url", "at most 2000 characters"),
        ({"title": None}, "title", "is missing"),
        ({"title": "   "}, "title", "at least 1 character"),
        ({"title": ["a"]}, "title", "['a']: Input should be a valid string"),
        ({"origin": "feed\0"}, "origin", "String should match pattern"),
        ({"rank": "first"}, "rank", "valid integer"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(crawl, fields, field, told):
    run = crawl(article(1, **fields), article(2))
    assert isinstance(run.results[0], Rejected)
    assert (run.total.new, run.total.rejected) == (1, 1)
    ((_, stored_field, reason),) = rejects(run)
    assert stored_field == field
    assert told in reason


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("published_at", "31.02.2026", "'31.02.2026': Input should be a valid datetime"),
        ("published_at", "yesterday", "or ISO 8601 such as 2026-03-04T05:06:07+02:00"),
        ("authors", "Ada", "'Ada': Input should be a valid list"),
        ("keywords", 7, "valid list"),
        ("sentiment", 2, "less than or equal to 1"),
        ("sentiment", float("nan"), "nan"),
        ("language", 7, "valid string"),
        ("external_id", "http://joe:pw@a.example/\0", "'http://a.example/\\x00': String should match pattern"),
        ("extra", {"a": 1, 7: 2, 8: 3}, "valid string"),
        ("extra", "a", "valid dictionary"),
        ("canonical_url", 7, "valid string"),
        ("canonical_url", "/relative", "not an absolute http(s) URL"),
        ("canonical_url", "ftp://joe:pw@site.example/", "'ftp://site.example/' is not"),
        ("canonical_url", f"https://site.example/{'a' * 2000}", "longer than 2000 bytes"),
    ],
)
def test_an_optional_field_that_is_wrong_is_left_out_and_reported(crawl, field, value, told):
    run = crawl(article(1, **{field: value, "summary": "Stays"}))
    assert (run.total.new, run.total.rejected, run.total.left_out) == (1, 0, 1)
    ((_, stored_field, reason),) = rejects(run)
    assert stored_field == field
    assert told in reason
    assert run.query("SELECT canonical_url, summary FROM articles") == [("https://site.example/1", "Stays")]
    ((payload,),) = run.query("SELECT payload FROM rejects")
    assert list(payload) == [field]


def test_the_right_elements_of_a_list_stay(crawl):
    run = crawl(article(1, authors=["Ada", None, "Bo", 7], published_at=object()))
    assert run.query("SELECT authors, published_at FROM articles") == [(["Ada", "Bo"], None)]
    told = {(field, reason.partition(":")[0]) for _, field, reason in rejects(run)}
    assert {("authors", "None"), ("authors", "7")} < told
    assert run.total.left_out == 3


def test_a_record_goes_on_without_a_wrong_url(crawl):
    run = crawl(Record(dataset="d", key="k", data={"a": 1}, url=7), Record(dataset="d", key="l", data="a"))
    assert run.query("SELECT key, url FROM records") == [("k", None)]
    assert [field for _, field, _ in rejects(run)] == ["data", "url"]


def test_half_a_character_is_left_out_of_each_value(crawl):
    half = "a\ud800b"
    series = Series(name=half, unit=half, frequency=half, metadata={half: [half]})
    run = crawl(
        article(1, title=f"{TITLE} {half}", url=f"https://site.example/{half}", authors=[half], extra={half: [half]}),
        Record(dataset=half, key=half, data={half: {half: half}}),
        *(Observation(series=series, time=datetime(2026, 1, day, tzinfo=UTC), value=day) for day in (1, 2)),
    )
    assert (run.total.new, run.total.rejected) == (4, 0)
    assert run.query("SELECT title, url, authors FROM articles") == [
        (f"{TITLE} ab", "https://site.example/ab", ["ab"]),
    ]
    assert run.query("SELECT data FROM sightings") == [({"ab": ["ab"]},)]
    assert run.query("SELECT dataset, key, data FROM records") == [("ab", "ab", {"ab": {"ab": "ab"}})]
    assert run.query("SELECT name, unit, frequency, metadata FROM series") == [("ab", "ab", "ab", {"ab": ["ab"]})]
    assert run.results[2].series is run.results[3].series


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_text_is_not_a_value_of_an_optional_field(crawl, empty):
    names = ("origin", "canonical_url", "authors", "published_at", "summary", "text", "language", "section", "keywords")
    names += ("image_url", "sentiment", "sentiment_model", "external_id", "source_id")
    run = crawl(
        article(**dict.fromkeys(names, empty)),
        Observation(series=Series(name="s"), time=datetime(2026, 5, 1, tzinfo=UTC), value=empty, source_id=empty),
        Record(dataset="d", key="k", data={}, url=empty, source_id=empty),
    )
    assert rejects(run) == []
    assert run.query("SELECT image_url, summary, published_at, authors FROM articles") == [(None, None, None, [])]
    assert run.query("SELECT value FROM observations") == [(None,)]
    assert run.query("SELECT url FROM records") == [(None,)]


def test_all_faults_of_an_item_are_reported(crawl):
    run = crawl(article(url=None, title=3, keywords="k"))
    ((_, field, reason),) = rejects(run)
    assert field == "url"
    assert reason.startswith("is missing; title: 3: ")
    assert "keywords: 'k': " in reason


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("20261127", datetime(2026, 11, 27, tzinfo=UTC)),
        ("2026-11-27", datetime(2026, 11, 27, tzinfo=UTC)),
        ("1795724100", datetime(2026, 11, 26, 20, 15, tzinfo=UTC)),
        ("2026", None),
        ("261127", None),
    ],
)
def test_digits_are_no_date_of_1970(crawl, text, stored):
    run = crawl(article(published_at=text))
    assert run.query("SELECT published_at FROM articles") == [(stored,)]
    assert run.total.left_out == (stored is None)


def test_values_of_another_type_that_say_the_same_are_taken(crawl):
    run = crawl(article(published_at="2026-03-04T05:06:07+02:00", authors=("Ada", "Bo")))
    stored = run.query("SELECT published_at, authors FROM articles")
    assert stored == [(datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC), ["Ada", "Bo"])]


@pytest.mark.parametrize("thing", [{"url": "https://site.example/1", "title": "A plain dict"}, "text", 7, object()])
def test_an_untyped_item_is_kept_among_the_rejects(crawl, thing):
    run = crawl(thing, article())
    assert isinstance(run.results[0], Rejected)
    ((reason, source, payload),) = run.query("SELECT reason, source_id, payload FROM rejects")
    assert reason == f"{type(thing).__name__} is not one of the item types: Article, Removal, Observation, Record"
    assert source == "own"
    assert payload == (thing if isinstance(thing, dict) else {"item": thing if type(thing) is int else str(thing)})
    assert run.run.tallies["own"].rejected == 1


# --- Clean ------------------------------------------------------------------------------------------------------------


def test_text_dates_and_urls_take_one_form(crawl):
    crawl(
        article(
            url="HTTP://Site.Example/a/?utm_source=feed#top",
            title=" Marks &amp; Spencer\0 \n opens ",
            summary="\t",
            authors=[" Ada ", "Ada", "", "Bo"],
            keywords=["x"] * 3,
            published_at=datetime(2026, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
            image_url="https://site.example/i\0.png",
            language="en-GB",
            section=" \x07 ",
        )
    )
    columns = "url, canonical_url, title, summary, authors, keywords, published_at, image_url, language, section"
    assert crawl.query(f"SELECT {columns} FROM articles") == [
        (
            "HTTP://Site.Example/a/?utm_source=feed#top",
            "https://site.example/a",
            "Marks & Spencer opens",
            None,
            ["Ada", "Bo"],
            ["x"],
            datetime(2026, 3, 4, 3, tzinfo=UTC),
            "https://site.example/i.png",
            "en",
            None,
        )
    ]


@pytest.mark.parametrize(
    "published",
    [
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=12))),
        datetime(1, 1, 1),
        datetime(9999, 12, 31),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime.now(UTC) + timedelta(days=3),
    ],
)
def test_the_article_goes_on_without_an_absurd_date(crawl, published):
    run = crawl(article(published_at=published))
    assert (run.total.new, run.total.rejected) == (1, 0)
    assert run.query("SELECT published_at FROM articles") == [(None,)]
    ((_, field, reason),) = rejects(run)
    assert (field, reason) == ("published_at", f"{published.isoformat()} is not a plausible date of publication")
    assert run.query("SELECT payload FROM rejects") == [({"published_at": published.isoformat()},)]


@pytest.mark.parametrize("published", [datetime(1702, 3, 11, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1)])
def test_an_old_date_and_a_clock_that_is_a_day_off_are_kept(crawl, published):
    run = crawl(article(published_at=published))
    assert run.query("SELECT published_at FROM articles") == [(published,)]
    assert rejects(run) == []


def test_a_date_without_a_time_of_day(crawl):
    run = crawl(article(published_at=date(2026, 3, 4)))
    assert run.query("SELECT published_at FROM articles") == [(datetime(2026, 3, 4, tzinfo=UTC),)]


class InTokyo(Spider):
    name = "tokyo"
    timezone = "Asia/Tokyo"


def test_a_date_without_a_zone_is_in_that_of_the_spider(crawl):
    run = crawl(article(published_at=datetime(2026, 3, 4, 12)), spider=InTokyo)
    assert run.query("SELECT published_at FROM articles") == [(datetime(2026, 3, 4, 3, tzinfo=UTC),)]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "/relative",
        "https://two words.example/",
        f"https://site.example/{'嵐' * 900}",
    ],
)
def test_a_link_that_cannot_be_stored(crawl, url):
    run = crawl(article(url=url), article(2))
    assert [(row[0], row[1]) for row in rejects(run)] == [(url, "url")]
    assert run.total.new == 1


@pytest.mark.parametrize(
    "image", ["javascript:alert(1)", "data:image/gif;base64,R0", "https://a.example/" + "i" * 3000]
)
def test_an_image_that_is_none_is_left_out(crawl, image):
    run = crawl(article(image_url=image))
    assert run.query("SELECT image_url FROM articles") == [(None,)]
    ((_, field, _),) = rejects(run)
    assert field == "image_url"
    assert (run.total.rejected, run.total.left_out) == (0, 1)


def test_a_title_of_10_mb(crawl):
    run = crawl(article(title="word " * 2_000_000), article(2, title="a" * 10_000_000), article(3))
    assert run.query("SELECT max(length(title)), count(*) FROM articles") == [(1000, 3)]


def test_control_characters_alone_are_no_title(crawl):
    run = crawl(article(title="\0\x01 \x02"))
    ((_, field, reason),) = rejects(run)
    assert (field, "control characters" in reason) == ("title", True)


@pytest.mark.parametrize(
    ("title", "declared", "stored"),
    [
        (TITLE, "en", "en"),
        (TITLE, None, "en"),
        ("Паромы снова ходят по расписанию после шторма", "en", "ru"),
        ("嵐の後、フェリーの運航が再開されました", "en-US", "ja"),
        (TITLE, "ru", "en"),
        ("Les bateaux reprennent la mer après la tempête", "none of your business", "fr"),
        ("1:0", None, None),
    ],
)
def test_language(crawl, title, declared, stored):
    run = crawl(article(title=title, language=declared))
    assert run.query("SELECT language FROM articles") == [(stored,)]


def test_a_source_that_is_not_a_text_counts_for_the_spider(crawl):
    run = crawl(article(), article(1, source_id=5))
    assert run.query("SELECT source_id, field FROM rejects") == [("own", "source_id")]
    assert "own" in report(run.run)


def test_authors_and_keywords_may_be_none(crawl):
    run = crawl(article(authors=None, keywords=None))
    assert run.query("SELECT authors, keywords FROM articles") == [([], [])]
    assert rejects(run) == []


# --- Deduplicate ------------------------------------------------------------------------------------------------------


def test_the_same_twice_in_a_run_is_once_stored(crawl):
    run = crawl(article(), article(), article(url="http://site.example/1/?fbclid=x"))
    assert [type(result) for result in run.results] == [Article, Unchanged, Unchanged]
    assert (run.total.new, run.total.unchanged) == (1, 2)
    assert run.query("SELECT count(*) FROM articles") == [(1,)]


def test_two_values_of_one_key_do_not_revise_each_other_at_each_run(crawl):
    """As where they stand on two pages of an API."""
    time = datetime(2026, 1, 1, tzinfo=UTC)

    def given():
        for value in (1.0, 2.0):
            yield Observation(series=Series(name="level"), time=time, value=value)
            yield Record(dataset="depots", key="a", data={"value": value})

    for number in range(2):
        run = crawl(*given())
        assert (run.total.new, run.total.changed, run.total.unchanged, run.total.rejected) == (
            (2, 0, 0, 2) if number == 0 else (0, 0, 2, 2)
        )
    assert run.query(
        "SELECT (SELECT count(*) FROM observation_revisions), (SELECT count(*) FROM record_revisions)"
    ) == [(0, 0)]
    kept = run.query("SELECT field, payload -> 'value', payload -> 'data', times FROM rejects ORDER BY field")
    assert kept == [("data", None, {"value": 2.0}, 2), ("value", 2.0, None, 2)]


def test_a_second_version_within_one_feed_is_refused(crawl):
    for times in (1, 2):  # and the second run does not revise the first version by the second
        items = [article(origin=FEED), article(origin=FEED, title="Another title")]
        run = crawl(Batch(progress=FeedProgress(url=FEED, source_id="own"), items=items))
        assert run.query("SELECT title FROM articles") == [(f"{TITLE} 1",)]
        assert run.query("SELECT field, times FROM rejects") == [("url", times)]
        assert run.query("SELECT count(*) FROM feeds") == [(1,)]
    assert run.query("SELECT count(*) FROM article_revisions") == [(0,)]


def test_a_second_version_from_a_spider_of_ones_own_is_refused(crawl):
    for times in (1, 2):  # a front page has a link under its headline, and again under "Read more"
        run = crawl(article(), article(), article(title="Read more"))
        assert run.query("SELECT title FROM articles") == [(f"{TITLE} 1",)]
        assert run.query("SELECT field, times FROM rejects") == [("url", times)]
    assert run.query("SELECT count(*) FROM article_revisions") == [(0,)]


def test_stored_unchanged_ends_before_the_store(crawl):
    crawl(*map(article, range(5)))
    run = crawl(*map(article, range(5)))
    assert [type(result) for result in run.results] == [Unchanged] * 5
    assert (run.total.new, run.total.unchanged) == (0, 5)


# --- Enrich -----------------------------------------------------------------------------------------------------------


def test_only_english_titles_are_scored(crawl):
    run = crawl(
        article(1, title="A wonderful success for the happy harbour", language="en"),
        article(2, title="Ein schöner Erfolg für den Hafen und alle Leute", language="de"),
        article(3, title="A wonderful success for the happy harbour", language="en", sentiment=-0.5),
    )
    stored = run.query("SELECT sentiment > 0, sentiment_model FROM articles ORDER BY url")
    assert stored == [(True, "vader-3.3.2"), (None, None), (False, None)]


# --- A user's stage ---------------------------------------------------------------------------------------------------


class Dropping:
    def process_item(self, item):
        if item.url.endswith("/1"):
            raise DropItem("not of interest")
        return item


class Cancelled:
    def process_item(self, item):
        if item.url.endswith("/1"):
            raise asyncio.CancelledError
        return item


class Failing:
    def process_item(self, item):
        return item if item.url.endswith("/2") else item.nothing


class Replacing:
    def process_item(self, item):
        return replace(item, section="Replaced") if item.url.endswith("/1") else item


class Forgetting:
    def process_item(self, item):
        return item if item.url.endswith("/2") else None


class Spoiling:
    """Values that pass no check any more, each refused somewhere else on its way to the table."""

    spoilt = ({"published_at": "soon"}, {"title": None}, {"title": "\0"}, {"title": "\ud800"}, {"authors": [1]})

    def process_item(self, item):
        for name, value in (self.spoilt[int(item.url[-1]) - 3] if item.url[-1] in "34567" else {}).items():
            setattr(item, name, value)
        return item


@pytest.mark.parametrize("place", [50, 250, 450, 900])
@pytest.mark.parametrize("stage", [Dropping, Failing])
def test_what_a_users_stage_drops_or_fails_on_is_kept(crawl, stage, place):
    items = [article(n, origin=FEED) for n in (1, 2)]
    run = crawl(Batch(progress=FeedProgress(url=FEED, source_id="own", etag="x"), items=items), stages={place: stage})
    ((url, _, reason),) = rejects(run)
    assert url == "https://site.example/1"
    assert reason.startswith("DropItem: not of interest" if stage is Dropping else "AttributeError: ")
    assert run.query("SELECT url FROM feeds") == [(FEED,)]
    assert run.query("SELECT count(*) FROM articles WHERE url LIKE '%/2'") == [(1,)]


@pytest.mark.parametrize("place", [50, 450, 900])
def test_progress_whose_items_did_not_all_come_to_an_end_is_not_saved(crawl, place):
    run = crawl(
        Batch(progress=FeedProgress(url=FEED, source_id="own"), items=map(article, (1, 2))), stages={place: Cancelled}
    )
    assert [type(result) for result in run.results] == [asyncio.CancelledError]
    assert run.query("SELECT count(*) FROM feeds") == [(0,)]


def test_progress_whose_items_cannot_be_made_is_not_saved(crawl):
    items = (article(n) if n else 1 / n for n in (2, 1, 0))
    run = crawl(Batch(progress=FeedProgress(url=FEED, source_id="own"), items=items))
    assert [type(result) for result in run.results] == [ZeroDivisionError]
    assert run.query("SELECT count(*) FROM feeds") == [(0,)]


def test_a_users_stage_that_forgets_the_item_is_reported(crawl):
    run = crawl(article(1), article(2), stages={450: Forgetting})
    ((url, _, reason),) = rejects(run)
    assert url == "https://site.example/1"
    assert "a stage returned NoneType" in reason
    assert run.query("SELECT url FROM articles") == [("https://site.example/2",)]


@pytest.mark.parametrize("place", [50, 150, 250, 350, 450])
def test_a_stage_may_replace_the_item(crawl, place):
    for new in (2, 0):
        run = crawl(article(1), article(2), stages={place: Replacing})
        assert run.query("SELECT section FROM articles ORDER BY url") == [("Replaced",), (None,)]
        assert (run.run.total().new, run.run.total().rejected) == (new, 0)


class FromDict:
    def process_item(self, item):
        return Article(**item)


def test_a_stage_may_make_articles_of_dicts(crawl):
    for _ in range(2):
        run = crawl({"url": "https://site.example/1", "title": TITLE}, stages={50: FromDict})
    assert (run.total.new, run.total.unchanged, run.total.rejected) == (0, 1, 0)
    assert run.run.tallies["own"].unchanged == 1


def test_a_row_that_was_spoilt_on_the_way_is_split_from_its_batch(crawl):
    run = crawl(*map(article, range(1, 10)), stages={450: Spoiling})
    assert run.query("SELECT url FROM rejects ORDER BY url") == [
        (f"https://site.example/{n}",) for n in (3, 4, 5, 6, 7)
    ]
    # Two of the values are of optional fields, so that their articles go on without them.
    assert run.query("SELECT count(*) FROM articles") == [(6,)]
    assert (run.total.new, run.total.rejected, run.total.left_out) == (6, 3, 2)
    assert run.query("SELECT items, rejected FROM runs") == [(6, 3)]


class FirstPageEndsBadly:
    """The items of the first page are cancelled when those of the second have come through."""

    def __init__(self):
        self.second = asyncio.Event()

    async def process_item(self, item):
        if item.url.endswith("/2"):
            self.second.set()
            return item
        await self.second.wait()
        raise asyncio.CancelledError


def pages():
    """The batches of two pages, the second of which moves the cursor over both."""
    progress = CursorProgress(key="k", spider="own", arguments={}, source="s", value={"value": 1})
    return Batch(lane="k", items=[article(1)]), Batch(lane="k", items=[article(2)], progress=progress)


def test_a_cursor_does_not_move_before_the_rows_of_the_page_before(crawl):
    first, second = pages()
    run = crawl(first, second, stages={450: FirstPageEndsBadly})
    assert run.query("SELECT count(*) FROM articles WHERE url LIKE '%/2'") == [(1,)]
    assert run.query("SELECT count(*) FROM cursors") == [(0,)]


def test_a_cursor_moves_behind_the_rows_of_all_pages(crawl):
    run = crawl(*pages())
    assert run.query("SELECT key, value FROM cursors") == [("k", {"value": 1})]
    assert run.query("SELECT count(*) FROM articles") == [(2,)]
