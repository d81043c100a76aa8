"""What the schedule's entries have fired, for all Scrapyds on one database.

A nominal time is fired once: an entry's row marks the time up to which all is fired or noted as skipped, and a node
that fires holds that row. After a restart, on a second node or a clock that was set back, it counts as fired.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg2.extras import execute_values

from newsbot.job import Active, Fire, Mark
from newsbot.storage.aged import Aged

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

AGED = Aged("fires", "fired_at")
forget = AGED.forget


def now(cursor: "Cursor") -> datetime:
    """The time of the database, whose clock all nodes use."""
    cursor.execute("SELECT now()")
    return cursor.fetchone()[0]


def enter(cursor: "Cursor", times: Mapping[str, str]) -> None:
    """Note the entries of a schedule, each with the words that its fire times follow from.

    A new entry, or one with changed times, begins now: it has missed nothing.
    """
    rows = sorted(times.items())
    if rows:
        execute_values(
            cursor,
            """
            INSERT INTO schedules (name, times, last_nominal_at) VALUES %s
            ON CONFLICT (name) DO UPDATE SET times = excluded.times,
                last_nominal_at = greatest(schedules.last_nominal_at, excluded.last_nominal_at)
            WHERE schedules.times <> excluded.times
            """,
            rows,
            template="(%s, %s, now())",
            page_size=len(rows),
        )


def marks(cursor: "Cursor", names: Collection[str], *, claim: bool = False) -> dict[str, Mark]:
    """The entries' marks. With `claim` no other node fires them until this transaction ends."""
    cursor.execute(
        "SELECT name, last_nominal_at, paused FROM schedules WHERE name = ANY(%s) ORDER BY name"  # noqa: S608
        + (" FOR UPDATE" if claim else ""),
        (list(names),),
    )
    return {name: Mark(*rest) for name, *rest in cursor}


def active(cursor: "Cursor", names: Collection[str]) -> list[Active]:
    """The entries' jobs that are pending or running."""
    cursor.execute(
        """
        SELECT project, id, schedule, state, nominal_at, waits_for IS NOT NULL FROM jobs
        WHERE state IN ('pending', 'running') AND schedule = ANY(%s) ORDER BY queued_at
        """,
        (list(names),),
    )
    return [Active(*row) for row in cursor]


def record(cursor: "Cursor", fires: Sequence[Fire]) -> None:
    """Note the outcomes of nominal times."""
    if fires:
        execute_values(
            cursor,
            "INSERT INTO fires (schedule, nominal_at, outcome, reason, job, node) VALUES %s ON CONFLICT DO NOTHING",
            [(each.schedule, each.nominal_at, each.outcome, each.reason, each.job, each.node) for each in fires],
            page_size=len(fires),
        )


def move(cursor: "Cursor", fires: Sequence[Fire]) -> None:
    """Move the entries' marks to their newest fires."""
    newest: dict[str, datetime] = {}
    for each in fires:
        newest[each.schedule] = max(each.nominal_at, newest.get(each.schedule, each.nominal_at))
    execute_values(
        cursor,
        """
        UPDATE schedules SET last_nominal_at = greatest(last_nominal_at, new.nominal_at)
        FROM (VALUES %s) AS new (name, nominal_at) WHERE schedules.name = new.name
        """,
        list(newest.items()),
        page_size=len(newest),
    )


def pause(cursor: "Cursor", names: Collection[str], *, paused: bool) -> list[str]:
    """Pause or resume entries; returns the names of those that exist."""
    cursor.execute("UPDATE schedules SET paused = %s WHERE name = ANY(%s) RETURNING name", (paused, list(names)))
    return sorted(name for (name,) in cursor)


def last_fires(cursor: "Cursor", names: Collection[str]) -> dict[str, tuple[Fire, str | None, str | None]]:
    """The newest fire of each entry, with the state and the reason of its job."""
    cursor.execute(
        """
        SELECT fire.schedule, fire.nominal_at, fire.outcome, fire.reason, fire.job, fire.node,
            job.state, job.reason
        FROM unnest(%s::text[]) AS entry (name)
        CROSS JOIN LATERAL (SELECT * FROM fires WHERE schedule = entry.name ORDER BY nominal_at DESC LIMIT 1) AS fire
        LEFT JOIN LATERAL (SELECT state, reason FROM jobs WHERE id = fire.job LIMIT 1) AS job ON true
        """,
        (list(names),),
    )
    return {row[0]: (Fire(*row[:6]), row[6], row[7]) for row in cursor}


def last_good(cursor: "Cursor", names: Collection[str]) -> dict[str, datetime]:
    """The newest nominal time of each entry whose job finished well."""
    cursor.execute(
        "SELECT schedule, max(nominal_at) FROM jobs WHERE schedule = ANY(%s) AND state = 'finished' GROUP BY schedule",
        (list(names),),
    )
    return {name: moment for name, moment in cursor if moment is not None}
