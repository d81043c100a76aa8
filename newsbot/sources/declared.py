"""An API that is declared in a YAML file: read with its lines and checked whole, so that one error tells every fault.

`python -m newsbot.sources.declared` prints the JSON Schema that is published beside this module as api.schema.json;
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
from newsbot.sources.api import EXTRA, SECRET, Api
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
# Source, origin and rank are the declaration's.
ARTICLE_FIELDS = tuple(
    field.name for field in dataclasses.fields(Article) if field.name not in ("source_id", "origin", "rank", "extra")
)


_CURSOR = {field.name: field.default for field in dataclasses.fields(facts.Cursor)}

# Of the tables, by the class.
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
    """What is wrong with a declaration: `faults`, one line of text each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the declaration can not be used:", *self.faults]))


# --- What pydantic checks, each value for itself ----------------------------------------------------------------------


def _name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise fault("1 to 64 lower-case ASCII letters, digits, '-' and '_' are right, as 'my-api'")
    return value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise fault("a plain value is right, as 1 or some words; '' is the empty one")
    return value


def _address(value: str) -> str:
    """A URL, also one with places."""
    right = "a URL without user, password and fragment is right; a secret is named under `key`"
    if has_login(value):
        raise fault(f"'{without_login(value)}' with a login: {right}", "absent")
    check.checked_url(re.sub(r"\{[^{}]*\}", "x", value))
    if urlsplit(value).fragment:
        raise fault(right)
    return value


def _header(value: str) -> str:
    if not re.fullmatch(_HEADER, value):
        raise fault("the name of a header is right, as X-Api-Key")
    return value


def _variable(value: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value):
        raise fault("the name of an environment variable is right, as EXAMPLE_API_KEY; the secret itself stands there")
    return value


def _path(value: str) -> str:
    try:
        path(value)
    except PathError as error:
        raise fault(f"{error}; a path into the JSON is right, as data.items (https://jmespath.org)") from None
    return value


def _period(value: str) -> str:
    if not re.fullmatch(_PERIOD, value, re.ASCII) or not float(value[:-1] if value[0].isdigit() else 1):
        words = ("second", "minute", "hour", "day", "month")
        right = f"{', '.join(words)} or a number with its unit as 5s, 15m, 12h or 7d are right"
        raise fault(right + perhaps(value, words))
    return value


def _duration(least: int) -> Any:
    """The type of a number of seconds."""

    def bounded(value: float) -> float:
        if not least <= value <= LONGEST:
            raise fault(f"from {least}s to {LONGEST // 86_400}d is right")
        return value

    schema = {"anyOf": [WRITTEN_SECONDS, {"type": "number", "minimum": least}]}
    return Annotated[float, BeforeValidator(seconds), AfterValidator(bounded), WithJsonSchema(schema)]


KINDS: dict[str, Any] = {
    "name": Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME}$"})],
    "text": Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})],
    "url": check.Url,
    "address": Annotated[str, AfterValidator(_address), Field(json_schema_extra={"pattern": "^https?://"})],
    "header": Annotated[str, AfterValidator(_header), Field(json_schema_extra={"pattern": f"^{_HEADER}$"})],
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
    """The declaration of a file, or of that name among those that come with newsbot.

    Raises DeclarationError with all faults.
    """
    file = Path(config)
    try:
        if re.fullmatch(_NAME, config):
            with resources.as_file(_shipped(config)) as file:
                return yaml_files.read_one(file, _API, more=_in_a_file)
        return yaml_files.read_one(file, _API, more=_in_a_file)
    except OSError as error:
        there = f", or the name of one that is there: {', '.join(shipped())}"
        raise DeclarationError([f"{config}: {error.strerror}; a YAML file is right{there}"]) from error
    except FaultyFileError as error:
        raise DeclarationError(error.faults) from error


def shipped() -> list[str]:
    """The names of the declarations that come with newsbot."""
    return sorted(file.name.removesuffix(".yaml") for file in _folder().iterdir() if file.name.endswith(".yaml"))


def _folder() -> Any:
    return resources.files("newsbot.sources") / "apis"


def _shipped(name: str) -> Any:
    if name not in shipped():
        there = f"those that are there: {', '.join(shipped())}"
        raise DeclarationError([f"{name}: there is none of this name{perhaps(name, shipped())}; {there}; or a path"])
    return _folder() / f"{name}.yaml"


