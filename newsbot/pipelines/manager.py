"""Runs the stages and sees to it that no item ends without a trace, in our stages or in those of a user."""

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import DropItem
from scrapy.pipelines import ItemPipelineManager

from newsbot.items import Checkpoint
from newsbot.pipelines.outcomes import Rejected, Saved, Unchanged
from newsbot.storage.rejects import Reject
from newsbot.storage.store import BATCH, Store

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class PipelineManager(ItemPipelineManager):
    """Scrapy's own, and: what a stage refuses, drops or fails on is kept, and the progress that waits is told."""

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """As Scrapy's."""
        manager = super().from_crawler(crawler)
        manager.store = Store.of(crawler)
        manager.stats = crawler.stats
        manager.spider_name = crawler.spider.name
        return manager

    async def process_item_async(self, item: Any) -> Any:
        """Pass an item through the stages; of a checkpoint, the items that it covers."""
        if isinstance(item, Checkpoint):
            await self._pass_covered(item)
            raise Saved(item.key)
        try:
            result = await super().process_item_async(item)
        except Exception as error:
            if self.store.failure is None:
                self._record(item, error)
            raise
        self.stats.inc_value("item_scraped_count")
        return result

    async def _pass_covered(self, checkpoint: Checkpoint) -> None:
        """Pass the items on, each as Scrapy does for one that a spider yields, and save the checkpoint behind them.

        It is not saved, so its items come again, when one of their tasks is cancelled or the store gave up.
        """
        items = iter(checkpoint.items)
        while part := list(islice(items, BATCH)):
            for item in part:
                item.covered = True
            passing = (self.crawler.engine.scraper.start_itemproc_async(item, response=None) for item in part)
            await asyncio.gather(*passing)
        if self.store.failure is None:
            self.store.save(checkpoint)

    def _record(self, item: Any, error: Exception) -> None:
        if isinstance(error, DropItem):
            self.stats.inc_value("item_dropped_count")
            self.stats.inc_value(f"item_dropped_reasons_count/{type(error).__name__}")
        match error:
            case Unchanged():
                self.store.tally(self._source(item)).unchanged += 1
            case Rejected():
                self._refuse(item, error.field, error.reason)
            case _:  # a stage of the user's dropped it, or failed
                self._refuse(item, None, f"{type(error).__name__}: {error}")

    def _refuse(self, item: Any, field: str | None, reason: str) -> None:
        reject = Reject.of(item, field, reason)
        reject.source_id = self._source(item)
        self.store.refuse(reject)

    def _source(self, item: Any) -> str:
        """Of anything that a spider yields."""
        return getattr(item, "source_id", None) or self.spider_name
