"""Turns the records of an answer into items, and reports on the records as a whole."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from newsbot.batch import Reject
from newsbot.extraction.conversions import ValueTypeError
from newsbot.extraction.paths import PathError, path
from newsbot.items import Item
from newsbot.readers.api.chains import known
from newsbot.readers.api.facts import Facts
from newsbot.readers.api.mapping import RefusedRecordError, record_key
from newsbot.readers.api.streams import Stream
from newsbot.sources.api import Api

MOST_NAMED = 10  # missing records that a message names


def items_of(facts: Facts, rows: Iterable[Any], stream: Stream) -> Iterator[Item | Reject]:
    """The items of records, and the rejects."""
    met: dict[Hashable, Any] = {}
    for row in rows:
        try:
            if not isinstance(row, dict):
                raise RefusedRecordError(None, f"expected an object as the record, got {row!r:.80}")
            if _is_withdrawn(facts.api, row):
                continue
            if met.setdefault(facts.identity(row), row) != row:
                raise RefusedRecordError(None, "it came before in this answer with other values, which are kept")
            yield from facts.items(row, stream)
        except RefusedRecordError as error:
            yield _refused(facts.api, row, error.field, str(error))
        except PathError as error:  # a function of a path got an unsuitable value
            yield _refused(facts.api, row, None, str(error))


def _refused(api: Api, row: Any, field: str | None, reason: str) -> Reject:
    return Reject(api.name, "record", None, field, reason, row if isinstance(row, dict) else {"record": row})


def _is_withdrawn(api: Api, row: Any) -> bool:
    return api.withdrawn is not None and bool(path(api.withdrawn)(row))


def look_through(facts: Facts, rows: Sequence[Any], stream: Stream) -> None:
    """Note in the stream the facts for the reports on the records as a whole."""
    stream.count += len(rows)
    if facts.stored:
        stream.met.update(_keys(facts.api, rows))
    rows = [row for row in rows if isinstance(row, dict)]
    for row in rows if facts.api.withdrawn else ():
        with suppress(PathError):  # it is refused when it is mapped
            stream.withdrawn += _is_withdrawn(facts.api, row)
    for name in stream.wanted:
        found = map(path(facts.api.arguments[name].found), rows)
        values = (value for each in found for value in (each if isinstance(each, list) else [each]))
        stream.found.setdefault(name, set()).update(str(value).casefold() for value in values)


def _keys(api: Api, rows: Iterable[Any]) -> Iterator[str]:
    """The keys of records, as stored."""
    key_of = path(known(api.record).key)
    for row in rows:
        with suppress(PathError, ValueTypeError):  # it is refused when it is mapped
            yield record_key(key_of(row))


def missing(stream: Stream) -> Iterator[str]:
    """The requested values that did not come, although others did: the service does not know them, or has no data."""
    for name, found in stream.found.items():
        lacking = [each for each in stream.wanted[name] if each.casefold() not in found]
        if found and lacking:
            yield f"missing: nothing came of -a {name}={','.join(lacking)}"


def too_few(facts: Facts, stream: Stream) -> str | None:
    """The error if too few records came, although the service answers; None if enough came."""
    least = facts.api.at_least
    if least is not None and stream.count < least:
        return f"expected at least {least} records, got {stream.count}"
    if gone := set(facts.stored) - stream.met:
        before, named = len(facts.stored), ", ".join(f"{key:.80}" for key in sorted(gone)[:MOST_NAMED])
        problem = f"{len(gone)} of the {before} former records did not come, as {named}; they stay"
        if 2 * len(gone) > before:
            return problem
        stream.remarks[problem] = None
    return None
