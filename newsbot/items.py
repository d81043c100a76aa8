"""The typed items that spiders yield and pipelines carry.

An item is a plain dataclass: building one never fails, so a page with one bad entry does not lose the entries after it.
The validate stage checks every item and keeps the bad ones among the rejects.

The stages ask an item itself: the types of its fields describe the values, `identity` names it, `content` is its
content, and `stored_by` names the function that stores it. A new kind needs its class here, an entry in `KINDS`, that
function, and a spider or a reader that makes it.
"""

import json
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import Enum, IntEnum, StrEnum, auto
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, NamedTuple, Union, get_args, get_origin

from newsbot.values import MAX_NAME, MAX_SUMMARY, MAX_TEXT, MAX_TITLE


class Rank(IntEnum):
    """How rich an origin is. An article belongs to its first origin until one of a higher rank brings it."""

    INDEX = 5  # an index of other people's articles: Hacker News, GDELT, NewsAPI
    SECTION = 10  # a teaser on a section page
    SITEMAP = 20  # a news sitemap: title and date
    FEED = 30  # a feed: title, summary, author, date
    PAGE = 40  # the article's own page, or an API that answers with it


class State(StrEnum):
    """How an item compares with the database, and finally its result."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SEEN = "seen"  # stored without a difference; only mark it as seen
    AGAIN = "again"  # look it up when it is written, after the items before it
    REFUSED = "refused"  # a second version


# --- The values of fields ---------------------------------------------------------------------------------------------


class Form(Enum):
    """The kind of a field's values, by which the stages check and clean them; a field without one has only its type.

    A field without a default is required: without a valid value the item is refused. A wrong value is left out if the
    field may be None or is a list.
    """

    LINE = auto()  # one line of text; entities are resolved
    TEXT = auto()  # like a line, but line breaks stay
    LINES = auto()  # a list of lines, each once
    KEY = auto()  # a name for something: at most 2,000 bytes, no control characters
    CLEAN_KEY = auto()  # a key; characters that cannot be stored are left out first
    PROVENANCE = auto()  # a key of who brought the item; default: the spider's name; a wrong one refuses the item
    URL = auto()  # unchanged
    LINK = auto()  # an http(s) URL; others are left out
    CANONICAL = auto()  # the canonical form of this URL, else of the field `url`
    LANGUAGE = auto()  # ISO 639; missing or plainly wrong: found from the first two lines or texts of the item
    NUMBER = auto()  # a float; NaN stays
    TIME = auto()  # without a zone: UTC; one outside the calendar refuses the item
    PUBLISHED = auto()  # without a zone: that of the spider; an implausible date of publication is left out
    JSON = auto()  # a mapping of JSON values; its text is kept in `extra_json`
    EXTRA = auto()  # like JSON, but wrong parts are left out
    SHARED = auto()  # a frozen dataclass; one object serves many items


@dataclass(frozen=True, slots=True)
class Longest:
    """The greatest length of a line, in characters; a longer one is cut between words."""

    characters: int


@dataclass(frozen=True, slots=True)
class Between:
    """The least and the greatest value of a number."""

    least: float
    most: float


Line = Annotated[str, Form.LINE]
Text = Annotated[str, Form.TEXT]
Lines = Annotated[list[str], Form.LINES, Longest(MAX_NAME)]
Key = Annotated[str, Form.KEY]
CleanKey = Annotated[str, Form.CLEAN_KEY]
Provenance = Annotated[str, Form.PROVENANCE]
Url = Annotated[str, Form.URL]
Link = Annotated[str, Form.LINK]
Canonical = Annotated[str, Form.CANONICAL]
Language = Annotated[str, Form.LANGUAGE]
Number = Annotated[float, Form.NUMBER]
Time = Annotated[datetime, Form.TIME]
Published = Annotated[datetime, Form.PUBLISHED]
Json = Annotated[dict[str, Any], Form.JSON]
Extra = Annotated[dict[str, Any], Form.EXTRA]


class Field(NamedTuple):
    """A field of an item, for the stages."""

    name: str
    type: Any  # without None and annotations
    form: Form | None
    longest: int | None
    between: Between | None
    is_needed: bool
    may_be_none: bool


@cache
def fields_of(kind: type) -> tuple[Field, ...]:
    """The fields of a kind of items, in order."""
    return tuple(
        _field(each.name, each.type, is_needed=each.default is MISSING and each.default_factory is MISSING)
        for each in fields(kind)
    )


def _field(name: str, declared: Any, *, is_needed: bool) -> Field:
    types = get_args(declared) if get_origin(declared) in (Union, UnionType) else (declared,)
    others = [each for each in types if each is not NoneType]
    type_: Any = others[0] if len(others) == 1 else declared
    notes: tuple[Any, ...] = ()
    if get_origin(type_) is Annotated:
        type_, notes = type_.__origin__, type_.__metadata__
    form = next((each for each in notes if isinstance(each, Form)), None)
    longest = next((each.characters for each in notes if isinstance(each, Longest)), None)
    between = next((each for each in notes if isinstance(each, Between)), None)
    return Field(name, type_, form, longest, between, is_needed, NoneType in types)


# --- Items ------------------------------------------------------------------------------------------------------------


class Item:
    """The base of all items.

    1. Set `stored_by`, and `is_looked_up` or `first_counts` if they differ.
    2. Write `identity` and `content`.

    The pipelines note facts on an item outside its fields, so exports and the database do not see them.
    """

    __slots__ = (
        *("adopts", "content_hash", "entry", "entry_url", "extra_json", "is_plain", "is_read", "link", "refused"),
        *("state", "stored_id", "takes_from"),
    )

    source_id: str | None

    stored_by: ClassVar[str]
    """the function of the storage that writes items of this kind, such as `records.write`"""
    is_looked_up: ClassVar[bool] = False
    """whether to look an item up before the later stages, as these are expensive; else when it is written"""
    first_counts: ClassVar[str | None] = None
    """the field whose first value in a run is kept and others are refused; else the last value is kept"""

    def __post_init__(self) -> None:
        self.adopts: str | None = None  # of an entry: the id to store
        self.content_hash: str | None = None  # of its content
        self.entry: Any = None  # of an entry of a feed or a page: its `enrichment.identity.Identity`
        self.entry_url: str | None = None  # of an entry: its canonical URL where others share its link
        self.extra_json: str | None = None  # `extra` or `data` as JSON; a reader may give it in place of `extra`
        self.is_plain = False  # whether its texts are plain, so that character references stand for themselves
        self.is_read = False  # by a reader of newsbot: its values have the right types
        self.link: str | None = None  # an article's canonical URL, before other entries may share it
        self.refused: list[tuple[str, str, Any]] = []  # (field, reason, value) of values left out
        self.state: State | None = None  # None before the look-up
        self.stored_id: str | None = None  # the article's id, if the store knows it
        self.takes_from: tuple[str, ...] = ()  # ids of the articles that had the adopted id

    def identity(self) -> Hashable:
        """The key that distinguishes it from the others of its kind, whatever its content."""
        raise NotImplementedError

    def content(self) -> str:
        """Its clean content: of two items with the same identity and content, the second one is unchanged."""
        raise NotImplementedError

    def to_score(self) -> str | None:
        """The text to score for sentiment, or None. An item with one has the sentiment fields of an article."""
        return None

    def follow(self, other: "Item") -> None:
        """Take over the notes on another item of this kind, which this one replaces."""
        for name in Item.__slots__:
            setattr(self, name, getattr(other, name))


@dataclass(slots=True, kw_only=True)
class Article(Item):
    """A headline or a whole article. A headline is an article without its text."""

    url: Url  # as the spider met it; every such URL leads to the article
    title: Annotated[Line, Longest(MAX_TITLE)]  # plain text; entities are resolved
    source_id: Provenance | None = None  # default: the spider's name
    origin: Provenance | None = None  # the feed, page or API that brought it; default: the spider's name
    rank: int = Rank.PAGE  # of the origin, from `newsbot.items.Rank`
    canonical_url: Canonical | None = None  # as the page names it; default: made from url
    authors: Lines = field(default_factory=list)
    published_at: Published | None = None  # without a zone: the source's zone, else UTC
    summary: Annotated[Line, Longest(MAX_SUMMARY)] | None = None  # plain text; entities are resolved
    text: Annotated[Text, Longest(MAX_TEXT)] | None = None  # of the whole article, plain; line breaks stay
    language: Language | None = None  # ISO 639, two or three letters; missing or plainly wrong: found from the text
    section: Annotated[Line, Longest(MAX_NAME)] | None = None  # as the site calls it
    keywords: Lines = field(default_factory=list)
    image_url: Link | None = None  # http or https
    sentiment: Annotated[float, Between(-1, 1)] | None = None  # -1 to 1
    sentiment_model: str | None = None  # the model that found it
    external_id: Key | None = None  # its id at the origin
    extra: Extra | None = None  # further values of the origin; kept with its sighting

    stored_by: ClassVar[str] = "articles.write"
    is_looked_up: ClassVar[bool] = True

    def identity(self) -> tuple[str | None, str | None]:
        """Its canonical URL and its origin: other origins may have other content for the same article."""
        return self.canonical_url, self.origin

    def content(self) -> str:
        """The fields whose changes revise it: all but the image, whose address is often signed."""
        published = self.published_at.isoformat() if self.published_at else ""
        parts = [
            self.title,
            self.summary or "",
            self.text or "",
            published,
            self.section or "",
            self.language or "",
            "\x1e".join(self.authors),
            "\x1e".join(self.keywords),
        ]
        if self.extra_json is not None:
            parts.append(self.extra_json)
        return "\x1f".join(parts)

    def to_score(self) -> str | None:
        """The title, if new or changed. Articles of an index wait for a richer origin."""
        is_new = self.state != State.SEEN and self.sentiment is None
        return self.title if is_new and self.rank > Rank.INDEX else None


@dataclass(slots=True, kw_only=True)
class Removal(Item):
    """A tombstone: an origin withdrew an article, or shows it again. The article stays; its sighting records it."""

    external_id: Key
    is_undone: bool = False
    source_id: Provenance | None = None  # default: the spider's name

    stored_by: ClassVar[str] = "articles.remove"

    def identity(self) -> tuple[str | None, str]:
        """The article's id at its source."""
        return self.source_id, self.external_id

    def content(self) -> str:
        """Whether it removes the article or shows it again."""
        return "shown again" if self.is_undone else "removed"


