"""Turns the values of files and APIs into typed ones."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from newsbot import values
from newsbot.extraction import periods
from newsbot.extraction.dates import NO_HINTS, Hints, parse_date

_TRUE = {"true", "t", "yes", "y", "1", "on"}
_FALSE = {"false", "f", "no", "n", "0", "off"}
_INTEGER = re.compile(r"[+-]?\d{1,40}")
_LONG = re.compile(r"[+-]?\d{16,40}")  # of which a float has not all digits
_BLANKS = re.compile("[ \u00a0\u2009\u202f]")
_GROUPED = {",": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"), ".": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")}
_MAX_MS = 1e11  # a larger number is in milliseconds: as seconds it would be the year 5138


class ValueTypeError(ValueError):
    """A value is not of its declared type."""


class SpecialValueError(ValueTypeError):
    """A value is not of its declared type, for a reason that the message adds."""


def moment(value: Any, zone: str | None = None, hints: Hints = NO_HINTS) -> datetime | None:
    """The time that a value names: text in any notation of `parse_date`, a period, or Unix seconds or milliseconds.

    Its zone is the text's, else `zone`, else UTC. None for None and an empty text. Raises `ValueTypeError`.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MAX_MS else value, UTC)
        except (OverflowError, ValueError, OSError):
            raise ValueTypeError(f"{value!r} is not a time") from None
    found = _parsed(value, hints) if isinstance(value, str) else None
    if found is None:
        raise ValueTypeError(f"{value!r} is not a time")
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone) if zone else UTC)


@lru_cache(maxsize=4096)
def _parsed(text: str, hints: Hints) -> datetime | None:
    # The standard library reads ISO 8601, with its fraction of a second.
    try:
        if len(text) >= 19 and text[4] == "-":
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    if found := periods.begin(text):
        return found
    iso = parse_date(text, hints)
    return datetime.fromisoformat(iso) if iso else None


def number(value: Any, decimal: str = ".") -> float | None:
    """A number, or the number in a text; None for None and an empty text; NaN stays. Raises `ValueTypeError`."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueTypeError(f"{value!r} is not a number")
    try:
        if isinstance(value, int | float):
            return float(value)
        text = plain(value, decimal)
        if "_" not in text:  # a mark that is Python's own
            return float(text)
    except (ValueError, TypeError, OverflowError):
        pass
    raise ValueTypeError(f"{value!r} is not a number")


def plain(text: str, decimal: str) -> str:
    """A number's text with a decimal point and without the marks between thousands.

    Raises `ValueTypeError` for a mark in another place: 1,5 is not 15.
    """
    text = _BLANKS.sub("", text)
    if (decimal == "," and "." in text) or (decimal == "." and "," in text):
        mark = "." if decimal == "," else ","
        if not _GROUPED[mark].fullmatch(text):
            raise ValueTypeError(f"{text!r} has a {mark!r} that is not between thousands")
        text = text.replace(mark, "")
    return text.replace(",", ".")


def of_json(value: Any) -> Any:
    """A value in the one spelling that is stored. Raises `ValueTypeError` if JSON cannot express it."""
    return values.as_json(value, _refuse, "")


def _refuse(place: str, reason: str, value: Any) -> None:
    raise SpecialValueError(reason) if reason == values.TOO_DEEP else ValueTypeError(reason)


def _written(value: Any) -> Any:
    """An integer of up to eight digits as text: 20170423 and 2017 are a date and a year, not Unix seconds."""
    return str(value) if type(value) is int and 0 < value < 10**8 else value


def converter(kind: str, decimal: str = ".", hints: Hints = NO_HINTS) -> Callable[[Any], Any]:
    """The function that converts a value to the JSON value of a type, and an empty text to None; `hints` are for dates.

    It raises `ValueTypeError`. Integers may have any size; dates and times become ISO 8601, times in UTC.
    """

    def text(value: Any) -> Any:
        if value is None or isinstance(value, str):
            return (values.text(value) or None) if value else None
        found = of_json(value)
        return json.dumps(found) if isinstance(found, dict | list | bool) else str(value)

    def integer(value: Any) -> Any:
        if value is None or value == "":
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return of_json(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        digits = plain(value, decimal) if isinstance(value, str) else ""
        if _INTEGER.fullmatch(digits):
            return int(digits)
        raise ValueTypeError(f"{value!r} is not an integer")

    def finite(value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return of_json(value)
        if isinstance(value, str) and _LONG.fullmatch(value.strip()):
            return int(value)
        found = number(value, decimal)
        if found is not None and not math.isfinite(found):
            raise ValueTypeError(f"{value!r} is not a number that JSON has")
        return None if found is None else values.number(found)

    def boolean(value: Any) -> Any:
        if value is None or value == "" or isinstance(value, bool):
            return None if value == "" else value
        word = str(value).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise ValueTypeError(f"{value!r} is neither true nor false")

    def date(value: Any) -> Any:
        found = moment(_written(value), hints=hints)
        return found and found.date().isoformat()

    def time(value: Any) -> Any:
        found = moment(_written(value), hints=hints)
        try:
            return found and found.astimezone(UTC).isoformat()
        except OverflowError:  # the first or last day of the calendar, in another zone
            raise ValueTypeError(f"{value!r} is not a time") from None

    def as_json(value: Any) -> Any:
        if not isinstance(value, str):
            return of_json(value)
        try:
            return of_json(json.loads(value)) if value else None
        except RecursionError:
            raise SpecialValueError(values.TOO_DEEP) from None
        except ValueError:
            raise ValueTypeError(f"{value[:80]!r} is not valid JSON") from None

    kinds = {
        "text": text,
        "integer": integer,
        "number": finite,
        "boolean": boolean,
        "date": date,
        "time": time,
        "json": as_json,
    }
    return kinds[kind]
