"""Turns the rows of a dataset's file into lines of COPY: reads, types and checks them in batches."""

import difflib
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, BinaryIO

from newsbot import values as stored
from newsbot.batch import Refusals, Refused
from newsbot.extraction.paths import path
from newsbot.extraction.tables import nested, packed
from newsbot.extraction.tables.columns import NULL, Encoder, encoder
from newsbot.extraction.tables.delimited import Delimited
from newsbot.extraction.tables.table import BATCH, BadRow, Batch, UnreadableTableError
from newsbot.ids import record_id
from newsbot.sources.api import Column
from newsbot.sources.dataset import Dataset, Unpivot, format_of

logger = logging.getLogger(__name__)

MAX_COLUMNS = 16_384  # of a sheet
TELL_EVERY = 60.0  # seconds


@dataclass(slots=True, frozen=True)
class _Kept:
    """A column to read."""

    name: str
    where: Any
    """the index of the column, or the function that gets the value from a record"""
    encode: Encoder
    needed: bool
    """whether a row without it is refused"""


@dataclass(slots=True)
class Table:
    """The file of a dataset. Each call of `lines` reads it from the start."""

    dataset: Dataset
    file: BinaryIO
    """is seekable"""
    name: str
    """of the file; its suffix gives the format"""
    limits: packed.Limits
    known: Sequence[str] = ()
    """the headers of last time"""
    remarks: list[str] = field(default_factory=list)
    """about the file as a whole; complete once it is read"""
    header: list[str] = field(default_factory=list)

    def lines(self, refusals: Refusals) -> Iterator[bytes]:
        """Line, id, key and data of the rows in COPY's text format, in parts. Refused rows go to `refusals`.

        Raises UnreadableTableError.
        """
        self.file.seek(0)
        self.remarks.clear()
        with ExitStack() as copies:
            columns, batches = self._opened(copies)
            rows, tell_at = 0, time.monotonic() + TELL_EVERY
            write = _Writer(self.dataset, columns, refusals)
            for batch in batches:
                yield write(batch)
                self.remarks += [remark for remark in batch.remarks if remark not in self.remarks]
                rows += len(batch.rows)
                if time.monotonic() >= tell_at:
                    tell_at += TELL_EVERY
                    logger.info("%s: %d rows read so far", self.dataset.name, rows)

    def _opened(self, copies: ExitStack) -> tuple[list[_Kept], Iterator[Batch]]:
        dataset = self.dataset
        known = dataset.format or format_of(dataset.member or self.name)
        if known in ("xlsx", "parquet") and packed.is_itself(self.file):
            return self._opened_whole(known, self.file)
        stream, member = packed.unpacked(self.file, self.limits, dataset.member)
        format_ = known or (format_of(member) if member else None)
        if format_ in ("xlsx", "parquet"):
            return self._opened_whole(format_, copies.enter_context(packed.on_disk(stream)))
        if format_ == "json":
            return self._fields(), nested.json_records(stream, dataset.records)
        if format_ == "jsonl":
            return self._fields(), nested.json_lines(stream, dataset.encoding)
        if format_ not in ("csv", "tsv"):
            raise UnreadableTableError(f"the name {member or self.name!r} has no known format; give it as `format`")
        found = Delimited(
            stream,
            encoding=dataset.encoding,
            delimiter="\t" if format_ == "tsv" else dataset.delimiter,
            quote=dataset.quote,
            skip_rows=dataset.skip_rows,
            has_header=dataset.header,
        )
        logger.info("%s: %s, cells separated by %r", dataset.name, found.encoding, found.delimiter)
        self.remarks += [found.doubt] if found.doubt else []
        return self._shaped(found.header, found.batches, "text")

    def _opened_whole(self, format_: str, file: BinaryIO) -> tuple[list[_Kept], Iterator[Batch]]:
        """Open a file whose format cannot be read as a stream."""
        if format_ == "xlsx":
            packed.check_zip(file, self.limits)
            return self._with_header(nested.xlsx_rows(file, self.dataset.sheet))
        header, batches = nested.parquet_rows(file, self.limits)
        self.header = list(map(stored.text, header))
        return self._columns(self.header, None), batches

    def _with_header(self, rows: Iterator[tuple[int, list[Any]]]) -> tuple[list[_Kept], Iterator[Batch]]:
        for _ in zip(range(self.dataset.skip_rows), rows, strict=False):
            pass
        header = None
        if self.dataset.header:
            first = next(rows, None)
            if first is None:
                raise UnreadableTableError("is empty; expected a row of headers")
            header = [" ".join(str(cell).split()) if cell is not None else "" for cell in first[1]]
        return self._shaped(header, lambda width: _of_cells(rows, width), None)

    def _shaped(
        self,
        header: list[str] | None,
        batches: Callable[[Callable[[int], int | None]], Iterator[Batch]],
        kind: str | None,
    ) -> tuple[list[_Kept], Iterator[Batch]]:
        """The columns, and the batches of rows of their width; each block of an unpivoted row is one row."""
        header = header and list(map(stored.text, header))
        while header and not header[-1]:
            header.pop()
        unpivot = self.dataset.unpivot
        if header is None:
            wide = len(self.dataset.columns)
            return self._in_order(), batches(lambda cells: wide if cells >= wide else None)
        self.header = header
        if unpivot is None:
            wide = len(header)
            return self._columns(header, kind), batches(lambda cells: wide if cells >= wide else None)
        start, size = self._block(header, unpivot)
        columns = self._columns(header[: start + size], kind)

        def width(cells: int) -> int | None:
            return cells - (cells - start) % size if cells >= start + size else None

        return columns, (_unpivoted(batch, start, size) for batch in batches(width))

    def _block(self, header: list[str], unpivot: Unpivot) -> tuple[int, int]:
        """The first column of the first block, and the number of its columns. Raises UnreadableTableError."""
        names = [_normal(name) for name in header]
        first, last = _normal(unpivot.first), _normal(unpivot.last)
        if first not in names or last not in names[names.index(first) :]:
            lacking = unpivot.first if first not in names else unpivot.last
            raise UnreadableTableError(f"the header has no {lacking!r}, expected in a block{_near(lacking, header)}")
        start = names.index(first)
        size = names.index(last, start) + 1 - start
        for place, name in enumerate(names[start + size :]):
            right = names[start + place % size]
            if name and not re.fullmatch(re.escape(right) + r"[\W_]*\d*", name):
                number, shown = start + size + place, header[start + place % size]
                raise UnreadableTableError(
                    f"the header has {header[number]!r} as column {number + 1}, expected {shown!r} as in a block"
                )
        return start, size

    def _columns(self, header: list[str], kind: str | None) -> list[_Kept]:
        """Find the columns by their headers. Raises UnreadableTableError if a required one is missing."""
        dataset = self.dataset
        declared: Mapping[str, Column | None] = dataset.columns or {name: None for name in header if name}
        places: dict[str, list[int]] = {}
        for place, name in enumerate(header):
            places.setdefault(_normal(name), []).append(place)
        kept, missing, needed = [], [], []
        for name, column in declared.items():
            source = (column.source if column else None) or name
            found = places.get(_normal(source), [])
            if len(found) > 1:
                numbers = ", ".join(str(place + 1) for place in found)
                raise UnreadableTableError(f"the header has {source!r} more than once, as columns {numbers}")
            is_needed = name in dataset.key or bool(column and column.required)
            if found:
                kept.append(_Kept(name, found[0], self._encoder(column, kind), is_needed))
            else:
                missing.append(source)
                needed += [source] if is_needed else []
        lacking = [key for key in dataset.key if key not in declared]
        self._note_changes(header, missing + lacking)
        if needed or lacking:
            raise UnreadableTableError("; ".join(self.remarks) + ": nothing is stored")
        return kept

    def _note_changes(self, header: list[str], missing: list[str]) -> None:
        declared = {_normal(column.source or name) for name, column in self.dataset.columns.items()}
        others = [name for name in header if name and _normal(name) not in declared]
        new = [name for name in header if name and self.known and name not in self.known]
        for name in missing:
            self.remarks.append(f"the header has no {name!r}{_near(name, new or others)}")
        if new:
            self.remarks.append(f"the header has new columns: {', '.join(map(repr, new))}")

    def _in_order(self) -> list[_Kept]:
        return [
            _Kept(name, place, self._encoder(column, None), name in self.dataset.key or column.required)
            for place, (name, column) in enumerate(self.dataset.columns.items())
        ]

    def _fields(self) -> list[_Kept]:
        """The columns of records that are mappings; without declared columns, the whole record and its key."""
        dataset = self.dataset
        kept = [
            _Kept(
                name, path(column.source or name), self._encoder(column, None), name in dataset.key or column.required
            )
            for name, column in dataset.columns.items()
        ]
        if kept:
            return kept
        return [_Kept("", lambda record: record, encoder(None), needed=True)] + [
            _Kept(name, path(name), encoder("text"), needed=True) for name in dataset.key
        ]

    def _encoder(self, column: Column | None, kind: str | None) -> Encoder:
        return encoder(column.type if column else kind, self.dataset.decimal, self.dataset.day_first)


