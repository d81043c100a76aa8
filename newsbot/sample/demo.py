"""`python -m newsbot.sample.demo`: crawl the sites and APIs of the sample newsroom twice, and show the stored rows.

The rows go into the embedded Postgres of NEWSBOT_HOME, or with --database-url into the database of DATABASE_URL.
"""

import argparse
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

from newsbot.sample.newsroom import APIS, INDEX, WIRE, files
from newsbot.sample.server import SampleServer, serving
from newsbot.storage.database import Database

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

LEAST_HEADLINES = 60
LEAST_REJECTS = 3
LEAST_DISPATCHES = 10
LEAST_OBSERVATIONS = 20

_COUNTS = """
SELECT format('%%s new, %%s changed, %%s unchanged, %%s refused', sum((stats->>'new')::int),
    sum((stats->>'changed')::int), sum((stats->>'unchanged')::int), sum(rejected))
FROM (SELECT DISTINCT ON (spider) * FROM runs WHERE spider = ANY(%s) ORDER BY spider, started_at DESC) AS newest
"""
_SOURCES = """
SELECT source_id AS source, count(*) AS headlines, max(language) AS lang,
    to_char(max(published_at) AT TIME ZONE 'UTC', 'MM-DD HH24:MI') AS newest,
    coalesce(to_char(avg(sentiment), 'SG0.00'), '') AS sentiment,
    left((array_agg(title ORDER BY published_at DESC NULLS LAST))[1], 60) AS "newest title"
FROM articles WHERE source_id = ANY(%s) GROUP BY source_id ORDER BY source_id
"""
_CHANGED = """
SELECT r.old, r.new FROM article_revisions r JOIN articles a ON a.id = r.article_id
WHERE a.source_id = ANY(%s) AND r.field = 'title' AND a.language = 'en' ORDER BY r.id DESC LIMIT 1
"""
_FEEDS = """
SELECT url || CASE WHEN failures > 0 THEN ': ' || problem ELSE ' moved to ' || moved_to END FROM feeds
WHERE source_id = ANY(%s) AND (failures > 0 OR moved_to IS NOT NULL) ORDER BY url
"""
_REJECTS = """
SELECT source_id AS source, field, reason, left(payload->>'title', 24) AS title, times
FROM rejects WHERE source_id = ANY(%s) ORDER BY rejected_at, reason
"""
_APIS = """
SELECT api, "table", rows, revised, up_to AS "up to", calls AS "calls today" FROM (
    SELECT s.source_id AS api, 'articles' AS "table", count(*) AS rows,
        count(*) FILTER (WHERE EXISTS (SELECT FROM article_revisions r WHERE r.article_id = a.id
            AND a.source_id = s.source_id)) AS revised,
        to_char(max(a.published_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS up_to
    FROM sightings s JOIN articles a ON a.id = s.article_id GROUP BY s.source_id
    UNION ALL
    SELECT s.source, 'observations', count(*), count(o.revised_at),
        to_char(max(o.time) AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    FROM observations o JOIN series s ON s.id = o.series_id GROUP BY s.source
) AS stored
LEFT JOIN LATERAL (
    SELECT calls FROM spending WHERE quota = api AND period = 'day' ORDER BY starts_at DESC LIMIT 1
) AS spent ON true
WHERE api = ANY(%s) ORDER BY api DESC
"""
_EXAMPLE = "SELECT source_id, title FROM articles LIMIT 9"


def main() -> str | None:
    """Run the demo. Returns the error, if any."""
    parser = argparse.ArgumentParser(prog="python -m newsbot.sample.demo", description="Crawl the sample newsroom.")
    parser.add_argument("--database-url", action="store_true", help="store in the database of DATABASE_URL")
    asked = parser.parse_args().database_url
    os.environ["SCRAPY_SETTINGS_MODULE"] = "newsbot.settings"  # so that it runs in any folder
    settings = get_project_settings()
    avoided = bool(settings["DATABASE_URL"]) and not asked
    if avoided:
        settings.set("DATABASE_URL", "", "cmdline")
        os.environ["DATABASE_URL"] = ""  # for the crawls
    database = Database.from_settings(settings)
    with serving() as server, files("catalogue.yaml", *(f"apis/{api}.yaml" for api in APIS)) as (catalogue, *apis):
        sources = [site.id for site in server.sites.values()]
        commands = [
            _command(server, "headlines", f"catalogue={catalogue}", f"sources={','.join(sources)}"),
            *(_command(server, "api", f"config={api}") for api in apis),
        ]
        print(f"The sample newsroom serves {len(sources)} made-up news sites and two APIs on this machine.")
        for crawl in ("First crawl", "Second crawl, of the next edition"):
            print(f"{crawl}: ", end="", flush=True)
            if fault := _run(commands):
                return fault
            print(_counts(database))
            server.next_edition()
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        fault = _show(cursor, sources)
    print(_what_next(database, "DATABASE_URL= " if avoided else ""))
    return fault


