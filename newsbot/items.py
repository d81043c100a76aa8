"""The typed items that spiders yield and the pipelines carry.

An item is a plain dataclass: building one never fails, so a page with one bad entry does not lose the entries after it.
The validate stage checks every item and keeps the bad ones among the rejects.

An item says for itself what the stages ask: in the types of its fields what their values are, by `identity` what it is
known by, by `content` what it says, and which function stores it. A new kind is its class here, one of `KINDS`, that
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
    """How rich an origin is. An article belongs to the first that brought it, until one of a higher rank does."""

    INDEX = 5  # an index of other people's articles: Hacker News, GDELT, NewsAPI
    SECTION = 10  # a teaser on a section page
    SITEMAP = 20  # a news sitemap: title and date
    FEED = 30  # a feed: title, summary, author, date
    PAGE = 40  # the article's own page, or an API that answers with it


class State(StrEnum):
    """What the database knows of an item, and in the end what became of it."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SEEN = "seen"  # stored just as it is, and to be marked as met
    AGAIN = "again"  # to be looked up as it is written, behind what went before it
    REFUSED = "refused"  # a second version


# --- What a value of a field is ---------------------------------------------------------------------------------------


class Form(Enum):
    """What the values of a field are. By it the stages check and clean them; one without is only checked by its type.

    A field without a default is needed: without a right value the item is refused. One that may be None, or is a list,
    goes without a wrong one.
    """

    LINE = auto()  # one line of text; entities are resolved
    TEXT = auto()  # as a line, but line breaks stay
    LINES = auto()  # a list of lines, each once
    KEY = auto()  # what something is known by: 2,000 bytes at most, no control characters
    CLEAN_KEY = auto()  # a key; what of it can not be stored is left out first
    PROVENANCE = auto()  # a key of who brought the item; default: the spider's name; a wrong one refuses the item
    URL = auto()  # as it was met
    LINK = auto()  # an http(s) URL; others are left out
    CANONICAL = auto()  # the canonical form of this URL, else of the field `url`
    LANGUAGE = auto()  # ISO 639; missing or plainly wrong: found from the first two lines or texts of the item
    NUMBER = auto()  # a float; one that is not a number stays
    TIME = auto()  # without a zone: UTC; what is not in the calendar refuses the item
    PUBLISHED = auto()  # a time without a zone is in that of the spider; what is no date of a publication is left out
    JSON = auto()  # a mapping of what JSON can say, whose text is kept in `extra_json`
    EXTRA = auto()  # as JSON, whose text is kept in `extra_json`
    SHARED = auto()  # a frozen dataclass, of which one object serves many items


@dataclass(frozen=True, slots=True)
class Longest:
    """How many characters a line has at most; a longer one is cut between words."""

    characters: int


@dataclass(frozen=True, slots=True)
class Between:
    """The least and the greatest that a number may be."""

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
    """A field of an item, as the stages see it."""

    name: str
    type: Any  # without None and what is annotated
    form: Form | None
    longest: int | None
    between: Between | None
    is_needed: bool
    may_be_none: bool


@cache
def fields_of(kind: type) -> tuple[Field, ...]:
    """The fields of a kind of items, in their order."""
    return tuple(
        _field(each.name, each.type, is_needed=each.default is MISSING and each.default_factory is MISSING)
        for each in fields(kind)
    )


def _field(name: str, declared: Any, *, is_needed: bool) -> Field:
    types = get_args(declared) if get_origin(declared) in (Union, UnionType) else (declared,)
    others = [each for each in types if each is not NoneType]
    type_: Any = others[0] if len(others) == 1 else declared
    told: tuple[Any, ...] = ()
    if get_origin(type_) is Annotated:
        type_, told = type_.__origin__, type_.__metadata__
    form = next((each for each in told if isinstance(each, Form)), None)
    longest = next((each.characters for each in told if isinstance(each, Longest)), None)
    between = next((each for each in told if isinstance(each, Between)), None)
    return Field(name, type_, form, longest, between, is_needed, NoneType in types)


# --- Items ------------------------------------------------------------------------------------------------------------


class Item:
    """What is common to all items, and what each says for itself.

    What the pipelines note on an item is no field, so exports and the database do not see it.
    """

    __slots__ = (
        *("adopts", "content_hash", "entry", "entry_url", "extra_json", "is_plain", "is_read", "link", "refused"),
        *("state", "stored_id", "takes_from"),
    )

    source_id: str | None

    stored_by: ClassVar[str]
    """the function of the storage that writes items of this kind, as `records.write`"""
    is_looked_up: ClassVar[bool] = False
    """whether the database is asked before the item goes on, as it costs to; else as it is written"""
    first_counts: ClassVar[str | None] = None
    """the field of which the first value in a run is kept, and others are refused; else the last is"""

    def __post_init__(self) -> None:
        self.adopts: str | None = None  # of an entry: the id that is to be stored
        self.content_hash: str | None = None  # of its content
        self.entry: Any = None  # of an entry of a feed or a page: its `enrichment.identity.Identity`
        self.entry_url: str | None = None  # of an entry: its canonical URL where others share its link
        self.extra_json: str | None = None  # `extra`, or `data`, as JSON; a reader may give the first in place of that
        self.is_plain = False  # whether its texts are no markup's: character references in them are meant as they stand
        self.is_read = False  # by a reader of ours: its values have their types
        self.link: str | None = None  # an article's canonical URL, as long as no other entry is known to share it
        self.refused: list[tuple[str, str, Any]] = []  # (field, reason, value) of values left out
        self.state: State | None = None  # None until it was looked up
        self.stored_id: str | None = None  # the article's id, where the store knows it
        self.takes_from: tuple[str, ...] = ()  # ids of the articles that had the id which it adopts

    def identity(self) -> Hashable:
        """What tells it from the others of its kind, whatever it says."""
        raise NotImplementedError

    def content(self) -> str:
        """What it says, once it is clean: of two with one identity and one content the second brings nothing."""
        raise NotImplementedError

    def to_score(self) -> str | None:
        """The text whose sentiment is wanted; None: there is none. Such an item has the fields of an article for it."""
        return None

    def follow(self, other: "Item") -> None:
        """Take over what was noted on another item, whose place this one takes."""
        for name in Item.__slots__:
            setattr(self, name, getattr(other, name))


