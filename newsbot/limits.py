"""How much may be asked of a service, and how long one may ask to be left alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

COUNTED = ("hour", "day", "month")  # with a row each, at any limits; an API may have others, as `12 hours`
LONGEST_BLOCK = 32 * 86_400.0  # seconds: a longer block, as until the year 9999, is not a quota's period


class QuotaSpentError(Exception):
    """There is no call left for now; the message says why, and when there is one."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a quota allows: calls by period, seconds between two calls, the cost of one."""

    name: str
    calls: tuple[tuple[str, int], ...] = ()  # (period, calls) of each counted period, the longest last
    spacing: float = 0  # seconds
    cost: float = 0
    currency: str | None = None  # of the cost


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run spent of a quota, and what all runs spent of it in this hour, day or month (UTC)."""

    calls: int  # of the run
    period: str  # of the longest limit; a day where none is counted
    total: int  # calls of this period
    cost: float  # of those
    limit: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no call now, and when there will be."""

    reason: str
    until: datetime
    seconds: float  # from now


def longest_rest(settings: "BaseSettings") -> float:
    """The seconds of `RETRY_AFTER_DAYS` (default 7)."""
    return settings.getfloat("RETRY_AFTER_DAYS", 7) * 86_400
