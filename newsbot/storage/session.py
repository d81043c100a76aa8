"""One connection, opened again after a loss; it waits for a database that is away."""

import logging
import math
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import psycopg2

from newsbot.storage.database import Database, is_lost
from newsbot.storage.errors import DatabaseError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.1  # seconds before the first retry while a database is away; then twice as long each time
LONGEST_PAUSE = 5.0  # seconds
SHORT = 1.0  # seconds that it may be away silently: a restart of the server is over by then
TELL_EVERY = 60.0  # seconds between two warnings that it is away
QUIET = 2 * LONGEST_PAUSE  # seconds without a failure: all waiting sessions were served, the next outage is another

_T = TypeVar("_T")


def pauses() -> Iterator[float]:
    """Seconds before each retry while a database is away."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


class Outage:
    """The warnings of a database that cannot be used: shared by all sessions of a process with the same needs.

    A read-only or full database still serves readers: their success does not start the writers' outage anew.
    """

    def __init__(self, meanwhile: str) -> None:
        self.failure: str | None = None  # why it cannot be used, in a line; None while it can
        self._meanwhile = meanwhile
        self._since = self._tell_at = 0.0
        self._met_at = -math.inf
        self._told = False
        self._lock = threading.Lock()  # each session has its thread

    def met(self, error: Exception) -> str:
        """Note that it could not be used: why, in a line."""
        reason = " ".join(str(error).split())
        with self._lock:
            now = time.monotonic()
            if self.failure is None and now - self._met_at > QUIET:
                self._since, self._tell_at = now, now + SHORT
            self.failure, self._met_at = reason, now
            if now >= self._tell_at:
                self._tell_at, self._told = now + TELL_EVERY, True
                since = now - self._since
                logger.warning("The database cannot be used since %d s, %s: %s", since, self._meanwhile, reason)
        return reason

    def over(self) -> None:
        """Note that it could be used."""
        with self._lock:
            if self._told:
                logger.warning("The database is in reach again")
            self.failure, self._told = None, False


def patiently(work: Callable[[], _T], outage: Outage, patience: float) -> _T:
    """Do `work`, with retries while the database is away or full, for `patience` seconds at most."""
    waits, since = pauses(), time.monotonic()
    while True:
        try:
            outcome = work()
        except (psycopg2.Error, DatabaseError) as error:
            if not is_lost(error):
                raise
            outage.met(error)
            if time.monotonic() - since >= patience:
                raise
        else:
            outage.over()
            return outcome
        time.sleep(next(waits))


class Session:
    """Used by one thread at a time. Waits up to `patience` seconds for a database that is away."""

    def __init__(self, database: Database, outage: Outage | None = None, patience: float = 0.0) -> None:
        self._database = database
        self._outage = outage or Outage("this waits")
        self._patience = patience
        self._connection: Connection | None = None

    def transaction(self, work: "Callable[[Cursor], _T]") -> _T:
        """Do `work` in one transaction; an exception rolls it back.

        Retries where the database was lost before the commit, or is away or full, as long as the patience lasts.
        """
        return patiently(lambda: self._try(work), self._outage, self._patience)

    def _try(self, work: "Callable[[Cursor], _T]") -> _T:
        """Do `work`, with one retry where a kept connection turns out to be cut before the commit."""
        if self._connection is not None and _has_input(self._connection):
            self.close()  # the server has ended it meanwhile: an idle client gets no other notice
        is_kept = self._connection is not None
        while True:
            if self._connection is None:
                self._connection = self._database.connect()
            may_be_committed = False
            try:
                with self._connection, self._connection.cursor() as cursor:
                    outcome = work(cursor)
                    may_be_committed = True
                    return outcome
            except psycopg2.Error:
                if not self._connection.closed:
                    raise
                self._connection = None
                if may_be_committed or not is_kept:
                    raise
                is_kept = False

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            with suppress(psycopg2.Error):  # it may be broken already
                self._connection.close()
            self._connection = None


def _has_input(connection: "Connection") -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
