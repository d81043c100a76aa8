"""A user's stage, as in any Scrapy project: it takes single items."""

import asyncio
import copy
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from scrapy.utils.defer import ensure_awaitable
from scrapy.utils.deprecate import argument_is_required
from scrapy.utils.python import global_object_name

from newsbot.items import Item, kind, unpacked
from newsbot.pipelines.outcomes import Rejected

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


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
                return await self._result(item)
            except Exception as error:  # noqa: BLE001  any exception of a user's stage ends this item
                return error

    async def _result(self, item: Any) -> Any:
        given = await self._processed(unpacked(item))
        if given is None or (isinstance(item, Item) and not isinstance(given, Item)):
            raise Rejected(None, f"a stage returned {type(given).__name__}, expected the item that it got")
        if isinstance(given, Item):
            if given is not item and kind(given) is kind(item):
                given.follow(item)
            given.is_read = False  # the stage may have set any value
            given.extra_json = None  # of the former values
        for check in self._checks:
            check(given)
        return given

    async def _processed(self, item: Any) -> Any:
        return await ensure_awaitable(self._process(item, *self._arguments))


class StageBehindStore(OwnStage):
    """A user's stage that gets stored items: nothing that it returns is checked.

    It gets copies, as the writer may not have written the items yet.
    """

    _has_told = False

    async def _result(self, item: Any) -> Any:
        own = copy.deepcopy(unpacked(item)) if isinstance(item, Item) else item
        given = await self._processed(own)
        if given is not None:
            return given
        if not self._has_told:
            self._has_told = True
            name = global_object_name(self._process)
            logger.warning("%s returned None, expected the item that it got; the item is stored and goes on", name)
        return item