def faults(api: Api) -> list[str]:
    """What is wrong with a declaration that was made in Python, where the spider's own methods may use arguments."""
    data = json.loads(json.dumps(dataclasses.asdict(api)))
    _, wrong = yaml_files.validated(data, _API)
    return [yaml_files.told(where, message) for where, message in (*_across(data), *wrong)]


# --- What shows only across keys: looked for in the data as written, so that no other fault hides it ------------------


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
        yield (), "says nothing of what becomes of a record; article, observation or record is right"
    for kind in given[1:]:
        yield (kind,), f"beside {given[0]}; one of {', '.join(_KINDS)} is right"


def _wrong_key(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    key = _inner(data, "key")
    if not key:
        return
    if (key.get("header") is None) == (key.get("query") is None):
        beside = "query: beside header" if key.get("header") is not None else "no place for it"
        yield ("key",), f"{beside}; one of the two is right, header where the API takes it"
    if key.get("prefix") and key.get("header") is None:
        yield ("key", "prefix"), "only a header has one"


def _wrong_headers(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """A secret stands in the environment: in a file or an argument it would be kept and shown."""
    headers = _inner(data, "headers")
    address = data.get("url")
    has_secret = _inner(data, "key") or any(SECRET.fullmatch(str(value)) for value in headers.values())
    if has_secret and isinstance(address, str) and forms(address.partition("//")[2].partition("/")[0]):
        yield ("url",), f"{address!r}: with a key, a host without places is right: no other host gets the key"
    for name, value in headers.items():
        if not isinstance(value, str) or SECRET.fullmatch(value):
            continue
        if "env:" in value:
            yield ("headers", name), "env:NAME is right for a secret, with the name of an environment variable"
        elif _SECRET_HEADER.search(str(name)):
            right = "env:NAME is right, of an environment variable NAME that has it"
            yield ("headers", name), f"its value is a secret: {right}"


def _wrong_params(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """A secret among the params would be in each URL, and `env:NAME` would go out as it stands."""
    right = "a secret of the query is right as key: {variable: NAME, query: %s}, with the environment variable NAME"
    for name, value in _inner(data, "params").items():
        literal = isinstance(value, str) and not forms(value)
        if isinstance(value, str) and re.search(r"\benv:[A-Za-z_]", value):
            yield ("params", name), f"env:NAME stands for nothing here; {right % name}"
        elif literal and SECRET_PARAM.search(str(name)):
            yield ("params", name), f"its value is a secret: {right % name}"


def _wrong_arguments(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    arguments = _inner(data, "arguments")
    in_url = {name for name, _ in forms(_text_at(data, "url"))}
    several = [name for name in arguments if _is_true(_inner(arguments, name).get("each"))]
    for name in arguments:
        where, declared = ("arguments", name), _inner(arguments, name)
        if not re.fullmatch("[a-z][a-z_]*", str(name)):
            yield where, f"{name!r}: lower-case ASCII letters and '_' are right"
        elif name in _RESERVED:
            yield where, f"{name!r} is there by itself; another name is right"
        if name in several[1:]:
            yield (*where, "each"), f"{several[0]} has it already; one argument may be several"
        if name in several and declared.get("join") is not None:
            yield (*where, "join"), "beside each; one of the two is right"
        default, choices = declared.get("default"), declared.get("choices")
        is_list = name in several or declared.get("join") is not None
        if is_list and isinstance(default, str) and not default.strip(" ,"):
            yield (*where, "default"), f"{default!r}: one value or several, separated by commas, are right"
        if choices and isinstance(choices, list) and isinstance(default, str):
            wrong = [each for each in (default.split(",") if name in several else [default]) if each not in choices]
            if wrong:
                yield (*where, "default"), f"{default!r}: one of the choices is right: {', '.join(map(str, choices))}"
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
                there = f"those that are there: {', '.join(known)}" if known else "it is to be declared in arguments"
                yield where, f"{template!r}: {{{name}}} is no argument{perhaps(name, known)}; {there}"
            elif form and name not in _TIMES:
                yield where, f"{template!r}: only since and until have a form"
            elif form and not is_form(form):
                right = (
                    "%Y-%m-%d and such (those of Python's strftime, without %s), epoch, epoch-1, ms or days are right"
                )
                yield where, f"{template!r}: {form!r} is no form of a time; {right}"
        for odd in re.findall(r"\{\s*[A-Za-z_]\w*\s*(?::[^{}]*)?\}", template):
            if not forms(odd):
                right = "lower-case ASCII letters and '_' are right, and a form behind a colon"
                yield where, f"{template!r}: {odd} is no place for a value; {right}"


def _wrong_pages(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    pages = _inner(data, "pages")
    if pages.get("size_param") is not None and pages.get("size") is None and pages.get("by") != "offset":
        yield ("pages", "size_param"), "without size; how many records are to be asked for is right there"


def _wrong_slices(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    if not (slices := _inner(data, "slices")):
        return
    asked = _asked(data)
    for name in _TIMES:
        if name not in asked:
            yield ("slices",), f"{{{name}}} in url or params is right: a slice is asked for from since to until"
    if _inner(data, "cursor").get("by") != "time":
        yield ("slices",), "a cursor by time is right: what is new is cut, from where that stands"
    if _longer(slices.get("shortest"), slices.get("longest")):
        yield ("slices", "shortest"), "longer than longest; the other way round is right"
    if slices.get("too_many") is not None and not slices.get("statuses"):
        yield ("slices", "too_many"), "without statuses; those of the answers that it is looked for in are right there"
    if slices.get("total") is not None and slices.get("cap") is None:
        yield ("slices", "total"), "without cap; how many the API gives at most is right there"


def _longer(one: Any, other: Any) -> bool:
    try:
        return float(seconds(one)) > float(seconds(other))
    except (TypeError, ValueError):  # told with the value
        return False


def _wrong_least(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    if data.get("at_least") is not None and data.get("cursor") is not None:
        yield (
            ("at_least",),
            "beside cursor: a run asks for what is new alone, which may be nothing; one of the two is right",
        )


def _wrong_cursor(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    by, asked = _inner(data, "cursor").get("by"), _asked(data)
    in_url = {name for name, _ in forms(_text_at(data, "url"))}
    ends_at_known = by == "id" and data.get("pages") and not _is_true(_inner(data, "cursor").get("oldest_first"))
    if by in ("id", "token") and "cursor" not in asked and not ends_at_known:
        yield ("cursor",), f"{{cursor}} in params is right: it stands for the {by} of last time"
    if by not in ("id", "token") and "cursor" in asked:
        yield ("cursor",), "{cursor} is asked for; a cursor by id or token is right"
    if by in ("id", "token"):
        for name in ("overlap", "first", "reach", "at"):  # a declaration in Python has them with their defaults
            if (value := _inner(data, "cursor").get(name)) not in (None, _CURSOR[name]):
                right = "leave it out: what is known is not asked for again, and the first run reads all that there is"
                yield ("cursor", name), f"{value!r}: a cursor by {by} does not know times; {right}"
    if "cursor" in in_url:
        yield ("url",), f"{data['url']!r}: {{cursor}} among the params is right, as the first run has none"
    if by != "time" and in_url & set(_TIMES):
        yield ("cursor",), "since or until stand in the url; a cursor by time is right"


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
    """Where a column comes from is a path here, and may be the header of a column elsewhere."""
    columns = _inner(data, "record", "columns")
    for name in columns:
        declared = _inner(columns, name)
        source = declared.get("source")
        try:
            path(str(name) if source is None else str(source))
        except PathError as error:
            where = ("record", "columns", name)
            right = "a path as source is right"
            yield (where if source is None else (*where, "source")), f"{error}; {right}"


def _templates(data: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """What may have places."""
    yield ("url",), _text_at(data, "url")
    for part in ("params", "headers"):
        for name, template in _inner(data, part).items():
            if isinstance(template, str):
                yield (part, name), template


def _text_at(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _asked(data: Mapping[str, Any]) -> set[str]:
    """The names that stand in the url and the params."""
    return {name for where, template in _templates(data) if where[0] != "headers" for name, _ in forms(template)}


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "yes", "on", "1", "y", "t")


# --- What is published ------------------------------------------------------------------------------------------------


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
