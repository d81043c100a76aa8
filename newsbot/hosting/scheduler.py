"""The service that fires the schedule inside Scrapyd, and reads its file again after an edit."""

import logging
import os
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scrapyd.config import Config
from scrapyd.interfaces import IPoller
from twisted.application.service import IServiceCollection, Service
from twisted.internet import reactor, task
from twisted.internet.defer import ensureDeferred
from twisted.python.failure import Failure

from newsbot.hosting import claims, spider_arguments
from newsbot.hosting.claims import PROJECT
from newsbot.hosting.plan import Plan
from newsbot.hosting.schedule import Entry, ScheduleError, read
from newsbot.hosting.sessions import AwayError, sessions
from newsbot.hosting.spiders import ListingError, SpiderList
from newsbot.hosting.threads import in_own_thread
from newsbot.job import QUEUED
from newsbot.storage import jobs, schedules
from newsbot.storage.session import pauses

if TYPE_CHECKING:
    from twisted.application.service import Application

logger = logging.getLogger(__name__)

TICK = 0.25  # seconds: a fire is late by half of it
LOOK_EVERY = 1.0  # seconds between two looks at the file, and at entries that wait for others
FAULTY_EVERY = 10.0  # seconds after which a faulty file is read again: the cause may lie elsewhere
SILENT = 10.0  # seconds without a tick, or an answer of the file system, after which that is reported

_Stamp = tuple[int, int, int]


class Look(NamedTuple):
    """The result of a look at the schedule file: entries, or faults, or neither where the file is unchanged."""

    stamp: _Stamp | None
    entries: Sequence[Entry] | None = None
    faults: Sequence[str] = ()


