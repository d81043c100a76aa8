"""The declaration of a web API: its address, its pages, its cursor, its quota, its records.

Plain dataclasses, because every start imports the spiders that declare them. `newsbot.sources.declared` reads the same
from YAML and checks both.

Paths are JMESPath (https://jmespath.org). `{name}` in `url`, `params` and `headers` stands for an argument, or for
`since`, `until` (the requested period) or `cursor` (the id or token of last time). `{since:%Y-%m-%d}` gives a time in
that form, `epoch` and `ms` in Unix seconds and milliseconds (`epoch-1`: one before), `days` as the number of days ago;
the default is ISO 8601 in UTC.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from newsbot.extraction.paths import places
from newsbot.sources.secrets import ENV

if TYPE_CHECKING:
    from newsbot.sources.secrets import Login

SECRET = re.compile(f"([!-~]+ )?{ENV}")  # of a header: what stands before it, the variable
EXTRA = "extra."  # `extra.points: points` of an article keeps a value that an article has no field for


class Checked:
    """Marks a type that `newsbot.sources.declared` checks further; pydantic imports that module on demand."""

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

# The meanings of these arguments, in every spider that has them.
TOPIC = {
    "query": "what to search for, in the syntax of the API",
    "language": "language of the results, ISO 639-1 as `de`",
    "country": "country of the publisher, ISO 3166-1 alpha-2 as `fr`",
}
TIMES = {
    "since": "from this date or time on, in place of what is new: `2024-05-01`, `2024-05-01T12:00Z`",
    "until": "up to but not including this date or time",
    "backfill": "what is new, and what is not yet read of this much of the past: `30d`",
    "budget": "most calls that this run may make; money, where the API's calls cost money",
}

_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}


def _one_of(*keys: str) -> dict[str, Any]:
    """The pydantic configuration of a class with exactly one of these keys."""
    return _STRICT | {"json_schema_extra": {"oneOf": [{"required": [key]} for key in keys]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The secret that the API needs. It comes from the environment and is added when the request leaves."""

    __pydantic_config__ = _one_of("header", "query")

    variable: Variable
    """the environment variable that holds it"""
    header: Header | None = None
    """the header for it, as X-Api-Key"""
    query: str | None = None
    """the query parameter for it, where the API has no header for it"""
    prefix: str = ""
    """the text before it in the header, as `Bearer `"""
    required: bool = True
    """whether the API refuses requests without it"""
    signup: Url | None = None
    """the page that gives keys"""


class HostKey(NamedTuple):
    """A key and its one host, as a request carries them; the secret itself stays in the environment."""

    host: str
    key: "Key | Login"
    may_be_plain: bool = False  # whether the host gets it without TLS, too
    port: int | None = None  # the port that gets it; None: any


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of the spider, given with -a."""

    __pydantic_config__ = _STRICT

    help: str | None = None
    """its purpose; `query`, `language` and `country` mean the same everywhere"""
    default: Text | None = None
    """its default value"""
    required: bool = False
    """whether the spider cannot run without it"""
    each: bool = False
    """whether it takes several values, separated by commas, each requested alone and with its own cursor"""
    choices: tuple[Text, ...] = ()
    """its valid values; empty: any"""
    join: Text | None = None
    """the API's separator of several values, as `;`; give them separated by commas; one request has them all"""
    case: Literal["upper", "lower"] | None = None
    """the case that its values are put into"""
    found: Path | None = None
    """where a record has its value, or a list of its values; a value that no record has is reported as missing"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPages:
    """Pages by number. Without `pages` and `total` they end with the first empty page."""

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
    """Pages by the number of records before them. Each page repeats the last record of the page before, which shows
    whether a record was removed meanwhile."""

    __pydantic_config__ = _STRICT

    by: Literal["offset"] = "offset"
    """pages by the number of records before them"""
    param: str = "offset"
    """the query parameter of that number"""
    first: int = 0
    """its value for the first page: 1 where the API counts records from 1"""
    size: Count = 100
    """records of a full page"""
    size_param: str = "limit"
    """the query parameter of the size"""
    total: Path | None = None
    """where the answer says how many records there are; without it the pages end with an empty one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPages:
    """Pages by a token from the answer before."""

    __pydantic_config__ = _STRICT

    by: Literal["token"] = "token"
    """pages by a token from the answer before"""
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
    """where the answer has it; the default is the Link header with rel=next"""
    size: Count | None = None
    """records of a full page"""
    size_param: str | None = None
    """the query parameter of the size"""


