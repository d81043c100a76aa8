"""Checks a YAML file, a list of entries or one declaration, whole by pydantic: one error reports every fault."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from newsbot.logins import without_login
from newsbot.sources.document import MAX_BYTES, Document, UnreadableError, Where

MAX_SHOWN = 80  # characters of a value in a message

# A word, a colon and later an @; or a key that names a secret.
_MAY_BE_LOGIN = re.compile(r":[^@]*@|(?i:passw|secret|token)[a-z_-]*['\"]?\s*[:=]")

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(\d{{1,9}}(?:\.\d{{1,6}})?){unit})?" for unit in _UNITS), re.ASCII)
WRITTEN_SECONDS = {
    "type": "string",
    "pattern": r"^(?=\d)(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?$",
}
"""The JSON Schema of what `seconds` reads."""

# The expectation by pydantic's type of error; the names in braces come from its context.
_EXPECTED = {
    "string_type": "expected a text",
    "string_too_short": "expected a text that is not empty",
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "expected a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "expected a number"),
    "finite_number": "expected a finite number",
    **dict.fromkeys(("bool_parsing", "bool_type"), "expected true or false"),
    "greater_than_equal": "expected {ge:.12g} or more",
    "less_than_equal": "expected {le:.12g} or less",
    "literal_error": "expected {expected}",
    **dict.fromkeys(
        ("model_type", "model_attributes_type", "dict_type", "dataclass_type"),
        "expected a mapping, `key: value` on each line",
    ),
    **dict.fromkeys(("list_type", "tuple_type"), "expected a list, each element on its own line after a hyphen"),
}

CheckedT = TypeVar("CheckedT")


class FaultyFileError(ValueError):
    """The faults of a file: `faults`, one line of text each, in the order of the file's lines."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def read(
    file: Path,
    entries: TypeAdapter[list[CheckedT]],
    *,
    identity: str,
    more: Callable[[list[Any]], Iterable[tuple[Where, str]]] = lambda _: (),
    may_be_empty: bool = False,
    max_bytes: int = MAX_BYTES,
) -> list[CheckedT]:
    """The entries of `file`.

    `identity` is the key that names an entry, each once; `more` yields the faults, with their places, that show only in
    the whole list as written. Raises OSError and FaultyFileError.
    """
    document = _document(file, max_bytes)
    data = document.data
    if not isinstance(data, list) or not (data or may_be_empty):
        expected = f"expected a list of entries, each beginning with `- {identity}: `"
        raise FaultyFileError([f"{file}:1: {'not a list' if data else 'empty'}; {expected}"])
    found = (*_repeated(data, identity), *more(data))
    return _checked(file, document, entries, found, partial(_place_of_entry, data, identity))


def read_one(
    file: Path,
    declaration: TypeAdapter[CheckedT],
    *,
    more: Callable[[dict[str, Any]], Iterable[tuple[Where, str]]] = lambda _: (),
) -> CheckedT:
    """The declaration in `file`: one mapping; `more` yields the faults that show only in the whole of it.

    Raises OSError and FaultyFileError.
    """
    document = _document(file)
    data = document.data
    if not isinstance(data, dict):
        state = "not a mapping" if data else "empty"
        raise FaultyFileError([f"{file}:1: {state}; expected a mapping, `key: value` on each line"])
    return _checked(file, document, declaration, more(data), _steps)


def _document(file: Path, max_bytes: int = MAX_BYTES) -> Document:
    try:
        return Document(file, max_bytes)
    except UnreadableError as error:
        raise FaultyFileError([f"{file}:{error.line}: {error}"]) from error


def _checked(
    file: Path,
    document: Document,
    model: TypeAdapter[CheckedT],
    found: Iterable[tuple[Where, str]],
    place: Callable[[Where], str],
) -> CheckedT:
    """The document as `model` reads it; `found` are the faults that are known already."""
    checked, wrong = validated(document.data, model)
    faults = [(line, where, "appears twice; expected once") for where, line in document.repeated]
    faults += [(document.line(where), where, message) for where, message in (*found, *wrong)]
    if faults:
        known = _known(model.json_schema())
        if not any(key in known for each in _mappings(document.data) for key in each):
            # Another file, named by mistake or to see its contents: the error must not show them.
            raise FaultyFileError([f"{file}:1: none of its keys is known; the keys are {', '.join(known)}"])
        faults.sort(key=lambda fault: fault[0])
        raise FaultyFileError([f"{file}:{line}: {_line_of(place(where), message)}" for line, where, message in faults])
    return checked


