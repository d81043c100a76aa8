"""Runs the stages and sees to it that no item ends without a trace, in our stages or in those of a user."""

import asyncio
import json
import logging
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import signals
from scrapy.exceptions import DropItem
from scrapy.pipelines import ItemPipelineManager
from scrapy.utils.defer import ensure_awaitable

from newsbot.items import Checkpoint, Tracked
from newsbot.pipelines.bulk import Bulk
from newsbot.pipelines.outcomes import Rejected, Saved, Unchanged
from newsbot.storage.rejects import Reject
from newsbot.storage.store import BATCH, Store

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

_ITEM_SIGNALS = (signals.item_scraped, signals.item_dropped, signals.item_error)


class PipelineManager(ItemPipelineManager):
    """Scrapy's own, and: what a stage refuses, drops or fails on is kept, and the progress that waits is told."""

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """As Scrapy's."""
        manager = super().from_crawler(crawler)
        manager.store = Store.of(crawler)
        manager.bulk = Bulk(manager.store)
        manager.count = crawler.stats.inc_value
        manager.spider_name = crawler.spider.name
        return manager

    async def process_item_async(self, item: Any) -> Any:
        """Pass an item through the stages; of a checkpoint, the items that it covers."""
        if isinstance(item, Checkpoint):
            await self._pass_covered(item)
            raise Saved(item.key)
        try:
            result = await self._pass(item)
        except Exception as error:
            if self.store.failure is None:
                self._record(item, error)
            raise
        self.count("item_scraped_count")
        return result

    async def _pass(self, item: Any) -> Any:
        """As Scrapy's, but a stage that gives back what it got, as most do, costs no more than its call."""
        for stage in self.methods["process_item"]:
            given = stage(item, self._spider) if stage in self._mw_methods_requiring_spider else stage(item)
            item = given if given is item else _followed(item, await ensure_awaitable(given))
        return item

    async def _pass_covered(self, checkpoint: Checkpoint) -> None:
        """Pass the items on, and save the checkpoint behind them.

        It is not saved, so its items come again, when one of their tasks is cancelled or the store gave up.
        """
        checkpoint.saved = saved = asyncio.get_running_loop().create_future()
        try:
            saved.set_result(await self._pass_all(checkpoint))
        finally:
            if not saved.done():
                saved.set_result(False)

    async def _pass_all(self, checkpoint: Checkpoint) -> bool:
        """Pass the items on and save the checkpoint; whether it was saved, as far as it has anything to save."""
        if checkpoint.is_bulk and not self._watched():
            await self.bulk.load(checkpoint.items)
        else:
            await self._pass_each(checkpoint)
        before, checkpoint.after = checkpoint.after, None
        if before is not None and not await before.saved:
            return False
        if self.store.failure is not None:
            return False
        if checkpoint.columns:
            self.store.save(checkpoint)
        return True

    async def _pass_each(self, checkpoint: Checkpoint) -> None:
        start = partial(self.crawler.engine.scraper.start_itemproc_async, response=None)
        way = start if self._watched() else self._pass_unwatched
        items = iter(checkpoint.items)
        while part := list(islice(items, BATCH)):
            for item in part:
                item.covered = checkpoint
                if item.extra_json is not None:
                    item.extra = json.loads(item.extra_json)
            await self.store.room()
            await asyncio.gather(*map(way, part))

    def _watched(self) -> bool:
        """Whether a feed export, an extension or the log wants to hear of each item, or a file holds the answer."""
        sender = self.crawler.signals.sender
        settings = self.crawler.settings
        return (
            settings["LOG_LEVEL"] == "DEBUG"
            or bool(settings["ANSWER_FILE"])
            or any(any(liveReceivers(getAllReceivers(sender, signal))) for signal in _ITEM_SIGNALS)
        )

    async def _pass_unwatched(self, item: Any) -> None:
        """As Scrapy's way of an item that a spider yields, without the signals: those cost as much as cleaning it."""
        try:
            await self.process_item_async(item)
        except DropItem:
            pass  # and recorded
        except Exception:
            logger.exception("Error processing %r", item)

    def _record(self, item: Any, error: Exception) -> None:
        if isinstance(error, DropItem):
            self.count("item_dropped_count")
            self.count(f"item_dropped_reasons_count/{type(error).__name__}")
        match error:
            case Unchanged():
                self.store.tally(self._source(item)).unchanged += 1
            case Rejected():
                self._refuse(item, error.field, error.reason)
            case _:  # a stage of the user's dropped it, or failed
                self._refuse(item, None, f"{type(error).__name__}: {error}")

    def _refuse(self, item: Any, field: str | None, reason: str) -> None:
        checkpoint = getattr(item, "covered", None)
        if checkpoint is not None and "entries" in checkpoint.columns:
            checkpoint.columns["entries"] -= 1
        reject = Reject.of(item, field, reason)
        reject.source_id = self._source(item)
        self.store.refuse(reject)

    def _source(self, item: Any) -> str:
        """Of anything that a spider yields."""
        source_id = getattr(item, "source_id", None)
        return source_id if source_id and isinstance(source_id, str) else self.spider_name


def _followed(item: Any, given: Any) -> Any:
    """What a stage gave back. Another item in place of the one that it got, as a copy with changes, goes its way."""
    if isinstance(item, Tracked) and isinstance(given, type(item)) and given is not item:
        for name in Tracked.__slots__:
            setattr(given, name, getattr(item, name))
    return given