class _Writer:
    """Turns a batch into lines of COPY."""

    def __init__(self, dataset: Dataset, columns: list[_Kept], refusals: Refusals) -> None:
        self._columns = columns
        self._refuse = refusals.add
        self._dataset = dataset.name
        names = [column.name for column in columns]
        self._keys = [names.index(name) for name in dataset.key]
        self._stored = 1 if names[0] == "" else len(names)  # a whole record stands for its columns
        named = (json.dumps(stored.text(name), ensure_ascii=False).replace("%", "%%") for name in names)
        pairs = (f"{name}: %s" for name in named)
        data = "%s" if names[0] == "" else "{" + ", ".join(pairs) + "}"
        self._template = f"%s\t%s\t%s\t{data}\n"

    def __call__(self, batch: Batch) -> bytes:
        for line, name, reason, value in batch.bad:
            self._refuse(Refused(line, name, reason, value, whole=True))
        if not batch.rows:
            return b""
        out: set[int] = set()
        texts = [self._encoded(column, values, batch.lines, out) for column, values in self._values(batch.rows)]
        keys = self._key(texts)
        self._check(keys, batch.lines, out)
        ids = map(record_id, repeat(self._dataset), keys)
        rows: Iterable[tuple] = zip(batch.lines, ids, keys, *texts[: self._stored], strict=True)
        if out:
            rows = (row for number, row in enumerate(rows) if number not in out)
        return "".join(map(self._template.__mod__, rows)).replace("\\", "\\\\").encode()

    def _values(self, rows: list[Any]) -> Iterator[tuple[_Kept, Sequence[Any]]]:
        if isinstance(rows[0], dict):
            return ((column, [column.where(row) for row in rows]) for column in self._columns)
        turned = list(zip(*rows, strict=True))
        return ((column, turned[column.where]) for column in self._columns)

    def _encoded(self, column: _Kept, values: Sequence[Any], lines: list[int], out: set[int]) -> list[str]:
        """The values of a column as JSON. A bad value of a required column refuses the row, else only the value."""
        found, bad = column.encode(values)
        for row, reason, value in bad:
            whole = column.needed and row not in out
            self._refuse(Refused(lines[row], column.name or None, reason, value, whole=whole))
        if column.needed:
            out.update(each.row for each in bad)
            for row, text in enumerate(found) if NULL in found else ():
                if text == NULL and row not in out:
                    self._refuse(Refused(lines[row], column.name, "is missing", None, whole=True))
                    out.add(row)
        return found

    def _key(self, texts: list[list[str]]) -> list[str]:
        parts = [list(map(str.strip, map(_plain, texts[place]))) for place in self._keys]
        if len(parts) == 1:
            return parts[0]
        return list(map("/".join, zip(*map(_escaped, parts), strict=True)))

    def _check(self, keys: list[str], lines: list[int], out: set[int]) -> None:
        if all(keys) and max(map(len, keys)) * 4 <= stored.MAX_KEY and not stored.CONTROLS.search("".join(keys)):
            return
        for row, key in enumerate(keys):
            if row not in out and not stored.is_key(key):
                right = f"expected no control characters and at most {stored.MAX_KEY} bytes"
                reason = right if key else "is missing"
                self._refuse(Refused(lines[row], "key", reason, key[: stored.MAX_KEY], whole=True))
                out.add(row)


