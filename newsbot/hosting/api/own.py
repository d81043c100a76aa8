"""newsbot's calls: the schedule, the history, health."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from pydantic import Field
from twisted.internet.threads import deferToThread
from twisted.web import http

from newsbot.hosting import claims, fires
from newsbot.hosting.api.base import Call, Query, RefusedError
from newsbot.hosting.names import Name
from newsbot.hosting.schedule import Entry
from newsbot.hosting.secrets import masked
from newsbot.hosting.sessions import sessions
from newsbot.storage import jobs, nodes, schedules
from newsbot.storage.jobs import STATES, Job
from newsbot.storage.schedules import QUEUED, Fire, Mark

PAGE = 100  # jobs
MAX_PAGES = 100_000
CLOCK_OFF = 60.0  # seconds that a node's clock may differ from the database's


# The schedule


class Schedules(Call):
    """The entries of the schedule: when each fires next, when it did last, and what came of that."""

    async def answer(self, query: Query) -> dict[str, Any]:
        """`schedules`, and the `faults` of the file, if it was edited wrongly since."""
        schedule = self.root.schedule
        rows = await deferToThread(described, schedule.entries, schedule.now())
        return {"schedules": rows, "file": str(schedule.file), "faults": list(schedule.faults)}


def described(entries: Mapping[str, Entry], now: datetime) -> list[dict[str, Any]]:
    """Each entry with its past and its next time. Waits for the database: call it from a thread."""

    def work(cursor: Any) -> tuple[dict[str, Mark], dict[str, tuple[Fire, str | None, str | None]]]:
        return schedules.marks(cursor, entries), schedules.last_fires(cursor, entries)

    marks, lasts = sessions().transaction(work)
    return [_described(entry, marks.get(name), lasts.get(name), now) for name, entry in entries.items()]


def _described(
    entry: Entry, mark: Mark | None, last: tuple[Fire, str | None, str | None] | None, now: datetime
) -> dict[str, Any]:
    paused = bool(mark and mark.paused)
    following = next(islice(fires.after(entry, now), 1), None) if entry.enabled and not paused else None
    fire, state, reason = last or (None, None, None)
    return {
        "name": entry.name,
        "spider": entry.spider,
        "args": masked(entry.args),
        "times": entry.cron or (f"every {entry.every:g}s" if entry.every else f"after {', '.join(entry.after)}"),
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


def _in_brackets(fire: Fire | None, reason: str | None) -> str | None:
    why = reason or (fire.reason if fire else None)
    return f"({why})" if why else None


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None


class Entries(Query):
    """An entry of the schedule, by name."""

    project: Name = Field("newsbot", description="the project, as `newsbot`")
    name: str = Field(description="the entry's name", max_length=64)


class EntryCall(Call):
    """What calls for one entry share."""

    method = "POST"
    query = Entries

    def entry(self, name: str) -> Entry:
        """Raises `RefusedError` for one that is not there."""
        try:
            return self.root.schedule.entries[name]
        except KeyError:
            raise RefusedError(
                f"the schedule has no entry {name!r}; schedules.json lists them", http.NOT_FOUND
            ) from None


class Pause(EntryCall):
    """Fire an entry no more until it is resumed. Its times are told as skipped."""

    async def answer(self, query: Any) -> dict[str, Any]:
        """`name` and `paused`."""
        entry = self.entry(query.name)
        await sessions().do(lambda cursor: schedules.pause(cursor, [entry.name], paused=True))
        return {"name": entry.name, "paused": True}


class Resume(EntryCall):
    """Fire a paused entry again, from its next time on."""

    async def answer(self, query: Any) -> dict[str, Any]:
        """`name` and `paused`."""
        entry = self.entry(query.name)
        await sessions().do(lambda cursor: schedules.pause(cursor, [entry.name], paused=False))
        return {"name": entry.name, "paused": False}


class FireNow(EntryCall):
    """Run an entry now, out of turn, paused or not; while its job runs, `overlap` decides."""

    async def answer(self, query: Any) -> dict[str, Any]:
        """`name` and `jobid`; refused, with the reason, where the entry skips."""
        entry = self.entry(query.name)
        fire = await sessions().do(lambda cursor: claims.fire_now(cursor, entry, self.root.node_name))
        if fire.outcome != QUEUED:
            raise RefusedError(f"{entry.name} is {fire.outcome}: {fire.reason}", http.CONFLICT)
        self.root.poller.poll()
        return {"name": entry.name, "jobid": fire.job}


# What was


class History(Call):
    """Jobs of every state, the newest first, by pages."""

    class query(Query):  # noqa: N801
        """Parameters."""

        project: Name | None = Field(None, description="only of this project")
        spider: str | None = Field(None, description="only of this spider", max_length=200)
        state: str | None = Field(None, description=f"only in this state: {', '.join(STATES)}", max_length=20)
        node: str | None = Field(None, description="only on this node", max_length=200)
        schedule: str | None = Field(None, description="only of this entry of the schedule", max_length=64)
        id: str | None = Field(None, description="only the job of this id", max_length=200)
        page: int = Field(1, description="from 1", ge=1, le=MAX_PAGES)
        limit: int = Field(PAGE, description="jobs on a page", ge=1, le=1000)

    async def answer(self, query: Any) -> dict[str, Any]:
        """`jobs`, `page`, and `next_page` where there are more."""
        if query.state is not None and query.state not in STATES:
            raise RefusedError(f"state {query.state!r}: one of {', '.join(STATES)} is right")
        filters = query.model_dump(include={"project", "spider", "state", "node", "schedule", "id"})
        offset = (query.page - 1) * query.limit
        found = await sessions().do(lambda cursor: jobs.history(cursor, filters, query.limit + 1, offset))
        return {
            "jobs": [told(job) for job in found[: query.limit]],
            "page": query.page,
            "next_page": query.page + 1 if len(found) > query.limit else None,
        }


def told(job: Job) -> dict[str, Any]:
    """A job as the history has it; times in UTC."""
    return {
        "id": job.id,
        "project": job.project,
        "spider": job.spider,
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
        "items": job.items_file,
    }


# Health


class Health(Call):
    """Whether all parts work: 200 when they do, 503 with the parts when one does not."""

    async def answer(self, query: Query) -> dict[str, Any]:
        """`parts`: each with `ok` and what there is to say."""
        parts = await self._parts()
        data = {"healthy": all(part["ok"] for part in parts.values()), "parts": parts}
        if not data["healthy"]:
            wrong = [f"{name}: {part['message']}" for name, part in parts.items() if not part["ok"]]
            raise RefusedError("; ".join(wrong), http.SERVICE_UNAVAILABLE, data)
        return data

    async def _parts(self) -> dict[str, dict[str, Any]]:
        launcher, schedule = self.root.launcher, self.root.schedule
        parts = {
            "database": _part(sessions().failure is None, sessions().failure or "in reach"),
            "schedule": _part(not schedule.faults, "; ".join(schedule.faults) or f"{len(schedule.entries)} entries"),
            "launcher": _part(True, f"{len(launcher.processes)} of {launcher.max_proc} slots in use"),
        }
        off = launcher.node.clock_offset
        parts["clock"] = _part(abs(off) < CLOCK_OFF, f"{off:+.1f} s from the database's, which is the one that counts")
        if sessions().failure is None:
            known = await sessions().do(nodes.known)
            silent = [node.name for node in known.values() if node.silent > 3 * nodes.HEARTBEAT]
            told = f"{', '.join(silent)} silent" if silent else f"{len(known)} in all"
            parts["nodes"] = _part(True, told)
        return parts


def _part(ok: bool, message: str) -> dict[str, Any]:
    return {"ok": ok, "message": message}
