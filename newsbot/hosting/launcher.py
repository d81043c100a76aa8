"""Scrapyd's launcher: starts the jobs that the poller claims, looks after them, and names how each ended."""

import contextlib
import json
import logging
import os
import signal
import sys
import time
from datetime import datetime
from multiprocessing import cpu_count
from typing import TYPE_CHECKING, Any

from scrapyd.config import Config
from scrapyd.interfaces import IEnvironment, IJobStorage, IPoller
from scrapyd.launcher import get_crawl_args
from twisted.application.service import Service
from twisted.internet import defer, error, protocol, reactor, task
from twisted.internet.defer import Deferred, ensureDeferred
from w3lib.url import file_uri_to_path

from newsbot.hosting import ends, logs, orphans, processes
from newsbot.hosting.queue import Message
from newsbot.hosting.redaction import is_secret, masked
from newsbot.hosting.runner import HIDDEN
from newsbot.hosting.sessions import AwayError, sessions
from newsbot.job import FAILED, HEARTBEAT, STOPPED, TIMED_OUT, TOKEN, Job, Node
from newsbot.storage import jobs, nodes, schedules
from newsbot.storage.jobs import LEASE
from newsbot.storage.session import pauses
from newsbot.storage.upgrade import upgrade

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from twisted.application.service import Application
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)

FORGET_EVERY = 3600.0  # seconds
LAST_TRIES = 10.0  # seconds for which a stopping Scrapyd retries to note how its jobs ended
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


class Watched:
    """A job that runs on this node, with the attributes that Scrapyd's services read."""

    def __init__(self, job: Job, age: float = 0.0) -> None:
        self.row = job
        self.project, self.spider, self.job, self.pid = job.project, job.spider, job.id, job.pid
        self.start_time = datetime.fromtimestamp(time.time() - age)
        self.end_time: datetime | None = None
        self.asked: str | None = None  # the end that this Scrapyd asked it for
        self.killed_for_memory = processes.killed_for_memory()
        self._alarms: list[Any] = []

    def send(self, number: int) -> None:
        """Send its process a signal, if it still exists."""
        if self.pid and self.row.birth:
            processes.send(self.pid, self.row.birth, number)

    def stop(self, asked: str | None, number: int, patience: float) -> None:
        """Ask it to end, and kill it if it has not after `patience` seconds."""
        self.asked = self.asked or asked
        self.send(number)
        self._alarms.append(reactor.callLater(patience, self.send, signal.SIGKILL))

    def limit(self, seconds: float, patience: float) -> None:
        """Stop it as timed out after `seconds`."""
        self._alarms.append(reactor.callLater(max(0.0, seconds), self.stop, TIMED_OUT, signal.SIGTERM, patience))

    def over(self) -> None:
        """Clean up after its end: drop pending signals, and kill the processes it left behind."""
        processes.end_group(self.pid)
        self.end_time = datetime.now()
        for alarm in self._alarms:
            if alarm.active():
                alarm.cancel()


class Child(Watched, protocol.ProcessProtocol):
    """A job that this process started."""

    def __init__(self, job: Job, args: list[str], env: dict[str, str]) -> None:
        super().__init__(job)
        self.args, self.env = args, env
        self.lease_until: datetime | None = None  # while the lease is renewed here; the process does so once it can
        self.deferred: Deferred[tuple[int | None, int | None]] = Deferred()  # exit code and signal

    def connectionMade(self) -> None:  # noqa: N802  Twisted's
        """Note the process number, which Scrapyd's services read."""
        self.pid = self.transport.pid

    def send(self, number: int) -> None:
        """Send the signal as the parent, without a look at the process table."""
        with contextlib.suppress(error.ProcessExitedAlready):
            self.transport.signalProcess(number)

    def processEnded(self, status: "Failure") -> None:  # noqa: N802  Twisted's
        """Hand on its exit code and signal."""
        self.deferred.callback((status.value.exitCode, status.value.signal))


