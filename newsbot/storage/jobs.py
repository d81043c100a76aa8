"""The queue of jobs and the result of each, for all Scrapyds on one database.

A node claims a job with a token and a lease that the job's own process renews. When the lease has ended, the next
claim takes the job over, and the old process's transactions are refused from then on: `hold`.

All times are the database's, so that no node's clock matters.
"""

# ruff: noqa: S608  the statements take names of columns only

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json, execute_values

from newsbot.job import BAD_ENDS, CANCELLED, FINISHED, LOST, PENDING, RUNNING, STOPPED, DuplicateError, Job
from newsbot.storage.aged import Aged

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

LEASE = 30  # seconds; renewed every third of it
TAKINGS = 5  # claims of one job, before the job is suspected of bringing its nodes down
LONGEST_BACKOFF = 3600  # seconds
WRONG_USAGE = 2  # exit code of `scrapy` for a wrong argument, spider or setting
AGED = Aged("jobs", "ended_at")
forget = AGED.forget


class FencedError(Exception):
    """The job was taken over, or given up: this process may write nothing more for it."""


COLUMNS = ", ".join(f"jobs.{each.name}" + ("::text" * (each.name == "token")) for each in fields(Job))
_GIVEN = [each.name for each in fields(Job)[: [each.name for each in fields(Job)].index("queued_at")]]


def _jobs(cursor: "Cursor") -> list[Job]:
    """The rows that a statement with `COLUMNS` gave."""
    return [Job(*row) for row in cursor.fetchall()]


def _job(cursor: "Cursor") -> Job | None:
    """The first of them."""
    row = cursor.fetchone()
    return Job(*row) if row else None


# The queue


def add(cursor: "Cursor", jobs: Sequence[Job]) -> None:
    """Queue jobs. Raises `DuplicateError` when the project has a job with one's id."""
    rows = [[_plain(getattr(job, name)) for name in _GIVEN] for job in jobs]
    execute_values(
        cursor,
        f"INSERT INTO jobs ({', '.join(_GIVEN)}) VALUES %s ON CONFLICT DO NOTHING",
        rows,
        page_size=max(1, len(rows)),
    )
    if cursor.rowcount < len(jobs):
        cursor.execute("SELECT id FROM jobs WHERE id = ANY(%s)", ([job.id for job in jobs],))
        raise DuplicateError(f"there is a job {cursor.fetchone()[0]!r} already: give each job a unique id")


def _plain(value: Any) -> Any:
    return Json(value) if isinstance(value, dict) else value


def waiting(cursor: "Cursor", project: str | None = None, limit: int | None = None) -> list[Job]:
    """The pending jobs in the order of their claims; the first `limit`, or all."""
    cursor.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE state = 'pending' AND (%(project)s IS NULL OR project = %(project)s)"
        " ORDER BY priority DESC, queued_at, id LIMIT %(limit)s",
        {"project": project, "limit": limit},
    )
    return _jobs(cursor)


def count_waiting(cursor: "Cursor") -> int:
    """How many jobs are pending."""
    cursor.execute("SELECT count(*) FROM jobs WHERE state = 'pending'")
    return cursor.fetchone()[0]


def counts(cursor: "Cursor", project: str | None = None) -> dict[str, int]:
    """How many jobs are pending, running and ended (`finished`, in any state)."""
    cursor.execute(
        "SELECT CASE WHEN state IN ('pending', 'running') THEN state ELSE 'finished' END, count(*) FROM jobs"
        " WHERE %(project)s IS NULL OR project = %(project)s GROUP BY 1",
        {"project": project},
    )
    return {PENDING: 0, RUNNING: 0, FINISHED: 0} | dict(cursor.fetchall())


def release(cursor: "Cursor") -> None:
    """Release jobs that waited for other entries once those have finished well."""
    cursor.execute(
        """
        UPDATE jobs SET waits_for = NULL WHERE state = 'pending' AND waits_for IS NOT NULL AND NOT EXISTS (
            SELECT FROM jsonb_each_text(waits_for) AS named (entry, since) WHERE NOT EXISTS (
                SELECT FROM jobs AS done WHERE done.schedule = named.entry AND done.state = 'finished'
                AND done.nominal_at >= named.since::timestamptz))
        """
    )


