"""Stage 200: text, dates, URLs and language in one form, so that the same thing is the same row."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from newsbot import items, values
from newsbot.enrichment import language
from newsbot.enrichment.text import clean_line, clean_text, plain_line, plain_text, shorten
from newsbot.enrichment.urls import canonical, of_entry
from newsbot.items import Article, Observation, Record, Removal, Series
from newsbot.logins import url_without_login
from newsbot.pipelines.outcomes import Rejected, cut
from newsbot.values import MAX_JSON, MAX_NAME, MAX_NAMES, MAX_SUMMARY, MAX_TEXT, MAX_TITLE, MAX_URL

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

EARLIEST = datetime(1700, 1, 2, tzinfo=UTC)  # archives go back to the first newspapers, not further
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what a program writes that has no date
MAX_SERIES = 10_000  # that are known as clean
# A clock that is a day off, here or there, must not cost the dates.
FUTURE = timedelta(days=2)


_SERIES: dict[int, tuple[Series, Series]] = {}  # by the id of the first, as it came and clean
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode
_WHOLE = re.compile(r"\.0[,}\]]")  # a number that has another spelling
_TOO_LONG = f"is longer than {MAX_JSON} characters as JSON"


class CleanPipeline:
    """Cleans every article. What can not be a value, as a date in year 9999, is noted and left out."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Dates without a zone are read in the spider's `timezone`, if it has one."""
        return cls(getattr(crawler.spider, "timezone", None) or "UTC")

    async def process_batch(self, items: list[Any]) -> list[Any]:
        """Each item, clean, or `Rejected`."""
        return [self.cleaned(item) for item in items]

    def check_again(self, item: Any) -> None:
        """Clean the values of an item that a stage of a user's had; what it is known by stays. Raises `Rejected`."""
        self._clean_values(item)

    def cleaned(self, item: Any) -> Any:
        """The item, clean, or `Rejected`."""
        try:
            self._clean_values(item)
            if isinstance(item, Article):
                _clean_link(item)
                item.language = _language(item)
            item.content_hash = _HASHES[items.kind(item)](item)
        except Rejected as end:
            return end
        return item

    def _clean_values(self, item: Any) -> None:
        if not isinstance(item, Article):
            _CLEANERS[items.kind(item)](item)
            return
        line, text = (plain_line, plain_text) if item.is_plain else (clean_line, clean_text)
        item.is_plain = True
        item.title = shorten(line(item.title), MAX_TITLE)
        if not item.title:
            raise Rejected("title", "nothing is left of it but white space and control characters")
        item.url = url_without_login(values.text(item.url))
        if item.summary is not None:
            item.summary = shorten(line(item.summary), MAX_SUMMARY) or None
        if item.text is not None:
            item.text = shorten(text(item.text), MAX_TEXT) or None
        if item.section is not None:
            item.section = shorten(line(item.section), MAX_NAME) or None
        item.authors = _names(item.authors, line)
        item.keywords = _names(item.keywords, line)
        if item.image_url is not None:
            self._clean_image(item)
        self._clean_date(item)
        if item.extra is not None or item.extra_json is not None:
            _clean_extra(item)

    def _clean_image(self, item: Article) -> None:
        item.image_url = url_without_login(values.text(item.image_url))
        if len(item.image_url) > MAX_URL or not item.image_url.startswith(("https://", "http://")):
            reason = f"{cut(item.image_url)} is not an http(s) URL of {MAX_URL} characters at most"
            item.refused.append(("image_url", reason, item.image_url))
            item.image_url = None

    def _clean_date(self, item: Article) -> None:
        published = item.published_at
        if published is None:
            return
        try:
            if published.tzinfo is None:
                published = published.replace(tzinfo=self.zone)
            published = published.astimezone(UTC)
        except OverflowError:  # the first or last day of the calendar, in another zone
            published = datetime.min.replace(tzinfo=UTC)
        if published < EARLIEST or published == EPOCH or published > datetime.now(UTC) + FUTURE:
            given = item.published_at.isoformat()
            item.refused.append(("published_at", f"{given} is not the date of a publication", given))
            published = None
        item.published_at = published


