"""What a dataset is, as facts: where its file lies, how that is written, which columns are kept, what its key is.

Plain dataclasses, as in `newsbot.sources.api`, and their reader from YAML. `python -m newsbot.sources.dataset` prints
the JSON Schema that is published beside this module as dataset.schema.json.
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

NO_USER = "a user or password before the host is not sent, and would show wherever the link does"
_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}
_SUFFIXES = {"ndjson": "jsonl", "geojsonl": "jsonl", "txt": "csv", "tab": "tsv"}  # beside the formats themselves
_DIGESTS = {"md5": 32, "sha256": 64}  # hexadecimal digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpivot:
    """Columns that come again and again in a row, as a block for each candidate: each block becomes a row."""

    __pydantic_config__ = _STRICT

    first: str
    """header of the first column of a block"""
    last: str
    """header of its last column; blocks follow each other up to the end of the row"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset that is one file, which is loaded as a whole."""

    __pydantic_config__ = _STRICT

    name: str
    """its name in the table `records`: lower-case letters, digits, - and _"""
    title: str
    """as people call it"""
    url: str | None = None
    """where the file is, http or https"""
    path: str | None = None
    """or the file itself; from the folder of the declaration on"""
    homepage: str | None = None
    """where people read about it"""
    licence: str | None = None
    """under which its data may be used"""
    format: Format | None = None
    """how the file is written; without it, by the end of its name, .gz and .zip aside"""
    member: str | None = None
    """the file in a zip, where that holds several"""
    checksum: str | None = None
    """of the file as it lies there, `md5:` or `sha256:` and the hexadecimal digits; another file is refused"""
    encoding: str | None = None
    """of csv, tsv and jsonl, as utf-8 or latin-1; without it, it is found"""
    delimiter: str | None = None
    """between the cells of a csv, as `;`; without it, it is found"""
    quote: str = '"'
    """around cells of a csv or tsv; `''` where it is a character as any other"""
    decimal: Literal[".", ","] = "."
    """the decimal mark of numbers that are text"""
    day_first: bool | None = None
    """whether 04/05/2017 is the 4th of May, or the 5th of April; without it, such a date is refused"""
    skip_rows: int = 0
    """lines before the header"""
    header: bool = True
    """whether there is a row of headers; without it, `columns` are those of the file in their order"""
    sheet: str | None = None
    """of an xlsx; without it, the first"""
    records: str | None = None
    """where a json has the list of records, names with dots between them; without it, the file is the list"""
    columns: dict[str, Column] = field(default_factory=dict)
    """the columns that are kept, with their types; empty: all, as they come"""
    at_least: int | None = None
    """rows that a file has at least; one with fewer is refused as a whole"""
    key: tuple[str, ...]
    """the columns whose values together tell rows apart"""
    unpivot: Unpivot | None = None
    """the block of columns that repeats"""


class DatasetError(ValueError):
    """What is wrong with a declaration: `faults`, one line of text each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the dataset can not be read:", *self.faults]))


def shipped() -> dict[str, Traversable]:
    """The declarations that come along, by name."""
    files = (resources.files("newsbot.sources") / "datasets").iterdir()
    names = {file.name: file for file in files}
    return {name.removesuffix(".yaml"): names[name] for name in sorted(names) if name.endswith(".yaml")}


def load(config: str) -> Dataset:
    """The declaration in a file, or the one of that name that comes along. Raises DatasetError."""
    from newsbot.sources import yaml_files  # pydantic, which no other spider needs

    comes_along = config in shipped()
    file = _on_disk(f"{config}.yaml") if comes_along else Path(config).expanduser()
    try:
        found = yaml_files.read_one(file, adapter(), more=_faults)
    except OSError as error:
        names = ", ".join(shipped())
        hint = "" if config.endswith((".yaml", ".yml")) else yaml_files.perhaps(config, shipped())
        right = f"a YAML file is right, or the name of one that comes along ({names}){hint}"
        raise DatasetError([f"{config}: {error.strerror}; {right}"]) from error
    except yaml_files.FaultyFileError as error:
        raise DatasetError(error.faults) from error
    if not found.path:
        return found
    return replace(found, path=str(_on_disk(found.path) if comes_along else file.parent / found.path))


_files = ExitStack()
atexit.register(_files.close)


@cache
def _on_disk(name: str) -> Path:
    """A file that comes along, also where newsbot runs from a ZIP; there until this process ends."""
    return _files.enter_context(resources.as_file(resources.files("newsbot.sources") / "datasets" / name))


def format_of(name: str) -> Format | None:
    """The format that the end of a file's name tells."""
    suffixes = [each.lower() for each in name.partition("?")[0].rsplit("/", 1)[-1].split(".")[1:]]
    while suffixes and suffixes[-1] in ("gz", "zip"):
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    suffix = _SUFFIXES.get(suffix, suffix)
    return suffix if suffix in get_args(Format) else None


