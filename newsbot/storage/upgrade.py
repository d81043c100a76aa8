"""Brings the database to the tables of this version, once; the first process does it.

A new database gets `schema.sql`, the migrations' printed SQL (a test compares them), because importing Alembic and
SQLAlchemy costs more CPU than the rest of a first start. Alembic migrates an older one.

`python -m newsbot.storage.upgrade` prints the schema.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg2

from newsbot.storage.errors import UnsuitableError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

logger = logging.getLogger(__name__)

# The newest revision in migrations/versions; a test checks it.
HEAD = "0008"

LOCK = 0x6E657773_626F74  # any number of ours


class UnknownRevisionError(Exception):
    """The database is at a revision that this newsbot does not know."""


def current(connection: "Connection") -> str | None:
    """The revision of the database; None for one without our tables. Leaves no transaction open."""
    with connection, connection.cursor() as cursor:
        return _revision(cursor) if _has_tables(cursor) else None


def upgrade(connection: "Connection") -> bool:
    """Upgrade to `HEAD`; returns whether there was anything to do.

    Works in one transaction behind an advisory lock: of processes that start together one upgrades and the others wait.
    Leaves alone a database that a newer version has upgraded, since migrations only add: so nodes can be renewed one by
    one, and a deployment rolled back. Raises `UnknownRevisionError` when the revision is not newsbot's,
    `UnsuitableError` when the tables cannot be made in it.
    """
    found = current(connection)
    if found == HEAD:
        return False
    if found is not None and found.isdecimal() and found > HEAD:
        logger.info("The database is at revision %s, newer than the %s of this version", found, HEAD)
        return False
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if not _has_tables(cursor):
            _make_tables(cursor)
        elif _revision(cursor) != HEAD:  # another process may have been first
            migrate(connection)
    return True


def _make_tables(cursor: "Cursor") -> None:
    try:
        cursor.execute((resources.files("newsbot.storage") / "schema.sql").read_text("utf-8"))
    except psycopg2.ProgrammingError as error:  # no right to, no schema to make them in, or another program's exist
        place = cursor.connection.info
        raise UnsuitableError(
            f"newsbot cannot make its tables in the database {place.dbname} as {place.user}:"
            f" {error.diag.message_primary}; give it a separate database or schema, or let the owner run"
            " `scrapy db upgrade` and grant what is missing"
        ) from None


def migrate(connection: "Connection", revision: str = HEAD) -> None:
    """Run the migrations up to `revision` in the transaction that is open."""
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ProgrammingError
    from sqlalchemy.pool import StaticPool

    engine = create_engine("postgresql+psycopg2://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as shared, _config(connection=shared) as config:
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise UnknownRevisionError(
                f"the database was made by another version of newsbot ({error}); this one knows revisions up to"
                f" {HEAD!r}: install the newer version, or use another database"
            ) from error
        except ProgrammingError as error:  # no right to, or an empty table of revisions beside our tables
            raise UnsuitableError(
                f"newsbot cannot upgrade its tables: {error.orig.diag.message_primary}; let their owner run"
                " `scrapy db upgrade`, or give newsbot a separate database"
            ) from None
        shared.commit()


def print_schema() -> None:
    """Print the SQL that makes a new database."""
    from alembic import command

    with _config() as config:
        command.upgrade(config, HEAD, sql=True)


@contextmanager
def _config(**attributes: Any) -> Iterator[Any]:
    from alembic.config import Config

    config = Config(attributes=attributes)
    # A copy, since Alembic wants files: Scrapyd runs newsbot from a ZIP, and Python 3.11 unpacks no folder of one.
    with TemporaryDirectory() as folder:
        _copy(resources.files("newsbot.storage") / "migrations", Path(folder, "migrations"))
        config.set_main_option("script_location", f"{folder}/migrations")
        yield config


def _copy(source: "Traversable", target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        for entry in source.iterdir():
            _copy(entry, target / entry.name)
    else:
        target.write_bytes(source.read_bytes())


def _revision(cursor: "Cursor") -> str | None:
    cursor.execute("SELECT version_num FROM alembic_version")
    row = cursor.fetchone()
    return row[0] if row else None


def _has_tables(cursor: Any) -> bool:
    # From the table itself: to_regclass() answers from a cache that is as old as the transaction.
    cursor.execute(
        "SELECT FROM pg_catalog.pg_class"
        " WHERE relname = 'alembic_version' AND relnamespace = current_schema()::regnamespace"
    )
    return cursor.rowcount > 0


if __name__ == "__main__":
    print_schema()
