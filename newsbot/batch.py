"""An answer and its results: items, rejects, the progress to save after them, and the next requests."""

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

# A payload is kept for people, not for another crawl: a longer value is cut.
MAX_VALUE = 10_000
KEPT = 1_000  # rejects kept one by one; the others of a load are counted, by reason

T = TypeVar("T")

MAX_NAME = MAX_KEY  # bytes; a longer URL is named by its beginning and its hash


class Headers(Mapping[str, str]):
    """The headers of an answer. Names ignore case; of several with one name the last counts."""

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
    """A response as a reader takes it."""

    url: str  # after all redirects
    asked: str
    status: int
    headers: Headers
    body: bytes
    fetched_at: datetime  # with a zone
    redirects: tuple[tuple[int, str], ...] = ()  # each status and the URL that sent it, in order
    conditional: bool = False  # whether the request carried validators
    wait: float | None = None  # seconds, by Retry-After

    @property
    def told(self) -> str:
        """The status, and the target of a redirect that was not followed, as to a file."""
        location = self.headers.get("Location")
        return f"HTTP status {self.status}" + (f", leads to {location[:200]!r}" if location else "")


@dataclass(slots=True)
class Reject:
    """One refused item, or one refused value that was left out of an item."""

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
        """The reject of an item, or of one `value` that was left out of it."""
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
        """A hash of the refused value and the reason, so that the same reject has the same id."""
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
    """The name of a feed with this URL: the URL, storable, of at most `MAX_NAME` bytes."""
    if url.isascii() and url.isprintable() and len(url) <= MAX_NAME:
        return url
    name = url.replace("\0", "").encode("utf-8", "replace")
    if len(name) > MAX_NAME:
        digest = hashlib.sha256(name).hexdigest()
        name = name[: MAX_NAME - 80] + f"...#sha256={digest}".encode()
    return name.decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class FeedState:
    """The stored state of a feed before a request."""

    url: str  # the name of the feed: `feed_name`
    etag: str | None = None
    last_modified: str | None = None
    content_hash: str | None = None
    fingerprint: str | None = None  # of the reader and its settings at that time
    status: int | None = None
    problem: str | None = None
    failures: int = 0
    entries: int = 0
    interval: int | None = None
    moved_to: str | None = None
    gone: bool = False  # it answered so often enough
    says_gone: bool = False
    rest: str | None = None  # why it rests, by Retry-After or as it is gone, and until when
    due: bool = True
    full_due: bool = True
    fetched: float | None = None  # Unix seconds
    succeeded: float | None = None  # Unix seconds
    refused_runs: int = 0  # in a row, in which the whole answer was refused


_OF_WHAT_WAS_READ = ("entries", "etag", "last_modified", "content_hash", "is_full", "changed")


@dataclass(slots=True, frozen=True, kw_only=True)
class FeedProgress:
    """The result of a fetch, for the row of the feed. The row keeps fields that are None here, except those of the
    fetch itself."""

    url: str  # the name of the feed: `feed_name`
    source_id: str
    ok: bool = True
    kind: str | None = None
    status: int | None = None
    problem: str | None = None
    entries: int | None = None  # stored entries of the answer
    etag: str | None = None  # kept only with a `content_hash`, as is `last_modified`
    last_modified: str | None = None
    content_hash: str | None = None
    fingerprint: str | None = None  # of the reader and its settings
    interval: int | None = None  # seconds
    due_in: float | None = None  # seconds; default: the interval
    wait: float | None = None  # seconds, by Retry-After
    is_full: bool | None = None  # whether the reader read the whole answer
    changed: bool | None = None
    moved_to: str | None = None
    gone: bool | None = None
    refused_runs: int | None = None  # in a row, in which the whole answer was refused

    @property
    def subject(self) -> tuple[str, str]:
        """The source and the address, as in outcomes."""
        return self.source_id, self.url

    def settled(self, refused: int) -> "FeedProgress":
        """The progress to save after this number of entries was refused."""
        return self if self.entries is None else replace(self, entries=self.entries - refused, refused_runs=0)

    def held_back(self, problem: str, runs: int) -> "FeedProgress":
        """The progress to save if the next run asks for the answer again, after this number of runs."""
        unread: dict[str, Any] = dict.fromkeys(_OF_WHAT_WAS_READ)
        return replace(self, ok=False, problem=problem, refused_runs=runs, **unread)

    def broken(self, refused: int, problem: str, runs: int) -> "FeedProgress":
        """The progress to save if too many runs refused the answer to ask for it again."""
        return replace(self.settled(refused), ok=False, problem=problem, refused_runs=runs)


