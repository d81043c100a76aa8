"""A transaction for a command."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from newsbot.storage.database import Database
from newsbot.storage.upgrade import upgrade

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from scrapy.settings import BaseSettings


@contextmanager
def transaction(settings: "BaseSettings") -> "Iterator[Cursor]":
    """One transaction, in a database that is at head. Raises `DatabaseError` and `UnknownRevisionError`."""
    with closing(Database.from_settings(settings).connect()) as connection:
        upgrade(connection)
        with connection, connection.cursor() as cursor:
            yield cursor
