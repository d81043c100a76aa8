"""What a web API is, as facts: where it is, how it pages, what its cursor is, what it may cost, what its records are.

Plain dataclasses, since every start imports the spiders that are made of them. `newsbot.sources.declared` reads the
same from YAML and checks both.

Paths are JMESPath (https://jmespath.org). `{name}` in `url`, `params` and `headers` stands for an argument, or for
`since`, `until` (times of what is asked for) or `cursor` (the id or token of last time); `{since:%Y-%m-%d}` gives the
form of a time, `epoch` and `ms` that in Unix seconds and milliseconds (`epoch-1`: one before), `days` how many
days it is ago, ISO 8601 in UTC without one.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from newsbot.extraction.paths import places
from newsbot.sources.secrets import ENV

if TYPE_CHECKING:
    from newsbot.sources.secrets import Login

SECRET = re.compile(f"([!-~]+ )?{ENV}")  # of a header: what stands before it, the variable
EXTRA = "extra."  # `extra.points: points` of an article keeps what that has no field for


class Checked:
    """Marks what `newsbot.sources.declared` checks beyond its type. It is imported when pydantic asks, not before."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from newsbot.sources.declared import KINDS

        return handler.generate_schema(KINDS[self.kind])


Name = Annotated[str, Checked("name")]
Text = Annotated[str, Checked("text")]
Url = Annotated[str, Checked("url")]
Address = Annotated[str, Checked("address")]
Header = Annotated[str, Checked("header")]
Variable = Annotated[str, Checked("variable")]
Path = Annotated[str, Checked("path")]
Period = Annotated[str, Checked("period")]
Language = Annotated[str, Checked("language")]
Timezone = Annotated[str, Checked("timezone")]
Fields = Annotated[dict[str, str], Checked("fields")]
Count = Annotated[int, Checked("count")]
Seconds = Annotated[float, Checked("seconds")]
Span = Annotated[float, Checked("span")]
Amount = Annotated[float, Checked("amount")]
ColumnType = Literal["text", "integer", "number", "boolean", "date", "time", "json"]

# What these arguments mean, in every spider that has them.
TOPIC = {
    "query": "what to search for, in the syntax of the API",
    "language": "language of what is found, ISO 639-1 as `de`",
    "country": "country of the publisher, ISO 3166-1 alpha-2 as `fr`",
}
TIMES = {
    "since": "from this date or time on, instead of what is new: `2024-05-01`, `2024-05-01T12:00Z`",
    "until": "up to this date or time, without it",
    "backfill": "what is new and, where it was not read yet, so much of the past: `30d`",
    "budget": "calls that this run may make at most; money, where the API's calls cost some",
}

_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}


