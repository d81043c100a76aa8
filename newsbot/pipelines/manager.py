"""Runs the stages and sees to it that no item ends without a trace, in our stages or in those of a user."""

from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import DropItem
from scrapy.pipelines import ItemPipelineManager

from newsbot.items import Tracked
from newsbot.pipelines.outcomes import Rejected, Saved, Unchanged
from newsbot.storage.rejects import Reject
from newsbot.storage.store import Store

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
        return manager

    async def process_item_async(self, item: Any) -> Any:
        """Pass the item through the stages. An item whose task is cancelled is not settled, so it comes again."""
        try:
            result = await super().process_item_async(item)
        except Exception as error:
            self._record(item, error)
            self._settle(item)
            raise
        self.stats.inc_value("item_scraped_count")
        self._settle(item)
        return result

    def _record(self, item: Any, error: Exception) -> None:
        if isinstance(error, DropItem):
            self.stats.inc_value("item_dropped_count")
            self.stats.inc_value(f"item_dropped_reasons_count/{type(error).__name__}")
        match error:
            case Unchanged():
                self.store.tally(item.source_id).unchanged += 1
            case Saved():
                pass
            case Rejected():
                self.store.refuse(Reject.of(item, error.field, error.reason))
            case _:  # a stage of the user's dropped it, or failed
                self.store.refuse(Reject.of(item, None, f"{type(error).__name__}: {error}"))

    def _settle(self, item: Any) -> None:
        if isinstance(item, Tracked):
            self.store.settle(item)
