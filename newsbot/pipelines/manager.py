"""Passes lists of items through the stages, and counts or keeps each item that ends on the way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, Self

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import signals
from scrapy.exceptions import DropItem
from scrapy.pipelines import ItemPipelineManager
from scrapy.utils.log import logformatter_adapter
from twisted.python.failure import Failure

from newsbot.batch import Batch, Reject, fault_in_words
from newsbot.items import unpacked
from newsbot.pipelines.item_stage import OwnStage, StageBehindStore
from newsbot.pipelines.outcomes import Rejected, Unchanged
from newsbot.pipelines.store import StorePipeline
from newsbot.storage.writer import BATCH, Writer

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


FEW = 5  # items of an answer; if all of fewer items are refused, that says too little


@dataclass(slots=True)
class _Passed:
    items: int = 0
    refused: int = 0  # by a check or a reader of newsbot
    dropped: int = 0  # by a user's stage, or failed there: this says nothing about the answer
    reason: str = ""  # of the first refused item

    def note(self, end: Exception) -> None:
        """Count an item that ended in a stage."""
        match end:
            case Rejected():
                self.refused += 1
                self.reason = self.reason or str(end)
            case Unchanged():
                pass
            case _:
                self.dropped += 1


class Stage(Protocol):
    """A stage of newsbot."""

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """The result for each item, in order: the item itself, `Rejected` or `Unchanged`."""


class PipelineManager(ItemPipelineManager):
    """Scrapy's manager, but for lists. It keeps the items that a stage refuses, drops or fails on, and saves progress
    only after the items that it covers."""

    writer: Writer

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make the manager, with the crawler's writer and the stages in their order."""
        manager = super().from_crawler(crawler)
        manager.writer = Writer.of(crawler)
        manager.writer.on_failure = manager._stop
        manager.run = manager.writer.run
        manager._stages = list(manager._in_order())
        manager._under_way: set[asyncio.Task[None]] = set()
        manager._lanes: dict[str, asyncio.Future[bool]] = {}
        return manager

    def _in_order(self) -> Iterable[Callable[[list[Any]], Awaitable[list[Any]]]]:
        """The function of each stage that takes a list. After a user's stage the values are checked again.

        A user's stage may have a method `process_batch` for itself, but a stage of newsbot has no `process_item`.
        """
        checks: list[Callable[[Any], Any]] = []
        own_stage = OwnStage
        for pipeline in self.middlewares:
            if hasattr(pipeline, "process_item"):
                yield own_stage(pipeline.process_item, tuple(checks), self.crawler).process_batch
            elif hasattr(pipeline, "process_batch"):
                checks += [pipeline.check_again] if hasattr(pipeline, "check_again") else []
                yield pipeline.process_batch
            if isinstance(pipeline, StorePipeline):
                own_stage = StageBehindStore

    async def process_item_async(self, item: Any) -> Any:
        """Pass one item that a spider yields. Scrapy logs the result and sends its signals."""
        if isinstance(item, Batch):  # the output of an errback bypasses our middleware
            refused = Rejected(
                None, "an errback that yields a Batch needs the decorator newsbot.spiders.base.errbacks.errback"
            )
            self._record(item, refused)
            raise refused
        (end,) = await self._pass([item])
        if isinstance(end, Exception):
            raise end
        return end

    async def take(self, batch: Batch) -> bool:
        """Pass the items of a batch, then save its progress. Returns whether it was saved.

        It is not saved, so that the items come again, if an item did not get through the stages, if the previous batch
        of the lane was not saved, or if the store gave up. Raises the errors of reading the items.
        """
        before = self._lanes.get(batch.lane) if batch.lane is not None else None
        saved = asyncio.get_running_loop().create_future()
        if batch.lane is not None:
            self._lanes[batch.lane] = saved
        is_saved = False
        try:
            passed = await self._pass_all(batch.items)
            if (before is None or await before) and self.writer.failure is None:
                is_saved = self._settle(batch, passed)
        except Exception as error:
            if self.writer.failure is None:
                if batch.subject is not None:
                    self.run.spoil(*batch.subject, fault_in_words(error))
                raise
        finally:
            saved.set_result(is_saved)
            if outcome := batch.outcome:
                self.run.outcome(outcome.source_id, outcome.url, ok=outcome.ok, status=outcome.status)
        return is_saved

    def take_soon(self, batch: Batch) -> None:
        """Take a batch without waiting; only the end of the spider waits for it."""
        task = asyncio.ensure_future(self._taken(batch))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _taken(self, batch: Batch) -> None:
        try:
            await self.take(batch)
        except Exception:  # nobody waits for it who could log it
            logger.exception("A batch failed")

    async def close_spider_async(self) -> None:
        """Wait for all batches, then close the stages."""
        await asyncio.gather(*self._under_way)
        await super().close_spider_async()

    async def _pass_all(self, items: Iterable[Any]) -> "_Passed":
        """Pass items in parts of `BATCH`."""
        passed, rest = _Passed(), iter(items)
        while part := list(islice(rest, BATCH)):
            passed.items += len(part)
            for reject in [each for each in part if isinstance(each, Reject)]:
                self.writer.refuse(reject)
                passed.refused += 1
                passed.reason = passed.reason or reject.in_words
            part = [each for each in part if not isinstance(each, Reject)]
            ends = await self._pass(part)
            for end in ends:
                if isinstance(end, Exception):
                    passed.note(end)
            await self._report(part, ends)
        return passed

    def _settle(self, batch: Batch, passed: "_Passed") -> bool:
        """Save the progress of a batch, if it has any; False if the progress is held back.

        If all items of an answer are refused, the fault may be in a rule of newsbot: the next runs ask for it again.
        Items that a user's stage drops do not count.
        """
        progress, longest = batch.progress, self.crawler.settings.getint("REFUSED_RUNS")
        if progress is None:
            return True
        if batch.unread:
            tally = self.run.tally(progress.source_id)
            tally.unchanged += progress.entries
            tally.rejected += batch.unread - progress.entries
        not_stored = passed.refused + passed.dropped
        if not FEW <= passed.refused == passed.items - passed.dropped:
            if settled := progress.settled(not_stored):
                self.writer.save(settled)
            return True
        runs = batch.refused_runs + 1
        problem = f"all {passed.refused} items are refused, as {passed.reason}"
        if runs <= longest:
            problem += f"; the next runs ask again, {longest - runs + 1} at most"
            self.writer.save(progress.held_back(problem, runs))
        else:
            problem = f"broken: {problem}, in {runs} runs in a row; they are kept among the rejects"
            self.writer.save(progress.broken(not_stored, problem, runs))
        self.run.spoil(*batch.subject, problem)
        return runs > longest

    async def _pass(self, items: Sequence[Any]) -> list[Any]:
        """The result for each item, in order: the item as stored, or the exception that ended it.

        An error in a stage of newsbot ends the crawl: it says nothing about the items.
        """
        ends, going = list(items), list(range(len(items)))
        try:
            for stage in self._stages:
                given = await stage([ends[place] for place in going])
                for place, end in zip(going, given, strict=True):
                    if isinstance(end, Exception):
                        self._record(ends[place], end)
                    ends[place] = end
                going = [place for place in going if not isinstance(ends[place], Exception)]
                if not going:
                    break
        except Exception as error:
            self.writer.give_up(error)
            raise
        self.crawler.stats.inc_value("item_scraped_count", len(going))
        return ends

    def _stop(self) -> None:
        """End the crawl, as nothing can be stored any more."""
        reason = "database_lost" if self.writer.is_shut_out else "fault"
        self._closing = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))

    def _record(self, item: Any, end: Exception) -> None:
        """Count an item that is not stored, and keep a refused one."""
        if isinstance(end, DropItem):
            self.crawler.stats.inc_value("item_dropped_count")
            self.crawler.stats.inc_value(f"item_dropped_reasons_count/{type(end).__name__}")
        source_id = getattr(item, "source_id", None)
        if not source_id or not isinstance(source_id, str):
            source_id = self.crawler.spider.name
        match end:
            case Unchanged():
                self.run.tally(source_id).unchanged += 1
                return
            case Rejected():
                reject = Reject.of(item, end.field, end.reason)
            case _:  # a user's stage dropped it, or failed
                reject = Reject.of(item, None, f"{type(end).__name__}: {end}")
        reject.source_id = source_id
        self.writer.refuse(reject)

    async def _report(self, items: Sequence[Any], ends: Sequence[Any]) -> None:
        """Log and signal the result for each item of a batch, as Scrapy does for a single item.

        A signal without a receiver is not sent: it costs as much as cleaning an item.
        """
        spider, formatter = self.crawler.spider, self.crawler.logformatter
        is_heard = self._is_heard(signals.item_scraped)
        for item, end in zip(items, ends, strict=True):
            match end:
                case DropItem():
                    line = formatter.dropped(item, end, None, spider)
                    if self._is_heard(signals.item_dropped):
                        await self._send(signals.item_dropped, item=item, exception=end)
                case Exception():
                    line = formatter.item_error(item, end, None, spider)
                    if self._is_heard(signals.item_error):
                        await self._send(signals.item_error, item=item, failure=Failure(end))
                case _:
                    line = formatter.scraped(end, None, spider)
                    if is_heard:
                        await self._send(signals.item_scraped, item=end)
            if line is not None:
                error = end if isinstance(end, Exception) and not isinstance(end, DropItem) else None
                logger.log(*logformatter_adapter(line), extra={"spider": spider, "item": item}, exc_info=error)

    def _is_heard(self, signal: object) -> bool:
        return any(liveReceivers(getAllReceivers(self.crawler.signals.sender, signal)))

    async def _send(self, signal: object, **given: Any) -> None:
        unpacked(given["item"])
        await self.crawler.signals.send_catch_log_async(signal, response=None, spider=self.crawler.spider, **given)
