"""The demo, the main job from end to end: two crawls of the sample newsroom into a separate database."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from newsbot.sample.newsroom import INDEX, WIRE
from newsbot.storage.database import Database
from newsbot.storage.tables import metadata

ROOT = Path(__file__).parents[2]


def run_demo(url):
    command = [sys.executable, "-m", "newsbot.sample.demo", "--database-url"]
    return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def demo(new_database):
    """A finished demo: its output, and `query` into its database."""
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
        "First crawl: 133 new, 2 changed, 1 unchanged, 3 refused",
        "moved to https://phare-du-ponant.example/flux/actualites.rdf",
        "Stored: 97 headlines",
        "- Storm Quill tears a terrible hole in the Saltmere harbour wall",
        "+ Storm Quill damage to the Saltmere harbour wall is worse than feared",
        "'javascript:openNewsletter()'",
        "seven-seas-wire  articles      14      1 ",
        "herring-index    observations  30      1 ",
        "db sql",
        f"The rows are in {Database(demo.url, Path()).safe_url}. ",
        "scrapy db drop-demo ",
    ):
        assert told in process.stdout
    assert len(process.stdout.splitlines()) <= 46


def test_what_the_two_crawls_count(demo):
    runs = demo.query("""
        SELECT finish_reason, exit_code, items, rejected, stats FROM runs WHERE spider = 'headlines' ORDER BY started_at
    """)
    assert [row[:4] for row in runs] == [("finished", 0, 94, 3), ("finished", 0, 49, 3)]
    counts = [{key: row[4][key] for key in ("new", "changed", "unchanged", "rejected", "errors")} for row in runs]
    assert counts == [
        {"new": 93, "changed": 0, "unchanged": 1, "rejected": 3, "errors": 1},
        {"new": 4, "changed": 3, "unchanged": 42, "rejected": 3, "errors": 1},
    ]


def test_headlines_of_all_languages_are_stored(demo):
    languages = dict(
        demo.query("SELECT language, count(*) FROM articles WHERE source_id <> 'seven-seas-wire' GROUP BY language")
    )
    assert languages == {"en": 27, "de": 9, "fr": 9, "es": 9, "ru": 10, "ar": 8, "ja": 8, "el": 8, "zh": 9}
    assert demo.query("SELECT DISTINCT language FROM articles WHERE sentiment IS NOT NULL") == [("en",)]
    assert demo.query("SELECT count(*) FROM articles WHERE language = 'en' AND sentiment IS NULL") == [(0,)]


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
        ("seven-seas-wire", "title", True),
        ("severnaya-gavan", "title", True),
    ]


def test_a_story_of_two_feeds_is_one_row_with_two_sightings(demo):
    sightings = demo.query("""
        SELECT a.canonical_url, array_agg(s.origin ORDER BY s.origin) FROM sightings s
        JOIN articles a ON a.id = s.article_id WHERE s.source_id = a.source_id
        GROUP BY a.canonical_url HAVING count(*) > 1
    """)
    feeds = ["https://harbour-times.example/feeds/news.xml", "https://harbour-times.example/feeds/sport.xml"]
    assert sightings == [("https://harbour-times.example/news/regatta", feeds)]


def test_what_each_run_asks_of_the_apis(demo):
    runs = demo.query("""
        SELECT spider, stats->'spent'->spider->'calls', stats->'new', stats->'changed' FROM runs
        WHERE spider <> 'headlines' ORDER BY spider, started_at
    """)
    assert runs == [
        ("herring-index", 1, 30, 0),
        ("herring-index", 1, 0, 1),
        ("seven-seas-wire", 2, 10, 2),  # two of its stories are stored already
        ("seven-seas-wire", 1, 2, 1),
    ]
    assert demo.query("SELECT spider, value ? 'until' FROM cursors ORDER BY spider") == [
        ("herring-index", True),
        ("seven-seas-wire", True),
    ]


def test_a_story_of_a_feed_gets_its_text_from_the_wire(demo):
    stories = demo.query("""
        SELECT a.canonical_url, a.origin, a.field_origins->>'text', s.data
        FROM articles a JOIN sightings s ON s.article_id = a.id AND s.source_id <> a.source_id ORDER BY 1
    """)
    feed = "https://harbour-times.example/feeds/news.xml"
    assert stories == [
        ("https://harbour-times.example/news/reef-petrel", feed, "seven-seas-wire", {"words": 36}),
        ("https://harbour-times.example/news/storm-quill-harbour-wall", feed, "seven-seas-wire", {"words": 46}),
    ]


def test_the_index_is_a_series_whose_last_value_was_revised(demo):
    assert demo.query("SELECT source, name, unit, frequency FROM series") == [
        ("herring-index", "herring", "crowns per crate", "daily")
    ]
    assert demo.query("SELECT bool_and((value IS NULL) = (extract(isodow FROM time) = 7)) FROM observations") == [
        (True,)
    ]
    assert demo.query("""
        SELECT r.time = (SELECT max(time) FROM observations WHERE value IS NOT NULL),
            round((old - new)::numeric, 1) = 1.5
        FROM observation_revisions r
    """) == [(True, True)]


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


def scrapy(*arguments, **environment):
    command = [sys.executable, "-m", "scrapy", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, encoding="utf-8")


def test_the_status_shows_its_sources(demo):
    status = scrapy("sources", "--status", DATABASE_URL=demo.url)
    assert status.returncode == 0, status.stderr
    for told in ("https://kuestenbote.example/sport.atom", "https://voz-del-faro.example/portada.xml", WIRE, INDEX):
        assert told in status.stdout
    assert "voz-del-faro" not in scrapy("sources", "--status", "--country=fr", DATABASE_URL=demo.url).stdout


TABLES_LEFT = ["article_urls", "articles", "feeds", "rejects", "runs", "sightings", "sources"]
OTHERS = """
INSERT INTO sources (id, name) VALUES ('bbc', 'BBC');
INSERT INTO feeds (url, source_id) VALUES ('https://bbc.example/rss', 'bbc');
INSERT INTO rejects (id, source_id, item_type, reason) VALUES (gen_random_uuid(), 'bbc', 'Article', 'url: is missing');
INSERT INTO runs (id, spider, node, pid, stats)
    VALUES (gen_random_uuid(), 'headlines', 'here', 1, '{"sources": {"bbc": {}, "shiokaze": {}}}');
