"""Chains of pages: plans what a run reads, cuts its period into slices, and moves the cursor.

Pure functions of the declaration. A chain is read from its first page to its last, one chain after the other.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from operator import ge, lt
from typing import Any, TypeVar

from newsbot.extraction.conversions import ValueTypeError, moment
from newsbot.extraction.paths import PathError, path
from newsbot.readers.api import paging
from newsbot.readers.api.paging import Page
from newsbot.sources.api import Api, LinkedPages, Slices

HOUR, DAY = 3_600, 86_400  # seconds, for declarations
SECOND = timedelta(seconds=1)
MAX_ID = 4_000  # characters of an id or token that becomes the cursor
FUTURE = timedelta(hours=1)  # by which clocks may differ
MAX_SHOWN = 200  # characters of a cursor that cannot be read


_T = TypeVar("_T")


@dataclass(slots=True, frozen=True)
class Chain:
    """Pages that belong together: the new records, a part of the past, or a slice of either."""

    since: datetime | None
    until: datetime
    moves: bool = True  # whether the cursor follows; not for -a since= and -a until=
    is_past: bool = False  # before the read period: read from its end on, so that the read period has no gaps
    span: tuple[datetime, datetime] | None = None  # this is a slice of it
    covers: datetime | None = None  # the end of the chain with its parts that were read before, if not `until`
    page: Page = field(default_factory=Page)
    newest: Any = None  # time, id or token of the records so far
    oldest: datetime | None = None
    count: int = 0  # records so far
    is_incomplete: bool = False  # has more hits than the API gives, which is reported already
    depth: int = 0  # pages that were read before its token expired
    restarts: int = 0  # without progress


class CursorError(ValueError):
    """A stored cursor that is not valid."""


def known(value: _T | None) -> _T:
    """A value that cannot be None by the declaration, such as the beginning of a slice."""
    if value is None:
        raise TypeError("a chain of time has a beginning, a slice a span, and a cursor is declared")
    return value


def planned(api: Api, cursor: Mapping[str, Any], given: Mapping[str, Any], now: datetime) -> list[Chain]:
    """The chains to read: the new records and, with `backfill`, the unread past."""
    declared, back = api.cursor, given.get("backfill")
    first = timedelta(seconds=declared.first if declared else DAY)
    reach = now - timedelta(seconds=declared.reach) if declared and declared.reach is not None else None
    if given.get("since") or given.get("until"):
        until = given.get("until") or now
        return [_whole(api, given.get("since") or until - first, until, moves=False)]
    if declared is None or declared.by != "time":
        return [_whole(api, None, now)]
    if cursor:
        read, since = (datetime.fromisoformat(cursor[name]) for name in ("since", "until"))
        if read < since:  # else a first run failed, and no read record could have changed
            since = min(since, now) - _overlap(api)
    else:  # in one chain, if it is not cut into slices
        read = since = now - (max(first, back or first) if api.slices is None else first)
    since = max(since, reach or since)
    chains = [_whole(api, since, now)]
    begin = back and max(now - back, reach or now - back)
    if begin and begin < read:
        chains.append(_whole(api, begin, read, is_past=True))
    return chains


def readable(api: Api, cursor: Any, now: datetime) -> dict[str, Any]:
    """A stored cursor; a cursor in the future becomes that of a first run. Raises `CursorError`."""
    declared = api.cursor
    if declared is None or cursor == {}:
        return {}
    try:
        if declared.by != "time":
            if not _is_id(cursor["value"]):
                raise ValueError(cursor["value"])
            return dict(cursor)
        since, until = (datetime.fromisoformat(cursor[name]).astimezone(UTC) for name in ("since", "until"))
        if since > until:
            raise ValueError(since)
    except (KeyError, TypeError, ValueError, OverflowError):
        expected = f"the {declared.by} of last time" if declared.by != "time" else "a time since and a later one until"
        raise CursorError(f"{json.dumps(cursor)[:MAX_SHOWN]} is stored; expected {expected}") from None
    if until - now <= FUTURE:
        return dict(cursor)
    begin = now - timedelta(seconds=declared.first)
    return {"since": min(since, begin).isoformat(), "until": begin.isoformat()}


def begun(chain: Chain) -> dict[str, Any]:
    """The cursor at the beginning of a first chain; stored before the first request, which may fail."""
    if not chain.moves or chain.since is None:
        return {}
    return {"since": chain.since.isoformat(), "until": chain.since.isoformat()}


def _whole(api: Api, since: datetime | None, until: datetime, **options: Any) -> Chain:
    chain = Chain(since=since, until=until, page=paging.first(api.pages), **options)
    if api.slices is None or since is None:
        return chain
    return _slice(api, chain, (since, until), timedelta(seconds=api.slices.longest))


def _slice(api: Api, chain: Chain, span: tuple[datetime, datetime], length: timedelta) -> Chain:
    """The first slice of a span; of the past, the last one."""
    first, last = span
    since, until = (max(first, last - length), last) if chain.is_past else (first, min(last, first + length))
    return Chain(since, until, chain.moves, chain.is_past, span, page=paging.first(api.pages))


def halved(api: Api, chain: Chain) -> Chain | None:
    """The first half of a slice that has too many hits; None for a slice of the shortest length."""
    slices, span, since = known(api.slices), known(chain.span), known(chain.since)
    length, shortest = chain.until - since, timedelta(seconds=slices.shortest)
    if length <= shortest:
        return None
    return _slice(api, chain, span, max(shortest, timedelta(seconds=length // (2 * SECOND))))


def next_slice(api: Api, chain: Chain) -> Chain | None:
    """The slice after a read one; None after the last."""
    if chain.span is None:
        return None
    (first, last), until, slices = chain.span, chain.covers or chain.until, known(api.slices)
    since = known(chain.since)
    rest = (first, since) if chain.is_past else (until, last)
    if rest[0] >= rest[1]:
        return None
    length = until - since
    if _has_room(slices, chain):  # after a halved slice, the next may be longer again
        length = min(2 * length, timedelta(seconds=slices.longest))
    return _slice(api, chain, rest, length)


def _has_room(slices: Slices, chain: Chain) -> bool:
    return slices.cap is None or chain.count < slices.cap / 2


def seen(api: Api, chain: Chain, data: Any, rows: Sequence[Any]) -> Chain:
    """The chain with its newest and oldest record so far; `data` is the answer with the rows."""
    chain, cursor = replace(chain, count=chain.count + len(rows)), api.cursor
    if cursor is None:
        return chain
    if cursor.by == "token":
        token = _found(path(cursor.path), data)
        return replace(chain, newest=token if token and _is_id(token) else chain.newest)
    values = list(_values(cursor.path, rows))
    if cursor.by == "id":
        return replace(chain, newest=max([*_ids(cursor.path, rows), *_there(chain.newest)], key=_order, default=None))
    times = [time for value in values if (time := _time(value, api.timezone))]
    if cursor.at == "newest" or cursor.oldest_first:  # a time in the future would move it past records to come
        times = [time for time in times if time <= (chain.covers or chain.until)]
    return replace(
        chain,
        newest=max([*times, *_there(chain.newest)], default=None),
        oldest=min([*times, *_there(chain.oldest)], default=None),
    )


def _values(where: str, rows: Sequence[Any]) -> Iterator[Any]:
    get = path(where)
    for row in rows:
        value = _found(get, row) if isinstance(row, dict) else None
        if value is not None:
            yield value


def _found(get: Callable[[Any], Any], data: Any) -> Any:
    with suppress(PathError):  # one bad record must not cost the records behind it
        return get(data)
    return None


def _ids(where: str, rows: Sequence[Any]) -> list[Any]:
    """The ids of the rows; if most are numbers, only these, because another id is not of their kind."""
    found = [value for value in _values(where, rows) if _is_id(value)]
    numbers = [value for value in found if _is_number(value)]
    return numbers if 2 * len(numbers) > len(found) else found


def _is_id(value: Any) -> bool:
    """Whether a value can be a cursor, which is stored and sent by the next run."""
    return isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= MAX_ID


def disorder(api: Api, rows: Sequence[Any]) -> str | None:
    """The error if the records of a page do not come oldest first, although each page moves the cursor.

    A disorder within the overlap does no harm.
    """
    cursor, late = known(api.cursor), None
    values = list(_values(cursor.path, rows))
    places: Sequence[Any]
    if cursor.by == "id":
        places = [_order(value) for value in values if _is_id(value)]
    else:
        places = [time for value in values if (time := _time(value, api.timezone))]
        newest = accumulate(places, max)
        late = next((time for time, last in zip(places, newest, strict=True) if last - time > _overlap(api)), None)
    falls = sum(one > other for one, other in pairwise(places))
    if late is None and (len(places) < 3 or 2 * falls < len(places)):
        return None
    return (
        "expected records oldest first, got another order: without cursor.oldest_first the last page moves the cursor"
    )


def _overlap(api: Api) -> timedelta:
    return timedelta(seconds=known(api.cursor).overlap)


def _there(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _time(value: Any, zone: str | None) -> datetime | None:
    try:
        found = moment(value, zone)
        return found and found.astimezone(UTC)
    except (ValueTypeError, OverflowError):  # the item is refused, or goes without a date
        return None


def _is_number(value: Any) -> bool:
    return str(value).removeprefix("-").isdecimal()


def _order(value: Any) -> tuple[int, int, str]:
    """The sort key of an id: the longer id is the later, which holds for numbers, as text too, for growing ids of
    digits and letters (base 36), and for ids of one length (ULID, UUIDv7)."""
    text = str(value)
    if text.startswith("-") and _is_number(text):
        return 0, int(text), ""
    text = text.lstrip("0")
    return 1, len(text), text


def is_before(api: Api, chain: Chain, data: Any, rows: Sequence[Any], known: Any = None) -> bool:
    """Whether the records after a page are older than the chain, or than the id `known`: pages go from new to old.

    If the request names the period, the API ends the pages itself, except with links to the next page, which may lack
    the period.
    """
    declared = api.cursor
    if declared is None or declared.oldest_first:
        return False
    if declared.by == "id":
        return chain.moves and known is not None and _reaches(_ids(declared.path, rows), known, chain.newest)
    if declared.by != "time" or chain.since is None:
        return False
    newest = seen(api, Chain(None, chain.until), data, rows).newest
    if newest is None or newest >= chain.since:
        return False
    return "since" not in api.placed or isinstance(api.pages, LinkedPages)


def _reaches(ids: Sequence[Any], known: Any, newest: Any) -> bool:
    """Whether a page of ids from new to old ends at the known id or behind it; without this order, whether all ids do.

    If ids rise, the pages may go from old to new, with new records last, unless a page before was newer.
    """
    places = list(map(_order, ids))
    falls, rises = (all(map(in_order, places, places[1:])) for in_order in (ge, lt))
    if not places or (rises and not falls and (newest is None or _order(newest) <= max(places))):
        return False
    return (min(places) if falls else max(places)) <= _order(known)


def moves_by_page(api: Api, chain: Chain) -> bool:
    """Whether the cursor moves within a chain: only the last page of the past is next to the read period."""
    return api.cursor is not None and api.cursor.oldest_first and not chain.is_past


def moved(api: Api, cursor: Mapping[str, Any], chain: Chain, *, is_over: bool) -> dict[str, Any]:
    """The cursor behind a page of this chain, the last page if `is_over`; unchanged if it stays."""
    declared = api.cursor
    if declared is None or not chain.moves:
        return dict(cursor)
    if declared.by != "time":
        if chain.newest is None:
            return dict(cursor)
        newest = chain.newest
        if declared.by == "id":  # records that are read again must not move it back
            newest = max([newest, *_there(cursor.get("value"))], key=_order)
        return {**cursor, "value": newest}
    value = dict(cursor) or begun(chain)
    if chain.is_past:
        value["since"] = known(chain.since).isoformat()
        return value
    end = chain.covers or chain.until
    if declared.at == "newest":  # but it does not stay for ever if nothing comes
        until = max(min(chain.newest or known(chain.since), end), end - timedelta(seconds=declared.first))
    elif is_over and "until" in api.placed:  # everything up to there is read
        until = end
    else:
        until = min(chain.newest or known(chain.since), end)
    value["until"] = max(until, datetime.fromisoformat(value["until"])).isoformat()
    return value


def restarted(api: Api, chain: Chain) -> Chain:
    """The chain from its beginning, without its read part if the API can be asked for the rest alone."""
    begun = replace(chain, page=paging.first(api.pages), depth=max(chain.depth, chain.page.depth))
    cursor = api.cursor
    if cursor is not None and cursor.by == "time" and api.placed >= {"since", "until"}:
        if cursor.oldest_first and chain.newest is not None:
            begun = replace(begun, since=min(max(known(chain.since), chain.newest), chain.until))
        elif not cursor.oldest_first and chain.oldest is not None:
            until = min(chain.until, chain.oldest + SECOND)
            begun = replace(begun, until=until, covers=chain.covers or chain.until)
    further = (begun.since, begun.until) != (chain.since, chain.until) or chain.page.depth > chain.depth
    return replace(begun, restarts=0 if further else chain.restarts + 1)