def content_hash(article: Article) -> str:
    """32 hexadecimal digits that stand for what is revised: everything but the image, whose address is often signed."""
    published = article.published_at.isoformat() if article.published_at else ""
    parts = (
        article.title,
        article.summary or "",
        article.text or "",
        published,
        article.section or "",
        article.language or "",
        "\x1e".join(article.authors),
        "\x1e".join(article.keywords),
    )
    if article.extra_json is not None:
        parts += (article.extra_json,)
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _clean_link(item: Article) -> None:
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


def _canonical(item: Article) -> str:
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


def _clean_observation(item: Observation) -> None:
    if item.time.tzinfo is None:
        item.time = item.time.replace(tzinfo=UTC)
    try:
        item.time = item.time.astimezone(UTC)
    except OverflowError:
        raise Rejected("time", f"{item.time.isoformat()} is not in the calendar") from None
    if item.value is not None:
        item.value += 0.0  # which makes 0.0 of -0.0
    name = item.series.name
    item.series = _clean_series(item)
    if not item.series.name:
        raise Rejected("series", f"{cut(name)} is no name of a series")


def _clean_series(item: Observation) -> Series:
    """The series of an observation, clean: the same object for all that have it."""
    series = item.series
    known, clean = _SERIES.get(id(series), (None, None))
    if known is not series:
        texts = {name: getattr(series, name) for name in ("name", "unit", "frequency")}
        texts = {name: values.text(value) if isinstance(value, str) else value for name, value in texts.items()}
        clean = replace(series, **texts, metadata=_json_of(dict(series.metadata), item, "series.metadata"))
        if len(_SERIES) >= MAX_SERIES:
            _SERIES.clear()
        _SERIES[id(series)] = series, clean
    return clean


def _refuse_record(place: str, reason: str, value: Any) -> None:
    """A record is whole, or it is none: of what it lacks nobody could tell that it was there."""
    raise Rejected(place, reason)


def _record_hash(item: Record) -> str:
    text = _ENCODE(item.data)
    if len(text) > MAX_JSON:
        raise Rejected("data", _TOO_LONG)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _clean_record(item: Record) -> None:
    item.data = values.as_json(item.data, _refuse_record, "data")
    if item.url is not None:
        item.url = url_without_login(values.text(item.url))


_CLEANERS = {Removal: lambda item: None, Observation: _clean_observation, Record: _clean_record}
_HASHES = {
    Article: content_hash,
    Removal: lambda item: "shown again" if item.is_undone else "removed",
    Observation: lambda item: str(item.value),
    Record: _record_hash,
}


def _clean_extra(item: Article) -> None:
    """Most `extra` is clean already, which its JSON shows at once; that is what is hashed and stored."""
    text = item.extra_json
    if item.extra is not None:
        try:
            text = _ENCODE(item.extra)
        except (TypeError, ValueError, RecursionError):
            text = None
    if text is None or not _is_clean(text):
        item.extra = _json_of(json.loads(item.extra_json) if item.extra is None else item.extra, item, "extra")
        text = _ENCODE(item.extra)
    if len(text) > MAX_JSON:
        item.refused.append(("extra", _TOO_LONG, text))
        item.extra = text = None
    item.extra_json = text


def _is_clean(text: str) -> bool:
    """Whether JSON shows that its values are as they are stored: no escapes, no odd characters or numbers, not deep."""
    is_flat = text.count("{") + text.count("[") <= values.MAX_DEPTH
    return is_flat and "\\" not in text and values.text(text) == text and not _WHOLE.search(text)


def _json_of(value: Any, item: Any, place: str) -> Any:
    """What JSON has of a value; what is left out is noted on the item."""
    return values.as_json(value, lambda *left_out: item.refused.append(left_out), place)


def _names(names: list[str], line: Callable[[str], str]) -> list[str]:
    return list(dict.fromkeys(shorten(clean, MAX_NAME) for name in names if (clean := line(name))))[:MAX_NAMES]


def _language(item: Article) -> str | None:
    declared = language.primary(item.language)
    if declared and language.fits(item.title, declared):
        return declared
    found = language.identify(f"{item.title} {item.summary or ''}")
    return found or declared
