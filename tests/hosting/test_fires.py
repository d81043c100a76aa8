"""Nominal fire times: compared with a clock on the wall minute by minute, and with one another."""

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim

from newsbot.hosting import fires
from newsbot.hosting.schedule import Entry

YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
# Clocks change by an hour in spring and autumn of either half of the world, at midnight, by half an hour, and never.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
]


def entry(**when):
    return Entry(name="job", spider="headlines", **when)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@cache
def spans(zone):
    """Begin, end and offset of each time in and around the year without clock changes of the zone."""
    marks = [YEAR[0] + timedelta(minutes=minutes) for minutes in range(-10 * 1440, 376 * 1440, 15)]
    offsets = [mark.astimezone(ZoneInfo(zone)).utcoffset() for mark in marks]
    changes = [place + 1 for place, (one, other) in enumerate(pairwise(offsets)) if one != other]
    return [(marks[one], marks[other], offsets[one]) for one, other in pairwise([0, *changes, -1])]


def by_hand(cron, zone, start, end):
    """The times after `start` up to `end`, from a clock on the wall minute by minute."""
    fields = CronSim(cron, datetime(2026, 1, 1))
    shown = {
        datetime.combine(day, datetime.min.time()) + timedelta(hours=hour, minutes=minute)
        for day in ((YEAR[0] + timedelta(days=number)).date() for number in range(-9, 375))
        if day.month in fields.months and fields.match_day(day)
        for hour in fields.hours
        for minute in fields.minutes
    }
    instants, seen = set(), set()
    for begin, stop, offset in spans(zone):
        here = {time for time in shown if begin <= time.replace(tzinfo=UTC) - offset < stop}
        by_time = "*" in (cron[0], cron.split()[1][0])
        instants |= {time.replace(tzinfo=UTC) - offset for time in (here if by_time else here - seen)}
        seen |= here
        local = (begin + offset).replace(tzinfo=None)
        before = next((each for _, till, each in spans(zone) if till == begin), offset)
        if not by_time and any((begin + before).replace(tzinfo=None) <= time < local for time in shown - seen):
            instants.add(begin)
    return sorted(instant for instant in instants if start < instant <= end)


def clock_changes(zone):
    """The instants of the year at which the zone's clocks are put forward or back."""
    return [begin for begin, _, _ in spans(zone)[1:]]


# --- Daylight saving time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "cron", "begin", "expected"),
    [
        # Put forward at 02:00: the times of the skipped hour run at once, and once.
        ("Europe/Berlin", "30 2 * * *", "2026-03-29", ["03:00+02:00"]),
        ("Europe/Berlin", "0,30 2 * * *", "2026-03-29", ["03:00+02:00"]),
        ("Europe/Berlin", "15,45 2,3 * * *", "2026-03-29", ["03:00+02:00", "03:15+02:00", "03:45+02:00"]),
        ("Europe/Berlin", "0 2,3 * * *", "2026-03-29", ["03:00+02:00"]),
        ("America/New_York", "30 2 * * *", "2026-03-08", ["03:00-04:00"]),
        # A job by the hour or oftener goes by the time that passes.
        ("Europe/Berlin", "30 * * * *", "2026-03-29", ["00:30+01:00", "01:30+01:00", "03:30+02:00", "04:30+02:00"]),
        ("Europe/Berlin", "*/30 2 * * *", "2026-03-29", []),
        # Put back at 03:00: set times run in the first of the two hours, more frequent ones in both.
        ("Europe/Berlin", "0,30 2 * * *", "2026-10-25", ["02:00+02:00", "02:30+02:00"]),
        ("Europe/Berlin", "*/30 2 * * *", "2026-10-25", ["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00"]),
        ("Europe/Berlin", "5 * * * *", "2026-10-25", ["00:05+02:00", "01:05+02:00", "02:05+02:00", "02:05+01:00"]),
        ("America/New_York", "15 1 * * *", "2026-11-01", ["01:15-04:00"]),
        ("America/New_York", "15 * 1 11 *", "2026-11-01", ["00:15-04:00", "01:15-04:00", "01:15-05:00", "02:15-05:00"]),
        # At midnight.
        ("America/Santiago", "0 0 * * *", "2026-09-06", ["01:00-03:00"]),
        ("America/Santiago", "30 23 * * *", "2026-04-04T22:00", ["23:30-03:00"]),
        ("America/Santiago", "30 22-23 * * *", "2026-04-04T22:00", ["22:30-03:00", "23:30-03:00"]),
        # By half an hour.
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-04", ["02:30+11:00"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-05", ["01:45+11:00"]),
        # Never.
        ("Asia/Kathmandu", "30 2 * * *", "2026-03-29", ["02:30+05:45"]),
    ],
)
def test_four_hours_in_which_the_clocks_change(zone, cron, begin, expected):
    before = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(seconds=1)
    found = fires.between(entry(cron=cron, timezone=zone), before, before + timedelta(hours=4))
    shown = [fire.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes").partition("T")[2] for fire in found]
    assert shown == expected


CRONS = (
    "15 */2 * * *",
    "*/30 0-3 * * *",
    "45 * * * *",
    "0,20,40 0-3 * * *",
    "30 2 * * *",
    "0 0 * * *",
    "*/20 0 * * SUN",
)


def check_a_year(zone):
    for cron in CRONS:
        job = entry(cron=cron, timezone=zone)
        assert list(fires.between(job, *YEAR)) == by_hand(cron, zone, *YEAR), cron


# By an hour, two and half of one, at midnight, in the evening, the other way round in winter, at other times of the
# year, by a quarter of an hour off, and never.
SEVERAL = """
    Africa/Cairo Africa/Casablanca America/Asuncion America/Havana America/New_York America/Nuuk America/Santiago
    America/St_Johns Antarctica/Troll Asia/Beirut Asia/Gaza Asia/Kathmandu Asia/Kolkata Atlantic/Azores
    Australia/Adelaide Australia/Lord_Howe Europe/Berlin Europe/Dublin Pacific/Auckland Pacific/Chatham UTC
"""


@pytest.mark.parametrize("zone", SEVERAL.split())
def test_a_year_in_a_zone(zone):
    check_a_year(zone)


@pytest.mark.trial
def test_a_year_in_every_zone():
    for zone in sorted(available_timezones()):
        check_a_year(zone)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "cron",
    [
        "*/10 * * * *",
        "*/10 2 * * *",
        "*/10 20 * * *",
        "*/20 0 * * *",
        "*/30 0 6 9 *",
        "15 */2 * * *",
        "30 2 * * *",
        "0 0 * * *",
        "0,20,40 0-3 * * *",
        "45 23 * * SUN",
    ],
)
def test_every_beginning_around_a_change_leads_to_the_same_times(zone, cron):
    job = entry(cron=cron, timezone=zone)
    for change in clock_changes(zone):
        end = change + timedelta(days=3)
        expected = by_hand(cron, zone, change - timedelta(days=5), end)
        around = [change + timedelta(minutes=minutes) for minutes in range(-120, 121, 15)]
        around += [change + timedelta(hours=hours) for hours in range(-48, 60, 4)]
        for moment in [each + timedelta(seconds=shift) for each in around for shift in (-1, 0, 1)]:
            later = [time for time in expected if time > moment]
            assert list(islice(fires.between(job, moment, end), 10)) == later[:10], moment
            earlier = [time for time in expected if time <= moment]
            assert not earlier or fires.latest(job, moment) == earlier[-1], moment


