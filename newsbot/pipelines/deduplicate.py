"""Stage 300: ends the items that are already stored without a difference."""

import asyncio
from typing import TYPE_CHECKING, Any, Self

from newsbot.items import Article, Item, State, kind
from newsbot.pipelines.outcomes import Rejected, Unchanged
from newsbot.storage.writer import BATCH, Writer

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# Articles that a run remembers, up to twice as many: enough to recognise a link in the other feeds of a site, in at
# most 20 MB. The store recognises an article that is forgotten.
WINDOW = 25_000

# Storing both in turn would revise the article at every fetch, for ever.
SECOND = (
    "another entry of this origin has this link and other content; the first or the stored one is kept"
    " (a richer version, such as the page behind a teaser, needs another `origin`)"
)


# So would two values for one time or key.
OTHER = "came before in this run with another value, which is kept"


class DeduplicatePipeline:
    """Compares items by key with those of this run, and by hash with the store, in batches."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._seen = _Window(WINDOW)
        self._waiting: list[tuple[list[Article], asyncio.Future[None]]] = []  # what to look up, of each list
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Take the crawler's writer, which looks items up."""
        return cls(Writer.of(crawler))

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """Each item with its `state`, `Unchanged`, or `Rejected` for a second version from one origin."""
        unknown: list[tuple[Article, bool]] = []
        here: set[tuple[str, str]] = set()
        ends = [self._met(item, unknown, here) if item.is_looked_up else self._keyed(item) for item in items]
        if unknown:
            await self._look_up([item for item, _ in unknown])
            for item, is_met in unknown:
                if is_met and item.state not in (State.UNCHANGED, State.REFUSED):
                    item.state = State.AGAIN
        return list(map(_looked_up, ends))

    def check_again(self, item: Any) -> None:
        """Let the writer look up an item that a user's stage made in place of another kind."""
        if item.state is None:
            item.state = State.AGAIN

    def _met(self, item: Article, unknown: list[tuple[Article, bool]], here: set[tuple[str, str]]) -> Any:
        """Compare an article with those of this run. `unknown` takes articles to look up, and if their link was met.

        `here` holds the articles of this answer. An article met before may still be on its way to the database, so the
        store looks it up, after the items before it.
        """
        sighting = item.identity()
        said = (item.content_hash, item.external_id)
        earlier = self._seen.get(sighting)
        if earlier == said:
            return Unchanged("met before in this run")
        # Of two versions in one feed the look-up finds the stored one. With an id, an API changed the article while its
        # pages were read.
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
            item.state = State.AGAIN
        else:
            unknown.append((item, again))
        return item

    def _keyed(self, item: Item) -> Any:
        """The item, unless this run has met it, with this value or another; the store compares it with its rows."""
        key = (kind(item), item.identity())
        earlier = self._seen.get(key)
        if earlier == item.content_hash:
            return Unchanged("met before in this run")
        if earlier is not None and item.first_counts is not None:
            return Rejected(item.first_counts, OTHER)
        self._seen.add(key, item.content_hash)
        item.state = State.AGAIN
        return item

    async def _look_up(self, items: list[Article]) -> None:
        """Look all of these up, together with those of other callbacks at the same time."""
        loop = asyncio.get_running_loop()
        answered = loop.create_future()
        self._waiting.append((items, answered))
        if self._task is None:
            self._task = loop.create_task(self._look_up_waiting())
        await answered

    async def _look_up_waiting(self) -> None:
        """Look up all waiting lists, one statement a batch; lists that come meanwhile make the next batch.

        The entries of an answer stay together, as matching them needs all of them.
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
            except Exception as error:  # noqa: BLE001  each waiting list raises it
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
        case Item(state=State.UNCHANGED):
            return Unchanged("stored already")
        case Item(state=State.REFUSED):
            return Rejected("url", SECOND)
    return end


def _refuse_second(items: list[Article]) -> None:
    """Keep one version of each entry in an answer: the stored one, in any order, else the first."""
    versions: dict[tuple[str, str], list[Article]] = {}
    for item in items:
        if item.entry is not None:
            versions.setdefault(item.identity(), []).append(item)
    for group in versions.values():
        if len(group) > 1:
            kept = next((item for item in group if item.state in (State.UNCHANGED, State.SEEN)), group[0])
            for item in group:
                if item is not kept:
                    item.state = State.UNCHANGED if item.content_hash == kept.content_hash else State.REFUSED


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
