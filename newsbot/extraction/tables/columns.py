"""Turns a column of values into JSON, many at a time: by C code of the standard library, where all are plain."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from newsbot import values as stored
from newsbot.extraction.conversions import SpecialValueError, ValueTypeError, converter, of_json
from newsbot.extraction.dates import Hints

NULL = "null"
_SLASHES = "/／"
_KNOWN = 10_000  # values of a column whose JSON is kept
# Values as JSON writes them, one per line: with so few digits that a float holds them all; an integer may have more.
_NUMBERS = re.compile(r"(?:(?:-?(?:0|[1-9][0-9]{0,7})(?:\.[0-9]{1,7})?)?\n)*+")
_INTEGERS = re.compile(r"(?:(?:0|-?[1-9][0-9]{0,38})?\n)*+")


class BadValue(NamedTuple):
    """A value that is not of the column's type."""

    row: int
    """in the list of values, from 0"""
    reason: str
    value: Any


Encoder = Callable[[Sequence[Any]], tuple[list[str], list[BadValue]]]
"""Returns the JSON of each value, `null` for an empty or a bad one, and the bad values."""


def encoder(kind: str | None, decimal: str = ".", day_first: bool | None = None) -> Encoder:
    """The encoder of a type of `values.converter`; None keeps values as they come.

    `day_first` is the order of dates with slashes; without it, a date that is valid either way is refused.
    """
    return _Encoder(kind, decimal, day_first).encode


class _Encoder:
    def __init__(self, kind: str | None, decimal: str, day_first: bool | None) -> None:
        self._convert = converter(kind, decimal, Hints(day_first=day_first)) if kind else _as_it_comes
        if kind in ("date", "time") and day_first is None:
            self._convert = _in_one_order(kind)
        self._wrong = f"is not of type {kind}" if kind else "is not a value of JSON"
        self._decimal = decimal
        self._fast = {"text": _texts, "number": self._numbers, "integer": self._integers}.get(kind)
        self._known: dict[str, str] = {}

    def encode(self, values: Sequence[Any]) -> tuple[list[str], list[BadValue]]:
        if self._fast:
            try:
                found = self._fast(values)
            except (TypeError, ValueError):  # one of them is not plain
                found = None
            if found is not None:
                return found, []
        return self._one_by_one(values)

    def _one_by_one(self, values: Sequence[Any]) -> tuple[list[str], list[BadValue]]:
        found, bad, known = [], [], self._known
        for row, value in enumerate(values):
            text = known.get(value) if type(value) is str else None
            if text is None:
                try:
                    text = json.dumps(of_json(self._convert(value)), ensure_ascii=False, allow_nan=False)
                except SpecialValueError as error:
                    bad.append(BadValue(row, str(error), value))
                    text = NULL
                except ValueError:
                    bad.append(BadValue(row, self._wrong, value))
                    text = NULL
                else:
                    if type(value) is str and len(known) < _KNOWN:
                        known[value] = text
            found.append(text)
        return found, bad

    def _numbers(self, values: Sequence[str]) -> list[str] | None:
        text = "\n".join(values)
        if self._decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        found = _as_written(text, _NUMBERS, len(values))
        return found and [number if number[-1] != "0" else _without_zeros(number) for number in found]

    def _integers(self, values: Sequence[str]) -> list[str] | None:
        return _as_written("\n".join(values), _INTEGERS, len(values))


def _as_written(text: str, pattern: re.Pattern[str], count: int) -> list[str] | None:
    if not pattern.fullmatch(text + "\n"):
        return None
    found = text.split("\n")
    if len(found) != count:
        return None
    return [value or NULL for value in found] if "" in found else found


def _without_zeros(number: str) -> str:
    """A number that ends in a zero as `values.number` spells it: 1.50 as 1.5, and -0.0 as 0."""
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return "0" if number == "-0" else number


def _texts(values: Sequence[str]) -> list[str] | None:
    joined = "".join(values)
    if stored.text(joined) != joined:
        values = list(map(stored.text, values))
    found = list(map(encode_basestring, values))
    return [NULL if text == '""' else text for text in found] if '""' in found else found


def _in_one_order(kind: str) -> Callable[[Any], Any]:
    """The converter of dates in an undeclared order: it refuses a date with slashes that is valid either way."""
    as_usual, day_first, month_first = (converter(kind, hints=Hints(day_first=order)) for order in (None, True, False))

    def convert(value: Any) -> Any:
        found = as_usual(value)
        if isinstance(value, str) and any(slash in value for slash in _SLASHES):
            orders = set()
            for order in (day_first, month_first):
                with suppress(ValueTypeError):  # the numbers have one order only
                    orders.add(order(value))
            if len(orders) > 1:
                raise SpecialValueError("may be day/month or month/day; say which as `day_first`")
        return found

    return convert


def _as_it_comes(value: Any) -> Any:
    return None if value == "" else value
