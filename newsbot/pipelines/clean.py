"""Stage 200: text, dates, URLs and language in one form, so that the same thing is the same row."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from newsbot.enrichment import language
from newsbot.enrichment.text import clean_line, clean_text, plain_line, plain_text, shorten, storable
from newsbot.enrichment.urls import canonical, of_entry
from newsbot.items import Field, Form, Item, fields_of, unpacked
from newsbot.logins import url_without_login
from newsbot.pipelines.outcomes import Rejected, cut
from newsbot.pipelines.validate import MAX_URL

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

MAX_LINES = 100  # in a list of them, as authors and keywords
EARLIEST = datetime(1700, 1, 2, tzinfo=UTC)  # archives go back to the first newspapers, not further
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what a program writes that has no date
MAX_SHARED = 10_000  # objects that are known as clean
# A clock that is a day off, here or there, must not cost the dates.
FUTURE = timedelta(days=2)


_SHARED: dict[int, tuple[Any, Any]] = {}  # by the id of the first, as it came and clean
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class _How:
    """How the values of a spider's items are read."""

    zone: ZoneInfo  # of times without one
    line: Callable[[str], str]
    text: Callable[[str], str]


class CleanPipeline:
    """Cleans every item. What can not be a value, as a date in year 9999, is noted and left out."""

    def __init__(self, zone: str) -> None:
        self._first = _How(ZoneInfo(zone), clean_line, clean_text)
        self._again = replace(self._first, line=plain_line, text=plain_text)

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Dates without a zone are read in the spider's `timezone`, if it has one."""
        return cls(getattr(crawler.spider, "timezone", None) or "UTC")

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """Each item, clean, or `Rejected`."""
        return [self.cleaned(item) for item in items]

    def check_again(self, item: Any) -> None:
        """Clean the values of an item that a stage of a user's had; what it is known by stays. Raises `Rejected`."""
        _clean_values(item, self._again)

    def cleaned(self, item: Any) -> Any:
        """The item, clean, or `Rejected`."""
        try:
            _clean_values(item, self._first)
            for derive in _derived(type(item)):
                derive(item)
        except Rejected as end:
            return end
        item.content_hash = hashlib.blake2b(item.content().encode(), digest_size=16).hexdigest()
        return item


def _clean_values(item: Any, how: _How) -> None:
    if item.extra_json is not None and not _is_clean(item.extra_json):  # as a reader gave it
        unpacked(item)
    for name, field, clean in _cleaned(type(item)):
        value = getattr(item, name)
        if value is not None:
            setattr(item, name, clean(item, field, value, how))


@cache
def _cleaned(kind: type) -> tuple[tuple[str, Field, Callable[..., Any]], ...]:
    """The fields of a kind whose values are cleaned, each with the function that does."""
    return tuple((field.name, field, _CLEANERS[field.form]) for field in fields_of(kind) if field.form in _CLEANERS)


@cache
def _derived(kind: type) -> tuple[Callable[[Any], None], ...]:
    """What derives values of an item from its clean ones."""
    return tuple(_DERIVED[field.form] for field in fields_of(kind) if field.form in _DERIVED)


# --- Values: a function gives a clean one; what can not be one is noted on the item, or raises `Rejected` -------------


def _line(item: Item, field: Field, value: str, how: _How) -> str | None:
    line = how.line(value)
    if field.longest and len(line) > field.longest:
        line = shorten(line, field.longest)
    return line or _nothing(field)


def _text(item: Item, field: Field, value: str, how: _How) -> str | None:
    return how.text(value) or _nothing(field)


def _nothing(field: Field) -> None:
    if field.is_needed:
        raise Rejected(field.name, "nothing is left of it but white space and control characters")


def _lines(item: Item, field: Field, value: list[str], how: _How) -> list[str]:
    return list(dict.fromkeys(filter(None, map(how.line, value))))[:MAX_LINES] if value else []


def _url(item: Item, field: Field, value: str, how: _How) -> str:
    return url_without_login(storable(value))


def _link(item: Item, field: Field, value: str, how: _How) -> str | None:
    value = url_without_login(storable(value))
    if len(value) <= MAX_URL and value.startswith(("https://", "http://")):
        return value
    reason = f"{cut(value)} is not an http(s) URL of {MAX_URL} characters at most"
    item.refused.append((field.name, reason, value))
    return None


def _time(item: Item, field: Field, value: datetime, how: _How) -> datetime:
    try:
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).astimezone(UTC)
    except OverflowError:
        raise Rejected(field.name, f"{value.isoformat()} is not in the calendar") from None


def _published(item: Item, field: Field, value: datetime, how: _How) -> datetime | None:
    try:
        published = (value.replace(tzinfo=how.zone) if value.tzinfo is None else value).astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar, in another zone
        published = datetime.min.replace(tzinfo=UTC)
    if EARLIEST <= published <= datetime.now(UTC) + FUTURE and published != EPOCH:
        return published
    given = value.isoformat()
    item.refused.append((field.name, f"{given} is not the date of a publication", given))
    return None


