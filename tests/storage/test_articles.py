"""New, changed, unchanged: an article's rows after one crawl and another."""

import uuid
from datetime import UTC, datetime

import pytest
from made_up import headline

from newsbot.items import Rank
from newsbot.storage.articles import article_id

SPORT = "https://site.example/sport"
DAYS_AGO = "UPDATE {} SET last_seen_at = now() - interval '{} hours'"


def counts(store):
    total = store.run.total()
    return total.new, total.changed, total.unchanged


def content(query):
    """Every row of every table that holds articles, with the system's own mark of the last write."""
    return [
        query(f"SELECT xmin::text, t::text FROM {table} t ORDER BY t::text")
        for table in ("articles", "article_urls", "sightings", "article_revisions")
    ]


def test_an_id_is_the_uuid5_of_the_canonical_url():
    assert article_id("https://site.example/1") == str(uuid.uuid5(uuid.NAMESPACE_URL, "https://site.example/1"))


def test_a_new_article(store, query):
    published = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    fields = {
        "url": "http://site.example/a/?utm_source=x",
        "authors": ['Ada "the" Byron', "Bo, \\ Co", "{}"],
        "keywords": ["NULL", "ä,b"],
        "published_at": published,
        "summary": 'One, "two"\n\\. three',
        "text": "First.\n\nSecond, \\N.",
        "image_url": "https://site.example/i.png",
        "sentiment": 0.25,
        "sentiment_model": "m",
    }
    run = store(headline(**fields))
    assert counts(run) == (1, 0, 0)
    (row,) = query(
        "SELECT id::text, url, canonical_url, source_id, authors, keywords, published_at, summary, text, image_url,"
        " sentiment, sentiment_model, origin, origin_rank, run_id::text, first_seen_at = last_seen_at FROM articles"
    )
    assert row == (
        article_id("https://site.example/a"),
        fields["url"],
        "https://site.example/a",
        "site",
        fields["authors"],
        fields["keywords"],
        published,
        'One, "two" \\. three',
        fields["text"],
        fields["image_url"],
        0.25,
        "m",
        "https://site.example/feed",
        Rank.FEED,
        run.run.id,
        True,
    )
    assert query("SELECT url FROM article_urls ORDER BY url") == [(fields["url"],), ("https://site.example/a",)]
    assert query("SELECT source_id, origin FROM sightings") == [("site", "https://site.example/feed")]


def test_unchanged_is_not_written(store, query):
    store(*map(headline, range(3)))
    before = content(query)
    assert counts(store(*map(headline, range(3)))) == (0, 0, 0)  # they end before the store
    assert content(query) == before


def test_unchanged_costs_no_more_wal_than_the_feed_state(store, query):
    def wal(*rows):
        before = query("SELECT pg_current_wal_insert_lsn()")[0][0]
        store(*rows)
        return int(query("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", before)[0][0])

    headlines = [headline(n) for n in range(500)]
    store(*headlines)
    assert wal(*(headline(n) for n in range(500))) <= wal() + 1024


@pytest.mark.parametrize(("hours", "touched"), [(1, False), (23, False), (25, True)])
def test_last_seen_moves_at_most_once_a_day(store, query, hours, touched):
    store(headline(), headline(origin=SPORT))
    for table in ("articles", "sightings"):
        query(DAYS_AGO.format(table, hours))
    run = store(headline())
    assert counts(run) == (0, 0, int(touched))
    fresh = "last_seen_at > now() - interval '1 minute'"
    assert query(f"SELECT {fresh} FROM articles") == [(touched,)]
    assert query(f"SELECT {fresh} FROM sightings ORDER BY origin") == [(touched,), (False,)]
    before = content(query)
    store(headline())
    assert content(query) == before
    assert query("SELECT count(*) FROM article_revisions") == [(0,)]


def test_an_edit_is_a_revision_of_each_field(store, query):
    store(headline(title="Before", summary="Short", authors=["Ada"], published_at=datetime(2026, 3, 4, tzinfo=UTC)))
    run = store(headline(title="After", summary="Long", authors=["Ada", "Bo"]))
    assert counts(run) == (0, 1, 0)
    assert query("SELECT title, summary, authors, published_at IS NULL FROM articles") == [
        ("After", "Long", ["Ada", "Bo"], False)  # a missing value does not empty the stored one
    ]
    revisions = query(
        "SELECT a.canonical_url, field, old, new FROM article_revisions r JOIN articles a ON a.id = r.article_id"
    )
    assert sorted(revisions) == [
        ("https://site.example/1", "authors", "Ada", "Ada; Bo"),
        ("https://site.example/1", "summary", "Short", "Long"),
        ("https://site.example/1", "title", "Before", "After"),
    ]


def test_a_later_value_is_not_a_revision(store, query):
    store(headline())
    assert counts(store(headline(summary="There now", image_url="https://site.example/i.png"))) == (0, 1, 0)
    assert query("SELECT summary FROM articles") == [("There now",)]
    assert query("SELECT count(*) FROM article_revisions") == [(0,)]


def test_an_edit_and_back_again(store, query):
    for title in ("One", "Two", "One"):
        store(headline(title=title))
    assert query("SELECT old, new FROM article_revisions ORDER BY id") == [("One", "Two"), ("Two", "One")]
    assert query("SELECT title FROM articles") == [("One",)]


