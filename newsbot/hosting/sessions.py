"""The database for Scrapyd's reactor, which must not wait: threads do the work, each on a separate connection."""

import os
from collections.abc import Callable
from functools import cache
from queue import LifoQueue
from typing import TYPE_CHECKING, TypeVar

import psycopg2
from twisted.internet.threads import deferToThread

from newsbot.storage.database import Database, is_lost
from newsbot.storage.errors import DatabaseError
from newsbot.storage.session import Outage, Session

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

SIZE = 4  # connections at most

_T = TypeVar("_T")


class AwayError(Exception):
    """The database cannot be used for now: why, in a line."""


class Sessions:
    """Connections that open when they are first needed, and again after a loss."""

    def __init__(self, database: Database, outage: Outage) -> None:
        self.database = database
        self._outage = outage
        self._free: LifoQueue[Session] = LifoQueue()
        for _ in range(SIZE):
            self._free.put(Session(database, outage))

    @property
    def failure(self) -> str | None:
        """Why the database cannot be used; None while it can."""
        return self._outage.failure

    async def do(self, work: "Callable[[Cursor], _T]") -> _T:
        """Do `work` in a transaction, in a thread. Raises `AwayError` while the database cannot be used."""
        return await deferToThread(self.transaction, work)

    async def run(self, work: Callable[[], _T]) -> _T:
        """As `do`, for what has transactions of its own."""
        return await deferToThread(self.attempt, work)

    def transaction(self, work: "Callable[[Cursor], _T]") -> _T:
        """As `do`, here and now."""
        session = self._free.get()
        try:
            return self.attempt(lambda: session.transaction(work))
        finally:
            self._free.put(session)

    def attempt(self, work: Callable[[], _T]) -> _T:
        """As `run`, here and now."""
        try:
            outcome = work()
        except (psycopg2.Error, DatabaseError) as error:
            if not is_lost(error):
                raise
            raise AwayError(self._outage.met(error)) from None
        self._outage.over()
        return outcome


@cache
def sessions() -> Sessions:
    """The sessions of this process, on the database that the environment names."""
    return Sessions(Database.from_settings(os.environ), Outage("what runs goes on, nothing new starts"))
