"""The APIs of the sample newsroom: a wire service and a statistics office."""

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from newsbot.sample.newsroom import read_yaml

WIRE = "api.seven-seas-wire.example"
OFFICE = "statistics.saltmere.example"
HOSTS = (WIRE, OFFICE)

CALLS_A_DAY = 1_000
LARGEST_PAGE = 50

_BYLINES = ("Mara Tolland", "Edwin Skerry", "Josefa Quay")


class AskedWronglyError(ValueError):
    """The API does not understand a query; the message gives the reason."""


def answer(host: str, path: str, query: Mapping[str, str], edition: int, clock: datetime) -> dict[str, Any] | None:
    """The JSON of an answer; None for an unknown path. Raises `AskedWronglyError`."""
    if host == WIRE and path == "/v1/dispatches":
        return _dispatches(query, edition, clock)
    if host == OFFICE and path.startswith("/herring-index/"):
        return _index(path.rpartition("/")[2], edition, clock.date())
    return None


def _dispatches(query: Mapping[str, str], edition: int, clock: datetime) -> dict[str, Any]:
    """A page of `size` dispatches, the newest first; `total` counts those of all pages."""
    if unknown := query.keys() - {"desk", "since", "until", "page", "size"}:
        raise AskedWronglyError(f"unknown parameters: {', '.join(sorted(unknown))}")
    try:
        since, until = (datetime.fromisoformat(query[name]) for name in ("since", "until"))
        page, size = int(query.get("page", "1")), int(query.get("size", "10"))
        facts = [each for each in read_yaml("dispatches.yaml") if each.get("edition", 1) <= edition]
        found = [each for each in (_dispatch(each, edition, clock) for each in facts) if since <= each[0] < until]
    except (KeyError, ValueError, TypeError) as error:
        raise AskedWronglyError(f"expected since and until with a zone, page and size as numbers: {error}") from None
    if page < 1 or not 1 <= size <= LARGEST_PAGE:
        raise AskedWronglyError(f"expected a page of 1 or more and a size of 1 to {LARGEST_PAGE}")
    dispatches = [each for _, each in sorted(found, key=lambda pair: pair[0], reverse=True)]
    dispatches = [each for each in dispatches if query.get("desk") in (None, each["desk"])]
    return {"total": len(dispatches), "dispatches": dispatches[(page - 1) * size : page * size]}


def _dispatch(facts: Mapping[str, Any], edition: int, clock: datetime) -> tuple[datetime, dict[str, Any]]:
    filed = clock - timedelta(hours=facts["age"])
    return filed, {
        "id": facts["slug"],
        "filed_at": filed.isoformat(),
        "desk": facts["desk"],
        "byline": _BYLINES[len(facts["slug"]) % len(_BYLINES)],
        "headline": facts["correction"] if edition > 1 and "correction" in facts else facts["headline"],
        "body": facts["body"],
        "words": len(facts["body"].split()),
        "link": facts.get("link", f"https://seven-seas-wire.example/{facts['slug']}"),
    }


def _index(days: str, edition: int, today: date) -> dict[str, Any]:
    """A value for each day up to yesterday, null on Sundays; the next edition revises the last open day."""
    first, _, last = days.partition("..")
    try:
        day, last_day = date.fromisoformat(first), min(date.fromisoformat(last), today - timedelta(days=1))
    except ValueError as error:
        raise AskedWronglyError(f"expected two dates as FROM..TO: {error}") from None
    is_sunday = (today - timedelta(days=1)).weekday() == 6
    provisional = today - timedelta(days=2 if is_sunday else 1)
    values = []
    while day <= last_day:
        value = 100 + 8 * math.sin(day.toordinal() / 9) + day.toordinal() * 37 % 11 / 5
        value += 1.5 if day == provisional and edition == 1 else 0
        values.append({"date": day.isoformat(), "value": None if day.weekday() == 6 else round(value, 1)})
        day += timedelta(days=1)
    return {"unit": "crowns per crate", "days": values}
