"""When an entry fires: pure functions on nominal fire times, which are aware datetimes in UTC.

All of them see the same sequence of an entry, wherever they begin, so that restarts and other nodes agree.
cronsim gives the times that a clock on the wall shows; this module finds the instants at which it shows them. cronsim's
way through clock changes loses times at changes of half an hour, and depends on where it began.
An entry that only starts after others has no nominal times.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from newsbot.hosting.schedule import Entry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_PAUSE = timedelta(days=50 * 366)  # cronsim gives up later

_MINUTE = timedelta(minutes=1)


def after(entry: Entry, moment: datetime) -> Iterator[datetime]:
    """The times strictly after `moment`, rising, without end unless there are none."""
    if entry.every is not None:
        yield from _multiples(timedelta(seconds=entry.every), moment)
    elif entry.cron is not None:
        yield from _cron(entry.cron, ZoneInfo(entry.timezone), moment)


def between(entry: Entry, start: datetime, end: datetime) -> Iterator[datetime]:
    """The times after `start`, up to and including `end`: adjoining spans share no time and leave none out."""
    return takewhile(lambda fire: fire <= end, after(entry, start))


def latest(entry: Entry, moment: datetime) -> datetime | None:
    """The newest time at or before `moment`; None where there was none in 50 years."""
    span = timedelta(minutes=1)
    while span < 2 * LONGEST_PAUSE:
        # Always forward: only one direction exists.
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
    minute, hour, *_ = cron.split()
    instants = _by_time if minute.startswith("*") or hour.startswith("*") else _at_set_times
    local = moment.astimezone(zone)
    # The times before this one come again, of those that a clock shows twice.
    again = max(_skipped(local.replace(tzinfo=None), zone) * -1, timedelta())
    last = moment
    for fire in instants(CronSim(cron, local.replace(tzinfo=None) - again), zone):
        if fire > last:
            yield fire
            last = fire


def _by_time(clock: Iterable[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """The instants, rising, at which clocks of the zone show these rising times: none, one or two of each."""
    second: deque[datetime] = deque()
    for shown in clock:
        skipped = _skipped(shown, zone)
        if skipped > timedelta():
            continue
        first = _instant(shown, zone)
        while second and second[0] < first:
            yield second.popleft()
        yield first
        if skipped:
            second.append(_instant(shown, zone, fold=1))
    yield from second


def _at_set_times(clock: Iterable[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """The instant of each of these times: the first one, or that after the hour in which it is skipped."""
    for shown in clock:
        while _skipped(shown, zone) > timedelta():
            shown += _MINUTE
        yield _instant(shown, zone)


def _skipped(shown: datetime, zone: ZoneInfo) -> timedelta:
    """By how much clocks jump forward past the time that they show; below 0: back, so that they show it twice.

    PEP 495: the offset before the change is that of fold 0, and differs from that of fold 1 only there.
    """
    return shown.replace(tzinfo=zone, fold=1).utcoffset() - shown.replace(tzinfo=zone, fold=0).utcoffset()


def _instant(shown: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    return shown.replace(tzinfo=zone, fold=fold).astimezone(UTC)
