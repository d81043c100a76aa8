"""Pages of an API as a pure function: a stream is read answer by answer, without a crawler or a database."""

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from newsbot.batch import Again, Answer, Ask, Broken, Done, Headers, Reject
from newsbot.readers.api import chains, page_reader
from newsbot.readers.api.facts import Facts
from newsbot.readers.api.streams import Stream
from newsbot.sources.api import Api, Argument, Cursor, NumberedPages, RecordFields, Slices

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = 86_400
API = Api(
    name="wire",
    title="The wire",
    url="https://api.example/articles",
    params={"from": "{since:epoch}", "to": "{until:epoch}"},
    records="articles",
    pages=NumberedPages(size=2, total="total"),
    cursor=Cursor(by="time", path="date", first=DAY),
    article={"url": "link", "title": "headline", "published_at": "date"},
)


def article(number):
    return {"link": f"https://a.example/{number}", "headline": f"No {number}", "date": "2026-03-04T06:00:00Z"}


def answer(data, status=200):
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    url = "https://api.example/articles"
    return Answer(url=url, asked=url, status=status, headers=Headers(), body=body, fetched_at=NOW)


def begun(api=API, cursor=None, **facts):
    """The stream of a run, with its first page requested."""
    facts = replace(Facts.of(api), **facts)
    stream = Stream("wire", "key", {}, {}, cursor=dict(cursor or {}))
    stream.chains.extend(chains.planned(api, stream.cursor, {}, NOW))
    return facts, stream, page_reader.call(facts, stream, stream.chains.popleft())


def told(batch):
    """The content of a batch: titles, or the reasons of rejects."""
    return [each.in_words if isinstance(each, Reject) else each.title for each in batch.items]


def test_pages_are_read_to_the_end_and_the_last_moves_the_cursor():
    facts, stream, first = begun()
    assert first.url == "https://api.example/articles?from=1772539200&to=1772625600&page=1"
    batch, stream, then = page_reader.read(answer({"articles": [article(1), article(2)], "total": 3}), facts, stream)
    assert (told(batch), batch.progress.value, batch.outcome) == (["No 1", "No 2"], None, None)
    assert isinstance(then, Ask)
    assert then.requests[0].url.endswith("&page=2")
    batch, stream, then = page_reader.read(answer({"articles": [article(3)], "total": 3}), facts, stream)
    assert (told(batch), then) == (["No 3"], Done())
    assert batch.progress.value == {"since": "2026-03-03T12:00:00+00:00", "until": "2026-03-04T12:00:00+00:00"}
    assert (batch.outcome.ok, batch.outcome.status, stream.count) == (True, "ok", 3)
    assert batch.lane == "key"


def test_a_record_of_which_no_item_can_be_made_is_refused_with_its_field():
    facts, stream, _ = begun()
    batch, *_ = page_reader.read(answer({"articles": ["text", article(1)], "total": 2}), facts, stream)
    assert told(batch)[0].startswith("expected an object as the record")
    assert told(batch)[1:] == ["No 1"]


def test_a_page_that_cannot_be_read_is_asked_again_while_that_may_help():
    facts, stream, _ = begun(tries=5)
    for n in range(5):
        batch, stream, then = page_reader.read(answer(b"<html>%d</html>" % n), facts, stream)
        assert (batch, then) == (None, Again("bad answer"))
    batch, stream, then = page_reader.read(answer(b"<html>6</html>"), facts, stream)
    assert isinstance(then, Broken)
    assert batch.outcome.status.startswith("is not valid JSON")
    assert batch.progress.value is None


def test_the_same_bad_answer_is_not_asked_for_as_often():
    facts, stream, _ = begun(tries=5)
    times = 0
    while isinstance(page_reader.read(answer(b"<html></html>"), facts, stream)[2], Again):
        times += 1
    assert times == 2


@pytest.mark.parametrize(("status", "keys", "is_general"), [(500, (), False), (401, ("KEY",), True)])
def test_a_refusal_ends_the_stream(status, keys, is_general):
    facts, stream, _ = begun(keys=keys)
    batch, _, then = page_reader.read(answer({"error": "no"}, status), facts, stream)
    assert (then.is_general, batch.outcome.ok) == (is_general, False)
    assert f'HTTP status {status}: {{"error": "no"}}' in batch.outcome.status


def test_a_first_run_that_fails_keeps_where_it_began():
    facts, stream, _ = begun()
    stream.begin = chains.begun(stream.chain)
    batch, *_ = page_reader.read(answer({}, 500), facts, stream)
    assert batch.progress.value == {"since": "2026-03-03T12:00:00+00:00", "until": "2026-03-03T12:00:00+00:00"}


def test_a_slice_with_too_many_hits_is_halved_and_the_shortest_is_reported_as_incomplete():
    api = replace(API, slices=Slices(longest=DAY, shortest=DAY // 2, cap=1, total="total"))
    facts, stream, _ = begun(api)
    many = answer({"articles": [article(1), article(2)], "total": 2})
    batch, stream, then = page_reader.read(many, facts, stream)
    assert (batch, then.requests[0].url) == (
        None,
        "https://api.example/articles?from=1772539200&to=1772582400&page=1",
    )
    batch, stream, then = page_reader.read(many, facts, stream)
    assert told(batch)[:2] == ["No 1", "No 2"]
    reason = "incomplete: 2 hits from 2026-03-03 12:00:00 to 2026-03-04 00:00:00, more than the API gives"
    while then != Done():
        batch, stream, then = page_reader.read(answer({"articles": [], "total": 0}), facts, stream)
    assert (batch.outcome.ok, batch.outcome.status.startswith(reason)) == (False, True)


def test_what_was_asked_for_and_did_not_come_is_reported():
    api = replace(API, arguments={"topics": Argument(join=",", found="topic")})
    facts, stream, _ = begun(api)
    stream.wanted = {"topics": ["a", "b"]}
    rows = [article(1) | {"topic": "A"}]
    batch, *_ = page_reader.read(answer({"articles": rows, "total": 1}), facts, stream)
    assert (batch.outcome.ok, batch.outcome.status) == (False, "missing: nothing came of -a topics=b")


def test_records_that_vanish_from_a_whole_table_are_reported():
    things = RecordFields(dataset="things", key="id")
    api = replace(API, cursor=None, pages=None, params={}, article=None, record=things)
    facts, stream, _ = begun(api, stored=frozenset({"1", "2", "3"}))
    batch, *_ = page_reader.read(answer({"articles": [{"id": 1}, {"id": 2}]}), facts, stream)
    assert (batch.outcome.ok, "1 of the 3 former records did not come" in batch.outcome.status) == (True, True)


def test_an_overlap_reads_behind_the_cursor():
    api = replace(API, cursor=replace(API.cursor, overlap=3_600))
    cursor = {name: (NOW - timedelta(hours=hours)).isoformat() for name, hours in (("since", 9), ("until", 3))}
    _, stream, _ = begun(api, cursor)
    assert stream.chain.since == NOW - timedelta(hours=4)


def test_a_stream_and_its_batch_can_be_sent_elsewhere():
    facts, stream, _ = begun()
    stream = pickle.loads(pickle.dumps(stream))
    batch, *_ = page_reader.read(answer({"articles": [article(1)], "total": 1}), facts, stream)
    kept = pickle.loads(pickle.dumps(batch))
    assert (told(kept), kept.progress) == (told(batch), batch.progress)
