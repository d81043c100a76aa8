"""The one file in a zip archive, in memory: nothing is written anywhere, and nothing is inflated beyond bounds."""

import io
import zipfile
import zlib


class ZipError(ValueError):
    """An archive that can not be read, or should not be; the message says why."""


def only_member(archive: bytes, most: int) -> bytes:
    """The content of the archive's only file, of `most` bytes at most, its checksum held. Raises `ZipError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            names = opened.namelist()
            if len(names) != 1:
                raise ZipError(f"there should be one file in it, and there are {len(names)}: {', '.join(names)[:200]}")
            name = names[0]
            if "/" in name or "\\" in name or name in ("", ".", ".."):
                raise ZipError(f"the file in it should be named without a folder, not {name[:200]!r}")
            with opened.open(name) as member:
                content = member.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ZipError(f"is no zip that can be read: {error or type(error).__name__}") from None
    if len(content) > most:
        raise ZipError(f"the file in it has more than {most:,} bytes")
    return content
