"""JSON, JSON lines, XLSX and Parquet: rows of values that have types already."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from newsbot.extraction import charsets, lenient_json
from newsbot.extraction.tables.delimited import UNREADABLE, encoding_of, unreadable
from newsbot.extraction.tables.packed import Limits, check
from newsbot.extraction.tables.table import BATCH, BATCH_SIZE, BadRow, Batch, UnreadableTableError
from newsbot.values import MAX_DEPTH, MAX_DIGITS, MAX_JSON

MAX_RECORD = MAX_JSON  # characters, or bytes
SAMPLE = 2**20  # bytes that the encoding is found in
_DEEPER = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
_PART = 2_048  # bytes: of all that is read at once ijson makes paths, which for nested lists grow by its square
_SHOWN = 500
# At the digits of a number that Python does not read (4,300), ijson 3.6 brings the process down.
_MANY_DIGITS = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))


def json_records(stream: io.BufferedReader, records: str | None = None) -> Iterator[Batch]:
    """The objects of the list at `records`, names with dots between them; without it, the file is the list.

    Raises UnreadableTableError for a file that is not valid JSON or has no list.
    """
    import ijson

    found = False
    counted = _Counted(stream, has_strays=_may_have_strays(stream.peek(SAMPLE)[:SAMPLE]))

    def seen() -> Iterator[tuple[str, str, Any]]:
        nonlocal found
        depth = 0
        # Not by use_float, which ends the file at an integer beyond 2^63.
        for place, event, value in ijson.parse(counted, buf_size=_PART):
            found = found or (event == "start_array" and place == (records or ""))
            depth += _DEEPER.get(event, 0)
            if depth > MAX_DEPTH:
                raise UnreadableTableError(f"is nested in more than {MAX_DEPTH} levels")
            yield place, event, float(value) if isinstance(value, Decimal) else value

    def rows() -> Iterator[tuple[int, Any, int]]:
        for number, record in enumerate(ijson.items(seen(), f"{records}.item" if records else "item"), 1):
            yield number, record, counted.taken()

    if stream.peek(3).startswith(codecs.BOM_UTF8):
        stream.read(3)
    try:
        yield from _batches(rows(), counted.remarks)
    except UnreadableTableError:
        raise
    except (ijson.JSONError, ValueError, ArithmeticError) as error:
        said = " ".join(str(error).split())[:_SHOWN]
        raise UnreadableTableError(f"is not valid JSON, or is cut off: {said}") from None
    if not found:
        where = f"at {records!r}" if records else "as the file itself; say where it is as `records`"
        raise UnreadableTableError(f"has no list {where}")


def json_lines(stream: io.BufferedReader, encoding: str | None = None) -> Iterator[Batch]:
    """The objects, one per line; a nearly valid one is read as plainly meant."""
    sample = stream.peek(SAMPLE)[:SAMPLE]
    has_strays = encoding is None and _may_have_strays(sample)
    encoding = "utf-8" if has_strays and not sample.startswith(codecs.BOM_UTF8) else encoding_of(sample, encoding)
    remarks: dict[str, None] = {}
    text = io.TextIOWrapper(stream, encoding, "surrogateescape", newline="\n")

    def rows() -> Iterator[tuple[int, Any, int]]:
        number = 0
        while line := _line(text, number + 1):
            number += 1
            if len(line) == MAX_RECORD and line[-1] != "\n":
                raise UnreadableTableError(f"line {number} has more than {MAX_RECORD} characters")
            if line.strip():
                if has_strays and UNREADABLE.search(line):
                    line = charsets.with_strays(line)
                    remarks[lenient_json.BYTES] = None
                yield number, _read_line(line, number, encoding, remarks), len(line)

    return _batches(rows(), remarks)


def xlsx_rows(file: BinaryIO, sheet: str | None = None) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet with their numbers, cells as text, number, bool or ISO 8601. Raises UnreadableTableError."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UnreadableTableError("needs openpyxl, which is not installed: pip install '.[xlsx]'") from None
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001  openpyxl raises anything for a broken file
        raise UnreadableTableError(f"is not a readable XLSX: {error}") from None
    if sheet is not None and sheet not in book.sheetnames:
        raise UnreadableTableError(f"has no sheet {sheet!r}; there are {', '.join(map(repr, book.sheetnames))}")
    found = book[sheet] if sheet is not None else book.worksheets[0]
    found.reset_dimensions()  # the size in a file is often wrong
    try:
        for number, row in enumerate(found.iter_rows(values_only=True), 1):
            yield number, [_plain(cell) for cell in row]
    except Exception as error:  # noqa: BLE001
        raise UnreadableTableError(f"breaks off: {error}") from None


def parquet_rows(file: BinaryIO, limits: Limits) -> tuple[list[str], Iterator[Batch]]:
    """The names of the columns, and the rows. Raises UnreadableTableError."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UnreadableTableError("needs pyarrow, which is not installed: pip install '.[parquet]'") from None
    try:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        opened = parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise UnreadableTableError(f"is not a readable Parquet: {error}") from None

    def batches() -> Iterator[Batch]:
        number = inflated = 0
        try:
            for part in opened.iter_batches(BATCH):
                inflated += part.nbytes
                check(inflated, size, limits)
                columns = [[_plain(value) for value in column.to_pylist()] for column in part.columns]
                lines = range(number + 1, number + 1 + part.num_rows)
                number += part.num_rows
                yield Batch([list(row) for row in zip(*columns, strict=True)], list(lines))
        except (pyarrow.ArrowException, OSError) as error:
            raise UnreadableTableError(f"breaks off after {number} rows: {error}") from None

    return opened.schema_arrow.names, batches()


