"""The parts that a run has to read, how they are cut, and where the cursor is behind each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from newsbot.readers.api import chains
from newsbot.readers.api.chains import Chain
from newsbot.sources.api import Api, Cursor, LinkedPages, RecordFields, Slices

NOW = datetime(2026, 3, 31, tzinfo=UTC)
DAY = timedelta(days=1)


def api(cursor=None, slices=None, placed="{since} {until}"):
    return Api(
        name="a",
        title="A",
        url="https://a.example/",
        params={"time": placed} if placed else {},
        cursor=cursor,
        slices=slices,
        record=RecordFields(dataset="a", key="id"),
    )


TIME = Cursor(by="time", path="at", overlap=3600, first=7 * 86_400)


def spans(planned):
    return [((chain.since - NOW) / DAY, (chain.until - NOW) / DAY, chain.is_past) for chain in planned]


def cursor(since, until):
    return {"since": (NOW + since * DAY).isoformat(), "until": (NOW + until * DAY).isoformat()}


@pytest.mark.parametrize(
    ("known", "given", "expected"),
    [
        ({}, {}, [(-7, 0, False)]),
        ({}, {"backfill": 30 * DAY}, [(-30, 0, False)]),
        ({}, {"backfill": 3 * DAY}, [(-7, 0, False)]),
        (cursor(-10, -1), {}, [(-1 - 1 / 24, 0, False)]),
        (cursor(-10, -1), {"backfill": 9 * DAY}, [(-1 - 1 / 24, 0, False)]),
        (cursor(-10, -1), {"backfill": 30 * DAY}, [(-1 - 1 / 24, 0, False), (-30, -10, True)]),
        (cursor(-10, -1), {"since": NOW - 5 * DAY}, [(-5, 0, False)]),
        (cursor(-10, -1), {"until": NOW - 5 * DAY}, [(-12, -5, False)]),
    ],
)
def test_what_is_planned(known, given, expected):
    planned = chains.planned(api(TIME), known, given, NOW)
    assert spans(planned) == [pytest.approx(each) for each in expected]
    assert all(chain.moves == ("since" not in given and "until" not in given) for chain in planned)


def test_a_first_run_that_is_cut_reads_what_is_new_before_the_past():
    planned = chains.planned(api(TIME, Slices(longest=86_400)), {}, {"backfill": 30 * DAY}, NOW)
    assert spans(planned) == [(-7, -6, False), (-8, -7, True)]


def read(declared, chain, many=lambda chain: False):
    """The slices that are read, halved while there are too many hits."""
    found = []
    while chain is not None:
        if many(chain) and (half := chains.halved(declared, chain)):
            chain = half
            continue
        found.append((chain.since, chain.until))
        chain = chains.next_slice(declared, replace(chain, count=1))
    return found


@pytest.mark.parametrize("is_past", [False, True])
def test_slices_are_next_to_each_other_and_cover_the_span(is_past):
    declared = api(TIME, Slices(longest=10 * 86_400, cap=100))
    start = chains.planned(declared, cursor(-20, 0), {"backfill": 90 * DAY}, NOW)[1]
    assert start.is_past
    if not is_past:
        start = chains._slice(declared, Chain(None, NOW), start.span, 10 * DAY)
    crowd = NOW - 50 * DAY + timedelta(seconds=3)

    def many(chain):
        return chain.since <= crowd < chain.until

    slices = sorted(read(declared, start, many))
    assert (slices[0][0], slices[-1][1]) == start.span
    assert all(end == begin for (_, end), (begin, _) in pairwise(slices))
    ((since, until),) = [each for each in slices if each[0] <= crowd < each[1]]
    assert (since, until) == (crowd, crowd + timedelta(seconds=1)), "down to the second, and no further"
    assert len(slices) < 60, "they grow again"


def test_the_cursor_of_a_time():
    declared = api(TIME)
    chain = Chain(NOW - 7 * DAY, NOW, newest=NOW - DAY)
    assert chains.moved(declared, {}, chain, is_over=True) == cursor(-7, 0), "all up to there was asked for"
    assert chains.moved(api(TIME, placed="{since}"), {}, chain, is_over=True) == cursor(-7, -1)
    assert chains.moved(declared, cursor(-9, 0), replace(chain, until=NOW - DAY), is_over=True) == cursor(-9, 0)
    past = Chain(NOW - 30 * DAY, NOW - 9 * DAY, is_past=True)
    assert chains.moved(declared, cursor(-9, -1), past, is_over=True) == cursor(-30, -1)
    assert chains.moved(declared, cursor(-9, -1), replace(chain, moves=False), is_over=True) == cursor(-9, -1)


def test_the_cursor_of_records_that_come_late():
    declared = api(replace(TIME, at="newest"))
    chain = Chain(NOW - 7 * DAY, NOW, newest=NOW - DAY)
    assert chains.moved(declared, {}, chain, is_over=True) == cursor(-7, -1)
    quiet = Chain(NOW - 30 * DAY, NOW)
    assert chains.moved(declared, cursor(-40, -30), quiet, is_over=True) == cursor(-40, -7), "not for ever"


def test_the_cursor_moves_with_each_page_of_what_comes_in_its_order():
    declared = api(replace(TIME, oldest_first=True))
    chain = Chain(NOW - 7 * DAY, NOW, newest=NOW - 5 * DAY)
    assert chains.moves_by_page(declared, chain)
    assert chains.moved(declared, {}, chain, is_over=False) == cursor(-7, -5)
    assert not chains.moves_by_page(declared, replace(chain, is_past=True))
    assert not chains.moves_by_page(api(TIME), chain)


def test_cursors_of_ids_and_tokens():
    chain = Chain(None, NOW)
    ids = api(Cursor(by="id", path="id"))
    seen = chains.seen(ids, chain, None, [{"id": "99"}, {"id": 2**70}, {"id": None}, "no record", {"id": "100"}])
    assert chains.moved(ids, {"value": 5}, seen, is_over=True) == {"value": 2**70}
    assert chains.moved(ids, {"value": 5}, chain, is_over=True) == {"value": 5}
    tokens = api(Cursor(by="token", path="meta.next"))
    seen = chains.seen(tokens, chain, {"meta": {"next": "t2"}}, [{}])
    seen = chains.seen(tokens, seen, {"meta": {}}, [])
    assert chains.moved(tokens, {}, seen, is_over=True) == {"value": "t2"}


def test_a_time_that_is_none_moves_no_cursor():
    seen = chains.seen(
        api(TIME), Chain(None, NOW), None, [{"at": "soon"}, {"at": None}, {"at": "2026-03-01T00:00:00Z"}]
    )
    assert seen.newest == seen.oldest == datetime(2026, 3, 1, tzinfo=UTC)


def test_an_api_that_knows_no_time_is_read_until_it_is_older():
    declared, chain = api(TIME, placed=""), Chain(NOW - DAY, NOW)
    assert chains.is_before(declared, chain, None, [{"at": "2026-03-01"}])
    assert not chains.is_before(declared, chain, None, [{"at": "2026-03-30T12:00:00Z"}, {"at": "2026-03-01"}])
    assert not chains.is_before(declared, chain, None, [])
    assert not chains.is_before(api(TIME), chain, None, [{"at": "2026-03-01"}])


@pytest.mark.parametrize(
    ("ids", "ends"),
    [
        ([130, 129, 125], False),
        ([130, 121, 120], True),
        ([130, 119, 99], True),
        (["130", "119", "99"], True),
        ([95, 130, 129], False),  # an old one at the top
        ([95, 130, 99], False),  # and nothing is sure of its order
        ([95, 99, 120], False),  # pages may go from old to new
        ([], False),
        ([None, {"a": 1}], False),
        ([-5, -7], True),
        ([2**70, 99], True),
    ],
)
def test_pages_from_new_to_old_end_at_a_known_id(ids, ends):
    declared, rows = api(Cursor(by="id", path="id"), placed="{cursor}"), [{"id": each} for each in ids]
    assert chains.is_before(declared, Chain(None, NOW), None, rows, "120") == ends
    assert not chains.is_before(declared, Chain(None, NOW), None, rows)
    assert not chains.is_before(api(Cursor(by="id", path="id", oldest_first=True)), Chain(None, NOW), None, rows, "120")


def test_pages_whose_ids_rise_end_at_a_known_id_where_a_page_before_was_newer():
    declared, rows = api(Cursor(by="id", path="id")), [{"id": each} for each in (95, 99, 120)]
    assert chains.is_before(declared, Chain(None, NOW, newest=130), None, rows, "120")
    assert not chains.is_before(declared, Chain(None, NOW, newest=120), None, rows, "120")


def test_a_cursor_of_ids_does_not_go_back():
    ids = api(Cursor(by="id", path="id"))
    seen = chains.seen(ids, Chain(None, NOW), None, [{"id": 10}])
    assert chains.moved(ids, {"value": "25"}, seen, is_over=True) == {"value": "25"}


def test_links_that_forget_the_time_are_read_until_it_is_older():
    declared = replace(api(TIME), pages=LinkedPages())
    assert chains.is_before(declared, Chain(NOW - DAY, NOW), None, [{"at": "2026-03-01"}])
    assert not chains.is_before(declared, Chain(NOW - DAY, NOW), None, [{"at": "2026-03-30T12:00:00Z"}])


def test_a_record_of_the_future_does_not_move_the_cursor_past_what_comes_late():
    declared = api(replace(TIME, at="newest"))
    rows = [
        {"at": "9999-12-31T23:59:59-12:00"},
        {"at": "2026-04-09"},
        {"at": "2026-03-30"},
        {"at": "0001-01-01T00:00+9"},
    ]
    seen = chains.seen(declared, Chain(NOW - 7 * DAY, NOW), None, rows)
    assert chains.moved(declared, {}, seen, is_over=True) == cursor(-7, -1)


def test_a_first_run_goes_on_from_its_begin():
    (first,) = chains.planned(api(TIME), {}, {}, NOW)
    kept = chains.begun(first)
    assert kept == cursor(-7, -7)
    later = NOW + 3 * DAY
    (again,) = chains.planned(api(TIME), chains.readable(api(TIME), kept, later), {}, later)
    assert (again.since, again.until) == (first.since, later)
    assert chains.begun(replace(first, moves=False)) == {}


def test_what_is_planned_goes_no_further_than_the_reach():
    declared = api(replace(TIME, reach=3 * 86_400, first=30 * 86_400))
    assert spans(chains.planned(declared, {}, {}, NOW)) == [(-3, 0, False)]
    assert spans(chains.planned(declared, cursor(-9, -8), {}, NOW)) == [(-3, 0, False)]
    assert spans(chains.planned(declared, cursor(-2, 0), {"backfill": 30 * DAY}, NOW))[1:] == [(-3, -2, True)]


def test_a_chain_whose_token_is_over_goes_on_where_it_can():
    chain = Chain(NOW - 7 * DAY, NOW, newest=NOW, oldest=NOW - 3 * DAY)
    again = chains.restarted(api(TIME), chain)
    assert (again.since, again.until, again.covers) == (chain.since, NOW - 3 * DAY + chains.SECOND, NOW)
    assert chains.moved(api(TIME), {}, again, is_over=True) == cursor(-7, 0)
    assert again.restarts == 0
    stuck = chains.restarted(api(TIME, placed=""), chain)
    assert (stuck.until, stuck.restarts) == (NOW, 1)


def test_ids_and_tokens_that_are_none_do_not_become_the_cursor():
    rows = [{"id": 5}, {"id": {"a": 9}}, {"id": [7]}, {"id": True}, {"id": "11"}]
    assert chains.seen(api(Cursor(by="id", path="id")), Chain(None, NOW), {}, rows).newest == "11"
    token = api(Cursor(by="token", path="next"))
    assert chains.seen(token, Chain(None, NOW), {"next": {"a": 1}}, []).newest is None
    assert chains.seen(token, Chain(None, NOW, newest="a"), {"next": "b"}, []).newest == "b"
    joined = api(Cursor(by="token", path="join('-', [a, b])"))
    assert chains.seen(joined, Chain(None, NOW, newest="a-b"), {"a": "c", "b": None}, []).newest == "a-b"


@pytest.mark.parametrize(
    "in_order",
    [
        ["9", "10", "99", "100", str(2**70)],
        [-7, -5, 0, 3],
        ["y", "zz", "100", "1zz", "200"],  # base 36, of which some are digits alone
        ["00a1", "0100", "1000"],  # padded
        ["t3_zz", "t3_100"],
        ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRY"],  # ULID
        ["018f2b1c-0000-7000-8000-000000000000", "01900000-0000-7000-8000-000000000000"],
    ],
)
def test_ids_of_each_kind_have_their_order(in_order):
    declared = api(Cursor(by="id", path="id"), placed="{cursor}")
    for one, other in pairwise(in_order):
        rows = [{"id": other}, {"id": one}]
        newest = chains.seen(declared, Chain(None, NOW, newest=one), {}, [{"id": other}]).newest
        assert newest == other
        assert chains.is_before(declared, Chain(None, NOW), None, rows, one)
        assert not chains.is_before(declared, Chain(None, NOW), None, [{"id": other}], one)


@pytest.mark.parametrize(
    ("minutes", "is_told"),
    [
        ([0, 10, 20, 30], False),
        ([0, 10, 10, 10], False),
        ([0, 30, 10, 60], False),  # within the overlap
        ([0, 70, 9, 80], True),
        ([30, 20, 10], True),
        ([], False),
    ],
)
def test_an_order_that_is_not_as_declared(minutes, is_told):
    """Each page would move the cursor past records that are still to come."""
    declared = api(replace(TIME, oldest_first=True))
    rows = [{"at": (NOW + timedelta(minutes=each)).isoformat()} for each in minutes]
    assert bool(chains.disorder(declared, rows)) == is_told
    by_id = api(Cursor(by="id", path="id", oldest_first=True), placed="{cursor}")
    assert bool(chains.disorder(by_id, [{"id": str(each)} for each in minutes])) == (minutes == [30, 20, 10])


@pytest.mark.parametrize("hostile", ["9" * 5000, "x" * 5000, True, [], 1.5])
def test_no_id_of_an_answer_ends_the_runs_after_it(hostile):
    rows = [{"id": "10"}, {"id": hostile}]
    assert chains.seen(api(Cursor(by="id", path="id")), Chain(None, NOW), {}, rows).newest == "10"
