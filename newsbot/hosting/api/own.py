"""newsbot's calls: the schedule, the history, health."""

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, field_validator
from scrapyd.website import Root
from twisted.internet.defer import DeferredLock, TimeoutError
from twisted.internet.threads import deferToThread
from twisted.web import http

from newsbot.hosting import claims, fires, queries
from newsbot.hosting.api import schemas
from newsbot.hosting.api.call import Call, Query, RefusedError
from newsbot.hosting.api.waiting import within
from newsbot.hosting.config import home
from newsbot.hosting.names import LONGEST_NAME, Name
from newsbot.hosting.queries import Last, Past
from newsbot.hosting.redaction import masked
from newsbot.hosting.schedule import Entry
from newsbot.hosting.sessions import AwayError, sessions
from newsbot.job import HEARTBEAT, QUEUED, STATES, Fire, Job, Mark, Node

if TYPE_CHECKING:
    from newsbot.hosting.scheduler import Scheduler

PAGE = 100  # jobs
MAX_PAGES = 100_000
CLOCK_OFF = 60.0  # seconds that a node's clock may differ from the database's
SILENT = 3 * HEARTBEAT  # seconds after which a node counts as silent
PATIENCE = 3.0  # seconds for the database to answer before it counts as away
LEAST_FREE = 512 << 20  # bytes: a few logs at their largest


# The schedule


NO_ENTRY = {http.NOT_FOUND: "The schedule has no such entry."}


class OfSchedule(Query):
    """The schedule belongs to one project."""

    project: Name = Field(claims.PROJECT, description=f"the project whose schedule this is: `{claims.PROJECT}`")

    @field_validator("project")
    @classmethod
    def _has_a_schedule(cls, project: str) -> str:
        if project != claims.PROJECT:
            raise ValueError(f"{project!r}: expected {claims.PROJECT!r}, the project of the schedule")
        return project


class Schedules(Call):
    """The entries of the schedule: when each fires next, when it fired last, and the result of that fire."""

    query = OfSchedule

    async def answer(self, query: Query) -> schemas.Schedule:
        """`schedules`, and the `faults` of the file, if it was last edited wrongly."""
        schedule = self.root.schedule
        entries, now = schedule.entries, schedule.now()
        rows = await deferToThread(described, entries, await queries.past(entries), now)
        return {"schedules": rows, "file": str(schedule.file), "faults": list(schedule.faults)}


def described(entries: Mapping[str, Entry], past: Past, now: datetime) -> list[schemas.Entry]:
    """Each entry with its past and its next time. Of many this takes a while: call it from a thread."""
    return [describe(entry, past.marks.get(name), past.lasts.get(name), now) for name, entry in entries.items()]


def describe(entry: Entry, mark: Mark | None, last: Last | None, now: datetime) -> schemas.Entry:
    """An entry with its past, as far as known, and its next time."""
    paused = bool(mark and mark.paused)
    following = next(islice(fires.after(entry, now), 1), None) if entry.enabled and not paused else None
    fire, state, reason = last or (None, None, None)
    return {
        "name": entry.name,
        "spider": entry.work,
        "command": list(entry.command) or None,
        "args": masked(entry.args),
        "times": entry.cron or (f"every {_written(entry.every)}" if entry.every else f"after {', '.join(entry.after)}"),
        "timezone": entry.timezone,
        "after": list(entry.after),
        "next_time": stamp(following),
        "last_time": stamp(fire.nominal_at) if fire else None,
        "last_state": state or (fire.outcome if fire else None),
        "last_job": fire.job if fire else None,
        "verdict": " ".join(
            filter(None, [state or (fire.outcome if fire else "never fired"), _in_brackets(fire, reason)])
        ),
        "paused": paused,
        "enabled": entry.enabled,
    }


def _written(seconds: float) -> str:
    """A duration as in the schedule file, such as 1h30m."""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number:.0f}{unit}")
    if seconds:
        parts.append(f"{seconds:g}s")
    return "".join(parts)


def _in_brackets(fire: Fire | None, reason: str | None) -> str | None:
    why = reason or (fire.reason if fire else None)
    return f"({why})" if why else None


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None


