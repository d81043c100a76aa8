"""The classes that the readers of tables share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Rows of a batch, and their characters or bytes.
BATCH = 1_000
BATCH_SIZE = 4 * 2**20


class UnreadableTableError(ValueError):
    """A file that cannot be read, or not to its end; the message says what it is and what is expected."""


class BadRow(NamedTuple):
    """A refused row, or a refused value in a row."""

    line: int
    """in the file, from 1; in a format without lines, the row"""
    field: str | None
    reason: str
    value: Any
    """the input, for people to look at"""


@dataclass(slots=True)
class Batch:
    """Rows with their lines, and bad rows."""

    rows: list[Sequence[Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)
    """faults of the file that were mended"""
