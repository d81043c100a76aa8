"""`scrapy sources`: the catalogue, or how its feeds fare, as a table or as CSV."""

import csv
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.utils.conf import arglist_to_dict

from newsbot.commands.output import printing
from newsbot.sources.catalogue import SelectionError, load, matching
from newsbot.sources.model import CatalogueError, Source


class Command(ScrapyCommand):
    """List the sources that `scrapy crawl headlines` knows, those that are not enabled too."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        """What follows the name of the command."""
        return "[options]"

    def short_desc(self) -> str:
        """One line for `scrapy -h`."""
        return "List the sources of the catalogue"

    def add_options(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        super().add_options(parser)
        parser.add_argument("--country", metavar="CODES", help="of these countries only, as fr,be")
        parser.add_argument("--language", metavar="CODES", help="in these languages only, as de,fr")
        parser.add_argument("--status", action="store_true", help="how each feed fares, from the database")
        parser.add_argument("--csv", action="store_true", help="CSV with a header instead of a table")
        parser.add_argument(
            "-a",
            dest="spargs",
            action="append",
            default=[],
            metavar="catalogue=FILE",
            help="add a catalogue of your own, a file or a folder, as for the crawl",
        )

    def process_options(self, args: list[str], opts: Namespace) -> None:
        """Refuse what is not declared: Scrapy's own parser lets it through as `args`."""
        super().process_options(args, opts)
        try:
            opts.spargs = arglist_to_dict(opts.spargs)
        except ValueError:
            raise UsageError("-a: catalogue=FILE is right", print_help=False) from None
        if wrong := [*args, *(f"-a {key}=" for key in opts.spargs if key != "catalogue")]:
            raise UsageError(f"unknown: {' '.join(wrong)}; see `scrapy sources -h`", print_help=False)

    def run(self, args: list[str], opts: Namespace) -> None:
        """Print the sources or their feeds; a wrong catalogue, country or language is a message and exit code 2."""
        paths = [path for path in (self.settings.get("CATALOGUE"), opts.spargs.get("catalogue")) if path]
        try:
            sources = matching(load(paths), opts.country, opts.language)
        except (CatalogueError, SelectionError) as error:
            raise UsageError(str(error), print_help=False) from error
        with printing():
            self._print(sources, opts)

    def _print(self, sources: Sequence[Source], opts: Namespace) -> None:
        if opts.status:
            self._print_status(sources, as_csv=opts.csv)
        elif opts.csv:
            columns = ["id", "name", "country", "language", "feeds", "news_sitemaps", "sections", "enabled", "reason"]
            values = ([getattr(source, column) for column in columns] for source in sources)
            _write_csv(columns, ([len(cell) if isinstance(cell, tuple) else cell for cell in row] for row in values))
        else:
            print(_table(sources))

    def _print_status(self, sources: Sequence[Source], *, as_csv: bool) -> None:
        from newsbot.storage import feeds
        from newsbot.storage.database import Database
        from newsbot.storage.errors import DatabaseError
        from newsbot.storage.upgrade import UnknownRevisionError, upgrade

        try:
            with closing(Database.from_settings(self.settings).connect()) as connection:
                upgrade(connection)
                with connection.cursor() as cursor:
                    columns, rows = feeds.overview(cursor, [source.id for source in sources])
        except (DatabaseError, UnknownRevisionError) as error:
            print(f"scrapy sources: {error}", file=sys.stderr)
            self.exitcode = 1
            return
        if as_csv:
            _write_csv(columns, rows)
        else:
            import tabulate

            print(tabulate.tabulate(rows, columns))


def _write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def _table(sources: Sequence[Source]) -> str:
    # Scrapy imports every command's module at every start.
    import tabulate

    tabulate.MIN_PADDING = 0  # else each header takes two columns more

    headers = ["id", "name", "country", "lang", "feeds", "news\nmaps", "section\npages", "enabled"]
    rows = [
        [
            source.id,
            source.name,
            source.country,
            source.language,
            len(source.feeds),
            len(source.news_sitemaps),
            len(source.sections),
            "yes" if source.enabled else f"no: {source.reason}",
        ]
        for source in sources
    ]
    # Where the terminal is too narrow, the name and the reason are wrapped; a pipe or a file has no width.
    table = tabulate.tabulate(rows, headers)
    excess = max(map(len, table.splitlines())) - shutil.get_terminal_size(fallback=(sys.maxsize, 0)).columns
    if excess > 0:
        names, reasons = (max((len(row[column]) for row in rows), default=0) for column in (1, 7))
        name = max(10, names - excess)
        reason = max(10, reasons - max(0, excess - (names - name)))
        table = tabulate.tabulate(rows, headers, maxcolwidths=[None, name, *[None] * 5, reason])
    return table
