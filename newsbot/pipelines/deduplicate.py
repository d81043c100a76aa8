"""Stage 300: what is stored already, just as it is, ends here."""

import asyncio
from typing import TYPE_CHECKING, Any, Self

from newsbot.items import Article, Observation, Record, Removal
from newsbot.pipelines.outcomes import Rejected, Unchanged
from newsbot.storage.writer import BATCH, Writer

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

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._seen = _Window(WINDOW)
        self._waiting: list[tuple[list[Article], asyncio.Future[None]]] = []  # of each list what is to be looked up
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """For Scrapy."""
        return cls(Writer.of(crawler))

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """Each item with its `state`, `Unchanged`, or `Rejected` for a second version from one origin."""
        unknown: list[tuple[Article, bool]] = []
        here: set[tuple[str, str]] = set()
        ends = [self._met(item, unknown, here) if isinstance(item, Article) else self._keyed(item) for item in items]
        if unknown:
            await self._look_up([item for item, _ in unknown])
            for item, is_met in unknown:
                if is_met and item.state not in ("unchanged", "refused"):
                    item.state = "again"
        return list(map(_looked_up, ends))

    def _met(self, item: Article, unknown: list[tuple[Article, bool]], here: set[tuple[str, str]]) -> Any:
        """By what this run has seen. `unknown` takes what the database is to be asked for, and if its link was met.

        `here` has what this answer has brought. What was met before may still be on its way to the database, so the
        store looks it up, behind what went before it.
        """
        sighting = (item.canonical_url, item.origin)
        said = (item.content_hash, item.external_id)
        earlier = self._seen.get(sighting)
        if earlier == said:
            return Unchanged("met before in this run")
        # Of two versions in one feed the look-up says which is stored. What has an id was edited while the pages of an
        # API were read.
        if earlier is not None and not (
            any(other.link == item.link and other.origin == item.origin for other, _ in unknown)
            if item.entry is not None
            else item.external_id is not None and earlier[1] == item.external_id and sighting not in here
        ):
            return Rejected("url", SECOND)
        here.add(sighting)
        first = self._seen.get(item.link)
        again = first is not None and (first != item.origin or item.entry is None)
        if earlier is None or item.entry is None:
            self._seen.add(sighting, said)
        self._seen.add(item.link, first or item.origin)
        if again and item.entry is None:
            item.state = "again"
        else:
            unknown.append((item, again))
        return item

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
            return Unchanged("met before in this run")
        if earlier is not None and isinstance(item, Observation | Record):
            return Rejected("value" if isinstance(item, Observation) else "data", OTHER)
        self._seen.add(key, item.content_hash)
        item.state = "again"
        return item

    async def _look_up(self, items: list[Article]) -> None:
        """Wait until the database was asked for all of these, with what other callbacks ask for at the same time."""
        loop = asyncio.get_running_loop()
        answered = loop.create_future()
        self._waiting.append((items, answered))
        if self._task is None:
            self._task = loop.create_task(self._look_up_waiting())
        await answered

    async def _look_up_waiting(self) -> None:
        """Ask for all that wait, in one statement a batch; what comes meanwhile makes the next batch.

        The entries of an answer are asked for together, as which is which is told by all of them.
        """
        while self._waiting:
            batch, number = [], 0
            while self._waiting and (not batch or number + len(self._waiting[0][0]) <= BATCH):
                batch.append(self._waiting.pop(0))
                number += len(batch[-1][0])
            items = [item for items, _ in batch for item in items]
            failure = None
            try:
                await self.writer.look_up(items)
                _refuse_second(items)
            except Exception as error:  # noqa: BLE001  each list that waits raises it
                failure = error
            for _, answered in batch:
                if answered.cancelled():
                    continue
                if failure is None:
                    answered.set_result(None)
                else:
                    answered.set_exception(failure)
        self._task = None


def _looked_up(end: Any) -> Any:
    match end:
        case Article(state="unchanged"):
            return Unchanged("stored already")
        case Article(state="refused"):
            return Rejected("url", SECOND)
    return end


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
