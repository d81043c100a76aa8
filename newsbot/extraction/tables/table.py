"""What the readers of tables have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Rows, and characters or bytes of them, that are passed on together.
BATCH = 1_000
BATCH_SIZE = 4 * 2**20


class UnreadableTableError(ValueError):
    """A file that can not be read, or not to its end; the message says what it is and what would be right."""


class BadRow(NamedTuple):
    """A row, or a value of one, that is refused."""

    line: int
    """in the file, from 1; of formats without lines, the row"""
    field: str | None
    reason: str
    value: Any
    """what was read, to look at"""


@dataclass(slots=True)
class Batch:
    """Rows with their lines, and those that are no rows."""

    rows: list[Sequence[Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)
    """what was wrong with the file and is mended"""
