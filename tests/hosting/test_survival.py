"""Killing any process loses no job, and runs none twice at a time."""

import os
import signal

import psutil
import pytest

from newsbot.hosting.processes import birth


class Work:
    """Jobs that wait for a file; each stores three articles and reports its start."""

    def __init__(self, folder):
        self.folder = folder
        self.done = folder / "done"
        self.tells = folder / "tells"

    def queue(self, scrapyd, number):
        return [scrapyd.run("waits", until=self.done, tells=self.tells, items=3) for _ in range(number)]

    def starts(self):
        """The job and the process of each start."""
        return [line.split() for line in self.tells.read_text().splitlines()] if self.tells.exists() else []

    def finish(self):
        self.done.touch()


@pytest.fixture
def work(tmp_path):
    return Work(tmp_path)


def running(scrapyd):
    return [job for job in scrapyd.jobs(state="running") if job["pid"]]


def all_ended(scrapyd, ids):
    scrapyd.wait_for(lambda: all(job["end_time"] for job in scrapyd.jobs()))
    assert {job["id"]: job["state"] for job in scrapyd.jobs()} == dict.fromkeys(ids, "finished")


def rows(scrapyd):
    """The stored articles and rejects, and from how many jobs."""
    import psycopg2

    with psycopg2.connect(scrapyd.environment["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT split_part(url, '/', 4)) FROM articles")
        found = cursor.fetchone()
    connection.close()
    return found


def test_scrapyd_is_killed_and_its_jobs_go_on(make_scrapyd, work):
    scrapyd = make_scrapyd(max_proc=2).start()
    ids = work.queue(scrapyd, 6)
    before = scrapyd.wait_for(lambda: len(found := running(scrapyd)) == 2 and len(work.starts()) == 2 and found)
    scrapyd.kill()
    assert all(psutil.pid_exists(job["pid"]) for job in before)
    scrapyd.start()
    scrapyd.wait_for(lambda: "adopted" in scrapyd.said())
    assert {(job["id"], job["pid"]) for job in running(scrapyd)} == {(job["id"], job["pid"]) for job in before}
    work.finish()
    all_ended(scrapyd, ids)
    assert sorted(job for job, _ in work.starts()) == sorted(ids)
    assert rows(scrapyd) == (18, 6)


def test_all_is_killed_at_once(make_scrapyd, work):
    scrapyd = make_scrapyd(max_proc=2).start()
    ids = work.queue(scrapyd, 6)
    scrapyd.wait_for(lambda: len(work.starts()) == 2)
    scrapyd.kill_all()
    work.finish()
    scrapyd.start()
    all_ended(scrapyd, ids)
    assert len(work.starts()) == 8
    assert rows(scrapyd) == (18, 6)
    for job, _ in work.starts()[:2]:
        assert f"Job {job} of {scrapyd.job(job)['spider']} is requeued: its process is gone" in scrapyd.said()
    assert {job["reason"] for job in scrapyd.jobs()} == {None}  # that of an earlier start does not stay


def test_jobs_that_end_while_scrapyd_is_down(make_scrapyd, work):
    """One that ended in order is done; one that was killed runs again."""
    scrapyd = make_scrapyd(max_proc=2).start()
    good, killed = work.queue(scrapyd, 2)
    processes = scrapyd.wait_for(lambda: len(running(scrapyd)) == 2 == len(work.starts()) and running(scrapyd))
    scrapyd.kill()
    pid = {job["id"]: job["pid"] for job in processes}
    psutil.Process(pid[killed]).kill()
    work.finish()
    psutil.wait_procs([psutil.Process(each) for each in pid.values() if psutil.pid_exists(each)])
    scrapyd.start()
    all_ended(scrapyd, [good, killed])
    assert [job for job, _ in work.starts()].count(good) == 1
    assert [job for job, _ in work.starts()].count(killed) == 2


def test_sigterm_lets_jobs_end_in_order_and_queues_them_again(make_scrapyd, work):
    scrapyd = make_scrapyd(max_proc=1).start()
    ids = work.queue(scrapyd, 2)
    scrapyd.wait_for(work.starts)
    (pid,) = {int(pid) for _, pid in work.starts()}
    assert scrapyd.stop() == -signal.SIGTERM  # Twisted ends by it, once all is done
    assert not psutil.pid_exists(pid)
    work.finish()
    scrapyd.start()
    all_ended(scrapyd, ids)
    assert len(work.starts()) == 3


def test_a_hung_job_does_not_hold_up_the_stop(make_scrapyd):
    scrapyd = make_scrapyd(stop_timeout=1).start()
    job = scrapyd.wait_until(scrapyd.run("hangs"), "running")
    assert scrapyd.stop() == -signal.SIGTERM  # Twisted ends by it, once all is done
    assert not psutil.pid_exists(job["pid"])


def test_nodes_share_one_queue(make_scrapyd, work):
    """A job runs once, on one of them; each knows all; one is cancelled through the other."""
    one, two = make_scrapyd("one", max_proc=1).start(), make_scrapyd("two", max_proc=1).start()
    ids = work.queue(one, 5)
    both = one.wait_for(lambda: len(running(one)) == 2 and running(one))
    assert {job["node"] for job in both} == {
        one.get("daemonstatus.json")["node_name"],
        two.get("daemonstatus.json")["node_name"],
    }
    there = next(job for job in both if job["node"] == two.get("daemonstatus.json")["node_name"])
    assert one.post("cancel.json", project="newsbot", job=there["id"])["prevstate"] == "running"
    assert one.wait_until(there["id"])["state"] == "cancelled"
    work.finish()
    one.wait_for(lambda: all(job["end_time"] for job in one.jobs()))
    assert sorted(job["id"] for job in two.jobs()) == sorted(ids)
    starts = [job for job, _ in work.starts()]
    assert len(starts) == len(set(starts))


def test_a_dead_nodes_jobs_go_to_another(make_scrapyd, work):
    one, two = make_scrapyd("one", max_proc=2).start(), make_scrapyd("two", max_proc=2)
    ids = work.queue(one, 4)
    one.wait_for(lambda: len(work.starts()) == 2)
    two.start()
    two.wait_for(lambda: len(work.starts()) == 4)
    one.kill_all()
    work.finish()
    all_ended(two, ids)
    assert len(work.starts()) == 6


def test_a_job_that_was_given_away_cannot_write(make_scrapyd, work, database):
    """Its token is no longer the job's: the next transaction is refused, the process ends itself."""
    scrapyd = make_scrapyd(max_proc=1).start()
    (job_id,) = work.queue(scrapyd, 1)
    job = scrapyd.wait_for(lambda: work.starts() and running(scrapyd))[0]
    os.kill(scrapyd.process.pid, signal.SIGSTOP)  # a Scrapyd that does not notice
    connection = database.connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs SET token = gen_random_uuid(), node = 'elsewhere', machine = 'other' WHERE id = %s", (job_id,)
        )
    connection.close()
    work.finish()
    scrapyd.wait_for(lambda: birth(job["pid"]) is None)  # its parent does not take note of it
    assert rows(scrapyd) == (0, 0)
