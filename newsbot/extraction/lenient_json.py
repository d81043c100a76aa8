"""Reads JSON that is not quite valid: one title must not cost the whole answer.

The standard library alone reads valid JSON (RFC 8259). If it fails, faults with a plain meaning are mended (unknown
escapes, raw control characters, a comma behind the last member or none between two objects, stray bytes); a record of a
list that cannot be read even so is replaced by its own text, so that the others keep their positions and their number.
NaN and the infinities, which are not JSON, are numbers here. An answer that breaks off is never mended.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from json.decoder import JSONDecodeError
from typing import Any, NamedTuple

from newsbot.extraction import charsets

_STRING = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'  # to the end of the text where none closes it, so that a scan stays linear
_TOKEN = re.compile(rf"{_STRING}|,\s*(?=[\]}}])|}}\s*(?={{)", re.DOTALL)
_NESTING = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))|\\x([0-9A-Fa-f]{2})|\\(.?)', re.DOTALL)
# A pair of surrogates, or an escaped backslash, else a lone surrogate: it has no meaning and cannot be stored.
_HALF = re.compile(r"(\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\\\)|\\u[dD][89a-fA-F][0-9a-fA-F]{2}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\]|\\.)*")\s*:', re.DOTALL)
_BOUNDARY = re.compile(r"\}\s*(?=,?\s*(\{))")
_LIST_END = re.compile(r"\}\s*(?=\])")
_SPACE = re.compile(r"\s*")
_LARGEST = 100_000  # characters of a record that cannot be read
_MOST_ENDS = 20  # places that are tried as the end of a list whose last record cannot be read
_MOST_LISTS = 5  # of an answer that have such records
_MOST_BAD = 20_000  # unreadable records of a list: the text of each is kept
_PART = 4_096  # characters in which a record is looked for first: an error costs a look at all of them
_NEAR_THE_END = 10  # characters of a value that is cut off

_DECODER = json.JSONDecoder(strict=False)  # raw control characters within strings are taken as they are

ESCAPES = "its JSON has escapes that JSON does not have, which were read as what they stand for"
CONTROLS = "its JSON has raw control characters"
COMMAS = "its JSON has a comma behind the last member of a list or an object"
NO_COMMAS = "its JSON lacks a comma between two objects"
BYTES = "its JSON has bytes that are not UTF-8, which were read as another charset"
HALVES = "its JSON has halves of characters, which were left out"
RECORDS = "some of its records are not valid JSON and cannot be read: they are among the rejects"


class Answer(NamedTuple):
    """The data of an answer, and the faults of its JSON: each of the remarks above once."""

    data: Any
    remarks: tuple[str, ...] = ()


def read(raw: bytes, charset: str | None = None, language: str | None = None) -> Answer:
    """The data of JSON in any encoding; `charset`, from `charsets.in_header`, and the language of its texts (ISO 639,
    two letters) help if it is not UTF-8.

    Raises ValueError: UnicodeDecodeError if it is not even text, else JSONDecodeError. Also RecursionError.
    """
    raw = charsets.narrow(raw)
    try:
        return parse(raw.decode())
    except UnicodeDecodeError as error:
        not_utf8 = error
    try:
        data, remarks = parse(charsets.decode(raw, [charset], language))
    except JSONDecodeError:
        raise not_utf8 from None
    said = charset not in (None, "utf-8") and charsets.as_utf8(raw) is None
    return Answer(data, remarks if said else (BYTES, *remarks))


def parse(text: str) -> Answer:
    """The data of JSON. Raises JSONDecodeError and RecursionError."""
    remarks = []
    if "\\ud" in text or "\\uD" in text:
        whole = _HALF.sub(r"\1", text)
        remarks += [HALVES] if whole != text else []
        text = whole
    try:
        return Answer(json.loads(text), tuple(remarks))
    except JSONDecodeError as error:
        first = error
    mended, wrong = _mended(text)
    try:
        return Answer(_DECODER.decode(mended), (*remarks, *wrong))
    except JSONDecodeError:
        pass
    try:
        text, wrong = _without_bad_records(text, first)
    except JSONDecodeError:
        raise first from None
    return Answer(_DECODER.decode(text), (*remarks, *wrong))


def _mended(text: str) -> tuple[str, list[str]]:
    """The text with valid strings and commas, and the remarks on its faults."""
    wrong: dict[str, None] = {}

    def escape(match: re.Match[str]) -> str:
        valid, code, other = match.groups()
        if valid:
            return valid
        wrong[ESCAPES] = None
        if code:
            return rf"\u00{code}"
        # As other languages write a quote or a sign; a backslash before anything else is one.
        is_sign = other.isascii() and other.isprintable() and not other.isalnum() and other != " "
        return other if is_sign else rf"\\{other}"

    def token(match: re.Match[str]) -> str:
        found = match[0]
        if found.startswith(","):
            wrong[COMMAS] = None
            return ""
        if found.startswith("}"):
            wrong[NO_COMMAS] = None
            return "},"
        if _CONTROL.search(found):
            wrong[CONTROLS] = None
        return _ESCAPE.sub(escape, found) if "\\" in found else found

    return _TOKEN.sub(token, text), list(wrong)


def _without_bad_records(text: str, error: JSONDecodeError) -> tuple[str, list[str]]:
    """The text with each bad record of a list replaced by a string that holds it. Raises the error if that fails."""
    wrong: dict[str, None] = {}
    for _ in range(_MOST_LISTS):
        start = _list_around(text, error.pos)
        if start is None:
            raise error
        before, (records, place, is_over) = error, _records(text, start, wrong)
        for end in [place] if is_over else _ends(text, place):
            last = [] if is_over else [_record(text[place:end], wrong)]
            mended = f"{text[:start]}{','.join([*records, *last])}{text[end:]}"
            try:
                _DECODER.decode(mended)
                return mended, list(wrong)
            except JSONDecodeError as next_error:
                error = next_error
        if not is_over or error.pos <= before.pos:
            raise before
        text = mended
    raise error


def _list_around(text: str, place: int) -> int | None:
    """The start, behind its bracket, of the outermost list of objects around a position; None without such a list."""
    opened: list[re.Match[str]] = []
    closed: re.Match[str] | None = None  # the last one, while nothing was opened behind it
    for match in _NESTING.finditer(text, 0, place):
        if match[0] in "[{":
            opened.append(match)
            closed = None
        elif match[0] in "]}" and opened:
            closed = opened.pop()
    if opened and closed and closed[0] == "{":  # it lies between two objects
        opened.append(closed)
    return next((one.end() for one, two in pairwise(opened) if (one[0], two[0]) == ("[", "{")), None)


def _records(text: str, start: int, wrong: dict[str, None]) -> tuple[list[str], int, bool]:
    """The texts of the records of a list, its end, and True; or, if it has no end, the start of its last record and
    False."""
    records: list[str] = []
    known: set[str] = set()
    place, bad = start, 0
    while True:
        place = _SPACE.match(text, place).end()
        try:
            record, end = _decoded(text, place)
            known = known or (set(record) if isinstance(record, dict) else set())
            records.append(text[place:end])
        except JSONDecodeError as error:
            bad += 1
            if bad > _MOST_BAD or error.pos >= len(error.doc.rstrip()):  # nothing is wrong but that it breaks off
                raise
            end = _next_record(text, place, known)
            if end is None:
                return records, place, False
            records.append(_record(text[place:end], wrong))
        end = _SPACE.match(text, end).end()
        if text[end : end + 1] == "{":
            wrong[NO_COMMAS] = None
        elif text[end : end + 1] != ",":
            return records, end, True
        else:
            end += 1
        place = end


def _decoded(text: str, place: int) -> tuple[Any, int]:
    """The value that begins at a position, and its end. Raises JSONDecodeError, of a part of the text.

    An error counts the lines before it, so bad records in a whole text would take time by its square.
    """
    size = _PART
    while True:
        part = text[place : place + size]
        is_cut = place + size < len(text)
        try:
            value, end = _DECODER.raw_decode(part)
            if end < len(part) or not is_cut:
                return value, place + end
        except JSONDecodeError as error:
            is_near = error.pos >= len(part) - _NEAR_THE_END or error.msg.startswith("Unterminated string")
            if not (is_cut and is_near):
                raise
        size *= 2


def _record(text: str, wrong: dict[str, None]) -> str:
    """The text of a record, mended, or as a string if mending fails. Raises the error of a huge record."""
    mended, remarks = _mended(text)
    try:
        _DECODER.decode(mended)
    except JSONDecodeError:
        if len(text) > _LARGEST:  # more than one record
            raise
        wrong[RECORDS] = None
        return json.dumps(text)
    wrong.update(dict.fromkeys(remarks))
    return mended


def _next_record(text: str, place: int, known: set[str]) -> int | None:
    """The position of the comma behind a bad record: before an object with most keys of a good one, or its first."""
    first = _first_key(text, place)
    for match in _BOUNDARY.finditer(text, place):
        same = first is not None and first == _first_key(text, match.start(1))
        try:
            record, _ = _decoded(text, match.start(1))
            same = 2 * len(known & set(record)) >= len(known) if known else same
        except JSONDecodeError:  # bad as well
            pass
        if same:
            return match.end()
    return None


def _first_key(text: str, place: int) -> str | None:
    found = _FIRST_KEY.match(text, place)
    return found and found[1]


def _ends(text: str, place: int) -> Iterator[int]:
    """The possible ends of the list around a position."""
    return (match.end() for match in islice(_LIST_END.finditer(text, place), _MOST_ENDS))
