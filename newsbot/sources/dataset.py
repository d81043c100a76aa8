"""The declaration of a dataset: where its file lies, how it is written, which columns are kept, its key.

Plain dataclasses, as in `newsbot.sources.api`, and their reader from YAML. `python -m newsbot.sources.dataset` prints
the JSON Schema in dataset.schema.json.
"""

import atexit
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from newsbot.logins import has_login, without_login
from newsbot.sources.api import Column

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from newsbot.sources.document import Where

Format = Literal["csv", "tsv", "json", "jsonl", "xlsx", "parquet"]

NO_USER = "a user or password before the host is not sent, and would show with the link"
_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}
_SUFFIXES = {"ndjson": "jsonl", "geojsonl": "jsonl", "txt": "csv", "tab": "tsv"}  # beside the formats themselves
_DIGESTS = {"md5": 32, "sha256": 64}  # hexadecimal digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpivot:
    """A block of columns that repeats in a row, as one for each candidate: each block becomes a row."""

    __pydantic_config__ = _STRICT

    first: str
    """header of the first column of a block"""
    last: str
    """header of its last column; blocks follow each other up to the end of the row"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset: one file, loaded as a whole."""

    __pydantic_config__ = _STRICT

    name: str
    """its name in the table `records`: lower-case letters, digits, - and _"""
    title: str
    """its name for people"""
    url: str | None = None
    """where the file is, http or https"""
    path: str | None = None
    """the path of the file instead; relative to the folder of the declaration"""
    homepage: str | None = None
    """a page about it"""
    licence: str | None = None
    """the licence of its data"""
    format: Format | None = None
    """the format of the file; without it, the end of its name decides, .gz and .zip aside"""
    member: str | None = None
    """the file in a zip that holds several"""
    checksum: str | None = None
    """of the file as published, `md5:` or `sha256:` and the hexadecimal digits; another file is refused"""
    encoding: str | None = None
    """of csv, tsv and jsonl, as utf-8 or latin-1; without it, it is detected"""
    delimiter: str | None = None
    """between the cells of a csv, as `;`; without it, it is detected"""
    quote: str = '"'
    """the quote around cells of a csv or tsv; `''` for none"""
    decimal: Literal[".", ","] = "."
    """the decimal mark of numbers that are text"""
    day_first: bool | None = None
    """whether 04/05/2017 is the 4th of May, or the 5th of April; without it, such a date is refused"""
    skip_rows: int = 0
    """lines before the header"""
    header: bool = True
    """whether the file has a row of headers; if not, `columns` are its columns in their order"""
    sheet: str | None = None
    """of an xlsx; without it, the first"""
    records: str | None = None
    """the path of the list of records in a json, names with dots between them; without it, the file is the list"""
    columns: dict[str, Column] = field(default_factory=dict)
    """the columns to keep, with their types; empty: all, as they come"""
    at_least: int | None = None
    """least rows of a file; a file with fewer is refused as a whole"""
    key: tuple[str, ...]
    """the columns whose values together identify a row"""
    unpivot: Unpivot | None = None
    """the block of columns that repeats"""


class DatasetError(ValueError):
    """The faults of a declaration: `faults`, one line of text each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the dataset cannot be read:", *self.faults]))


def shipped() -> dict[str, Traversable]:
    """The shipped declarations, by name."""
    files = (resources.files("newsbot.sources") / "datasets").iterdir()
    names = {file.name: file for file in files}
    return {name.removesuffix(".yaml"): names[name] for name in sorted(names) if name.endswith(".yaml")}


def load(config: str) -> Dataset:
    """The declaration in a file, or the shipped one of that name. Raises DatasetError."""
    from newsbot.sources import yaml_files  # imports pydantic, which no other spider needs

    is_shipped = config in shipped()
    file = _on_disk(f"{config}.yaml") if is_shipped else Path(config).expanduser()
    try:
        found = yaml_files.read_one(file, adapter(), more=_faults)
    except OSError as error:
        names = ", ".join(shipped())
        hint = "" if config.endswith((".yaml", ".yml")) else yaml_files.perhaps(config, shipped())
        expected = f"expected a YAML file, or the name of a shipped one ({names}){hint}"
        raise DatasetError([f"{config}: {error.strerror}; {expected}"]) from error
    except yaml_files.FaultyFileError as error:
        raise DatasetError(error.faults) from error
    if not found.path:
        return found
    return replace(found, path=str(_on_disk(found.path) if is_shipped else file.parent / found.path))


_files = ExitStack()
atexit.register(_files.close)


@cache
def _on_disk(name: str) -> Path:
    """The path of a shipped file, even if newsbot runs from a ZIP; valid until this process ends."""
    return _files.enter_context(resources.as_file(resources.files("newsbot.sources") / "datasets" / name))


def format_of(name: str) -> Format | None:
    """The format by the end of a file's name."""
    suffixes = [each.lower() for each in name.partition("?")[0].rsplit("/", 1)[-1].split(".")[1:]]
    while suffixes and suffixes[-1] in ("gz", "zip"):
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    suffix = _SUFFIXES.get(suffix, suffix)
    return suffix if suffix in get_args(Format) else None


