"""The database for Scrapyd's reactor, which must not wait: work is done in threads, each on a connection of its own."""

import os
from collections.abc import Callable
from functools import cache
from queue import LifoQueue
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.threads import deferToThread

from newsbot.storage.database import Database
from newsbot.storage.session import Session

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from twisted.internet.defer import Deferred

SIZE = 4  # connections at most

_T = TypeVar("_T")


class Sessions:
    """Connections that are opened when they are first needed, and again after they were lost."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._free: LifoQueue[Session] = LifoQueue()
        for _ in range(SIZE):
            self._free.put(Session(database))

    def do(self, work: "Callable[[Cursor], _T]") -> "Deferred[_T]":
        """Do `work` in a transaction, in a thread."""
        return deferToThread(self.transaction, work)

    def transaction(self, work: "Callable[[Cursor], _T]") -> _T:
        """Do `work` in a transaction, here and now."""
        session = self._free.get()
        try:
            return session.transaction(work)
        finally:
            self._free.put(session)


@cache
def sessions() -> Sessions:
    """Those of this process, on the database that the environment names."""
    return Sessions(Database.from_settings(os.environ))
