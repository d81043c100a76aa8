"""The queries of the documents read no large table whole: by their plans, on tables of many rows."""

import json
import re
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from newsbot.storage import runs
from newsbot.storage.database import Database
from newsbot.storage.upgrade import upgrade

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LARGE = 5_000  # rows of a table above which a query must not read it whole

_BLOCK = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r'scrapy db sql "([^"]+)"')
# A name that a query asks for is one of 60; all others are as common.
_FILL = """
INSERT INTO articles (id, url, canonical_url, source_id, title, published_at, content_hash, origin, origin_rank,
    first_seen_at, field_origins)
SELECT md5(n::text)::uuid, 'https://site.example/' || n, 'https://site.example/' || n, name.value, 'Title ' || n,
    timestamptz '2026-01-01Z' + n * interval '1 minute', md5(n::text), 'feed', 30,
    timestamptz '2026-01-01Z' + n * interval '1 minute',
    CASE n %% 50 WHEN 0 THEN '{"summary": "api"}'::jsonb ELSE '{}' END
FROM generate_series(1, 30000) n JOIN names name ON name.number = n %% 60;
INSERT INTO article_urls (url, article_id) SELECT url, id FROM articles;
INSERT INTO sightings (article_id, source_id, origin, content_hash)
SELECT id, source_id, origin, content_hash FROM articles UNION ALL
SELECT id, source_id, 'api', content_hash FROM articles WHERE field_origins <> '{}';
INSERT INTO article_revisions (article_id, field, old, new) SELECT id, 'title', 'Old', title FROM articles LIMIT 10000;

INSERT INTO series (id, source, name) SELECT md5(value || ' ' || n)::uuid, value,
    CASE n WHEN 1 THEN 'EUR/USD' ELSE 'story/' || n || '/points' END
FROM names CROSS JOIN generate_series(1, 5) n;
INSERT INTO observations (series_id, time, value)
SELECT id, timestamptz '2026-01-01Z' + n * interval '1 hour', n FROM series CROSS JOIN generate_series(1, 200) n;
INSERT INTO observation_revisions (series_id, time, old, new)
SELECT series_id, time, 1, value FROM observations LIMIT 20000;

INSERT INTO records (id, dataset, key, data, source_id)
SELECT md5(value || ' ' || n)::uuid, value, n::text, '{"pl_rade": "1.5", "voix": "7", "departement": "2A"}', value
FROM names CROSS JOIN generate_series(1, 500) n;
INSERT INTO record_revisions (record_id, old, new) SELECT id, '{}', '{}' FROM records LIMIT 10000;
INSERT INTO spending (quota, period, starts_at, calls)
SELECT value || '/key', 'hour', timestamptz '2026-01-01Z' + n * interval '1 hour', 1
FROM names CROSS JOIN generate_series(1, 200) n;
INSERT INTO rejects (id, item_type, reason, last_seen_at)
SELECT gen_random_uuid(), 'Article', 'no title', now() - n * interval '1 hour' FROM generate_series(1, 10000) n;
INSERT INTO runs (id, spider, node, pid, started_at, finished_at, finish_reason)
SELECT gen_random_uuid(), 'headlines', %s, 1, now() - n * interval '5 minutes',
    now() - n * interval '5 minutes', 'finished'
FROM generate_series(1, 20000) n;
INSERT INTO jobs (project, id, spider, asked_by, state, ended_at)
SELECT 'newsbot', n::text, 'headlines', 'api', 'finished', now() FROM generate_series(1, 10000) n;
INSERT INTO fires (schedule, nominal_at, outcome)
SELECT 'headlines', now() - n * interval '5 minutes', 'queued' FROM generate_series(1, 10000) n;
"""


def queries():
    """Each statement of the documents, by page."""
    for page in PAGES:
        text = page.read_text("utf-8")
        found = [part for block in _BLOCK.findall(text) for part in block.split(";")] + _COMMAND.findall(text)
        for statement in filter(None, (" ".join(each.split()) for each in found)):
            if statement != "SELECT ...":
                yield pytest.param(statement, id=f"{page.relative_to(ROOT)}: {statement[:60]}")


def names():
    """60 names, with those in the documents."""
    asked = {name for page in PAGES for name in re.findall(r"= '([a-z][\w-]+)'", page.read_text("utf-8"))}
    return [*sorted(asked), *(f"other{number}" for number in range(60 - len(asked)))]


@pytest.fixture(scope="module")
def filled(new_database):
    """A connection to a database with many rows in each table."""
    with new_database() as url, closing(Database(url, Path()).connect()) as connection:
        upgrade(connection)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE names (number, value) AS SELECT row_number() OVER () - 1, v FROM unnest(%s) v",
                (names(),),
            )
            cursor.execute(_FILL, (runs.node(),))
            cursor.execute("DROP TABLE names")
            cursor.execute("VACUUM ANALYZE")
        connection.autocommit = False
        yield connection
        connection.rollback()


@pytest.fixture
def cursor(filled):
    with filled.cursor() as cursor:
        yield cursor
    filled.rollback()


def read_rows(plan):
    """Rows that the plan read of each table, whether it kept them or not."""
    loops = plan["Actual Loops"]
    if "Relation Name" in plan:
        left_out = sum(rows for key, rows in plan.items() if key.startswith("Rows Removed by"))
        yield plan["Relation Name"], plan["Node Type"], (plan["Actual Rows"] + left_out) * loops
    for below in plan.get("Plans", ()):
        yield from read_rows(below)


def test_the_documents_have_queries():
    assert len(list(queries())) > 15


@pytest.mark.parametrize("statement", list(queries()))
def test_a_query_of_the_documents_reads_no_large_table_whole(cursor, statement):
    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
    plan = cursor.fetchone()[0][0]["Plan"]
    if "WHERE" not in statement and "LIMIT" not in statement:  # it asks for all there is
        return
    for table, node, rows in read_rows(plan):
        cursor.execute(f"SELECT count(*) FROM {table}")
        (there,) = cursor.fetchone()
        if there >= LARGE:
            assert node != "Seq Scan", json.dumps(plan, indent=1)
            assert rows <= there / 10, f"{rows:.0f} of {there} rows of {table}: {json.dumps(plan, indent=1)}"


def test_the_start_of_a_run_does_not_read_all_runs(cursor):
    cursor.execute(
        "INSERT INTO runs (id, spider, node, pid) VALUES (gen_random_uuid(), 'headlines', %s, 0)", (runs.node(),)
    )
    cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'runs'")
    before = cursor.fetchone()
    runs.start(cursor, str(uuid.uuid4()), "headlines", None)
    cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'runs'")
    assert cursor.fetchone() == before
