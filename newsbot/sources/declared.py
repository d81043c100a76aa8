"""Reads an API that is declared in a YAML file, with its lines, and checks it whole: one error reports every fault.

`python -m newsbot.sources.declared` prints the JSON Schema in api.schema.json;
`python -m newsbot.sources.declared keys` prints the tables of docs/own-api.md.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, WithJsonSchema

from newsbot.extraction.paths import PathError, forms, is_form, path
from newsbot.items import Article
from newsbot.logins import has_login, without_login
from newsbot.sources import api as facts
from newsbot.sources import check, yaml_files
from newsbot.sources.api import EXTRA, SECRET, Api, Key
from newsbot.sources.document import Where
from newsbot.sources.yaml_files import WRITTEN_SECONDS, FaultyFileError, Timezone, fault, perhaps, seconds

LONGEST = 100 * 365 * 86_400  # seconds

_NAME = "[a-z0-9][a-z0-9_-]{0,63}"
_PERIOD = r"second|minute|hour|day|month|\d{1,9}(\.\d{1,6})?s|[1-9]\d{0,3}m|[1-9]\d{0,2}[hd]"
_HEADER = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # RFC 9110, section 5.6.2
_SECRET_HEADER = re.compile(r"(?i)(?:^|[-_])(?:authorization|auth|cookie|(?:api)?key|token|secret|password)$")
SECRET_PARAM = re.compile(r"(?i)^(?:api[-_]?key|access[-_]?token|(?:client[-_]?)?secret|password)$")
_TIMES = ("since", "until")
_RESERVED = (*_TIMES, "cursor", "backfill", "budget", "config")
_KINDS = ("article", "observation", "record")
_NEEDED = {"url": "where a record has the address of the article", "title": "where a record has its headline"}
# The declaration itself gives source, origin and rank.
ARTICLE_FIELDS = tuple(
    field.name for field in dataclasses.fields(Article) if field.name not in ("source_id", "origin", "rank", "extra")
)


_CURSOR = {field.name: field.default for field in dataclasses.fields(facts.Cursor)}

# The headings of the tables, by the class.
_TITLES = {
    "Key": "`key`",
    "Argument": "Each of `arguments`",
    "NumberedPages": "`pages` with `by: number`",
    "OffsetPages": "`pages` with `by: offset`",
    "TokenPages": "`pages` with `by: token`",
    "LinkedPages": "`pages` with `by: link`",
    "Slices": "`slices`",
    "Cursor": "`cursor`",
    "Quota": "`quota`",
    "Limit": "Each of `quota.limits`",
    "ObservationFields": "`observation`",
    "RecordFields": "`record`",
    "Column": "Each of `record.columns`",
}


class DeclarationError(ValueError):
    """The faults of a declaration: `faults`, one line of text each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the declaration cannot be used:", *self.faults]))


# --- Checks of single values, run by pydantic -------------------------------------------------------------------------


def _name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise fault("expected 1 to 64 lower-case ASCII letters, digits, '-' and '_', as 'my-api'")
    return value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise fault("expected a plain value, as 1 or some words; '' is the empty one")
    return value


def _address(value: str) -> str:
    """A URL, with or without places."""
    expected = "expected a URL without user, password and fragment; name a secret under `key`"
    if has_login(value):
        raise fault(f"'{without_login(value)}' with a login: {expected}", "absent")
    check.checked_url(re.sub(r"\{[^{}]*\}", "x", value))
    if urlsplit(value).fragment:
        raise fault(expected)
    return value


def _header(value: str) -> str:
    if not re.fullmatch(_HEADER, value):
        raise fault("expected the name of a header, as X-Api-Key")
    return value


def _variable(value: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value):
        raise fault(
            "expected the name of an environment variable, as EXAMPLE_API_KEY; put the secret itself there", "absent"
        )
    return value


def _key(value: object) -> object:
    """A text may be the secret itself, so the error does not show it."""
    if not isinstance(value, Key | dict | None):
        expected = "expected {variable: NAME, header: X-Api-Key}, of an environment variable NAME that has the secret"
        raise fault(expected, "absent")
    return value


def _path(value: str) -> str:
    try:
        path(value)
    except PathError as error:
        raise fault(f"{error}; expected a path into the JSON, as data.items (https://jmespath.org)") from None
    return value


def _period(value: str) -> str:
    if not re.fullmatch(_PERIOD, value, re.ASCII) or not float(value[:-1] if value[0].isdigit() else 1):
        words = ("second", "minute", "hour", "day", "month")
        expected = f"expected {', '.join(words)} or a number with its unit as 5s, 15m, 12h or 7d"
        raise fault(expected + perhaps(value, words))
    return value


