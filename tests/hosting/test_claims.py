"""The outcomes of due times, on a real database, without a Scrapyd."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from newsbot.hosting import claims
from newsbot.hosting.plan import Plan
from newsbot.hosting.processes import lives
from newsbot.hosting.schedule import Entry
from newsbot.job import Job
from newsbot.storage import jobs, schedules
from newsbot.storage.jobs import TAKINGS
from newsbot.storage.upgrade import upgrade

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def cursor(database):
    with closing(database.connect()) as connection:
        upgrade(connection)
        with connection.cursor() as cursor:
            yield cursor


def finish(cursor, name, moment):
    job = Job("newsbot", f"{name}-{moment}", "quick", schedule=name, nominal_at=moment)
    jobs.add(cursor, [job])
    cursor.execute("UPDATE jobs SET state = 'finished', ended_at = now() WHERE id = %s", (job.id,))


def test_after_alone_waits_for_each_of_them_anew(cursor):
    """Of two that run at the full and at the half hour it follows the second, once an hour."""
    entries = {
        entry.name: entry
        for entry in (
            Entry(name="full", spider="quick", cron="0 * * * *"),
            Entry(name="half", spider="quick", cron="30 * * * *"),
            Entry(name="then", spider="quick", after=["full", "half"]),
        )
    }
    schedules.enter(cursor, dict.fromkeys(entries, ""))
    cursor.execute("UPDATE schedules SET last_nominal_at = %s", (BEGIN,))
    fired = []
    for half_hours in range(2, 12):
        moment = BEGIN + half_hours * timedelta(minutes=30)
        finish(cursor, "half" if half_hours % 2 else "full", moment)
        fired += claims.claim(cursor, ["then"], entries, "node", moment + timedelta(minutes=1))
        cursor.execute("UPDATE jobs SET state = 'finished', ended_at = now() WHERE schedule = 'then'")
    assert [fire.nominal_at for fire in fired] == [BEGIN + timedelta(hours=hour, minutes=30) for hour in range(1, 6)]


def test_a_job_waits_for_no_entry_that_it_no_longer_follows(cursor):
    job = Job("newsbot", "one", "quick", schedule="b", waits_for={"a": BEGIN.isoformat(), "c": BEGIN.isoformat()})
    jobs.add(cursor, [job])
    jobs.waits_only_for(cursor, {"b": ["c"]})
    assert set(jobs.waiting(cursor)[0].waits_for) == {"c"}
    jobs.waits_only_for(cursor, {"b": []})
    assert jobs.waiting(cursor)[0].waits_for is None


def test_a_stop_in_order_makes_no_job_suspect(cursor):
    jobs.add(cursor, [Job("newsbot", "one", "quick")])
    for _ in range(2 * TAKINGS):
        job = jobs.take(cursor, "node", "machine", ["newsbot"])
        assert jobs.give_back(cursor, job.token, "its Scrapyd was stopped", suspect=False)
    for _ in range(TAKINGS):
        job = jobs.take(cursor, "node", "machine", ["newsbot"])
        assert jobs.give_back(cursor, job.token, "its process is gone")
    assert jobs.take(cursor, "node", "machine", ["newsbot"]) is None
    assert jobs.find(cursor, "one").state == "lost"


def test_the_run_of_a_cancelled_job_that_is_given_back_is_cancelled(cursor):
    jobs.add(cursor, [Job("newsbot", "one", "quick")])
    job = jobs.take(cursor, "node", "machine", ["newsbot"])
    cursor.execute("INSERT INTO runs (id, spider, job, node, pid) VALUES (gen_random_uuid(), 'quick', 'one', 'n', 1)")
    jobs.cancel(cursor, "newsbot", "one", "TERM")
    assert jobs.give_back(cursor, job.token, "its lease has ended")
    assert jobs.find(cursor, "one").state == "cancelled"
    cursor.execute("SELECT finish_reason FROM runs")
    assert cursor.fetchall() == [("cancelled",)]


def test_a_reason_with_nul_is_noted(cursor):
    jobs.add(cursor, [Job("newsbot", "one", "quick")])
    job = jobs.take(cursor, "node", "machine", ["newsbot"])
    assert jobs.end(cursor, job.token, "failed", reason="a\0b").reason == "a\ufffdb"


def test_a_token_that_was_taken_over_holds_nothing(cursor):
    jobs.add(cursor, [Job("newsbot", "one", "quick")])
    first = jobs.take(cursor, "node", "machine", ["newsbot"])
    jobs.hold(cursor, first.token)
    jobs.give_back(cursor, first.token, "its lease has ended")
    second = jobs.take(cursor, "other", "machine", ["newsbot"])
    jobs.hold(cursor, second.token)
    assert not jobs.renew(cursor, first.token)
    assert jobs.end(cursor, first.token, "finished") is None
    with pytest.raises(jobs.FencedError):
        jobs.hold(cursor, first.token)


def test_the_plan_moves_by_the_clock_that_counts():
    entry = Entry(name="one", spider="quick", cron="0 * * * *")
    plan = Plan([entry, Entry(name="off", spider="quick", cron="* * * * *", enabled=False)], BEGIN)
    assert plan.due(BEGIN + timedelta(minutes=59)) == []
    for _ in range(2):
        assert plan.due(BEGIN + timedelta(minutes=150)) == ["one"]  # until the database's clock says so
    plan.move(BEGIN + timedelta(minutes=150))
    assert plan.next_time() == BEGIN + timedelta(hours=3)


def test_a_process_of_unknown_birth_is_dead():
    assert not lives(2**22 + 1, None)
