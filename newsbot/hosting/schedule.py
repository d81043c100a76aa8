"""The schedule file: what runs when. It is read with its lines and checked whole: one error reports every fault.

`python -m newsbot.hosting.schedule` prints the JSON Schema that is published beside this module.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from newsbot.hosting.names import check_kind
from newsbot.sources import yaml_files
from newsbot.sources.document import Where
from newsbot.sources.yaml_files import WRITTEN_SECONDS, FaultyFileError, Text, Timezone, fault, perhaps, seconds

NAME = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
MAX_DURATION = 365 * 86_400  # seconds
MAX_RETRIES = 100
MAX_PRIORITY = 1e9
# The commands that may run in place of a spider, as after `scrapy`: upkeep of the database, harmless when run twice.
COMMANDS = (("db", "prune"), ("db", "size"))

MAX_BYTES = 1 << 20  # some 20,000 entries: taking over more would hold up the server's due fires

_MAX_HINTS = 200  # entries: finding the nearest name of each wrong one takes the square of this
_MAX_CYCLE = 10  # names of one cycle that are shown
_MAX_CRON = 1000  # characters

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L (the last) or LW (the last from Monday to Friday)",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 (0 and 7 are Sunday) or SUN-SAT, with #2 (the second of the month) or L (the last) after a day",
}


class ScheduleError(ValueError):
    """The faults of a schedule file: `faults`, one line of text each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the schedule cannot be read:", *self.faults]))


def _bounded(value: float) -> float:
    if not 0 <= value <= MAX_DURATION:
        raise fault(f"expected 0 to {MAX_DURATION // 86_400}d")
    return value


def _not_zero(value: float | None) -> float | None:
    if value == 0:
        raise fault("expected more than 0; without the key there is no limit")
    return value


def _interval(value: float | None) -> float | None:
    if value is not None and value < 1:
        raise fault("1s is the least")
    return value


def _cron(value: str) -> str:
    """Five fields; replaces a nickname by its fields."""
    value = " ".join(_NICKNAMES.get(value.strip().lower(), value).split())
    if value.startswith("@"):
        raise fault(f"expected five fields or one of {', '.join(_NICKNAMES)}{perhaps(value.lower(), _NICKNAMES)}")
    fields = value.split(" ")
    if len(fields) != len(_FIELDS) or len(value) > _MAX_CRON:
        raise fault(f"expected five fields, {' '.join(_FIELDS)}, as '30 6 * * MON-FRI', or @hourly, @daily and such")
    for place, (name, right) in enumerate(_FIELDS.items()):
        alone = ["*"] * len(_FIELDS)
        alone[place] = fields[place]
        if not _fires(" ".join(alone)):
            raise fault(f"the {name} {fields[place]!r} is wrong; expected {right}, also as *, 1-5, 1,3 or */2")
    if not _fires(value):
        raise fault("this never fires: no such day comes in these months")
    return value


def _fires(cron: str) -> bool:
    try:
        return next(CronSim(cron, datetime(2000, 1, 1)), None) is not None
    except CronSimError:
        return False


def _identifier(value: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value):
        raise fault("expected ASCII letters, digits and _, no digit first")
    return value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise fault("expected a plain value, as 1 or some words; '' is the empty one")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise fault("expected 1 to 64 ASCII letters, digits, '_', '.' and '-', a letter or digit first")
    return value


def _command(value: Any) -> tuple[str, ...]:
    words = tuple(value) if isinstance(value, list) else value
    if words not in COMMANDS and value != ():  # the default
        right = " or ".join(f"[{', '.join(each)}]" for each in COMMANDS)
        raise fault(f"expected {right}")
    return words


