"""Turns the dates of feeds, sitemaps, pages and files into ISO 8601.

This module reads the notations of nearly all of them. `written_dates` reads the rest; it is imported at the first one,
so that the start of a crawl does not wait for its tables.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

MAX_DATE_CHARS = 200


class UnclearError(ValueError):
    """A text that is ambiguous, or has a part that is not understood."""


class Hints(NamedTuple):
    """Facts about the writer of a date, which decide ambiguous ones."""

    country: str | None = None  # ISO 3166, lower case: the order of 4/5/2026, the zones IST, CST, BST, ...
    language: str | None = None  # ISO 639, two letters: `listopad` is October in Croatian and November in Polish
    day_first: bool | None = None  # of 4/5/2026 and of 31/5/2026: the order is declared


NO_HINTS = Hints()

_ENGLISH = {
    name: number
    for number, names in enumerate(
        (
            *("Jan January", "Feb February", "Mar March", "Apr April", "May", "Jun June", "Jul July", "Aug August"),
            *("Sep Sept September", "Oct October", "Nov November", "Dec December"),
        ),
        start=1,
    )
    for name in names.split()
}
_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of each month, in any year

# The notations of nearly all feeds, with numbers that need no look at the calendar.
_HOUR, _SIXTY, _OFFSET = r"([01]\d|2[0-3])", r"[0-5]\d", r"[+-](?:0\d|1[0-3])"
_USUAL_RFC822 = re.compile(
    rf"(?:[A-Z][a-z]{{2,8}}, )?(\d|[0-2]\d|3[01]) ([A-Z][a-z]{{2}}) ([12]\d{{3}}) ({_HOUR}:{_SIXTY}:{_SIXTY})"
    rf" (?:GMT|({_OFFSET})({_SIXTY}))",
    re.ASCII,
)
_USUAL_ISO = re.compile(
    rf"([12]\d{{3}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]))[T ]({_HOUR}:{_SIXTY}:{_SIXTY})(?:\.\d+)?"
    rf"(?:Z|({_OFFSET}:{_SIXTY}))",
    re.ASCII,
)
# The same two notations with parts missing, or to be checked; what they do not match is taken apart by `written_dates`.
_RFC822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(\d{1,2}) ([A-Z][a-z]{2,8}) (\d{4}|\d\d) (\d\d?):(\d\d)(?::(\d\d))?"
    r"(?: ([+-]\d{4}|[A-Z]{3,4}))?",
    re.ASCII,
)
_ISO = re.compile(
    r"(\d{4})(?:-((?:0(?=\d\d-))?\d{1,2})(?:-(\d{1,2}))?)?"
    r"(?:(?:\s*[Tt]\s*|\s+(?=\d\d?:))(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?)?"
    r"(?:\s*(Z|[+-]\d\d:?\d\d|[+-]\d\d))?|\s*(Z|[+-]\d\d:\d\d))?",
    re.ASCII,
)
_BUDDHIST = range(2400, 2644)  # years of Thailand, 543 ahead


def parse_date(text: str, hints: Hints = NO_HINTS) -> str | None:
    """The moment that `text` names, as ISO 8601 to the second, or None if it names none or is ambiguous.

    The result has a UTC offset if and only if the text gives a zone; "local time" gives none, and an unknown word in
    the form of a zone behind a clock makes the text no date. The notations are RFC 822 and 2822 (single digits,
    two-digit years, zone names, no zone), W3CDTF and ISO 8601 with parts missing, asctime, Unix seconds and
    milliseconds, and a date with or without a clock among other words: `Y-M-D`, `D.M.Y`, `M/D/Y` (`D/M/Y` if the first
    is over 12 or the hints say so), and day, month name and year in any order, in some ninety languages. Hour 24 and
    second 60 carry over; a day that the month lacks makes no date. A date in Korean script is in Korean time, which has
    one zone.
    """
    text = text.strip()
    if len(text) > MAX_DATE_CHARS and len(text := " ".join(text.split())) > MAX_DATE_CHARS:
        return None
    try:
        if found := usual(text, hints):
            return found
        from newsbot.extraction import written_dates

        return written_dates.read(text, hints)
    except UnclearError:
        return None


def first_date(texts: Iterable[str], hints: Hints = NO_HINTS) -> tuple[str | None, str | None]:
    """The first of these texts that is a date; if none is, the first text, which was not understood."""
    refused = None
    for text in texts:
        if found := parse_date(text, hints):
            return found, None
        refused = refused or text.strip()[:MAX_DATE_CHARS] or None
    return None, refused


def usual(text: str, hints: Hints) -> str | None:
    """The moment of a text in one of the two notations of nearly all feeds, else None."""
    if match := _USUAL_RFC822.fullmatch(text):
        day, name, year, clock, _, hours, minutes = match.groups()
        month = _ENGLISH.get(name)
        if month and 1 <= int(day) <= _DAYS[month]:
            return f"{year}-{month:02}-{day:0>2}T{clock}{hours or '+00'}:{minutes or '00'}"
    elif match := _USUAL_ISO.fullmatch(text):
        return f"{match[1]}T{match[2]}{match[4] or '+00:00'}"
    if match := _RFC822.fullmatch(text):
        day, name, year, hour, minute, second, zone = match.groups()
        month = _ENGLISH.get(name)
        offset = offset_of(zone, hints.country) if zone else ""
        if month and offset is not None:
            return moment(
                full_year(year, hints) if len(year) == 2 else int(year), month, int(day), hour, minute, second, offset
            )
    elif match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, zone, date_zone = match.groups()
        zone = zone or date_zone
        offset = offset_of(zone, hints.country) if zone else ""
        if offset is not None:
            return moment(int(year), int(month or 1), int(day or 1), hour, minute, second, offset)
    return None


def full_year(digits: str, hints: Hints) -> int:
    """Two digits mean 1990 to 2089, as in all feed readers; years of Thailand are 543 ahead."""
    year = int(digits)
    is_thai = hints.country == "th" or hints.language == "th"
    if len(digits) < 3:
        if is_thai:
            if year < 50:
                raise UnclearError(f"{year} may be 25{year} or 20{year}")
            return year + 2500 - 543
        return year + (1900 if year >= 90 else 2000)
    if year in _BUDDHIST:
        if not is_thai:
            raise UnclearError(f"{year} may be a year of Thailand")
        return year - 543
    if year < 1000:
        raise UnclearError(f"{digits} is not a year of these notations")
    return year


def moment(
    year: int,
    month: int,
    day: int,
    hour: str | None = None,
    minute: str | None = None,
    second: str | None = None,
    zone: str | tzinfo = "",
) -> str | None:
    """ISO 8601 of these numbers, with a zone or a written offset behind."""
    if not 1 <= day <= 31:
        return None
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60:
        return None
    try:
        if hours < 24 and seconds < 60 and day <= 28:
            found = datetime(year, month, day, hours, minutes, seconds)
        else:
            found = datetime(year, month, day) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except (ValueError, OverflowError):
        return None
    return found.isoformat() + zone if isinstance(zone, str) else found.replace(tzinfo=zone).isoformat()


@lru_cache(maxsize=512)
def offset_of(zone: str, country: str | None = None) -> str | None:
    """`+HH:MM` of a written offset or an abbreviation; None for an unknown one, or if the date decides summer time."""
    from newsbot.extraction import zones

    found = zones.offset_of(zone) if zone[0] in "+-" else zones.named(zone, country)
    return datetime(2000, 1, 1, tzinfo=found).isoformat()[19:] if isinstance(found, timezone) else None