def _mappings(data: Any) -> list[dict[str, Any]]:
    return [each for each in (data if isinstance(data, list) else [data]) if isinstance(each, dict)]


def _known(schema: dict[str, Any]) -> list[str]:
    """The keys of a declaration, or of each entry."""
    return [key for part in _parts(schema, schema.get("items", schema), {}) for key in part["properties"]]


def validated(data: Any, model: TypeAdapter[CheckedT]) -> tuple[CheckedT | None, list[tuple[Where, str]]]:
    """Either the data as `model` reads it, or its faults with their places."""
    try:
        return model.validate_python(data), []
    except ValidationError as error:
        schema = _schema(model)
        faults = []
        for detail in error.errors(include_url=False):
            where = _written(data, detail)
            faults.append((where, _message(detail, where, _keys(schema, data, where))))
        return None, faults


@cache
def _schema(model: TypeAdapter[Any]) -> dict[str, Any]:
    return model.json_schema()


def fault_line(where: Where, message: str) -> str:
    """A fault of a declaration, in a line."""
    return _line_of(_steps(where), message)


def _line_of(place: str, message: str) -> str:
    return without_login(f"{place}: {message}" if place else message)


def fault(message: str, kind: Literal["wrong", "absent"] = "wrong") -> PydanticCustomError:
    """The error for a validator to raise: its message names the expected value, or, with `absent`, the whole fault."""
    # A brace would begin a placeholder.
    return PydanticCustomError(kind, "{message}", {"message": message})


def perhaps(value: str, known: Iterable[str]) -> str:
    """A hint at the nearest of `known`, or nothing."""
    near = get_close_matches(value, known, n=1)
    return f"; perhaps {near[0]!r}" if near else ""


def seconds(value: Any) -> Any:
    """The seconds of a text such as 1h30m, for a BeforeValidator; a number was read before."""
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII)):
        return value
    parts = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not value or not parts:
        if isinstance(value, str) and re.fullmatch(r"\d+\.?\d*", value, re.ASCII):
            raise fault(f"its unit is missing; expected {value}s, {value}m, {value}h or {value}d")
        raise fault("expected a number with its unit, as 30s, 5m, 1h, 1d or 1h30m; without a unit it is in seconds")
    return sum(float(number or 0) * unit for number, unit in zip(parts.groups(), _UNITS.values(), strict=True))


def _timezone(value: str) -> str:
    # ZoneInfo would also take paths such as 'Europe' or 'zone.tab', and fail in its own ways.
    if value not in _timezones():
        raise fault(_wrong_timezone(value))
    return value


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache  # one wrong zone may stand in thousands of entries, and the search takes milliseconds
def _wrong_timezone(value: str) -> str:
    return f"expected an IANA time zone, as 'Europe/Berlin'{perhaps(value, sorted(_timezones()))}"


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Timezone = Annotated[str, AfterValidator(_timezone)]


def _repeated(data: list[Any], identity: str) -> Iterator[tuple[Where, str]]:
    first: dict[str, int] = {}
    for number, entry in enumerate(data, 1):
        name = entry.get(identity) if isinstance(entry, dict) else None
        if isinstance(name, str) and first.setdefault(name, number) != number:
            message = f"{name!r} is also the {identity} of entry {first[name]}; each needs its own"
            yield (number - 1, identity), message


