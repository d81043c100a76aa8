"""What can be stored, whichever way it comes: the characters of a text, what JSON has, how long a field may be."""

import html
import re
import unicodedata
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

# The limits of fields. What is longer is cut, and refused where a part of it would be another thing: a URL, a key.
MAX_TITLE = 1_000  # characters
MAX_SUMMARY = 10_000
MAX_TEASER = 2_000  # of a summary in a feed or on a page, where a whole body may stand in for it
MAX_TEXT = 1_000_000
MAX_NAME = 500  # of an author, a keyword, a section
MAX_NAMES = 100  # authors or keywords of one article
MAX_URL = 2_000  # bytes; what browsers and the database's indexes still take
MAX_KEY = 2_000  # bytes of what a thing is known by, as an id, an origin, the name of a series or of a dataset
MAX_JSON = 2**24  # characters of a record, or of what an origin tells of an article
MAX_DEPTH = 200  # levels of lists and objects
MAX_DIGITS = 4_000  # of a whole number; Python reads 4,300

TOO_DEEP = "is nested too deep"
_CONTROLS = r"\x00-\x1f\x7f"  # in no key: a NUL in one would fail the look-up of a whole batch
CONTROLS = re.compile(f"[{_CONTROLS}]")
KEY = f"^[^{_CONTROLS}]+$"

# Control characters but tab, line breaks and U+0085, lone surrogates, the mark of byte order, noncharacters; and of the
# planes above the first, whose noncharacters would slow the search each, whatever may be one.
_DOUBTFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff\U0001fffe-\U0010ffff]"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_LARGEST = 10**MAX_DIGITS
_EXACT = 2**53  # up to here a float has each whole number

Refuse = Callable[[str, str, Any], None]
"""Takes what is left out of a value: the place in it, the reason, and what stood there."""


def text(given: str) -> str:
    """The text as it is stored: without what Postgres can not keep or nobody can see, in NFC."""
    if not given.isprintable():  # which all that is left out is not
        given = _DOUBTFUL.sub(_kept, given)
    return given if given.isascii() else unicodedata.normalize("NFC", given)


def whole(given: str) -> str:
    """The text without lone surrogates, which JSON can spell and no encoding has; all else as it is."""
    return given if given.isprintable() else given.encode("utf-8", "ignore").decode("utf-8")


def resolved(given: str) -> str:
    """A text of markup with its character references resolved; one that is plain would lose what it says of them."""
    return html.unescape(given) if "&" in given and _ENTITY.search(given) else given


def key(given: str) -> str:
    """A record's key as it is stored, where `is_key` says so."""
    return text(given).strip()


def is_key(given: str) -> bool:
    """Whether something can be known by this: one line of `MAX_KEY` bytes at most."""
    return bool(given) and not CONTROLS.search(given) and is_within(given, MAX_KEY)


def is_within(given: str, limit: int) -> bool:
    """Whether a text has so many bytes at most."""
    return len(given) * 4 <= limit or len(given.encode("utf-8", "replace")) <= limit


def number(given: float) -> int | float:
    """The one spelling of a finite number: 2.0 is 2, and -0.0 is 0."""
    return int(given) if -_EXACT <= given <= _EXACT and given == int(given) else given


def as_json(given: Any, refuse: Refuse, place: str, depth: int = 0) -> Any:
    """What JSON and Postgres can keep of a value. What they can not is None there, and goes to `refuse`."""
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
            refuse(place, f"{given} is no number that JSON has", str(given))
            return None
        case dict() if depth < MAX_DEPTH:
            return {
                text(str(name)): as_json(inner, refuse, f"{place}.{name}", depth + 1) for name, inner in given.items()
            }
        case list() | tuple() | set() if depth < MAX_DEPTH:
            return [as_json(inner, refuse, place, depth + 1) for inner in given]
        case dict() | list() | tuple() | set():
            refuse(place, TOO_DEEP, None)  # nor could it be kept to be looked at
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
    """What stays of a character that may be none."""
    code = ord(found[0])
    return found[0] if code > 0xFFFF and code & 0xFFFE != 0xFFFE else ""
