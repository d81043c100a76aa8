"""`scrapy crawl`: Scrapy's command, with an exit code for the result and one-line errors for wrong use."""

import argparse
import difflib
import gc
import logging
import sys
import textwrap
import traceback
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, NoReturn

from scrapy import signals
from scrapy.commands import crawl
from scrapy.exceptions import NotConfigured, UsageError
from scrapy.spiderloader import get_spider_loader

from newsbot.commands.line import HelpFormatter, crawl_of
from newsbot.storage.database import is_lost
from newsbot.storage.errors import DatabaseError
from newsbot.storage.upgrade import UnknownRevisionError
from newsbot.storage.writer import Writer

if TYPE_CHECKING:
    from scrapy import Spider

    from newsbot.spiders.base.arguments import Described

logger = logging.getLogger(__name__)

NAME_WIDTH = 12  # characters of an argument's name in the help


class Command(crawl.Command):
    """Exits with 0 if the run stored something or nothing had changed, 1 if it failed, 2 if the usage is wrong."""

    settings: Any  # Scrapy sets them before it calls anything

    def syntax(self) -> str:
        """The arguments after the name of the command."""
        return "[options] SPIDER"

    def long_desc(self) -> str:
        """The text of `scrapy crawl -h`."""
        return "Run a spider. `scrapy list` shows the spiders, `scrapy crawl SPIDER -h` the arguments (-a) of one."

    def add_options(self, parser: Any) -> None:
        """Add Scrapy's options, and a -h that waits until the spider is known."""
        super().add_options(parser)
        parser.add_argument("-h", "--help", action="store_true", help="show this help, and the spider's arguments")
        self._parser = parser

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Answer -h, and refuse anything but one known spider before the run begins."""
        for given in opts.spargs:
            if "=" not in given:
                meant = self._meant(given, args) or crawl_of(self.settings, given)
                hint = f"; did you mean `{meant}`?" if meant else ""
                raise UsageError(f"-a {given}: expected NAME=VALUE{hint}", print_help=False)
        _refuse_repeated(opts.spargs)
        super().process_options(args, opts)
        if opts.help:
            self._show_help(args, opts.spargs)
        self._check(args, opts.spargs)
        self._refuse_as_settings(args[0], opts)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run one spider."""
        crawler = self._create_crawler(args[0])
        self._given = opts.spargs
        crawler.signals.connect(self._opened, signals.spider_opened)
        crawl = self.crawler_process.crawl(crawler, **opts.spargs)
        # Imported modules stay, so the garbage collector need not scan them again, nor scan new objects so often.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        self.crawler_process.start()
        if not crawl.done() or crawl.cancelled():  # stopped by a second signal
            self.exitcode = 1
            return
        error = crawl.exception()
        if error is None:
            self.exitcode = Writer.of(crawler).run.exit_code or 0
        elif isinstance(error, (ValueError, NotConfigured, DatabaseError, UnknownRevisionError)):
            print(f"scrapy crawl {args[0]}: {error}{self._elsewhere(error)}", file=sys.stderr)
            self.exitcode = 1 if is_lost(error) else 2
        else:
            traceback.print_exception(error)
            self.exitcode = 1

    def _opened(self, spider: "Spider") -> None:
        """Log what the run does, once its arguments are accepted: the first line of the log."""
        given = "".join(f" {name}={value}" for name, value in self._given.items() if not name.startswith("_"))
        logger.info("Crawling %s%s", spider.name, given and f" with{given}")

    def _show_help(self, args: list[str], given: dict[str, str]) -> NoReturn:
        if args:
            self._check(args, given)
            spider = get_spider_loader(self.settings).load(args[0])
            self._parser.usage = f"scrapy crawl {args[0]} [options]"
            try:
                self._parser.description = f"{cleandoc(spider.__doc__ or '')}\n\n{_arguments(spider, given)}"
            except ValueError as error:
                raise UsageError(str(error), print_help=False) from error
            self._parser.formatter_class = HelpFormatter
        self._parser.print_help()
        sys.exit()

    def _check(self, args: list[str], given: dict[str, str]) -> None:
        """Refuse anything but the name of one spider."""
        if wrong := [each for each in args[1:] or args if each.startswith("--")]:
            name = wrong[0].removeprefix("--").partition("=")[0]
            hint = self._parser.hint(wrong[0]) + f"; an argument of the spider is written -a {name}=VALUE"
            raise UsageError(f"unknown option {wrong[0]!r}{hint}", print_help=False)
        if len(args) > 1:
            hint = self._extra(args[1], given)
            raise UsageError(f"expected one spider, got {' '.join(args)!r}{hint}", print_help=False)
        if not args:
            raise UsageError("expected the name of a spider; `scrapy list` shows them", print_help=False)
        known = get_spider_loader(self.settings).list()
        if args[0] not in known:
            near = difflib.get_close_matches(args[0].lower(), known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`scrapy list` shows them"
            if crawl := crawl_of(self.settings, args[0]):
                hint = f"write: {crawl}"
            raise UsageError(f"unknown spider {args[0]!r}; {hint}", print_help=False)

    def _refuse_as_settings(self, spider: str, opts: argparse.Namespace) -> None:
        """Refuse an argument of the spider that is given as a setting, which Scrapy would ignore."""
        given = [each for each in opts.set if not each.partition("=")[0].isupper()]
        if not given:
            return
        names = self._described(spider, opts.spargs)
        for each in given:
            # `-sources=bbc` is `-s ources=bbc`
            for meant in (each, f"s{each}"):
                name = meant.partition("=")[0]
                if name in names:
                    raise UsageError(f"{name} is an argument of {spider}: write -a {meant}", print_help=False)

    def _described(self, spider: str, given: dict[str, str]) -> "dict[str, Described]":
        """The spider's arguments by name; none if it does not describe them."""
        describe = getattr(get_spider_loader(self.settings).load(spider), "describe_arguments", None)
        try:
            return {each.name: each for each in describe(given)} if describe else {}
        except ValueError as error:
            raise UsageError(str(error), print_help=False) from error

    def _meant(self, word: str, args: list[str]) -> str | None:
        """The argument that is meant by `-a word` or by `-a word VALUE`, of which VALUE is the second of `args`."""
        name, _, value = word.partition(":")
        spider, *others = args or [""]
        if spider not in get_spider_loader(self.settings).list():
            return None
        arguments = self._described(spider, {})
        near = difflib.get_close_matches(name.lower(), arguments, n=1, cutoff=0.8)
        if not near:
            return None
        is_switch = arguments[near[0]].meaning.startswith("`1` ")
        value = value or next(iter(others), "1" if is_switch else "VALUE")
        return f"-a {near[0]}={value}"

    def _elsewhere(self, error: BaseException) -> str:
        """The commands for unknown sources that are spiders, APIs or datasets."""
        names = getattr(error, "unknown", ())
        crawls = {name: crawl_of(self.settings, name) for name in names if not name.endswith((".yaml", ".yml"))}
        return "".join(
            f"; for {name} write: {crawl}"
            for name, crawl in crawls.items()
            if crawl and not crawl.startswith("scrapy crawl headlines ")
        )

    def _extra(self, word: str, given: dict[str, str]) -> str:
        """A hint at what the second word means."""
        if "=" in word:
            return f"; an argument of the spider is written -a {word}"
        if "sources" in given:
            return f"; between values stands a comma and no blank: -a sources={given['sources'].strip(',')},{word}"
        crawl = crawl_of(self.settings, word)
        return f"; for {word} write: {crawl}" if crawl else "; its arguments are written -a NAME=VALUE"


def _refuse_repeated(given: list[str]) -> None:
    """Refuse an argument that is given twice: Scrapy takes the last one alone."""
    values: dict[str, list[str]] = {}
    for name, _, value in (each.partition("=") for each in given):
        values.setdefault(name, []).append(value)
    for name, found in values.items():
        if len(found) > 1:
            once = f"{name}={','.join(dict.fromkeys(found))}"
            raise UsageError(f"-a {name}: given twice; write -a {once}", print_help=False)


def _arguments(spider: "type[Spider]", given: dict[str, str]) -> str:
    """The spider's description of its arguments, or a sentence that it has none."""
    describe = getattr(spider, "describe_arguments", None)
    if describe is None:
        return f"The spider {spider.name} does not describe its arguments."
    lines = ["The spider's arguments, each given as -a NAME=VALUE:"]
    for each in describe(given):
        default = "required" if each.is_required else each.default and f"default: {each.default}"
        text = f"{each.meaning} ({default})" if default else each.meaning
        lines += textwrap.wrap(
            text, 100, initial_indent=f"  {each.name:<{NAME_WIDTH}}", subsequent_indent=" " * (NAME_WIDTH + 2)
        )
    return "\n".join(lines)
