"""Unpacks files: inflates gzip and zip while they are read, within limits, and to disk only if a format needs it."""

import gzip
import io
import shutil
import tempfile
import zipfile
import zlib
from typing import BinaryIO, NamedTuple

from newsbot.extraction.tables.table import UnreadableTableError

SMALL = 64 * 2**20  # bytes that may be inflated at any ratio
_BUFFER = 2**20
_OF_XLSX = "[Content_Types].xml"  # in each
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_ENCRYPTED = 0x1
_NO_MEMBER = "Not a gzipped file"  # gzip's message for data behind the last member, which is ignored


class Limits(NamedTuple):
    """How far a file may be inflated."""

    size: int
    """most bytes in all"""
    ratio: float
    """most times its packed size"""


def unpacked(file: BinaryIO, limits: Limits, member: str | None = None) -> tuple[io.BufferedReader, str | None]:
    """The bytes in `file`, and the name of a zip's member. A member's name is never used as a path.

    Raises UnreadableTableError, also while it is read.
    """
    start = file.read(4)
    file.seek(0)
    if start.startswith(_GZIP):
        return _bounded(gzip.GzipFile(fileobj=file, mode="rb"), file, limits), None
    if start.startswith(_ZIP):
        opened = _opened_zip(file)
        info = _member(opened, member)
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableTableError(f"{info.filename!r} in the zip is encrypted")
        try:
            return _bounded(opened.open(info), file, limits), info.filename
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise UnreadableTableError(f"{info.filename!r} in the zip cannot be read: {error}") from error
    return _bounded(file, file, limits), None


def is_itself(file: BinaryIO) -> bool:
    """Whether this is an xlsx or a parquet itself, not packed in a gzip or zip."""
    start = file.read(4)
    found = not start.startswith(_GZIP) and (start != _ZIP or _OF_XLSX in _opened_zip(file).namelist())
    file.seek(0)
    return found


def on_disk(stream: io.BufferedReader) -> BinaryIO:
    """The stream's contents as an unnamed file that can seek, for the caller to close."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    shutil.copyfileobj(stream, file, _BUFFER)
    file.seek(0)
    return file


def check_zip(file: BinaryIO, limits: Limits) -> None:
    """Refuse a zip that would inflate beyond `limits`, by its directory: for a zip that a library reads, as an xlsx."""
    size = sum(info.file_size for info in _opened_zip(file).infolist())
    packed = file.seek(0, io.SEEK_END)
    file.seek(0)
    check(size, packed, limits)


def _opened_zip(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnreadableTableError(f"is not a readable zip, or is cut off: {error}") from error


def _member(opened: zipfile.ZipFile, name: str | None) -> zipfile.ZipInfo:
    files = [info for info in opened.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    found = [info for info in files if name in (None, info.filename)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(info.filename) for info in files[:20]) or "nothing"
    wanted = "one file" if name is None else f"member: {name!r}"
    raise UnreadableTableError(f"the zip holds {names}, expected {wanted}; name one as `member`")


def check(size: int, packed: int, limits: Limits) -> None:
    """Raise UnreadableTableError if `packed` bytes must not inflate to `size`."""
    if size > limits.size:
        raise UnreadableTableError(f"inflates to more than {limits.size} bytes (DATASET_INFLATED_MAX)")
    if size > max(SMALL, packed * limits.ratio):
        raise UnreadableTableError(
            f"inflates to more than {limits.ratio:g} times its size (DATASET_RATIO_MAX), as a bomb does"
        )


class _Inflated(io.RawIOBase):
    """Ends with its reader, while the file below stays open."""

    def __init__(self, stream: BinaryIO, packed: BinaryIO, limits: Limits) -> None:
        self._stream = stream  # read by `read1`, which keeps the data before a fault
        self._packed = packed
        self._limits = limits
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        try:
            data = self._stream.read1(len(buffer))
        except gzip.BadGzipFile as error:
            if not (self._size and str(error).startswith(_NO_MEMBER)):
                raise UnreadableTableError(f"is broken after {self._size} inflated bytes: {error}") from error
            data = b""
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
            raise UnreadableTableError(f"is broken after {self._size} inflated bytes: {error}") from error
        self._size += len(data)
        check(self._size, self._packed.tell(), self._limits)
        buffer[: len(data)] = data
        return len(data)


def _bounded(stream: BinaryIO, packed: BinaryIO, limits: Limits) -> io.BufferedReader:
    return io.BufferedReader(_Inflated(stream, packed, limits), _BUFFER)