# --- A year of random crons -------------------------------------------------------------------------------------------


def random_field(dice, low, high, names=()):
    def value():
        number = dice.randint(low, high)
        return names[number - low] if names and number - low < len(names) and dice.random() < 0.3 else str(number)

    def term():
        first, last = sorted(dice.sample(range(low, high + 1), 2))
        return dice.choice([value(), value(), f"{first}-{last}", f"{first}-{last}/{dice.randint(1, 9)}"])

    kind = dice.random()
    if kind < 0.3:
        return "*"
    if kind < 0.5:
        return f"*/{dice.randint(2, high)}"
    return ",".join(term() for _ in range(dice.randint(1, 3)))


def random_cron(dice):
    """At most some thousands of fires a year, so seldom all minutes."""
    minute = random_field(dice, 0, 59) if dice.random() < 0.2 else str(dice.randint(0, 59))
    days = ("Sun", "MON", "tue", "WED", "thu", "FRI", "SAT")
    fields = (random_field(dice, 0, 23), random_field(dice, 1, 28), random_field(dice, 1, 12))
    return " ".join([minute, *fields, random_field(dice, 0, 7, days)])


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(8))
def test_a_year_in_pieces_is_the_year_in_one_and_as_by_hand(zone, seed):
    dice = random.Random(f"{zone} {seed}")
    cron = random_cron(dice)
    job = entry(cron=cron, timezone=zone)
    start, end = YEAR
    whole = list(fires.between(job, start, end))
    assert whole == by_hand(cron, zone, start, end), cron
    assert all(one < other for one, other in pairwise(whole)), cron
    assert {fire.tzinfo for fire in whole} <= {UTC}

    seconds = int((end - start).total_seconds())
    cuts = [start + timedelta(seconds=dice.uniform(0, seconds)) for _ in range(40)]
    cuts += dice.sample(whole, min(len(whole), 40))  # a cut on a fire
    cuts += [change + timedelta(seconds=dice.uniform(-9000, 9000)) for change in clock_changes(zone) for _ in range(10)]
    cuts = [start, *sorted(cuts), end]
    pieces = [fire for one, other in pairwise(cuts) for fire in fires.between(job, one, other)]
    assert pieces == whole, cron

    for moment in cuts:
        newest = fires.latest(job, moment)
        assert newest is None or newest <= moment
        assert newest is None or next(fires.after(job, newest - timedelta(microseconds=1))) == newest
        following = next(fires.after(job, newest or moment), None)
        assert following is None or following > moment, cron


