"""The look-up and the write on entries: earlier ids, URLs that join, simultaneous writers."""

import multiprocessing
from contextlib import closing
from datetime import datetime

import pytest
from made_up import headline
from psycopg2.errors import UniqueViolation

from newsbot.enrichment.entry_identity import Identity, identify
from newsbot.storage import articles
from newsbot.storage.database import Database

FEED = "https://site.example/feed"
LIVE = "https://site.example/live"


def entry(n, link=None, **fields):
    return {
        "link": link or f"https://site.example/{n}",
        "title": f"Ferry number {n} runs again",
        "published": f"2026-03-04T{n:02}:06:00+00:00",
        "id": f"ferry-{n}",
    } | fields


def answer(*entries, origin=FEED, identities=None):
    """The articles of an answer with these entries, in the form that the clean stage gives."""
    return [
        headline(
            url=each["link"],
            title=each["title"],
            published_at=each["published"] and datetime.fromisoformat(each["published"]),
            origin=origin,
            canonical_url=identity.link,
            external_id=identity.id,
            entry=identity,
        )
        for each, identity in zip(entries, identities or identify(entries), strict=True)
    ]


def rows(query):
    return query("SELECT count(*) FROM articles") + query("SELECT count(*) FROM article_revisions")


def of_before(query):
    """The state of rows stored before ids and origins of URLs were."""
    query("UPDATE sightings SET external_id = NULL")
    query("UPDATE article_urls SET origin = NULL")


def test_an_id_is_adopted_where_none_is_stored_also_when_nothing_changed(store, query):
    store(*answer(entry(1), entry(2)))
    of_before(query)
    total = store(*answer(entry(1), entry(2))).run.total()
    assert (total.new, total.changed, total.unchanged) == (0, 0, 2)
    assert query("SELECT external_id FROM sightings ORDER BY 1") == [("ferry-1",), ("ferry-2",)]
    moved = answer(entry(1, "https://site.example/ferry-one"), entry(2))
    store(*moved)
    assert rows(query) == [(2,), (0,)]


def test_a_row_of_before_that_several_entries_overwrote_is_that_of_the_last(store, query):
    store(*answer(entry(1, LIVE)))
    of_before(query)
    store(*answer(entry(1, LIVE), entry(2, LIVE), entry(3, LIVE)))
    assert rows(query) == [(3,), (0,)]
    assert query(
        "SELECT external_id FROM sightings s JOIN articles a ON a.id = s.article_id WHERE canonical_url = url"
    ) == [("ferry-1",)]
    store(*answer(entry(1, LIVE), entry(2, LIVE), entry(3, LIVE)))
    assert rows(query) == [(3,), (0,)]


def test_a_new_link_joins_the_urls_of_its_article(store, query):
    store(*answer(entry(1)))
    store(*answer(entry(1, "https://m.site.example/ferry?utm_source=a")))
    assert query("SELECT url, origin FROM article_urls ORDER BY 1") == [
        ("https://m.site.example/ferry", FEED),
        ("https://m.site.example/ferry?utm_source=a", FEED),
        ("https://site.example/1", None),
    ]
    assert query("SELECT canonical_url FROM articles") == [("https://site.example/1",)]
    store(*answer(entry(1, "https://m.site.example/ferry", id=None), origin="https://other.example/"))
    assert rows(query) == [(1,), (0,)]


@pytest.mark.parametrize(
    "link",
    [
        "https://site.example/1?sid=k7Qz{}",
        "http://site.example/1?utm_campaign={}",
        "https://site.example/1;jsessionid={}",
        "https://site.example/(S({}))/1",
    ],
)
def test_of_the_variants_of_a_url_the_newest_stays(store, query, link):
    for n in range(1, 6):
        store(*answer(entry(1, link.format(n)), entry(2)))
    assert rows(query) == [(2,), (0,)]
    urls = [url for (url,) in query("SELECT url FROM article_urls WHERE url NOT LIKE '%%/2' ORDER BY 1")]
    ((canonical,),) = query("SELECT canonical_url FROM articles WHERE url NOT LIKE '%%/2'")
    assert urls == sorted({canonical, link.format(5)})


def test_the_urls_of_other_pages_stay(store, query):
    """A story whose link was another page's each time: another feed may bring any of them."""
    links = [f"https://site.example/story.php?id={n}" for n in (11, 12, 13)]
    for link in links:
        store(*answer(entry(1, f"{link}&utm_source=a")))
    found = {url for (url,) in query("SELECT url FROM article_urls")}
    assert found == {*links, *(f"{link}&utm_source=a" for link in links)}
    store(*answer(entry(1, links[1], id=None), origin="https://other.example/"))
    assert rows(query) == [(1,), (0,)]


def test_rows_do_not_grow_with_the_fetches(store, query):
    for n in range(18):
        entries = [entry(i, f"https://site.example/{i}?utm_content=k{n}") for i in range(20)]
        written = store(*answer(*entries)).run.total()
        assert (written.new, written.changed, written.unchanged) == ((20, 0, 0) if n == 0 else (0, 0, 20))
    assert query("SELECT count(*), count(*) FILTER (WHERE url LIKE '%%=k17') FROM article_urls") == [(40, 20)]


