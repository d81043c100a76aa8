"""`scrapy api`: try an API before a crawl."""

import json
import shutil
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import NotConfigured, UsageError
from scrapy.utils.conf import arglist_to_dict

from newsbot.commands.line import Examples, nearest
from newsbot.commands.output import printing
from newsbot.items import Article, Item, Observation, Record

if TYPE_CHECKING:  # every command is imported at every start
    from newsbot.commands.trying import Tried
    from newsbot.spiders.base.api import ApiSpider

ROWS = 10  # of a table
LINES = 40  # of a record
WIDTH = 180  # without a terminal
REASON = 180  # characters


class Command(ScrapyCommand):
    """Exits with 0, 1 if the page did not come or makes no items, 2 if the usage is wrong."""

    requires_project = True
    requires_crawler_process = True
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    actions: ClassVar[Examples] = {
        "try": (
            "show the first page and its items; store nothing",
            "scrapy api try worldbank",
        ),
    }

    def syntax(self) -> str:
        """The arguments after the name of the command."""
        return "[options] try FILE|NAME"

    def short_desc(self) -> str:
        """One line for `scrapy -h`."""
        return "Show the items of an API's first page, without storing them"

    def long_desc(self) -> str:
        """The text of `scrapy api -h`."""
        return (
            "Ask for the first page as a first run does. Show its records, the items that they make, and what a run"
            " would ask for next. FILE is a declaration in YAML, NAME one of `scrapy sources --apis`. It stores"
            " nothing: no item, no cursor, no run; and the ledger of the quota does not count the call."
        )

    def add_options(self, parser: Any) -> None:
        """Add the options and the examples."""
        super().add_options(parser)
        self._parser = parser
        parser.show_examples("Actions", self.actions)
        parser.add_argument(
            "-a", dest="spargs", action="append", default=[], metavar="NAME=VALUE", help="an argument, as for the crawl"
        )
        parser.add_argument("--json", action="store_true", help="print everything as JSON")

    def process_options(self, args: list[str], opts: Namespace) -> None:
        """Read the arguments of -a."""
        super().process_options(args, opts)
        try:
            opts.spargs = arglist_to_dict(opts.spargs)
        except ValueError:
            raise UsageError("-a: expected NAME=VALUE", print_help=False) from None

    def run(self, args: list[str], opts: Namespace) -> None:
        """Try one API."""
        if len(args) != 2 or args[0] != "try":
            raise self._parser.wrong_usage(args)
        self._try(args[1], opts)

    def _spiders(self) -> "dict[str, type[ApiSpider]]":
        from newsbot.spiders.base.api import ApiSpider

        loader = self.crawler_process.spider_loader
        return {name: spider for name in loader.list() if issubclass(spider := loader.load(name), ApiSpider)}

    def _try(self, target: str, opts: Namespace) -> None:
        from newsbot.commands.trying import Tried, trying
        from newsbot.sources.declared import shipped

        spiders = self._spiders()
        config = {} if target in spiders and target != "api" else {"config": target}
        tried = Tried()
        spider = trying(spiders["api" if config else target], tried)
        crawl = self.crawler_process.crawl(spider, **config, **opts.spargs)
        self.crawler_process.start()
        if not crawl.done() or crawl.cancelled():  # stopped by a second signal
            self.exitcode = 1
            return
        error = crawl.exception()
        if isinstance(error, ValueError | NotConfigured):
            hint = nearest(target, [*spiders, *shipped()]) if config and not Path(target).suffix else ""
            print(f"scrapy api try {target}: {error}{hint}", file=sys.stderr)
            self.exitcode = 2
            return
        if error is not None:
            raise error
        with printing():
            print(json.dumps(_plain(tried), indent=2, default=_text) if opts.json else "\n".join(_described(tried)))
        self.exitcode = int(not tried.is_good)


def _described(tried: "Tried") -> Iterator[str]:
    """The result of the page, as text."""
    yield str(tried.url)
    if tried.problem is not None:
        yield f"  failed: {tried.problem}"
    if tried.status is None:
        return
    yield f"  HTTP status {tried.status}, {tried.size:,} bytes, {len(tried.records)} records"
    if tried.records:
        yield from ("", "The first record:", _cut_lines(json.dumps(tried.records[0], indent=2, ensure_ascii=False)))
    if tried.records and tried.withdrawn == len(tried.records):
        yield from ("", "No item: all records stand for withdrawn ones. There is nothing to store, and nothing wrong.")
    if tried.items:
        yield from ("", "The item that it makes:", _table(_filled(tried.items[0])))
        missing = [name for name, value in _fields(tried.items[0]).items() if _is_empty(value)]
        yield f"  empty: {', '.join(missing) or 'none'}"
        shown = tried.items[:ROWS]
        yield from ("", f"{len(shown)} of {tried.mapped} items:", _table([_row(item) for item in shown], "keys"))
    if tried.refused:
        yield from ("", "Refused, as a run would keep them in the table rejects:")
        for (name, reason), times in Counter(tried.refused).most_common(ROWS):
            yield f"  {times} x {name or 'item'}: {_cut(reason, REASON)}"
    left_out = Counter((name, reason) for item in tried.items for name, reason, _ in item.refused)
    if left_out:
        yield from ("", "Values left out of the items:")
        yield from (f"  {times} x {name}: {_cut(reason, REASON)}" for (name, reason), times in left_out.items())
    yield ""
    yield from (f"Next: {url}" for url in tried.following[:ROWS])
    if not tried.following and tried.problem is None:
        yield "Next: nothing, this page is the last"
    yield f"Cursor: {json.dumps(tried.cursor)}" if tried.cursor else "Cursor: this page does not move it"
    yield from (f"Note: {remark}" for remark in tried.remarks)
    yield "Nothing was stored."


def _plain(tried: "Tried") -> dict[str, Any]:
    """The result of the page, as JSON."""
    values = {name: getattr(tried, name) for name in tried.__slots__}
    return values | {"items": [_fields(item) for item in tried.items]}


def _fields(item: Item) -> dict[str, Any]:
    from itemadapter import ItemAdapter

    return ItemAdapter(item).asdict()


def _filled(item: Item) -> list[tuple[str, str]]:
    pairs = _fields(item).items()
    return [(name, _cut(_text(value), _width() - 20)) for name, value in pairs if not _is_empty(value)]


def _row(item: Item) -> dict[str, Any]:
    half = (_width() - 30) // 2
    match item:
        case Article():
            title, url = _cut(item.title, half), _cut(item.url, half)
            return {"published_at": _text(item.published_at), "title": title, "url": url}
        case Observation():
            series = item.series
            name = _cut(series.name, half)
            return {"series": name, "time": _text(item.time), "value": item.value, "unit": series.unit}
        case Record():
            return {"key": _cut(item.key, 30), "data": _cut(_text(item.data), _width() - 32)}
    return {"item": _cut(repr(item), _width())}


def _table(rows: list[Any], headers: Any = ()) -> str:
    import tabulate

    return tabulate.tabulate(rows, headers, tablefmt="simple" if headers else "plain", disable_numparse=True)


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _width() -> int:
    return max(70, shutil.get_terminal_size(fallback=(WIDTH, 0)).columns)


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."


def _cut_lines(text: str) -> str:
    lines = [line if len(line) <= _width() else line[: _width() - 3] + "..." for line in text.splitlines()]
    return "\n".join(lines if len(lines) <= LINES else [*lines[:LINES], f"... {len(lines) - LINES} more lines"])
