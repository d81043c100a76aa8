"""Logs of jobs, of any size."""

import errno
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LAST = 16 << 10  # bytes that are searched for the reason of an end
_TRACEBACK = "Traceback (most recent call last)"
# As LOG_FORMAT of Scrapy has it: time, name, level, message.
_RECORD = re.compile(r"\S+ \S+ \[[^\]]*\] (?P<level>[A-Z]+): (?P<message>.*)")
ROOM = 64 << 10  # bytes that must be free for a job's log as it starts
KEPT = 1 << 20  # bytes of a log that is cut


def opened(file: str) -> int:
    """The descriptor of a log with room for a job's first lines. Raises OSError without that room."""
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    size = os.fstat(log).st_size
    try:
        if os.write(log, bytes(ROOM)) < ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file)
    except OSError as error:
        os.close(log)
        raise OSError(error.errno, f"there is no room for its log: {error.strerror}", file) from None
    finally:
        os.truncate(file, size)
    return log


def is_full(file: str | Path | None) -> bool:
    """Whether the folder of a log has no room left."""
    try:
        return file is not None and shutil.disk_usage(Path(file).parent).free < ROOM
    except OSError:
        return False


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
    """The text from byte `start` on, at most its last `size` bytes; only whole lines until the log has `ended`.

    Starts again at the beginning of a log that has become shorter. Raises OSError.
    """
    with Path(file).open("rb") as log:
        end = log.seek(0, os.SEEK_END)
        if start > end:
            start = 0
        first = log.seek(max(start, end - size))
        text = log.read(end - first)
    if first > start:  # in the middle of a line
        rest = text.partition(b"\n")[2] or text
        first, text = first + len(text) - len(rest), rest
    whole = text.rfind(b"\n") + 1
    if not ended and (whole or len(text) < size):  # it does not wait for the end of a line of that length
        text = text[:whole]
    return Piece(text, first, first + len(text))


def last_lines(file: str | Path | None) -> list[str]:
    """The last lines that are not empty, with their indents, each of at most 300 characters; none without a log.

    Leaves out Python's words when it tidies up after the program's end.
    """
    if file is None:
        return []
    try:
        text = tail(file, LAST).decode(errors="replace")
    except OSError:
        return []
    text = text.partition("\nException ignored in")[0]
    return [line.rstrip()[:300] for line in text.split("\n") if line.strip()]


def last_error(lines: Sequence[str]) -> str | None:
    """The last error among these lines of a log: a record of that level, or the exception at a traceback's end."""
    found, in_traceback = None, False
    for line in lines:
        record = _RECORD.match(line)
        if record:
            in_traceback = False
            if record["level"] in ("ERROR", "CRITICAL"):
                found = record["message"]
        elif line.startswith(_TRACEBACK):
            in_traceback = True
        elif (in_traceback and not line[0].isspace()) or line.startswith("Fatal Python error"):
            found, in_traceback = line, False
    return found


def last_words(lines: Sequence[str]) -> str | None:
    """The last line that a program printed after its log, as it does for wrong arguments."""
    last = lines[-1] if lines else ""
    if not last or last[0].isspace() or last.startswith(("{", _TRACEBACK)) or _RECORD.match(last):
        return None
    return last


def cut(file: str | Path, limit: int) -> bool:
    """Cut a log larger than `limit` to its last `KEPT` bytes, with a line that says so; returns whether it was cut.

    Writers go on: logs are opened to append. Bytes written at that moment may be lost.
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
