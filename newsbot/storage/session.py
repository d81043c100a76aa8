"""One connection that is opened again after it was lost."""

import select
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import psycopg2

from newsbot.storage.database import Database

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_T = TypeVar("_T")


class Session:
    """Used by one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = None

    def transaction(self, work: "Callable[[Cursor], _T]") -> _T:
        """Do `work` in one transaction; whatever it raises rolls back.

        Where a connection that was kept turns out to be cut before the commit, `work` is done again on a new one.
        """
        if self._connection is not None and _has_input(self._connection):
            self.close()  # the server has ended it meanwhile: to an idle client it has nothing else to say
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
        """Disconnect, if it is connected."""
        if self._connection is not None:
            with suppress(psycopg2.Error):  # it may be broken already
                self._connection.close()
            self._connection = None


def _has_input(connection: "Connection") -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