INSERT INTO sightings (article_id, source_id, origin, content_hash)
    SELECT id, 'bbc', 'https://bbc.example/rss', '' FROM articles WHERE source_id = 'shiokaze' LIMIT 1;
"""


def test_what_only_the_demo_brought_is_removed(demo):
    """The last test of this database: rows that another source brought too stay."""
    with closing(Database(demo.url, Path()).connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(OTHERS)
    done = scrapy("db", "drop-demo", DATABASE_URL=demo.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "articles: 108 deleted\n" in done.stdout
    rows = {name: demo.query(f"SELECT count(*) FROM {name}")[0][0] for name in metadata.tables}
    assert {name: number for name, number in rows.items() if number} == dict.fromkeys(TABLES_LEFT, 1)
    assert demo.query("SELECT id FROM sources") == [("bbc",)]


def test_the_database_of_a_user_is_left_alone(database_url, home, query):
    """Without further settings the demo stores in the embedded Postgres."""
    environment = {"DATABASE_URL": database_url, "NEWSBOT_HOME": str(home)}
    command = [sys.executable, "-m", "newsbot.sample.demo"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"The rows are in the embedded Postgres of {home}, not in DATABASE_URL." in done.stdout
    assert query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    (removal,) = (line for line in done.stdout.splitlines() if "drop-demo" in line)
    assert removal.startswith("DATABASE_URL= ")
    removed = scrapy("db", "drop-demo", **environment | {"DATABASE_URL": ""})
    assert "articles: 109 deleted" in removed.stdout
