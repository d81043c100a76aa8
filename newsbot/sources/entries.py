"""A YAML file that is a list of entries, checked whole by a pydantic model: one error tells every fault."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from newsbot.sources.document import Document, UnreadableError, Where

MAX_SHOWN = 80  # characters of a value in a message

EntryT = TypeVar("EntryT")


class FaultyFileError(ValueError):
    """What is wrong with a file: `faults`, one line of text each, in the order of the file's lines."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def read(
    file: Path,
    entries: TypeAdapter[list[EntryT]],
    *,
    identity: str,
    keys: Callable[[Where], Mapping[str, FieldInfo]],
    more: Callable[[list[Any]], Iterable[tuple[Where, str]]] = lambda _: (),
    may_be_empty: bool = False,
) -> list[EntryT]:
    """The entries of `file`.

    `identity` is the key that names an entry, each once; `keys` gives what is known of the keys around a place, and
    `more` the faults, with their place, that show only in the whole list as it was written.
    Raises OSError and FaultyFileError.
    """
    try:
        document = Document(file)
    except UnreadableError as error:
        raise FaultyFileError([f"{file}:{error.line}: {error}"]) from error
    data = document.data
    if not isinstance(data, list) or not (data or may_be_empty):
        right = f"a list of entries is right, each beginning with `- {identity}: `"
        raise FaultyFileError([f"{file}:1: {'no list' if data else 'empty'}; {right}"])

    faults = [(line, where, "stands twice; once is right") for where, line in document.repeated]
    faults += [(document.line(where), where, message) for where, message in (*_repeated(data, identity), *more(data))]
    try:
        checked = entries.validate_python(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False):
            where = tuple(step for step in detail["loc"] if step != "[key]")  # pydantic's mark of a key that is wrong
            faults.append((document.line(where), where, _message(detail, keys(where))))
    if faults:
        faults.sort(key=lambda fault: fault[0])
        raise FaultyFileError(
            [f"{file}:{line}: {_place(data, where, identity)}: {message}" for line, where, message in faults]
        )
    return checked


def fault(message: str, kind: Literal["wrong", "absent"] = "wrong") -> PydanticCustomError:
    """What a validator raises: it tells what is right of a value, or, `absent`, all there is to say."""
    # A brace would begin a placeholder.
    return PydanticCustomError(kind, "{message}", {"message": message})


def perhaps(value: str, known: Iterable[str]) -> str:
    """A hint at what of `known` was meant, or nothing."""
    near = get_close_matches(value, known, n=1)
    return f"; perhaps {near[0]!r}" if near else ""


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
    return f"an IANA time zone is right, as 'Europe/Berlin'{perhaps(value, sorted(_timezones()))}"


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Timezone = Annotated[str, AfterValidator(_timezone)]


def _repeated(data: list[Any], identity: str) -> Iterator[tuple[Where, str]]:
    first: dict[str, int] = {}
    for number, entry in enumerate(data, 1):
        name = entry.get(identity) if isinstance(entry, dict) else None
        if isinstance(name, str) and first.setdefault(name, number) != number:
            message = f"{name!r} is also the {identity} of entry {first[name]}; each needs its own"
            yield (number - 1, identity), message


def _message(detail: ErrorDetails, keys: Mapping[str, FieldInfo]) -> str:
    """What was found at a place, and what would be right."""
    key = str(detail["loc"][-1])
    match detail["type"]:
        case "missing":
            return f"missing; {keys[key].description}"
        case "absent":
            return detail["msg"]
        case "extra_forbidden":
            return f"unknown key{perhaps(key, keys)}; the keys are {', '.join(keys)}"
        case "model_type" | "dict_type":
            right = "a mapping is right, `key: value` on a line each"
        case "list_type":
            right = "a list is right, each element on a line of its own after a hyphen"
        case _:
            right = detail["msg"]
    return f"{_cut(repr(detail['input']))}: {right}"


def _place(data: list[Any], where: Where, identity: str) -> str:
    """A place as people say it: `entry 3 (bbc): feeds[0]`."""
    number, *steps = where
    entry = data[int(number)]
    name = f" ({_line(entry[identity])})" if isinstance(entry, dict) and entry.get(identity) else ""
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{_line(step)}" for step in steps)
    return f"entry {int(number) + 1}{name}" + (f": {key[1:]}" if key else "")


def _line(value: Any) -> str:
    """What was written, as part of one line."""
    return _cut(" ".join(str(value).split()))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
