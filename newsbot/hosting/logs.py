"""Logs of jobs, which may be of any size."""

import os
from pathlib import Path
from typing import NamedTuple

LAST = 16 << 10  # bytes in which the reason of an end is looked for
KEPT = 1 << 20  # bytes of a log that is cut


def tail(file: str | Path, size: int) -> bytes:
    """The last `size` bytes, from the beginning of a line on. Raises OSError."""
    with Path(file).open("rb") as log:
        end = log.seek(0, os.SEEK_END)
        log.seek(max(0, end - size))
        text = log.read(size)
    return text if end <= size else text.partition(b"\n")[2] or text


class Piece(NamedTuple):
    """A part of a log, and the bytes between which it lies."""

    text: bytes
    start: int
    end: int


def since(file: str | Path, start: int, size: int, *, ended: bool) -> Piece:
    """What came from byte `start` on, at most the last `size` bytes of it; only whole lines until the log has `ended`.

    From the beginning of a log that has become shorter than that. Raises OSError.
    """
    with Path(file).open("rb") as log:
        end = log.seek(0, os.SEEK_END)
        if start > end:
            start = 0
        first = log.seek(max(start, end - size))
        text = log.read(end - first)
    if first > start:  # in the midst of a line
        rest = text.partition(b"\n")[2] or text
        first, text = first + len(text) - len(rest), rest
    whole = text.rfind(b"\n") + 1
    if not ended and (whole or len(text) < size):  # a line of that length is not waited for
        text = text[:whole]
    return Piece(text, first, first + len(text))


def last_lines(file: str | Path | None) -> list[str]:
    """The last lines that are not empty, each shortened to 300 characters; none where there is no log.

    What Python says when it tidies up after the program's end is left out.
    """
    if file is None:
        return []
    try:
        text = tail(file, LAST).decode(errors="replace")
    except OSError:
        return []
    text = text.partition("\nException ignored in")[0]
    return [line.strip()[:300] for line in text.split("\n") if line.strip()]


def cut(file: str | Path, limit: int) -> bool:
    """Leave the last `KEPT` bytes of a log that is larger than `limit`, with a line that says so; whether it was.

    Whoever writes to it goes on: logs are opened to append. What is written in the very moment may be lost.
    """
    try:
        size = os.path.getsize(file)
        if size <= limit:
            return False
        rest = tail(file, KEPT)
        with Path(file).open("ab") as log:
            os.truncate(file, 0)
            log.write(f"[newsbot: the log was cut here, as it passed {limit} bytes]\n".encode() + rest)
    except OSError:  # not there yet, or no longer
        return False
    return True