def waits_only_for(cursor: "Cursor", after: Mapping[str, Collection[str]]) -> None:
    """Let the pending jobs of these entries wait only for the given entries, as after an edit of the schedule."""
    cursor.execute(
        "SELECT project, id, schedule, waits_for FROM jobs"
        " WHERE state = 'pending' AND waits_for IS NOT NULL AND schedule = ANY(%s)",
        (list(after),),
    )
    for project, job_id, entry, waits_for in cursor.fetchall():
        left = {name: since for name, since in waits_for.items() if name in after[entry]}
        if left != waits_for:
            cursor.execute(
                "UPDATE jobs SET waits_for = %s WHERE project = %s AND id = %s AND state = 'pending'",
                (Json(left) if left else None, project, job_id),
            )


def take(cursor: "Cursor", node: str, machine: str, projects: Collection[str]) -> Job | None:
    """Claim the next job for this node, with a new token; None when there is none.

    Jobs of one entry run one after the other: should two nodes claim at once, a unique index refuses the second.
    """
    cursor.execute(
        f"""
        UPDATE jobs SET state = 'running', node = %(node)s, machine = %(machine)s, token = gen_random_uuid(),
            taken = jobs.taken + 1, started_at = now(), lease_until = now() + make_interval(secs => %(lease)s),
            reason = NULL
        FROM (SELECT project, id FROM jobs WHERE state = 'pending' AND waits_for IS NULL
            AND (not_before IS NULL OR not_before <= now()) AND (wanted_node IS NULL OR wanted_node = %(node)s)
            AND project = ANY(%(projects)s) AND (schedule IS NULL OR NOT EXISTS (
                SELECT FROM jobs AS other WHERE other.schedule = jobs.schedule AND other.state = 'running'))
            ORDER BY priority DESC, queued_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
        WHERE jobs.project = next.project AND jobs.id = next.id RETURNING {COLUMNS}
        """,
        {"node": node, "machine": machine, "lease": LEASE, "projects": list(projects)},
    )
    return _job(cursor)


def give_back(cursor: "Cursor", token: str, reason: str, *, suspect: bool = True) -> bool:
    """Requeue a running job, or, after `TAKINGS` claims that make it `suspect`, end it as lost.

    Returns whether the token still held the job.
    """
    cursor.execute("SELECT taken, asked_end FROM jobs WHERE token = %s AND state = 'running' FOR UPDATE", (token,))
    row = cursor.fetchone()
    if row is None:
        return False
    taken, asked_end = row
    if asked_end == CANCELLED or taken >= TAKINGS + (not suspect):
        state = CANCELLED if asked_end == CANCELLED else LOST
        return end(cursor, token, state, reason=f"{reason}; taken {taken} times") is not None
    _close_run(cursor, token, LOST, None)
    cursor.execute(
        """
        UPDATE jobs SET state = 'pending', token = NULL, lease_until = NULL, node = NULL, machine = NULL, pid = NULL,
            birth = NULL, started_at = NULL, asked_end = NULL, stop_signal = NULL, exit_code = NULL, reason = %s,
            taken = taken - %s
        WHERE token = %s
        """,
        (reason, int(not suspect), token),
    )
    return True


# A running job


def register(cursor: "Cursor", token: str, pid: int, birth: str) -> bool:
    """A job notes its own process; returns whether the token still holds the job."""
    cursor.execute(
        "UPDATE jobs SET pid = %s, birth = %s, lease_until = now() + make_interval(secs => %s)"
        " WHERE token = %s AND state = 'running'",
        (pid, birth, LEASE, token),
    )
    return cursor.rowcount > 0


def renew(cursor: "Cursor", token: str) -> bool:
    """Renew the lease; returns whether the token still holds the job."""
    cursor.execute(
        "UPDATE jobs SET lease_until = now() + make_interval(secs => %s) WHERE token = %s AND state = 'running'",
        (LEASE, token),
    )
    return cursor.rowcount > 0


def hold(cursor: "Cursor", token: str) -> None:
    """Until this transaction ends nobody can take the job over. Raises `FencedError` when somebody has.

    The token has a unique index: changing it waits for this lock, renewing a lease does not.
    """
    cursor.execute("SELECT FROM jobs WHERE token = %s AND state = 'running' FOR KEY SHARE", (token,))
    if cursor.rowcount == 0:
        raise FencedError("this job was taken over by another process, or given up: nothing more is stored here")


