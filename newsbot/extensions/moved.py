"""Modules that moved: their old paths stand in settings and in spiders of users' own."""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from warnings import warn

from scrapy.exceptions import ScrapyDeprecationWarning


def moved(old: str, new: str) -> Callable[[str], Any]:
    """The `__getattr__` of the module `old`, which gives the names of `new` and warns."""

    def find(name: str) -> Any:
        found = getattr(import_module(new), name)
        warn(f"{old}.{name} moved: write {new}.{name}", ScrapyDeprecationWarning, stacklevel=2)
        return found

    return find
