"""`scrapy schedule check FILE`: report what is wrong with a schedule file, or when its entries fire."""

import contextlib
import heapq
import os
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.spiderloader import get_spider_loader

from newsbot.commands.line import Examples
from newsbot.commands.output import printing

if TYPE_CHECKING:  # pydantic takes long, and every command is imported at every start
    from newsbot.hosting.schedule import Entry

SPAN = timedelta(days=1)  # shown without --to
NEXT = 3  # fires of each entry that are shown without --from and --to


class Command(ScrapyCommand):
    """Exits with 0, 1 if the schedule is wrong, 2 if the usage is wrong."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    actions: ClassVar[Examples] = {
        "check": ("report errors in the file, or when its entries fire", "scrapy schedule check schedule.yaml"),
    }

    def syntax(self) -> str:
        """The arguments after the name of the command."""
        return "[options] check FILE"

    def short_desc(self) -> str:
        """One line for `scrapy -h`."""
        return "Check a schedule file and list its next fires"

    def add_options(self, parser: Any) -> None:
        """Add the options and the examples."""
        super().add_options(parser)
        self._parser = parser
        parser.show_examples("Actions", self.actions)
        parser.add_argument(
            "--from",
            dest="start",
            type=moment,
            metavar="TIME",
            help="fires after this time (default: now); ISO 8601, a date or a date and time, UTC without an offset",
        )
        parser.add_argument(
            "--to",
            dest="end",
            type=moment,
            metavar="TIME",
            help=f"fires up to this time, all of them (default: a day; without --from the next {NEXT} of each entry)",
        )

    def run(self, args: list[str], opts: Namespace) -> None:
        """Print the fires, one a line: time in UTC, entry, local time. Everything else goes to standard error."""
        if len(args) != 2 or args[0] != "check":
            raise self._parser.wrong_usage(args)
        start = opts.start or datetime.now(UTC)
        end = opts.end or start + SPAN
        if end < start:
            raise UsageError(f"--to {_utc(end)} is before --from, {_utc(start)}", print_help=False)

        from newsbot.hosting.schedule import ScheduleError, read
        from newsbot.hosting.spider_arguments import Checker

        if catalogue := self.settings["CATALOGUE"]:
            self.settings.set("CATALOGUE", os.path.abspath(catalogue), priority="cmdline")
        loader = get_spider_loader(self.settings)
        checker, folder = Checker(self.settings, loader), _folder_of_jobs(Path(args[1]))

        def check(spider: str, given: Mapping[str, str], settings: Mapping[str, str]) -> None:
            with contextlib.chdir(folder):
                checker(spider, given, settings)

        try:
            entries = read(args[1], loader.list(), check)
        except ScheduleError as error:
            print(f"scrapy schedule: {error}", file=sys.stderr)
            self.exitcode = 1
            return
        _print_summary(args[1], entries)
        is_span = opts.start or opts.end
        with printing():
            for line in _fires(entries, start, end if is_span else None):
                print(line)
        if not is_span:
            print(f"These are the next {NEXT} of each; --to TIME shows all until then.", file=sys.stderr)


def moment(text: str) -> datetime:
    """A time within the years that all time zones have."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min
    if not 1970 <= time.year < 9000:
        raise ArgumentTypeError(
            f"{text!r}: expected a time from 1970 to 8999, such as 2026-03-29, 2026-03-29T01:00Z or ...+02:00"
        )
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _folder_of_jobs(file: Path) -> Path:
    """The folder in which the server probably runs jobs: that of scrapyd.conf, if it lies beside the schedule."""
    return file.parent if (file.parent / "scrapyd.conf").exists() else Path()


def _print_summary(file: str, entries: "Sequence[Entry]") -> None:
    print(f"{file}: {len(entries)} {'entry' if len(entries) == 1 else 'entries'}, no errors", file=sys.stderr)
    for entry in entries:
        if not entry.enabled:
            print(f"  {entry.name}: not enabled", file=sys.stderr)
        elif entry.after:
            by_clock = "as below, " if entry.has_times else ""
            print(f"  {entry.name}: {by_clock}after {', '.join(entry.after)}", file=sys.stderr)


def _fires(entries: "Sequence[Entry]", start: datetime, end: datetime | None) -> Iterator[str]:
    """The lines of all entries in the order of their times: up to `end`, or the next few of each entry."""
    from newsbot.hosting.fires import after, between

    def fires(number: int, entry: "Entry") -> Iterator[tuple[datetime, int]]:
        found = between(entry, start, end) if end else islice(after(entry, start), NEXT)
        return ((fire, number) for fire in found)

    enabled = [entry for entry in entries if entry.enabled]
    for fire, number in heapq.merge(*(fires(number, entry) for number, entry in enumerate(enabled))):
        yield _line(fire, enabled[number])


def _line(fire: datetime, entry: "Entry") -> str:
    line = f"{_utc(fire)}  {entry.name}"
    if entry.timezone != "UTC":
        line += f"  {fire.astimezone(ZoneInfo(entry.timezone)):%Y-%m-%d %H:%M:%S %Z} ({entry.timezone})"
    return line


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