# --- Cron as crontab(5) has it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 6 * * 0", ["2026-01-04T06:00", "2026-01-11T06:00"]),  # Sunday
        ("0 6 * * 7", ["2026-01-04T06:00", "2026-01-11T06:00"]),
        ("0 6 * * sun", ["2026-01-04T06:00", "2026-01-11T06:00"]),
        ("0 0 13 * FRI", ["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"]),  # either
        ("0 0 */10 * FRI", ["2026-05-01T00:00", "2026-07-31T00:00"]),  # both, since one begins with a star
        ("*/20 9-10 * jan Mon-Fri", ["2026-01-01T09:00", "2026-01-01T09:20"]),
        ("@weekly", ["2026-01-04T00:00", "2026-01-11T00:00"]),
        ("0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 12 L * *", ["2026-01-31T12:00", "2026-02-28T12:00"]),
        ("0 12 * * 1#2", ["2026-01-12T12:00", "2026-02-09T12:00"]),
    ],
)
def test_what_the_fields_mean(cron, expected):
    found = fires.after(entry(cron=cron), YEAR[0])
    assert list(islice(found, len(expected))) == [utc(text) for text in expected]


def test_strictly_after_and_at_or_before():
    job = entry(cron="0 6 * * *")
    six = utc("2026-01-05T06:00")
    tick = timedelta(microseconds=1)
    assert next(fires.after(job, six)) == utc("2026-01-06T06:00")
    assert next(fires.after(job, six - tick)) == six
    assert fires.latest(job, six) == six
    assert fires.latest(job, six - tick) == utc("2026-01-04T06:00")


def test_a_moment_may_have_any_zone():
    moment = datetime(2026, 1, 5, 7, 0, tzinfo=ZoneInfo("Europe/Berlin"))  # 06:00 in UTC
    assert fires.latest(entry(cron="0 6 * * *"), moment) == utc("2026-01-05T06:00")
    assert next(fires.after(entry(every="1h"), moment)) == utc("2026-01-05T07:00")
    assert next(fires.after(entry(every="1h"), moment)).tzinfo is UTC


def test_the_newest_of_a_rare_job_is_decades_old():
    assert fires.latest(entry(cron="0 0 * 2 MON#5"), utc("2026-01-01T00:00")) == utc("2016-02-29T00:00")


# --- Every so often, and after others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("5m", ["2026-01-01T00:05", "2026-01-01T00:10"]),
        ("1h30m", ["2026-01-01T01:30", "2026-01-01T03:00"]),
        ("7d", ["2026-01-01T00:00", "2026-01-08T00:00"]),  # a Thursday, as 1970-01-01 was
        ("1.5s", ["2026-01-01T00:00:01.5", "2026-01-01T00:00:03"]),
    ],
)
def test_intervals_are_counted_from_the_epoch(every, expected):
    start = YEAR[0] - timedelta(seconds=1) if every == "7d" else YEAR[0]
    job = entry(every=every, timezone="Asia/Kathmandu")
    assert list(islice(fires.after(job, start), 2)) == [utc(text) for text in expected]


@pytest.mark.parametrize("every", ["1s", "7s", "1.1s", "11m", "1d"])
def test_the_newest_of_an_interval(every):
    job = entry(every=every)
    dice = random.Random(every)
    for _ in range(50):
        moment = YEAR[0] + timedelta(seconds=dice.uniform(0, 1e7))
        newest = fires.latest(job, moment)
        assert newest <= moment < next(fires.after(job, newest))


def test_one_that_only_waits_for_others_has_no_times():
    job = entry(after="first")
    assert list(fires.after(job, YEAR[0])) == []
    assert list(fires.between(job, *YEAR)) == []
    assert fires.latest(job, YEAR[1]) is None


# --- Jitter -----------------------------------------------------------------------------------------------------------


def test_jitter_is_within_its_bound_spread_and_the_same_again():
    job = entry(every="5m", jitter="30s")
    times = list(fires.between(job, YEAR[0], YEAR[0] + timedelta(days=7)))
    delays = [fires.jitter(job, time) for time in times]
    assert min(delays) >= timedelta()
    assert max(delays) < timedelta(seconds=30)
    assert len(set(delays)) > 2000
    assert abs(sum(delays, timedelta()) / len(delays) - timedelta(seconds=15)) < timedelta(seconds=1)
    assert delays == [fires.jitter(job, time.astimezone(ZoneInfo("Asia/Tokyo"))) for time in times]


def test_jitter_is_the_same_in_every_process_and_another_for_another_name():
    time = utc("2026-03-29T01:00")
    assert fires.jitter(entry(every="5m", jitter="30s"), time) == timedelta(seconds=28, microseconds=630994)
    other = Entry(name="other", spider="headlines", every="5m", jitter="30s")
    assert fires.jitter(other, time) != fires.jitter(entry(every="5m", jitter="30s"), time)


def test_without_jitter_there_is_none():
    assert fires.jitter(entry(every="5m"), YEAR[0]) == timedelta()
