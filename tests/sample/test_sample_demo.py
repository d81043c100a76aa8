"""The demo, which is the main job from end to end: two crawls of the sample newsroom into a database of their own."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from newsbot.storage.database import Database


def run_demo(url):
    command = [sys.executable, "-m", "newsbot.sample.demo"]
    return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def demo(new_database):
    """A demo that has run: what it printed, and `query` into its database."""
    with new_database() as url:

        def query(sql):
            with closing(Database(url, Path()).connect()) as connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

        yield SimpleNamespace(url=url, query=query, process=run_demo(url))


def test_it_succeeds_and_tells(demo):
    process = demo.process
    assert (process.returncode, process.stderr) == (0, ""), process.stdout
    for told in (
        "sport.atom: HTTP status 404",
        "moved to https://phare-du-ponant.example/flux/actualites.rdf",
        "Stored: 97 headlines",
        "- Storm Quill tears a terrible hole in the Saltmere harbour wall",
        "+ Storm Quill damage to the Saltmere harbour wall is worse than feared",
        "'javascript:openNewsletter()'",
        "db sql",
    ):
        assert told in process.stdout


def test_what_the_two_crawls_count(demo):
    runs = demo.query("SELECT finish_reason, exit_code, items, rejected, stats FROM runs ORDER BY started_at")
    assert [row[:4] for row in runs] == [("finished", 0, 94, 3), ("finished", 0, 49, 3)]
    counts = [{key: row[4][key] for key in ("new", "changed", "unchanged", "rejected", "errors")} for row in runs]
    assert counts == [
        {"new": 93, "changed": 0, "unchanged": 1, "rejected": 3, "errors": 1},
        {"new": 4, "changed": 3, "unchanged": 42, "rejected": 3, "errors": 1},
    ]


def test_headlines_of_all_languages_are_stored(demo):
    languages = dict(demo.query("SELECT language, count(*) FROM articles GROUP BY language"))
    assert languages == {"en": 27, "de": 9, "fr": 9, "es": 9, "ru": 10, "ar": 8, "ja": 8, "el": 8, "zh": 9}
    scored = demo.query("SELECT language, count(sentiment) FROM articles GROUP BY language HAVING count(sentiment) > 0")
    assert scored == [("en", 27)]


def test_texts_come_through_whole(demo):
    titles = {title for (title,) in demo.query("SELECT title FROM articles")}
    assert {
        "Порт отправит в Солтмир плавучий кран",  # windows-1251
        "調査船ペトレル号、深海で未知のサンゴ礁を発見",  # Shift_JIS
        "Το ερευνητικό σκάφος «Πέτρελ» ανακάλυψε άγνωστο κοραλλιογενή ύφαλο",  # gzip, behind an index
        "متحف البحر يعرض خرائط قديمة لأول مرة",
        "Council rejects the quarry after a bitter debate",  # section page
    } <= titles


def test_edits_are_revisions(demo):
    revisions = demo.query("""
        SELECT a.source_id, r.field, r.new = CASE r.field WHEN 'title' THEN a.title ELSE a.summary END
        FROM article_revisions r JOIN articles a ON a.id = r.article_id ORDER BY 1, 2
    """)
    assert revisions == [
        ("harbour-times", "summary", True),
        ("harbour-times", "title", True),
        ("kuestenbote", "summary", True),
        ("severnaya-gavan", "title", True),
    ]


def test_a_story_of_two_feeds_is_one_row_with_two_sightings(demo):
    sightings = demo.query("""
        SELECT a.canonical_url, array_agg(s.origin ORDER BY s.origin) FROM sightings s
        JOIN articles a ON a.id = s.article_id GROUP BY a.canonical_url HAVING count(*) > 1
    """)
    feeds = ["https://harbour-times.example/feeds/news.xml", "https://harbour-times.example/feeds/sport.xml"]
    assert sightings == [("https://harbour-times.example/news/regatta", feeds)]


def test_each_fault_is_one_reject_that_was_met_twice(demo):
    rejects = demo.query("SELECT url, field, times FROM rejects ORDER BY url")
    assert rejects == [
        ("", "url", 2),
        ("https://harbour-times.example/news/draft-0417", "title", 2),
        ("javascript:openNewsletter()", "url", 2),
    ]


def test_what_is_remembered_of_the_feeds(demo):
    feeds = demo.query("SELECT url, status, failures, moved_to FROM feeds")
    states = {url: state for url, *state in feeds}
    assert len(feeds) == 15
    moved_to = "https://phare-du-ponant.example/flux/actualites.rdf"
    assert states.pop("https://phare-du-ponant.example/rss") == [304, 0, moved_to]
    assert states.pop("https://kuestenbote.example/sport.atom") == [404, 2, None]
    assert {(failures, moved_to) for _, failures, moved_to in states.values()} == {(0, None)}
    assert sum(status == 304 for status, *_ in states.values()) == 6


def test_a_second_demo_doubles_nothing(demo):
    before = demo.query("SELECT id, canonical_url FROM articles ORDER BY id")
    process = run_demo(demo.url)
    assert process.returncode == 0, process.stdout
    assert demo.query("SELECT id, canonical_url FROM articles ORDER BY id") == before
    assert demo.query("SELECT count(*), min(times), max(times) FROM rejects") == [(3, 4, 4)]
