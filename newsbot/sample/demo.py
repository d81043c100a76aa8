"""`python -m newsbot.sample.demo`: crawl the sample newsroom twice, sites and APIs, and show what is stored.

The rows stay where they are: in the embedded Postgres of NEWSBOT_HOME, or in the database of DATABASE_URL.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.utils.project import get_project_settings
from tabulate import tabulate

from newsbot.sample.newsroom import files
from newsbot.sample.server import SampleServer, serving
from newsbot.storage.database import Database

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

LEAST_HEADLINES = 60
LEAST_REJECTS = 3

WIRE, INDEX = "seven-seas-wire", "herring-index"
LEAST_DISPATCHES = 10
LEAST_OBSERVATIONS = 20

_SOURCES = """
SELECT a.source_id AS source, count(*) AS headlines, max(a.language) AS language,
    to_char(max(published_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS newest,
    round(avg(sentiment)::numeric, 2) AS "mean sentiment", s.name
FROM articles a JOIN sources s ON s.id = a.source_id
WHERE a.source_id = ANY(%s) GROUP BY a.source_id, s.name ORDER BY a.source_id
"""
_NEWEST = """
SELECT to_char(published_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI') AS published, source_id AS source, title
FROM (SELECT DISTINCT ON (source_id) * FROM articles WHERE source_id = ANY(%s)
    ORDER BY source_id, published_at DESC NULLS LAST) newest
ORDER BY published_at DESC
"""
_SENTIMENT = """
SELECT to_char(sentiment, 'SG0.00') AS sentiment, source_id AS source, title
FROM (SELECT *, row_number() OVER (ORDER BY sentiment) AS low, row_number() OVER (ORDER BY sentiment DESC) AS high
    FROM articles WHERE source_id = ANY(%s) AND sentiment IS NOT NULL) ranked
WHERE low <= 3 OR high <= 3 ORDER BY ranked.sentiment
"""
_CHANGED = """
SELECT a.source_id, r.field, r.old, r.new FROM article_revisions r JOIN articles a ON a.id = r.article_id
WHERE a.source_id = ANY(%s) AND r.revised_at >= (SELECT max(started_at) FROM runs WHERE spider = 'headlines')
ORDER BY r.id
"""
_REJECTS = """
SELECT source_id AS source, field, reason, payload->>'title' AS title, times
FROM rejects WHERE source_id = ANY(%s) ORDER BY rejected_at, reason
"""
_APIS = """
SELECT api, "table", rows, revised, up_to AS "up to" FROM (
    SELECT s.source_id AS api, 'articles' AS "table", count(*) AS rows,
        count(*) FILTER (WHERE EXISTS (SELECT FROM article_revisions r WHERE r.article_id = a.id
            AND a.source_id = s.source_id)) AS revised,
        to_char(max(a.published_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS up_to
    FROM sightings s JOIN articles a ON a.id = s.article_id GROUP BY s.source_id
    UNION ALL
    SELECT s.source, 'observations', count(*), count(o.revised_at),
        to_char(max(o.time) AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    FROM observations o JOIN series s ON s.id = o.series_id GROUP BY s.source
) AS stored WHERE api = ANY(%s) ORDER BY api DESC
"""
_SHARED = """
SELECT a.source_id AS source, a.title, s.source_id AS "also brought by",
    left(a.text, 40) || '…' AS "whose text it has"
FROM articles a JOIN sightings s ON s.article_id = a.id
WHERE s.source_id = ANY(%s) AND a.source_id <> s.source_id AND a.field_origins->>'text' = s.origin ORDER BY a.title
"""
_SERIES = """
SELECT to_char(o.time AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, s.name, o.value, s.unit, r.old AS "was"
FROM observations o JOIN series s ON s.id = o.series_id
LEFT JOIN LATERAL (SELECT old FROM observation_revisions r WHERE r.series_id = o.series_id AND r.time = o.time
    ORDER BY r.id DESC LIMIT 1) r ON true
WHERE s.source = ANY(%s) ORDER BY o.time DESC LIMIT 5
"""

_EXAMPLE = "SELECT source_id, title FROM articles LIMIT 9"


def main() -> str | None:
    """Run the demo. Returns what went wrong, if anything did."""
    os.environ["SCRAPY_SETTINGS_MODULE"] = "newsbot.settings"  # so that it runs in any folder
    with serving() as server, files("catalogue.yaml", f"apis/{WIRE}.yaml", f"apis/{INDEX}.yaml") as (catalogue, *apis):
        sources = [site.id for site in server.sites.values()]
        commands = [
            _command(server, "headlines", f"catalogue={catalogue}", f"sources={','.join(sources)}"),
            *(_command(server, "api", f"config={api}") for api in apis),
        ]
        print(f"The sample newsroom serves {len(sources)} made-up news sites and two APIs on loopback. First crawl:\n")
        if status := _run(commands):
            return f"the first crawl failed with exit code {status}"
        server.next_edition()
        print("\nThe next edition is out, with edits and new stories. Second crawl:\n")
        if status := _run(commands):
            return f"the second crawl failed with exit code {status}"
    database = Database.from_settings(get_project_settings())
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        fault = _show(cursor, sources)
    print(_what_next(database))
    return fault


def _command(server: SampleServer, spider: str, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-m", "scrapy", "crawl", spider, "--loglevel=WARNING"),
        *(part for argument in arguments for part in ("-a", argument)),
        *("-s", f"STAND_INS={server.stand_ins}"),
    ]


def _run(commands: Iterable[list[str]]) -> int:
    """The first exit code that is not 0. What the crawls say goes to standard output, so that all stands in order."""
    for command in commands:
        sys.stdout.flush()
        status = subprocess.run(command, stderr=subprocess.STDOUT, check=False).returncode  # noqa: S603
        print()
        if status:
            return status
    return 0


def _show(cursor: "Cursor", sources: list[str]) -> str | None:
    """Print what is stored of these sources. Returns what is missing, if anything is."""
    cursor.execute("SELECT count(*) FROM articles WHERE source_id = ANY(%s)", (sources,))
    (headlines,) = cursor.fetchone()
    print(f"\nStored: {headlines} headlines (times in UTC; sentiment, from -1 to 1, of English titles)\n")
    print(_table(cursor, _SOURCES, sources))
    print(f"\nThe newest of each source\n\n{_table(cursor, _NEWEST, sources)}")
    print(f"\nThe gloomiest and the brightest\n\n{_table(cursor, _SENTIMENT, sources)}")
    print("\nWhat the second crawl found edited (article_revisions)")
    cursor.execute(_CHANGED, (sources,))
    for source, field, old, new in cursor:
        print(f"\n  {source}, {field}\n  - {old}\n  + {new}")
    fault = _show_apis(cursor)
    print(f"\nWhat was refused (rejects)\n\n{_table(cursor, _REJECTS, sources)}\n")
    rejects = cursor.rowcount
    if fault:
        return fault
    if headlines < LEAST_HEADLINES or rejects < LEAST_REJECTS:
        return (
            f"{headlines} headlines and {rejects} rejects are stored; "
            f"at least {LEAST_HEADLINES} and {LEAST_REJECTS} are right"
        )
    return None


def _show_apis(cursor: "Cursor") -> str | None:
    """Print what the APIs brought. Returns what is missing, if anything is."""
    print(f"\nWhat the APIs brought\n\n{_table(cursor, _APIS, [WIRE, INDEX])}")
    print(f"\nStories of a feed that the wire brought too: one row each\n\n{_table(cursor, _SHARED, [WIRE])}")
    print(f"\nThe index (observations; no value on a Sunday)\n\n{_table(cursor, _SERIES, [INDEX])}")
    cursor.execute(_APIS, ([WIRE, INDEX],))
    rows = {api: number for api, _, number, *_ in cursor}
    dispatches, observations = rows.get(WIRE, 0), rows.get(INDEX, 0)
    if dispatches < LEAST_DISPATCHES or observations < LEAST_OBSERVATIONS:
        return (
            f"{dispatches} dispatches and {observations} observations are stored; "
            f"at least {LEAST_DISPATCHES} and {LEAST_OBSERVATIONS} are right"
        )
    return None


def _table(cursor: "Cursor", query: str, sources: list[str]) -> str:
    cursor.execute(query, (sources,))
    return tabulate(cursor.fetchall(), [column.name for column in cursor.description], disable_numparse=True)


def _what_next(database: Database) -> str:
    embedded = database.home is not None
    place = f"the embedded Postgres of {database.home}" if embedded else database.safe_url
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    scrapy = "scrapy" if shutil.which("scrapy") else python.with_name("scrapy")
    commands = [
        (f"{scrapy} sources", "the news sites and APIs that newsbot knows"),
        (f"{scrapy} crawl headlines -a sources=bbc", "real headlines, over the network"),
        (f"{scrapy} sources --apis --status", "how the APIs fare: calls spent, up to where they are read"),
        (f"{scrapy} crawl frankfurter -a symbols=USD,GBP", "real exchange rates, over the network"),
        (f'{scrapy} db sql "{_EXAMPLE}"', "any read-only SQL"),
        (f"{python} -m newsbot.sample", "serves the sample newsroom, to crawl it yourself"),
    ]
    if embedded:
        commands.append((f"{scrapy} db stop", "stops the embedded Postgres; the rows stay"))
    return f"The rows are in {place}. What to try next:\n\n{tabulate(commands, tablefmt='plain')}"


if __name__ == "__main__":
    sys.exit(main())
