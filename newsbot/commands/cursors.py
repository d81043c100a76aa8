"""`scrapy cursors list|reset`: list or forget how far each API is read."""

import argparse
import sys
from difflib import get_close_matches
from typing import Any, ClassVar

import psycopg2
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from newsbot.commands.database import transaction
from newsbot.commands.line import Examples
from newsbot.commands.output import printing, write_csv
from newsbot.storage import cursors
from newsbot.storage.errors import DatabaseError
from newsbot.storage.upgrade import UnknownRevisionError


class Command(ScrapyCommand):
    """Exits with 0, 1 if the database refused, 2 if the usage is wrong."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    actions: ClassVar[Examples] = {
        "list": ("print how far each API is read", "scrapy cursors list guardian"),
        "reset": ("forget it: the next run is a first run again", "scrapy cursors reset coingecko --source bitcoin"),
    }

    def syntax(self) -> str:
        """The arguments after the name of the command."""
        return "[options] [list [NAME] | reset NAME]"

    def short_desc(self) -> str:
        """One line for `scrapy -h`."""
        return "List how far each API is read, or forget it"

    def long_desc(self) -> str:
        """The text of `scrapy cursors -h`."""
        return (
            "A cursor says how far a spider has read an API, for each set of its arguments. The run after a reset is a"
            " first run again; stored rows stay and are not doubled. NAME is that of a spider or a YAML declaration."
        )

    def add_options(self, parser: Any) -> None:
        """Add the options and the examples."""
        super().add_options(parser)
        self._parser = parser
        parser.show_examples("Actions", self.actions)
        parser.add_argument("--csv", action="store_true", help="list: CSV with a header instead of a table")
        parser.add_argument("--source", metavar="SOURCE", help="reset: the cursor of this source only, as listed")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run the action that the first argument names."""
        match args:
            case [] | ["list"] | ["list", _] if opts.source is None:
                action = self._list
            case ["reset", _] if not opts.csv:
                action = self._reset
            case _:
                raise self._parser.wrong_usage(args)
        try:
            action(args[1] if args[1:] else None, opts)
        except (DatabaseError, UnknownRevisionError, psycopg2.Error) as error:
            print(f"scrapy cursors: {' '.join(str(error).split())}", file=sys.stderr)
            self.exitcode = 1

    def _list(self, name: str | None, opts: argparse.Namespace) -> None:
        with transaction(self.settings) as cursor:
            columns, rows = cursors.overview(cursor, name)
            if name is not None and not rows:
                raise UsageError(_unknown(name, cursors.names(cursor)), print_help=False)
        with printing():
            if opts.csv:
                write_csv([columns, *rows])
            elif rows:
                import tabulate

                print(tabulate.tabulate(rows, columns, disable_numparse=True))
            else:
                print("no cursors: no run has read an API yet", file=sys.stderr)

    def _reset(self, name: str, opts: argparse.Namespace) -> None:
        with transaction(self.settings) as cursor:
            forgotten = cursors.reset(cursor, name, opts.source)
            if not forgotten:
                known = cursors.names(cursor)
                if opts.source is None or name not in known:
                    raise UsageError(_unknown(name, known), print_help=False)
                reason = _unknown(opts.source, cursors.names(cursor, name))
                raise UsageError(f"{name} --source {reason}", print_help=False)
        of = f" of {opts.source}" if opts.source else ""
        print(f"forgot {forgotten} {'cursor' if forgotten == 1 else 'cursors'} of {name}{of}")


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return f"{name} has no cursor; {hint}"
