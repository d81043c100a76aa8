"""Reads the one file in a zip archive as a stream: writes nothing, and inflates nothing beyond limits."""

import io
import zipfile
import zlib
from collections.abc import Iterator

BLOCK = 256 * 1024  # bytes that are inflated at once: they are still in the processor's cache when they are split
LONGEST = 8 * 1024 * 1024  # bytes of a line


class ZipError(ValueError):
    """An archive that cannot or should not be read; the message says why."""


def lines(archive: bytes, most: int) -> Iterator[bytes]:
    """The lines of the archive's only file, of `most` bytes at most, without their ends; its checksum holds once all
    are read. Raises `ZipError`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, opened.open(_only(opened)) as member:
            inflated, rest = 0, b""
            while block := member.read(BLOCK):
                inflated += len(block)
                if inflated > most:
                    raise ZipError(f"the file in it has more than {most:,} bytes")
                *whole, rest = (rest + block).split(b"\n")
                if len(rest) > LONGEST:
                    raise ZipError(f"a line of the file in it has more than {LONGEST:,} bytes")
                yield from whole
            if rest:
                yield rest
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ZipError(f"is not a readable zip: {error or type(error).__name__}") from None


def _only(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    if len(names) != 1:
        raise ZipError(f"expected one file in it, got {len(names)}: {', '.join(names)[:200]}")
    if "/" in names[0] or "\\" in names[0] or names[0] in ("", ".", ".."):
        raise ZipError(f"expected a file without a folder in it, got {names[0][:200]!r}")
    return names[0]