@cache
def adapter() -> "TypeAdapter[Dataset]":
    """What checks a declaration."""
    from pydantic import TypeAdapter

    return TypeAdapter(Dataset)


def schema() -> str:
    """The JSON Schema of a declaration, as dataset.schema.json holds it."""
    return json.dumps(adapter().json_schema() | {"title": "newsbot dataset"}, indent=2) + "\n"


def _faults(data: Mapping[str, Any]) -> "Iterator[tuple[Where, str]]":
    """What is wrong with values of the right type; the types are pydantic's to check."""
    for name, (is_right, right) in _RULES.items():
        value = data.get(name)
        if isinstance(value, str) and not is_right(value):
            yield (name,), f"{without_login(value)!r}: {right}"
    if (data.get("url") is None) == (data.get("path") is None):
        yield ("url",) if "url" in data else (), "url or path is right, one of the two"
    name = data.get("member") or data.get("url") or data.get("path")
    # What a zip holds tells its format itself.
    if data.get("format") is None and isinstance(name, str) and not (format_of(name) or name.lower().endswith(".zip")):
        yield (), f"format: missing, and {name!r} does not tell it; {', '.join(get_args(Format))} are right"
    if has_login(str(data.get("url"))):
        yield ("url",), NO_USER
    yield from _wrong_keys(data)
    if data.get("unpivot") is not None and str(data.get("header")).lower() in ("false", "no", "off", "0"):
        yield ("unpivot",), "blocks are found by their headers, so header: true is right"
    if str(data.get("header")).lower() in ("false", "no", "off", "0") and not data.get("columns"):
        yield ("header",), "without headers the columns are needed, all of the file in their order"


def _wrong_keys(data: Mapping[str, Any]) -> "Iterator[tuple[Where, str]]":
    keys, columns = data.get("key"), data.get("columns")
    if not isinstance(keys, list):
        return
    if not keys:
        yield ("key",), "at least one column is right"
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
        "lower-case ASCII letters, digits and single - or _ between them are right",
    ),
    "url": (re.compile(r"https?://[^\s/]+\S*").fullmatch, "http:// or https:// and a host are right"),
    "encoding": (_is_encoding, "an encoding is right, as utf-8, latin-1, cp1252 or utf-16"),
    "delimiter": (re.compile(r"[^\r\n\"]").fullmatch, 'one character is right, as ";" or "\\t" in quotes'),
    "quote": (re.compile(r"[^\r\n]?").fullmatch, "one character is right, or '' for none"),
    "checksum": (_is_checksum, "md5: and 32 hexadecimal digits, or sha256: and 64 are right"),
    "at_least": (re.compile(r"[1-9]\d{0,11}").fullmatch, "a number of rows is right, from 1 on"),
    "skip_rows": (re.compile(r"\d{1,6}").fullmatch, "a number of lines is right"),
}


if __name__ == "__main__":
    print(schema(), end="")