def test_a_variant_that_is_stored_is_not_written_again(store, query):
    store(*answer(entry(1, "https://site.example/1?utm_source=a")))
    before = query("SELECT xmin, ctid, url FROM article_urls ORDER BY url")
    store(*answer(entry(1, "https://site.example/1?utm_source=a")))
    assert query("SELECT xmin, ctid, url FROM article_urls ORDER BY url") == before


def test_each_origin_has_a_variant(store, query):
    for n in range(1, 4):
        for name in "ab":
            url = f"https://site.example/1?utm_source={name}{n}"
            store(*answer(entry(1, url, title=f"Ferry {n}"), origin=f"https://site.example/{name}"))
    assert query("SELECT url, origin FROM article_urls ORDER BY 1") == [
        ("https://site.example/1", None),
        ("https://site.example/1?utm_source=a3", "https://site.example/a"),
        ("https://site.example/1?utm_source=b3", "https://site.example/b"),
    ]


def test_a_url_in_use_is_seen_once_a_day(store, query):
    url = "https://site.example/1?utm_source=a"
    store(*answer(entry(1, url)))
    for table in ("articles", "sightings", "article_urls"):
        query(f"UPDATE {table} SET last_seen_at = now() - interval '25 hours'")
    store(*answer(entry(1, url)))
    assert query("SELECT count(*) FROM article_urls WHERE last_seen_at > now() - interval '1 minute'") == [(2,)]


def test_a_row_under_a_canonical_url_of_before_is_found(store, query):
    """Rules that became better give the same link another form; the article stays, with its id."""
    url = "https://site.example/1?ftag=RSS"
    store(headline(url=url))
    query(f"UPDATE articles SET canonical_url = '{url}'")
    query("DELETE FROM article_urls")
    query(f"INSERT INTO article_urls (url, article_id) SELECT '{url}', id FROM articles")
    before = query("SELECT id FROM articles")
    assert headline(url=url).canonical_url == "https://site.example/1"
    store(headline(url=url))
    store(headline(url="https://site.example/1?ftag=other"))
    assert query("SELECT id FROM articles") == before
    assert rows(query) == [(1,), (0,)]


def test_a_link_that_one_feed_has_alone_and_another_for_many_in_one_batch(store, query):
    many = answer(*(entry(n, LIVE) for n in (1, 2, 3)), origin="https://site.example/all")
    alone = answer(entry(2, LIVE), origin="https://site.example/newest")
    store(*alone, *many)
    assert rows(query) == [(3,), (0,)]
    store(*alone, *many)
    assert rows(query) == [(3,), (0,)]
    assert query("SELECT count(*) FROM sightings") == [(4,)]


def _bring(url, barrier, results):
    entries = answer(*(entry(n, LIVE) for n in range(1, 20)), *(entry(n) for n in range(20, 24)))
    with closing(Database(url, None).connect()) as connection:
        with connection, connection.cursor() as cursor:
            articles.lookup(cursor, entries)
        barrier.wait()
        for _ in range(5):
            try:
                with connection, connection.cursor() as cursor:
                    articles.write(cursor, entries, "00000000-0000-0000-0000-000000000000")
            except UniqueViolation as error:
                results.put(type(error).__name__)
                for each in entries:
                    each.state = "again"
            else:
                return


def test_two_processes_that_bring_the_same_entries_of_one_link(tables, database_url, query):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_bring, args=(database_url, barrier, results)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert results.get(timeout=10) == "UniqueViolation"
    assert rows(query) == [(23,), (0,)]
    assert query("SELECT count(*) FROM sightings") == [(23,)]


def test_an_id_given_to_another_entry_leads_to_that(store, query):
    store(*answer(entry(1, "https://site.example/a/1", id="top")))
    store(*answer(entry(2, "https://site.example/a/2", id="top")))
    store(*answer(entry(2, "https://site.example/b/2", id="top")))
    assert rows(query) == [(2,), (0,)]
    assert query("SELECT title, external_id FROM articles a JOIN sightings s ON s.article_id = a.id ORDER BY 1") == [
        ("Ferry number 1 runs again", None),
        ("Ferry number 2 runs again", "top"),
    ]


def test_ids_that_are_made_anew_are_not_written_again_and_again(store, query):
    def fetched(name):
        store(*answer(*(entry(n, id=f"{name}-{n}") for n in range(1, 6))))
        return query("SELECT xmin::text, external_id FROM sightings ORDER BY 2")

    assert fetched("a") == fetched("b") == fetched("c")


def test_of_many_known_links_a_few_with_another_id_are_other_entries(store, query):
    store(*answer(*(entry(n) for n in range(1, 6))))
    status = entry(9, "https://site.example/5")
    store(*answer(*(entry(n) for n in range(1, 5)), status))
    assert rows(query) == [(6,), (0,)]
    assert query("SELECT canonical_url FROM articles WHERE title LIKE '%% 9 %%'") == [
        ("https://site.example/5#entry=ferry-9",)
    ]


