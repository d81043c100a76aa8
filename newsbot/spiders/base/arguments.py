"""The `-a` arguments of a spider: named, typed, and checked before the first request."""

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from newsbot.sources import api as declared
from newsbot.sources import codes
from newsbot.sources.api import Api, Argument

LONGEST = timedelta(days=36_500)


class Described(NamedTuple):
    """An argument of a spider, for its help."""

    name: str
    meaning: str
    default: str | None = None
    is_required: bool = False


class Known(NamedTuple):
    """An argument of a spider without a declaration: the function that reads it, and its help."""

    read: Callable[[str], Any]
    meaning: str
    default: str | None = None
    is_required: bool = False


class ArgumentError(ValueError):
    """One or more `-a` arguments are wrong; the message names each, and what was expected."""


def read(spider: str, given: Mapping[str, str], known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The value of each known argument; None for one that is not given.

    `known` maps each name to the function that reads its text, which raises ValueError if it cannot. Names that begin
    with an underscore belong to the host (Scrapyd's `_job`) and are skipped. One ArgumentError reports all faults.
    """
    faults = []
    values = dict.fromkeys(known)
    for name, text in given.items():
        if name.startswith("_"):
            continue
        if name not in known:
            near = [] if name in _ONLY else difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
            hint = f"{_ONLY[name]}; {hint}" if name in _ONLY else hint
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
    """Names between commas, without repeats."""
    found = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
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


def moment(text: str) -> datetime:
    """A date or time in ISO 8601; UTC if it has no zone."""
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("expected a date or a time, such as 2024-05-01 or 2024-05-01T12:00Z") from None


def span(text: str) -> timedelta:
    """`30d`: a number of weeks, days, hours, minutes or seconds."""
    match = re.fullmatch(r"(\d{1,6})([wdhms])", text, re.ASCII)
    if not match or not int(match[1]):
        raise ValueError("expected a number with its unit, such as 30d, 12h or 8w")
    units = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    found = timedelta(**{units[match[2]]: int(match[1])})
    if found > LONGEST:
        raise ValueError(f"expected at most {LONGEST.days}d")
    return found


def amount(text: str) -> float:
    """A number above 0."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ValueError("expected a number above 0")
    return found


def language(text: str) -> str:
    """ISO 639-1, in lower case."""
    if not re.fullmatch("[a-z]{2}", text):
        right = "expected a language of two letters (ISO 639-1) in lower case, such as de"
        raise ValueError(right + codes.hint("language", text))
    return text


def country(text: str) -> str:
    """ISO 3166-1 alpha-2, in lower case."""
    if not re.fullmatch("[a-z]{2}", text) or text == "uk":  # not an ISO code, but the one most often taken for one
        right = "expected a country of two letters (ISO 3166-1) in lower case, such as fr"
        raise ValueError(right + codes.hint("country", text))
    return text


_READERS: dict[str, Callable[[str], Any]] = {"language": language, "country": country}
TIMES: dict[str, Callable[[str], Any]] = {"since": moment, "until": moment, "backfill": span, "budget": amount}

# Which APIs take these; others refuse them, since they would do nothing.
_ONLY = {
    "since": "only an API that takes a time, as {since}, has it",
    "until": "only an API that takes a time, as {until}, has it",
    "backfill": "only an API that takes a time, as {since}, and whose cursor is a time has it",
    "budget": "only an API with a declared quota has it",
}


def describe(known: Mapping[str, Known]) -> list[Described]:
    """The arguments of a spider without a declaration, for its help."""
    return [Described(name, *each[1:]) for name, each in known.items()]


def of(api: Api) -> dict[str, Callable[[str], Any]]:
    """The arguments of a spider of this API, each with the function that reads it."""
    known = {name: _reader(name, argument) for name, argument in api.arguments.items()}
    return known | {name: TIMES[name] for name in times(api)}


def described(api: Api) -> list[Described]:
    """The arguments of a spider of this API, for its help."""
    own = [
        Described(name, _meaning(name, argument), argument.default, argument.required)
        for name, argument in api.arguments.items()
    ]
    return own + [Described(name, declared.TIMES[name]) for name in times(api)]


def _meaning(name: str, argument: Argument) -> str:
    parts = [argument.help or declared.TOPIC.get(name, "")]
    if argument.choices:
        parts.append(f"one of {', '.join(f'`{each}`' for each in argument.choices)}")
    if argument.each:
        parts.append("several, separated by commas, are read one by one")
    if argument.join:
        parts.append("several are separated by commas")
    return "; ".join(filter(None, parts))


def _reader(name: str, argument: Argument) -> Callable[[str], Any]:
    if not (argument.each or argument.join or argument.case):
        return _READERS.get(name, str)
    written = getattr(str, argument.case) if argument.case else str

    def read(text: str) -> Any:
        if argument.each:
            return names(written(text))
        return argument.join.join(values_of(argument, written(text))) if argument.join else written(text).strip()

    return read


def values_of(argument: Argument, text: str) -> list[str]:
    """The values of an argument that may hold several."""
    return names(text.replace(argument.join, ",")) if argument.join else [text]


def times(api: Api) -> list[str]:
    """Those of since, until, backfill and budget that this API takes."""
    asked = api.placed
    by_time = api.cursor is not None and api.cursor.by == "time" and "since" in asked
    return [
        name
        for name, there in (
            ("since", "since" in asked),
            ("until", "until" in asked),
            ("backfill", by_time),
            ("budget", api.quota is not None),
        )
        if there
    ]


def complete(spider: str, declared: Mapping[str, Argument], values: dict[str, Any]) -> None:
    """Fill in the defaults. Raises `ArgumentError` for a missing value, or one that is not among the choices."""
    faults = []
    for name, argument in declared.items():
        if values[name] is None and argument.default is not None:
            values[name] = names(argument.default) if argument.each else argument.default
        if values[name] is None:
            if argument.required:
                help_ = f": {argument.help}" if argument.help else ""
                faults.append(f"-a {name}= is missing{help_}")
            continue
        several = values[name] if argument.each else values_of(argument, values[name])
        wrong = [value for value in several if value not in argument.choices]
        if argument.choices and wrong:
            faults.append(f"-a {name}={','.join(map(str, wrong))}: expected one of {', '.join(argument.choices)}")
    if values.get("since") and values.get("until") and values["since"] >= values["until"]:
        faults.append(f"-a since={values['since']:%Y-%m-%d %H:%M}: expected a time before -a until=")
    if values.get("since") and values["since"] > datetime.now(UTC):
        faults.append(f"-a since={values['since']:%Y-%m-%d %H:%M}: expected a time in the past")
    if values.get("backfill") and (values.get("since") or values.get("until")):
        faults.append("-a backfill=: give it without since and until")
    if faults:
        raise ArgumentError(f"{spider}: " + "\n".join(faults))
