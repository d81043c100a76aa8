"""Inflates gzip in memory, as the body of an answer: all of its members, within a limit."""

import re
import zlib

_MAGIC = b"\x1f\x8b"
_ZEROS = re.compile(rb"\0*+")
_BLOCK = 65_536
_MAX_MEMBERS = 10_000  # each costs a start; a file packed in blocks has one per 64 KB


class InflateError(ValueError):
    """Gzip that cannot be inflated, or not within the limit; the message says what was found."""


def inflate(raw: bytes, most: int) -> tuple[bytes, bool]:
    """`raw`, inflated if it is gzip, and whether it is complete: False if it was cut off.

    Zeros and other data behind the last member are ignored, as gzip does (by RFC 1952 members follow each other).
    Raises InflateError for more than `most` bytes, and if nothing can be inflated.
    """
    if not raw.startswith(_MAGIC):
        _check(len(raw), most)
        return raw, True
    parts: list[bytes] = []
    size = at = members = 0
    while raw.startswith(_MAGIC, at):
        members += 1
        if members > _MAX_MEMBERS:
            raise InflateError(f"gzip of more than {_MAX_MEMBERS} members")
        inflater = zlib.decompressobj(wbits=31)
        while at < len(raw) and not inflater.eof:
            block = raw[at : at + _BLOCK]
            try:
                part = inflater.decompress(block, most + 1 - size)
            except zlib.error as error:
                if not size:
                    raise InflateError(f"gzip that cannot be inflated ({error})") from error
                return b"".join(parts), False
            parts.append(part)
            size += len(part)
            _check(size, most)
            at += len(block) - len(inflater.unused_data)
        if not inflater.eof:
            return b"".join(parts), False
        at = _ZEROS.match(raw, at).end()
    return b"".join(parts), True


def _check(size: int, most: int) -> None:
    if size > most:
        raise InflateError(f"more than {most} bytes")
