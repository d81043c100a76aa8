"""Jobs, the fires that ask for them, and the nodes that run them: the rows that Scrapyd's parts hand around."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

PENDING, RUNNING = "pending", "running"
FINISHED, FAILED, KILLED = "finished", "failed", "killed"
OUT_OF_MEMORY, TIMED_OUT, CANCELLED, LOST = "out of memory", "timed out", "cancelled", "lost"
STOPPED = "stopped"  # not a state: asked to end because its Scrapyd stops; an unfinished job is requeued
BAD_ENDS = (FAILED, KILLED, OUT_OF_MEMORY, TIMED_OUT, LOST)  # the ends after which an entry's retries apply
STATES = (PENDING, RUNNING, FINISHED, CANCELLED, *BAD_ENDS)

TOKEN = "NEWSBOT_JOB_TOKEN"  # noqa: S105  the environment variable that holds a job's token

QUEUED, SKIPPED, MISSED = "queued", "skipped", "missed"
HEARTBEAT = 5  # seconds


class DuplicateError(ValueError):
    """The project has a job with that id."""


@dataclass(slots=True)
class Job:
    """A row of `jobs`; see `storage/tables.py`."""

    project: str
    id: str
    spider: str  # or the words of the command
    command: list[str] | None = None  # where it runs no spider: the words after `scrapy`
    version: str | None = None
    args: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    priority: float = 0.0
    asked_by: str = "api"
    schedule: str | None = None
    nominal_at: datetime | None = None
    retry_of: str | None = None
    retries: int = 0
    backoff: float = 0.0
    timeout: float | None = None
    wanted_node: str | None = None
    waits_for: dict[str, str] | None = None
    not_before: datetime | None = None
    queued_at: datetime | None = None
    state: str = PENDING
    token: str | None = None
    taken: int = 0
    node: str | None = None
    machine: str | None = None
    pid: int | None = None
    birth: str | None = None
    started_at: datetime | None = None
    asked_end: str | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    log_file: str | None = None
    items_file: str | None = None


class Mark(NamedTuple):
    """Up to where an entry is fired."""

    last_nominal_at: datetime
    paused: bool


@dataclass(slots=True)
class Fire:
    """A row of `fires`: the outcome of a nominal time."""

    schedule: str
    nominal_at: datetime
    outcome: str
    reason: str | None = None
    job: str | None = None
    node: str | None = None


@dataclass(slots=True)
class Active:
    """A job of an entry that has not ended."""

    project: str
    id: str
    schedule: str
    state: str
    nominal_at: datetime | None
    waits: bool  # for other entries


@dataclass(slots=True)
class Node:
    """A row of `nodes`. `birth` tells its process from a later one with the same number."""

    name: str
    machine: str
    pid: int
    birth: str
    slots: int
    clock_offset: float = 0.0  # seconds ahead of the database's
    silent: float = 0.0  # seconds since the last heartbeat
