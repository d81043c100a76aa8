"""Modules that moved, for settings and spiders of users that hold the old paths."""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from warnings import warn

from scrapy.exceptions import ScrapyDeprecationWarning


def moved(old: str, new: str, **renamed: str) -> Callable[[str], Any]:
    """The `__getattr__` of the module `old`, which returns the names of `new` and warns. `renamed` has new names."""

    def find(name: str) -> Any:
        now = renamed.get(name, name)
        found = getattr(import_module(new), now)
        warn(f"{old}.{name} moved: write {new}.{now}", ScrapyDeprecationWarning, stacklevel=2)
        return found

    return find
