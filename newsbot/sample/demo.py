"""`python -m newsbot.sample.demo`: crawl the sample newsroom twice, on loopback, and show what is stored.

The rows stay where they are: in the embedded Postgres of NEWSBOT_HOME, or in the database of DATABASE_URL.
"""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.utils.project import get_project_settings
from tabulate import tabulate

from newsbot.sample.newsroom import FOLDER
from newsbot.sample.server import SampleServer, serving
from newsbot.storage.database import Database

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

LEAST_HEADLINES = 60
LEAST_REJECTS = 3

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
WHERE a.source_id = ANY(%s) AND r.revised_at >= (SELECT max(started_at) FROM runs) ORDER BY r.id
"""
_REJECTS = """
SELECT source_id AS source, field, reason, payload->>'title' AS title, times
FROM rejects WHERE source_id = ANY(%s) ORDER BY rejected_at, reason
"""

_EXAMPLE = "SELECT source_id, title FROM articles LIMIT 9"


def main() -> str | None:
    """Run the demo. Returns what went wrong, if anything did."""
    os.environ["SCRAPY_SETTINGS_MODULE"] = "newsbot.settings"  # so that it runs in any folder
    with serving() as server, resources.as_file(FOLDER / "catalogue.yaml") as catalogue:
        sources = [site.id for site in server.sites.values()]
        command = _command(server, catalogue, sources)
        print(f"The sample newsroom serves {len(sources)} made-up news sites on loopback. First crawl:\n", flush=True)
        if status := _run(command):
            return f"the first crawl failed with exit code {status}"
        server.next_edition()
        print("\nThe next edition is out, with edits and new stories. Second crawl:\n", flush=True)
        if status := _run(command):
            return f"the second crawl failed with exit code {status}"
    database = Database.from_settings(get_project_settings())
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        fault = _show(cursor, sources)
    print(_what_next(database))
    return fault


def _command(server: SampleServer, catalogue: Path, sources: list[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "scrapy", "crawl", "headlines", "--loglevel=WARNING"),
        *("-a", f"catalogue={catalogue}", "-a", f"sources={','.join(sources)}"),
        *("-s", f"STAND_INS={server.stand_ins}"),
    ]


def _run(command: list[str]) -> int:
    """The exit code. What the crawl says goes to standard output, so that all stands in order there."""
    return subprocess.run(command, stderr=subprocess.STDOUT, check=False).returncode  # noqa: S603


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
    print(f"\nWhat was refused (rejects)\n\n{_table(cursor, _REJECTS, sources)}\n")
    rejects = cursor.rowcount
    if headlines < LEAST_HEADLINES or rejects < LEAST_REJECTS:
        return (
            f"{headlines} headlines and {rejects} rejects are stored; "
            f"at least {LEAST_HEADLINES} and {LEAST_REJECTS} are right"
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
        (f"{scrapy} sources", "the news sites that newsbot knows"),
        (f"{scrapy} crawl headlines -a sources=bbc", "real headlines, over the network"),
        (f'{scrapy} db sql "{_EXAMPLE}"', "any read-only SQL"),
        (f"{python} -m newsbot.sample", "serves the sample newsroom, to crawl it yourself"),
    ]
    if embedded:
        commands.append((f"{scrapy} db stop", "stops the embedded Postgres; the rows stay"))
    return f"The rows are in {place}. What to try next:\n\n{tabulate(commands, tablefmt='plain')}"


if __name__ == "__main__":
    sys.exit(main())
