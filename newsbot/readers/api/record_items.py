"""From the records of an answer to items, and what is to be told of all of them."""

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

MOST_NAMED = 10  # of the records that did not come


def items_of(facts: Facts, rows: Iterable[Any], stream: Stream) -> Iterator[Item | Reject]:
    """The items of records, and what is refused of them."""
    met: dict[Hashable, Any] = {}
    for row in rows:
        try:
            if not isinstance(row, dict):
                raise RefusedRecordError(None, f"a record should be an object, and is {row!r:.80}")
            if _is_withdrawn(facts.api, row):
                continue
            if met.setdefault(facts.identity(row), row) != row:
                raise RefusedRecordError(None, "it came before in this answer with other values, which are kept")
            yield from facts.items(row, stream)
        except RefusedRecordError as error:
            yield _refused(facts.api, row, error.field, str(error))
        except PathError as error:  # a function of a path did not like a value
            yield _refused(facts.api, row, None, str(error))


def _refused(api: Api, row: Any, field: str | None, reason: str) -> Reject:
    return Reject(api.name, "record", None, field, reason, row if isinstance(row, dict) else {"record": row})


def _is_withdrawn(api: Api, row: Any) -> bool:
    return api.withdrawn is not None and bool(path(api.withdrawn)(row))


def look_through(facts: Facts, rows: Sequence[Any], stream: Stream) -> None:
    """Note in the stream what is to be told of the records as a whole."""
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
    """The keys of records, as they are stored."""
    key_of = path(known(api.record).key)
    for row in rows:
        with suppress(PathError, ValueTypeError):  # it is refused when it is mapped
            yield record_key(key_of(row))


def missing(stream: Stream) -> Iterator[str]:
    """What was asked for and did not come, though other things did: the service does not know it, or has none."""
    for name, found in stream.found.items():
        lacking = [each for each in stream.wanted[name] if each.casefold() not in found]
        if found and lacking:
            yield f"missing: nothing came of -a {name}={','.join(lacking)}"


def too_few(facts: Facts, stream: Stream) -> str | None:
    """What is wrong with the number of all records that came, as the service answers and something is missing."""
    least = facts.api.at_least
    if least is not None and stream.count < least:
        return f"{stream.count} records came, and {least} at least are expected"
    if gone := set(facts.stored) - stream.met:
        before, named = len(facts.stored), ", ".join(f"{key:.80}" for key in sorted(gone)[:MOST_NAMED])
        told = f"{len(gone)} of the {before} records of before did not come, as {named}; they stay"
        if 2 * len(gone) > before:
            return told
        stream.remarks[told] = None
    return None