class Entries(OfSchedule):
    """An entry of the schedule, by name."""

    name: str = Field(description="the entry's name", max_length=64)


class EntryCall(Call):
    """The common part of the calls on one entry."""

    method = "POST"
    query = Entries
    errors = NO_ENTRY

    def entry(self, name: str) -> Entry:
        """Raises `RefusedError` for an entry that does not exist."""
        try:
            return self.root.schedule.entries[name]
        except KeyError:
            raise RefusedError(
                f"the schedule has no entry {name!r}; schedules.json lists them", http.NOT_FOUND
            ) from None


class Pause(EntryCall):
    """Stop firing an entry until it is resumed. Its times are recorded as skipped."""

    async def answer(self, query: Any) -> schemas.Pause:
        """Returns `name` and `paused`."""
        entry = self.entry(query.name)
        await queries.pause(entry.name, paused=True)
        return {"name": entry.name, "paused": True}


class Resume(EntryCall):
    """Fire a paused entry again, from its next time on."""

    async def answer(self, query: Any) -> schemas.Pause:
        """Returns `name` and `paused`."""
        entry = self.entry(query.name)
        await queries.pause(entry.name, paused=False)
        return {"name": entry.name, "paused": False}


class FireNow(EntryCall):
    """Run an entry now, out of turn, paused or not; while its job runs, `overlap` decides."""

    errors: ClassVar[Mapping[int, str]] = NO_ENTRY | {
        http.CONFLICT: "The entry skips while its job waits or runs; the message names the job."
    }

    async def answer(self, query: Any) -> schemas.Fired:
        """Returns `name` and `jobid`; refuses, with the reason, where the entry skips."""
        entry = self.entry(query.name)
        fire = await sessions().do(lambda cursor: claims.fire_now(cursor, entry, self.root.node_name))
        if fire.outcome != QUEUED:
            raise RefusedError(f"{entry.name} is {fire.outcome}: {fire.reason}", http.CONFLICT)
        self.root.poller.poll()
        return {"name": entry.name, "jobid": fire.job}


# History


class History(Call):
    """Jobs of every state, the newest first, by pages."""

    class query(Query):  # noqa: N801
        """Parameters."""

        project: Name | None = Field(None, description="only of this project")
        spider: str | None = Field(None, description="only of this spider", max_length=200)
        state: str | None = Field(None, description=f"only in this state: {', '.join(STATES)}", max_length=20)
        node: str | None = Field(None, description="only on this node", max_length=200)
        schedule: str | None = Field(None, description="only of this entry of the schedule", max_length=64)
        id: str | None = Field(None, description="only the job of this id", max_length=LONGEST_NAME)
        page: int = Field(1, description="from 1", ge=1, le=MAX_PAGES)
        limit: int = Field(PAGE, description="jobs on a page", ge=1, le=1000)

    async def answer(self, query: Any) -> schemas.History:
        """Returns `jobs`, `page`, and `next_page` where there are more."""
        if query.state is not None and query.state not in STATES:
            raise RefusedError(f"state {query.state!r}: expected one of {', '.join(STATES)}")
        filters = query.model_dump(include={"project", "spider", "state", "node", "schedule", "id"})
        offset = (query.page - 1) * query.limit
        found = await queries.history(filters, query.limit + 1, offset)
        return {
            "jobs": [told(job) for job in found[: query.limit]],
            "page": query.page,
            "next_page": query.page + 1 if len(found) > query.limit else None,
        }


def told(job: Job) -> schemas.Job:
    """A job in the history's form; times in UTC."""
    return {
        "id": job.id,
        "project": job.project,
        "spider": job.spider,
        "command": job.command,
        "version": job.version,
        "args": masked(job.args),
        "settings": masked(job.settings),
        "state": job.state,
        "exit_code": job.exit_code,
        "signal": job.signal,
        "reason": job.reason,
        "node": job.node,
        "pid": job.pid,
        "asked_by": job.asked_by,
        "schedule": job.schedule,
        "retry_of": job.retry_of,
        "nominal_time": stamp(job.nominal_at),
        "queued_time": stamp(job.queued_at),
        "start_time": stamp(job.started_at),
        "end_time": stamp(job.ended_at),
        "log": job.log_file,
        "items": job.items_file if _is_there(job.items_file) else None,
    }


