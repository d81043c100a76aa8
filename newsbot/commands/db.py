"""`scrapy db url|sql|size|prune|drop-demo|dump|restore|upgrade|stop`: look into the database and maintain it."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg2
from psycopg2 import extensions, sql
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from newsbot.commands.line import Examples
from newsbot.commands.output import printing, write_csv
from newsbot.settings import MOST_DAYS
from newsbot.storage.database import Database
from newsbot.storage.errors import DatabaseError
from newsbot.storage.upgrade import HEAD, UnknownRevisionError, upgrade

if TYPE_CHECKING:  # every command is imported at every start
    from newsbot.storage.prune import Pruned
    from newsbot.storage.size import Size

FETCH = 1_000  # rows at a time
MAX_CELL = 100  # characters in a cell of the table; a CSV has the whole value
# What users try as an action, and the command that does it.
OTHER_WORDS = {
    "backup": "scrapy db dump FILE",
    "status": "scrapy db size",
    "query": 'scrapy db sql "SELECT ..."',
    "select": 'scrapy db sql "SELECT ..."',
    "export": 'scrapy db sql "SELECT ..." --csv > FILE.csv',
}
DEFAULT_TIMEOUT = 60.0  # seconds

# Keep these as the server writes them: Python has no year 10000 and no readable form of bytes.
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
# A spreadsheet takes a value that begins so for a formula, even in quotes; it skips blanks and invisible characters.
# In many countries Excel splits cells at ";". Then it also ends lines within quotes, which do not begin its cells:
# https://owasp.org/www-community/attacks/CSV_Injection
_UNSEEN = r"\s\x00-\x1f\x7f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_SIGN = "[=+\\-@＝＋－＠﹢﹣﹦﹫]"
_FORMULA = re.compile(rf"\A(?=[\t\r\n]|[{_UNSEEN}]*+{_SIGN})|(?<=[;\t\r\n])(?=(?:(?![\t\r\n])[{_UNSEEN}])*+{_SIGN})")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
UNDEFINED_TABLE = "42P01"
INVALID_CURSOR_DEFINITION = "42P11"  # the server's code for several statements, and for one that returns no rows


class Command(ScrapyCommand):
    """Exits with 0, 1 if the database refused or the SQL failed, 2 if the usage is wrong."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012  as Scrapy declares it

    actions: ClassVar[Examples] = {
        "url": ("print its URL, for psql or a notebook", 'psql "$(scrapy db url)"'),
        "sql": (
            "print the rows of one SELECT; write nothing",
            'scrapy db sql "SELECT title FROM articles" --csv',
        ),
        "size": ("print rows and bytes of each table", "scrapy db size"),
        "prune": ("delete rows older than the settings say", "scrapy db prune --dry-run"),
        "drop-demo": ("delete the rows of `make demo`", "scrapy db drop-demo"),
        "dump": ("write all rows and tables to a file, with pg_dump", "scrapy db dump newsbot.dump"),
        "restore": ("read such a file into a database without rows", "scrapy db restore newsbot.dump"),
        "upgrade": ("upgrade the tables to this version of newsbot", "scrapy db upgrade"),
        "stop": ("stop the embedded server; the next command starts it", "scrapy db stop"),
    }

    def syntax(self) -> str:
        """The arguments after the name of the command."""
        return '[options] url | sql "SELECT ..." | size | prune | drop-demo | dump FILE | restore FILE | upgrade | stop'

    def short_desc(self) -> str:
        """One line for `scrapy -h`."""
        return "Look into the database: its URL, read-only SQL, sizes; prune, dump, restore, upgrade or stop it"

    def add_options(self, parser: Any) -> None:
        """Add the options of `sql`, `size` and `prune`, and the examples."""
        super().add_options(parser)
        self._parser = parser
        parser.show_examples("Actions", self.actions)
        parser.other_words = OTHER_WORDS
        parser.add_argument("--csv", action="store_true", help="sql, size: print CSV with a header, not a table")
        parser.add_argument(
            "--spreadsheet",
            action="store_true",
            help="sql: print CSV with ' before each text that a spreadsheet would take for a formula",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="prune: report what it would delete, and delete nothing"
        )
        parser.add_argument(
            "--timeout",
            type=seconds,
            default=DEFAULT_TIMEOUT,
            metavar="SECONDS",
            help=f"sql: end a statement that runs longer (default: {DEFAULT_TIMEOUT:g})",
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run the action that the first argument names."""
        actions: dict[str, tuple[int, Callable[[], None]]] = {
            "url": (1, self._url),
            "sql": (2, lambda: self._sql(args[1], opts)),
            "size": (1, lambda: self._size(opts)),
            "prune": (1, lambda: self._prune(opts)),
            "drop-demo": (1, self._drop_demo),
            "dump": (2, lambda: self._dump(Path(args[1]))),
            "restore": (2, lambda: self._restore(Path(args[1]))),
            "upgrade": (1, self._upgrade),
            "stop": (1, self._stop),
        }
        if not args or args[0] not in actions or len(args) != actions[args[0]][0]:
            raise self._parser.wrong_usage(args)
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

    def _dump(self, file: Path) -> None:
        from newsbot.storage.dump import dump

        if file.is_dir() or not file.parent.is_dir():
            raise UsageError(f"dump {file}: expected a file in a folder that exists", print_help=False)
        dump(Database.from_settings(self.settings), file)
        print(f"dumped to {file}, {_bytes_in_words(file.stat().st_size)}")

    def _restore(self, file: Path) -> None:
        from newsbot.storage.dump import restore

        if not file.is_file():
            raise UsageError(f"restore {file}: expected a file that exists", print_help=False)
        restore(Database.from_settings(self.settings), file)
        print(f"restored {file}")

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
            raise UsageError("DATABASE_URL is set: newsbot stops only the embedded server", print_help=False)
        print("stopped" if embedded.stop(home) else "was not running")

    def _sql(self, statement: str, opts: argparse.Namespace) -> None:
        with closing(Database.from_settings(self.settings).connect_reader()) as connection:
            extensions.register_type(_AS_TEXT, connection)
            with connection.cursor() as cursor:
                rows = _rows(cursor, statement, opts.timeout)
                if opts.spreadsheet:
                    rows = ([_inert(value) for value in row] for row in rows)
                # Without a byte order mark Excel guesses another encoding.
                _print(rows, as_csv=opts.csv or opts.spreadsheet, mark=opts.spreadsheet)

    def _size(self, opts: argparse.Namespace) -> None:
        from newsbot.storage.size import sizes

        with closing(Database.from_settings(self.settings).connect()) as connection:
            connection.set_session(readonly=True, autocommit=True)
            with connection.cursor() as cursor:
                found = sizes(cursor)
        rows = [_size_in_csv(each) for each in found] if opts.csv else [_size_in_words(each) for each in found]
        _print([["table", "rows", "bytes", "oldest", "newest"], *rows], as_csv=opts.csv)

    def _prune(self, opts: argparse.Namespace) -> None:
        from newsbot.enrichment.urls import form_of
        from newsbot.storage.prune import SETTINGS, prune
        from newsbot.storage.session import Session

        days = {name: self._days(name) for name in SETTINGS}
        database = Database.from_settings(self.settings)
        database.check()
        with closing(database.connect()) as connection:
            upgrade(connection)
        with closing(Session(database)) as session:
            for pruned in prune(session.transaction, days, form_of, dry_run=opts.dry_run):
                with printing():  # one by one: the pruning goes on after the reader closes the pipe
                    print(_pruned_in_words(pruned, days, dry_run=opts.dry_run))

    def _drop_demo(self) -> None:
        from newsbot.commands.database import transaction
        from newsbot.sample.newsroom import APIS, sites
        from newsbot.storage import sources

        with transaction(self.settings) as cursor:
            dropped = sources.drop(cursor, [*(site.id for site in sites()), *APIS])
        for table, rows in dropped.items():
            print(f"{table}: {rows:,} deleted")

    def _days(self, name: str) -> float:
        try:
            days = self.settings.getfloat(name)
        except ValueError:
            days = -1.0
        if not 0 <= days <= MOST_DAYS:
            right = f"expected a number of days from 0 to {MOST_DAYS}"
            raise UsageError(f"{name}={self.settings[name]}: {right}", print_help=False)
        return days


def seconds(text: str) -> float:
    """A time above 0; argparse reports the ValueError with the argument."""
    value = float(text)
    if not 0 < value < 1_000_000:
        raise ValueError(text)
    return value


def _explained(error: psycopg2.Error) -> str:
    if error.pgcode == INVALID_CURSOR_DEFINITION:
        return "expected one statement that returns rows, such as a SELECT"
    message = error.diag.message_primary or " ".join(str(error).split())
    hint = _hint_on_table(message) if error.pgcode == UNDEFINED_TABLE else error.diag.message_hint
    return f"{message} ({hint})" if hint else message


def _hint_on_table(message: str) -> str:
    from newsbot.storage.tables import metadata

    name = message.split('"')[1].rpartition(".")[2]
    if name in metadata.tables:
        return "the first crawl creates newsbot's tables, and so does `scrapy db upgrade`"
    near = get_close_matches(name.lower(), metadata.tables, n=1)
    return f"did you mean {near[0]!r}?" if near else "docs/tables.md lists newsbot's tables"


def _rows(cursor: Any, statement: str, timeout: float) -> Iterator[list[str | None]]:
    """The header, then the rows, as text.

    The server opens the statement as a cursor. A cursor takes exactly one statement that returns rows, so the statement
    cannot end its read-only transaction. A timeout that it sets itself ends with these rows.
    """
    limit = cursor.mogrify("SET LOCAL statement_timeout = %s", (round(timeout * 1000),))
    opening = sql.SQL("DECLARE result refcursor := 'result'; BEGIN OPEN result FOR EXECUTE {}; END").format(
        sql.Literal(statement)
    )
    cursor.execute(limit)
    cursor.execute("DO %s", (opening.as_string(cursor),))
    cursor.execute(f"FETCH {FETCH} FROM result")
    yield [column.name for column in cursor.description]
    while batch := cursor.fetchall():
        yield from ([_text(value) for value in row] for row in batch)
        cursor.execute(limit)
        cursor.execute(f"FETCH {FETCH} FROM result")


def _text(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _inert(value: str | None) -> str | None:
    """The value with an apostrophe before each formula of a spreadsheet; a number stays."""
    return value if value is None or _NUMBER.fullmatch(value) else _FORMULA.sub("'", value)


def _print(rows: Iterable[list[str | None]], *, as_csv: bool, mark: bool = False) -> None:
    """Print rows, the header first."""
    with printing():
        if as_csv:
            write_csv(rows, mark=mark)
        else:
            _print_table(rows)


def _print_table(rows: Iterable[list[str | None]]) -> None:
    from tabulate import tabulate

    header, *cells = ([_cell(value) for value in row] for row in rows)
    print(tabulate(cells, header, "simple", disable_numparse=True))


def _cell(value: str | None) -> str:
    line = " ".join((value or "").split())
    return line if len(line) <= MAX_CELL else line[: MAX_CELL - 1] + "…"


def _size_in_csv(size: "Size") -> list[str | None]:
    return [size.table, str(size.rows), str(size.bytes), size.oldest, size.newest]


def _size_in_words(size: "Size") -> list[str | None]:
    about = "about " if size.estimated else ""
    return [size.table, f"{about}{size.rows:,}", _bytes_in_words(size.bytes), size.oldest, size.newest]


def _bytes_in_words(number: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024:
            return f"{number:.3g} {unit}" if number < 1000 else f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.3g} TB"


def _pruned_in_words(pruned: "Pruned", days: Mapping[str, float], *, dry_run: bool) -> str:
    what = f"{pruned.rows:,} {'would be deleted' if dry_run else 'deleted'}"
    if pruned.setting is None:
        return f"{pruned.table}: {what}, tracking variants of a URL of which the origin has a newer one"
    return f"{pruned.table}: {what}, of more than {days[pruned.setting]:g} days ago ({pruned.setting})"
