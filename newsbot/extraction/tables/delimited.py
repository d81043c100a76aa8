"""Reads CSV and TSV (RFC 4180) as they come: detects encoding and delimiter; a bad line costs that line only."""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator

from newsbot.extraction.tables.table import BATCH, BATCH_SIZE, BadRow, Batch, UnreadableTableError

SAMPLE = 2**20  # bytes for detecting encoding and delimiter
MAX_CELL = 2**20  # characters
MAX_LINE = 2**24
MAX_LINES = 1_000  # of one row: a quote that is still open then is a stray one
DELIMITERS = ",;\t|"
_SHOWN = 500  # characters of a bad line
_UNICODE_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UNREADABLE = re.compile("[\udc80-\udcff]")  # a byte that is not of the encoding, as `surrogateescape` has it


class Delimited:
    """The rows of a CSV: `header` (None without one), `encoding`, `delimiter`, and `batches`.

    `doubt` says why the declared encoding may be wrong, or is None.
    """

    def __init__(
        self,
        stream: io.BufferedReader,
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        quote: str = '"',
        skip_rows: int = 0,
        has_header: bool = True,
    ) -> None:
        """Raises UnreadableTableError for a file without a header or a known encoding."""
        sample = stream.peek(SAMPLE)[:SAMPLE]
        self.encoding = encoding_of(sample, encoding)
        self.doubt = None
        if self.encoding == encoding and not sample.isascii() and _is_one_byte(encoding) and _is_utf_8(sample):
            self.doubt = f"is declared as {encoding}, and seems to be utf-8"
        text = sample.decode(self.encoding, "replace")
        self.delimiter = delimiter or find_delimiter(text, quote, skip_rows)
        self._quote = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
        errors = "surrogateescape" if _is_ascii_based(self.encoding) else "strict"
        self._lines = _Lines(io.TextIOWrapper(stream, self.encoding, errors, newline=""))
        csv.field_size_limit(MAX_CELL)
        for _ in range(skip_rows):
            next(self._lines, None)
        self._lines.held.clear()
        self.header: list[str] | None = None
        if has_header:
            try:
                self.header = [" ".join(cell.split()) for cell in next(self._reader())]
            except StopIteration:
                raise UnreadableTableError("is empty; expected a row of headers") from None
            except (csv.Error, _BadLineError) as error:
                raise UnreadableTableError(f"line {self._lines.number}: expected a row of headers: {error}") from None
            self._lines.held.clear()

    def batches(self, width: Callable[[int], int | None]) -> Iterator[Batch]:
        """The rows. `width` takes a number of cells and returns how many of them belong to the row, the others being
        empty; None if a row cannot have so many.

        Raises UnreadableTableError.
        """
        lines, reader, batch = self._lines, self._reader(), Batch()
        rows, numbers, held = batch.rows, batch.lines, lines.held
        while True:
            reason = None
            try:
                row = next(reader)
            except StopIteration:
                break
            except (csv.Error, _BadLineError) as error:
                reason = str(error)
            else:
                cells = len(row)
                wide = width(cells)
                if wide == cells or (wide is not None and not any(row[wide:])):
                    rows.append(row[:wide] if wide != cells else row)
                    numbers.append(lines.number - len(held) + 1)
                elif row:
                    reason = f"has {cells} cells" + (f"; the header has {len(self.header)}" if self.header else "")
            if reason:
                batch.bad.append(self._bad(reason, len(held)))
                lines.back_up()
                reader = self._reader()
            held.clear()
            if len(rows) >= BATCH or len(batch.bad) >= BATCH or lines.size >= BATCH_SIZE:
                yield batch
                batch, lines.size = Batch(), 0
                rows, numbers = batch.rows, batch.lines
        yield batch

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self.delimiter, strict=True, **self._quote)

    def _bad(self, reason: str, lines: int) -> BadRow:
        number = self._lines.number - lines + 1
        if not reason.startswith("the byte") and (lines > 1 or "expected after" in reason or "unexpected" in reason):
            reason = "a quote is not closed, or not doubled inside of a cell"
        shown = UNREADABLE.sub("\ufffd", self._lines.held[0][:_SHOWN].rstrip("\r\n"))
        return BadRow(number, None, reason, shown)


