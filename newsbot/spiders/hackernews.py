"""Hacker News: stories, and the growth of their points and comments."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from scrapy import Request

from newsbot.batch import Batch
from newsbot.items import Item, Observation, Removal, Series
from newsbot.sources.api import Api, Argument, Cursor, Limit, NumberedPages, Quota, Slices
from newsbot.spiders.base.api import DAY, HOUR, ApiSpider, Stream, expect

OFFICIAL = "https://hacker-news.firebaseio.com/v0"
STORY = "https://news.ycombinator.com/item?id="


class HackernewsSpider(ApiSpider):
    """Stories by the time of their submission, each with the page that it links to.

    Points and comments are series, `story/ID/points` and `story/ID/comments`, with a value for each observed change.
    The run asks the official API for recent changes, and for stories that the search of the last hour no longer finds:
    it stores their scores, and marks stories that were taken out in `sightings.removed_at`. It reads more than 1,000
    stories at once in slices of time.
    """

    name = "hackernews"
    api = Api(
        name="hackernews",
        title="Hacker News",
        homepage="https://news.ycombinator.com",
        url="https://hn.algolia.com/api/v1/search_by_date",
        arguments={"query": Argument()},
        params={
            "query": "{query}",
            "tags": "story",
            "numericFilters": "created_at_i>{since:epoch-1},created_at_i<{until:epoch}",
        },
        records="hits",
        pages=NumberedPages(first=0, size=100, size_param="hitsPerPage", pages="nbPages"),
        slices=Slices(longest=7 * DAY, cap=1_000, total="nbHits"),
        cursor=Cursor(by="time", path="created_at_i", overlap=HOUR),
        quota=Quota(limits=(Limit(calls=10, per="second"), Limit(calls=10_000, per="hour"))),
        language="en",
        rank="index",
        article={
            "url": f"url || join('', ['{STORY}', to_string(objectID)])",
            "title": "title",
            "published_at": "created_at_i",
            "authors": "author",
            "text": "story_text",
            "external_id": "objectID",
        },
    )

    _removed: frozenset[str] = frozenset()  # ids of stories that the search finds although they were taken out
    _found: frozenset[str] = frozenset()  # all ids that the search found
    _read_from: datetime | None = None  # the time from which it found them, with the overlap

    async def look_up(self, rows: Sequence[Any], stream: Stream) -> None:
        """Note stories that were taken out: the search still finds them for a while, and does not say so."""
        shown = [str(row.get("objectID")) for row in rows if isinstance(row, dict)]
        self._removed |= {story for story, is_removed in (await self.known(shown)).items() if is_removed}
        chain = stream.chain
        if chain.moves and not chain.is_past:
            self._found |= frozenset(shown)
            self._read_from = min(self._read_from or chain.since, chain.since)

    def items(self, record: Any, stream: Stream) -> Iterator[Item]:
        """The story and its counts; nothing for a story that was taken out, until the official API shows it again."""
        if str(record.get("objectID")) in self._removed:
            return
        for article in super().items(record, stream):
            article.origin = f"{STORY}{article.external_id}"  # users may submit one page several times
            yield article
        points, comments = record.get("points"), record.get("num_comments")
        yield from self._counts(stream.fetched_at, record.get("objectID"), points, comments)

    def _counts(self, now: datetime, story: Any, points: Any, comments: Any) -> Iterator[Observation]:
        for kind, value in (("points", points), ("comments", comments)):
            if value is not None:
                series = Series(name=f"story/{story}/{kind}", unit=kind, metadata={"url": f"{STORY}{story}"})
                yield Observation(series=series, time=now, value=value, source_id=self.name, only_changes=True)

    def after(self, stream: Stream) -> Iterator[Request]:
        """The request for the recent changes."""
        yield self.aside(f"{OFFICIAL}/updates.json", self._updated)

    async def _updated(self, data: Any) -> AsyncIterator[Request]:
        """Ask for changed stories that are stored, and for those where search and database differ."""
        ids = {*map(str, expect(data, "items", list)), *self._removed}
        if self._read_from and not self.given["query"]:
            ids |= await self.known_since(self._read_from) - self._found
        for story, is_removed in sorted((await self.known(sorted(ids))).items()):
            yield self.aside(f"{OFFICIAL}/item/{story}.json", partial(self._looked_at, is_removed=is_removed))

    async def _looked_at(self, item: Any, *, is_removed: bool) -> AsyncIterator[Batch]:
        """The counts of the item, or its removal. An item may be null, which says nothing."""
        if item is not None:
            story = str(expect(item, "id", int))
            yield Batch(items=self._news(story, item, is_removed=is_removed))

    def _news(self, story: str, item: dict[str, Any], *, is_removed: bool) -> Iterator[Item]:
        is_gone = bool(item.get("deleted") or item.get("dead"))
        if is_gone != is_removed:
            yield Removal(external_id=story, source_id=self.name, is_undone=is_removed)
        if not is_gone:
            yield from self._counts(datetime.now(UTC), story, item.get("score"), item.get("descendants"))
