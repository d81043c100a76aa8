"""JSON, JSON lines, XLSX and Parquet: rows of values that have types already."""

import io
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

from newsbot.extraction.tables.base import BATCH, BadRow, Batch, UnreadableTableError
from newsbot.extraction.tables.delimited import UNREADABLE, find_encoding, unreadable

MAX_LINE = 2**24  # characters of a record
SAMPLE = 2**20  # bytes that the encoding is found in
_SHOWN = 500


def json_records(stream: io.BufferedReader, records: str | None = None) -> Iterator[Batch]:
    """The objects of the list at `records`, names with dots between them; without it, the file is the list.

    Raises UnreadableTableError for what is no JSON, and where there is no list.
    """
    import ijson

    prefix = f"{records}.item" if records else "item"
    found = False
    try:
        events = ijson.parse(stream, use_float=True)

        def seen() -> Iterator[tuple[str, str, Any]]:
            nonlocal found
            for place, event, value in events:
                found = found or (event == "start_array" and place == (records or ""))
                yield place, event, value

        yield from _batches(enumerate(ijson.items(seen(), prefix), 1))
    except (ijson.JSONError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())[:_SHOWN]
        raise UnreadableTableError(f"is no JSON, or cut off: {said}") from None
    if not found:
        where = f"at {records!r}" if records else "as the file itself; say where it is as `records`"
        raise UnreadableTableError(f"there is no list {where}")


def json_lines(stream: io.BufferedReader, encoding: str | None = None) -> Iterator[Batch]:
    """The objects, one a line."""
    encoding = encoding or find_encoding(stream.peek(SAMPLE)[:SAMPLE])
    text = io.TextIOWrapper(stream, encoding, "surrogateescape", newline="\n")

    def rows() -> Iterator[tuple[int, Any]]:
        line, number = text.readline(MAX_LINE), 0
        while line:
            number += 1
            if len(line) == MAX_LINE and line[-1] != "\n":
                raise UnreadableTableError(f"line {number} has more than {MAX_LINE} characters")
            if line.strip():
                yield number, _read_line(line, number, encoding)
            line = text.readline(MAX_LINE)

    return _batches(rows())


def xlsx_rows(file: BinaryIO, sheet: str | None = None) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet with their numbers, cells as text, number, bool or ISO 8601. Raises UnreadableTableError."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UnreadableTableError("is read by openpyxl, which is not there: pip install 'newsbot[xlsx]'") from None
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001  openpyxl lets through whatever a broken file makes of it
        raise UnreadableTableError(f"is no XLSX that can be read: {error}") from None
    if sheet is not None and sheet not in book.sheetnames:
        raise UnreadableTableError(f"has no sheet {sheet!r}; there are {', '.join(map(repr, book.sheetnames))}")
    found = book[sheet] if sheet is not None else book.worksheets[0]
    found.reset_dimensions()  # what a file says of its size is often wrong
    try:
        for number, row in enumerate(found.iter_rows(values_only=True), 1):
            yield number, [_plain(cell) for cell in row]
    except Exception as error:  # noqa: BLE001
        raise UnreadableTableError(f"breaks off: {error}") from None


def parquet_rows(file: BinaryIO) -> tuple[list[str], Iterator[Batch]]:
    """The names of the columns, and the rows. Raises UnreadableTableError."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UnreadableTableError("is read by pyarrow, which is not there: pip install 'newsbot[parquet]'") from None
    try:
        opened = parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise UnreadableTableError(f"is no Parquet that can be read: {error}") from None

    def batches() -> Iterator[Batch]:
        number = 0
        try:
            for part in opened.iter_batches(BATCH):
                columns = [[_plain(value) for value in column.to_pylist()] for column in part.columns]
                lines = range(number + 1, number + 1 + part.num_rows)
                number += part.num_rows
                yield Batch([list(row) for row in zip(*columns, strict=True)], list(lines))
        except (pyarrow.ArrowException, OSError) as error:
            raise UnreadableTableError(f"breaks off after {number} rows: {error}") from None

    return opened.schema_arrow.names, batches()


def _read_line(line: str, number: int, encoding: str) -> Any:
    if bad := UNREADABLE.search(line):
        return BadRow(number, None, unreadable(bad[0], encoding), UNREADABLE.sub("\ufffd", line[:_SHOWN]))
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadRow(number, None, f"is no JSON: {getattr(error, 'msg', error)}", line[:_SHOWN].strip())


def _batches(rows: Iterable[tuple[int, Any]]) -> Iterator[Batch]:
    rows = iter(rows)
    while part := list(islice(rows, BATCH)):
        batch = Batch()
        for number, row in part:
            if isinstance(row, BadRow):
                batch.bad.append(row)
            elif isinstance(row, dict):
                batch.rows.append(row)
                batch.lines.append(number)
            else:
                batch.bad.append(BadRow(number, None, "is no object of names and values", str(row)[:_SHOWN]))
        yield batch


def _plain(value: Any) -> Any:
    """What JSON has for a cell."""
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
