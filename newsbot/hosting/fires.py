"""When an entry fires: pure functions on nominal fire times, which are aware datetimes in UTC.

All of them see one and the same sequence of an entry, wherever they begin, so that restarts and other nodes agree.
An entry that only starts after others has no nominal times of its own.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from newsbot.hosting.schedule import Entry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_PAUSE = timedelta(days=50 * 366)  # cronsim gives up later

_SECOND = timedelta(seconds=1)
_UNSETTLED = timedelta(hours=27)  # cronsim is on its old way again by the second midnight after a clock's change


def after(entry: Entry, moment: datetime) -> Iterator[datetime]:
    """The times strictly after `moment`, rising, without end unless there are none."""
    if entry.every is not None:
        yield from _multiples(timedelta(seconds=entry.every), moment)
    elif entry.cron is not None:
        yield from _cron(entry.cron, ZoneInfo(entry.timezone), moment)


def between(entry: Entry, start: datetime, end: datetime) -> Iterator[datetime]:
    """The times after `start`, up to and with `end`: spans that adjoin share no time and leave none out."""
    return takewhile(lambda fire: fire <= end, after(entry, start))


def latest(entry: Entry, moment: datetime) -> datetime | None:
    """The newest time at or before `moment`; None where there was none in 50 years."""
    span = timedelta(minutes=1)
    while span < 2 * LONGEST_PAUSE:
        # Always forward: cronsim's way back differs where clocks change.
        if newest := deque(between(entry, moment - min(span, LONGEST_PAUSE), moment), maxlen=1):
            return newest[0]
        span *= 2
    return None


def jitter(entry: Entry, nominal: datetime) -> timedelta:
    """How much later than its nominal time a fire starts, 0 <= jitter < `entry.jitter`; the same on every node."""
    bound = timedelta(seconds=entry.jitter) // timedelta.resolution
    if not bound:
        return timedelta()
    digest = hashlib.sha256(f"{entry.name} {nominal.astimezone(UTC).isoformat()}".encode()).digest()
    return int.from_bytes(digest) % bound * timedelta.resolution


def _multiples(interval: timedelta, moment: datetime) -> Iterator[datetime]:
    """Counted from the Unix epoch."""
    fire = EPOCH + (moment - EPOCH) // interval * interval
    while True:
        fire += interval
        yield fire


def _cron(cron: str, zone: ZoneInfo, moment: datetime) -> Iterator[datetime]:
    last = moment
    for local in CronSim(cron, _start(zone, moment)):
        fire = local.astimezone(UTC)
        # Before `moment` lie those of an earlier start, and of the first of two hours where it is in the second.
        if fire > last:
            yield fire
            last = fire


def _start(zone: ZoneInfo, moment: datetime) -> datetime:
    """Where cronsim begins: at `moment`, or where clocks have just changed, well before they did.

    Its way through the day of a change depends on where it began, if the change is of half an hour or at midnight.
    """
    before = (moment - _UNSETTLED).astimezone(zone)
    if before.utcoffset() == (moment + _SECOND).astimezone(zone).utcoffset():
        return moment.astimezone(zone)
    return (moment - 2 * _UNSETTLED).astimezone(zone)
