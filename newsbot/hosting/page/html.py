"""HTML from templates with `str.format` syntax, in which all values are escaped."""

import string
import unicodedata
from collections.abc import Iterable
from html import escape
from typing import Any


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def html(template: str, /, **values: Any) -> Html:
    """Fill in the template. None is nothing, an iterable its parts one after the other."""
    return Html(_FORMATTER.vformat(template, (), values))


def joined(parts: Iterable[Any]) -> Html:
    """The parts one after the other, escaped where they are not HTML."""
    return Html("".join(map(_html, parts)))


def visible(text: str) -> str:
    """The text with visible signs for control characters, and for those that change the writing direction."""
    return text if text.isascii() and text.isprintable() else text.translate(_SIGNS)


def _html(value: Any) -> str:
    if isinstance(value, Html):
        return value
    if value is None:
        return ""
    if isinstance(value, str):
        return escape(visible(value))
    if isinstance(value, Iterable):
        return joined(value)
    return escape(str(value))


class _Formatter(string.Formatter):
    def format_field(self, value: Any, spec: str) -> str:
        return escape(format(value, spec)) if spec else _html(value)


_FORMATTER = _Formatter()
_DIRECTIONS = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SIGNS = (
    {code: 0xFFFD for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc"}
    | {code: 0x2400 + code for code in range(0x20)}
    | {0x7F: 0x2421}
    | dict.fromkeys([*_DIRECTIONS, 0x2028, 0x2029, *range(0xD800, 0xE000)], 0xFFFD)
    | {ord("\n"): "\n", ord("\t"): "\t"}
)
