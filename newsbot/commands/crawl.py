"""`scrapy crawl`: Scrapy's own, with an exit code that tells and with errors of use in a line."""

import argparse
import difflib
import gc
import sys
import traceback

from scrapy.commands import crawl
from scrapy.exceptions import NotConfigured, UsageError

from newsbot.settings import NUMBERS, wrong_number
from newsbot.storage.database import is_lost
from newsbot.storage.errors import DatabaseError
from newsbot.storage.upgrade import UnknownRevisionError
from newsbot.storage.writer import Writer


class Command(crawl.Command):
    """Exits with 0 when something was stored or nothing had changed, 1 when the run failed, 2 when asked wrongly."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run one spider."""
        if len(args) != 1:
            raise UsageError("expected the name of one spider; `scrapy list` shows them")
        known = self.crawler_process.spider_loader.list()
        if args[0] not in known:
            near = difflib.get_close_matches(args[0], known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`scrapy list` shows them"
            raise UsageError(f"there is no spider {args[0]!r}; {hint}", print_help=False)
        self._check_numbers()
        crawler = self._create_crawler(args[0])
        crawl = self.crawler_process.crawl(crawler, **opts.spargs)
        # What is imported by now stays: the collector need not look at it again and again, nor so often at what is new.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        self.crawler_process.start()
        if not crawl.done() or crawl.cancelled():  # told twice to stop
            self.exitcode = 1
            return
        error = crawl.exception()
        if error is None:
            self.exitcode = Writer.of(crawler).run.exit_code or 0
        elif isinstance(error, (ValueError, NotConfigured, DatabaseError, UnknownRevisionError)):
            print(f"scrapy crawl {args[0]}: {error}", file=sys.stderr)
            self.exitcode = 1 if is_lost(error) else 2
        else:
            traceback.print_exception(error)
            self.exitcode = 1

    def _check_numbers(self) -> None:
        """A wrong one must not end the crawl in its middle."""
        for name in NUMBERS:
            if wrong := wrong_number(name, self.settings[name]):
                raise UsageError(wrong, print_help=False)
