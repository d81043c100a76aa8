"""The state of each feed: validators, failures, when it is due. One row a feed, one progress record a fetch."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from newsbot.batch import FeedProgress, FeedState, feed_name
from newsbot.limits import longest_rest

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from scrapy.settings import BaseSettings

# A row's times are bounded: one out of range (of Python's years, or infinite) heals.
_RESTING = """
feeds AS f
CROSS JOIN LATERAL (
    SELECT CASE WHEN fetched_at <= now() + interval '1 hour' THEN least(fetched_at, now())
                ELSE '-infinity' END AS asked_at,  -- by a clock that was wrong: it would rest until then
        coalesce(gone_since, gone_at) IS NOT NULL AS says_gone
) AS a
CROSS JOIN LATERAL (SELECT asked_at + make_interval(secs => %(rest_max)s) AS edge) AS e
CROSS JOIN LATERAL (
    SELECT greatest(
        CASE WHEN f.not_before > edge THEN edge ELSE f.not_before END,
        CASE WHEN coalesce(gone_since, gone_at) > now() - interval '7 days' THEN asked_at + interval '23 hours'
             WHEN says_gone THEN asked_at + interval '167 hours' END
    ) AS rests_until
) AS r
CROSS JOIN LATERAL (
    SELECT CASE WHEN rests_until > now() AND says_gone THEN 'not asked; answered 410'
            || CASE WHEN status = 410 THEN '' ELSE ' before, failed' END
            || to_char(asked_at, ' "at" YYYY-MM-DD HH24:MI TZ')
            || to_char(rests_until, '", next at" YYYY-MM-DD HH24:MI TZ')
        WHEN rests_until > now() THEN 'asked to be left alone until ' || to_char(rests_until, 'YYYY-MM-DD HH24:MI TZ')
        END AS rest
) AS t
"""

_READ = f"""
SELECT url, etag, last_modified, content_hash, fingerprint, status, problem, greatest(failures, 0),
    coalesce(entries, 0), interval, moved_to,
    gone_at IS NOT NULL AS gone, says_gone, rest,
    coalesce(due_at, '-infinity') <= now() OR due_at > now() + make_interval(secs => %(interval_max)s)
        OR fetched_at > now() + interval '1 hour' AS due,
    coalesce(full_at, '-infinity') <= now() - make_interval(secs => %(full_fetch_interval)s)
        OR full_at > now() + interval '1 hour' AS full_due,
    extract(epoch FROM fetched_at)::float AS fetched,
    extract(epoch FROM succeeded_at)::float AS succeeded, refused_runs
FROM {_RESTING}
WHERE url = ANY(%(urls)s)
"""  # noqa: S608  of a constant

# All times are the database's, so that nodes with different clocks agree. A fetch leaves alone what it does not report.
_WRITE = """
WITH n AS (
    SELECT * FROM json_to_recordset(%s) AS n(
        url text, source_id text, kind text, status int, problem text, ok bool, entries int, etag text,
        last_modified text, content_hash text, fingerprint text, interval int, due_in real, wait real,
        is_full bool, changed bool, moved_to text, gone bool, refused_runs int)
)
INSERT INTO feeds AS f (url, source_id, kind, status, problem, failures, entries, etag, last_modified, content_hash,
    fingerprint, interval, due_at, not_before, fetched_at, succeeded_at, full_at, changed_at, moved_to, gone_since,
    gone_times, refused_runs)
SELECT url, source_id, kind, status, problem, CASE WHEN ok THEN 0 ELSE 1 END, entries, etag, last_modified,
    content_hash, fingerprint, interval, now() + make_interval(secs => coalesce(due_in, interval)),
    now() + make_interval(secs => wait), now(),
    CASE WHEN ok THEN now() END, CASE WHEN is_full THEN now() END, CASE WHEN changed THEN now() END, moved_to,
    CASE WHEN gone THEN now() END, CASE WHEN gone THEN 1 ELSE 0 END, coalesce(refused_runs, 0)