@dataclass(slots=True, kw_only=True)
class Article(Item):
    """A headline or a whole article. A headline is an article whose text is not fetched yet."""

    url: Url  # as it was met; every such URL leads to the article
    title: Annotated[Line, Longest(MAX_TITLE)]  # plain text; entities are resolved
    source_id: Provenance | None = None  # default: the spider's name
    origin: Provenance | None = None  # the feed, page or API that brought it; default: the spider's name
    rank: int = Rank.PAGE  # of the origin, from `newsbot.items.Rank`
    canonical_url: Canonical | None = None  # what the page says of itself; default: made from url
    authors: Lines = field(default_factory=list)
    published_at: Published | None = None  # without a zone: the source's zone, else UTC
    summary: Annotated[Line, Longest(MAX_SUMMARY)] | None = None  # plain text; entities are resolved
    text: Annotated[Text, Longest(MAX_TEXT)] | None = None  # of the whole article, plain; line breaks stay
    language: Language | None = None  # ISO 639, two or three letters; missing or plainly wrong: found from the text
    section: Annotated[Line, Longest(MAX_NAME)] | None = None  # as the site calls it
    keywords: Lines = field(default_factory=list)
    image_url: Link | None = None  # http or https
    sentiment: Annotated[float, Between(-1, 1)] | None = None  # -1 to 1
    sentiment_model: str | None = None  # what found it
    external_id: Key | None = None  # what the origin calls it
    extra: Extra | None = None  # what the origin tells beyond these fields; kept with its sighting

    stored_by: ClassVar[str] = "articles.write"
    is_looked_up: ClassVar[bool] = True

    def identity(self) -> tuple[str | None, str | None]:
        """Its canonical URL and its origin: others may say something else of the same article."""
        return self.canonical_url, self.origin

    def content(self) -> str:
        """What is revised: everything but the image, whose address is often signed."""
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
        """The title, where it is new or changed. What an index of others' articles brings waits for who has them."""
        is_new = self.state != State.SEEN and self.sentiment is None
        return self.title if is_new and self.rank > Rank.INDEX else None


@dataclass(slots=True, kw_only=True)
class Removal(Item):
    """An origin took an article back, or shows it again. The article stays; its sighting says so."""

    external_id: Key
    is_undone: bool = False
    source_id: Provenance | None = None  # default: the spider's name

    stored_by: ClassVar[str] = "articles.remove"

    def identity(self) -> tuple[str | None, str]:
        """What its source calls the article."""
        return self.source_id, self.external_id

    def content(self) -> str:
        """Which of the two it tells."""
        return "shown again" if self.is_undone else "removed"


@dataclass(slots=True, kw_only=True, frozen=True)
class Series:
    """What the values of a numeric series are. One object serves all its observations."""

    name: str  # unique in its source, as EUR/USD
    unit: str | None = None  # as the source writes it
    frequency: str | None = None  # as the source tells it: daily, hourly, ...
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Observation(Item):
    """The value of a series at a time. A later one for the same time revises it, and the former is kept."""

    series: Annotated[Series, Form.SHARED]
    time: Time  # without a zone: UTC
    value: Number | None  # None and NaN are kept as they are: a gap that the source tells
    source_id: Provenance | None = None  # default: the spider's name
    only_changes: bool = False  # True for a counter that is looked at: kept only when it differs from the last value

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
    """A row of a dataset: whatever has a key and named values."""

    dataset: Key
    key: CleanKey  # unique in the dataset
    data: Json  # what JSON can say
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


# In this order they are written, by all processes, so that two of them never wait for each other.
KINDS: tuple[type[Item], ...] = (Article, Removal, Observation, Record)


def kind(item: Any) -> type[Item] | None:
    """Which of `KINDS` an item is; None for anything else."""
    found = type(item)
    return found if found in KINDS else next((known for known in KINDS if isinstance(item, known)), None)


def unpacked(item: Any) -> Any:
    """The item with `extra` as values, where a reader gave it as JSON, for whoever looks at it."""
    if isinstance(item, Article) and item.extra is None and item.extra_json is not None:
        item.extra = json.loads(item.extra_json)
    return item