def note_process(cursor: "Cursor", job: Job) -> datetime | None:
    """The starter notes a job's process and the files it writes; returns the end of the lease that the start gave."""
    cursor.execute(
        "UPDATE jobs SET pid = %s, birth = %s, log_file = %s, items_file = %s,"
        " lease_until = now() + make_interval(secs => %s) WHERE token = %s RETURNING lease_until",
        (job.pid, job.birth, job.log_file, job.items_file, LEASE, job.token),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def renew_start(cursor: "Cursor", token: str, lease_until: datetime) -> datetime | None:
    """The starter renews the lease of a job whose process still starts; None once the process renews it."""
    cursor.execute(
        "UPDATE jobs SET lease_until = now() + make_interval(secs => %s)"
        " WHERE token = %s AND state = 'running' AND lease_until = %s RETURNING lease_until",
        (LEASE, token, lease_until),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def note_exit(cursor: "Cursor", token: str, exit_code: int) -> None:
    """A job notes its own exit code, for a node that finds it ended and is not its parent."""
    cursor.execute("UPDATE jobs SET exit_code = %s WHERE token = %s AND state = 'running'", (exit_code, token))


def end(
    cursor: "Cursor",
    token: str,
    state: str,
    *,
    exit_code: int | None = None,
    signal: int | None = None,
    reason: str | None = None,
) -> Job | None:
    """Close a running job and, where its entry wants retries, requeue it. None when the token does not hold the job.

    A job whose exit code reports a wrong call would fail again in the same way, so it gets no retry.
    """
    cursor.execute(
        f"""
        UPDATE jobs SET state = %s, exit_code = %s, signal = %s, reason = coalesce(%s, reason), ended_at = now(),
            lease_until = NULL, stop_signal = NULL
        WHERE token = %s AND state = 'running' RETURNING {COLUMNS}
        """,
        (state, exit_code, signal, reason and reason.replace("\0", "\ufffd"), token),
    )
    job = _job(cursor)
    if job is None:
        return None
    _close_run(cursor, token, state, exit_code)
    if state in BAD_ENDS and exit_code != WRONG_USAGE:
        _retry(cursor, job)
    return job


def _retry(cursor: "Cursor", job: Job) -> None:
    if job.retries == 0:
        if job.retry_of:
            cursor.execute(
                "UPDATE jobs SET reason = concat_ws('; ', reason, 'no retry is left: given up') WHERE token = %s",
                (job.token,),
            )
        return
    again = Job(
        **{name: getattr(job, name) for name in _GIVEN if name not in ("id", "not_before", "waits_for")}
        | {
            "retry_of": job.id,
            "retries": job.retries - 1,
            "backoff": max(job.backoff, min(2 * job.backoff, LONGEST_BACKOFF)),
        },
        id=uuid.uuid4().hex,
    )
    add(cursor, [again])
    cursor.execute(
        "UPDATE jobs SET not_before = now() + make_interval(secs => %s) WHERE project = %s AND id = %s",
        (job.backoff, again.project, again.id),
    )


def _close_run(cursor: "Cursor", token: str, state: str, exit_code: int | None) -> None:
    """Write the end into the run's row where the run could not do so."""
    cursor.execute(
        """
        UPDATE runs SET finished_at = coalesce(finished_at, now()), finish_reason = %s,
            exit_code = coalesce(runs.exit_code, %s)
        FROM jobs WHERE jobs.token = %s AND runs.job = jobs.id
            AND (finished_at IS NULL OR finish_reason = 'killed')
        """,
        (state, exit_code, token),
    )


def finish_reason(cursor: "Cursor", token: str) -> str | None:
    """The end that the run of an ending job wrote down; None when it has no run or wrote none."""
    cursor.execute(
        """
        SELECT finish_reason FROM runs JOIN jobs ON runs.job = jobs.id
        WHERE jobs.token = %s AND runs.started_at >= jobs.started_at ORDER BY runs.started_at DESC LIMIT 1
        """,
        (token,),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def first_failure(cursor: "Cursor", token: str) -> str | None:
    """The first failure, or else the first remark, of a job's run; None when it has no run or no such line."""
    cursor.execute(
        """
        SELECT coalesce(stats->'failed'->>0, stats->'remarks'->>0) FROM runs JOIN jobs ON runs.job = jobs.id
        WHERE jobs.token = %s AND runs.started_at >= jobs.started_at ORDER BY runs.started_at DESC LIMIT 1
        """,
        (token,),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def asked_end(cursor: "Cursor", token: str) -> str | None:
    """The state with which a job was asked to end."""
    return _value(cursor, "asked_end", token)


def exit_code(cursor: "Cursor", token: str) -> int | None:
    """The exit code that a job has noted."""
    return _value(cursor, "exit_code", token)


def _value(cursor: "Cursor", column: str, token: str) -> Any:
    cursor.execute(f"SELECT {column} FROM jobs WHERE token = %s", (token,))
    row = cursor.fetchone()
    return row[0] if row else None


# Cancelling


def cancel(cursor: "Cursor", project: str, job_id: str, signal: str, reason: str = "asked for") -> str | None:
    """End a pending job, or let the node of a running one send the signal; returns the state it was in, or None.

    A job that was cancelled before is killed.
    """
    cursor.execute(
        """
        UPDATE jobs SET state = 'cancelled', ended_at = now(), reason = %s
        WHERE project = %s AND id = %s AND state = 'pending'
        """,
        (reason, project, job_id),
    )
    if cursor.rowcount:
        return PENDING
    cursor.execute(
        """
        UPDATE jobs SET asked_end = 'cancelled', reason = %s,
            stop_signal = CASE WHEN asked_end = 'cancelled' THEN 'KILL' ELSE %s END
        WHERE project = %s AND id = %s AND state = 'running'
        """,
        (reason, signal, project, job_id),
    )
    return RUNNING if cursor.rowcount else None


def stop_all(cursor: "Cursor", node: str) -> None:
    """Note that a node stops and asks its jobs to end: it may be killed before they have."""
    cursor.execute(
        "UPDATE jobs SET asked_end = %s WHERE state = 'running' AND node = %s AND asked_end IS NULL", (STOPPED, node)
    )


def cancel_all(cursor: "Cursor", project: str, reason: str) -> None:
    """End the pending jobs of a project as failed."""
    cursor.execute(
        "UPDATE jobs SET state = 'failed', ended_at = now(), reason = %s WHERE project = %s AND state = 'pending'",
        (reason, project),
    )


def signals_to_send(cursor: "Cursor", node: str) -> list[tuple[str, str]]:
    """Token and signal of each of the node's jobs that was asked to stop, once."""
    cursor.execute(
        """
        UPDATE jobs SET stop_signal = NULL FROM (SELECT token, stop_signal FROM jobs
            WHERE state = 'running' AND node = %s AND stop_signal IS NOT NULL FOR UPDATE) AS told
        WHERE jobs.token = told.token RETURNING jobs.token::text, told.stop_signal
        """,
        (node,),
    )
    return cursor.fetchall()


# Running jobs


def running(cursor: "Cursor", project: str | None = None) -> list[Job]:
    """The running jobs of all nodes."""
    cursor.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE state = 'running' AND (%(project)s IS NULL OR project = %(project)s)"
        " ORDER BY started_at, id",
        {"project": project},
    )
    return _jobs(cursor)


def adopt(cursor: "Cursor", token: str, node: str, old_node: str) -> bool:
    """Take over the watch of a job whose process lives on; returns whether no other node was first."""
    cursor.execute(
        "UPDATE jobs SET node = %s WHERE token = %s AND state = 'running' AND node = %s", (node, token, old_node)
    )
    return cursor.rowcount > 0


def overdue(cursor: "Cursor") -> list[str]:
    """The tokens of running jobs whose lease has ended."""
    cursor.execute("SELECT token::text FROM jobs WHERE state = 'running' AND lease_until < now()")
    return [token for (token,) in cursor]


# Jobs of every state


def find(cursor: "Cursor", job_id: str, project: str | None = None) -> Job | None:
    """A job by its id."""
    cursor.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE id = %(id)s AND (%(project)s IS NULL OR project = %(project)s) LIMIT 1",
        {"id": job_id, "project": project},
    )
    return _job(cursor)


def ended(cursor: "Cursor", limit: int, project: str | None = None) -> list[Job]:
    """The newest jobs that have ended."""
    cursor.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE ended_at IS NOT NULL AND (%(project)s IS NULL OR project = %(project)s)"
        " ORDER BY ended_at DESC LIMIT %(limit)s",
        {"project": project, "limit": limit},
    )
    return _jobs(cursor)


def history(cursor: "Cursor", filters: Mapping[str, str | None], limit: int, offset: int) -> list[Job]:
    """Jobs of every state, the newest first; `filters` by column, without those that are None."""
    given = {name: value for name, value in filters.items() if value is not None}
    where = "".join(f" AND jobs.{name} = %({name})s" for name in given)
    cursor.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE true{where} ORDER BY queued_at DESC, project, id"
        " LIMIT %(limit)s OFFSET %(offset)s",
        given | {"limit": limit, "offset": offset},
    )
    return _jobs(cursor)


def is_scheduled(cursor: "Cursor", token: str) -> bool:
    """Whether the schedule queued the job with this token."""
    cursor.execute("SELECT schedule IS NOT NULL FROM jobs WHERE token = %s", (token,))
    return any(row[0] for row in cursor)
