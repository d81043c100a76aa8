"""Declarations in which one key is missing or of another type."""

import copy
import functools
import operator
from collections.abc import Iterator
from typing import Any


def changed(data: dict[str, Any]) -> Iterator[tuple[tuple[int | str, ...], dict[str, Any]]]:
    """Each key once missing and once of each other type, with its place."""
    for *above, last in _places(data):
        for value in (None, "", 7, [7], {"a": {}}, "away"):
            one = copy.deepcopy(data)
            inner = functools.reduce(operator.getitem, above, one)
            inner[last] = value
            if value == "away":
                del inner[last]
            yield (*above, last), one


def _places(data: Any, where: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    for step, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*where, step)
        yield from _places(value, (*where, step))
