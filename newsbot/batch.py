"""An answer, and what it gives: items, what is refused, the progress that is saved behind them, what to ask next."""

import dataclasses
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from newsbot.items import Item
from newsbot.logins import without_login
from newsbot.values import MAX_DEPTH, MAX_DIGITS, MAX_KEY, TOO_DEEP

# A payload is kept to be looked at, not to be crawled again: a longer value is cut.
MAX_VALUE = 10_000
KEPT = 1_000  # rejects kept one by one; the others of a load are counted, by reason

T = TypeVar("T")

MAX_NAME = MAX_KEY  # bytes; a longer URL is known by its beginning and its hash


class Headers(Mapping[str, str]):
    """The headers of an answer. Names are of any case; of several of one name the last counts."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values = {name.lower(): value.replace("\0", "") for name, value in pairs}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came over the wire."""

    url: str  # that it came from, behind all redirects
    asked: str
    status: int
    headers: Headers
    body: bytes
    fetched_at: datetime  # with a zone
    redirects: tuple[tuple[int, str], ...] = ()  # the status and the URL that gave it, in their order
    conditional: bool = False  # whether it was asked for with validators
    wait: float | None = None  # seconds that the server asks to be left alone

    @property
    def told(self) -> str:
        """The status, and where it leads if that was not followed, as to a file."""
        location = self.headers.get("Location")
        return f"HTTP status {self.status}" + (f", leads to {location[:200]!r}" if location else "")


@dataclass(slots=True)
class Reject:
    """One refused item, or one refused value of an item that goes on without it."""

    source_id: str | None
    item_type: str
    url: str | None
    field: str | None
    reason: str
    payload: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.url = storable(self.url)
        self.reason = storable(self.reason)
        self.payload = storable(self.payload)

    @classmethod
    def of(cls, item: Any, field: str | None, reason: str, value: Any = None) -> "Reject":
        """The reject of an item, or of one `value` that it goes on without."""
        return cls(
            source_id=getattr(item, "source_id", None),
            item_type=type(item).__name__,
            url=getattr(item, "url", None),
            field=field,
            reason=reason,
            payload={str(field): value} if value is not None else _payload(item),
        )

    @property
    def in_words(self) -> str:
        """The field and the reason."""
        return f"{self.field}: {self.reason}" if self.field else self.reason

    @property
    def id(self) -> str:
        """Stands for what was refused, with all that it says, and why."""
        what = [self.source_id, self.item_type, self.url, self.field, self.reason, self.payload]
        return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(what, sort_keys=True, default=str)))


class Refused(NamedTuple):
    """The reason why a row, or a value of one, is refused."""

    line: int
    field: str | None
    reason: str
    value: Any
    whole: bool
    """whether the whole row is refused, and not only the value"""


@dataclass(slots=True)
class Refusals:
    """The refusals of a load: the first ones as they are, all of them counted."""

    dataset: str
    url: str
    kept: list[Reject] = dataclasses.field(default_factory=list)
    reasons: Counter[tuple[str | None, str]] = dataclasses.field(default_factory=Counter)
    rows: int = 0

    def add(self, refused: Refused) -> None:
        """Take one."""
        self.count(refused, 1)
        if len(self.kept) < KEPT:
            payload = {"line": refused.line, "value": refused.value}
            self.kept.append(self._reject(f"#line={refused.line}", refused.field, refused.reason, payload))

    def count(self, refused: Refused, number: int) -> None:
        """Count refusals that are not kept one by one."""
        self.reasons[refused.field, refused.reason] += number
        self.rows += number * refused.whole

    def rejects(self) -> Iterator[Reject]:
        """The rejects to write: one for each kept refusal, and one for the others of a reason."""
        kept = Counter((reject.field, reject.reason) for reject in self.kept)
        yield from self.kept
        for (name, reason), number in (self.reasons - kept).items():
            yield self._reject("", name, f"{reason} (rows beyond those kept one by one)", {"rows": number})

    def _reject(self, place: str, name: str | None, reason: str, payload: dict[str, Any]) -> Reject:
        return Reject(self.dataset, "Record", self.url + place, name, reason, payload)


