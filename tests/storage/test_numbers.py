"""Series and records: new, changed and earlier values; cursors."""

import math
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from newsbot.batch import CursorProgress
from newsbot.items import Observation, Record, Series
from newsbot.storage import cursors, records, series

RUN = "00000000-0000-0000-0000-000000000001"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RATE = Series(name="EUR/USD", unit="USD", frequency="daily", metadata={"base": "EUR"})


def observed(value, hours=0, of=RATE, **fields):
    return Observation(series=of, time=NOON + timedelta(hours=hours), value=value, source_id="bank", **fields)


def record(key, dataset="d", **data):
    return Record(dataset=dataset, key=key, data=data, source_id="bank")


def states(items):
    return [item.state for item in items]


def rows(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchall()


# --- Series -----------------------------------------------------------------------------------------------------------


def test_a_value_is_new_then_unchanged_then_revised(cursor):
    first = [observed(1.1), observed(1.2, 1)]
    assert series.write(cursor, first, RUN) == first
    assert states(first) == ["new", "new"]
    again = [observed(1.1), observed(1.3, 1)]
    assert series.write(cursor, again, RUN) == [again[1]]
    assert states(again) == ["unchanged", "changed"]
    assert rows(cursor, "SELECT value FROM observations ORDER BY time") == [(1.1,), (1.3,)]
    assert rows(cursor, "SELECT time, old, new FROM observation_revisions") == [(NOON + timedelta(hours=1), 1.2, 1.3)]
    assert rows(cursor, "SELECT revised_at IS NULL FROM observations ORDER BY time") == [(True,), (False,)]


def test_gaps_nan_and_infinity_are_values(cursor):
    values = [None, math.nan, math.inf, -math.inf]
    assert states(series.write(cursor, [observed(value, n) for n, value in enumerate(values)], RUN)) == ["new"] * 4
    assert series.write(cursor, [observed(value, n) for n, value in enumerate(values)], RUN) == []
    assert repr(rows(cursor, "SELECT value FROM observations ORDER BY time")) == "[(None,), (nan,), (inf,), (-inf,)]"
    filled = [observed(1.0), observed(2.0, 1)]
    assert states(series.write(cursor, filled, RUN)) == ["changed", "changed"]
    assert repr(rows(cursor, "SELECT old FROM observation_revisions ORDER BY time")) == "[(None,), (nan,)]"


def test_a_counter_is_kept_where_it_changed(cursor):
    for hours, value in enumerate([5, 5, 6, 6, 5]):
        series.write(cursor, [observed(value, hours, only_changes=True)], RUN)
    assert rows(cursor, "SELECT value FROM observations ORDER BY time") == [(5,), (6,), (5,)]


def test_the_last_of_several_for_one_time_counts(cursor):
    items = [observed(1), observed(2)]
    series.write(cursor, items, RUN)
    assert states(items) == ["unchanged", "new"]
    assert rows(cursor, "SELECT value FROM observations") == [(2,)]


def test_what_is_known_of_a_series_grows_and_is_not_emptied(cursor):
    series.write(cursor, [observed(1)], RUN)
    series.write(cursor, [observed(1, 1, of=Series(name="EUR/USD", metadata={"note": "fixing"}))], RUN)
    assert rows(cursor, "SELECT source, name, unit, frequency, metadata FROM series") == [
        ("bank", "EUR/USD", "USD", "daily", {"base": "EUR", "note": "fixing"})
    ]


def test_two_processes_that_bring_one_value_keep_both(database, tables, query):
    """The second waits for the first, and revises its values."""
    with closing(database.connect()) as one, closing(database.connect()) as other:
        with one.cursor() as cursor:
            series.write(cursor, [observed(1)], RUN)
        done = threading.Event()

        def write():
            with other, other.cursor() as cursor:
                series.write(cursor, [observed(2)], RUN)
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        while not query("SELECT 1 FROM pg_locks WHERE NOT granted"):
            assert not done.is_set()
        one.commit()
        thread.join(20)
    assert query("SELECT value FROM observations") == [(2,)]
    assert query("SELECT old, new FROM observation_revisions") == [(1, 2)]


# --- Records ----------------------------------------------------------------------------------------------------------


def test_a_record_is_new_then_unchanged_then_revised(cursor):
    first = [record("a", n=1, name="A"), record("b", n=2)]
    assert states(records.write(cursor, first, RUN)) == ["new", "new"]
    assert records.write(cursor, [record("b", n=2), record("a", name="A", n=1)], RUN) == []
    again = [record("a", n=3, name="A", more=None), record("b", n=2)]
    records.write(cursor, again, RUN)
    assert states(again) == ["changed", "unchanged"]
    assert rows(cursor, "SELECT old, new FROM record_revisions") == [({"n": 1}, {"n": 3, "more": None})]
    assert rows(cursor, "SELECT key, data FROM records ORDER BY key") == [
        ("a", {"n": 3, "name": "A", "more": None}),
        ("b", {"n": 2}),
    ]


def test_keys_are_of_one_dataset_and_kept_as_text(cursor):
    items = [record("01", n=1), record("1", n=2), record("01", dataset="e", n=3), record("2A", n=2**70)]
    assert states(records.write(cursor, items, RUN)) == ["new"] * 4
    assert rows(cursor, "SELECT data ->> 'n' FROM records WHERE key = '2A'") == [(str(2**70),)]


def test_the_last_of_several_with_one_key_counts(cursor):
    items = [record("a", n=1), record("a", n=2)]
    records.write(cursor, items, RUN)
    assert states(items) == ["unchanged", "new"]
    assert rows(cursor, "SELECT data FROM records") == [({"n": 2},)]


def test_a_dataset_is_described_once(cursor):
    for title in ("First", "Second"):
        records.describe(cursor, "d", title, {"n": {"type": "integer"}}, "bank", None)
    assert rows(cursor, "SELECT name, title, columns FROM datasets") == [("d", "Second", {"n": {"type": "integer"}})]


# --- Cursors ----------------------------------------------------------------------------------------------------------


def moved(value, arguments, source="s", spider="spider"):
    columns = {"spider": spider, "arguments": arguments, "source": source, "value": value}
    return CursorProgress(key=cursors.key(spider, arguments, source), **columns)


def test_a_cursor_is_of_spider_arguments_and_source(cursor):
    some = [moved({"value": n}, {"query": query, "language": "fr"}, source) for n, (query, source) in
            enumerate([("a", "s"), ("b", "s"), ("a", "t"), ("a", "s")])]  # fmt: skip
    cursors.write(cursor, some, RUN)
    known = cursors.read(cursor, [cursors.key("spider", {"language": "fr", "query": "a"}, "s"), some[1].key, "no such"])
    assert known == {some[0].key: {"value": 3}, some[1].key: {"value": 1}}
    assert len(cursors.overview(cursor)[1]) == 3
    assert cursors.overview(cursor, "another")[1] == []
    assert cursors.reset(cursor, "spider", "t") == 1
    assert cursors.reset(cursor, "spider") == 2
    assert cursors.reset(cursor, "spider") == 0


@pytest.mark.parametrize("value", [{"value": 2**80}, {"since": "2026-03-01T00:00:00+00:00"}])
def test_a_cursor_keeps_its_value(cursor, value):
    cursors.write(cursor, [moved(value, {})], RUN)
    assert cursors.read(cursor, [moved(value, {}).key]) == {moved(value, {}).key: value}