def _one_of(*keys: str) -> dict[str, Any]:
    """For pydantic: of these keys there is one and no other."""
    return _STRICT | {"json_schema_extra": {"oneOf": [{"required": [key]} for key in keys]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The secret that the API asks for. It comes from the environment and is added where the request leaves."""

    __pydantic_config__ = _one_of("header", "query")

    variable: Variable
    """the environment variable that holds it"""
    header: Header | None = None
    """the header that takes it, as X-Api-Key"""
    query: str | None = None
    """the query parameter that takes it, where there is no header for it"""
    prefix: str = ""
    """what stands before it in the header, as `Bearer `"""
    required: bool = True
    """whether the API answers nobody without it"""
    signup: Url | None = None
    """where one gets it"""


class HostKey(NamedTuple):
    """A key and the one host that gets it, as a request carries them; the secret itself stays in the environment."""

    host: str
    key: "Key | Login"
    may_be_plain: bool = False  # whether the host gets it without TLS, too
    port: int | None = None  # the one that gets it; None: each


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of the spider, given with -a."""

    __pydantic_config__ = _STRICT

    help: str | None = None
    """what it is for; `query`, `language` and `country` mean the same everywhere"""
    default: Text | None = None
    """its value where none is given"""
    required: bool = False
    """whether the spider can not run without it"""
    each: bool = False
    """whether it may be several, separated by commas, each asked for on its own and with a cursor of its own"""
    choices: tuple[Text, ...] = ()
    """the values that there are; empty: any"""
    join: Text | None = None
    """what the API wants between several values, as `;`; they are given separated by commas, and asked for at once"""
    case: Literal["upper", "lower"] | None = None
    """the letters that its values have, however they are given"""
    found: Path | None = None
    """where a record has its value, or a list of those that it has: one that no record has is reported as missing"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPages:
    """Pages by number. Without `pages` and `total` they end with the first that is empty."""

    __pydantic_config__ = _STRICT

    by: Literal["number"] = "number"
    """pages by number"""
    param: str = "page"
    """the query parameter of the number"""
    first: int = 1
    """the number of the first page"""
    size: Count | None = None
    """records of a full page"""
    size_param: str | None = None
    """the query parameter of the size"""
    pages: Path | None = None
    """where the answer says how many pages there are"""
    total: Path | None = None
    """where the answer says how many records there are"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetPages:
    """Pages by the number of records before them. Each page repeats the last record of the one before, so that a
    record that was taken out meanwhile shows."""

    __pydantic_config__ = _STRICT

    by: Literal["offset"] = "offset"
    """pages by the number of records before them"""
    param: str = "offset"
    """the query parameter of that number"""
    first: int = 0
    """what it is for the first page: 1 where the API counts records from 1"""
    size: Count = 100
    """records of a full page"""
    size_param: str = "limit"
    """the query parameter of the size"""
    total: Path | None = None
    """where the answer says how many records there are; without it the pages end with an empty one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPages:
    """Pages by a token that the answer before gives."""

    __pydantic_config__ = _STRICT

    by: Literal["token"] = "token"
    """pages by a token that the answer before gives"""
    param: str
    """the query parameter of the token"""
    token: Path
    """where the answer has it; the last page has none"""
    size: Count | None = None
    """records of a full page"""
    size_param: str | None = None
    """the query parameter of the size"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedPages:
    """Pages by the URL of the next one: in the `Link` header (RFC 8288), or in the answer."""

    __pydantic_config__ = _STRICT

    by: Literal["link"] = "link"
    """pages by the URL of the next one"""
    next: Path | None = None
    """where the answer has it; without this, it is the Link header with rel=next"""
    size: Count | None = None
    """records of a full page"""
    size_param: str | None = None
    """the query parameter of the size"""


class _ToldBy:
    """Tells pydantic, where that reads a declaration, which key says which of several classes it is."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Field

        return handler.generate_schema(Annotated[source, Field(discriminator=self.key)])


Pages = Annotated[NumberedPages | OffsetPages | TokenPages | LinkedPages, _ToldBy("by")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The time asked for is cut into slices; one that has more hits than the API gives is halved."""

    __pydantic_config__ = _STRICT

    longest: Span
    """of a slice: 7d, 12h"""
    shortest: Span = 1
    """a slice that still has too many hits is told as incomplete"""
    cap: Count | None = None
    """hits that the API gives at most"""
    total: Path | None = None
    """where the answer says how many there are; without it, `cap` records in a slice are taken for too many"""
    statuses: tuple[int, ...] = ()
    """HTTP statuses by which the API says that there are too many"""
    too_many: Path | None = None
    """what is true of the body of such an answer, where it may mean something else; of a text, `@` is the text"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How the next run knows what is new."""

    __pydantic_config__ = _STRICT

    by: Literal["time", "id", "token"]
    """by the time of the newest record, by its id, or by a token in the answer"""
    path: Path
    """where a record has the time or id; where the answer has the token"""
    overlap: Seconds = 0
    """of a time: asked for once more, for records that come late or change: 1h"""
    first: Seconds = 86_400
    """of a time: how far back the first run goes"""
    reach: Span | None = None
    """of a time: how far back the API goes; what lies before that is reported as gone, and not asked for"""
    at: Literal["end", "newest"] = "end"
    """of a time: it goes to the end of what was asked for or, where records come late, to the newest of them"""
    oldest_first: bool = False
    """whether the records come in the order of the cursor, so that each page moves it; else the last page does"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many calls in so much time: below an hour they are spaced evenly, from an hour on counted."""

    __pydantic_config__ = _STRICT

    calls: Count
    """how many"""
    per: Period
    """second, minute, hour, day, month, or a number with its unit as 5s, 15m, 12h, 7d; counted from midnight UTC on"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What the API lets a user spend. What its answers say wins."""

    __pydantic_config__ = _STRICT

    limits: tuple[Limit, ...]
    """all hold at once"""
    cost: Amount = 0
    """of a call, in `currency`; 0 where calls are free"""
    currency: str | None = None
    """of the cost"""
    remaining: Header | None = None
    """the header that says how many calls are left of the longest limit"""
    limit: Header | None = None
    """the header that says how many there were"""
    reset: Header | None = None
    """the header that says when there are some again: Unix seconds, seconds from now, or an ISO time"""
    spent: Path | None = None
    """what is true of the body of a 429 that means that the longest limit is used up; of a shorter one, its period, as
    `'hour'` or `'12 hours'`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationFields:
    """How a record becomes an observation of a series."""

    __pydantic_config__ = _STRICT

    series: Path
    """the name of the series, unique in this API"""
    time: Path
    """the time"""
    value: Path
    """the number"""
    unit: Path | None = None
    """the unit of the series"""
    frequency: Path | None = None
    """its frequency"""
    metadata: dict[str, Path] = field(default_factory=dict)
    """what else is to be known of the series"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A named value of a record."""

    __pydantic_config__ = _STRICT

    source: str | None = None
    """where it comes from, a path or the header of a column; default: its own name"""
    type: ColumnType = "text"
    """what it is"""
    unit: str | None = None
    """its unit"""
    description: str | None = None
    """what it means"""
    required: bool = False
    """whether a record without it is refused"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFields:
    """How a record is kept in the table `records`."""

    __pydantic_config__ = _STRICT

    dataset: str
    """the name of the dataset"""
    key: Path
    """what tells records apart"""
    columns: dict[str, Column] = field(default_factory=dict)
    """the columns that are kept, with their types; empty: all, as they come"""
    url: Path | None = None
    """where a person can look at it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API, or that part of one that a spider collects."""

    __pydantic_config__ = _one_of("article", "observation", "record")

    name: Name
    """its id, in lower-case letters, digits, - and _"""
    title: str
    """as people call it"""
    url: Address
    """what is asked, without the query"""
    homepage: Url | None = None
    """where people read about it"""
    params: dict[str, Text] = field(default_factory=dict)
    """the query; a parameter whose argument is not given is left out"""
    headers: dict[Header, Text] = field(default_factory=dict)
    """headers that it wants; `env:NAME` stands for the secret in that environment variable, as in `Bearer env:NAME`"""
    key: Key | None = None
    """the secret that it wants"""
    arguments: dict[str, Argument] = field(default_factory=dict)
    """what can be given with -a"""
    records: Path = "@"
    """where the answer has the list of records"""
    at_least: Count | None = None
    """records that a run brings at least, where all of them are asked for each time; fewer are a failure"""
    none_as_empty: bool = False
    """whether an answer without the list means that there are no records; else it is an error"""
    withdrawn: Path | None = None
    """what is true of a record that stands for one that was taken back: it is counted, and nothing is made of it"""
    error: Path | None = None
    """where an answer says that it is an error, although its status is 200"""
    pages: Pages | None = None
    """how it pages; without it, an answer is whole"""
    slices: Slices | None = None
    """how the time asked for is cut"""
    cursor: Cursor | None = None
    """how the next run knows what is new; without it, everything is asked for each time"""
    quota: Quota | None = None
    """what it may cost"""
    language: Language | None = None
    """of its articles, where they do not say"""
    timezone: Timezone | None = None
    """of its times, where they do not say; default UTC"""
    article: Fields | None = None
    """articles: each field and where a record has it; `extra.points` keeps what an article has no field for"""
    rank: Literal["index", "section", "sitemap", "feed", "page"] = "feed"
    """how rich its articles are: `index` for other people's articles, `page` where it gives the whole text"""
    observation: ObservationFields | None = None
    """observations of series"""
    record: RecordFields | None = None
    """records of a dataset"""

    @property
    def keys(self) -> tuple[Key, ...]:
        """The secrets that it wants: its key, and those of its headers."""
        secrets = ((name, SECRET.fullmatch(value)) for name, value in self.headers.items())
        of_headers = (Key(variable=found[2], header=name, prefix=found[1] or "") for name, found in secrets if found)
        return (*([self.key] if self.key else []), *of_headers)

    @property
    def plain_headers(self) -> dict[str, str]:
        """The headers without a secret."""
        return {name: value for name, value in self.headers.items() if not SECRET.fullmatch(value)}

    @property
    def placed(self) -> set[str]:
        """The names that the address and the query have places for."""
        return places(self.url).union(*map(places, self.params.values()))
