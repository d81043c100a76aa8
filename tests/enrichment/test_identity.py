"""The signs in a whole answer: which ids are ids, and which links are shared."""

import pytest

from newsbot.enrichment.entry_identity import MAX_ID, identify

LIVE = "https://site.example/live"


def entry(link, title="Ferry runs", published=None, id_=None):
    return {"link": link, "title": title, "published": published, "id": id_}


def ids(*entries):
    return [identity.id for identity in identify(entries)]


def keys(*entries):
    """The key of each entry whose link is shared; None where it is not."""
    return [identity.key if identity.is_shared else None for identity in identify(entries)]


@pytest.mark.parametrize(
    ("given", "id_"),
    [
        ("  tag:site.example,2026:1\n", "tag:site.example,2026:1"),
        ("http://site.example/?p=1", "https://site.example/?p=1"),
        ("HTTP://site.example/?p=1", "https://site.example/?p=1"),
        ("Tag:A", "Tag:A"),
        ("https://site.example/1", None),  # the link itself
        ("http://site.example/1", None),
        ("https://site.example/1#2", "https://site.example/1#2"),
        ("", None),
        (None, None),
        (" \n", None),
        ("x" * MAX_ID, "x" * MAX_ID),
    ],
)
def test_an_id(given, id_):
    assert ids(entry("https://site.example/1", id_=given)) == [id_]


@pytest.mark.parametrize("given", ["x" * (MAX_ID + 1), "a\x00b", "a\u2028b"])
def test_an_id_that_cannot_be_kept_is_identified_by_its_hash(given):
    (id_,) = ids(entry("https://site.example/1", id_=given))
    assert id_.startswith("blake2b:")
    assert ids(entry("https://site.example/1", id_=given + "1")) != [id_]


def test_an_id_that_several_links_have_is_none():
    assert ids(entry("https://site.example/1", id_="a"), entry("https://site.example/2", id_="a")) == [None, None]
    same = entry("https://site.example/1", id_="a"), entry("http://site.example/1/?utm_source=x", id_="a")
    assert ids(*same, entry("https://site.example/2", id_="b")) == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("link", "id_"),
    [
        (f"{LIVE}#post-1", "#post-1"),
        (f"{LIVE}#xtor=RSS-1", None),  # names where a reader came from
        (f"{LIVE}#", None),
        (LIVE, None),
    ],
)
def test_the_fragment_is_the_id_without_another(link, id_):
    assert ids(entry(link)) == ids(entry(link, id_=link)) == [id_]
    assert ids(entry(link, id_="own")) == ["own"]


def test_a_shared_link():
    assert keys(entry(LIVE, "A", id_="1"), entry(LIVE + "?utm_source=x", "B", id_="2"), entry(LIVE + "#c", "C")) == [
        "1",
        "2",
        "#c",
    ]


def test_links_that_differ_in_a_route_are_not_shared():
    assert keys(entry("https://site.example/#/a", "A", id_="1"), entry("https://site.example/#/b", "B", id_="2")) == [
        None,
        None,
    ]


def test_without_ids_entries_are_told_apart_by_time_else_by_title():
    times = "2026-03-04T05:06:00+00:00", "2026-03-04T06:06:00+00:00"
    assert keys(*(entry(LIVE, "Ferry runs", time) for time in times)) == list(times)
    assert keys(*(entry(LIVE, title) for title in ("A", "B"))) == ["A", "B"]
    assert keys(*(entry(LIVE, title, times[0]) for title in ("A", "B"))) == ["A", "B"]


@pytest.mark.parametrize("published", [None, "2026-03-04T05:06:00+00:00"])
def test_the_same_title_and_time_are_one_entry_whatever_its_ids_and_their_order(published):
    one, other = (entry(LIVE, "A", published, id_) for id_ in "12")
    assert keys(one, other) == [None, None]
    assert ids(one, other) == ids(other, one) == ["1", "1"]
    third = entry(LIVE, "B", published, "3")
    assert keys(third, other, one) == ["3", "1", "1"]


@pytest.mark.parametrize("form", ["{}", "#{}", "item-{}", "item-{}-en", "https://site.example/live#{}", "2026-{:03}"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("hours", [(7, 6, 5), (7, 7, 7), (7, None, 5), (None, None, None)])
def test_ids_that_count_the_entries_are_none(form, first, hours):
    entries = [
        entry(LIVE, title, hour and f"2026-03-04T{hour:02}:06:00Z", form.format(n))
        for n, (title, hour) in enumerate(zip("ABC", hours, strict=True), first)
    ]
    assert ids(*entries) == [None] * 3
    assert len(set(keys(*entries))) == 3
    assert not set(keys(*entries)) & {each["id"] for each in entries}


def test_ids_that_count_all_entries_of_an_answer_are_none_where_a_link_is_shared():
    links = [LIVE, "https://site.example/other", LIVE, "https://site.example/alone", "https://site.example/other"]
    found = identify([entry(link, f"Title {n}", None, f"item-{n}") for n, link in enumerate(links, 1)])
    assert [identity.id for identity in found] == [None, None, None, "item-4", None]


@pytest.mark.parametrize(
    "numbers",
    [(3, 2, 1), (2, 3, 4), (1, 3, 4), (1, 2, 2)],
)
def test_ids_with_numbers_that_count_nothing_stay(numbers):
    given = [str(n) for n in numbers]
    assert ids(*(entry(LIVE, title, None, id_) for title, id_ in zip("ABC", given, strict=True))) == given


def test_numbers_that_grow_with_the_time_are_ids():
    given = [entry(LIVE, f"Post {n}", f"2026-03-04T0{n}:06:00Z", f"post-{n}") for n in (1, 2, 3)]
    assert ids(*given) == ["post-1", "post-2", "post-3"]


def test_two_contents_of_one_id_share_nothing():
    assert keys(entry(LIVE, "A", id_="1"), entry(LIVE, "B", id_="1")) == [None, None]


def test_where_a_link_stands_for_one_thing():
    entries = [entry(LIVE, "A", id_="1"), entry(LIVE, "B", id_="2")]
    assert [identity[:4] for identity in identify(entries, share_links=False)] == [(LIVE, None, None, False)] * 2


def test_an_entry_without_a_link():
    (identity,) = identify([entry(None, id_="1")])
    assert (identity.link, identity.id, identity.is_shared) == (None, "1", False)


@pytest.mark.parametrize(
    ("published", "has_clock"),
    [("2026-03-04T05:06:00+00:00", True), ("2026-03-04T00:00:00Z", False), ("2026-03-04", False), (None, False)],
)
def test_whether_a_time_has_a_clock(published, has_clock):
    assert identify([entry(LIVE, published=published)])[0].has_clock is has_clock


def test_many_entries_of_one_link_are_quick():
    entries = [entry(LIVE, f"Title {n % 7}", None, f"{n}") for n in range(20_000)]
    assert len({identity.key for identity in identify(entries)}) == 7
