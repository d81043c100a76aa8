"""The typed items that spiders yield and the pipelines carry.

An item is a plain dataclass: building one never fails, so a page with one bad entry does not lose the entries after it.
The validate stage checks every item and keeps the bad ones among the rejects.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any


class Rank(IntEnum):
    """How rich an origin is. An article belongs to the first that brought it, until one of a higher rank does."""

    INDEX = 5  # an index of other people's articles: Hacker News, GDELT, NewsAPI
    SECTION = 10  # a teaser on a section page
    SITEMAP = 20  # a news sitemap: title and date
    FEED = 30  # a feed: title, summary, author, date
    PAGE = 40  # the article's own page, or an API that answers with it


class Tracked:
    """What the pipelines note on an item. None of it is a field, so exports and the database do not see it."""

    __slots__ = (
        *("adopts", "content_hash", "entry", "entry_url", "extra_json", "is_plain", "is_read", "link", "refused"),
        *("state", "stored_id", "takes_from"),
    )

    def __post_init__(self) -> None:
        self.adopts: str | None = None  # of an entry: the id that is to be stored
        self.content_hash: str | None = None  # of the fields that are revised
        self.entry: Any = None  # of an entry of a feed or a page: its `enrichment.identity.Identity`
        self.entry_url: str | None = None  # of an entry: its canonical URL where others share its link
        self.extra_json: str | None = None  # an article's `extra` as JSON; a reader may give it in place of that
        self.is_plain = False  # whether its texts are no markup's: character references in them are meant as they stand
        self.is_read = False  # by a reader of ours: its values have their types
        self.link: str | None = None  # an article's canonical URL, as long as no other entry is known to share it
        self.refused: list[tuple[str, str, Any]] = []  # (field, reason, value) of values left out
        self.state: str | None = None  # "new", "changed", "seen", "again" or "refused"; None until it was looked up
        self.stored_id: str | None = None  # the article's id, where the store knows it
        self.takes_from: tuple[str, ...] = ()  # ids of the articles that had the id which it adopts

    def follow(self, other: "Tracked") -> None:
        """Take over what was noted on another item, whose place this one takes."""
        for name in Tracked.__slots__:
            setattr(self, name, getattr(other, name))


@dataclass(slots=True, kw_only=True)
class Article(Tracked):
    """A headline or a whole article. A headline is an article whose text is not fetched yet."""

    url: str  # as it was met; every such URL leads to the article
    title: str  # plain text; entities are resolved
    source_id: str | None = None  # default: the spider's name
    origin: str | None = None  # the feed, page or API that brought it; default: the spider's name
    rank: int = Rank.PAGE  # of the origin, from `newsbot.items.Rank`
    canonical_url: str | None = None  # what the page says of itself; default: made from url
    authors: list[str] = field(default_factory=list)
    published_at: datetime | None = None  # without a zone: the source's zone, else UTC
    summary: str | None = None  # plain text; entities are resolved
    text: str | None = None  # of the whole article, plain; line breaks stay
    language: str | None = None  # ISO 639, two or three letters; missing or plainly wrong: found from the text
    section: str | None = None  # as the site calls it
    keywords: list[str] = field(default_factory=list)
    image_url: str | None = None  # http or https
    sentiment: float | None = None  # -1 to 1
    sentiment_model: str | None = None  # what found it
    external_id: str | None = None  # what the origin calls it
    extra: dict[str, Any] | None = None  # what the origin tells beyond these fields; kept with its sighting


@dataclass(slots=True, kw_only=True)
class Removal(Tracked):
    """An origin took an article back, or shows it again. The article stays; its sighting says so."""

    external_id: str
    is_undone: bool = False
    source_id: str | None = None  # default: the spider's name


@dataclass(slots=True, kw_only=True, frozen=True)
class Series:
    """What the values of a numeric series are. One object serves all its observations."""

    name: str  # unique in its source, as EUR/USD
    unit: str | None = None  # as the source writes it
    frequency: str | None = None  # as the source tells it: daily, hourly, ...
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Observation(Tracked):
    """The value of a series at a time. A later one for the same time revises it, and the former is kept."""

    series: Series
    time: datetime  # without a zone: UTC
    value: float | None  # None and NaN are kept as they are: a gap that the source tells
    source_id: str | None = None  # default: the spider's name
    only_changes: bool = False  # True for a counter that is looked at: kept only when it differs from the last value


@dataclass(slots=True, kw_only=True)
class Record(Tracked):
    """A row of a dataset: whatever has a key and named values."""

    dataset: str
    key: str  # unique in the dataset
    data: dict[str, Any]  # what JSON can say
    source_id: str | None = None  # default: the spider's name
    url: str | None = None  # where a person can look at it


Item = Article | Removal | Observation | Record
KINDS = (Article, Removal, Observation, Record)


def kind(item: Any) -> type[Item] | None:
    """Which of `KINDS` an item is; None for anything else."""
    found = type(item)
    return found if found in KINDS else next((known for known in KINDS if isinstance(item, known)), None)


def unpacked(item: Any) -> Any:
    """The item with `extra` as values, where a reader gave it as JSON, for whoever looks at it."""
    if isinstance(item, Article) and item.extra is None and item.extra_json is not None:
        item.extra = json.loads(item.extra_json)
    return item
