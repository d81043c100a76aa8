"""Stage 250: writes items, new or stored already, as the answer of one call, until the answer is full."""

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from itemadapter import ItemAdapter
from scrapy.exceptions import NotConfigured

from newsbot.items import unpacked

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# The reasons for which a crawl closes when its answer is full.
ITEMS_REACHED, BYTES_REACHED = "closespider_answer_items", "closespider_answer_bytes"


class AnswerPipeline:
    """Writes each item to `ANSWER_FILE` and passes it on; closes the spider at `ANSWER_ITEMS` or `ANSWER_BYTES`."""

    def __init__(self, crawler: "Crawler", file: Path, items: int, size: int) -> None:
        """Open the file. Raises ValueError for a file that cannot be written."""
        self.crawler = crawler
        self._items, self._size = items, size  # the room that is left
        self._full = False
        try:
            self._file = file.open("wb", buffering=0)  # so that readers see each line at once and whole
        except OSError as error:
            raise ValueError(f"ANSWER_FILE {file}: {error.strerror}; no caller waits there for an answer") from None

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Read the settings. Raises `NotConfigured` without `ANSWER_FILE`."""
        settings = crawler.settings
        if not settings["ANSWER_FILE"]:
            raise NotConfigured  # silently: only the crawl of a call needs it
        items, size = settings.getint("ANSWER_ITEMS"), settings.getint("ANSWER_BYTES")
        return cls(crawler, Path(settings["ANSWER_FILE"]), items, size)

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """The items, unchanged."""
        for item in items:
            if not self._full:
                self._take(unpacked(item))
        return items

    def close_spider(self) -> None:
        """Close the file."""
        self._file.close()

    def _take(self, item: Any) -> None:
        line = json.dumps(ItemAdapter(item).asdict(), default=_plain).encode() + b"\n"
        if len(line) <= self._size:
            self._file.write(line)
            self._items -= 1
            self._size -= len(line)
            if self._items > 0:
                return
            reason = ITEMS_REACHED
        else:
            reason = BYTES_REACHED
        self._full = True
        self._closing = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))


def _plain(value: Any) -> Any:
    """A value without a form in JSON, as text: times in ISO 8601."""
    return value.isoformat() if isinstance(value, date) else str(value)