def feed_name(url: str) -> str:
    """What a feed of this URL is called: the URL, storable, of `MAX_NAME` bytes at most."""
    if url.isascii() and url.isprintable() and len(url) <= MAX_NAME:
        return url
    name = url.replace("\0", "").encode("utf-8", "replace")
    if len(name) > MAX_NAME:
        digest = hashlib.sha256(name).hexdigest()
        name = name[: MAX_NAME - 80] + f"...#sha256={digest}".encode()
    return name.decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is known of a feed before it is asked for."""

    url: str  # what the feed is called: `feed_name`
    etag: str | None = None
    last_modified: str | None = None
    content_hash: str | None = None
    fingerprint: str | None = None  # of how that was read
    status: int | None = None
    problem: str | None = None
    failures: int = 0
    entries: int = 0
    interval: int | None = None
    moved_to: str | None = None
    gone: bool = False  # it said so often enough to be believed
    says_gone: bool = False
    rest: str | None = None  # why it is not asked now, by Retry-After or as it said that it is gone, and until when
    due: bool = True
    full_due: bool = True
    fetched: float | None = None  # Unix seconds
    succeeded: float | None = None  # Unix seconds
    refused_runs: int = 0  # in a row of which all of the answer was refused


_OF_WHAT_WAS_READ = ("entries", "etag", "last_modified", "content_hash", "is_full", "changed")


@dataclass(slots=True, frozen=True, kw_only=True)
class FeedProgress:
    """What a fetch tells of a feed. The row keeps what is None here, but for what is said of the fetch itself."""

    url: str  # what the feed is called: `feed_name`
    source_id: str
    ok: bool = True
    kind: str | None = None
    status: int | None = None
    problem: str | None = None
    entries: int | None = None  # that are stored, of those in the answer
    etag: str | None = None  # kept with a `content_hash` only, as is `last_modified`
    last_modified: str | None = None
    content_hash: str | None = None
    fingerprint: str | None = None  # of how the answer was read
    interval: int | None = None  # seconds
    due_in: float | None = None  # seconds; default: the interval
    wait: float | None = None  # seconds that the feed asks to be left alone
    is_full: bool | None = None  # whether the whole answer was read
    changed: bool | None = None
    moved_to: str | None = None
    gone: bool | None = None
    refused_runs: int | None = None  # in a row of which all of the answer was refused

    @property
    def subject(self) -> tuple[str, str]:
        """The source and what was asked for, as outcomes have them."""
        return self.source_id, self.url

    def settled(self, refused: int) -> "FeedProgress":
        """As it is saved, once so many of the entries were refused."""
        return self if self.entries is None else replace(self, entries=self.entries - refused, refused_runs=0)

    def held_back(self, problem: str, runs: int) -> "FeedProgress":
        """As it is saved where the answer is to be asked for again, as in so many runs."""
        unread: dict[str, Any] = dict.fromkeys(_OF_WHAT_WAS_READ)
        return replace(self, ok=False, problem=problem, refused_runs=runs, **unread)

    def broken(self, refused: int, problem: str, runs: int) -> "FeedProgress":
        """As it is saved where the answer was refused in too many runs to be asked for again."""
        return replace(self.settled(refused), ok=False, problem=problem, refused_runs=runs)


@dataclass(slots=True, frozen=True, kw_only=True)
class CursorProgress:
    """Where the next run of a stream goes on."""

    key: str
    spider: str
    arguments: Mapping[str, Any]
    source: str
    value: Mapping[str, Any] | None = None  # None: it stays
    refused_runs: int = 0  # in a row of which all of an answer was refused

    @property
    def subject(self) -> tuple[str, str]:
        """The source and what was asked for, as outcomes have them."""
        return self.spider, self.source

    def settled(self, refused: int) -> "CursorProgress | None":
        """As it is saved; None where it stays."""
        return self if self.value else None

    def held_back(self, problem: str, runs: int) -> "CursorProgress":
        """As it is saved where the answer is to be asked for again, as in so many runs."""
        return replace(self, value=None, refused_runs=runs)

    def broken(self, refused: int, problem: str, runs: int) -> "CursorProgress":
        """As it is saved where the answer was refused in too many runs to be asked for again."""
        return replace(self, refused_runs=runs)


Progress = FeedProgress | CursorProgress


@dataclass(slots=True, frozen=True, kw_only=True)
class Outcome:
    """How the fetch of one feed, or the reading of one stream, ended."""

    source_id: str
    url: str
    ok: bool
    status: str  # in words, for the table at the end


@dataclass(slots=True, kw_only=True, eq=False)
class Batch:
    """Items that pass the stages together, with what was refused before they could be made.

    What is saved behind the last of them is saved never before. Batches of one `lane` are saved in the order in which
    they come; behind one that was not, none of its lane is.
    """

    items: Iterable[Item | Reject] = ()  # read once, a part at a time
    progress: Progress | None = None
    lane: str | None = None
    outcome: Outcome | None = None  # told once it is known whether the items were stored
    refused_runs: int = 0  # before this one, in a row, of which all of this answer was refused
    unread: int = 0  # entries that are those of last time, which were all stored or refused


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is to be asked for behind an answer."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """What an answer leads to."""

    requests: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """The same is to be asked for once more, as the answer can not be used."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Nothing came of it, and nothing behind it can be asked for."""

    problem: str
    is_general: bool = False  # whether all else that is asked there would end so


Then = Done | Ask[T] | Again | Broken


def _payload(item: Any) -> dict[str, Any]:
    from itemadapter import ItemAdapter  # imports Scrapy, which readers do without

    # Not by `asdict`, which fails on what is nested too deep.
    fields = ItemAdapter(item) if ItemAdapter.is_item(item) else {"item": item}
    return {name: dict(ItemAdapter(value)) if ItemAdapter.is_item(value) else value for name, value in fields.items()}


def storable(value: Any, depth: int = 0) -> Any:
    """A value to be looked at, as Postgres takes it: what is no text, no JSON or too much of it shows as such; and no
    login of a URL."""
    match value:
        case str():
            value = without_login(value)[:MAX_VALUE].replace("\0", "\ufffd")
            return value.encode("utf-8", "replace").decode("utf-8")
        case dict() | list() | tuple() if depth == MAX_DEPTH:
            return TOO_DEEP
        case dict():
            return {storable(str(key)): storable(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [storable(item, depth + 1) for item in value[:1_000]]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case int() if not isinstance(value, bool) and abs(value) >= 10**MAX_DIGITS:
            return f"{value:#x}"[:MAX_VALUE]
        case None | bool() | int() | float():
            return value
    return storable(str(value))
