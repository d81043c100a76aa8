"""The sources that rows refer to; removes them with the rows that only they brought."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_WRITE = """
INSERT INTO sources AS s (id, name, country, language, homepage)
SELECT id, name, country, language, homepage
FROM json_to_recordset(%s) AS n(id text, name text, country text, language text, homepage text)
ORDER BY id
ON CONFLICT (id) DO UPDATE
SET name = EXCLUDED.name, country = EXCLUDED.country, language = EXCLUDED.language, homepage = EXCLUDED.homepage
WHERE (s.name, s.country, s.language, s.homepage)
    IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.country, EXCLUDED.language, EXCLUDED.homepage)
"""

_ARTICLES = """
SELECT coalesce(array_agg(id), '{}') FROM articles AS a WHERE source_id = ANY(%(sources)s) AND NOT EXISTS (
    SELECT FROM sightings AS s WHERE s.article_id = a.id AND s.source_id <> ALL(%(sources)s))
"""
_SERIES = "SELECT coalesce(array_agg(id), '{}') FROM series WHERE source = ANY(%(sources)s)"
# The rows that go, by table.
_GONE = {
    "articles": "id = ANY(%(articles)s)",
    "article_urls": "article_id = ANY(%(articles)s)",
    "article_revisions": "article_id = ANY(%(articles)s)",
    "sightings": "source_id = ANY(%(sources)s)",
    "series": "id = ANY(%(series)s)",
    "observations": "series_id = ANY(%(series)s)",
    "observation_revisions": "series_id = ANY(%(series)s)",
    "rejects": "source_id = ANY(%(sources)s)",
    "feeds": "source_id = ANY(%(sources)s)",
    "cursors": "spider = ANY(%(sources)s)",
    "quotas": "name = ANY(%(sources)s)",
    "spending": "quota = ANY(%(sources)s)",
    "runs": """stats->'sources' <> '{}' AND NOT EXISTS (
        SELECT FROM jsonb_object_keys(stats->'sources') AS read WHERE read <> ALL(%(sources)s))""",
    "sources": "id = ANY(%(sources)s)",
}


def write(cursor: "Cursor", sources: Iterable[Mapping[str, str | None]]) -> None:
    """Make the rows match the catalogue; writes only rows that differ."""
    cursor.execute(_WRITE, (json.dumps(list(sources)),))


def drop(cursor: "Cursor", sources: Sequence[str]) -> dict[str, int]:
    """Delete sources and what only they brought: articles, series, rejects, runs, states; returns each table's rows."""
    values: dict[str, Sequence[str]] = {"sources": sources}
    for name, query in (("articles", _ARTICLES), ("series", _SERIES)):
        cursor.execute(query, values)
        ((values[name],),) = cursor.fetchall()
    rows = {}
    for table, condition in _GONE.items():
        cursor.execute(f"DELETE FROM {table} WHERE {condition}", values)  # noqa: S608  of constants
        rows[table] = cursor.rowcount
    return rows
