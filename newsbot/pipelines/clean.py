"""Stage 200: brings text, dates, URLs and language into one form, so that the same thing is the same row."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from newsbot import values
from newsbot.enrichment import language
from newsbot.enrichment.text import clean_line, clean_text, plain_line, plain_text, shorten
from newsbot.enrichment.urls import canonical, of_entry
from newsbot.items import Field, Form, Item, fields_of, unpacked
from newsbot.logins import url_without_login
from newsbot.pipelines.outcomes import Rejected, cut
from newsbot.values import MAX_JSON, MAX_NAMES, MAX_URL

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

EARLIEST = datetime(1700, 1, 2, tzinfo=UTC)  # about the first newspapers; archives go back no further
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what many programs write for a missing date
MAX_SHARED = 10_000  # clean objects to remember
# A clock that is a day off must not cost the dates.
FUTURE = timedelta(days=2)


_SHARED: dict[int, tuple[Any, Any]] = {}  # by the id of the first: the object as it came, and clean
_TOO_LONG = f"is longer than {MAX_JSON} characters as JSON"
_WHOLE = re.compile(r"\.0[,}\]]")  # a number with another spelling
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class _How:
    """How to read the values of a spider's items."""

    zone: ZoneInfo  # of times without one
    line: Callable[[str], str]
    text: Callable[[str], str]


class CleanPipeline:
    """Cleans every item. An impossible value, such as a date in year 9999, is noted and left out."""

    def __init__(self, zone: str) -> None:
        self._marked = _How(ZoneInfo(zone), clean_line, clean_text)  # for texts that may be markup
        self._plain = replace(self._marked, line=plain_line, text=plain_text)

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Take the spider's `timezone` for dates without a zone, UTC by default."""
        return cls(getattr(crawler.spider, "timezone", None) or "UTC")

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """Each item, clean, or `Rejected`."""
        return [self.cleaned(item) for item in items]

    def check_again(self, item: Any) -> None:
        """Clean an item again after a user's stage. Raises `Rejected`.

        Its identity and its hash stay, unless the stage has removed or never set them.
        """
        self._clean_values(item)
        for name, derive in _derived(type(item)):
            if getattr(item, name) is None:
                derive(item)
        if item.content_hash is None:
            item.content_hash = _hash(item)

    def cleaned(self, item: Any) -> Any:
        """The item, clean, or `Rejected`."""
        try:
            self._clean_values(item)
            for _, derive in _derived(type(item)):
                derive(item)
        except Rejected as end:
            return end
        item.content_hash = _hash(item)
        return item

    def _clean_values(self, item: Any) -> None:
        how = self._plain if item.is_plain else self._marked
        item.is_plain = True
        if item.extra_json is not None and not _is_clean(item.extra_json):  # a reader's JSON
            unpacked(item)
        for name, field, clean in _cleaned(type(item)):
            value = getattr(item, name)
            if value is not None:
                setattr(item, name, clean(item, field, value, how))


@cache
def _cleaned(kind: type) -> tuple[tuple[str, Field, Callable[..., Any]], ...]:
    """The fields of a kind to clean, each with its function."""
    return tuple((field.name, field, _CLEANERS[field.form]) for field in fields_of(kind) if field.form in _CLEANERS)


@cache
def _derived(kind: type) -> tuple[tuple[str, Callable[[Any], None]], ...]:
    """The fields with values derived from clean ones, each with its function."""
    return tuple((field.name, _DERIVED[field.form]) for field in fields_of(kind) if field.form in _DERIVED)


def _hash(item: Item) -> str:
    return hashlib.blake2b(item.content().encode(), digest_size=16).hexdigest()


# --- Values: a function returns a clean value; it notes an impossible one on the item, or raises `Rejected` -----------


def _line(item: Item, field: Field, value: str, how: _How) -> str | None:
    line = how.line(value)
    if field.longest and len(line) > field.longest:
        line = shorten(line, field.longest)
    return line or _nothing(field)


def _text(item: Item, field: Field, value: str, how: _How) -> str | None:
    text = how.text(value)
    if field.longest and len(text) > field.longest:
        text = shorten(text, field.longest)
    return text or _nothing(field)


def _nothing(field: Field) -> None:
    if field.is_needed:
        raise Rejected(field.name, "has only white space and control characters")


def _lines(item: Item, field: Field, value: list[str], how: _How) -> list[str]:
    if not value:
        return value
    lines = filter(None, map(how.line, value))
    if field.longest:
        lines = (shorten(line, field.longest) for line in lines)
    return list(dict.fromkeys(lines))[:MAX_NAMES]


def _url(item: Item, field: Field, value: str, how: _How) -> str:
    return url_without_login(values.text(value))


def _link(item: Item, field: Field, value: str, how: _How) -> str | None:
    value = url_without_login(values.text(value))
    if len(value) <= MAX_URL and value.startswith(("https://", "http://")):
        return value
    reason = f"{cut(value)} is not an http(s) URL of at most {MAX_URL} characters"
    item.refused.append((field.name, reason, value))
    return None


