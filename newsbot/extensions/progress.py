"""Shows the progress of a long run: a bar on a terminal, else a line a minute in the log."""

import logging
import sys
import time
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.utils.asyncio import create_looping_call

from newsbot.storage.writer import Writer

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

REDRAW = 0.5  # seconds
LOG_EVERY = 60.0  # seconds


class Progress:
    """Shows the rows so far, and the fetches done, with their total if the spider knows it."""

    def __init__(self, crawler: "Crawler") -> None:
        self.stats = crawler.stats
        self.run = Writer.of(crawler).run
        self.bar = None
        self.task = None
        crawler.signals.connect(self.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(self.spider_closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make the extension of a crawl."""
        return cls(crawler)

    def spider_opened(self, spider: "Spider") -> None:
        """Begin to show the progress."""
        self.started = time.monotonic()
        terminal = sys.stderr.isatty()
        if terminal:
            from tqdm import tqdm

            self.bar = tqdm(desc=spider.name, unit=" fetches", dynamic_ncols=True, leave=False)
        self.task = create_looping_call(self._draw if terminal else self._log)
        self.task.start(REDRAW if terminal else LOG_EVERY, now=False)

    def spider_closed(self) -> None:
        """Stop, and clear the bar."""
        if self.task is not None and self.task.running:
            self.task.stop()
        if self.bar is not None:
            self.bar.close()

    def _done(self) -> int:
        outcomes = sum(map(len, self.run.outcomes.values()))
        return outcomes or self.stats.get_value("response_received_count", 0)

    def _rows(self) -> str:
        total = self.run.total()
        return f"{total.new} new, {total.changed} changed, {total.unchanged} unchanged, {total.rejected} rejected"

    def _draw(self) -> None:
        self.bar.total = self.stats.get_value("newsbot/endpoints")
        self.bar.n = self._done()
        self.bar.set_postfix_str(self._rows())

    def _log(self) -> None:
        endpoints = self.stats.get_value("newsbot/endpoints")
        logger.info(
            "%d fetches done%s in %d s: %s",
            self._done(),
            f" of {endpoints}" if endpoints else "",
            time.monotonic() - self.started,
            self._rows(),
        )
