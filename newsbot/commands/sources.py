"""`scrapy sources`: list the sites of the catalogue and the APIs, or their status, as a table or CSV; `reset`."""

import shutil
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.utils.conf import arglist_to_dict

from newsbot.commands import known_apis
from newsbot.commands.known_apis import Known, key_state, quota
from newsbot.commands.line import Examples, check_numbers, crawl_of
from newsbot.commands.output import printing, write_csv
from newsbot.sources import codes
from newsbot.sources.catalogue import SelectionError, load, matching
from newsbot.sources.model import CatalogueError, Source


class Command(ScrapyCommand):
    """Lists the sites that `scrapy crawl headlines` knows, also those that are not enabled, and the APIs."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    actions: ClassVar[Examples] = {
        "(none)": ("list the sites and the APIs", "scrapy sources --country fr,be"),
        "reset": ("fetch the feeds of a source in full at the next run", "scrapy sources reset guardian"),
        "--apis": ("list the APIs alone", "scrapy sources --apis"),
        "--status": ("show the status of each feed and API", "scrapy sources --status --country fr"),
    }

    def syntax(self) -> str:
        """The arguments after the name of the command."""
        return "[options] [reset ID...]"

    def long_desc(self) -> str:
        """The text of `scrapy sources -h`."""
        return (
            "Without an action it lists them. `reset ID` forgets the state of a source's feeds, or the time until which"
            " an API must not be called: the next run asks at once, and in full. Stored rows stay."
        )

    def short_desc(self) -> str:
        """One line for `scrapy -h`."""
        return "List the sites of the catalogue and the APIs"

    def add_options(self, parser: Any) -> None:
        """Add the options and the examples."""
        super().add_options(parser)
        self._parser = parser
        parser.show_examples("Actions", self.actions)
        parser.add_argument("--country", metavar="CODES", help="sites of these countries only, as fr,be")
        parser.add_argument("--language", metavar="CODES", help="sites in these languages only, as de,fr")
        parser.add_argument("--apis", action="store_true", help="APIs only")
        parser.add_argument("--status", action="store_true", help="the status of each feed and API, from the database")
        parser.add_argument("--csv", action="store_true", help="CSV with a header, of the sites or --apis")
        parser.add_argument(
            "-a",
            dest="spargs",
            action="append",
            default=[],
            metavar="catalogue=FILE",
            help="add a catalogue, a file or a folder, as for the crawl",
        )

    def process_options(self, args: list[str], opts: Namespace) -> None:
        """Refuse unknown words: Scrapy's parser lets them through as `args`."""
        super().process_options(args, opts)
        try:
            opts.spargs = arglist_to_dict(opts.spargs)
        except ValueError:
            raise UsageError("-a: expected catalogue=FILE", print_help=False) from None
        named = args[1:] if args[:1] == ["reset"] else []
        if args == ["reset"]:
            raise UsageError("reset: the id of a source or an API is missing", print_help=False)
        if named and (opts.apis or opts.country or opts.language or opts.status or opts.csv):
            raise UsageError("reset: expected only ids and -a catalogue=FILE", print_help=False)
        if wrong := [*args[len(named) + bool(named) :], *(f"-a {key}=" for key in opts.spargs if key != "catalogue")]:
            hint = self._parser.hint(wrong[0])
            hint = hint or self._meant(wrong[0])
            raise UsageError(f"unknown: {' '.join(wrong)}{hint}; see `scrapy sources -h`", print_help=False)
        if opts.apis and (opts.country or opts.language or opts.spargs):
            raise UsageError("--apis: --country, --language and -a catalogue= apply to sites only", print_help=False)

    def run(self, args: list[str], opts: Namespace) -> None:
        """Print the sources or their status; a wrong catalogue, country or language ends with exit code 2."""
        if args:
            self._reset(args[1:], opts)
            return
        sources = [] if opts.apis else self._sites(opts)
        of_sites_only = opts.country or opts.language or (opts.csv and not opts.apis)
        known = [] if of_sites_only else known_apis.known(self.settings)
        with printing():
            if opts.status:
                self._print_status(sources, known, opts)
            else:
                _print(sources, known, as_csv=opts.csv)

    def _meant(self, word: str) -> str:
        """A hint at the command for a source, or at the option for a country or a language."""
        if crawl := crawl_of(self.settings, word):
            return f"; to crawl it: {crawl}"
        given = ((kind, codes.code_of(kind, word)) for kind in ("country", "language"))
        if options := " or ".join(f"--{kind} {code}" for kind, code in given if code):
            return f"; write: scrapy sources {options}"
        near = get_close_matches(word.lower(), load(), n=1)
        return f" (did you mean {near[0]!r}?)" if near else ""

    def _sites(self, opts: Namespace) -> list[Source]:
        paths = [path for path in (self.settings.get("CATALOGUE"), opts.spargs.get("catalogue")) if path]
        try:
            return matching(load(paths), opts.country, opts.language)
        except (CatalogueError, SelectionError) as error:
            raise UsageError(str(error), print_help=False) from error

    def _reset(self, ids: Sequence[str], opts: Namespace) -> None:
        from newsbot.commands.database import transaction
        from newsbot.storage import cursors, feeds, quotas
        from newsbot.storage.errors import DatabaseError
        from newsbot.storage.upgrade import UnknownRevisionError

        sites = {source.id: source for source in self._sites(opts)}
        lines = []
        try:
            with transaction(self.settings) as cursor:
                for name in ids:
                    number = feeds.forget(cursor, name, sites[name].polled if name in sites else ())
                    if quotas.unblock(cursor, name):
                        lines.append(f"{name}: forgot the state of its quota; the next run asks at once")
                    elif number:
                        what = "1 feed" if number == 1 else f"{number} feeds"
                        lines.append(f"{name}: forgot the state of {what}; the next run asks at once")
                    elif name in sites:
                        lines.append(f"{name}: none of its feeds was asked yet; the next run asks at once")
                    else:
                        raise UsageError(self._no_feeds(name, sites, cursors.names(cursor)), print_help=False)
        except (DatabaseError, UnknownRevisionError) as error:
            print(f"scrapy sources: {error}", file=sys.stderr)
            self.exitcode = 1
            return
        print(*lines, sep="\n")

    def _no_feeds(self, name: str, sites: Iterable[str], read: Iterable[str]) -> str:
        """What there is of a name, of which neither a feed nor a quota is known; `read` are the APIs with a cursor."""
        apis = {each.api.name for each in known_apis.known(self.settings)}.union(read)
        if name in apis:
            again = f"to read it from its beginning again: scrapy cursors reset {name}"
            return f"{name}: this is an API, which has no feeds, and nothing keeps it from being asked; {again}"
        near = get_close_matches(name.lower(), [*sites, *apis], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`scrapy sources` lists all"
        return f"{name}: no source has this id; {hint}"

    def _print_status(self, sources: Sequence[Source], known: Sequence[Known], opts: Namespace) -> None:
        from newsbot.commands.database import transaction
        from newsbot.storage import feeds
        from newsbot.storage.errors import DatabaseError
        from newsbot.storage.upgrade import UnknownRevisionError

        check_numbers(self, ["RETRY_AFTER_DAYS"])
        tables = []
        try:
            with transaction(self.settings) as cursor:
                if sources:
                    longest = self.settings.getfloat("RETRY_AFTER_DAYS") * 86_400
                    ids = {source.id for source in sources}
                    if not (opts.country or opts.language):  # only a catalogue knows these
                        ids |= feeds.sources(cursor)
                    tables.append(feeds.overview(cursor, sorted(ids), rest_max=longest))
                if known:
                    tables.append((known_apis.STATUS, known_apis.status(cursor, known)))
        except (DatabaseError, UnknownRevisionError) as error:
            print(f"scrapy sources: {error}", file=sys.stderr)
            self.exitcode = 1
            return
        import tabulate

        for number, (columns, rows) in enumerate(tables):
            if opts.csv:
                write_csv([columns, *rows])
            else:
                print(*[""] * number, tabulate.tabulate(rows, columns, disable_numparse=True), sep="\n")


def _print(sources: Sequence[Source], known: Sequence[Known], *, as_csv: bool) -> None:
    if as_csv and known:
        cells = ((api.name, api.title, crawl, key_state(api), quota(api)) for api, _, crawl in known)
        write_csv([["api", "title", "crawl", "key", "quota"], *cells])
    elif as_csv:
        columns = ["id", "name", "country", "language", "feeds", "news_sitemaps", "sections", "enabled", "reason"]
        values = ([getattr(source, column) for column in columns] for source in sources)
        write_csv([columns, *([len(cell) if isinstance(cell, tuple) else cell for cell in row] for row in values)])
    else:
        if sources:
            print(_table(sources))
        if known:
            print(*[""] * bool(sources), _api_table(known), sep="\n")
            print("\nFor calls spent today, cursors and states: scrapy sources --status")


def _table(sources: Sequence[Source]) -> str:
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
    return _fitted(rows, headers, 1, 7)


def _api_table(known: Sequence[Known]) -> str:
    rows = [[api.name, api.title, key_state(api), quota(api)] for api, *_ in known]
    return _fitted(rows, ["api", "what", "key", "quota"], 1, 3)


def _fitted(rows: Sequence[Sequence[Any]], headers: Sequence[str], first: int, second: int) -> str:
    """A table that wraps these two columns if the terminal is too narrow; a pipe or a file has no width."""
    table = _narrow(rows, headers)
    excess = max(map(len, table.splitlines())) - shutil.get_terminal_size(fallback=(sys.maxsize, 0)).columns
    if excess > 0:
        widths = [max((len(row[column]) for row in rows), default=0) for column in (first, second)]
        firsts = max(10, widths[0] - excess)
        seconds = max(10, widths[1] - max(0, excess - (widths[0] - firsts)))
        wrapped = {first: firsts, second: seconds}
        table = _narrow(rows, headers, maxcolwidths=[wrapped.get(column) for column in range(len(headers))])
    return table


def _narrow(rows: Sequence[Sequence[Any]], headers: Sequence[str], **options: Any) -> str:
    """A table whose headers are not two characters wider than their text."""
    import tabulate  # Scrapy imports every command's module at every start

    usual, tabulate.MIN_PADDING = tabulate.MIN_PADDING, 0
    try:
        return tabulate.tabulate(rows, headers, **options)
    finally:
        tabulate.MIN_PADDING = usual