def _written(data: Any, detail: ErrorDetails) -> Where:
    """The place of a fault in the data: without pydantic's own steps, such as the member of a union.

    Such a step may have the name of an existing key, as `token` has; then the input that pydantic got there decides.
    """
    *inner, last = detail["loc"] or ("",)  # a fault of the whole has no steps
    is_missing = detail["type"] == "missing"
    ways: list[tuple[Where, Any]] = [((), data)]
    for step in inner:
        ways = [
            each
            for where, at in ways
            for each in ([((*where, step), at[step])] if _has(at, step) else []) + [(where, at)]
        ]

    def fits(at: Any) -> bool:
        return detail["input"] is (at if is_missing else at[last] if _has(at, last) else ways)

    where, at = next((way for way in ways if fits(way[1])), ways[0])
    return (*where, last) if is_missing or detail["type"] == "absent" or _has(at, last) else where


def _has(data: Any, step: int | str) -> bool:
    return step in data if isinstance(data, dict) else isinstance(data, list) and isinstance(step, int)


def _keys(schema: dict[str, Any], data: Any, where: Where) -> dict[str, str | None]:
    """The keys that the mapping around a place may have, with their meanings."""
    parts = _parts(schema, schema, data)
    for step in where[:-1]:
        data = data[step]
        below = [
            part.get("items") if isinstance(step, int) else part["properties"].get(step, part["additionalProperties"])
            for part in parts
        ]
        parts = [each for part in below if isinstance(part, dict) for each in _parts(schema, part, data)]
    return {key: each.get("description") for part in parts for key, each in part["properties"].items()}


def _parts(schema: dict[str, Any], part: dict[str, Any], data: Any) -> list[dict[str, Any]]:
    """The parts of a JSON Schema that apply to `data`: references resolved, one element for each choice that fits."""
    if "$ref" in part:
        return _parts(schema, schema["$defs"][part["$ref"].rpartition("/")[2]], data)
    choices = part.get("anyOf") or part.get("oneOf") or ()
    if choices and "properties" not in part:
        return [each for choice in choices for each in _parts(schema, choice, data)]
    part = {"properties": {}, "additionalProperties": None} | part
    given = data if isinstance(data, dict) else {}
    tags = {key: each["const"] for key, each in part["properties"].items() if "const" in each}
    return [part] if all(given.get(key, tag) == tag for key, tag in tags.items()) else []


def _message(detail: ErrorDetails, where: Where, keys: Mapping[str, str | None]) -> str:
    """The value at a place, and the expected one."""
    key = str(where[-1]) if where else ""
    match detail["type"]:
        case "missing":
            return f"missing; {keys[key]}"
        case "absent":
            return detail["msg"]
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"unknown key{perhaps(key, keys)}; the keys are {', '.join(keys)}"
        case "union_tag_not_found":
            return f"the key {detail['ctx']['discriminator']} is missing, which names the kind"
        case "union_tag_invalid":
            context = detail["ctx"]
            return f"{context['tag']!r} as {context['discriminator']}: expected one of {context['expected_tags']}"
    expected = _EXPECTED.get(detail["type"], "{msg}").format(**detail.get("ctx", {}), msg=detail["msg"])
    if detail["type"] == "string_type" and isinstance(detail["input"], int | float):
        expected += "; put it in quotes"
    return f"{_shown(detail['input'])}: {expected}"


def _shown(value: Any) -> str:
    """The value as written, unless it may have a login: values other than a URL hide logins in too many forms."""
    text = without_login(repr(value))
    if _MAY_BE_LOGIN.search(text):
        return "a value that may have a login, and is not shown"
    return _cut(text)


def _place_of_entry(data: list[Any], identity: str, where: Where) -> str:
    """A place in an entry: `entry 3 (bbc): feeds[0]`."""
    number, *steps = where
    entry = data[int(number)]
    name = f" ({_line(entry[identity])})" if isinstance(entry, dict) and entry.get(identity) else ""
    return ": ".join(filter(None, (f"entry {int(number) + 1}{name}", _steps(tuple(steps)))))


def _steps(where: Where) -> str:
    """`columns.votes.type`, `key[0]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_line(step)}" for step in where).removeprefix(".")


def _line(value: Any) -> str:
    """The value as written, in one line."""
    return _cut(" ".join(str(value).split()))


def _cut(text: str) -> str:
    text = without_login(text)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