def _is_there(file: str | None) -> bool:
    """Whether a job has written items: a file that this node has, or an address elsewhere."""
    return file is not None and ("://" in file or os.path.exists(file))


# Health


class Health(Call):
    """Whether all parts work: 200 when they do, 503 with the parts when one does not.

    The parts: `database`, `schedule` (the file's present state is in force, and due entries are looked for), `launcher`
    (slots in use), `clock` (of this node), `disk` (room for logs and eggs), `nodes` (names others that are silent or
    whose clock is off; they do not make this one unhealthy).
    """

    errors: ClassVar[Mapping[int, str]] = {http.SERVICE_UNAVAILABLE: "A part does not work: `parts` says which."}

    def __init__(self, root: Root) -> None:
        super().__init__(root)
        self._looking = DeferredLock()  # a database that hangs holds one thread, for any number of calls

    async def answer(self, query: Query) -> schemas.Health:
        """Returns `parts`: each with `ok` and a message."""
        parts = await self._parts()
        data = {"healthy": all(part["ok"] for part in parts.values()), "parts": parts}
        if not data["healthy"]:
            wrong = [f"{name}: {part['message']}" for name, part in parts.items() if not part["ok"]]
            raise RefusedError("; ".join(wrong), http.SERVICE_UNAVAILABLE, data)
        return data

    async def _parts(self) -> dict[str, schemas.Part]:
        launcher, schedule = self.root.launcher, self.root.schedule
        failure, others = await self._look()
        off = launcher.node.clock_offset
        return {
            "database": _part(failure is None, failure or "in reach"),
            "schedule": _schedule(schedule),
            "launcher": _part(True, f"{len(launcher.processes)} of {launcher.max_proc} slots in use"),
            "clock": _part(abs(off) < CLOCK_OFF, f"{off:+.1f} s from the database's, which is the one that counts"),
            "disk": _disk({home(), Path(self.root.logs_dir or home())}),
            "nodes": _part(True, _nodes(others)),
        }

    async def _look(self) -> tuple[str | None, list[Node]]:
        """The fault of the database, if any, and the other nodes on it."""
        try:
            known = await within(PATIENCE, self._looking.run(queries.known_nodes))
        except TimeoutError:
            return f"no answer within {PATIENCE:g} s", []
        except AwayError as error:
            return str(error), []
        own = known.pop(self.root.node_name, None)
        # A read-only or full one answers well enough.
        if own is None or own.silent > SILENT:
            return f"no heartbeat of this node was stored within {SILENT} s", list(known.values())
        return None, list(known.values())


def _schedule(schedule: "Scheduler") -> schemas.Part:
    ticked = time.monotonic() - schedule.ticked_at
    wrong = schedule.complaints()
    return _part(
        not wrong, "; ".join(wrong) or f"{len(schedule.entries)} entries; looked {ticked:.1f} s ago what is due"
    )


def _disk(folders: Iterable[Path]) -> schemas.Part:
    places = {next(each for each in (folder, *folder.parents) if each.exists()) for folder in folders}
    free, place = min((shutil.disk_usage(place).free, str(place)) for place in places)
    return _part(free >= LEAST_FREE, f"{free >> 20} MB free in {place}; expected at least {LEAST_FREE >> 20}")


def _nodes(others: Iterable[Node]) -> str:
    """The part on the other nodes."""
    told = []
    for node in others:
        if node.silent > SILENT:
            told.append(f"{node.name} silent for {node.silent:.0f} s")
        elif abs(node.clock_offset) >= CLOCK_OFF:
            told.append(f"{node.name} has its clock {node.clock_offset:+.0f} s off")
        else:
            told.append(f"{node.name} in service")
    return ", ".join(told) or "no other"


def _part(ok: bool, message: str) -> schemas.Part:
    return {"ok": ok, "message": message}