@pytest.mark.parametrize(("link", "articles"), [("https://site.example/live", 1), ("https://site.example/", 2)])
def test_ids_that_are_made_of_the_link(store, query, link, articles):
    """They belong to no other entry, except a home page's, with which all ids of a site begin."""
    for n in (1, 2):
        store(*answer(entry(n, link, id=f"{link}?post={n}")))
    assert query("SELECT count(*) FROM articles") == [(articles,)]


@pytest.mark.parametrize(
    "dates", [("2026-03-01", "2026-03-02", "2026-03-02"), ("2026-03-01T09:00", "2026-03-02T09:00", "2026-03-03T09:00")]
)
def test_entries_without_ids_keep_apart_while_a_window_slides_over_them(store, query, dates):
    old, first, second = (
        entry(n, LIVE, id=None, published=date if len(date) == 10 else f"{date}:00+00:00")
        for n, date in enumerate(dates, 1)
    )
    for window in ([first, old], [second, first, old], [second, first], [second], [second]):
        store(*answer(*window))
    assert rows(query) == [(3,), (0,)]
    assert {title for (title,) in query("SELECT title FROM articles")} == {
        each["title"] for each in (old, first, second)
    }


def test_an_entry_without_an_id_whose_link_is_its_own_is_revised(store, query):
    store(*answer(entry(1, LIVE, id=None)))
    store(*answer(entry(1, LIVE, id=None, title="Ferry number 1 does not run")))
    assert rows(query) == [(1,), (1,)]


def test_ids_by_position_take_no_entry_for_another_of_the_answer(store, query):
    """All of one time, as they were published at once."""
    stories = [entry(n, published="2026-03-04T09:00:00+00:00") for n in range(1, 8)]
    for newest in range(3, 8):
        window = stories[newest - 3 : newest][::-1]
        store(*answer(*({**each, "id": str(place)} for place, each in enumerate(window, 1))))
    assert rows(query) == [(7,), (0,)]


def window(newest, size=3, **fields):
    """The newest entries of a feed that has one link, each called by its place."""
    numbers = range(newest, newest - size, -1)
    return [entry(n, LIVE, id=f"item-{place}", **fields) for place, n in enumerate(numbers, 1)]


@pytest.mark.parametrize("steps", [(3, 4, 5, 6), (3, 5, 8), (3, 7, 12)])
@pytest.mark.parametrize("fields", [{}, {"published": None}, {"published": "2026-03-04T09:00:00+00:00"}])
def test_ids_by_position_of_entries_that_share_a_link_overwrite_none(store, query, steps, fields):
    met = set()
    for newest in steps:
        entries = window(newest, **fields)
        met |= {each["title"] for each in entries}
        for _ in range(2):
            store(*answer(*entries))
    assert rows(query) == [(len(met),), (0,)]
    assert {title for (title,) in query("SELECT title FROM articles")} == met


def test_rows_of_before_whose_ids_were_positions_are_known_by_their_words(store, query):
    entries = window(3)
    before = [Identity(LIVE, each["id"], each["id"], is_shared=True, has_clock=True) for each in entries]
    store(*answer(*entries, identities=before))
    assert query("SELECT count(*) FROM articles WHERE canonical_url LIKE '%%#entry=item-_'") == [(3,)]
    store(*answer(*window(4)))
    store(*answer(*window(5)))
    assert rows(query) == [(5,), (0,)]


def test_an_entry_called_by_its_place_is_revised_by_its_own_words_alone(store, query):
    store(*answer(*window(3)))
    first, *others = window(3)
    store(*answer(first | {"title": "Ferry number 3 does not run"}, *others))
    assert query("SELECT old, new FROM article_revisions") == [
        ("Ferry number 3 runs again", "Ferry number 3 does not run")
    ]
    assert query("SELECT count(*) FROM articles") == [(3,)]


def test_two_feeds_of_one_page_with_ids_of_their_own_bring_each_entry_once(store, query):
    entries = [entry(n, LIVE) for n in (1, 2, 3)]
    rss = answer(*entries)
    atom = answer(*({**each, "id": f"tag:{each['id']}"} for each in entries), origin="https://site.example/atom")
    store(*rss, *atom)
    assert rows(query) == [(3,), (0,)]
    assert query("SELECT count(*) FROM sightings") == [(6,)]


def test_a_page_of_each_day_under_one_id_is_a_story_a_day(store, query):
    for day in (1, 2, 3):
        link = f"https://site.example/2026/11/0{day}/morning-briefing"
        fields = {"title": f"Briefing of day {day}", "published": f"2026-11-0{day}T06:00:00+00:00"}
        store(*answer(entry(1, link, id="latest", **fields)))
    assert rows(query) == [(3,), (0,)]
    moved = entry(1, "https://m.site.example/2026/11/03/morning-briefing", id="latest", title="Edited")
    store(*answer(moved | {"published": "2026-11-03T07:00:00+00:00"}))
    assert rows(query)[0] == (3,)
