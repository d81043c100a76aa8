"""Stage 300: what is stored already, just as it is, ends here."""

import asyncio
from typing import TYPE_CHECKING, Any, Self

from newsbot.items import Article, Observation, Record, Removal
from newsbot.pipelines.outcomes import Rejected, Unchanged
from newsbot.storage.store import BATCH, Store

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# Articles that a run remembers, twice: enough to meet a link again in the other feeds of a site, at 20 MB at most.
# An article that was forgotten is met by the store.
WINDOW = 25_000

# Taking both in turn would revise the article at every fetch, for ever.
SECOND = (
    "another entry of this origin has this link and other content; the first one is kept, or the one that is stored"
    " (what is richer, as the page behind a teaser, needs an `origin` of its own)"
)


# So would two values of one time or key: each run would revise what it has just written, and the next one back.
OTHER = "it came before in this run with another value, which is kept"


class DeduplicatePipeline:
    """By key among what this run has seen; against the store by hash, in batches."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._seen = _Window(WINDOW)
        self._waiting: list[tuple[Article, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """For Scrapy."""
        return cls(Store.of(crawler))

    def open_spider(self) -> None:
        """Note the loop: asking for it costs a system call."""
        self._loop = asyncio.get_running_loop()

    async def process_item(self, item: Any) -> Any:
        """The item with its `state`, `Unchanged`, or `Rejected` for a second version from one origin."""
        if not isinstance(item, Article):
            return self._keyed(item)
        sighting = (item.canonical_url, item.origin)
        said = (item.content_hash, item.external_id)
        earlier = self._seen.get(sighting)
        if earlier == said:
            raise Unchanged("met before in this run")
        # Of two versions in one feed the look-up says which is stored. What has an id was edited while the pages of an
        # API were read.
        if earlier is not None and not (
            self._waits_with(item)
            if item.entry is not None
            else item.external_id is not None and earlier[1] == item.external_id
        ):
            raise Rejected("url", SECOND)
        first = self._seen.get(item.link)
        again = first is not None and (first != item.origin or item.entry is None)
        if earlier is None or item.entry is None:
            self._seen.add(sighting, said)
        self._seen.add(item.link, first or item.origin)
        if again and item.entry is None:
            # It may still be on its way to the database, so the store looks it up, behind what went before it.
            item.state = "again"
            return item
        answered = self._loop.create_future()
        self._waiting.append((item, answered))
        if self._task is None:
            self._task = self._loop.create_task(self._look_up_waiting())
        await answered
        if item.state == "unchanged":
            raise Unchanged("stored already")
        if item.state == "refused":
            raise Rejected("url", SECOND)
        if again:
            item.state = "again"
        return item

    def _waits_with(self, item: Article) -> bool:
        """Whether another version of an entry waits for the look-up still."""
        return any(
            other.link == item.link and other.origin == item.origin and other.covered is item.covered
            for other, _ in self._waiting
        )

    def _keyed(self, item: Observation | Record | Removal) -> Any:
        """The item, unless this run has met it, with this value or another; the store finds out what is stored."""
        match item:
            case Observation():
                key: tuple[Any, ...] = (item.source_id, item.series.name, item.time)
            case Record():
                key = (item.dataset, item.key)
            case _:
                key = (item.source_id, item.external_id, None, None)
        earlier = self._seen.get(key)
        if earlier == item.content_hash:
            raise Unchanged("met before in this run")
        if earlier is not None and isinstance(item, Observation | Record):
            raise Rejected("value" if isinstance(item, Observation) else "data", OTHER)
        self._seen.add(key, item.content_hash)
        item.state = "again"
        return item

    async def _look_up_waiting(self) -> None:
        """Ask for all that wait, in one statement a batch; what comes meanwhile makes the next batch."""
        while self._waiting:
            batch, self._waiting = _cut(self._waiting)
            items = [item for item, _ in batch]
            failure = None
            try:
                await self.store.lookup(items)
                _refuse_second(items)
            except Exception as error:  # noqa: BLE001  each item that waits raises it
                failure = error
            for _, answered in batch:
                if answered.cancelled():
                    continue
                if failure is None:
                    answered.set_result(None)
                else:
                    answered.set_exception(failure)
        self._task = None


def _cut(waiting: list[tuple[Article, Any]]) -> tuple[list[tuple[Article, Any]], list[tuple[Article, Any]]]:
    """The next batch and the rest. The entries of an answer come together, as which is which is told by all of them."""
    end = BATCH
    while 0 < end < len(waiting) and waiting[end][0].covered is waiting[end - 1][0].covered is not None:
        end -= 1
    end = end or BATCH
    return waiting[:end], waiting[end:]


def _refuse_second(items: list[Article]) -> None:
    """Of several versions of an entry in an answer the stored one stays, whatever their order; else the first."""
    versions: dict[tuple[str, str], list[Article]] = {}
    for item in items:
        if item.entry is not None:
            versions.setdefault((item.canonical_url, item.origin), []).append(item)
    for group in versions.values():
        if len(group) > 1:
            kept = next((item for item in group if item.state in ("unchanged", "seen")), group[0])
            for item in group:
                if item is not kept:
                    item.state = "unchanged" if item.content_hash == kept.content_hash else "refused"


class _Window:
    """The newest keys with their values: between `size` and twice as many, at constant cost."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._new: dict[Any, Any] = {}
        self._old: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        value = self._new.get(key)
        return value if value is not None else self._old.get(key)

    def add(self, key: Any, value: Any) -> None:
        if len(self._new) >= self._size:
            self._old, self._new = self._new, {}
        self._new[key] = value