class _DiscriminatedBy:
    """Names the key by which pydantic chooses among several classes."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Field

        return handler.generate_schema(Annotated[source, Field(discriminator=self.key)])


Pages = Annotated[NumberedPages | OffsetPages | TokenPages | LinkedPages, _DiscriminatedBy("by")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The requested period is cut into slices; a slice with more hits than the API gives is halved."""

    __pydantic_config__ = _STRICT

    longest: Span
    """the longest slice: 7d, 12h"""
    shortest: Span = 1
    """the shortest slice; if it still has too many hits, it is reported as incomplete"""
    cap: Count | None = None
    """most hits that the API gives"""
    total: Path | None = None
    """where the answer has the number of hits; without it, `cap` records in a slice count as too many"""
    statuses: tuple[int, ...] = ()
    """HTTP statuses that mean too many hits"""
    too_many: Path | None = None
    """true of the body if such a status means too many hits, where it may mean something else; `@` is a text body"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How the next run knows what is new."""

    __pydantic_config__ = _STRICT

    by: Literal["time", "id", "token"]
    """by the time of the newest record, by its id, or by a token in the answer"""
    path: Path
    """where a record has the time or id; where the answer has the token"""
    overlap: Seconds = 0
    """of a time: requested again, for records that come late or change: 1h"""
    first: Seconds = 86_400
    """of a time: how far back the first run goes"""
    reach: Span | None = None
    """of a time: how far back the API goes; an earlier time is reported as gone, and not requested"""
    at: Literal["end", "newest"] = "end"
    """of a time: it moves to the end of the requested period or, where records come late, to the newest record"""
    oldest_first: bool = False
    """whether the records come in the order of the cursor, so that each page moves it; else the last page does"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A number of calls in a period: below an hour they are spaced evenly, from an hour on they are counted."""

    __pydantic_config__ = _STRICT

    calls: Count
    """their number"""
    per: Period
    """second, minute, hour, day, month, or a number with its unit as 5s, 15m, 12h, 7d; counted from midnight UTC on"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The calls that the API allows. Its answers override the declaration."""

    __pydantic_config__ = _STRICT

    limits: tuple[Limit, ...]
    """all hold at once"""
    cost: Amount = 0
    """of a call, in `currency`; 0 where calls are free"""
    currency: str | None = None
    """of the cost"""
    remaining: Header | None = None
    """the header with the calls that are left of the longest limit"""
    limit: Header | None = None
    """the header with the calls of the longest limit"""
    reset: Header | None = None
    """the header with the time when the limit is reset: Unix seconds, seconds from now, or an ISO time"""
    spent: Path | None = None
    """true of the body of a 429 if the longest limit is used up; for a shorter limit, its period, as `'hour'` or
    `'12 hours'`"""


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
    """further data about the series"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A named value of a record."""

    __pydantic_config__ = _STRICT

    source: str | None = None
    """its source, a path or the header of a column; default: its own name"""
    type: ColumnType = "text"
    """its type"""
    unit: str | None = None
    """its unit"""
    description: str | None = None
    """its meaning"""
    required: bool = False
    """whether a record without it is refused"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFields:
    """How a record becomes a row of the table `records`."""

    __pydantic_config__ = _STRICT

    dataset: str
    """the name of the dataset"""
    key: Path
    """the path that identifies a record"""
    columns: dict[str, Column] = field(default_factory=dict)
    """the columns to keep, with their types; empty: all, as they come"""
    url: Path | None = None
    """a page about the record"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API, or the part of an API that a spider collects."""

    __pydantic_config__ = _one_of("article", "observation", "record")

    name: Name
    """its id, in lower-case letters, digits, - and _"""
    title: str
    """its name for people"""
    url: Address
    """the address to request, without the query"""
    homepage: Url | None = None
    """a page about it"""
    params: dict[str, Text] = field(default_factory=dict)
    """the query; a parameter without a value is left out"""
    headers: dict[Header, Text] = field(default_factory=dict)
    """further headers; `env:NAME` stands for the secret in that environment variable, as in `Bearer env:NAME`"""
    key: Annotated[Key | None, Checked("key")] = None
    """the secret that it needs"""
    arguments: dict[str, Argument] = field(default_factory=dict)
    """the arguments for -a"""
    records: Path = "@"
    """where the answer has the list of records"""
    at_least: Count | None = None
    """least records of a run, where each run requests all of them; fewer are a failure"""
    none_as_empty: bool = False
    """whether an answer without the list has no records; else it is an error"""
    withdrawn: Path | None = None
    """true of a record that stands for a withdrawn one: it is counted and left out"""
    error: Path | None = None
    """where an answer with status 200 has its error message"""
    pages: Pages | None = None
    """how it pages; without it, an answer is whole"""
    slices: Slices | None = None
    """how the requested period is cut"""
    cursor: Cursor | None = None
    """how the next run knows what is new; without it, each run requests everything"""
    quota: Quota | None = None
    """the calls that it allows"""
    language: Language | None = None
    """of articles without a language"""
    timezone: Timezone | None = None
    """of times without a zone; default UTC"""
    article: Fields | None = None
    """articles: each field and where a record has it; `extra.points` keeps a value that an article has no field for"""
    rank: Literal["index", "section", "sitemap", "feed", "page"] = "feed"
    """how rich its articles are: `index` for other people's articles, `page` for whole texts"""
    observation: ObservationFields | None = None
    """observations of series"""
    record: RecordFields | None = None
    """records of a dataset"""

    @property
    def keys(self) -> tuple[Key, ...]:
        """The secrets that it needs: its key, and those of its headers."""
        secrets = ((name, SECRET.fullmatch(value)) for name, value in self.headers.items())
        of_headers = (Key(variable=found[2], header=name, prefix=found[1] or "") for name, found in secrets if found)
        return (*([self.key] if self.key else []), *of_headers)

    @property
    def plain_headers(self) -> dict[str, str]:
        """The headers without a secret."""
        return {name: value for name, value in self.headers.items() if not SECRET.fullmatch(value)}

    @property
    def placed(self) -> set[str]:
        """The names of the places in the address and the query."""
        return places(self.url).union(*map(places, self.params.values()))
