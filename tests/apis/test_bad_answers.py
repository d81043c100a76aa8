"""Bad answers and odd records: each gets a clear status or reject, and the rest is kept."""

import json
import zlib
from datetime import UTC, datetime

import pytest
from stand_ins import Listing


@pytest.fixture
def service():
    return Listing("story.example", "number")


def crawl(newsbot, service, **options):
    return newsbot.crawl("made_up_apis:Story", service, settings={"RETRY_TIMES": 1}, **options)


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        (
            b"<html><p>Down  for\n maintenance",
            {"Content-Type": "text/html; charset=x"},
            "is not valid JSON but text/html: '<html><p>Down for",
        ),
        (b'{"rows": [{"id": 1', {}, "is not valid JSON but application/json"),
        (b"", {}, "is not valid JSON but application/json: ''"),
        (b"{'rows': \xff}", {}, "is not UTF-8 at byte 9"),
        (b"[" * 200_000, {}, "is nested too deep to be read"),
        ({"rows": None}, {}, "expected a list at 'rows', got nothing; it has 'rows'"),
        ({"rows": {"1": {}}}, {}, "expected a list at 'rows', got dict"),
        ({"results": []}, {}, "expected a list at 'rows', got nothing; it has 'results'"),
        ("null", {}, "expected a list at 'rows', got nothing"),
        ([1, 2], {}, "expected a list at 'rows', got nothing"),
    ],
)
def test_an_answer_that_cannot_be_read(newsbot, service, body, headers, told):
    service.reply = 200, body, headers
    crawled = newsbot.crawl("made_up_apis:Story", service, settings={"RETRY_TIMES": 0})
    assert crawled.exit_code == 1
    assert told in crawled.outcomes[0][2]


@pytest.mark.parametrize("form", ["plain", "gzip", "deflate"])
def test_an_answer_of_500_megabytes(newsbot, service, form):
    """Also one that only unpacks to that size."""
    size = 500 * 1024 * 1024
    if form == "plain":
        service.reply = 200, b"[]", {"Content-Length": size}
    else:
        packer = zlib.compressobj(wbits=31 if form == "gzip" else 15)
        chunk = b" " * (1024 * 1024)
        body = b"".join([*(packer.compress(chunk) for _ in range(100)), packer.flush()])
        assert len(body) < 1024 * 1024
        service.reply = 200, body, {"Content-Encoding": form}
    crawled = crawl(newsbot, service)
    assert crawled.exit_code == 1
    assert "DOWNLOAD_MAXSIZE" in crawled.outcomes[0][2] or "larger" in crawled.outcomes[0][2]
    assert len(service.asked) == 1, "it is not asked for again"


def test_odd_records(newsbot, service):
    good = {"id": 2**60 + 1, "title": "An ordinary &amp; <b>good</b> title", "date": "2024-05-01T12:00:00Z"}
    url = "https://story.example/{}".format
    service.rows = [
        good | {"url": url(1), "people": None, "tags": None, "more": {"n": 2**64}},
        good | {"url": url(2), "id": "9007199254740993", "date": 1714564800},
        good | {"url": url(3), "id": 3, "date": 1714564800123},
        good | {"url": url(4), "id": 4, "date": "2024-05-01T14:00:00"},  # in the zone of the declaration
        good | {"url": url(5), "id": 5, "date": "Wed, 01 May 2024 07:00:00 -0500"},
        good | {"url": url(6), "id": 6, "date": "1714564800"},
        good | {"url": url(7), "id": 7, "date": "yesterday, or so"},
        good | {"url": url(8), "id": 8, "people": ["Ann", None, "Bob"], "tags": "ferries"},
        good | {"url": url(9), "id": 9, "title": None},
        good | {"url": None, "id": 10},
        "a text",
        None,
        good | {"url": url(11), "id": 11, "title": "With a \x00 in it"},
        good | {"url": 12, "id": 12},
    ]
    service.size = 100
    crawled = newsbot.crawl("made_up_apis:Story", service)
    assert crawled.exit_code == 0
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    rows = newsbot.query("SELECT url, published_at, authors, keywords FROM articles ORDER BY length(url), url")
    assert [(link, date.replace(microsecond=0) if date else None) for link, date, _, _ in rows] == [
        *((url(n), noon) for n in range(1, 7)),
        (url(7), None),
        (url(8), noon),
        (url(11), noon),
    ]
    assert rows[7][2:] == (["Ann", "Bob"], ["ferries"])
    assert newsbot.column("SELECT title FROM articles WHERE url = %s", url(1)) == ["An ordinary & good title"]
    ids = newsbot.column("SELECT external_id FROM sightings ORDER BY 1")
    assert {str(2**60 + 1), "9007199254740993"} <= set(ids)
    assert newsbot.column("SELECT data FROM sightings WHERE external_id = %s", str(2**60 + 1)) == [
        {"more": {"n": 2**64}}
    ]
    refused = newsbot.query("SELECT item_type, field, reason FROM rejects ORDER BY 1, 2, 3")
    assert ("Article", "published_at", "'yesterday, or so' is not a time") in refused
    assert ("record", None, "expected an object as the record, got 'a text'") in refused
    assert ("record", None, "expected an object as the record, got None") in refused
    assert {field for kind, field, _ in refused if kind == "Article"} == {"published_at", "title", "url"}
    assert len(refused) == 6


