"""Firing: claims due entries in the database, and turns them into jobs, or rows with the reason, in one transaction."""

import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from newsbot.hosting import fires
from newsbot.hosting.schedule import Entry
from newsbot.job import MISSED, PENDING, QUEUED, SKIPPED, Active, Fire, Job, Mark
from newsbot.storage import jobs, schedules

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

PROJECT = "newsbot"  # of all entries
LATE = timedelta(minutes=1)  # a fire that is later was missed
TOLD = 1_000  # missed fires of one entry, the newest, that are noted one by one


@dataclass
class Decision:
    """The decision on an entry's due times."""

    fires: list[Fire] = field(default_factory=list)
    job: Job | None = None
    replaced: list[Active] = field(default_factory=list)


def claim(
    cursor: "Cursor", names: Iterable[str], entries: Mapping[str, Entry], node: str, now: datetime | None = None
) -> list[Fire]:
    """Fire the due times of the entries named; `now` is the database's clock unless it is given.

    Other nodes wait here and then find the entries fired.
    """
    now = now or schedules.now(cursor)
    marks = schedules.marks(cursor, names, claim=True)
    due = {name: _due(cursor, entries[name], entries, mark, now) for name, mark in marks.items()}
    due = {name: times for name, times in due.items() if times}
    if not due:
        return []
    active: dict[str, list[Active]] = {}
    for job in schedules.active(cursor, due):
        active.setdefault(job.schedule, []).append(job)
    decisions = [
        decide(entries[name], times, active.get(name, ()), entries, paused=marks[name].paused, now=now)
        for name, times in due.items()
    ]
    _carry_out(cursor, decisions, node)
    told = [fire for decision in decisions for fire in decision.fires]
    schedules.move(cursor, told)
    return told


def fire_now(cursor: "Cursor", entry: Entry, node: str) -> Fire:
    """Fire an entry out of turn, paused or not; its times go on as before."""
    schedules.marks(cursor, [entry.name], claim=True)
    decision = decide(entry, [schedules.now(cursor)], schedules.active(cursor, [entry.name]), {}, paused=False)
    if decision.job:
        decision.job.not_before = None
    _carry_out(cursor, [decision], node)
    return decision.fires[-1]


def _carry_out(cursor: "Cursor", decisions: Sequence[Decision], node: str) -> None:
    for decision in decisions:
        for job in decision.replaced:
            jobs.cancel(cursor, job.project, job.id, "TERM", "replaced by the entry's next fire")
        for each in decision.fires:
            each.node = node
    jobs.add(cursor, [decision.job for decision in decisions if decision.job])
    schedules.record(cursor, [each for decision in decisions for each in decision.fires])


def decide(
    entry: Entry,
    due: Sequence[datetime],
    active: Sequence[Active],
    entries: Mapping[str, Entry],
    *,
    paused: bool,
    now: datetime | None = None,
) -> Decision:
    """Decide on the due times, the newest last; `active` are the entry's jobs that have not ended.

    `entries` are those that it may wait for; `now` is given where a time can have been missed.
    """
    *missed, newest = due
    decision = Decision([Fire(entry.name, each, MISSED, "missed; the newest is caught up") for each in missed])
    late = now is not None and now - newest > LATE
    if paused:
        decision.fires.append(Fire(entry.name, newest, SKIPPED, "paused"))
    elif late and entry.catch_up == "none":
        decision.fires.append(Fire(entry.name, newest, MISSED, "missed; the entry catches up none"))
    elif active and entry.overlap == "skip":
        decision.fires.append(Fire(entry.name, newest, SKIPPED, _in_the_way(active[0])))
    else:
        job = decision.job = _job(entry, newest, entries)
        decision.replaced = list(active) if entry.overlap == "replace" else []
        decision.fires.append(Fire(entry.name, newest, QUEUED, "caught up" if late else None, job.id))
    if decision.fires[-1].outcome != QUEUED:
        for each in decision.fires[:-1]:
            each.reason = "missed"
    return decision


def _in_the_way(job: Active) -> str:
    doing = "still waits for other entries" if job.waits else "still waits" if job.state == PENDING else "still runs"
    since = f", of {job.nominal_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if job.nominal_at else ""
    return f"job {job.id}{since}, {doing}"


def _job(entry: Entry, nominal: datetime, entries: Mapping[str, Entry]) -> Job:
    waits_for = {}
    if entries and entry.has_times:
        waits_for = {name: anchor(entries[name], nominal, entries).isoformat() for name in entry.after}
    return Job(
        project=PROJECT,
        id=uuid.uuid4().hex,
        spider=entry.work,
        command=list(entry.command) or None,
        args=dict(entry.args),
        settings=dict(entry.settings),
        priority=entry.priority,
        asked_by=f"schedule:{entry.name}",
        schedule=entry.name,
        nominal_at=nominal,
        retries=entry.retries,
        backoff=entry.backoff,
        timeout=entry.timeout,
        wanted_node=entry.node,
        waits_for=waits_for or None,
        not_before=nominal + fires.jitter(entry, nominal) if entry.jitter else None,
    )


def anchor(entry: Entry, nominal: datetime, entries: Mapping[str, Entry]) -> datetime:
    """The entry's newest time up to `nominal`: waiting entries wait until that or a later one finishes well."""
    if not entry.has_times:
        return min(anchor(entries[name], nominal, entries) for name in entry.after)
    return fires.latest(entry, nominal) or nominal


def _due(cursor: "Cursor", entry: Entry, entries: Mapping[str, Entry], mark: Mark, now: datetime) -> Sequence[datetime]:
    """The times after the mark, up to now; for an entry that only follows others, when all have finished well anew."""
    if entry.has_times:
        return deque(fires.between(entry, mark.last_nominal_at, now), maxlen=TOLD)
    good = schedules.last_good(cursor, entry.after)
    if len(good) < len(entry.after):
        return ()
    return (max(good.values()),) if min(good.values()) > mark.last_nominal_at else ()