def _duration(least: int) -> Any:
    """The type of a number of seconds."""

    def bounded(value: float) -> float:
        if not least <= value <= LONGEST:
            raise fault(f"expected from {least}s to {LONGEST // 86_400}d")
        return value

    schema = {"anyOf": [WRITTEN_SECONDS, {"type": "number", "minimum": least}]}
    return Annotated[float, BeforeValidator(seconds), AfterValidator(bounded), WithJsonSchema(schema)]


KINDS: dict[str, Any] = {
    "name": Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME}$"})],
    "text": Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})],
    "url": check.Url,
    "address": Annotated[str, AfterValidator(_address), Field(json_schema_extra={"pattern": "^https?://"})],
    "header": Annotated[str, AfterValidator(_header), Field(json_schema_extra={"pattern": f"^{_HEADER}$"})],
    "key": Annotated[Key | None, BeforeValidator(_key)],
    "variable": Annotated[str, AfterValidator(_variable), Field(json_schema_extra={"pattern": "^[A-Za-z_]\\w*$"})],
    "path": Annotated[str, AfterValidator(_path)],
    "fields": Annotated[
        dict[str, Annotated[str, AfterValidator(_path)]],
        Field(
            json_schema_extra={
                "propertyNames": {"anyOf": [{"enum": list(ARTICLE_FIELDS)}, {"pattern": "^" + re.escape(EXTRA) + "."}]},
                "required": list(_NEEDED),
            }
        ),
    ],
    "period": Annotated[str, AfterValidator(_period), Field(json_schema_extra={"pattern": f"^({_PERIOD})$"})],
    "language": check.Language,
    "timezone": Timezone,
    "count": Annotated[int, Field(ge=1)],
    "seconds": _duration(0),
    "span": _duration(1),
    "amount": Annotated[float, Field(ge=0, allow_inf_nan=False)],
}
"""The types that `Checked` marks in the declarations."""

_API = TypeAdapter(Api)


# --- Reading ----------------------------------------------------------------------------------------------------------


def read(config: str) -> Api:
    """The declaration in a file, or the shipped one of that name.

    Raises DeclarationError with all faults.
    """
    file = Path(config)
    try:
        if re.fullmatch(_NAME, config):
            with resources.as_file(_shipped(config)) as file:
                return yaml_files.read_one(file, _API, more=_in_a_file)
        return yaml_files.read_one(file, _API, more=_in_a_file)
    except OSError as error:
        names = ", ".join(shipped())
        message = f"{config}: {error.strerror}; expected a YAML file, or the name of a shipped one: {names}"
        raise DeclarationError([message]) from error
    except FaultyFileError as error:
        raise DeclarationError(error.faults) from error


def shipped() -> list[str]:
    """The names of the shipped declarations."""
    return sorted(file.name.removesuffix(".yaml") for file in _folder().iterdir() if file.name.endswith(".yaml"))


def _folder() -> Any:
    return resources.files("newsbot.sources") / "apis"


def _shipped(name: str) -> Any:
    if name not in shipped():
        expected = f"expected one of {', '.join(shipped())}, or a path"
        raise DeclarationError([f"{name}: no declaration has this name{perhaps(name, shipped())}; {expected}"])
    return _folder() / f"{name}.yaml"


def faults(api: Api) -> list[str]:
    """The faults of a declaration in Python, where the spider's own methods may use arguments."""
    data = json.loads(json.dumps(dataclasses.asdict(api)))
    _, wrong = yaml_files.validated(data, _API)
    return [yaml_files.fault_line(where, message) for where, message in (*_across(data), *wrong)]


# --- Checks across keys, in the data as written, so that no other fault hides these -----------------------------------