class _BadLineError(Exception):
    """A line that cannot be part of a row."""


class _Lines:
    """The lines of a file; `held` has the lines of the current row, so that they can be read again."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._read = text.readline
        self._encoding = text.encoding
        self._back: deque[str] = deque()
        self.number = 0
        self.size = 0  # characters since the last batch
        self.held: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._next()
        self.number += 1
        self.size += len(line)
        self.held.append(line)
        if len(self.held) > MAX_LINES:
            raise _BadLineError(f"goes on for more than {MAX_LINES} lines")
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError as error:
                raise _BadLineError(unreadable(line[error.start], self._encoding)) from None
        return line

    def _next(self) -> str:
        try:
            line = self._read(MAX_LINE)
        except UnicodeError as error:
            raise UnreadableTableError(f"line {self.number + 1}: {error}") from None
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE and line[-1] not in "\r\n":
            raise UnreadableTableError(f"line {self.number + 1} has more than {MAX_LINE} characters")
        return line

    def back_up(self) -> None:
        """Go back to the line after the first of those held."""
        self._back.extendleft(reversed(self.held[1:]))
        self.number -= len(self.held) - 1


def encoding_of(sample: bytes, declared: str | None) -> str:
    """The declared encoding, for UTF-8 with its mark if the sample has one; without a declaration the detected one."""
    if declared and declared.lower().replace("_", "-") in ("utf-8", "utf8") and sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return declared or find_encoding(sample)


def find_encoding(sample: bytes) -> str:
    """The encoding of a text by its first bytes. Raises UnreadableTableError if none fits."""
    for mark, encoding in _UNICODE_MARKS.items():
        if sample.startswith(mark):
            return encoding
    if _is_utf_8(sample):
        return "utf-8"
    return _latin(sample) or _other(sample)


def _is_utf_8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _is_one_byte(encoding: str) -> bool:
    return len("é".encode(encoding, "replace")) == 1


# The letters that distinguish the two encodings of Latin script, which charset-normalizer often confuses.
_LATIN = {
    "cp1252": "àâäáãåæçèéêëìíîïñòóôöõøœùúûüÿß°ºª€–—‘’“”«»¿¡§²³ ",
    "cp1250": "ąćęłńóśźżáčďéěíľĺňřŕšťúůýžôäăâîőŕűöüßçë°€–—‘’“”„«»§ ",
}


def _latin(sample: bytes) -> str | None:
    """The encoding in which nearly all non-ASCII bytes are usual letters, if half of the text is ASCII."""
    high = sum(byte >= 0x80 for byte in sample)
    if high > sum(65 <= byte & 0xDF <= 90 for byte in sample):
        return None

    def share(encoding: str) -> float:
        letters = [letter for letter in sample.decode(encoding, "replace").lower() if letter > "\x7f"]
        return sum(letter in _LATIN[encoding] for letter in letters) / len(letters)

    best = max(_LATIN, key=share)
    return best if share(best) > 0.95 else None


def _other(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    found = from_bytes(sample[: 2**16]).best()
    if found is None:
        raise UnreadableTableError("has no known encoding: declare `encoding`, unless it is not text at all")
    return found.encoding


def find_delimiter(text: str, quote: str, skip_rows: int) -> str:
    """The one of `DELIMITERS` that splits the first lines into most cells, equally many on each as far as possible."""
    lines = text.splitlines()[skip_rows:][:30]
    quoting = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}

    def score(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, **quoting) if row]
        except csv.Error:
            return (0, 0)
        first = widths[0] if widths else 0
        return (first > 1) * sum(width == first for width in widths), first

    return max(DELIMITERS, key=score)


def unreadable(character: str, encoding: str) -> str:
    """What is said of a byte that is not of the encoding, as `surrogateescape` has it."""
    return f"the byte 0x{ord(character) - 0xDC00:02x} is not {encoding}"


def _is_ascii_based(encoding: str) -> bool:
    return "é,\n".encode(encoding, "replace").endswith(b",\n") and not encoding.lower().startswith(("utf-16", "utf-32"))
