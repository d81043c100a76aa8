"""A stream: the part of an API that has its own cursor, and how far a run has read it."""

import hashlib
import re
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from newsbot.batch import Answer, Reject
from newsbot.extraction.paths import path
from newsbot.readers.api.chains import Chain

SAME_ANSWERS = 2  # retries of a page whose answer is the same each time
MAX_TOLD = 300  # characters of an answer in a message
# The parts that differ in each answer: the id of a request, a clock. A short number may show progress.
_PASSING = re.compile(rb"(?<![\w:.+-])(?=[\w:.+-]{8})[A-Za-z_:.+-]*+\d[\w:.+-]*+")

_NEVER = datetime.min.replace(tzinfo=UTC)
_NOTHING = Chain(None, _NEVER)

_T = TypeVar("_T")

_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


class UnreadableError(ValueError):
    """An answer that differs from the declaration; the message says what it is."""


class GarbledError(UnreadableError):
    """An answer in JSON with a fault that cannot be mended."""


class RefusedError(UnreadableError):
    """An answer with a reason for its lack of data; a retry would get the same."""


class RefusedSlice(NamedTuple):
    """A slice that brought nothing."""

    chain: Chain
    problem: str
    body: str | None  # of an unreadable answer; None for an answer that means too many hits


@dataclass(slots=True)
class Tries:
    """The retries of a page whose answers came, but cannot be used."""

    number: int = 0
    digest: bytes | None = None  # of the last answer
    same: int = 0  # answers in a row that equal it

    def again(self, answer: Answer, most: int) -> bool:
        """Whether to retry; less often if the answer is the same each time, except for ids and clocks in it."""
        digest = hashlib.sha256(_PASSING.sub(b"0", answer.body)).digest()
        self.same = self.same + 1 if digest == self.digest else 0
        if self.same == SAME_ANSWERS or self.number >= most:
            return False
        self.digest = digest
        self.number += 1
        return True


@dataclass(slots=True)
class Stream:
    """The part of an API that has its own cursor, and how far it is read."""

    source: str  # its name among the streams of this run
    key: str  # of its cursor
    arguments: Mapping[str, Any]  # those that belong to the cursor's key
    values: Mapping[str, Any]  # of all arguments
    wanted: Mapping[str, Collection[str]] = field(default_factory=dict)  # by argument, the values that should come
    cursor: dict[str, Any] = field(default_factory=dict)
    begin: dict[str, Any] = field(default_factory=dict)  # the cursor at which a first run begins, until it is stored
    chain: Chain = _NOTHING  # the current one
    chains: deque[Chain] = field(default_factory=deque)  # to be read after it
    url: str = ""  # of the last request
    fetched_at: datetime = _NEVER  # the time of the last answer
    tries: Tries = field(default_factory=Tries)  # of the requested page
    incomplete: list[str] = field(default_factory=list)
    refused: list[RefusedSlice] = field(default_factory=list)  # in a row, of the shortest length
    rejects: list[Reject] = field(default_factory=list)  # for the next batch
    count: int = 0  # records so far
    met: set[str] = field(default_factory=set)  # keys of records, if all should come
    remarks: dict[str, None] = field(default_factory=dict)  # in their order
    found: dict[str, set[str]] = field(default_factory=dict)  # by argument, the values that records had
    refused_runs: int = 0  # former runs in a row that refused all of an answer
    withdrawn: int = 0  # records that stand for a withdrawn one


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an API."""

    url: str
    headers: Mapping[str, str]


def expect(data: Any, where: str, kind: type[_T]) -> _T:
    """The value at `where` in an answer, of a kind in `_NAMES`. Raises `UnreadableError` with any other value."""
    found = path(where)(data)
    if isinstance(found, kind):
        return found
    keys = f"; it has {', '.join(map(repr, list(data)[:20]))}" if isinstance(data, dict) else ""
    what = "nothing" if found is None else f"{type(found).__name__} {found!r:.80}"
    raise UnreadableError(f"expected {_NAMES[kind]} at {where!r}, got {what}{keys}")


def said(body: bytes) -> str:
    """The beginning of an answer, for a message."""
    return " ".join(body[: 4 * MAX_TOLD].decode("utf-8", "replace").split())[:MAX_TOLD]
