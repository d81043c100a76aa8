"""Storable values, from any source: the characters of a text, the values of JSON, the limits of fields."""

import html
import re
import unicodedata
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

# The limits of fields. A longer value is cut; a URL or a key, of which a part means something else, is refused.
MAX_TITLE = 1_000  # characters
MAX_SUMMARY = 10_000
MAX_TEASER = 2_000  # of a summary in a feed or on a page, which may hold a whole body instead
MAX_TEXT = 1_000_000
MAX_NAME = 500  # of an author, a keyword, a section
MAX_NAMES = 100  # authors or keywords of one article
MAX_URL = 2_000  # bytes; browsers and the database's indexes take that
MAX_KEY = 2_000  # bytes of a key, such as an id, an origin, the name of a series or of a dataset
MAX_JSON = 2**24  # characters of a record, or of the `extra` of an article
MAX_DEPTH = 200  # levels of lists and objects
MAX_DIGITS = 4_000  # of a whole number; Python reads 4,300

TOO_DEEP = "is nested too deep"
_CONTROLS = r"\x00-\x1f\x7f"  # not allowed in keys: a NUL in one would fail the look-up of a whole batch
CONTROLS = re.compile(f"[{_CONTROLS}]")
KEY = f"^[^{_CONTROLS}]+$"

# Control characters except tab, line breaks and U+0085, lone surrogates, the byte order mark, noncharacters; and all of
# the planes above the first, as listing each of their noncharacters would slow the search.
_DOUBTFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff\U0001fffe-\U0010ffff]"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_LARGEST = 10**MAX_DIGITS
_EXACT = 2**53  # up to here a float holds every whole number

Refuse = Callable[[str, str, Any], None]
"""Takes a part that is left out of a value: its place, the reason, and the part."""


def text(given: str) -> str:
    """The text as stored: in NFC, without characters that Postgres cannot store or nobody can see."""
    if not given.isprintable():  # all left-out characters are not printable
        given = _DOUBTFUL.sub(_kept, given)
    return given if given.isascii() else unicodedata.normalize("NFC", given)


def whole(given: str) -> str:
    """The text without lone surrogates, which JSON can spell but no encoding has."""
    return given if given.isprintable() else given.encode("utf-8", "ignore").decode("utf-8")


def resolved(given: str) -> str:
    """A text of markup with its character references resolved. Not for plain text, where they stand for themselves."""
    return html.unescape(given) if "&" in given and _ENTITY.search(given) else given


def key(given: str) -> str:
    """A record's key as stored, if `is_key` accepts it."""
    return text(given).strip()


def is_key(given: str) -> bool:
    """Whether a text can be a key: one line of at most `MAX_KEY` bytes."""
    return bool(given) and not CONTROLS.search(given) and is_within(given, MAX_KEY)


def is_within(given: str, limit: int) -> bool:
    """Whether a text has at most `limit` bytes."""
    return len(given) * 4 <= limit or len(given.encode("utf-8", "replace")) <= limit


def number(given: float) -> int | float:
    """The one spelling of a finite number: 2.0 is 2, and -0.0 is 0."""
    return int(given) if -_EXACT <= given <= _EXACT and given == int(given) else given


def as_json(given: Any, refuse: Refuse, place: str, depth: int = 0) -> Any:
    """The parts of a value that JSON and Postgres can store. Each other part becomes None and goes to `refuse`."""
    match given:
        case str():
            return text(given)
        case None | bool():
            return given
        case int():
            if -_LARGEST < given < _LARGEST:
                return given
            refuse(place, f"a number of more than {MAX_DIGITS} digits is too large", f"{given:#x}"[:MAX_NAME])
            return None
        case float():
            if given - given == 0:
                return number(given)
            refuse(place, f"{given} is not a number that JSON has", str(given))
            return None
        case dict() if depth < MAX_DEPTH:
            return {
                text(str(name)): as_json(inner, refuse, f"{place}.{name}", depth + 1) for name, inner in given.items()
            }
        case list() | tuple() | set() if depth < MAX_DEPTH:
            return [as_json(inner, refuse, place, depth + 1) for inner in given]
        case dict() | list() | tuple() | set():
            refuse(place, TOO_DEEP, None)  # the rejects could not store it either
            return None
        case Decimal():
            is_whole = given.is_finite() and given == given.to_integral_value()
            return as_json(int(given) if is_whole else float(given), refuse, place, depth)
        case date() | time():
            return given.isoformat()
        case timedelta():
            return number(given.total_seconds())
        case bytes():
            return text(given.decode("utf-8", "replace"))
    return text(str(given))


def _kept(found: re.Match[str]) -> str:
    """The character, or nothing for a noncharacter."""
    code = ord(found[0])
    return found[0] if code > 0xFFFF and code & 0xFFFE != 0xFFFE else ""
