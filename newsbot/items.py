"""The typed items that spiders yield and the pipelines carry.

An item is a plain dataclass: building one never fails, so a page with one bad entry does not lose the entries after it.
The validate stage checks every item and keeps the bad ones among the rejects.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any


class Rank(IntEnum):
    """How rich an origin is. An article belongs to the first that brought it, until one of a higher rank does."""

    SECTION = 10  # a teaser on a section page
    SITEMAP = 20  # a news sitemap: title and date
    FEED = 30  # a feed: title, summary, author, date
    PAGE = 40  # the article's own page, or an API that answers with it


class Tracked:
    """What the pipelines note on an item. None of it is a field, so exports and the database do not see it."""

    __slots__ = ("content_hash", "covered", "refused", "state", "stored_id")

    def __post_init__(self) -> None:
        self.content_hash: str | None = None  # of the fields that are revised
        self.covered: Checkpoint | None = None  # what waits for it
        self.refused: list[tuple[str, str, Any]] = []  # (field, reason, value) of values left out
        self.state: str | None = None  # "new", "changed", "seen" or "again"; None until it was looked up
        self.stored_id: str | None = None  # the article's id, where the store knows it


@dataclass(slots=True, kw_only=True)
class Article(Tracked):
    """A headline or a whole article. A headline is an article whose text is not fetched yet."""

    url: str  # as it was met; every such URL leads to the article
    title: str
    source_id: str | None = None  # default: the spider's name
    origin: str | None = None  # the feed, page or API that brought it; default: the spider's name
    rank: int = Rank.PAGE
    canonical_url: str | None = None  # default: made from url
    authors: list[str] = field(default_factory=list)
    published_at: datetime | None = None  # without a zone: the source's zone, else UTC
    summary: str | None = None
    text: str | None = None
    language: str | None = None  # ISO 639, two or three letters; missing or plainly wrong: found from the text
    section: str | None = None
    keywords: list[str] = field(default_factory=list)
    image_url: str | None = None
    sentiment: float | None = None  # -1 to 1
    sentiment_model: str | None = None


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """Progress of one origin with the items that it covers: those pass the stages, then it is committed, never before.

    One object for a whole answer, because Scrapy's own way of an item costs more than ours.
    """

    key: str  # the feed's URL
    columns: dict[str, Any]  # of its row in `feeds`
    items: Iterable[Article] = ()  # read once, a part at a time
