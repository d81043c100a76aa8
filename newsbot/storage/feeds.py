"""What is known of each feed: validators, how it fares, when it is due. One row a feed, one checkpoint a fetch."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from newsbot.items import Checkpoint

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_READ = """
SELECT url, etag, last_modified, content_hash, failures, entries, interval, moved_to,
    gone_at IS NOT NULL AS gone,
    not_before > now() AS waits,
    not_before,
    coalesce(due_at, '-infinity') <= now() OR fetched_at > now() + interval '1 hour' AS due,
    coalesce(full_at, '-infinity') <= now() - make_interval(secs => %s) AS full_due
FROM feeds WHERE url = ANY(%s)
"""

# Times are the database's own, so that two nodes with two clocks agree. A key that a checkpoint leaves out stays.
_WRITE = """
WITH n AS (
    SELECT * FROM json_to_recordset(%s) AS n(
        url text, source_id text, kind text, status int, problem text, ok bool, entries int, etag text,
        last_modified text, content_hash text, interval int, due_in real, wait real,
        is_full bool, changed bool, moved_to text, gone bool)
)
INSERT INTO feeds AS f (url, source_id, kind, status, problem, failures, entries, etag, last_modified, content_hash,
    interval, due_at, not_before, fetched_at, succeeded_at, full_at, changed_at, moved_to, gone_at)
SELECT url, source_id, kind, status, problem, CASE WHEN ok THEN 0 ELSE 1 END, entries, etag, last_modified,
    content_hash, interval, now() + make_interval(secs => coalesce(due_in, interval)),
    now() + make_interval(secs => wait), now(),
    CASE WHEN ok THEN now() END, CASE WHEN is_full THEN now() END, CASE WHEN changed THEN now() END, moved_to,
    CASE WHEN gone THEN now() END
FROM n ORDER BY url
ON CONFLICT (url) DO UPDATE SET
    source_id = EXCLUDED.source_id,
    kind = coalesce(EXCLUDED.kind, f.kind),
    status = EXCLUDED.status,
    problem = EXCLUDED.problem,
    failures = CASE WHEN EXCLUDED.failures = 0 THEN 0 ELSE f.failures + 1 END,
    entries = coalesce(EXCLUDED.entries, f.entries),
    etag = CASE WHEN EXCLUDED.content_hash IS NULL THEN f.etag ELSE EXCLUDED.etag END,
    last_modified = CASE WHEN EXCLUDED.content_hash IS NULL THEN f.last_modified ELSE EXCLUDED.last_modified END,
    content_hash = coalesce(EXCLUDED.content_hash, f.content_hash),
    interval = coalesce(EXCLUDED.interval, f.interval),
    due_at = EXCLUDED.due_at,
    not_before = EXCLUDED.not_before,
    fetched_at = EXCLUDED.fetched_at,
    succeeded_at = coalesce(EXCLUDED.succeeded_at, f.succeeded_at),
    full_at = coalesce(EXCLUDED.full_at, f.full_at),
    changed_at = coalesce(EXCLUDED.changed_at, f.changed_at),
    moved_to = EXCLUDED.moved_to,
    gone_at = EXCLUDED.gone_at
"""


@dataclass(slots=True)
class FeedState:
    """A feed's row, as far as a fetch needs it."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    content_hash: str | None = None
    failures: int = 0
    entries: int | None = None
    interval: int | None = None
    moved_to: str | None = None
    gone: bool = False
    waits: bool | None = False  # Retry-After is not over
    not_before: datetime | None = None
    due: bool = True
    full_due: bool = True


def read(cursor: "Cursor", urls: Sequence[str], full_fetch_interval: float) -> dict[str, FeedState]:
    """The state of each feed, by URL; a feed that was never fetched has the defaults."""
    cursor.execute(_READ, (full_fetch_interval, list(urls)))
    known = {row[0]: FeedState(*row) for row in cursor}
    return {url: known.get(url) or FeedState(url) for url in urls}


def write(cursor: "Cursor", checkpoints: Iterable[Checkpoint]) -> None:
    """Save progress, in the caller's transaction. The last checkpoint of a feed counts."""
    rows = {checkpoint.key: {"url": checkpoint.key, **checkpoint.columns} for checkpoint in checkpoints}
    cursor.execute(_WRITE, (json.dumps(list(rows.values())),))


def overview(cursor: "Cursor", source_ids: Sequence[str]) -> tuple[list[str], list[tuple]]:
    """How the feeds of these sources fare: the names of the columns, and a row a feed."""
    cursor.execute(
        """
        SELECT source_id AS source, url AS feed,
            CASE WHEN gone_at IS NOT NULL THEN 'gone (410)'
                 WHEN failures > 0 THEN coalesce(problem, status::text)
                 WHEN moved_to IS NOT NULL THEN 'moved to ' || moved_to
                 ELSE coalesce(problem, 'ok') END AS state,
            to_char(succeeded_at, 'YYYY-MM-DD HH24:MI TZ') AS last_success, failures, entries,
            make_interval(secs => interval)::text AS interval
        FROM feeds WHERE source_id = ANY(%s) ORDER BY source_id, url
        """,
        (list(source_ids),),
    )
    return [column.name for column in cursor.description], cursor.fetchall()