def _across(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    yield from _wrong_kind(data)
    yield from _wrong_key(data)
    yield from _wrong_headers(data)
    yield from _wrong_params(data)
    yield from _wrong_arguments(data)
    yield from _wrong_places(data)
    yield from _wrong_pages(data)
    yield from _wrong_slices(data)
    yield from _wrong_cursor(data)
    yield from _wrong_least(data)
    yield from _wrong_article(data)
    yield from _wrong_columns(data)


def _in_a_file(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    yield from _across(data)
    yield from _unused_arguments(data)


def _inner(data: Mapping[str, Any], *steps: str) -> Mapping[str, Any]:
    """The mapping at a place; an empty one where there is none."""
    for step in steps:
        found = data.get(step)
        data = found if isinstance(found, dict) else {}
    return data


def _wrong_kind(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    given = [kind for kind in _KINDS if data.get(kind) is not None]
    if not given:
        yield (), "makes nothing of a record; expected article, observation or record"
    for kind in given[1:]:
        yield (kind,), f"beside {given[0]}; expected one of {', '.join(_KINDS)}"


def _wrong_key(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    key = _inner(data, "key")
    if not key:
        return
    if (key.get("header") is None) == (key.get("query") is None):
        beside = "query: beside header" if key.get("header") is not None else "no place for it"
        yield ("key",), f"{beside}; expected one of the two, header where the API takes it"
    if key.get("prefix") and key.get("header") is None:
        yield ("key", "prefix"), "only a header has one"


def _wrong_headers(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """A secret belongs into the environment: a file or an argument would keep and show it."""
    headers = _inner(data, "headers")
    address = data.get("url")
    has_secret = _inner(data, "key") or any(SECRET.fullmatch(str(value)) for value in headers.values())
    if has_secret and isinstance(address, str) and forms(address.partition("//")[2].partition("/")[0]):
        yield ("url",), f"{address!r}: with a key, expected a host without places: no other host gets the key"
    for name, value in headers.items():
        if not isinstance(value, str) or SECRET.fullmatch(value):
            continue
        if "env:" in value:
            yield ("headers", name), "expected env:NAME for a secret, with the name of an environment variable"
        elif _SECRET_HEADER.search(str(name)):
            yield ("headers", name), "its value is a secret: expected env:NAME of an environment variable NAME with it"


def _wrong_params(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """A secret among the params would be in each URL, and `env:NAME` would go out literally."""
    expected = "expected a secret of the query as key: {variable: NAME, query: %s}, with the environment variable NAME"
    for name, value in _inner(data, "params").items():
        literal = isinstance(value, str) and not forms(value)
        if isinstance(value, str) and re.search(r"\benv:[A-Za-z_]", value):
            yield ("params", name), f"env:NAME stands for nothing here; {expected % name}"
        elif literal and SECRET_PARAM.search(str(name)):
            yield ("params", name), f"its value is a secret: {expected % name}"


def _wrong_arguments(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    arguments = _inner(data, "arguments")
    in_url = {name for name, _ in forms(_text_at(data, "url"))}
    several = [name for name in arguments if _is_true(_inner(arguments, name).get("each"))]
    for name in arguments:
        where, declared = ("arguments", name), _inner(arguments, name)
        if not re.fullmatch("[a-z][a-z_]*", str(name)):
            yield where, f"{name!r}: expected lower-case ASCII letters and '_'"
        elif name in _RESERVED:
            yield where, f"{name!r} is a built-in argument; expected another name"
        if name in several[1:]:
            yield (*where, "each"), f"{several[0]} has it already; one argument may be several"
        if name in several and declared.get("join") is not None:
            yield (*where, "join"), "beside each; expected one of the two"
        default, choices = declared.get("default"), declared.get("choices")
        is_list = name in several or declared.get("join") is not None
        if is_list and isinstance(default, str) and not default.strip(" ,"):
            yield (*where, "default"), f"{default!r}: expected one value or several, separated by commas"
        if choices and isinstance(choices, list) and isinstance(default, str):
            wrong = [each for each in (default.split(",") if name in several else [default]) if each not in choices]
            if wrong:
                yield (*where, "default"), f"{default!r}: expected one of the choices: {', '.join(map(str, choices))}"
        if name in in_url and name not in _RESERVED and default is None and not _is_true(declared.get("required")):
            yield where, "stands in the url, so it needs a default or `required: true`"


def _unused_arguments(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    used = {name for _, template in _templates(data) for name, _ in forms(template)}
    for name in _inner(data, "arguments"):
        if name not in used and name not in _RESERVED:
            yield ("arguments", name), f"is used nowhere; {{{name}}} in url, params or headers stands for it"


def _wrong_places(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    arguments = _inner(data, "arguments")
    for where, template in _templates(data):
        known = [*arguments, *(() if where[0] == "headers" else (*_TIMES, "cursor"))]
        for name, form in forms(template):
            if name not in known:
                expected = f"expected one of {', '.join(known)}" if known else "declare it in arguments"
                yield where, f"{template!r}: there is no argument {{{name}}}{perhaps(name, known)}; {expected}"
            elif form and name not in _TIMES:
                yield where, f"{template!r}: only since and until have a form"
            elif form and not is_form(form):
                expected = "%Y-%m-%d and such (those of Python's strftime, without %s), epoch, epoch-1, ms or days"
                yield where, f"{template!r}: {form!r} is not a form of a time; expected {expected}"
        for odd in re.findall(r"\{\s*[A-Za-z_]\w*\s*(?::[^{}]*)?\}", template):
            if not forms(odd):
                expected = "lower-case ASCII letters and '_', and a form behind a colon"
                yield where, f"{template!r}: {odd} is not a place for a value; expected {expected}"


def _wrong_pages(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    pages = _inner(data, "pages")
    if pages.get("size_param") is not None and pages.get("size") is None and pages.get("by") != "offset":
        yield ("pages", "size_param"), "without size; expected size, the records to request"


def _wrong_slices(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    if not (slices := _inner(data, "slices")):
        return
    asked = _asked(data)
    for name in _TIMES:
        if name not in asked:
            yield ("slices",), f"expected {{{name}}} in url or params: a slice goes from since to until"
    if _inner(data, "cursor").get("by") != "time":
        yield ("slices",), "expected a cursor by time: slices begin at the cursor"
    if _longer(slices.get("shortest"), slices.get("longest")):
        yield ("slices", "shortest"), "longer than longest; expected at most longest"
    if slices.get("too_many") is not None and not slices.get("statuses"):
        yield ("slices", "too_many"), "without statuses; expected statuses, those of the answers to look in"
    if slices.get("total") is not None and slices.get("cap") is None:
        yield ("slices", "total"), "without cap; expected cap, the most hits that the API gives"


def _longer(one: Any, other: Any) -> bool:
    try:
        return float(seconds(one)) > float(seconds(other))
    except (TypeError, ValueError):  # reported with the value
        return False


def _wrong_least(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    if data.get("at_least") is not None and data.get("cursor") is not None:
        yield (
            ("at_least",),
            "beside cursor: a run requests new records only, perhaps none; expected one of the two",
        )


def _wrong_cursor(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    by, asked = _inner(data, "cursor").get("by"), _asked(data)
    in_url = {name for name, _ in forms(_text_at(data, "url"))}
    ends_at_known = by == "id" and data.get("pages") and not _is_true(_inner(data, "cursor").get("oldest_first"))
    if by in ("id", "token") and "cursor" not in asked and not ends_at_known:
        yield ("cursor",), f"expected {{cursor}} in params: it stands for the {by} of last time"
    if by not in ("id", "token") and "cursor" in asked:
        yield ("cursor",), "{cursor} is used; expected a cursor by id or token"
    if by in ("id", "token"):
        for name in ("overlap", "first", "reach", "at"):  # a declaration in Python has them with their defaults
            if (value := _inner(data, "cursor").get(name)) not in (None, _CURSOR[name]):
                mend = "leave it out: known records are not requested again, and the first run reads everything"
                yield ("cursor", name), f"{value!r}: a cursor by {by} does not know times; {mend}"
    if "cursor" in in_url:
        yield ("url",), f"{data['url']!r}: expected {{cursor}} among the params, as the first run has none"
    if by != "time" and in_url & set(_TIMES):
        yield ("cursor",), "since or until stand in the url; expected a cursor by time"


def _wrong_article(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    if data.get("article") is None:
        return
    article = _inner(data, "article")
    for name, meaning in _NEEDED.items():
        if article.get(name) is None:
            yield ("article", name), f"missing; {meaning}"
    for name in article:
        if name not in ARTICLE_FIELDS and not re.fullmatch(re.escape(EXTRA) + r".+", str(name)):
            known = f"the fields are {', '.join(ARTICLE_FIELDS)}, and {EXTRA}NAME for what an article has no field for"
            yield ("article", name), f"unknown field{perhaps(str(name), ARTICLE_FIELDS)}; {known}"


def _wrong_columns(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """The source of a column is a path here; in a dataset it may be the header of a column."""
    columns = _inner(data, "record", "columns")
    for name in columns:
        declared = _inner(columns, name)
        source = declared.get("source")
        try:
            path(str(name) if source is None else str(source))
        except PathError as error:
            where = ("record", "columns", name)
            yield (where if source is None else (*where, "source")), f"{error}; expected a path as source"


def _templates(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """The texts that may have places."""
    yield ("url",), _text_at(data, "url")
    for part in ("params", "headers"):
        for name, template in _inner(data, part).items():
            if isinstance(template, str):
                yield (part, name), template


def _text_at(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _asked(data: Mapping[str, Any]) -> set[str]:
    """The names of the places in the url and the params."""
    return {name for where, template in _templates(data) if where[0] != "headers" for name, _ in forms(template)}


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "yes", "on", "1", "y", "t")


# --- Schema and documentation -----------------------------------------------------------------------------------------


def schema() -> str:
    """The JSON Schema of a declaration, as api.schema.json holds it."""
    return json.dumps(_API.json_schema() | {"title": "newsbot API"}, indent=2) + "\n"


def tables() -> str:
    """The keys of a declaration with their meaning, as tables of Markdown."""
    whole, (*_, places) = _API.json_schema(), facts.__doc__.strip().split("\n\n")
    parts = {"A declaration": whole} | {title: whole["$defs"][name] for name, title in _TITLES.items()}
    lines = ["", places, ""]
    for title, part in parts.items():
        lines += [
            f"### {title}",
            "",
            *part["description"].splitlines(),
            "",
            "| Key | Needed | Meaning |",
            "|---|---|---|",
        ]
        for key, about in part["properties"].items():
            needed = "yes" if key in part.get("required", ()) else ""
            lines.append(f"| `{key}` | {needed} | {about['description']} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables() if sys.argv[1:] == ["keys"] else schema(), end="")
