"""Paths into JSON (JMESPath, https://jmespath.org), and templates with places for values."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_UNIX = re.compile(r"(epoch|ms)([+-]\d+)?")
_FORM = re.compile(r"[^%]*(%[-aAbBcdDeFfGHIjmMpSTuUVwWxXyYzZ%][^%]*)+")
_PLACE = re.compile(r"\{([a-z_]+)(?::([^{}]+))?\}")

ISO = "%Y-%m-%dT%H:%M:%SZ"


class PathError(ValueError):
    """An expression that is not a JMESPath, or whose function gets an unsuitable value."""


@lru_cache(maxsize=1024)
def path(expression: str) -> Callable[[Any], Any]:
    """The function that looks up `expression`; it returns None if nothing is there. Both raise `PathError`.

    Plain names with dots, the most frequent form, are looked up directly: JMESPath takes ten times as long.
    """
    if _NAMES.fullmatch(expression):
        return _direct(expression.split("."))
    import jmespath
    from jmespath.exceptions import JMESPathError
    from jmespath.functions import Functions

    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        raise PathError(f"{expression!r} is not a JMESPath: {str(error).splitlines()[0].rstrip(':')}") from None
    if unknown := set(_called(compiled.parsed)) - set(Functions.FUNCTION_TABLE):
        raise PathError(f"{expression!r} is not a JMESPath: it has no function {min(unknown)}()")

    def search(value: Any) -> Any:
        try:
            return compiled.search(value)
        except (JMESPathError, TypeError) as error:  # its functions do not check all of their arguments
            raise PathError(f"{expression!r} fails: {error!s:.300}") from None

    return search


def holds(expression: str, body: bytes) -> bool:
    """Whether `expression` is true of a body; see `looked_up`."""
    return bool(looked_up(expression, body))


def looked_up(expression: str, body: bytes) -> Any:
    """The value of `expression` in the JSON of a body, or in its text if that is not JSON; None for no value."""
    text = body.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = text
    try:
        return path(expression)(data)
    except PathError:  # made for another kind of body
        return None


def _called(node: Mapping[str, Any]) -> Iterator[str]:
    """The functions that a parsed expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _called(child)


def _direct(names: list[str]) -> Callable[[Any], Any]:
    if len(names) == 1:
        (only,) = names
        return lambda value: value.get(only) if isinstance(value, dict) else None

    def search(value: Any) -> Any:
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return search


def places(template: str) -> set[str]:
    """The names of the places in a template."""
    return {name for name, _ in forms(template)}


def forms(template: str) -> list[tuple[str, str | None]]:
    """The names of the places in a template, each with its form."""
    return [(match[1], match[2]) for match in _PLACE.finditer(template)]


def is_form(text: str) -> bool:
    """Whether this is a form of a time."""
    # Not %s: it would read the time in the machine's zone.
    return text == "days" or _UNIX.fullmatch(text) is not None or _FORM.fullmatch(text) is not None


def fill(template: str, values: Mapping[str, Any], *, in_url: bool = False) -> str | None:
    """The template with its values, percent-encoded for a URL; None if one of them is missing."""
    missing = False

    def put(match: re.Match[str]) -> str:
        nonlocal missing
        value = values.get(match[1])
        if value is None:
            missing = True
            return ""
        text = _formed(value, match[2])
        return quote(text, safe="") if in_url else text

    filled = _PLACE.sub(put, template)
    return None if missing else filled


def _formed(value: Any, form: str | None) -> str:
    if not isinstance(value, datetime):
        return ",".join(value) if isinstance(value, list) else str(value)
    value = value.astimezone(UTC)
    if match := _UNIX.fullmatch(form or ""):
        return str(int(value.timestamp() * (1000 if match[1] == "ms" else 1)) + int(match[2] or 0))
    if form == "days":
        return str(max(1, math.ceil((datetime.now(UTC) - value) / timedelta(days=1))))
    return value.strftime(form or ISO)
