"""Turns statistical periods into their first days."""

import re
from datetime import date, datetime, timedelta

# SDMX 2.1, section 6, part 4.2.6 (reporting periods), with what the World Bank, the IMF and Eurostat leave out of it.
_PERIOD = re.compile(r"(\d{4})[-_ ]?([ASHTQMWD])(\d{1,3})", re.ASCII | re.IGNORECASE)
_BEHIND = re.compile(r"([SHTQ])(\d)[-_/ ](\d{4})", re.ASCII | re.IGNORECASE)  # Q1 2025
_WEEK_DAY = re.compile(r"(\d{4})-?W(\d{2})-?([1-7])", re.ASCII)  # ISO 8601
_MONTHS = {"A": 12, "S": 6, "H": 6, "T": 4, "Q": 3, "M": 1}  # of a year, half-year, third, quarter, month


def begin(text: str) -> datetime | None:
    """The first day of the period in a text, without a zone: of a year, half, third, quarter, month, week or day.

    `2025Q1`, `2025-Q1` and `Q1 2025` are the same; weeks are those of ISO 8601. None for any other text, and for a
    period that its year does not have.
    """
    text = text.strip()
    if match := _WEEK_DAY.fullmatch(text):
        return _first(*map(int, match.groups()))
    if match := _PERIOD.fullmatch(text):
        year, kind, number = match.groups()
    elif match := _BEHIND.fullmatch(text):
        kind, number, year = match.groups()
    else:
        return None
    return _begin(int(year), kind.upper(), int(number))


def _begin(year: int, kind: str, number: int) -> datetime | None:
    if number < 1 or year < 1:
        return None
    if kind == "W":
        return _first(year, number, 1)
    if kind == "D":
        found = date(year, 1, 1) + timedelta(days=number - 1) if number <= 366 and year < 9999 else None
        return datetime(found.year, found.month, found.day) if found and found.year == year else None
    month = 1 + (number - 1) * _MONTHS[kind]
    return datetime(year, month, 1) if month <= 12 else None


def _first(year: int, week: int, day: int) -> datetime | None:
    try:
        found = date.fromisocalendar(year, week, day)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day)