def test_two_origins_with_two_titles_come_to_rest(store, query):
    """Each is compared with its own earlier words, and only the owner's words are taken."""
    both = [{"title": "News says"}, {"title": "Sport says", "origin": SPORT, "summary": "More"}]
    store(*(headline(**fields) for fields in both))
    stored = query("SELECT title, summary, origin FROM articles")
    assert stored == [("News says", "More", "https://site.example/feed")]
    before = content(query)
    for order in (both, both[::-1]):
        assert counts(store(*(headline(**fields) for fields in order))) == (0, 0, 0)
    assert content(query) == before


def test_another_origins_edit_does_not_revise(store, query):
    store(headline(title="News says"), headline(title="Sport says", origin=SPORT))
    assert counts(store(headline(title="Sport says more", origin=SPORT))) == (0, 0, 1)
    assert query("SELECT title FROM articles") == [("News says",)]
    assert counts(store(headline(title="News says more"))) == (0, 1, 0)
    assert query("SELECT title FROM articles") == [("News says more",)]


def test_a_richer_origin_takes_over_once(store, query):
    section = {"origin": "https://site.example/", "rank": Rank.SECTION, "title": "Teaser"}
    page = {"origin": "page", "rank": Rank.PAGE, "title": "The headline", "text": "The whole text."}
    store(headline(**section))
    assert counts(store(headline(**page))) == (0, 1, 0)
    assert query("SELECT title, text, origin, origin_rank FROM articles") == [
        ("The headline", "The whole text.", "page", Rank.PAGE)
    ]
    store(headline(**section | {"title": "Another teaser"}))
    store(headline(origin=SPORT, rank=Rank.PAGE, title="Of the same rank"))
    assert query("SELECT title, origin FROM articles") == [("The headline", "page")]
    assert query("SELECT old, new FROM article_revisions") == [("Teaser", "The headline")]


def test_the_richest_of_a_batch_owns_the_new_article(store, query):
    origins = [("a", Rank.SECTION), ("b", Rank.FEED), ("c", Rank.SITEMAP)]
    run = store(*(headline(title=f"By {origin}", origin=origin, rank=rank) for origin, rank in origins))
    assert counts(run) == (1, 0, 2)
    assert query("SELECT title, origin FROM articles") == [("By b", "b")]
    assert query("SELECT count(*) FROM sightings") == [(3,)]


def test_every_url_leads_to_the_article(store, query):
    first = headline(url="http://site.example/1?ref_src=a")
    store(first)
    met = headline(url="https://m.site.example/1", canonical_url="https://site.example/1", title="Edited")
    assert counts(store(met)) == (0, 1, 0)
    again = headline(url="https://m.site.example/1", origin=SPORT)  # without rel=canonical
    store(again)
    assert query("SELECT count(*) FROM articles") == [(1,)]
    assert {url for (url,) in query("SELECT url FROM article_urls")} == {
        "http://site.example/1?ref_src=a",
        "https://site.example/1",
        "https://m.site.example/1",
    }


def test_a_url_as_it_was_met_leads_to_the_article_where_its_canonical_form_does_not(store, query):
    url = "https://m.site.example/1?utm_source=feed"
    store(headline(url=url, canonical_url="https://site.example/1"))
    store(headline(url=url, origin=SPORT))  # without rel=canonical
    assert query("SELECT canonical_url FROM articles") == [("https://site.example/1",)]
    assert query("SELECT count(*) FROM sightings") == [(2,)]


def test_links_of_one_batch_that_share_a_url_are_one_article(store, query):
    a = headline(url="https://m.site.example/1", origin="a")
    b = headline(url="https://m.site.example/1", canonical_url="https://site.example/1", origin="b")
    c = headline(url="https://site.example/1", origin="c")
    assert counts(store(a, b, c)) == (1, 0, 2)
    assert query("SELECT count(*) FROM articles") == [(1,)]
    assert query("SELECT count(*) FROM sightings") == [(3,)]
    before = content(query)
    store(
        headline(url="https://m.site.example/1", origin="a"),
        headline(url="https://m.site.example/1", canonical_url="https://site.example/1", origin="b"),
        headline(url="https://site.example/1", origin="c"),
    )
    assert content(query) == before


def test_a_link_that_joins_two_of_its_batch(store, query):
    """The first two share nothing until the third does."""
    a = headline(url="https://m.site.example/1", origin="a")
    b = headline(url="https://site.example/1", origin="b")
    c = headline(url="https://m.site.example/1", canonical_url="https://site.example/1", origin="c")
    store(a, b, c)
    assert query("SELECT count(*) FROM articles WHERE canonical_url = 'https://site.example/1'") == [(1,)]
    assert query("SELECT count(*) FROM article_urls") == [(2,)]
    assert query("SELECT count(*) FROM rejects") == [(0,)]


def test_an_article_that_was_deleted_by_hand_comes_again_when_it_changes(store, query):
    store(headline(1), headline(2))
    query("DELETE FROM articles WHERE url LIKE '%%/1'")
    assert counts(store(headline(1), headline(2))) == (0, 0, 0)
    assert counts(store(headline(1, title="Another title"), headline(2))) == (1, 0, 0)
    assert query("SELECT title FROM articles WHERE url LIKE '%%/1'") == [("Another title",)]
    assert query("SELECT count(*) FROM article_urls") == query("SELECT count(*) FROM sightings") == [(2,)]