def _names(value: Any) -> Any:
    """One name is a list of one."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, tuple) or (isinstance(value, list) and value):
        return value
    raise fault("expected one name or a list of names; without the key it waits for none")


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise fault("expected each name once")
    return names


_COMMAND_SCHEMA = {"enum": [list(words) for words in COMMANDS]}
_DURATION_SCHEMA = {"anyOf": [WRITTEN_SECONDS, {"type": "integer", "minimum": 1}]}
_DURATION_OR_0_SCHEMA = {"anyOf": [WRITTEN_SECONDS, {"type": "integer", "minimum": 0}]}
_NAMES_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}]
}
_TEXTS_SCHEMA = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}

Check = Callable[[str, Mapping[str, str], Mapping[str, str]], None]
Duration = Annotated[float, BeforeValidator(seconds), AfterValidator(_bounded), WithJsonSchema(_DURATION_OR_0_SCHEMA)]
Positive = Annotated[Duration, AfterValidator(_not_zero), WithJsonSchema(_DURATION_SCHEMA)]
Interval = Annotated[Duration, AfterValidator(_interval), WithJsonSchema(_DURATION_SCHEMA)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Texts = Annotated[dict[Identifier, Annotated[str, BeforeValidator(_text)]], WithJsonSchema(_TEXTS_SCHEMA)]


class Entry(BaseModel):
    """A spider with its arguments, or a command, and when it runs: by `cron`, `every` interval, or only `after` others:
    then it fires each time that all of those have finished well anew.
    """

    # The file has durations with units; they are kept as seconds.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [
                {"required": ["cron"]},
                {"required": ["every"]},
                {"required": ["after"], "not": {"anyOf": [{"required": ["cron"]}, {"required": ["every"]}]}},
            ],
            "allOf": [
                {"oneOf": [{"required": ["spider"]}, {"required": ["command"]}]},
                {"not": {"required": ["command", "args"]}},
            ],
        },
    )

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="the entry's own name, once in the file", json_schema_extra={"pattern": f"^{NAME}$"}
    )
    # None beside a command; an explicit none is wrong.
    spider: Text = Field(None, description="the spider to run, one of `scrapy list`")
    args: Texts = Field({}, description="the spider's arguments, as after `scrapy crawl -a`")
    settings: Texts = Field({}, description="settings of this job, as after `scrapy crawl -s`")
    command: Annotated[tuple[str, ...], BeforeValidator(_command), WithJsonSchema(_COMMAND_SCHEMA)] = Field(
        (), description="in place of `spider`: the command to run, `[db, prune]` or `[db, size]`, as after `scrapy`"
    )
    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        None,
        description="when it fires, as in crontab(5): minute, hour, day of month, month, day of week; or `@hourly`,"
        " `@daily`, `@weekly`, `@monthly`, `@yearly`. In quotes where it begins with `*` or `@`",
        json_schema_extra={"pattern": r"^\s*(@[A-Za-z]+|\S+(\s+\S+){4})\s*$"},
    )
    every: Interval | None = Field(
        None, description="fires so often, as `30s`, `5m`, `1h`, `1d` or `1h30m`, counted from 1970-01-01 UTC"
    )
    timezone: Timezone = Field("UTC", description="IANA time zone of `cron`, as `Europe/Berlin`")
    jitter: Duration = Field(
        0.0, description="starts up to so much later, by chance, as `30s`", json_schema_extra={"default": 0}
    )
    after: Annotated[
        tuple[str, ...], BeforeValidator(_names), AfterValidator(_distinct), WithJsonSchema(_NAMES_SCHEMA)
    ] = Field((), description="starts when the entries named here, one or a list, have finished well")
    overlap: Literal["skip", "queue", "replace"] = Field(
        "skip",
        description="what a fire does while a job of this entry waits or runs: `skip` (the default) nothing, `queue`"
        " waits for it, `replace` ends it",
    )
    catch_up: Literal["once", "none"] = Field(
        "once",
        description="fires missed while the server was down: `once` (the default) fires one job for all of them, `none`"
        " fires no job",
    )
    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = Field(
        0, description=f"how often a job that failed is run again: 0 (the default) to {MAX_RETRIES} times"
    )
    backoff: Duration = Field(
        10.0,
        description="wait before the first retry, doubled for each further, as `1m`; `10s` is the default",
        json_schema_extra={"default": "10s"},
    )
    timeout: Positive | None = Field(None, description="a job that runs longer is ended, as `2h`")
    priority: Annotated[float, Field(allow_inf_nan=False, ge=-MAX_PRIORITY, le=MAX_PRIORITY)] = Field(
        0.0, description="of the waiting jobs the one with the highest runs first; may be negative"
    )
    node: Text | None = Field(None, description="name of the only node that may run it; without it any")
    enabled: bool = Field(True, description="`false` keeps the entry but never fires it")

    @field_validator("jitter")
    @classmethod
    def _is_shorter_than_the_interval(cls, jitter: float, info: ValidationInfo) -> float:
        every = info.data.get("every")
        if every is not None and jitter >= every:
            raise fault("expected less than `every`")
        return jitter

    @property
    def work(self) -> str:
        """The spider that it runs, or the words of the command."""
        return self.spider or " ".join(self.command)

    @property
    def has_times(self) -> bool:
        """Whether it fires by the clock; else it only follows others."""
        return self.cron is not None or self.every is not None


_ENTRIES = TypeAdapter(list[Entry])


def schema() -> str:
    """The JSON Schema of a schedule file, as in schedule.schema.json."""
    return json.dumps(_ENTRIES.json_schema() | {"title": "newsbot schedule"}, indent=2) + "\n"


def read(
    file: Path | str,
    spiders: Collection[str] | None = None,
    check: Check | None = None,
) -> list[Entry]:
    """The entries of a schedule file, in its order; an empty list, `[]`, is an empty schedule.

    `spiders` are the existing names; without them any will do. `check` raises ValueError where a spider does not take
    these arguments, with these settings. Raises ScheduleError with all faults.
    """

    def more(data: list[Any]) -> Iterator[tuple[Where, str]]:
        yield from _wrong_rhythms(data)
        yield from _wrong_works(data)
        yield from _unknown_spiders(data, spiders)
        yield from _wrong_settings(data)
        if check is not None:
            yield from _wrong_arguments(data, check)
        yield from _wrong_orders(data)

    try:
        return yaml_files.read(Path(file), _ENTRIES, identity="name", more=more, may_be_empty=True, max_bytes=MAX_BYTES)
    except OSError as error:
        raise ScheduleError([f"{file}: {error.strerror}; expected a schedule file"]) from error
    except FaultyFileError as error:
        raise ScheduleError(error.faults) from error


# Faults across keys or entries are looked for in the data as written, so that no other fault hides them.


def _wrong_rhythms(data: list[Any]) -> Iterator[tuple[Where, str]]:
    for number, entry in enumerate(data):
        if not isinstance(entry, dict):
            continue
        if entry.get("cron") is not None and entry.get("every") is not None:
            yield (number, "every"), "beside cron; expected one of the two"
        elif all(entry.get(key) is None for key in ("cron", "every", "after")):
            yield (number,), "never fires; give cron, every or after"


def _wrong_works(data: list[Any]) -> Iterator[tuple[Where, str]]:
    for number, entry in enumerate(data):
        if not isinstance(entry, dict):
            continue
        if "spider" not in entry and "command" not in entry:
            yield (number, "spider"), "missing; the spider to run, one of `scrapy list`, or a command: [db, prune]"
        elif "spider" in entry and "command" in entry:
            yield (number, "command"), "beside spider; expected one of the two"
        elif "command" in entry and "args" in entry:
            yield (number, "args"), "beside command; arguments are for a spider, `settings` are for both"


def _unknown_spiders(data: list[Any], spiders: Collection[str] | None) -> Iterator[tuple[Where, str]]:
    for number, entry in enumerate(data):
        spider = entry.get("spider") if isinstance(entry, dict) else None
        if spiders is not None and isinstance(spider, str) and spider.strip() not in spiders:
            there = ", ".join(sorted(spiders)) or "none"
            yield (number, "spider"), f"{spider!r}: no such spider{perhaps(spider, spiders)}; there are {there}"


def _wrong_arguments(data: list[Any], check: Check) -> Iterator[tuple[Where, str]]:
    for number, entry in enumerate(data):
        spider = entry.get("spider") if isinstance(entry, dict) else None
        if not isinstance(spider, str):
            continue
        try:
            check(spider.strip(), _texts(entry, "args"), _texts(entry, "settings"))
        except ValueError as error:
            yield (number, "args"), str(error)


def _wrong_settings(data: list[Any]) -> Iterator[tuple[Where, str]]:
    for number, entry in enumerate(data):
        for name, value in _texts(entry, "settings").items() if isinstance(entry, dict) else ():
            try:
                check_kind(name, value)
            except ValueError as error:
                yield (number, "settings", name), str(error)


def _texts(entry: Mapping[str, Any], key: str) -> dict[str, str]:
    """Arguments or settings, without the faulty ones."""
    given = entry.get(key)
    if not isinstance(given, dict):
        return {}
    return {str(name): value for name, value in given.items() if isinstance(value, str)}


def _wrong_orders(data: list[Any]) -> Iterator[tuple[Where, str]]:
    """Unknown names in `after`, and names that lead back to their own entry."""
    numbers: dict[str, int] = {}
    after: dict[str, list[str]] = {}
    for number, entry in enumerate(data):
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), str) and name not in numbers:
            numbers[name] = number
            after[name] = [each for each in _listed(entry.get("after")) if isinstance(each, str)]

    for number, entry in enumerate(data):
        if isinstance(entry, dict):
            written = entry.get("after")
            for place, each in enumerate(_listed(written)):
                if isinstance(each, str) and each not in numbers:
                    hint = perhaps(each, numbers) if len(numbers) <= _MAX_HINTS else ""
                    where = (number, "after", place) if isinstance(written, list) else (number, "after")
                    yield where, f"{each!r}: no entry has this name{hint}"

    off = {entry["name"] for entry in data if _is_off(entry) and isinstance(entry.get("name"), str)}
    for number, entry in enumerate(data):
        if isinstance(entry, dict) and not _is_off(entry):
            for each in _listed(entry.get("after")):
                if isinstance(each, str) and each in off:
                    yield (number, "after"), f"{each!r} is not enabled, so that this would never start"

    for cycle in _cycles(after):
        where = (numbers[cycle[0]], "after")
        if len(cycle) == 1:
            yield where, f"{cycle[0]!r}: it cannot wait for itself"
        else:
            shown = [*cycle, cycle[0]] if len(cycle) <= _MAX_CYCLE else [*cycle[:_MAX_CYCLE], "..."]
            yield where, f"a cycle: {' after '.join(shown)}; none of them would ever start"


def _is_off(entry: Any) -> bool:
    return isinstance(entry, dict) and str(entry.get("enabled")).lower() in ("false", "f", "no", "n", "off", "0")


def _listed(after: Any) -> list[Any]:
    return after if isinstance(after, list) else [] if after is None else [after]


def _cycles(after: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """The names of each cycle, each followed by one that it waits for; the last waits for the first."""
    done: set[str] = set()
    for start in after:
        way = {} if start in done else {start: iter(after[start])}
        while way:
            name = next(reversed(way))
            following = next(way[name], None)
            if following is None:
                done.add(name)
                del way[name]
            elif following in way:
                names = list(way)
                yield names[names.index(following) :]
            elif following in after and following not in done:
                way[following] = iter(after[following])


if __name__ == "__main__":
    print(schema(), end="")
