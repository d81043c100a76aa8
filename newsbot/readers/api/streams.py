"""What a run knows of one thing that it asks an API for, and what is declared of the API."""

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

SAME_ANSWERS = 2  # times that a page is asked for again where the answer is the same each time
MAX_TOLD = 300  # characters of what an answer says
# What is another one in each answer: the id of a request, a clock. A short number may be how far something has come.
_PASSING = re.compile(rb"(?<![\w:.+-])(?=[\w:.+-]{8})[A-Za-z_:.+-]*+\d[\w:.+-]*+")

_NEVER = datetime.min.replace(tzinfo=UTC)
_NOTHING = Chain(None, _NEVER)

_T = TypeVar("_T")

_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


class UnreadableError(ValueError):
    """An answer that is not what the API is said to give; the message says what it is."""


class GarbledError(UnreadableError):
    """An answer that is JSON but for a fault that can not be passed over."""


class RefusedError(UnreadableError):
    """An answer that says why there is nothing, and would say so again."""


class RefusedSlice(NamedTuple):
    """A slice of which nothing came."""

    chain: Chain
    problem: str
    body: str | None  # of an answer that can not be read; None for one that says that there are too many hits


@dataclass(slots=True)
class Tries:
    """How often a page was asked for again that came, but can not be used."""

    number: int = 0
    digest: bytes | None = None  # of the last answer
    same: int = 0  # answers in a row that were as that one

    def again(self, answer: Answer, most: int) -> bool:
        """Whether to ask once more; fewer times where the answer is the same each time, ids and clocks in it aside."""
        digest = hashlib.sha256(_PASSING.sub(b"0", answer.body)).digest()
        self.same = self.same + 1 if digest == self.digest else 0
        if self.same == SAME_ANSWERS or self.number >= most:
            return False
        self.digest = digest
        self.number += 1
        return True


@dataclass(slots=True)
class Stream:
    """One thing that is asked for, and how far it is read."""

    source: str  # what tells it from the others of this run
    key: str  # of its cursor
    arguments: Mapping[str, Any]  # those that make the cursor another one
    values: Mapping[str, Any]  # of all arguments
    wanted: Mapping[str, Collection[str]] = field(default_factory=dict)  # of an argument, the values that should come
    cursor: dict[str, Any] = field(default_factory=dict)
    begin: dict[str, Any] = field(default_factory=dict)  # the cursor where a first run begins, until it is stored
    chain: Chain = _NOTHING  # that is read now
    chains: deque[Chain] = field(default_factory=deque)  # still to be read, behind it
    url: str = ""  # that was asked for last
    fetched_at: datetime = _NEVER  # when the last answer came
    tries: Tries = field(default_factory=Tries)  # of the page that is asked for
    incomplete: list[str] = field(default_factory=list)
    refused: list[RefusedSlice] = field(default_factory=list)  # in a row, as short as they may be
    rejects: list[Reject] = field(default_factory=list)  # that go with the next batch
    count: int = 0  # records so far
    met: set[str] = field(default_factory=set)  # keys of records, where all should come
    remarks: dict[str, None] = field(default_factory=dict)  # in their order
    found: dict[str, set[str]] = field(default_factory=dict)  # of an argument, the values that records had
    refused_runs: int = 0  # before this one, in a row, of which all of an answer was refused
    withdrawn: int = 0  # records that stand for one that was taken back


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be asked."""

    url: str
    headers: Mapping[str, str]


def expect(data: Any, where: str, kind: type[_T]) -> _T:
    """What is at `where` in an answer, of a kind of `_NAMES`. Raises `UnreadableError` with what is there."""
    found = path(where)(data)
    if isinstance(found, kind):
        return found
    keys = f"; it has {', '.join(map(repr, list(data)[:20]))}" if isinstance(data, dict) else ""
    what = "nothing" if found is None else f"{type(found).__name__} {found!r:.80}"
    raise UnreadableError(f"there should be {_NAMES[kind]} at {where!r}, and there is {what}{keys}")


def said(body: bytes) -> str:
    """The beginning of an answer, for a message."""
    return " ".join(body[: 4 * MAX_TOLD].decode("utf-8", "replace").split())[:MAX_TOLD]