class Launcher(Service):
    """`launcher` of scrapyd.conf."""

    name = "launcher"

    def __init__(self, config: Config, app: "Application") -> None:
        self.app = app
        self.processes: dict[int, Watched] = {}  # by slot; adopted ones have numbers beyond
        self.finished = app.getComponent(IJobStorage)
        self.poller = app.getComponent(IPoller)
        self.max_proc = config.getint("max_proc", 0) or cpu_count() * config.getint("max_proc_per_cpu", 4)
        self.runner = config.get("runner", "newsbot.hosting.runner")
        self.patience = config.getfloat("stop_timeout", 60)
        self.job_timeout = config.getfloat("job_timeout", 86_400)
        self.history_days = float(os.environ.get("HISTORY_DAYS") or config.getfloat("history_days", 90))
        self.log_max = config.getfloat("log_max_mb", 100) * 2**20
        pid = os.getpid()
        self.node = Node(self.poller.node, processes.machine(), pid, processes.birth(pid), self.max_proc)
        self._prepared = self._stopping = False
        self._survey_at = self._forget_at = 0.0
        self._reached_at = self._last_reached = 0.0  # since when, and when last, the database was in reach
        self._closing: set[Deferred[None]] = set()
        self._watch = task.LoopingCall(self.look)
        self._interval = config.getfloat("poll_interval", 0.5)

    # Scrapyd's life

    def startService(self) -> None:  # noqa: N802  Twisted's
        """Open the slots; jobs come once the database is ready."""
        super().startService()
        for slot in range(self.max_proc):
            self._vacate(slot)
        self._watch.start(self._interval)

    async def _stop(self) -> None:
        self.poller.open = False
        self._stopping = True
        with contextlib.suppress(AwayError):
            await sessions().do(lambda cursor: jobs.stop_all(cursor, self.node.name))
        for process in self.processes.values():
            process.stop(STOPPED, signal.SIGTERM, self.patience)
        adopted = [process for slot, process in self.processes.items() if slot >= self.max_proc]
        while any(processes.lives(each.pid, each.row.birth) for each in adopted):
            await task.deferLater(reactor, self._interval)
        for slot in [slot for slot in self.processes if slot >= self.max_proc]:
            self._close_adopted(slot)
        await defer.DeferredList([each.deferred for each in self.processes.values() if isinstance(each, Child)])
        await defer.DeferredList(list(self._closing))
        if self._watch.running:
            self._watch.stop()
        with contextlib.suppress(AwayError):  # the next start finds what it left
            await sessions().do(lambda cursor: nodes.leave(cursor, self.node.name))

    def stopService(self) -> "Deferred[None]":  # noqa: N802  Twisted's
        """Let the jobs end in order, within `stop_timeout`; unfinished ones are requeued."""
        super().stopService()
        return ensureDeferred(self._stop())

    # Starting jobs

    def _vacate(self, slot: int) -> None:
        self.poller.next().addCallback(self._spawn, slot)

    def _spawn(self, message: Message, slot: int) -> None:
        job = message.job
        if self._stopping:
            self._note(lambda cursor: jobs.give_back(cursor, job.token, "its Scrapyd was stopped", suspect=False))
            return
        try:
            process = self._start(message, slot)
        except Exception as failure:  # noqa: BLE001  of the file system, of the system's limits, of Scrapyd's checks
            logger.error("Job %s of %s cannot be started: %s", job.id, job.spider, failure)
            reason = f"it cannot be started: {failure}"
            self._note(lambda cursor: jobs.end(cursor, job.token, FAILED, reason=reason))
            self._vacate(slot)
            return
        self.processes[slot] = process
        process.deferred.addCallback(self._child_ended, process, slot)
        process.limit(job.timeout or self.job_timeout, self.patience)
        logger.info(
            "Job %s started: project=%s spider=%s pid=%s args=%.500s",
            *(job.id, job.project, job.spider, process.pid, masked(job.args | job.settings)),
        )

    def _start(self, message: Message, slot: int) -> Child:
        environment, job = self.app.getComponent(IEnvironment), message.job
        message["settings"].update(environment.get_settings(message))
        job.log_file = message["settings"].get("LOG_FILE")
        job.items_file = _items(message["settings"]["FEEDS"]) if environment.items_dir else None
        env = environment.get_environment(message, slot) | {TOKEN: job.token}
        if job.command:  # `db prune` deletes what this Scrapyd would delete within the hour
            env.setdefault("HISTORY_DAYS", f"{self.history_days:g}")
        words, hidden = _split(*_words(message))
        args, env[HIDDEN] = [sys.executable, "-m", self.runner, *words], json.dumps(hidden)
        process = Child(job, args, env)
        # A job prints to its log, not through a pipe: it must be able to outlive this process.
        output = logs.opened(job.log_file) if job.log_file else os.dup(2)
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            reactor.spawnProcess(process, sys.executable, args, env, childFDs={0: nothing, 1: output, 2: output})
        finally:
            os.close(output)
            os.close(nothing)
        job.pid, job.birth = process.pid, processes.birth(process.pid)
        self._note(lambda cursor: setattr(process, "lease_until", jobs.note_process(cursor, job)))
        return process

    # Ending jobs

    def _child_ended(self, end: tuple[int | None, int | None], process: Child, slot: int) -> None:
        del self.processes[slot]
        process.over()
        self._cut_log(process)
        killed = processes.killed_for_memory() > process.killed_for_memory
        self._note(lambda cursor: ends.close(cursor, process.row, *end, asked=process.asked, out_of_memory=killed))
        self._vacate(slot)

    def _note(self, work: Any) -> None:
        """Do `work` in a transaction, however long the database may be away."""
        noting = ensureDeferred(self._noted(work))
        self._closing.add(noting)
        noting.addErrback(lambda failure: logger.error("The end of a job cannot be noted: %s", failure.value))
        noting.addBoth(lambda _: self._closing.discard(noting))

    async def _noted(self, work: Any) -> None:
        waits, stopping_since = pauses(), None
        while True:
            try:
                await sessions().do(work)
            except AwayError:
                if self._stopping:
                    stopping_since = stopping_since or time.monotonic()
                    if time.monotonic() - stopping_since > LAST_TRIES:
                        raise
                await task.deferLater(reactor, next(waits))
            else:
                self.poller.poll()
                return

    # Looking after jobs

    def look(self) -> "Deferred[None]":
        """Look after the running jobs, now; not while the poller claims a job, which would seem to be an orphan."""
        return self.poller.lock.run(lambda: ensureDeferred(self._look()))

    async def _look(self) -> None:
        """Once every `poll_interval`: other nodes' requests for our jobs; every `HEARTBEAT` all running jobs."""
        self._close_ended_orphans()
        now = time.monotonic()
        try:
            if self.processes:
                for token, name in await sessions().do(lambda cursor: jobs.signals_to_send(cursor, self.node.name)):
                    self.signal(token, name)
            if now >= self._survey_at:
                await self._survey()
                self._survey_at = now + HEARTBEAT
        except AwayError:  # sessions log it
            pass
        except Exception:
            logger.exception("The jobs cannot be looked after")

    def signal(self, token: str, name: str) -> None:
        """Send the job of that token a signal, and kill it when it has not ended after `stop_timeout`."""
        for process in self.processes.values():
            if process.row.token == token:
                process.stop(None, processes.signal_number(name), self.patience)

    async def _survey(self) -> None:
        if not self._prepared:
            await sessions().run(prepare)
            self._prepared = True
        own = [process.row.token for process in self.processes.values()]
        children = [process for process in self.processes.values() if isinstance(process, Child)]
        starting = [process for process in children if process.lease_until]
        found = await sessions().do(lambda cursor: self._meet(cursor, own, starting))
        self._reached()
        for job in found.adopted:
            self._adopt(job)
        for process in self.processes.values():
            if process.row.token in found.lost:
                logger.warning("Job %s went to another node: its process %s is killed", process.job, process.pid)
                process.send(signal.SIGKILL)
            self._cut_log(process)
        if not self._stopping:
            self.poller.open = True
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_EVERY
            await sessions().do(
                lambda cursor: (jobs.forget(cursor, self.history_days), schedules.forget(cursor, self.history_days))
            )

    def _cut_log(self, process: Watched) -> None:
        if process.row.log_file and logs.cut(process.row.log_file, self.log_max):
            logger.warning("The log of job %s passed %d bytes and was cut", process.job, self.log_max)

    def _meet(self, cursor: "Cursor", own: list[str], starting: list[Child]) -> orphans.Survey:
        nodes.beat(cursor, self.node)
        for process in starting:
            process.lease_until = jobs.renew_start(cursor, process.row.token, process.lease_until)
        return orphans.survey(
            cursor, self.node.name, own, patient=time.clock_gettime(_CLOCK) - self._reached_at < LEASE
        )

    def _adopt(self, job: Job) -> None:
        age = time.time() - self.node.clock_offset - job.started_at.timestamp()
        process = Watched(job, age)
        slot = next(number for number in range(self.max_proc, sys.maxsize) if number not in self.processes)
        self.processes[slot] = process
        self.poller.adopted += 1
        process.limit((job.timeout or self.job_timeout) - age, self.patience)
        if job.asked_end:  # by a Scrapyd that is gone, with its timers
            process.stop(job.asked_end, signal.SIGTERM, self.patience)
        logger.warning("Job %s of %s runs on as process %s: adopted", job.id, job.spider, job.pid)

    def _close_ended_orphans(self) -> None:
        for slot, process in list(self.processes.items()):
            if slot >= self.max_proc and not processes.lives(process.pid, process.row.birth):
                self._close_adopted(slot)

    def _close_adopted(self, slot: int) -> None:
        process = self.processes.pop(slot)
        process.over()
        self.poller.adopted -= 1
        self._note(lambda cursor: ends.close_orphan(cursor, process.row, asked=process.asked))

    def _reached(self) -> None:
        now = time.clock_gettime(_CLOCK)
        if now - self._last_reached > 3 * HEARTBEAT:  # the database was away, or this machine slept
            self._reached_at = now
        self._last_reached = now


def _items(feeds: str) -> str:
    """The file, or the address elsewhere, of Scrapyd's setting FEEDS, which has one."""
    (address,) = json.loads(feeds)
    return file_uri_to_path(address) if address.startswith("file:") else address


def _words(message: Message) -> tuple[list[str], list[str]]:
    """The command line after `scrapy`: the spider or command, then flags with their values."""
    if message.job.command:
        settings = [part for pair in message["settings"].items() for part in ("-s", "=".join(pair))]
        return message.job.command, settings
    spider, *pairs = get_crawl_args(message)
    return ["crawl", spider], pairs


def _split(work: list[str], pairs: list[str]) -> tuple[list[str], list[str]]:
    """The secret words of a command line, which every user of a machine can read."""
    shown, hidden = list(work), []
    for flag, pair in zip(pairs[::2], pairs[1::2], strict=True):
        (hidden if is_secret(pair.partition("=")[0]) else shown).extend((flag, pair))
    return shown, hidden


def prepare() -> None:
    """Bring the database to the tables of this version. Raises `DatabaseError`."""
    sessions().database.check()
    with contextlib.closing(sessions().database.connect()) as connection:
        upgrade(connection)