FROM n ORDER BY url
ON CONFLICT (url) DO UPDATE SET
    refused_runs = coalesce((SELECT n.refused_runs FROM n WHERE n.url = f.url), f.refused_runs),
    source_id = EXCLUDED.source_id,
    kind = coalesce(EXCLUDED.kind, f.kind),
    status = EXCLUDED.status,
    problem = EXCLUDED.problem,
    failures = CASE WHEN EXCLUDED.failures = 0 THEN 0 ELSE least(f.failures, 1000000) + 1 END,
    entries = coalesce(EXCLUDED.entries, f.entries),
    etag = CASE WHEN EXCLUDED.content_hash IS NULL THEN f.etag ELSE EXCLUDED.etag END,
    last_modified = CASE WHEN EXCLUDED.content_hash IS NULL THEN f.last_modified ELSE EXCLUDED.last_modified END,
    content_hash = coalesce(EXCLUDED.content_hash, f.content_hash),
    fingerprint = coalesce(EXCLUDED.fingerprint, f.fingerprint),
    interval = coalesce(EXCLUDED.interval, f.interval),
    due_at = EXCLUDED.due_at,
    not_before = EXCLUDED.not_before,
    fetched_at = EXCLUDED.fetched_at,
    succeeded_at = coalesce(EXCLUDED.succeeded_at, f.succeeded_at),
    full_at = coalesce(EXCLUDED.full_at, f.full_at),
    changed_at = coalesce(EXCLUDED.changed_at, f.changed_at),
    moved_to = EXCLUDED.moved_to,
    gone_since = CASE WHEN EXCLUDED.failures > 0 THEN coalesce(f.gone_since, f.gone_at, EXCLUDED.gone_since) END,
    gone_times = CASE WHEN EXCLUDED.failures > 0 THEN least(f.gone_times, 1000000) + EXCLUDED.gone_times ELSE 0 END,
    gone_at = CASE WHEN EXCLUDED.failures > 0 THEN coalesce(f.gone_at,
        CASE WHEN least(f.gone_times, 1000000) + EXCLUDED.gone_times >= 3
            AND f.gone_since <= now() - interval '46 hours' THEN now() END) END
"""


LONGEST = 3e9  # seconds, a century: the database cannot hold a longer interval


def bounds(settings: "BaseSettings") -> dict[str, float]:
    """The seconds that the settings give `read`."""
    return {
        "full_fetch_interval": settings.getfloat("FEED_FULL_FETCH_INTERVAL"),
        "interval_max": settings.getfloat("FEED_INTERVAL_MAX"),
        "rest_max": longest_rest(settings),
    }


def read(
    cursor: "Cursor",
    urls: Sequence[str],
    full_fetch_interval: float,
    *,
    interval_max: float = LONGEST,
    rest_max: float = LONGEST,
) -> dict[str, FeedState]:
    """The state of each feed, by URL; a feed that was never fetched has the defaults.

    Upper bounds in seconds: between two full fetches; until a feed is due; until the end of a feed's rest.
    """
    bounds = {"full_fetch_interval": full_fetch_interval, "interval_max": interval_max, "rest_max": rest_max}
    values = {name: min(seconds, LONGEST) for name, seconds in bounds.items()}
    cursor.execute(_READ, values | {"urls": list(urls)})
    known = {row[0]: FeedState(*row) for row in cursor}
    return {url: known.get(url) or FeedState(url) for url in urls}


def write(cursor: "Cursor", progress: Iterable[FeedProgress]) -> None:
    """Save progress, in the caller's transaction. The last progress of a feed counts."""
    rows = {each.url: asdict(each) for each in progress}
    cursor.execute(_WRITE, (json.dumps(list(rows.values())),))


def forget(cursor: "Cursor", source_id: str, urls: Sequence[str] = ()) -> int:
    """Forget the state of a source's feeds, so that each is fetched as for the first time; returns how many there were.

    This includes the state of its `urls` that another source fetched last.
    """
    cursor.execute("DELETE FROM feeds WHERE source_id = %s OR url = ANY(%s)", (source_id, [*map(feed_name, urls)]))
    return cursor.rowcount


def sources(cursor: "Cursor") -> set[str]:
    """The ids of the sources whose feeds were fetched, of any catalogue."""
    cursor.execute("SELECT DISTINCT source_id FROM feeds")
    return {source_id for (source_id,) in cursor}


def overview(
    cursor: "Cursor", source_ids: Sequence[str], *, rest_max: float = LONGEST
) -> tuple[list[str], list[tuple]]:
    """The state of these sources' feeds: the column names, and a row for each feed; `rest_max` as for `read`."""
    cursor.execute(
        f"""
        SELECT source_id AS source, url AS feed,
            concat_ws('; ', CASE WHEN gone_at IS NOT NULL THEN 'gone (410)'
                 WHEN failures > 0 THEN coalesce(problem, status::text)
                 WHEN moved_to IS NOT NULL THEN 'moved to ' || moved_to
                 ELSE coalesce(problem, 'ok') END, rest) AS state,
            to_char(succeeded_at, 'YYYY-MM-DD HH24:MI TZ') AS last_success, failures, entries,
            make_interval(secs => interval)::text AS interval
        FROM {_RESTING} WHERE source_id = ANY(%(source_ids)s) ORDER BY source_id, url
        """,  # noqa: S608  of a constant
        {"source_ids": list(source_ids), "rest_max": min(rest_max, LONGEST)},
    )
    return [column.name for column in cursor.description], cursor.fetchall()