def _command(server: SampleServer, spider: str, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-m", "scrapy", "crawl", spider, "--loglevel=WARNING"),
        *(part for argument in arguments for part in ("-a", argument)),
        *("-s", f"STAND_INS={server.stand_ins}"),
    ]


def _run(commands: Iterable[list[str]]) -> str | None:
    """Run commands until one fails. Returns its exit code and output."""
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603
        if done.returncode:
            return f"failed with exit code {done.returncode}\n\n{done.stdout}"
    return None


def _counts(database: Database) -> str:
    """The counts of the newest runs, in total."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(_COUNTS, (["headlines", *APIS],))
        ((counts,),) = cursor.fetchall()
    return str(counts)


def _show(cursor: "Cursor", sources: list[str]) -> str | None:
    """Print the stored rows of these sources and of the APIs. Returns a message if rows are missing."""
    cursor.execute("SELECT count(*) FROM articles WHERE source_id = ANY(%s)", (sources,))
    ((headlines,),) = cursor.fetchall()
    print(f"\nStored: {headlines} headlines (times in UTC; sentiment, from -1 to 1, of English titles)\n")
    print(_table(cursor, _SOURCES, sources))
    print("\nA headline that the second crawl found edited (article_revisions)")
    cursor.execute(_CHANGED, (sources,))
    for old, new in cursor:
        print(f"- {old}\n+ {new}")
    print("\nFeeds that failed or moved (feeds)")
    cursor.execute(_FEEDS, (sources,))
    for (line,) in cursor:
        print(line)
    print(f"\nRefused (rejects)\n{_table(cursor, _REJECTS, sources)}")
    rejects = cursor.rowcount
    print(f"\nBrought by the APIs (articles, observations)\n{_table(cursor, _APIS, list(APIS))}\n")
    cursor.execute(_APIS, (list(APIS),))
    brought = {api: rows for api, _, rows, *_ in cursor}
    least = (
        ("headlines", headlines, LEAST_HEADLINES),
        ("rejects", rejects, LEAST_REJECTS),
        ("dispatches", brought.get(WIRE, 0), LEAST_DISPATCHES),
        ("observations", brought.get(INDEX, 0), LEAST_OBSERVATIONS),
    )
    missing = [f"{rows} {what} stored, expected at least {right}" for what, rows, right in least if rows < right]
    return "; ".join(missing) or None


def _table(cursor: "Cursor", query: str, sources: list[str]) -> str:
    cursor.execute(query, (sources,))
    return tabulate(cursor.fetchall(), [column.name for column in cursor.description], disable_numparse=True)


def _what_next(database: Database, prefix: str) -> str:
    """The place of the rows and further commands; `prefix` makes a command use that database."""
    place = f"the embedded Postgres of {database.home}" if database.home is not None else database.safe_url
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    scrapy = "scrapy" if shutil.which("scrapy") else python.with_name("scrapy")
    commands = [
        (f'{prefix}{scrapy} db sql "{_EXAMPLE}"', "any read-only SQL"),
        (f"{prefix}{scrapy} sources --status", "the status of the feeds and APIs"),
        (f"{prefix}{scrapy} db drop-demo", "removes the rows of the demo"),
        (f"{scrapy} crawl headlines -a sources=bbc", "real headlines, over the network"),
    ]
    avoided = ", not in DATABASE_URL" if prefix else ""
    return f"The rows are in {place}{avoided}. What to try next:\n{tabulate(commands, tablefmt='plain')}"


if __name__ == "__main__":
    sys.exit(main())
