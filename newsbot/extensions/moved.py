"""Modules that moved, for settings and spiders of users that hold the old paths."""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from warnings import warn

from scrapy.exceptions import ScrapyDeprecationWarning


def moved(old: str, new: str) -> Callable[[str], Any]:
    """The `__getattr__` of the module `old`, which returns the names of `new` and warns."""

    def find(name: str) -> Any:
        found = getattr(import_module(new), name)
        warn(f"{old}.{name} moved: write {new}.{name}", ScrapyDeprecationWarning, stacklevel=2)
        return found

    return find
