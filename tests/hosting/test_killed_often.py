"""The long trials: Scrapyd, its jobs, its nodes and its database are killed, over and over."""

import os
import random
import signal
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from newsbot.storage.database import Database

pytestmark = pytest.mark.trial

ITEMS = 3


@pytest.fixture
def locks(tmp_path):
    folder = tmp_path / "locks"
    folder.mkdir()
    return folder


@pytest.fixture
def work(locks):
    """Queue jobs that take a second or two; returns their ids."""

    def queue(scrapyd, number, seconds="0.5", **data):
        return [scrapyd.run("works", locks=locks, seconds=seconds, items=ITEMS, **data) for _ in range(number)]

    return queue


def check(scrapyd, locks, ids):
    """All have finished well, none ran twice at the same time, and their rows are those of one run each."""
    jobs = {job["id"]: job for job in scrapyd.jobs()}
    while len(jobs) < len(ids):
        more = scrapyd.get("history.json", limit=1000, page=len(jobs) // 1000 + 1)["jobs"]
        jobs |= {job["id"]: job for job in more}
    assert {job["id"]: job["reason"] for job in jobs.values() if job["state"] != "finished"} == {}
    assert len(jobs) == len(ids)
    assert set(jobs) == set(ids)
    assert list(locks.glob("twice-*")) == []
    connection = Database(scrapyd.environment["DATABASE_URL"], Path(scrapyd.environment["NEWSBOT_HOME"])).connect()
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT split_part(url, '/', 4)) FROM articles")
        assert cursor.fetchone() == (ITEMS * len(ids), len(ids))
        cursor.execute("SELECT count(*) FROM rejects")
        assert cursor.fetchone() == (0,)
    connection.close()


def done(scrapyd):
    counts = scrapyd.get("daemonstatus.json")
    return counts["status"] == "ok" and counts["pending"] == counts["running"] == 0


def test_scrapyd_is_killed_50_times(make_scrapyd, locks, work):
    """With two running and four waiting; every other time all its processes with it."""
    chance = random.Random(1)
    scrapyd = make_scrapyd(max_proc=2).start()
    ids = []
    for number in range(50):
        ids += work(scrapyd, 6)
        time.sleep(chance.uniform(0, 2.5))  # the trial tries any moment
        scrapyd.kill_all() if number % 2 else scrapyd.kill()
        scrapyd.start()
        scrapyd.wait_for(lambda: done(scrapyd), 120)
    check(scrapyd, locks, ids)


def test_jobs_are_killed_50_times(make_scrapyd, query):
    """Each is named, and retried as its entry says; the last attempt is left alone."""
    scrapyd = make_scrapyd(max_proc=5)
    entries = [
        {"name": f"entry-{number}", "spider": "waits", "cron": "0 0 1 1 *", "retries": 10, "backoff": "0s"}
        | {"args": {"until": str(scrapyd.folder / "done")}}
        for number in range(5)
    ]
    scrapyd.edit(*entries)
    scrapyd.start()
    for entry in entries:
        scrapyd.post("fire.json", name=entry["name"])
    for _ in range(10):
        for entry in entries:

            def runs(name=entry["name"]):
                return [job for job in scrapyd.jobs(schedule=name, state="running") if job["pid"]]

            (job,) = scrapyd.wait_for(runs)
            psutil.Process(job["pid"]).kill()
            ended = scrapyd.wait_until(job["id"])
            assert (ended["state"], ended["signal"], ended["exit_code"]) == ("killed", signal.SIGKILL, None)
    (scrapyd.folder / "done").touch()
    scrapyd.wait_for(lambda: done(scrapyd))
    states = Counter((job["schedule"], job["state"]) for job in scrapyd.jobs())
    assert states == {
        (entry["name"], state): times for entry in entries for state, times in (("killed", 10), ("finished", 1))
    }


def test_postgres_is_killed_20_times(home, make_scrapyd, locks, work):  # the home goes after its Scrapyd
    """Under two that run and twenty that wait; the first process that needs the embedded server starts it again."""
    scrapyd = make_scrapyd(max_proc=2, environment={"DATABASE_URL": "", "NEWSBOT_HOME": str(home)}).start()
    chance = random.Random(1)
    ids = work(scrapyd, 22, seconds="1")
    for number in range(20):
        pid = int((home / "postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        time.sleep(chance.uniform(0, 3))
        scrapyd.wait_for(lambda: scrapyd.get("health.json")["status"] == "ok")
        if number % 5 == 4:
            ids += work(scrapyd, 4, seconds="1")
    scrapyd.wait_for(lambda: done(scrapyd), 300)
    check(scrapyd, locks, ids)


def test_three_nodes_300_jobs_one_killed_every_10_seconds(make_scrapyd, locks, work):
    nodes = [make_scrapyd(name, max_proc=2, node_name=name).start() for name in ("one", "two", "three")]
    ids = work(nodes[0], 300, seconds="0.2")
    chance, kills = random.Random(1), 0
    while True:
        victim, *others = chance.sample(nodes, 3)
        time.sleep(10)
        if done(others[0]):
            break
        victim.kill_all() if kills % 2 else victim.kill()
        kills += 1
        victim.start()
    check(nodes[0], locks, ids)
    print(f"{kills} kills")


def test_20_fires_into_a_long_job(make_scrapyd, query):
    scrapyd = make_scrapyd()
    args = {"until": str(scrapyd.folder / "done")}
    scrapyd.edit({"name": "long", "spider": "waits", "every": "1s", "args": args})
    scrapyd.start()
    scrapyd.wait_for(lambda: query("SELECT count(*) FROM fires") >= [(20,)])
    outcomes = [outcome for (outcome,) in query("SELECT outcome FROM fires ORDER BY nominal_at LIMIT 20")]
    assert outcomes == ["queued"] + ["skipped"] * 19
    assert len(scrapyd.jobs()) == 1


def test_overlaps_of_many_fires(make_scrapyd, query, locks):
    """Fires every second on three nodes, of which one is killed and started all the time: never two at once."""
    nodes = [make_scrapyd(name, node_name=name) for name in ("one", "two", "three")]
    args = {"locks": str(locks), "seconds": "1.2"}
    for node in nodes:
        node.edit({"name": "often", "spider": "works", "every": "1s", "overlap": "queue", "args": args})
        node.start()
    for _ in range(6):
        time.sleep(5)
        nodes[2].kill()
        nodes[2].start()
    for node in nodes:
        node.post("pause.json", name="often")
    nodes[0].wait_for(lambda: done(nodes[0]), 300)
    spans = query("SELECT started_at, ended_at FROM jobs ORDER BY started_at")
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))
    assert list(locks.glob("twice-*")) == []
    (count, distinct) = query("SELECT count(*), count(DISTINCT nominal_at) FROM fires")[0]
    assert count == distinct > 25
