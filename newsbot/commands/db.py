"""`scrapy db url|sql|upgrade|stop`: a look inside the database, without psql."""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
from psycopg2 import extensions, sql
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from newsbot.commands.output import printing
from newsbot.storage.database import Database
from newsbot.storage.errors import DatabaseError
from newsbot.storage.upgrade import HEAD, UnknownRevisionError, upgrade

FETCH = 1_000  # rows at a time
MAX_CELL = 100  # characters in a cell of the table; a CSV has all
DEFAULT_TIMEOUT = 60.0  # seconds

# As the server writes them: Python has no year 10000 and no readable bytes.
_AS_TEXT = extensions.new_type(
    (
        *extensions.PYDATE.values,
        *extensions.PYDATETIME.values,
        *extensions.PYDATETIMETZ.values,
        *extensions.PYINTERVAL.values,
        *psycopg2.BINARY.values,
    ),
    "AS_TEXT",
    lambda value, _: value,
)
INVALID_CURSOR_DEFINITION = "42P11"  # what the server says of several statements, and of one that gives no rows


class Command(ScrapyCommand):
    """Exits with 0, 1 when the database or the SQL refused, 2 when it was asked wrongly."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012  as Scrapy declares it

    def syntax(self) -> str:
        """For the help."""
        return '[options] url | sql "SELECT ..." | upgrade | stop'

    def short_desc(self) -> str:
        """For the help."""
        return "Look into the database: its URL, read-only SQL; upgrade or stop it"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """The options of `sql`."""
        super().add_options(parser)
        parser.add_argument("--csv", action="store_true", help="sql: print CSV with a header, not a table")
        parser.add_argument(
            "--timeout",
            type=seconds,
            default=DEFAULT_TIMEOUT,
            metavar="SECONDS",
            help=f"sql: end a statement that runs longer (default: {DEFAULT_TIMEOUT:g})",
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run the action named first."""
        actions: dict[str, tuple[int, Callable[[], None]]] = {
            "url": (1, self._url),
            "sql": (2, lambda: self._sql(args[1], opts)),
            "upgrade": (1, self._upgrade),
            "stop": (1, self._stop),
        }
        if not args or args[0] not in actions or len(args) != actions[args[0]][0]:
            raise UsageError(f"expected one of: {self.syntax()}", print_help=False)
        try:
            actions[args[0]][1]()
        except (DatabaseError, UnknownRevisionError) as error:
            self._fail(error)
        except psycopg2.Error as error:
            self._fail(_explained(error))

    def _fail(self, error: Any) -> None:
        print(f"scrapy db: {error}", file=sys.stderr)
        self.exitcode = 1

    def _url(self) -> None:
        print(Database.from_settings(self.settings).url)

    def _upgrade(self) -> None:
        database = Database.from_settings(self.settings)
        database.check()
        connection = database.connect()
        changed = upgrade(connection)
        connection.close()
        print(f"{'upgraded to' if changed else 'at'} revision {HEAD}")

    def _stop(self) -> None:
        from newsbot.storage import embedded

        home = Database.from_settings(self.settings).home
        if home is None:
            raise UsageError("DATABASE_URL is set: only the embedded server is newsbot's to stop", print_help=False)
        print("stopped" if embedded.stop(home) else "was not running")

    def _sql(self, statement: str, opts: argparse.Namespace) -> None:
        connection = Database.from_settings(self.settings).connect()
        connection.set_session(readonly=True)
        extensions.register_type(_AS_TEXT, connection)
        with connection.cursor() as cursor:
            rows = _rows(cursor, statement, opts.timeout)
            with printing():
                if opts.csv:
                    csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
                else:
                    _print_table(rows)
        connection.close()


def seconds(text: str) -> float:
    """A time of more than 0; argparse tells the ValueError with the argument."""
    value = float(text)
    if not 0 < value < 1_000_000:
        raise ValueError(text)
    return value


def _explained(error: psycopg2.Error) -> str:
    if error.pgcode == INVALID_CURSOR_DEFINITION:
        return "expected one statement that gives rows, such as a SELECT"
    message = error.diag.message_primary or " ".join(str(error).split())
    return f"{message} ({error.diag.message_hint})" if error.diag.message_hint else message


def _rows(cursor: Any, statement: str, timeout: float) -> Iterator[list[str | None]]:
    """The header, then the rows, as text.

    The statement is opened as a cursor by the server: that takes one statement that gives rows and no more, so that
    it can not end the read-only transaction that it runs in.
    """
    cursor.execute("SET LOCAL statement_timeout = %s", (round(timeout * 1000),))
    opening = sql.SQL("DECLARE result refcursor := 'result'; BEGIN OPEN result FOR EXECUTE {}; END").format(
        sql.Literal(statement)
    )
    cursor.execute("DO %s", (opening.as_string(cursor),))
    cursor.execute(f"FETCH {FETCH} FROM result")
    yield [column.name for column in cursor.description]
    while batch := cursor.fetchall():
        yield from ([_text(value) for value in row] for row in batch)
        cursor.execute(f"FETCH {FETCH} FROM result")


def _text(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _print_table(rows: Iterator[list[str | None]]) -> None:
    from tabulate import tabulate

    header, *cells = ([_cell(value) for value in row] for row in rows)
    print(tabulate(cells, header, "simple", disable_numparse=True))


def _cell(value: str | None) -> str:
    line = " ".join((value or "").split())
    return line if len(line) <= MAX_CELL else line[: MAX_CELL - 1] + "…"