def test_a_record_that_comes_twice_with_other_values(newsbot):
    service = Listing("shared.example", "number")
    for n in range(1, 5):
        service.put(n)
    service.rows += [service.rows[2], {**service.rows[0], "value": "other"}]
    for _ in range(2):
        crawled = newsbot.crawl("made_up_apis:Shared", service)
        assert (crawled.changed, crawled.rejected) == (0, 1)
    assert newsbot.query("SELECT data ->> 'value' FROM records ORDER BY key") == [("1",), ("2",), ("3",), ("4",)]
    ((reason, payload),) = newsbot.query("SELECT reason, payload FROM rejects")
    assert reason == "it came before in this answer with other values, which are kept"
    assert payload["value"] == "other"


@pytest.mark.parametrize(
    ("written", "lost", "remark"),
    [
        (r"It\'s number 7", 0, "its JSON has escapes that JSON does not have"),
        ("Number\x08 7", 0, "its JSON has raw control characters"),
        ('Number "7"', 1, "some of its records are not valid JSON"),
        ("Number 7\\", 1, "some of its records are not valid JSON"),
    ],
)
def test_json_that_is_nearly_valid_costs_at_most_a_record(newsbot, written, lost, remark):
    """Also where pages are counted: the places of the others stay."""
    service = Listing("number.example", "number")
    for n in range(25):
        service.put(n, title=f"Number {n}")
    by_number = service.by_number
    service.by_number = lambda asked: json.dumps(by_number(asked)).replace('"Number 7"', f'"{written}"').encode()
    crawled = newsbot.crawl("made_up_apis:Number", service)
    assert (crawled.exit_code, crawled.new, crawled.rejected) == (0, 25 - lost, lost)
    assert remark in crawled.outcomes[0][2]
    assert len(service.asked) == 3
    assert newsbot.column("SELECT count(*) FROM records WHERE key = '7'") == [1 - lost]


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_body_that_breaks_off_is_never_mended(newsbot, cut):
    service = Listing("number.example", "number")
    for n in range(25):
        service.put(n, title=r"It\'s a title")
    by_number = service.by_number
    service.by_number = lambda asked: json.dumps(by_number(asked)).replace("\\\\'", "\\'").encode()[:-cut]
    crawled = newsbot.crawl("made_up_apis:Number", service, settings={"RETRY_TIMES": 0})
    assert (crawled.exit_code, crawled.new) == (1, 0)
    assert "is not valid JSON but application/json" in crawled.outcomes[0][2]


# --- Faults, of the spider and of the data ----------------------------------------------------------------------------


def test_a_fault_in_a_spiders_own_items_ends_its_stream_and_the_others_go_on(newsbot):
    service = Listing("token.example", "token")
    for n in range(15):
        service.put(n)
    crawled = newsbot.crawl("made_up_apis:Faulty", service)
    assert [outcome[:2] for outcome in crawled.outcomes] == [["1", True], ["2", False], ["3", True]]
    assert crawled.outcomes[1][2] == "TypeError: one of its own; the log has the traceback"
    assert (crawled.exit_code, crawled.new, crawled.rejected) == (0, 15, 0)
    assert newsbot.column("SELECT source FROM cursors ORDER BY 1") == ["1", "3"]
    assert "one of its own" in newsbot.crawlers[0].log.read_text()


