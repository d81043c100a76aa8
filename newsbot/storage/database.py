"""The way to a database: the one `DATABASE_URL` names, or the embedded server of `NEWSBOT_HOME`.

Connections are psycopg2's. Nothing here or above needs more of a session than one transaction, so a transaction pooler
(pgbouncer, Supabase's port 6543) may stand before the database.
"""

import os
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2.extensions import parse_dsn

from newsbot.storage.errors import (
    AuthenticationError,
    DatabaseError,
    MissingDatabaseError,
    TLSError,
    UnreachableError,
    UnsuitableError,
    URLError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection  # noqa: N812
    from scrapy.settings import BaseSettings

OLDEST = 15  # major version of Postgres

# https://www.postgresql.org/docs/current/libpq-connect.html; the URL's own parameters win. A peer that vanished
# silently is noticed after a minute or so, instead of the system's two hours.
_CLIENT = {
    "application_name": "newsbot",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_SCHEME = re.compile(r"postgres(ql)?(\+\w+)?://", re.IGNORECASE)
# They tune features that newsbot does not use: prepared statements and a client's own pool.
_OF_OTHER_DRIVERS = {
    "connection_limit",
    "pgbouncer",
    "prepare_threshold",
    "prepared_statement_cache_size",
    "prepareThreshold",
    "statement_cache_size",
    "supa",
}
_SPELLINGS = (
    "postgresql://USER:PASSWORD@HOST:5432/NAME, any of its spellings, or host=HOST dbname=NAME"
    " (special characters of a password percent-encoded: @ is %40, / is %2F)"
)


# The words of servers and poolers for a refused connection: psycopg2 gives no SQLSTATE for it. Unrecognised ones (in
# another language, say) count as unreachable: better to wait in vain than to give up a crawl.
_REFUSALS = (
    (
        TLSError,
        "no TLS with",
        r"certificate|sslmode|does not support SSL|SSL (connection )?is required|tlsv1 alert"
        r"|handshake failure|wrong version number",
    ),
    (
        AuthenticationError,
        "wrong user or password for",
        r"authentication failed|no password supplied|role .* does not exist|no such user|no pg_hba\.conf entry"
        r"|not permitted to log in|permission denied for database|Tenant or user not found",
    ),
    (MissingDatabaseError, "no such database:", r"database .* does not exist|no such database"),
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOST_CLASSES = {
    "08",  # connection; also pgbouncer's own troubles
    "40",  # rolled back in favour of other transactions
    "53",  # no room on the disk, no memory, too many connections
    "58",  # input and output
}
_LOST = {
    "25006",  # read-only, as after a fail-over
    "25P03",  # idle in a transaction for too long, disconnected
    "57P01",  # shut down by an administrator
    "57P02",  # another process of the server crashed
    "57P03",  # starting up or shutting down
    "57P05",  # idle for too long, disconnected
}


class Database:
    """One database, embedded or not. Threads may share it; each opens its own connection."""

    def __init__(self, url: str, home: Path) -> None:
        """`url` in any spelling, empty for the embedded server of `home`. Raises `URLError`; does not connect."""
        self.home = None if url else home  # of the embedded server
        self._parameters = parse(url) if url else None

    @classmethod
    def from_settings(cls, settings: "BaseSettings | Mapping[str, str]") -> Self:
        """The database that `DATABASE_URL` and `NEWSBOT_HOME` name."""
        url, home = settings.get("DATABASE_URL"), settings.get("NEWSBOT_HOME")
        if url and url.strip():
            return cls(url.strip(), Path())
        if os.name == "nt":
            raise URLError("the embedded Postgres runs on Linux and macOS: set DATABASE_URL to a Postgres server")
        if home:
            return cls("", Path(home))
        from newsbot.storage import embedded

        return cls("", embedded.default_home())

    def __repr__(self) -> str:
        return f"Database({self.home or self.safe_url!r})"

    @property
    def url(self) -> str:
        """The libpq URL, with the password. Starts the embedded server if need be."""
        return _spell(self._located())

    @property
    def safe_url(self) -> str:
        """The URL with `***` in place of a password."""
        parameters = self._located()
        return _spell(parameters | dict.fromkeys(parameters.keys() & {"password", "sslpassword"}, "***"))

    def connect(self, **options: Any) -> "Connection":
        """A new connection, for one thread at a time; `options` are libpq's parameters.

        Restarts an embedded server that is gone. Raises a `DatabaseError`.
        """
        try:
            return psycopg2.connect(**_CLIENT | self._located() | options)
        except psycopg2.OperationalError as error:
            if self.home is None:
                raise self._explained(error) from None
            self._parameters = None
        try:
            return psycopg2.connect(**_CLIENT | self._located() | options)
        except psycopg2.OperationalError as error:
            raise self._explained(error) from None

    def connect_reader(self) -> "Connection":
        """A new connection whose transactions only read; on the embedded server as `newsbot_reader`.

        Makes that role if need be. Raises a `DatabaseError`.
        """
        options = {}
        if self.home is not None:
            from newsbot.storage import reader

            with closing(self.connect()) as connection:
                reader.ensure(connection)
            options["user"] = reader.ROLE
        connection = self.connect(**options)
        connection.set_session(readonly=True)
        return connection

    def check(self) -> None:
        """Connect and see, in one round trip, whether newsbot can store here. Raises a `DatabaseError`."""
        with closing(self.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                try:
                    cursor.execute(
                        "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,"
                        " pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool,"
                        " current_setting('server_encoding')"
                    )
                except psycopg2.OperationalError as error:
                    raise self._explained(error) from None
                version, major, standby, read_only, encoding = cursor.fetchone()
        if major < OLDEST:
            raise UnsuitableError(f"{self.safe_url} is Postgres {version}: newsbot needs {OLDEST} or later")
        if standby:
            raise UnsuitableError(f"{self.safe_url} is a read-only standby: let DATABASE_URL name the primary server")
        if read_only:
            raise UnsuitableError(
                f"{self.safe_url} is read-only: default_transaction_read_only is on for this server, database or user"
            )
        if encoding != "UTF8":
            raise UnsuitableError(f"{self.safe_url} is in {encoding}: newsbot needs a database with ENCODING 'UTF8'")

    def _located(self) -> dict[str, str]:
        """libpq parameters; the embedded server runs after this call."""
        parameters = self._parameters
        if parameters is None:
            from newsbot.storage import embedded  # only where it serves: Windows has no flock

            parameters = self._parameters = embedded.ensure_running(self.home)
        return parameters

    def _explained(self, error: psycopg2.OperationalError) -> DatabaseError:
        """libpq's message of several lines as one line that says what is wrong."""
        reason = "; ".join(line.strip() for line in str(error).splitlines() if line and not line.startswith("\t"))
        for kind, what, pattern in _REFUSALS:
            if re.search(pattern, reason):
                return kind(f"{what} {self.safe_url}: {reason}")
        return UnreachableError(f"cannot connect to {self.safe_url}: {reason}")


def is_lost(error: Exception) -> bool:
    """Whether the database is away or full for now, so that the same transaction may succeed on a later try.

    Also true when it lost to another transaction (deadlock, serialization), which needs no long wait:
    `psycopg2.extensions.TransactionRollbackError`. False for faults of the data or the program.
    """
    if isinstance(error, DatabaseError):
        return error.lost
    if not isinstance(error, psycopg2.Error):
        return False
    if error.pgcode is None:  # not from the server: the connection broke
        return type(error) in {psycopg2.OperationalError, psycopg2.DatabaseError} or "connection already closed" in str(
            error
        )
    return error.pgcode[:2] in _LOST_CLASSES or error.pgcode in _LOST


def parse(url: str) -> dict[str, str]:
    """libpq parameters of an address in any spelling. Raises `URLError`, which never shows a possible password.

    Reads `postgres://` and `postgresql://` (drops a driver's name after `+`, reads `ssl=` as `sslmode=`) and libpq's
    keyword strings; there may be several hosts, an IPv6 address in brackets, or the folder of a socket.
    """
    scheme = _SCHEME.match(url)
    if scheme:
        url = f"postgresql://{_without_foreign(url[scheme.end() :])}"
    elif "://" in url or "=" not in url:
        given = url.partition("://")[0] if "://" in url else "no address"
        raise URLError(f"DATABASE_URL is not a Postgres URL ({given}): write {_SPELLINGS}")
    try:
        parameters = parse_dsn(url)
    except psycopg2.ProgrammingError as error:
        # libpq's message may hold pieces of a password; a parameter's name is shown where it cannot be one.
        unknown = re.search(r'invalid URI query parameter: "\w+"', str(error))
        reason = f" ({unknown[0]})" if unknown and "@" not in url.partition("?")[2] else ""
        raise URLError(f"DATABASE_URL cannot be read{reason}: write {_SPELLINGS}") from None
    host, name, port = (parameters.get(key, "") for key in ("host", "dbname", "port"))
    if (scheme and "@" in host + name) or not re.fullmatch(r"[\d,]*", port):  # the rest of a password
        raise URLError(f"DATABASE_URL cannot be read: write {_SPELLINGS}")
    placed = parameters.keys() & {"host", "hostaddr", "service"}
    if not placed and (not name or parameters.keys() & {"password", "port"}):  # postgresql:///NAME is the local socket
        raise URLError(f"DATABASE_URL names no host: write {_SPELLINGS}")
    if "," in host:
        parameters.setdefault("target_session_attrs", "read-write")  # the primary among several hosts
    return parameters


def _without_foreign(address: str) -> str:
    """The address without other drivers' parameters, and with asyncpg's `ssl=` in libpq's words."""
    place, mark, query = address.partition("?")
    kept = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "ssl" and value != "true":  # libpq knows `ssl=true`
            kept.append(f"sslmode={'disable' if value == 'false' else value}")
        elif name not in _OF_OTHER_DRIVERS:
            kept.append(part)
    return place + mark + "&".join(kept)


def _spell(parameters: dict[str, str]) -> str:
    """libpq's URL of these parameters. A socket's folder stands in the query, where every library reads it."""
    rest = dict(parameters)
    user, password, name = (quote(rest.pop(key, ""), safe="*") for key in ("user", "password", "dbname"))
    place = ""
    if "host" in rest and "/" not in rest["host"]:
        hosts = [f"[{host}]" if ":" in host else quote(host) for host in rest.pop("host").split(",")]
        ports = rest.pop("port", "").split(",")
        ports = ports * len(hosts) if len(ports) == 1 else ports
        place = ",".join(f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=True))
    login = user + (f":{password}" if password else "")
    query = urlencode(rest, safe="*", quote_via=quote)
    return f"postgresql://{login}{'@' if login else ''}{place}/{name}{'?' if query else ''}{query}"
