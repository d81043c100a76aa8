"""Running jobs that nobody looks after: their Scrapyd, their machine or their own process is gone."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsbot.hosting import ends, processes
from newsbot.job import Job, Node
from newsbot.storage import jobs, nodes

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

logger = logging.getLogger(__name__)


@dataclass
class Survey:
    """The orphans found."""

    adopted: list[Job] = field(default_factory=list)  # their processes live; this node looks after them from now on
    lost: set[str] = field(default_factory=set)  # tokens of this node's jobs that were taken over


def survey(cursor: "Cursor", node: str, own: Collection[str], *, patient: bool) -> Survey:
    """Look at all running jobs; `own` are the tokens of this process's jobs.

    Jobs of this machine are known by their processes. For those of other machines there is only the lease, which is
    not judged while `patient`: after a time without the database nobody could renew it.
    """
    found = Survey(lost=set(own))
    alive = nodes.known(cursor)
    overdue = set(jobs.overdue(cursor))
    for job in jobs.running(cursor):
        found.lost.discard(job.token)
        if job.token in own or _is_looked_after(job, node, alive):
            continue
        here = job.machine == processes.machine() and job.pid is not None
        if here and processes.lives(job.pid, job.birth):
            if jobs.adopt(cursor, job.token, node, job.node):
                found.adopted.append(job)
        elif here:
            ends.close_orphan(cursor, job)
        elif job.token in overdue and not patient and jobs.give_back(cursor, job.token, f"{job.node} is gone with it"):
            logger.warning("Job %s of %s is requeued: its lease on %s has ended", job.id, job.spider, job.node)
    return found


def _is_looked_after(job: Job, node: str, alive: dict[str, Node]) -> bool:
    """Whether another Scrapyd of this machine has it. For one elsewhere the lease decides."""
    owner = alive.get(job.node)
    return (
        owner is not None
        and owner.name != node
        and owner.machine == job.machine == processes.machine()
        and processes.lives(owner.pid, owner.birth)
    )