@pytest.mark.parametrize("size", ["2,1,3", "1,2,3", "1,3,2"])
@pytest.mark.parametrize(
    ("spider", "fault", "cursors"),
    [("FaultyPlan", "ValueError", ["1", "3"]), ("FaultyAfter", "TypeError", ["1", "2", "3"])],
)
def test_a_fault_before_or_behind_a_stream_fails_it_and_the_others_go_on(newsbot, spider, fault, cursors, size):
    service = Listing("token.example", "token")
    for n in range(15):
        service.put(n)
    crawled = newsbot.crawl(f"made_up_apis:{spider}", service, size=size)
    problem = f"{fault}: one of its own; the log has the traceback"
    assert sorted(crawled.outcomes) == [["1", True, "ok"], ["2", False, problem], ["3", True, "ok"]]
    assert (crawled.exit_code, crawled.rejected, crawled.errors) == (0, 0, 1)
    assert newsbot.column("SELECT source FROM cursors WHERE value <> '{}' ORDER BY 1") == cursors
    assert f'raise {fault}("one of its own")' in newsbot.crawlers[0].log.read_text()


def test_a_fault_beside_the_streams_is_told_and_ends_none(newsbot):
    service = Listing("token.example", "token")
    for n in range(15):
        service.put(n)
    crawled = newsbot.crawl("made_up_apis:FaultyAside", service)
    assert sorted(crawled.outcomes) == [
        *(["1", True, "ok"], ["2", True, "ok"], ["3", True, "ok"]),
        ["https://token.example/rows?size=aside", False, "TypeError: one of its own; the log has the traceback"],
    ]


def logged(newsbot, crawl):
    """What a crawl adds to the log."""
    log = newsbot.crawlers[0].log
    before = len(log.read_text()) if log.exists() else 0
    crawl()
    return log.read_text()[before:]


@pytest.mark.parametrize("settings", [{}, {"OWN_FAULT": 1}], ids=["batches", "the callback, too"])
def test_each_fault_of_a_callback_is_logged(newsbot, settings):
    service = Listing("number.example", "number")
    told = logged(newsbot, lambda: newsbot.crawl("made_up_apis:BrokenBatches", service, settings=settings))
    faults = ["the first batch", "the second batch", *(["the callback"] if settings else [])]
    assert [told.count(f"\nTypeError: {fault}\n") for fault in faults] == [1] * len(faults)
    assert newsbot.column("SELECT count(*) FROM rejects") == [0]


REFUSED = {"STAND_INS": json.dumps({"number.example": "http://127.0.0.1:1"}), "RETRY_TIMES": 0}  # nothing listens there


@pytest.mark.parametrize(("spider", "new", "rejected"), [("Lost", 0, 1), ("LostWell", 3, 0)])
def test_a_batch_of_an_errback_is_taken_or_the_reject_says_what_to_do(newsbot, spider, new, rejected):
    crawled = newsbot.crawl(f"made_up_apis:{spider}", settings=REFUSED)
    assert (crawled.new, crawled.rejected) == (new, rejected)
    told = "an errback that yields a Batch needs the decorator newsbot.spiders.base.errbacks.errback"
    assert newsbot.column("SELECT reason FROM rejects") == [told] * rejected


def test_a_fault_in_a_batch_of_an_errback_is_logged_and_takes_no_other_away(newsbot):
    told = logged(newsbot, lambda: newsbot.crawl("made_up_apis:LostBadly", settings=REFUSED))
    assert told.count("\nTypeError: the batch of an errback\n") == 1
    assert newsbot.column("SELECT url FROM articles") == ["https://number.example/good"]


def test_an_answer_of_which_all_is_refused_is_asked_for_again(newsbot):
    """The cursor stays before it in three runs; records repaired meanwhile are not lost."""
    service = Listing("token.example", "token", size=20)
    for n in range(7):
        service.put(None, value=n)
    for left in (3, 2, 1):
        crawled = newsbot.crawl("made_up_apis:Token", service)
        assert (crawled.exit_code, crawled.new, crawled.rejected) == (1, 0, 7)
        assert f"; the next runs ask again, {left} at most" in crawled.outcomes[0][2]
        assert newsbot.query("SELECT value, refused_runs FROM cursors") == [({}, 4 - left)]
    mended = newsbot.crawl("made_up_apis:Token", service)
    assert mended.outcomes[0][2].startswith("broken: all 7 items are refused, as key: ")
    for n, row in enumerate(service.rows):
        row["id"] = n
    mended = newsbot.crawl("made_up_apis:Token", service)
    assert (mended.exit_code, mended.new, mended.outcomes[0][2]) == (0, 7, "ok")
    assert newsbot.column("SELECT refused_runs FROM cursors") == [0]


def test_a_users_own_names_in_meta_are_free(newsbot):
    service = Listing("number.example", "number")
    service.put(1)
    crawled = newsbot.crawl("made_up_apis:OwnMeta", service)
    assert (crawled.exit_code, crawled.new) == (0, 1)
