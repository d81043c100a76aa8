"""Turns a record of an API into an item, by the declaration."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from newsbot.extraction.conversions import ValueTypeError, converter, moment, number
from newsbot.extraction.markup import plain
from newsbot.extraction.paths import PathError, path
from newsbot.items import Article, Item, Observation, Rank, Record, Series
from newsbot.sources.api import EXTRA, Api, Column, ObservationFields, RecordFields
from newsbot.values import MAX_SUMMARY, MAX_TEXT, MAX_TITLE, key, resolved

# Characters that are read: one more than is stored, to show that something was cut.
_LONGEST = {"title": MAX_TITLE + 1, "summary": MAX_SUMMARY + 1, "text": MAX_TEXT + 1}

_TEXTS = {"url", "title", "summary", "text", "image_url", "language", "section"}

_AS_TEXT = converter("text")

Mapper = Callable[[Mapping[str, Any]], Item]


class RefusedRecordError(ValueError):
    """A record that makes no item; has the field and the reason."""

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def mapper(api: Api) -> Mapper:
    """The function that turns a record into an item. It raises `RefusedRecordError`."""
    if api.article is not None:
        return _articles(api, api.article)
    if api.observation is not None:
        return _observations(api, api.observation)
    if api.record is not None:
        return _records(api, api.record)
    raise _nothing_of(api)


def _nothing_of(api: Api) -> ValueError:
    return ValueError(f"{api.name} makes nothing of a record; expected article, observation or record")


def identity(api: Api) -> Callable[[Any], Hashable]:
    """The function that returns the identity of a record, which stays when other values change."""
    if api.article is not None:
        wheres = [api.article.get("external_id") or api.article["url"]]
    elif api.observation is not None:
        wheres = [api.observation.series, api.observation.time]
    elif api.record is not None:
        wheres = [api.record.key]
    else:
        raise _nothing_of(api)
    getters = [path(where) for where in wheres]
    if api.observation is not None:  # 2025Q1 and 2025-01 are the same time
        time_of = getters[1]
        getters[1] = lambda record: _one_time(time_of(record), api.timezone)

    def identify(record: Any) -> Hashable:
        try:
            found = [get(record) for get in getters]
        except PathError:  # it is refused when it is mapped
            return repr(record)
        return repr(record if None in found else found)

    return identify


def _one_time(value: Any, zone: str | None) -> Any:
    try:
        return moment(value, zone)
    except ValueTypeError:  # it is refused when it is mapped
        return value


def _articles(api: Api, declared: Mapping[str, str]) -> Mapper:
    rank = Rank[api.rank.upper()]
    getters = [(name, _value(where)) for name, where in declared.items() if not name.startswith(EXTRA)]
    extras = [(name.removeprefix(EXTRA), _value(where)) for name, where in declared.items() if name.startswith(EXTRA)]

    def article(record: Mapping[str, Any]) -> Article:
        values = {name: get(record) for name, get in getters}
        given = values.get("published_at")
        refuse: list[tuple[str, str, Any]] = []
        try:
            values["published_at"] = moment(given, api.timezone)
        except ValueTypeError as error:
            refuse.append(("published_at", str(error), given))
            values["published_at"] = None
        for name in _TEXTS & values.keys():
            if values[name] is False or values[name] in ([], {}):
                values[name] = None  # how PHP writes a missing value
            elif name not in ("url", "title") and not isinstance(values[name], str | None):
                refuse.append((name, f"{values[name]!r:.80} is not a text", values[name]))
                values[name] = None
        for name, longest in _LONGEST.items():
            if isinstance(values.get(name), str):
                values[name] = plain(values[name], longest)
        for name in ("authors", "keywords"):
            values[name] = list(map(resolved, _names(values.get(name))))
        if values.get("section"):
            values["section"] = resolved(values["section"])
        external_id = values.get("external_id")
        values["external_id"] = external_id if external_id is None else str(external_id)
        values["language"] = values.get("language") or api.language
        item = Article(source_id=api.name, origin=api.name, rank=rank, **{"url": "", "title": ""} | values)
        if extras:
            found = ((name, get(record)) for name, get in extras)
            item.extra = {name: value for name, value in found if value is not None} or None
        item.refused += refuse
        item.is_plain = True
        return item

    return article


def _value(where: str) -> Callable[[Any], Any]:
    """The function that gets a value of a record; None for a blank text, because many APIs write nothing so."""
    get = path(where)

    def found(record: Any) -> Any:
        value = get(record)
        return None if isinstance(value, str) and not value.strip() else value

    return found


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value] if value.strip() else []
    return [str(name) for name in value if name is not None] if isinstance(value, list) else [str(value)]


def _observations(api: Api, declared: ObservationFields) -> Mapper:
    name_of, time_of, value_of = _value(declared.series), _value(declared.time), _value(declared.value)
    unit_of, frequency_of = _value(declared.unit or "null"), _value(declared.frequency or "null")
    more = {name: _value(where) for name, where in declared.metadata.items()}
    known: dict[str, Series] = {}

    def observation(record: Mapping[str, Any]) -> Observation:
        name, given = name_of(record), time_of(record)
        if not isinstance(name, str) or not name:
            raise RefusedRecordError("series", f"{name!r} is not a name of a series")
        series = known.get(name)
        if series is None:
            metadata = {key: get(record) for key, get in more.items()}
            unit, frequency = unit_of(record), frequency_of(record)
            series = known[name] = Series(name=name, unit=unit, frequency=frequency, metadata=metadata)
        time = _read("time", lambda: moment(given, api.timezone))
        value = _read("value", lambda: number(value_of(record)))
        if time is None:
            raise RefusedRecordError("time", "is missing")
        return Observation(series=series, time=time, value=value, source_id=api.name)

    return observation


def _read(field: str, get: Callable[[], Any]) -> Any:
    try:
        return get()
    except ValueTypeError as error:
        raise RefusedRecordError(field, str(error)) from None


def _records(api: Api, declared: RecordFields) -> Mapper:
    key_of, url_of = _value(declared.key), _value(declared.url or "null")
    getters = [
        (name, column, _value(column.source or name), converter(column.type))
        for name, column in declared.columns.items()
    ]

    def record(given: Mapping[str, Any]) -> Record:
        found = key_of(given)
        if found is None or isinstance(found, dict | list):
            raise RefusedRecordError("key", f"{found!r} is not a key")
        stored = _read("key", lambda: record_key(found))
        item = Record(dataset=declared.dataset, key=stored, data={}, source_id=api.name, url=url_of(given))
        item.data = {name: _typed(item, name, column, get(given), convert) for name, column, get, convert in getters}
        if not getters:
            item.data = dict(given)
        return item

    return record


def record_key(value: Any) -> str:
    """The key of a record, as stored. Raises `ValueTypeError` for a number of too many digits."""
    return key(_AS_TEXT(value) or "")


def _typed(item: Record, name: str, column: Column, value: Any, convert: Callable[[Any], Any]) -> Any:
    try:
        found = convert(value)
    except ValueTypeError as error:
        if column.required:
            raise RefusedRecordError(name, str(error)) from None
        item.refused.append((name, str(error), value))
        return None
    if found is None and column.required:
        raise RefusedRecordError(name, "is missing")
    return found
