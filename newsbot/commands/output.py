"""Standard output of the commands."""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def printing() -> Iterator[None]:
    """Print in any encoding of the terminal; end silently when the reader closes the pipe, as `head` does."""
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # the rest of the buffer would fail again at the end of the process
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_csv(rows: Iterable[Sequence[Any]], *, mark: bool = False) -> None:
    """Print rows as CSV, the header first; `mark` makes it UTF-8 with a byte order mark."""
    if mark:
        sys.stdout.reconfigure(encoding="utf-8")
    csv.writer(_Lines("\ufeff" if mark else "")).writerows(rows)


class _Lines:
    """Ends each line with a line feed. The writer quotes a carriage return in a value only if lines end with one."""

    def __init__(self, start: str) -> None:
        self._start = start

    def write(self, row: str) -> None:
        sys.stdout.write(self._start + row.removesuffix("\r\n") + "\n")
        self._start = ""
