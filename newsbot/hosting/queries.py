"""What the calls and the pages ask of the database, and tell it: each in a transaction of its own.

Raises `AwayError` while the database cannot be used.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsbot.hosting.sessions import sessions
from newsbot.job import Fire, Job, Mark, Node
from newsbot.storage import jobs, nodes, schedules

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

Last = tuple[Fire, str | None, str | None]  # the newest fire of an entry, with the state and the reason of its job


@dataclass(slots=True)
class Past:
    """What is known of entries of the schedule, by name."""

    marks: Mapping[str, Mark]
    lasts: Mapping[str, Last]


@dataclass(slots=True)
class Overview:
    """What the page shows, as of one moment."""

    past: Past
    running: list[Job]
    waiting: list[Job]
    waiting_in_all: int
    history: list[Job]
    nodes: list[str]


async def add(job: Job) -> None:
    """Queue it. Raises `DuplicateError` when its id is known in its project."""
    await sessions().do(lambda cursor: jobs.add(cursor, [job]))


async def find(job_id: str, project: str | None) -> Job | None:
    """The job of that id."""
    return await sessions().do(lambda cursor: jobs.find(cursor, job_id, project))


async def cancel(project: str, job_id: str, signal: str, reason: str) -> str | None:
    """End a pending job, or let its node send a running one the signal; the state it was in, None without one."""
    return await sessions().do(lambda cursor: jobs.cancel(cursor, project, job_id, signal, reason))


async def cancel_all(project: str, reason: str) -> None:
    """Cancel the pending jobs of a project."""
    await sessions().do(lambda cursor: jobs.cancel_all(cursor, project, reason))


async def counts() -> dict[str, int]:
    """How many jobs are pending, running and finished."""
    return await sessions().do(jobs.counts)


async def listed(keep: int, project: str | None = None) -> tuple[list[Job], list[Job], list[Job]]:
    """The pending and the running jobs, and the `keep` newest that ended."""
    return await sessions().do(
        lambda cursor: (
            jobs.waiting(cursor, project),
            jobs.running(cursor, project),
            jobs.ended(cursor, keep, project),
        )
    )


async def history(filters: Mapping[str, str | None], limit: int, offset: int) -> list[Job]:
    """Jobs of every state, the newest first."""
    return await sessions().do(lambda cursor: jobs.history(cursor, filters, limit, offset))


async def past(names: Collection[str]) -> Past:
    """What became of entries of the schedule."""
    return await sessions().do(lambda cursor: _past(cursor, names))


def _past(cursor: "Cursor", names: Collection[str]) -> Past:
    return Past(schedules.marks(cursor, names), schedules.last_fires(cursor, names))


async def pause(name: str, *, paused: bool) -> None:
    """Pause or resume an entry."""
    await sessions().do(lambda cursor: schedules.pause(cursor, [name], paused=paused))


async def known_nodes() -> dict[str, Node]:
    """All nodes by name."""
    return await sessions().do(nodes.known)


async def overview(
    names: Collection[str], filters: Mapping[str, str | None], *, waiting: int, history: int, offset: int
) -> Overview:
    """Entries of the schedule, and jobs: so many that wait, and so many of the history from `offset` on."""
    return await sessions().do(
        lambda cursor: Overview(
            past=_past(cursor, names),
            running=jobs.running(cursor),
            waiting=jobs.waiting(cursor, limit=waiting),
            waiting_in_all=jobs.count_waiting(cursor),
            history=jobs.history(cursor, filters, history, offset),
            nodes=list(nodes.known(cursor)),
        )
    )
