"""One row a run: who ran what, when, and how it ended. The next run reports one that was killed."""

import json
import os
import socket
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from newsbot.storage.aged import Aged

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

# A run renews its heartbeat this often; one that is silent for `SILENCE` is dead, wherever it ran.
HEARTBEAT = 15
SILENCE = 300
AGED = Aged("runs", "started_at", "coalesce(finished_at, heartbeat_at) < {before}")  # not a run that still goes on

_here: set[str] = set()  # the open runs of this process, which may crawl with several spiders at once


class Killed(NamedTuple):
    """A run that ended without noting it."""

    id: str
    spider: str
    started_at: datetime
    items: int


def node() -> str:
    """The name of this machine."""
    return socket.gethostname()


def start(cursor: "Cursor", run_id: str, spider: str, job: str | None) -> list[Killed]:
    """Open the run's row and close those of killed runs, which are returned."""
    cursor.execute("SELECT id::text, pid FROM runs WHERE finished_at IS NULL AND node = %s", (node(),))
    dead = [id_ for id_, pid in cursor if not _lives(id_, pid)]
    cursor.execute(
        """
        UPDATE runs SET finished_at = now(), finish_reason = 'killed'
        WHERE finished_at IS NULL AND (id = ANY(%s::uuid[]) OR heartbeat_at < now() - make_interval(secs => %s))
        RETURNING id::text, spider, started_at, items
        """,
        (dead, SILENCE),
    )
    killed = [Killed(*row) for row in cursor]
    cursor.execute(
        "INSERT INTO runs (id, spider, job, node, pid) VALUES (%s, %s, %s, %s, %s)",
        (run_id, spider, job, node(), os.getpid()),
    )
    _here.add(run_id)
    return killed


def beat(cursor: "Cursor", run_id: str, stats: Mapping[str, Any]) -> None:
    """Renew the heartbeat and note the numbers so far: `items`, `rejected`, `errors`, and all of it as `stats`."""
    cursor.execute(
        "UPDATE runs SET heartbeat_at = now(), items = %s, rejected = %s, errors = %s, stats = %s WHERE id = %s",
        (*_totals(stats), json.dumps(stats), run_id),
    )


def finish(cursor: "Cursor", run_id: str, reason: str, exit_code: int, stats: Mapping[str, Any]) -> None:
    """Close the run's row."""
    cursor.execute(
        """
        UPDATE runs SET finished_at = now(), heartbeat_at = now(), finish_reason = %s, exit_code = %s,
            items = %s, rejected = %s, errors = %s, stats = %s
        WHERE id = %s
        """,
        (reason, exit_code, *_totals(stats), json.dumps(stats), run_id),
    )
    _here.discard(run_id)


def of_apis(cursor: "Cursor", apis: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str | None]]:
    """The state of each API, given with its runs' name: the end of its last run in words, and its last success.

    An API whose runs never ended is left out.
    """
    names, spiders = zip(*apis, strict=True)
    cursor.execute(
        """
        SELECT a.name,
            (SELECT CASE
                WHEN count(*) FILTER (WHERE ok) = 0 OR count(DISTINCT status) = 1 THEN min(status)
                WHEN bool_and(ok) THEN 'ok'
                ELSE format('%%s of %%s failed: %%s', count(*) FILTER (WHERE NOT ok), count(*),
                    min(status) FILTER (WHERE NOT ok)) END
             FROM jsonb_to_recordset(last.feeds) AS f(ok bool, status text)),
            to_char(good.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
        FROM unnest(%s::text[], %s::text[]) AS a(name, spider)
        CROSS JOIN LATERAL (
            SELECT r.stats #> ARRAY['sources', a.name, 'feeds'] AS feeds FROM runs r
            WHERE r.spider = a.spider AND r.stats->'sources' ? a.name ORDER BY r.started_at DESC LIMIT 1
        ) AS last
        LEFT JOIN LATERAL (
            SELECT r.finished_at FROM runs r
            WHERE r.spider = a.spider AND r.exit_code = 0
                AND r.stats #> ARRAY['sources', a.name, 'feeds'] @> '[{"ok": true}]'
            ORDER BY r.started_at DESC LIMIT 1
        ) AS good ON true
        """,
        (list(names), list(spiders)),
    )
    return {name: (state, succeeded) for name, state, succeeded in cursor}


def _totals(stats: Mapping[str, Any]) -> tuple[int, int, int]:
    return stats["new"] + stats["changed"] + stats["unchanged"], stats["rejected"], stats["errors"]


def _lives(run_id: str, pid: int) -> bool:
    """Whether a run of this machine may still go on. A run with our process number that is not ours does not: it ran
    before, in a container that was restarted."""
    if pid == os.getpid():
        return run_id in _here
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True
