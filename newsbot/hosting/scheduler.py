"""The service that fires the schedule inside Scrapyd, and takes over its file when that is edited."""

import logging
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scrapyd.config import Config
from scrapyd.interfaces import IPoller
from twisted.application.service import IServiceCollection, Service
from twisted.internet import task
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

from newsbot.hosting import claims
from newsbot.hosting.claims import PROJECT
from newsbot.hosting.plan import Plan
from newsbot.hosting.schedule import Entry, ScheduleError, read
from newsbot.hosting.sessions import AwayError, sessions
from newsbot.hosting.spiders import ListingError, SpiderList
from newsbot.storage import jobs, schedules
from newsbot.storage.schedules import QUEUED

if TYPE_CHECKING:
    from twisted.application.service import Application

logger = logging.getLogger(__name__)

TICK = 0.25  # seconds: a fire is late by half of it
LOOK_EVERY = 1.0  # seconds between two looks at the file, and at what waits for other entries
RETRY_AFTER = 1.0  # seconds, where the database is away

_Stamp = tuple[int, int, int]


class Scheduler(Service):
    """Reads the schedule file and fires what is due."""

    name = "scheduler"

    def __init__(self, config: Config, app: "Application", spiders: SpiderList) -> None:
        self.file = Path(os.environ.get("NEWSBOT_SCHEDULE") or config.get("schedule", "schedule.yaml")).resolve()
        self.entries: dict[str, Entry] = {}
        self.faults: Sequence[str] = ()  # of the file as it is now; the entries are those of the last good one
        self._app = app
        self._spiders = spiders
        self._poller = app.getComponent(IPoller)
        self._plan: Plan | None = None
        self._due: set[str] = set()  # entries to be fired, also those that a database away left over
        self._stamp: _Stamp | None = None
        self._look_at = self._rest_until = 0.0
        self._loop = task.LoopingCall(lambda: ensureDeferred(self._tick()))

    def startService(self) -> None:  # noqa: N802  Twisted's
        """Begin to fire."""
        super().startService()
        self._loop.start(TICK)

    def stopService(self) -> None:  # noqa: N802  Twisted's
        """Fire no more."""
        super().stopService()
        self._loop.stop()

    @property
    def launcher(self) -> Service:
        """It knows the database's clock, and when that is ready."""
        return IServiceCollection(self._app).getServiceNamed("launcher")

    def now(self) -> datetime:
        """The database's clock, near enough to know when to look."""
        return datetime.fromtimestamp(time.time() - self.launcher.node.clock_offset, UTC)

    async def _tick(self) -> None:
        clock = time.monotonic()
        if not self._poller.open or clock < self._rest_until:
            return
        look = clock >= self._look_at
        if look:
            self._look_at = clock + LOOK_EVERY
        try:
            if look:
                await self._read_if_changed()
            if self._plan:
                self._due.update(self._plan.due(self.now()))
            if look:
                self._due.update(name for name, entry in self.entries.items() if _only_follows(entry))
            if self._due or look:
                await self._fire(release=look)
        except AwayError:
            self._rest_until = clock + RETRY_AFTER
        except Exception:
            logger.exception("The schedule can not be fired")

    async def _fire(self, *, release: bool) -> None:
        if release:
            await sessions().do(jobs.release)
        if not self._due:
            return
        names, now = set(self._due), await sessions().do(schedules.now)
        try:
            await self._claim(names, now)
        except AwayError:
            raise
        except Exception:  # noqa: BLE001  of one entry, which must not keep the others; told when it is alone
            for name in names:
                await self._claim_alone(name, now)
        self._due -= names
        if self._plan:
            self._plan.move(now)  # by the database's clock: what is due by ours alone is looked at again

    async def _claim_alone(self, name: str, now: datetime) -> None:
        try:
            await self._claim({name}, now)
        except AwayError:
            raise
        except Exception:
            logger.exception("The entry %s can not be fired", name)

    async def _claim(self, names: set[str], now: datetime) -> None:
        entries = self.entries
        fired = await sessions().do(lambda cursor: claims.claim(cursor, names, entries, self._poller.node, now))
        for fire in fired:
            reason = f": {fire.reason}" if fire.reason else ""
            logger.info(
                "Fire of %s, due %s, %s%s", fire.schedule, fire.nominal_at.astimezone(UTC), fire.outcome, reason
            )
        if any(fire.outcome == QUEUED for fire in fired):
            self._poller.poll()

    # The file

    async def _read_if_changed(self) -> None:
        try:
            status = self.file.stat()
        except OSError as error:
            if self._stamp or not self.faults:
                self._stamp = None
                self._tell([f"{self.file}: {error.strerror}; a schedule file is right (NEWSBOT_SCHEDULE names it)"])
            return
        stamp = status.st_mtime_ns, status.st_size, status.st_ino
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            entries = await deferToThread(self._read)
        except ScheduleError as error:
            self._tell(error.faults)
            return
        await self._take_over({entry.name: entry for entry in entries})

    def _read(self) -> list[Entry]:
        try:
            spiders = self._spiders.get(PROJECT)
        except ListingError as error:
            logger.warning("The spiders named in %s can not be checked: %s", self.file, error)
            spiders = None
        return read(self.file, spiders)

    async def _take_over(self, entries: dict[str, Entry]) -> None:
        times = {name: _times(entry) for name, entry in entries.items()}
        gone = dict.fromkeys(self.entries.keys() - entries.keys(), "")
        try:
            await sessions().do(
                lambda cursor: (
                    schedules.enter(cursor, times | gone),
                    jobs.waits_only_for(cursor, {name: entry.after for name, entry in entries.items()}),
                )
            )
        except AwayError:
            self._stamp = None
            raise
        self.entries, self.faults = entries, ()
        self._plan = Plan(entries.values(), self.now())
        logger.info("The schedule %s has %d entries", self.file, len(entries))
        self._due = {name for name, entry in entries.items() if entry.enabled}  # some may have missed a time

    def _tell(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        kept = f"; the {len(self.entries)} entries of before stay" if self.entries else ""
        logger.error("The schedule can not be used%s:\n%s", kept, "\n".join(faults))


def _only_follows(entry: Entry) -> bool:
    return entry.enabled and not entry.has_times


def _times(entry: Entry) -> str:
    """What an entry's fire times follow from."""
    if not entry.enabled:
        return "off"
    return f"{entry.cron or entry.every or 'after'} {entry.timezone}"