def _json(item: Item, field: Field, value: Any, how: _How) -> Any:
    return _plain(value, item, field.name)


def _extra(item: Item, field: Field, value: dict[str, Any], how: _How) -> dict[str, Any]:
    """Most are clean already, which their JSON shows at once; that is what is hashed and stored."""
    try:
        item.extra_json = _ENCODE(value)
    except (TypeError, ValueError):
        item.extra_json = None
    if item.extra_json is None or not _is_clean(item.extra_json):
        value = _plain(value, item, field.name)
        item.extra_json = _ENCODE(value)
    return value


def _is_clean(text: str) -> bool:
    """Whether all values of this JSON can be stored; where it has escapes, they may not."""
    return "\\" not in text and (text.isprintable() or storable(text) == text)


def _shared(item: Item, field: Field, value: Any, how: _How) -> Any:
    """The same clean object for all items that have the one that came."""
    known, clean = _SHARED.get(id(value), (None, None))
    if known is value:
        return clean
    parts = fields_of(type(value))
    clean = replace(value, **{part.name: _part(getattr(value, part.name), item, field, part) for part in parts})
    for part in parts:
        if part.is_needed and not getattr(clean, part.name):
            given = cut(getattr(value, part.name))
            raise Rejected(field.name, f"{given} is no {part.name} of a {type(value).__name__.lower()}")
    if len(_SHARED) >= MAX_SHARED:
        _SHARED.clear()
    _SHARED[id(value)] = value, clean
    return clean


def _part(value: Any, item: Item, field: Field, part: Field) -> Any:
    match value:
        case str():
            return storable(value)
        case Mapping():
            return _plain(dict(value), item, f"{field.name}.{part.name}")
    return value


_CLEANERS: dict[Form | None, Callable[..., Any]] = {
    Form.LINE: _line,
    Form.TEXT: _text,
    Form.LINES: _lines,
    Form.URL: _url,
    Form.LINK: _link,
    Form.TIME: _time,
    Form.PUBLISHED: _published,
    Form.JSON: _json,
    Form.EXTRA: _extra,
    Form.SHARED: _shared,
}


# --- What is derived from clean values --------------------------------------------------------------------------------


def _clean_link(item: Any) -> None:
    """Its canonical URL; of an entry also the one that it has where others share its link."""
    entry = item.entry
    if entry is None or entry.link is None or item.canonical_url != entry.link:
        item.canonical_url = _canonical(item)
    if max(len(item.canonical_url), len(item.url.encode())) > MAX_URL:
        raise Rejected("url", f"{cut(item.url)} is longer than {MAX_URL} bytes")
    item.link = item.canonical_url
    if entry is not None and entry.key is not None:
        item.entry_url = of_entry(item.link, entry.key)
        if entry.is_shared:
            item.canonical_url = item.entry_url


def _canonical(item: Any) -> str:
    """Of the canonical URL that its page gives, else of its URL."""
    if item.canonical_url:
        given = url_without_login(item.canonical_url)
        try:
            found = canonical(given)
            if len(found) <= MAX_URL:
                return found
            reason = f"{cut(found)} is longer than {MAX_URL} bytes"
        except ValueError as error:
            reason = str(error)
        item.refused.append(("canonical_url", reason, given))
    try:
        return canonical(item.url)
    except ValueError as error:
        raise Rejected("url", str(error)) from None


def _find_language(item: Any) -> None:
    texts = [getattr(item, name) or "" for name in _told_by(type(item))]
    declared = language.primary(item.language)
    is_right = declared is not None and language.fits(texts[0], declared)
    item.language = declared if is_right else language.identify(" ".join(texts)) or declared


@cache
def _told_by(kind: type) -> tuple[str, ...]:
    """The fields that the language of an item is told by."""
    return tuple(field.name for field in fields_of(kind) if field.form in (Form.LINE, Form.TEXT))[:2]


_DERIVED: dict[Form | None, Callable[[Any], None]] = {Form.CANONICAL: _clean_link, Form.LANGUAGE: _find_language}


def _plain(value: Any, item: Any, place: str) -> Any:
    """What JSON and Postgres can keep of a value; what is left out is noted on the item."""
    match value:
        case str():
            return storable(value)
        case None | bool() | int():
            return value
        case float():
            if value - value == 0:
                return value
            item.refused.append((place, f"{value} is no number that JSON has", str(value)))
            return None
        case dict():
            return {storable(str(key)): _plain(inner, item, f"{place}.{key}") for key, inner in value.items()}
        case list() | tuple() | set():
            return [_plain(inner, item, place) for inner in value]
        case date():
            return value.isoformat()
    return storable(str(value))
