"""Brings the database to the tables of this version, once, by whoever comes first."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from sqlalchemy import Connection as SqlalchemyConnection

# The newest revision in migrations/versions. Compared first, so that a start at head does not import Alembic;
# a test holds that it is the newest.
HEAD = "0001"

_LOCK = 0x6E657773_626F74  # any number that is ours


def current(connection: "Connection") -> str | None:
    """The revision that the database is at; None for one without our tables. Leaves no transaction open."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        row = cursor.fetchone()
        return row[0] if row else None


def upgrade(connection: "Connection") -> bool:
    """Upgrade to `HEAD`; whether there was anything to do.

    All in one transaction behind an advisory lock: of processes that start together one upgrades and the others wait.
    Raises `UnknownRevisionError` when the database is newer than this version of newsbot.
    """
    if current(connection) == HEAD:
        return False
    # Imported here: together these cost more than the rest of a start.
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import StaticPool

    engine = create_engine("postgresql+psycopg2://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as shared:
        shared.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        migrate(shared)
    return True


def migrate(connection: "SqlalchemyConnection", revision: str = HEAD) -> None:
    """Run the migrations up to `revision` in the connection's own transaction."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "newsbot:storage/migrations")
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise UnknownRevisionError(
            f"the database was made by another version of newsbot ({error}); this one knows revisions up to {HEAD!r}:"
            " install the newer version, or use another database"
        ) from error


class UnknownRevisionError(Exception):
    """The database is at a revision that this version does not know."""