def _line(text: io.TextIOWrapper, number: int) -> str:
    try:
        return text.readline(MAX_RECORD)
    except UnicodeError as error:  # of an encoding that cannot continue behind it, as UTF-16
        raise UnreadableTableError(f"line {number}: {error}") from None


def _may_have_strays(sample: bytes) -> bool:
    """Whether a text begins as UTF-8, so that any other byte is a stray one, as in feeds."""
    return sample.isascii() or charsets.as_utf8(sample) is not None


def _read_line(line: str, number: int, encoding: str, remarks: dict[str, None]) -> Any:
    if bad := UNREADABLE.search(line):
        return BadRow(number, None, unreadable(bad[0], encoding), UNREADABLE.sub("\ufffd", line[:_SHOWN]))
    try:
        found = lenient_json.parse(line)
        remarks.update(dict.fromkeys(found.remarks))
        return found.data
    except (ValueError, RecursionError) as error:
        return BadRow(number, None, f"is not valid JSON: {getattr(error, 'msg', error)}", line[:_SHOWN].strip())


class _Counted:
    """A stream that limits the size of a record and of a number."""

    def __init__(self, stream: io.BufferedReader, *, has_strays: bool) -> None:
        self._stream = stream
        self._strays = codecs.getincrementaldecoder("utf-8")("surrogateescape") if has_strays else None
        self.remarks: dict[str, None] = {}
        self._size = 0
        self._end = b""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._size += len(data)
        if self._size > MAX_RECORD:
            raise UnreadableTableError(f"has no record within {MAX_RECORD} bytes, or one that is larger")
        joined = self._end + data
        if _MANY_DIGITS.search(joined):
            raise UnreadableTableError(f"has a number of more than {MAX_DIGITS} digits")
        self._end = joined[len(joined.rstrip(b"0123456789")) :]
        return self._without_strays(data) if self._strays else data

    def _without_strays(self, data: bytes) -> bytes:
        text = self._strays.decode(data, final=not data)
        if UNREADABLE.search(text):
            self.remarks[lenient_json.BYTES] = None
            text = charsets.with_strays(text)
        # An empty result means the end; half of a character must not give one.
        return text.encode() or (self._without_strays(self._stream.read(1)) if data else b"")

    def taken(self) -> int:
        """The bytes read since the last record."""
        size, self._size = self._size, 0
        return size


def _batches(rows: Iterable[tuple[int, Any, int]], remarks: dict[str, None]) -> Iterator[Batch]:
    """Batches of rows, given with their numbers and sizes; each batch has the remarks so far."""
    batch, total = Batch(remarks=remarks), 0
    for number, row, size in rows:
        if isinstance(row, BadRow):
            batch.bad.append(row)
        elif isinstance(row, dict):
            batch.rows.append(row)
            batch.lines.append(number)
        else:
            batch.bad.append(BadRow(number, None, "is not an object of names and values", str(row)[:_SHOWN]))
        total += size
        if len(batch.rows) >= BATCH or len(batch.bad) >= BATCH or total >= BATCH_SIZE:
            yield batch
            batch, total = Batch(remarks=remarks), 0
    yield batch


def _plain(value: Any) -> Any:
    """The JSON value of a cell."""
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            return value.decode("utf-8", "replace")
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
    return value