def _time(item: Item, field: Field, value: datetime, how: _How) -> datetime:
    try:
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).astimezone(UTC)
    except OverflowError:
        raise Rejected(field.name, f"{value.isoformat()} is outside the calendar") from None


def _published(item: Item, field: Field, value: datetime, how: _How) -> datetime | None:
    try:
        published = (value.replace(tzinfo=how.zone) if value.tzinfo is None else value).astimezone(UTC)
    except OverflowError:  # the zone moves it out of the calendar
        published = datetime.min.replace(tzinfo=UTC)
    if EARLIEST <= published <= datetime.now(UTC) + FUTURE and published != EPOCH:
        return published
    given = value.isoformat()
    item.refused.append((field.name, f"{given} is not a plausible date of publication", given))
    return None


def _number(item: Item, field: Field, value: float, how: _How) -> float:
    return value + 0.0  # turns -0.0 into 0.0


def _json(item: Item, field: Field, value: Any, how: _How) -> Any:
    """The whole mapping, or its item is refused: nobody could notice a part that is left out."""
    value = values.as_json(value, _refuse, field.name)
    item.extra_json = _ENCODE(value)
    if len(item.extra_json) > MAX_JSON:
        raise Rejected(field.name, _TOO_LONG)
    return value


def _refuse(place: str, reason: str, value: Any) -> None:
    raise Rejected(place, reason)


def _extra(item: Item, field: Field, value: dict[str, Any], how: _How) -> dict[str, Any] | None:
    """Most mappings are clean already, as their JSON shows at once; newsbot hashes and stores that JSON."""
    try:
        item.extra_json = _ENCODE(value)
    except (TypeError, ValueError, RecursionError):
        item.extra_json = None
    if item.extra_json is None or not _is_clean(item.extra_json):
        value = _json_of(value, item, field.name)
        item.extra_json = _ENCODE(value)
    if len(item.extra_json) > MAX_JSON:
        item.refused.append((field.name, _TOO_LONG, item.extra_json))
        item.extra_json = None
        return None
    return value


def _is_clean(text: str) -> bool:
    """Whether JSON shows clean values: no escapes, no odd characters or numbers, not nested deep."""
    is_flat = text.count("{") + text.count("[") <= values.MAX_DEPTH
    if not is_flat or "\\" in text or (".0" in text and _WHOLE.search(text)):
        return False
    if text.isascii():  # JSON escapes all its control characters but this one
        return "\x7f" not in text
    return values.text(text) == text


def _json_of(value: Any, item: Item, place: str) -> Any:
    """A value as JSON can hold it; parts that are left out are noted on the item."""
    return values.as_json(value, lambda *left_out: item.refused.append(left_out), place)


def _shared(item: Item, field: Field, value: Any, how: _How) -> Any:
    """The clean object for all items that share the given one."""
    known, clean = _SHARED.get(id(value), (None, None))
    if known is value:
        return clean
    parts = fields_of(type(value))
    clean = replace(value, **{part.name: _part(getattr(value, part.name), item, field, part) for part in parts})
    for part in parts:
        if part.is_needed and not getattr(clean, part.name):
            given = cut(getattr(value, part.name))
            raise Rejected(field.name, f"{given} is not the {part.name} of a {type(value).__name__.lower()}")
    if len(_SHARED) >= MAX_SHARED:
        _SHARED.clear()
    _SHARED[id(value)] = value, clean
    return clean


def _part(value: Any, item: Item, field: Field, part: Field) -> Any:
    match value:
        case str():
            return values.text(value)
        case Mapping():
            return _json_of(dict(value), item, f"{field.name}.{part.name}")
    return value


_CLEANERS: dict[Form | None, Callable[..., Any]] = {
    Form.LINE: _line,
    Form.TEXT: _text,
    Form.LINES: _lines,
    Form.URL: _url,
    Form.LINK: _link,
    Form.TIME: _time,
    Form.PUBLISHED: _published,
    Form.NUMBER: _number,
    Form.JSON: _json,
    Form.EXTRA: _extra,
    Form.SHARED: _shared,
}


# --- Values derived from clean values ---------------------------------------------------------------------------------


def _clean_link(item: Any) -> None:
    """Set the canonical URL; of an entry also its own URL, in case others share its link."""
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
    """The canonical form of the URL that the page gives, else of the item's URL."""
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
    first, *more = _samples(type(item))
    declared, sample = language.primary(item.language), getattr(item, first) or ""
    if declared is None or not language.fits(sample, declared):
        texts = [sample, *(getattr(item, name) or "" for name in more)]
        declared = language.identify(" ".join(texts)) or declared
    item.language = declared


@cache
def _samples(kind: type) -> tuple[str, ...]:
    """The fields that show the language of an item."""
    return tuple(field.name for field in fields_of(kind) if field.form in (Form.LINE, Form.TEXT))[:2]


_DERIVED: dict[Form | None, Callable[[Any], None]] = {Form.CANONICAL: _clean_link, Form.LANGUAGE: _find_language}
