"""A user's stage, as in any Scrapy project: it takes single items."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from scrapy.utils.defer import ensure_awaitable
from scrapy.utils.deprecate import argument_is_required

from newsbot.items import Item, unpacked
from newsbot.pipelines.outcomes import Rejected

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class OwnStage:
    """Calls `process_item` for `CONCURRENT_ITEMS` items at once, and checks its results."""

    def __init__(self, process: Callable[..., Any], checks: Sequence[Callable[[Any], Any]], crawler: "Crawler") -> None:
        self._process = process
        self._arguments = (crawler.spider,) if argument_is_required(process, "spider") else ()
        self._checks = checks
        self._room = asyncio.Semaphore(crawler.settings.getint("CONCURRENT_ITEMS"))

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """The result for each item: the returned item, or the raised exception."""
        return await asyncio.gather(*map(self._passed, items))

    async def _passed(self, item: Any) -> Any:
        async with self._room:
            try:
                given = await ensure_awaitable(self._process(unpacked(item), *self._arguments))
                if given is None or (isinstance(item, Item) and not isinstance(given, Item)):
                    raise Rejected(None, f"a stage returned {type(given).__name__}, expected the item that it got")
                if given is not item and isinstance(item, Item):
                    given.follow(item)
                for check in self._checks:
                    check(given)
            except Exception as error:  # noqa: BLE001  any exception of a user's stage ends this item
                return error
            return given
