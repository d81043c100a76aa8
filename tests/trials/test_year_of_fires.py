"""A year of a schedule, simulated on a real database, with restarts: every nominal time of cronsim's is there, once."""

import random
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from newsbot.hosting import claims
from newsbot.hosting.plan import Plan
from newsbot.hosting.schedule import Entry
from newsbot.storage import schedules
from newsbot.storage.upgrade import upgrade

pytestmark = pytest.mark.trial

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=365)
RESTARTS = 1_000


def made_up_entries(chance):
    """200 entries; most at a few times a day, some often."""
    for number in range(200):
        often = number % 20 == 0
        minute = f"*/{chance.choice((15, 20, 30))}" if often else str(chance.randrange(60))
        hour = chance.choice(("*", "1-4", "*/6")) if often else chance.choice(("0", "1", "2", "3", "2,14", "23"))
        days = chance.choice(
            ("* * *", "* * *", "* * MON-FRI", "1,15 * *", "13 * FRI", "* 3,4,10,11 0", "L * *", "* * 7")
        )
        yield Entry(
            name=f"entry-{number}",
            spider="headlines",
            cron=f"{minute} {hour} {days}",
            timezone=chance.choice(ZONES),
            overlap="queue",
        )


def expected(entry):
    """cronsim's own times, in one go."""
    last = None
    for local in CronSim(entry.cron, BEGIN.astimezone(ZoneInfo(entry.timezone))):
        moment = local.astimezone(UTC)
        if moment > END:
            return
        if last is None or moment > last:  # several that a clock skips are one
            yield moment
            last = moment


@pytest.mark.parametrize("seed", [1, 2])
def test_a_year(database, seed):
    chance = random.Random(seed)
    entries = {entry.name: entry for entry in made_up_entries(chance)}
    restarts = sorted(BEGIN + (END - BEGIN) * chance.random() for _ in range(RESTARTS))
    with closing(database.connect()) as connection:
        upgrade(connection)

        def transaction(work):
            with connection, connection.cursor() as cursor:
                return work(cursor)

        transaction(lambda cursor: schedules.enter(cursor, dict.fromkeys(entries, "")))
        transaction(lambda cursor: cursor.execute("UPDATE schedules SET last_nominal_at = %s", (BEGIN,)))

        def fire(names, now):
            def work(cursor):
                claims.claim(cursor, names, entries, "node", now)
                cursor.execute("UPDATE jobs SET state = 'finished', ended_at = now() WHERE state = 'pending'")

            transaction(work)

        plan, now = Plan(entries.values(), BEGIN), BEGIN
        while (following := plan.next_time()) and following <= END:
            if restarts and restarts[0] < following:  # down for a while, at times long enough to miss some
                now = restarts.pop(0) + timedelta(minutes=chance.choice((0, 0, 0, 1, 30)))
                plan = Plan(entries.values(), now)
                fire(entries, now)
                continue
            now = max(now, following)
            fire(plan.due(now), now)
            plan.move(now)
            if chance.random() < 0.1:  # a clock that was set back, or another node
                fire(entries, now - timedelta(hours=1))

        def rows(cursor):
            cursor.execute("SELECT schedule, nominal_at, outcome FROM fires WHERE nominal_at <= %s", (END,))
            found = cursor.fetchall()
            cursor.execute("SELECT schedule, nominal_at FROM jobs WHERE nominal_at <= %s", (END,))
            return found, cursor.fetchall()

        fires, jobs = transaction(rows)
    told = Counter((name, moment) for name, moment, _ in fires)
    assert set(told) == {(name, moment) for name, entry in entries.items() for moment in expected(entry)}
    assert set(told.values()) == {1}
    assert set(Counter(jobs).values()) == {1}
    assert set(jobs) == {(name, moment) for name, moment, outcome in fires if outcome == "queued"}
    print(f"{len(told)} nominal times, {len(jobs)} fired, {len(told) - len(jobs)} recorded as missed")
