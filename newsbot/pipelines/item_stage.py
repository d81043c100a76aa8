"""A stage of a user's own, as in any Scrapy project: it takes one item after the other."""

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
    """Calls `process_item` for `CONCURRENT_ITEMS` items at once, and checks what it gives back."""

    def __init__(self, process: Callable[..., Any], checks: Sequence[Callable[[Any], Any]], crawler: "Crawler") -> None:
        self._process = process
        self._arguments = (crawler.spider,) if argument_is_required(process, "spider") else ()
        self._checks = checks
        self._room = asyncio.Semaphore(crawler.settings.getint("CONCURRENT_ITEMS"))

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """What becomes of each: what the stage gave back, or the exception that it raised."""
        return await asyncio.gather(*map(self._passed, items))

    async def _passed(self, item: Any) -> Any:
        async with self._room:
            try:
                given = await ensure_awaitable(self._process(unpacked(item), *self._arguments))
                if given is None or (isinstance(item, Item) and not isinstance(given, Item)):
                    told = f"a stage gave back a {type(given).__name__} in place of the item that it got"
                    raise Rejected(None, told)
                if given is not item and isinstance(item, Item):
                    given.follow(item)
                for check in self._checks:
                    check(given)
            except Exception as error:  # noqa: BLE001  whatever a user's stage raises: it is the end of this item
                return error
            return given