def _plain(text: str) -> str:
    """The text of a JSON string; other values unchanged."""
    if text[0] != '"':
        return text
    return json.loads(text) if "\\" in text else text[1:-1]


def _escaped(parts: list[str]) -> list[str]:
    """The parts without the mark that separates them in a key."""
    joined = "".join(parts)
    if "/" not in joined and "%" not in joined:
        return parts
    return [part.replace("%", "%25").replace("/", "%2F") for part in parts]


def _unpivoted(batch: Batch, start: int, size: int) -> Batch:
    """A row for each block that is not empty."""
    found = Batch(bad=batch.bad)
    for row, line in zip(batch.rows, batch.lines, strict=True):
        for place in range(start, len(row), size):
            if any(cell not in ("", None) for cell in row[place : place + size]):
                found.rows.append([*row[:start], *row[place : place + size]])
                found.lines.append(line)
    return found


def _of_cells(rows: Iterator[tuple[int, list[Any]]], width: Callable[[int], int | None]) -> Iterator[Batch]:
    """Batches of rows, padded where empty cells at the end are missing."""
    batch = Batch()
    for number, row in rows:
        while row and row[-1] is None:
            row.pop()
        if not row:
            continue
        cells = len(row)
        whole = next((wide for wide in range(cells, MAX_COLUMNS + 1) if width(wide) == wide), None)
        if whole is None:
            batch.bad.append(BadRow(number, None, f"has {cells} cells, more than the header", row))
            continue
        batch.rows.append(row + [None] * (whole - cells))
        batch.lines.append(number)
        if len(batch.rows) >= BATCH:
            yield batch
            batch = Batch()
    yield batch


def _normal(name: str) -> str:
    return stored.text(" ".join(name.split()))


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (perhaps renamed: {near[0]!r})" if near else ""
