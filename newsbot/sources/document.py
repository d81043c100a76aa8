"""A YAML file as plain data that knows its lines.

Every scalar stays the text as written (so `country: no` is Norway, not false), or None for null. It is built from the
parser's events, because PyYAML's own composer expands aliases, silently keeps the last of two equal keys, and overflows
the C stack on deep nesting.
"""

import errno
import io
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without libyaml: the same, ten times slower
    from yaml import SafeLoader

MAX_BYTES = 32 * 2**20  # some 80,000 sources
MAX_DEPTH = 8  # an entry needs 5: list, entry, sections, section, value

# All but the printable characters of YAML 1.1 (c-printable), and the byte order mark.
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_NULLS = ("", "~", "null", "Null", "NULL")

Where = tuple[int | str, ...]
"""The way to a value: positions in lists, from 0, and keys."""


class UnreadableError(ValueError):
    """The file is not YAML of the accepted kind; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


class Mapping(dict[int | str, Any]):
    """A mapping with the line of each key."""

    def __init__(self) -> None:
        self.lines: dict[int | str, int] = {}


class Sequence(list[Any]):
    """A list with the line of each element, by position."""

    def __init__(self) -> None:
        self.lines: dict[int | str, int] = {}


class Document:
    """The contents of a file: `data` of Mapping, Sequence, str and None, and the `repeated` keys with their lines."""

    def __init__(self, file: Path, max_bytes: int = MAX_BYTES) -> None:
        """Read `file`; raises OSError, and UnreadableError if it is not UTF-8, not YAML, too large or too deep."""
        self.data: Any = None
        self.repeated: list[tuple[Where, int]] = []
        self._anchors: set[str | None] = set()
        text = _text(file, max_bytes)
        try:
            self._build_all(yaml.parse(text, Loader=SafeLoader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            mend = _mend(error.problem, text, mark)
            raise UnreadableError(mark.line + 1, f"not YAML: {error.problem}{mend}") from error

    def line(self, where: Where) -> int:
        """The line of a value, or of the nearest value around it that the file has."""
        line, inside = 1, self.data
        for step in where:
            if not isinstance(inside, Mapping | Sequence) or step not in inside.lines:
                break
            line, inside = inside.lines[step], inside[step]
        return line

    def _build_all(self, events: Iterator[yaml.Event]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise UnreadableError(_line(event), "a second document begins; expected one")
                self.data = self._build(next(events), events, ())

    def _build(self, event: yaml.Event, events: Iterator[yaml.Event], where: Where) -> Any:
        """The value that begins with `event`; takes its other events from `events`."""
        if isinstance(event, yaml.AliasEvent):
            mend = "" if event.anchor in self._anchors else ", in quotes if it begins with *"
            raise UnreadableError(_line(event), f"an alias: write the value itself{mend}")
        self._anchors.add(event.anchor)
        if event.tag and not event.tag.startswith("tag:yaml.org,2002:"):
            raise UnreadableError(_line(event), "a tag: write the plain value, in quotes if it begins with !")
        if isinstance(event, yaml.ScalarEvent):
            if escaped := _UNPRINTABLE.search(event.value):
                raise UnreadableError(_line(event), _unprintable(escaped[0]))
            return None if event.implicit[0] and event.value in _NULLS else event.value
        if len(where) >= MAX_DEPTH:
            raise UnreadableError(_line(event), f"nested more than {MAX_DEPTH} deep")

        if isinstance(event, yaml.SequenceStartEvent):
            sequence = Sequence()
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                sequence.lines[len(sequence)] = _line(event)
                sequence.append(self._build(event, events, (*where, len(sequence))))
            return sequence

        mapping = Mapping()
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise UnreadableError(_line(event), "a key is a word, as `name:`")
            key = event.value
            if key in mapping:
                self.repeated.append(((*where, key), _line(event)))
            mapping.lines[key] = _line(event)
            mapping[key] = self._build(next(events), events, (*where, key))
        return mapping


_MENDS = {
    "did not find expected '-' indicator": "indent the keys of an entry equally, under the first one behind its `- `",
    "could not find expected ':'": "write `key: value`, with a blank after the colon; indent what belongs to a key",
    "found unexpected end of stream": "close the quotes, or quote a value that has a quotation mark in it",
    "did not find expected ',' or ']'": "close the list with ], or quote a value that begins with [",
    "did not find expected ',' or '}'": "close the mapping with }, or quote a value that begins with {",
}


def _mend(problem: str | None, text: str, mark: Any) -> str:
    """The correction where the parser stopped."""
    line = text.splitlines()[mark.line] if mark.line < text.count("\n") else ""
    if text[mark.index : mark.index + 1] == "\t":
        return "; indent with blanks, not tabs"
    if text[mark.index : mark.index + 1] in ("@", "%", "`") or text[mark.index - 1 : mark.index] == "*":
        return "; put a value that begins so in quotes"
    if problem in ("mapping values are not allowed in this context", "did not find expected key"):
        if line.count(": ") > 1 or re.search(r": +['\"]", line):
            return "; quote the whole value, as it has `: ` or a quotation mark in it"
        return "; indent it as the keys that it belongs to; an entry begins with `- `, a hyphen and a blank"
    return f"; {_MENDS[problem]}" if problem in _MENDS else ""


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1


def open_file(file: Path) -> BinaryIO:
    """Open a user's file for reading. Raises OSError, even for a pipe or a device, which might block."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(file))
    stream = file.open("rb")  # raises for a folder
    if status.st_size:
        return stream
    stream.close()
    return io.BytesIO()  # empty: reading a file of /proc, which shows no size, might block too


def _text(file: Path, max_bytes: int) -> str:
    with open_file(file) as stream:
        raw = stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise UnreadableError(1, f"larger than {max_bytes // 2**20} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            line, f"the byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error
    if found := _UNPRINTABLE.search(text):
        raise UnreadableError(text.count("\n", 0, found.start()) + 1, _unprintable(found[0]))
    return text


def _unprintable(character: str) -> str:
    return f"the unprintable character U+{ord(character):04X}; take it out"
