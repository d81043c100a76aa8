"""Standard output of the commands."""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def printing() -> Iterator[None]:
    """Print whatever the terminal's encoding is, and end in silence when the reader has enough, as `head` has."""
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # what is left in the buffer would fail once more at the end of the process
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_csv(rows: Iterable[Sequence[Any]], *, mark: bool = False) -> None:
    """Print rows as CSV, the header first; with `mark` as UTF-8 with a byte order mark."""
    if mark:
        sys.stdout.reconfigure(encoding="utf-8")
    csv.writer(_Lines("\ufeff" if mark else "")).writerows(rows)


class _Lines:
    """Ends lines plainly. The writer quotes a carriage return in a value only where its own lines end with one."""

    def __init__(self, start: str) -> None:
        self._start = start

    def write(self, row: str) -> None:
        sys.stdout.write(self._start + row.removesuffix("\r\n") + "\n")
        self._start = ""
