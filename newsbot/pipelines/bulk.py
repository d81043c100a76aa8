"""Bulk past the stages: articles that come by the thousand, cleaned and looked up by batch, in a thread.

The same functions as in the stages, and the same store. What is left out: the types are not checked again, as who made
the items is trusted with that; nobody hears of a single item; and there is no sentiment of titles, which would cost
more than their cleaning, until an origin of a higher rank brings the article.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice

from newsbot.items import Article
from newsbot.pipelines.clean import CleanPipeline
from newsbot.pipelines.outcomes import Rejected
from newsbot.storage.rejects import Reject
from newsbot.storage.store import BATCH, Store

AGAIN = "another row of this file has this link and other content; the first one is kept"


class Bulk:
    """One a crawl."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._clean = CleanPipeline("UTC")
        self._turn = asyncio.Lock()  # batches of two files at once would hold twice the memory and gain nothing

    async def load(self, articles: Iterable[Article]) -> None:
        """Hand those that are new, changed or to be marked as seen to the store; the others are counted."""
        async with self._turn:
            met: dict[str, str] = {}  # the content hash of each, by canonical URL
            rest = iter(articles)
            while batch := list(islice(rest, BATCH)):
                clean, refused, unchanged = await asyncio.to_thread(self._cleaned, batch, met)
                for reject in refused:
                    self.store.refuse(reject)
                await self.store.lookup(clean)
                known = [item for item in clean if item.state == "unchanged"]
                if unchanged or known:
                    self.store.tally(batch[0].source_id).unchanged += unchanged + len(known)
                wanted = [item for item in clean if item.state != "unchanged"]
                self.store.put_all(wanted)
                await self.store.room()

    def _cleaned(self, batch: Sequence[Article], met: dict[str, str]) -> tuple[list[Article], list[Reject], int]:
        """The clean ones of a batch, what is refused of it, and how many are there twice."""
        clean, refused, twice = [], [], 0
        for item in batch:
            try:
                self._clean.process_item(item)
            except Rejected as error:
                refused.append(Reject.of(item, error.field, error.reason))
                continue
            before = met.setdefault(item.canonical_url, item.content_hash)
            if before is item.content_hash:
                clean.append(item)
            elif before == item.content_hash:
                twice += 1
            else:
                refused.append(Reject.of(item, "url", AGAIN))
        return clean, refused, twice