class Scheduler(Service):
    """Reads the schedule file and fires what is due."""

    name = "scheduler"

    def __init__(self, config: Config, app: "Application", spiders: SpiderList) -> None:
        self.file = Path(os.environ.get("NEWSBOT_SCHEDULE") or config.get("schedule", "schedule.yaml")).resolve()
        self.entries: dict[str, Entry] = {}
        self.faults: Sequence[str] = ()  # of the file's present state; the entries are those of the last good one
        self.ticked_at = 0.0  # when it last looked for due entries, by the monotonic clock
        self.looking_since: float | None = None  # the start of the current look at the file
        self._app = app
        self._spiders = spiders
        self._poller = app.getComponent(IPoller)
        self._plan: Plan | None = None
        self._due: set[str] = set()  # entries to fire, also those left over while the database was away
        self._stamp: _Stamp | None = None
        self._look: Look | None = None  # the last one, until it is taken in
        self._proven = self.entries  # the last entries whose spiders exist, or could not be listed
        self._refuted: dict[str, Entry] | None = None  # entries with a spider that does not exist
        self._look_at = self._rest_until = self._read_again_at = 0.0
        self._waits = pauses()  # while the database is away
        self._loop = task.LoopingCall(lambda: ensureDeferred(self._tick()))

    def startService(self) -> None:  # noqa: N802  Twisted's
        """Begin to fire."""
        super().startService()
        self.ticked_at = time.monotonic()
        self._loop.start(TICK)

    def stopService(self) -> None:  # noqa: N802  Twisted's
        """Fire no more."""
        super().stopService()
        self._loop.stop()

    def complaints(self) -> list[str]:
        """The reasons why the file's present state is not in force, or nothing is fired."""
        told, now = list(self.faults), time.monotonic()
        if (silent := now - self.ticked_at) > SILENT:
            told.append(f"the last look for due entries was {silent:.0f} s ago")
        if self.looking_since is not None and (silent := now - self.looking_since) > SILENT:
            told.append(f"{self.file}: its file system does not answer for {silent:.0f} s; what was read before stays")
        return told

    @property
    def launcher(self) -> Service:
        """Whether it knows the database's clock."""
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
            self._look_at_file()
        try:
            if self._look:
                await self._take_in(self._look)
            if self._plan:
                self._due.update(self._plan.due(self.now()))
            if look:
                self._due.update(name for name, entry in self.entries.items() if _only_follows(entry))
            if self._due or look:
                await self._fire(release=look)
            self.ticked_at = time.monotonic()
            self._waits = pauses()
        except AwayError:
            self._rest_until = clock + next(self._waits)
        except Exception:
            logger.exception("The schedule cannot be fired")

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
        except Exception:  # noqa: BLE001  of one entry, which must not keep the others; logged when it is alone
            for name in names:
                await self._claim_alone(name, now)
        self._due -= names
        if self._plan:
            self._plan.move(now)  # by the database's clock: entries due only by ours are looked at again

    async def _claim_alone(self, name: str, now: datetime) -> None:
        try:
            await self._claim({name}, now)
        except AwayError:
            raise
        except Exception:
            logger.exception("The entry %s cannot be fired", name)

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

    def _look_at_file(self) -> None:
        """Look at the file, unless a look is under way: on a network file system it may hang."""
        if self.looking_since is None:
            self.looking_since = time.monotonic()
            stamp, check = self._stamp, self._spiders.is_installed(PROJECT)
            if self.faults and self.looking_since >= self._read_again_at:
                stamp, self._read_again_at = None, self.looking_since + FAULTY_EVERY
            in_own_thread(look, self.file, stamp, self._spiders.known(PROJECT), check=check).addBoth(self._looked)

    def _looked(self, outcome: Look | Failure) -> None:
        self.looking_since = None
        if isinstance(outcome, Failure):
            outcome = Look(None, faults=(f"{self.file}: {outcome.type.__name__}: {outcome.value}",))
        if outcome.entries is not None or outcome.faults:
            self._look = outcome

    async def _take_in(self, found: Look) -> None:
        if found.entries is not None:
            await self._take_over({entry.name: entry for entry in found.entries})
            self._look_up_spiders()
        elif (found.stamp, tuple(found.faults)) != (self._stamp, self.faults):
            if self.entries is self._refuted:
                await self._take_over(self._proven)
            self._tell(found.faults)
        self._look, self._stamp = None, found.stamp

    def _look_up_spiders(self) -> None:
        """Check that the spiders of the entries exist, once they are listed. Due entries do not wait for that."""
        entries = self.entries

        def listed(spiders: Collection[str]) -> None:
            if all(entry.spider is None or entry.spider in spiders for entry in entries.values()):
                self._proven = entries
            else:  # the next look at the file reports which
                self._refuted, self._stamp = entries, None

        def failed(failure: Failure) -> None:
            failure.trap(ListingError)
            logger.warning("The spiders named in %s cannot be checked: %s", self.file, failure.value)
            self._proven = entries

        # Later: this look's stamp still has to be noted.
        listing = task.deferLater(reactor, 0, self._spiders.get, PROJECT).addCallbacks(listed, failed)
        listing.addErrback(lambda failure: logger.error("The spiders cannot be listed: %s", failure.getTraceback()))

    async def _take_over(self, entries: dict[str, Entry]) -> None:
        if entries == self.entries and self._plan and not self.faults:
            return
        times = {name: _times(entry) for name, entry in entries.items()}
        gone = dict.fromkeys(self.entries.keys() - entries.keys(), "")
        await sessions().do(
            lambda cursor: (
                schedules.enter(cursor, times | gone),
                jobs.waits_only_for(cursor, {name: entry.after for name, entry in entries.items()}),
            )
        )
        self.entries, self.faults = entries, ()
        self._plan = Plan(entries.values(), self.now())
        logger.info("The schedule %s has %d entries", self.file, len(entries))
        self._due = {name for name, entry in entries.items() if entry.enabled}  # some may have missed a time

    def _tell(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        kept = f"; the {len(self.entries)} earlier entries stay" if self.entries else ""
        logger.error("The schedule cannot be used%s:\n%s", kept, "\n".join(faults))


def look(file: Path, stamp: _Stamp | None, spiders: Collection[str] | None, *, check: bool = False) -> Look:
    """Read the file unless it still has that stamp.

    Checks the names of spiders where they are known; their arguments with `check`, against the installed code.
    """
    try:
        status = file.stat()
    except OSError as error:
        right = "expected a schedule file (NEWSBOT_SCHEDULE names it)"
        return Look(None, faults=(f"{file}: {error.strerror}; {right}",))
    found = status.st_mtime_ns, status.st_size, status.st_ino
    if found == stamp:
        return Look(stamp)
    try:
        return Look(found, read(file, spiders, spider_arguments.installed() if check else None))
    except ScheduleError as error:
        return Look(found, faults=error.faults)


def _only_follows(entry: Entry) -> bool:
    return entry.enabled and not entry.has_times


def _times(entry: Entry) -> str:
    """The words that an entry's fire times follow from."""
    if not entry.enabled:
        return "off"
    return f"{entry.cron or entry.every or 'after'} {entry.timezone}"