@dataclass(slots=True, frozen=True, kw_only=True)
class CursorProgress:
    """The cursor at which the next run of a stream continues."""

    key: str
    spider: str
    arguments: Mapping[str, Any]
    source: str
    value: Mapping[str, Any] | None = None  # None: it stays
    refused_runs: int = 0  # in a row, in which a whole answer was refused

    @property
    def subject(self) -> tuple[str, str]:
        """The source and the address, as in outcomes."""
        return self.spider, self.source

    def settled(self, refused: int) -> "CursorProgress | None":
        """The progress to save; None if the cursor stays."""
        return self if self.value else None

    def held_back(self, problem: str, runs: int) -> "CursorProgress":
        """The progress to save if the next run asks for the answer again, after this number of runs."""
        return replace(self, value=None, refused_runs=runs)

    def broken(self, refused: int, problem: str, runs: int) -> "CursorProgress":
        """The progress to save if too many runs refused the answer to ask for it again."""
        return replace(self, refused_runs=runs)


Progress = FeedProgress | CursorProgress


@dataclass(slots=True, frozen=True, kw_only=True)
class Outcome:
    """The outcome of one feed or one stream."""

    source_id: str
    url: str
    ok: bool
    status: str  # in words, for the table at the end


@dataclass(slots=True, kw_only=True, eq=False)
class Batch:
    """Items that pass the stages together, with the rejects of their reader.

    The progress is saved only after the last item. Batches of one `lane` save it in their order; after one that did not
    save it, none of the lane does.
    """

    items: Iterable[Item | Reject] = ()  # read once, a part at a time
    progress: Progress | None = None
    lane: str | None = None
    outcome: Outcome | None = None  # reported once the items are stored or not
    refused_runs: int = 0  # earlier runs in a row that refused the whole answer
    unread: int = 0  # entries unchanged since last time, which were all stored or refused

    @property
    def subject(self) -> tuple[str, str] | None:
        """The source and the address of the outcome that tells of this batch: its own, or that of its stream."""
        if self.outcome is not None:
            return self.outcome.source_id, self.outcome.url
        return self.progress.subject if self.progress is not None else None


@dataclass(frozen=True, slots=True)
class Done:
    """There are no further requests after an answer."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """The next requests after an answer."""

    requests: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """The answer cannot be used: retry the request."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The answer failed, and no further request is possible after it."""

    problem: str
    is_general: bool = False  # whether all other requests to the API would fail in the same way


Then = Done | Ask[T] | Again | Broken


def fault_in_words(error: BaseException) -> str:
    """The status of what a fault of the program ended."""
    return f"{type(error).__name__}: {error}; the log has the traceback"


def _payload(item: Any) -> dict[str, Any]:
    from itemadapter import ItemAdapter  # imports Scrapy, which readers do not need

    # Not by `asdict`, which fails on values that are nested too deep.
    fields = ItemAdapter(item) if ItemAdapter.is_item(item) else {"item": item}
    return {name: dict(ItemAdapter(value)) if ItemAdapter.is_item(value) else value for name, value in fields.items()}


def storable(value: Any, depth: int = 0) -> Any:
    """A value that Postgres can store, for people to read: cut, without logins in URLs, and with text in place of
    values that JSON lacks."""
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
