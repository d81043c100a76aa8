"""The `-a` arguments of a spider: named, typed, and checked before the first request."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any


class ArgumentError(ValueError):
    """One or more `-a` arguments are wrong; the message says which, and what would be right."""


def read(spider: str, given: Mapping[str, str], known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The value of each known argument; None for one that is not given.

    `known` gives for each name the function that reads its text and raises ValueError where it can not. Names that
    begin with an underscore are the host's (Scrapyd's `_job`) and passed over. All faults are told at once, in one
    ArgumentError.
    """
    faults = []
    values = dict.fromkeys(known)
    for name, text in given.items():
        if name.startswith("_"):
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it knows: {', '.join(sorted(known))}"
            faults.append(f"-a {name}={text}: {spider} has no argument {name!r}; {hint}")
            continue
        try:
            values[name] = known[name](text)
        except ValueError as error:
            faults.append(f"-a {name}={text}: {error}")
    if faults:
        raise ArgumentError("\n".join(faults))
    return values


def names(text: str) -> list[str]:
    """Names separated by commas."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise ValueError("expected one name or several, separated by commas")
    return found


def shard(text: str) -> tuple[int, int]:
    """`i/n`: part i, counted from 0, of n parts."""
    part, separator, parts = text.partition("/")
    if not (separator and part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise ValueError("expected i/n with i from 0 to n-1, such as 0/4")
    return int(part), int(parts)


def switch(text: str) -> bool:
    """`1` or `0`."""
    if text not in ("0", "1"):
        raise ValueError("expected 1 or 0")
    return text == "1"