@cache
def adapter() -> "TypeAdapter[Dataset]":
    """Checks a declaration."""
    from pydantic import TypeAdapter

    return TypeAdapter(Dataset)


def schema() -> str:
    """The JSON Schema of a declaration, as dataset.schema.json holds it."""
    return json.dumps(adapter().json_schema() | {"title": "newsbot dataset"}, indent=2) + "\n"


def _faults(data: Mapping[str, Any]) -> "Iterator[tuple[Where, str]]":
    """The faults of values of the correct type; pydantic checks the types."""
    for name, (is_valid, expected) in _RULES.items():
        value = data.get(name)
        if isinstance(value, str) and not is_valid(value):
            yield (name,), f"{without_login(value)!r}: expected {expected}"
    if (data.get("url") is None) == (data.get("path") is None):
        yield ("url",) if "url" in data else (), "expected url or path, one of the two"
    name = data.get("member") or data.get("url") or data.get("path")
    # The name of a zip's member shows its format.
    if data.get("format") is None and isinstance(name, str) and not (format_of(name) or name.lower().endswith(".zip")):
        yield (), f"format: missing, and {name!r} does not show it; expected one of {', '.join(get_args(Format))}"
    if has_login(str(data.get("url"))):
        yield ("url",), NO_USER
    yield from _wrong_keys(data)
    if data.get("unpivot") is not None and str(data.get("header")).lower() in ("false", "no", "off", "0"):
        yield ("unpivot",), "expected header: true, because blocks are found by their headers"
    if str(data.get("header")).lower() in ("false", "no", "off", "0") and not data.get("columns"):
        yield ("header",), "without headers the columns are needed, all of the file in their order"


def _wrong_keys(data: Mapping[str, Any]) -> "Iterator[tuple[Where, str]]":
    keys, columns = data.get("key"), data.get("columns")
    if not isinstance(keys, list):
        return
    if not keys:
        yield ("key",), "expected at least one column"
    for number, key in enumerate(keys):
        if isinstance(key, str) and isinstance(columns, dict) and columns and key not in columns:
            yield ("key", number), f"{key!r}: no such column; there are {', '.join(map(str, columns))}"


def _is_encoding(value: str) -> bool:
    try:
        "a".encode(value)
    except LookupError:
        return False
    return True


def _is_checksum(value: str) -> bool:
    kind, _, digits = value.partition(":")
    return kind in _DIGESTS and bool(re.fullmatch(f"[0-9a-fA-F]{{{_DIGESTS[kind]}}}", digits))


_RULES = {
    "name": (
        re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*").fullmatch,
        "lower-case ASCII letters, digits and single - or _ between them",
    ),
    "url": (re.compile(r"https?://[^\s/]+\S*").fullmatch, "http:// or https:// and a host"),
    "encoding": (_is_encoding, "an encoding, as utf-8, latin-1, cp1252 or utf-16"),
    "delimiter": (re.compile(r"[^\r\n\"]").fullmatch, 'one character, as ";" or "\\t" in quotes'),
    "quote": (re.compile(r"[^\r\n]?").fullmatch, "one character, or '' for none"),
    "checksum": (_is_checksum, "md5: and 32 hexadecimal digits, or sha256: and 64"),
    "at_least": (re.compile(r"[1-9]\d{0,11}").fullmatch, "a number of rows, from 1 on"),
    "skip_rows": (re.compile(r"\d{1,6}").fullmatch, "a number of lines"),
}


if __name__ == "__main__":
    print(schema(), end="")
