"""One story from a feed and from APIs: the owner of each field, and tombstones."""

from datetime import UTC, datetime

import pytest
from made_up import headline

from newsbot.items import Rank, Removal
from newsbot.storage import articles

FEED = "https://site.example/feed"
FEED_SAYS = {"origin": FEED, "rank": Rank.FEED, "title": "The feed says", "summary": "In short"}
PAGE_SAYS = {
    **{"origin": "guardian", "rank": Rank.PAGE, "title": "The API says", "text": "The whole text.", "authors": ["Ann"]},
    **{"section": "World", "external_id": "world/1", "source_id": "guardian"},
}
INDEX_SAYS = {
    **{
        "origin": "newsapi",
        "rank": Rank.INDEX,
        "title": "The index says",
        "summary": "Shorter",
        "source_id": "newsapi",
    },
    **{"image_url": "https://site.example/1.jpg", "published_at": datetime(2026, 3, 1, tzinfo=UTC)},
}


def story(query):
    ((*values, origins),) = query(
        "SELECT title, summary, text, authors, section, image_url, origin, field_origins FROM articles"
    )
    return tuple(values), origins


def test_a_poorer_origin_fills_in_what_is_missing_and_overwrites_nothing(store, query):
    store(headline(**FEED_SAYS))
    store(headline(**INDEX_SAYS))
    values, origins = story(query)
    assert values == ("The feed says", "In short", None, [], None, "https://site.example/1.jpg", FEED)
    assert origins == {"image_url": "newsapi", "published_at": "newsapi"}
    assert query("SELECT count(*) FROM article_revisions") == [(0,)]
    store(headline(**INDEX_SAYS | {"image_url": "https://site.example/2.jpg", "summary": "Another"}))
    assert story(query) == (values, origins), "nor does it overwrite what it gave, which the owner may have seen"


def test_a_richer_origin_takes_over_and_what_it_lacks_stays_with_its_origin(store, query):
    store(headline(**FEED_SAYS))
    store(headline(**INDEX_SAYS))
    store(headline(**PAGE_SAYS))
    values, origins = story(query)
    expected = (
        "The API says",
        "In short",
        "The whole text.",
        ["Ann"],
        "World",
        "https://site.example/1.jpg",
        "guardian",
    )
    assert values == expected
    assert origins == {"image_url": "newsapi", "published_at": "newsapi", "summary": FEED}
    store(headline(**FEED_SAYS | {"title": "The feed says more", "summary": "In other words"}))
    assert story(query) == (values, origins)
    store(headline(**PAGE_SAYS | {"summary": "In its own words"}))
    assert story(query)[0][1] == "In its own words"
    assert "summary" not in story(query)[1]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_in_whatever_order_and_batch_they_come(store, query, order):
    said = [FEED_SAYS, PAGE_SAYS, INDEX_SAYS]
    store(*(headline(**said[n]) for n in order))
    values, origins = story(query)
    assert values[0] == "The API says"
    assert values[2:5] == ("The whole text.", ["Ann"], "World")
    assert origins["image_url"] == origins["published_at"] == "newsapi"
    assert query("SELECT count(*) FROM sightings") == [(3,)]


def test_a_removal_marks_the_sighting_and_the_article_stays(store, query, cursor):
    store(headline(**FEED_SAYS), headline(**PAGE_SAYS))
    run = "00000000-0000-0000-0000-000000000001"
    removals = [Removal(external_id=id_, source_id="guardian") for id_ in ("world/1", "world/2")]
    assert articles.known_ids(cursor, "guardian", ["world/1", "world/2"]) == {"world/1": False}
    assert articles.known_ids(cursor, "newsapi", ["world/1"]) == {}
    assert articles.remove(cursor, removals, run) == [removals[0]]
    assert [removal.state for removal in removals] == ["changed", "unchanged"]
    assert articles.known_ids(cursor, "guardian", ["world/1"]) == {"world/1": True}
    cursor.connection.commit()
    assert query("SELECT origin, removed_at IS NOT NULL FROM sightings ORDER BY 1") == [
        ("guardian", True),
        (FEED, False),
    ]
    assert query("SELECT count(*) FROM articles") == [(1,)]
    store(headline(**PAGE_SAYS))  # as it was before
    assert query("SELECT count(*) FROM sightings WHERE removed_at IS NOT NULL") == [(0,)]


def test_a_removal_may_be_undone(store, query, cursor):
    store(headline(**PAGE_SAYS))
    run = "00000000-0000-0000-0000-000000000001"
    removal = Removal(external_id="world/1", source_id="guardian")
    undone = Removal(external_id="world/1", source_id="guardian", is_undone=True)
    assert articles.remove(cursor, [undone], run) == []
    assert articles.remove(cursor, [removal], run) == [removal]
    assert articles.remove(cursor, [undone], run) == [undone]
    assert articles.known_ids(cursor, "guardian", ["world/1"]) == {"world/1": False}
