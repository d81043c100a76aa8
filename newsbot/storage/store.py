"""The store of one crawl: what a stage hands over is committed in batches, in order, each in one transaction.

The queue is bounded: a stage waits for `room` when it is full, which pauses the crawl. A database that is away is
waited for; a row that the database refuses is split from its batch and kept among the rejects.
"""

import asyncio
import logging
import os
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar
from weakref import WeakKeyDictionary

import psycopg2
from psycopg2.errors import UniqueViolation

from newsbot.batch import CursorProgress, FeedProgress, FeedState, Outcome, Progress, Reject, storable
from newsbot.items import KINDS, Article, Item, State
from newsbot.storage import articles, bulk, cursors, feeds, jobs, quotas, records, rejects, runs, sources
from newsbot.storage.database import Database, is_lost
from newsbot.storage.errors import DatabaseError, UnsuitableError
from newsbot.storage.session import Session
from newsbot.storage.upgrade import upgrade
from newsbot.storage.variants import FormOf

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

BATCH = 500  # rows in one transaction: more costs memory and gains nothing
QUEUE = 2_000  # rows that may wait before the crawl is paused
LINGER = 0.25  # seconds that a batch waits to be filled
TRIES = 5  # of a whole batch, when other processes store the same articles at the same moment
LINES = 25  # of what failed, in the run's row
REASONS = 1_000  # different ones that are counted apart
LONGEST_PAUSE = 5.0  # seconds between two tries to reach a database that is away
TELL_EVERY = 60.0  # seconds between two warnings that it is

# What the database refuses a row with. Any other exception is a fault of ours, which ends the crawl.
_REFUSALS = (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.errors.ProgramLimitExceeded)

# Who writes what, in one order for all processes.
_WRITERS = {kind: resolve_name(f"newsbot.storage.{kind.stored_by}") for kind in KINDS}

Row = Item | Reject | Progress

_T = TypeVar("_T")