@dataclass(slots=True, kw_only=True, frozen=True)
class Series:
    """The name and unit of a numeric series. One object serves all its observations."""

    name: str  # unique in its source, such as EUR/USD
    unit: str | None = None  # as the source writes it
    frequency: str | None = None  # as the source states it: daily, hourly, ...
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Observation(Item):
    """The value of a series at a time. A later value for the same time revises it; the former one is kept."""

    series: Annotated[Series, Form.SHARED]
    time: Time  # without a zone: UTC
    value: Number | None  # None and NaN stay: a gap that the source reports
    source_id: Provenance | None = None  # default: the spider's name
    only_changes: bool = False  # True for a polled counter: kept only if it differs from the last value

    stored_by: ClassVar[str] = "series.write"
    first_counts: ClassVar[str | None] = "value"

    def identity(self) -> tuple[str | None, str, datetime]:
        """Its series and its time."""
        return self.source_id, self.series.name, self.time

    def content(self) -> str:
        """Its value."""
        return str(self.value)


@dataclass(slots=True, kw_only=True)
class Record(Item):
    """A row of a dataset: a key and named values."""

    dataset: Key
    key: CleanKey  # unique in the dataset
    data: Json  # JSON values
    source_id: Provenance | None = None  # default: the spider's name
    url: Url | None = None  # where a person can look at it

    stored_by: ClassVar[str] = "records.write"
    first_counts: ClassVar[str | None] = "data"

    def identity(self) -> tuple[str, str]:
        """Its dataset and its key."""
        return self.dataset, self.key

    def content(self) -> str:
        """Its data."""
        return self.extra_json or ""


# All processes write them in this order, so that two of them never wait for each other.
KINDS: tuple[type[Item], ...] = (Article, Removal, Observation, Record)


def kind(item: Any) -> type[Item] | None:
    """The one of `KINDS` that an item is; None for anything else."""
    found = type(item)
    return found if found in KINDS else next((known for known in KINDS if isinstance(item, known)), None)


def unpacked(item: Any) -> Any:
    """The item with `extra` as values, even if a reader gave it as JSON."""
    if isinstance(item, Article) and item.extra is None and item.extra_json is not None:
        item.extra = json.loads(item.extra_json)
    return item
