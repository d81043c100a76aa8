import os
import subprocess
import sys
import uuid

import pytest

from newsbot.storage import runs

STATS = {"new": 2, "changed": 1, "unchanged": 4, "rejected": 3, "errors": 1, "more": {"site": 1}}


def start(cursor, **columns):
    """A run of this process, its row changed afterwards."""
    run_id = str(uuid.uuid4())
    killed = runs.start(cursor, run_id, "headlines", "job-1")
    for name, value in columns.items():
        cursor.execute(f"UPDATE runs SET {name} = {value} WHERE id = %s", (run_id,))
    return run_id, killed


@pytest.fixture
def dead_pid():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_row_of_a_run(cursor):
    run_id, _ = start(cursor)
    runs.beat(cursor, run_id, STATS)
    cursor.execute("SELECT spider, job, node, pid, items, rejected, errors, stats, finished_at FROM runs")
    assert cursor.fetchall() == [("headlines", "job-1", runs.node(), os.getpid(), 7, 3, 1, STATS, None)]
    runs.finish(cursor, run_id, "finished", 1, STATS | {"new": 3})
    cursor.execute("SELECT finish_reason, exit_code, items, finished_at IS NOT NULL FROM runs")
    assert cursor.fetchall() == [("finished", 1, 8, True)]


def test_a_killed_run_is_reported_once(cursor, dead_pid):
    run_id, _ = start(cursor, pid=dead_pid, items=7)
    _, killed = start(cursor, pid=os.getppid())
    assert [(run.id, run.spider, run.items) for run in killed] == [(run_id, "headlines", 7)]
    cursor.execute("SELECT finish_reason FROM runs WHERE id = %s", (run_id,))
    assert cursor.fetchone() == ("killed",)
    assert start(cursor, finished_at="now()")[1] == []


def test_a_run_that_lives_is_left_alone(cursor):
    start(cursor, pid=os.getppid())
    start(cursor, pid=1)  # another user's, perhaps
    assert start(cursor, finished_at="now()")[1] == []


def test_a_run_beside_this_one_in_one_process_is_left_alone(cursor):
    beside, _ = start(cursor)
    assert start(cursor)[1] == []
    runs.finish(cursor, beside, "finished", 0, STATS)


def test_a_run_of_before_with_this_process_number_was_killed(cursor):
    """As in a restarted container: the number is the same, the process is another."""
    other = str(uuid.uuid4())
    cursor.execute(
        "INSERT INTO runs (id, spider, node, pid) VALUES (%s, 'headlines', %s, %s)", (other, runs.node(), os.getpid())
    )
    assert [run.id for run in start(cursor)[1]] == [other]


def test_a_run_elsewhere_is_dead_when_it_is_silent(cursor):
    there = "'another machine'"
    start(cursor, node=there, pid=2**22 + 1)
    silent, _ = start(cursor, node=there, heartbeat_at="now() - interval '6 minutes'", pid=os.getppid())
    assert [run.id for run in start(cursor)[1]] == [silent]