@dataclass(slots=True)
class Tally:
    """What became of the items of one source, or of all."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: int = 0
    left_out: int = 0  # values that items were stored without; each is among the rejects, too

    @property
    def stored(self) -> int:
        """Items that are in the database, whether this run brought them or not."""
        return self.new + self.changed + self.unchanged


class Store:
    """See the module. One a crawler: `Store.of(crawler)`."""

    _stores: ClassVar[WeakKeyDictionary[Any, Self]] = WeakKeyDictionary()

    @classmethod
    def of(cls, crawler: "Crawler") -> Self:
        """The crawler's store, made at the first call."""
        if crawler not in cls._stores:
            cls._stores[crawler] = cls(crawler.settings)
        return cls._stores[crawler]

    def __init__(self, settings: "BaseSettings") -> None:
        self.run_id = str(uuid.uuid4())
        self.form_of: FormOf = str  # of the variants of a URL; the stage sets it, as storage has no rules of URLs
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)  # by source, of what is committed or settled
        self.outcomes: defaultdict[str, list[Outcome]] = defaultdict(list)  # by source
        self.reasons: Counter[tuple[str | None, str]] = Counter()  # (field, reason) of refused items
        self.left_out: Counter[tuple[str | None, str]] = Counter()  # (field, reason) of values left out of stored ones
        self.spoilt: dict[tuple[str, str], str] = {}  # (source, URL) of what is told as failed, and why
        self.remarks: Counter[str] = Counter()  # on stored items
        self._asked: dict[tuple[str, str], None] = {}  # (source, URL) of what has no outcome yet
        self.spent: Counter[quotas.Terms] = Counter()  # calls of this run
        self.ledger: dict[str, quotas.Spent] = {}  # what became of them, by quota, once the run is over
        self.failure: BaseException | None = None  # why nothing can be written any more
        self.exit_code: int | None = None  # of the run, once it is over
        self._database = Database.from_settings(settings)
        self._patience = settings.getfloat("DATABASE_WAIT")
        self._rejects_days = settings.getint("REJECTS_DAYS")
        self._feed_bounds = {
            "full_fetch_interval": settings.getfloat("FEED_FULL_FETCH_INTERVAL"),
            "interval_max": settings.getfloat("FEED_INTERVAL_MAX"),
            "rest_max": feeds.longest_rest(settings),
        }
        self._token = _token(settings)
        self._scheduled: bool | None = None  # whether this is a job of the schedule; None until it was asked
        self._writing = Session(self._database)
        self._reading = Session(self._database)
        self._queue: list[Row] = []
        self._task: asyncio.Task | None = None
        self._closing = False

    # The run

    async def open(self, spider: str, job: str | None, on_failure: Callable[[], None]) -> list[runs.Killed]:
        """Bring the database to head, open the run and start writing; returns the runs that were found killed.

        `on_failure` is called when the store gives up later. Raises `DatabaseError` at once when the database can not
        be used: a start does not wait for it.
        """
        self._on_failure = on_failure
        self._enough, self._room, self._reading_lock = asyncio.Event(), asyncio.Event(), asyncio.Lock()
        self._beat_at = time.monotonic()
        killed = await _in_thread(partial(self._start, spider, job))
        self._task = asyncio.create_task(self._work())
        return killed

    def _start(self, spider: str, job: str | None) -> list[runs.Killed]:
        self._database.check()
        connection = self._database.connect()
        try:
            upgrade(connection)
        finally:
            connection.close()
        try:
            return self._writing.transaction(lambda cursor: runs.start(cursor, self.run_id, spider, job))
        except psycopg2.errors.InsufficientPrivilege as error:
            raise UnsuitableError(
                f"{self._database.safe_url} lets newsbot read only: {error.diag.message_primary}; GRANT SELECT, INSERT,"
                " UPDATE, DELETE on its tables and USAGE on their sequences, or name their owner in DATABASE_URL"
            ) from None

    @property
    def is_shut_out(self) -> bool:
        """Whether it gave up since the database can not be written to, or another has taken over; else by a fault."""
        return isinstance(self.failure, psycopg2.Error | DatabaseError | jobs.FencedError)

    @property
    def opened(self) -> bool:
        """Whether the run has a row."""
        return self._task is not None

    async def flush(self) -> None:
        """Commit what waits and stop writing."""
        if not self.opened:
            return
        self._closing = True
        self._enough.set()
        await self._task

    async def finish(
        self, reason: str, exit_code: int, errors: int, *, failed: Sequence[str] = (), remarks: Sequence[str] = ()
    ) -> None:
        """Close the run's row, forget the rejects of long ago and disconnect.

        `errors` are those of no one source; `failed` and `remarks` are lines for a user, kept among the stats.
        """
        self.exit_code = exit_code

        def work(cursor: "Cursor") -> None:
            self.ledger = {terms.name: quotas.spent(cursor, terms, calls) for terms, calls in self.spent.items()}
            stats = self._stats(full=True)
            stats["errors"] += errors
            stats["failed"], stats["remarks"] = storable(failed[:LINES]), storable(remarks)
            runs.finish(cursor, self.run_id, reason, exit_code, stats)
            rejects.forget(cursor, self._rejects_days)

        if not self.is_shut_out:
            await self._patiently(self._writing, work)
        self._writing.close()
        self._reading.close()

    # What stages and spiders hand over

    def put(self, items: Sequence[Item]) -> None:
        """Take items; articles when `lookup` found them new, changed or due to be marked as seen."""
        self._queue += items
        if len(self._queue) >= BATCH:
            self._enough.set()

    def refuse(self, reject: Reject) -> None:
        """Take what was refused. Counts as one rejected item of its source."""
        self._count_refused(reject)
        self._add(reject)

    def save(self, progress: Progress) -> None:
        """Take progress, behind the items that it covers: committed with the last of them or after it."""
        self._add(progress)

    def tally(self, source_id: str | None) -> Tally:
        """The numbers of a source."""
        return self.tallies[source_id or "-"]

    def asking(self, source_id: str, url: str) -> None:
        """Note that a feed is asked: if no outcome follows, `tell_unanswered` has one."""
        self._asked[source_id, url] = None

    def tell_unanswered(self) -> None:
        """What was asked and never came back failed, whoever dropped it: a middleware is not bound to say so."""
        for source_id, url in list(self._asked):
            status = "its request was dropped, or its answer could not be read: the log may say why"
            self.outcome(source_id, url, ok=False, status=status)

    def outcome(self, source_id: str, url: str, *, ok: bool, status: str) -> None:
        """Note how the fetch of a feed ended."""
        self._asked.pop((source_id, url), None)
        if ok and (problem := self.spoilt.get((source_id, url))):
            ok, status = False, "; ".join([problem, *status.split("; ")[1:]])
        self.outcomes[source_id].append(Outcome(source_id=source_id, url=url, ok=ok, status=status))
        self.tally(source_id).errors += not ok

    def spoil(self, source_id: str, url: str, problem: str) -> None:
        """Note that a fetch failed although its answer came; it may have been told as good, or will be."""
        self.spoilt[source_id, url] = problem
        for outcome in [each for each in self.outcomes[source_id] if each.url == url and each.ok]:
            self.outcomes[source_id].remove(outcome)
            self.outcome(source_id, url, ok=True, status=outcome.status)

    def total(self) -> Tally:
        """The numbers of all sources."""
        tallies = list(self.tallies.values())
        return Tally(*(sum(getattr(tally, name) for tally in tallies) for name in Tally.__slots__))

    @property
    def full(self) -> bool:
        """Whether a stage has to wait for `room`."""
        return len(self._queue) >= QUEUE

    async def room(self) -> None:
        """Wait until the queue has room. Raises what made the store give up."""
        while self.full and self.failure is None:
            self._room.clear()
            await self._room.wait()
        if self.failure is not None:
            raise self.failure

    # What stages and spiders ask

    async def lookup(self, items: Sequence[Article]) -> None:
        """Note on each item what the database knows of it; see `articles.lookup`.

        A look-up that fails for good ends the crawl, as a write does: its items must not pass for refused.
        """
        try:
            await self._read(partial(articles.lookup, items=items))
        except _REFUSALS:  # one of them is spoilt: which one, the writing finds out
            for item in items:
                item.state = State.AGAIN
        except Exception as error:
            self.give_up(error)
            raise

    async def feed_states(self, urls: Sequence[str]) -> dict[str, FeedState]:
        """What is known of each feed, by URL."""
        return await self._read(partial(feeds.read, urls=urls, **self._feed_bounds))

    async def cursors(self, keys: Sequence[str]) -> dict[str, Any]:
        """The values of those cursors that there are, by key."""
        return await self._read(partial(cursors.read, keys=keys))

    async def refused_runs(self, keys: Sequence[str]) -> dict[str, int]:
        """In how many runs in a row all of the last answer was refused, by the keys of cursors."""
        return await self._read(partial(cursors.refused_runs, keys=keys))

    async def record_keys(self, dataset: str, most: int) -> set[str]:
        """The keys of the records of a dataset; none where there are more than `most`."""
        return await self._read(partial(records.keys, dataset=dataset, most=most))

    async def known_ids(self, source_id: str, external_ids: Sequence[str]) -> dict[str, bool]:
        """Which of these a source's articles have, and whether it took them back."""
        return await self._read(partial(articles.known_ids, source_id=source_id, external_ids=external_ids))

    async def ids_since(self, source_id: str, since: "datetime") -> set[str]:
        """The ids of a source's articles from this time on that it did not take back."""
        return await self._read(partial(articles.ids_since, source_id=source_id, since=since))

    async def describe(self, dataset: Mapping[str, Any]) -> None:
        """Say what a dataset is; see `records.describe`."""
        await self._read(lambda cursor: records.describe(cursor, **dataset))

    async def load(self, source_id: str, work: "Callable[[Cursor], bulk.Loaded]") -> bulk.Loaded:
        """Store rows past the items, in a transaction of their own with the run's counters; see `bulk.load`.

        `work` is done again where the database was lost meanwhile. A job that was taken over ends the crawl.
        """
        session = Session(self._database)
        try:
            loaded = await self._patiently(session, partial(self._load, work=work, source_id=source_id))
        except (jobs.FencedError, DatabaseError, psycopg2.OperationalError) as error:
            self.give_up(error)
            raise
        finally:
            session.close()
        self._count(_by_state(source_id, loaded))
        for reason, number in loaded.refusals.reasons.items():
            _count_reason(self.reasons, reason, number)
        return loaded

    def _load(self, cursor: "Cursor", work: "Callable[[Cursor], bulk.Loaded]", source_id: str) -> bulk.Loaded:
        loaded = work(cursor)
        # Held at the end alone: it keeps others from taking the job over, and a load takes minutes.
        if self._token:
            jobs.hold(cursor, self._token)
        runs.beat(cursor, self.run_id, self._stats(_by_state(source_id, loaded)))
        return loaded

    async def spend(self, terms: quotas.Terms, budget: float | None) -> float | quotas.Refusal:
        """Take a call out of the budget; see `quotas.spend`. A job of the schedule leaves some of a day's for later.

        Raises `QuotaSpentError` where this run has spent the budget of its own: calls, or money where they cost some.
        """
        if budget is not None and round((self.spent[terms] + 1) * (terms.cost or 1) - budget, 9) > 0:
            raise quotas.QuotaSpentError(f"the budget of this run, {budget:g}, is spent")
        self.spent[terms] += 1  # before others ask
        answer: float | quotas.Refusal | None = None
        try:
            if self._scheduled is None:
                self._scheduled = bool(self._token) and await self._read(partial(jobs.is_scheduled, token=self._token))
            answer = await self._read(partial(quotas.spend, terms=terms, spread=self._scheduled))
        finally:
            self.spent[terms] -= answer != 0
        return answer

    async def call_answered(self, terms: quotas.Terms) -> None:
        """A call is over; see `quotas.answered`."""
        await self._read(partial(quotas.answered, terms=terms))

    async def give_back(self, terms: quotas.Terms, ago: float) -> None:
        """A call that was taken `ago` seconds before reached nobody; see `quotas.give_back`."""
        self.spent[terms] -= 1
        await self._read(partial(quotas.give_back, terms=terms, ago=ago))

    async def quota_told(
        self,
        terms: quotas.Terms,
        remaining: int,
        limit: int | None,
        resets_in: float | None,
        period: str | None = None,
    ) -> None:
        """Take over what an answer says of the quota; see `quotas.told`."""
        told = {"remaining": remaining, "limit": limit, "resets_in": resets_in, "period": period}
        await self._read(partial(quotas.told, terms=terms, **told))

    async def block_quota(self, terms: quotas.Terms, seconds: float, reason: str) -> None:
        """No calls for so long."""
        await self._read(partial(quotas.block, name=terms.name, seconds=seconds, reason=reason))

    async def keep_sources(self, rows: Iterable[Mapping[str, str | None]]) -> None:
        """Make the table of sources say what the catalogue says."""
        await self._read(partial(sources.write, sources=rows))

    async def _read(self, work: "Callable[[Cursor], _T]") -> _T:
        if not self.opened:
            raise DatabaseError("the store is not open: ITEM_PIPELINES lacks newsbot.pipelines.store.StorePipeline")
        async with self._reading_lock:
            return await self._patiently(self._reading, work)

    # Writing

    def _count_refused(self, reject: Reject) -> None:
        self.tally(reject.source_id).rejected += 1
        _count_reason(self.reasons, (reject.field, reject.reason), 1)

    def _add(self, row: Row) -> None:
        self._queue.append(row)
        if len(self._queue) == BATCH:
            self._enough.set()

    async def _work(self) -> None:
        """Commit batch after batch, until `flush`."""
        while self.failure is None and (self._queue or not self._closing):
            if len(self._queue) < BATCH and not self._closing:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._enough.wait(), LINGER)
            self._enough.clear()
            batch = self._queue[:BATCH]
            if not batch and time.monotonic() - self._beat_at < runs.HEARTBEAT:
                continue
            try:
                await self._commit(batch)
            except Exception as error:  # noqa: BLE001  whatever it is, those who wait for room must not wait for ever
                self.give_up(error)
            del self._queue[: len(batch)]
            self._room.set()

    def give_up(self, error: Exception) -> None:
        """End the crawl: nothing is stored any more."""
        if self.failure is not None:
            return
        logger.critical("Nothing can be stored any more, the crawl ends: %s", error, exc_info=error)
        self.failure = error
        self._queue.clear()
        self._room.set()
        self._on_failure()

    async def _commit(self, batch: Sequence[Row], tries: "count[int] | None" = None) -> None:
        """Write a batch in one transaction; what the database refuses is split off."""
        tries = tries or count()
        for _ in range(TRIES):
            try:
                written = await self._patiently(self._writing, partial(self._write, batch=batch, tries=tries))
            except UniqueViolation as error:  # another process was first: the whole batch again, from a fresh look
                refused = error
            except _REFUSALS as error:
                refused = error
                break
            else:
                self._count(*written)
                return
        if len(batch) > 1:
            half = len(batch) // 2
            await self._commit(batch[:half], count(1))
            await self._commit(batch[half:], count(1))
        elif isinstance(batch[0], Item):
            reject = Reject.of(batch[0], None, f"the database refuses it: {str(refused).splitlines()[0]}")
            self._count_refused(reject)
            await self._commit([reject])
        else:
            raise DatabaseError(f"{batch[0]!r} can not be written: {refused}") from refused

    def _write(self, cursor: "Cursor", batch: Sequence[Row], tries: "count[int]") -> tuple[Counter, Counter, Counter]:
        """The transaction: rows, revisions, rejects, progress and the run's counters; the tables in one order for all.

        Returns how many items came to which state, by source, of the values left out how many by field and reason, and
        the remarks.
        """
        items = [row for row in batch if isinstance(row, Item)]
        refused = [row for row in batch if isinstance(row, Reject)]
        written: Counter = Counter()
        left_out: Counter = Counter()
        remarks: Counter = Counter()
        if self._token:
            jobs.hold(cursor, self._token)
        if next(tries):  # what was known before the failed try may be wrong by now
            for item in items:
                item.state = State.AGAIN
        for kind, write in _WRITERS.items():
            if some := [item for item in items if isinstance(item, kind)]:
                more = {"form_of": self.form_of} if kind is Article else {}
                for item in write(cursor, some, self.run_id, **more):
                    for field, reason, value in item.refused:
                        refused.append(Reject.of(item, field, reason, value))
                        written[item.source_id, "left_out"] += 1
                        left_out[field, reason] += 1
        for item in items:
            if item.state == State.NEW and item.takes_from:
                remarks[f"{item.origin} gave an id to another entry before: both are kept"] += 1
        if refused:
            rejects.write(cursor, refused, self.run_id)
        if moved := [row for row in batch if isinstance(row, FeedProgress)]:
            feeds.write(cursor, moved)
        if moved := [row for row in batch if isinstance(row, CursorProgress)]:
            cursors.write(cursor, moved, self.run_id)
        written.update((item.source_id, item.state) for item in items)
        runs.beat(cursor, self.run_id, self._stats(written))
        return written, left_out, remarks

    def _count(self, written: Counter, left_out: Counter = Counter(), remarks: Counter = Counter()) -> None:  # noqa: B006
        self._beat_at = time.monotonic()
        self.remarks += remarks
        for reason, number in left_out.items():
            _count_reason(self.left_out, reason, number)
        for (source_id, state), number in written.items():
            tally = self.tally(source_id)
            setattr(tally, state, getattr(tally, state) + number)

    def _stats(self, written: Counter = Counter(), *, full: bool = False) -> dict[str, Any]:  # noqa: B006
        """What the run's row says: the totals and, at the end, each source and what was spent."""
        stats: dict[str, Any] = asdict(self.total())
        for (_, state), number in written.items():
            stats[state] += number
        if full:
            stats["sources"] = {
                source_id: asdict(tally) | {"feeds": [asdict(outcome) for outcome in self.outcomes.get(source_id, ())]}
                for source_id, tally in self.tallies.items()
            }
            stats["spent"] = {name: asdict(spent) for name, spent in self.ledger.items()}
        return stats

    async def _patiently(self, session: Session, work: "Callable[[Cursor], _T]") -> _T:
        """Do `work` in a transaction; a database that is away or full is waited for."""
        pause, since = 0.1, time.monotonic()
        tell_at = since + 1  # a restart of the server is over by then
        while True:
            try:
                return await _in_thread(partial(session.transaction, work))
            except (psycopg2.Error, DatabaseError) as error:
                now = time.monotonic()
                if not is_lost(error) or now - since > self._patience:
                    raise
                if now >= tell_at:
                    tell_at = now + TELL_EVERY
                    reason = " ".join(str(error).split())
                    logger.warning("The database can not be used, the crawl waits since %d s: %s", now - since, reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _count_reason(reasons: Counter, reason: tuple[str | None, str], number: int) -> None:
    known = reason in reasons or len(reasons) < REASONS
    reasons[reason if known else (None, "other reasons")] += number


def _by_state(source_id: str, loaded: bulk.Loaded) -> Counter:
    numbers = {"new": loaded.new, "changed": loaded.changed, "unchanged": loaded.unchanged}
    numbers["rejected"] = loaded.refusals.rows
    return Counter({(source_id, state): number for state, number in numbers.items()})


def _token(settings: "BaseSettings") -> str | None:
    """The token of the job that this crawl is, where its rows go to the database that has the queue of jobs."""
    elsewhere = any(settings.get(name) != os.environ.get(name, "") for name in ("DATABASE_URL", "NEWSBOT_HOME"))
    return None if elsewhere else os.environ.get(jobs.TOKEN)


def _in_thread(work: Callable[[], _T]) -> "asyncio.Future[_T]":
    """As `asyncio.to_thread`, but an end by force does not wait for the thread: the database may hang."""
    outcome: Future[_T] = Future()

    def run() -> None:
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001  raised where it is awaited
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(outcome)
