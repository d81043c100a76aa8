"""The database is away or read-only: running jobs go on, nothing is lost or run twice, and work resumes on its own."""

import os
import subprocess
import sys
import time
import uuid
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from newsbot.job import TOKEN
from newsbot.storage.jobs import LEASE
from newsbot.storage.upgrade import upgrade

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spoilt(server, database):
    """A context in which the database is so; all connections are cut at its start and end."""
    name = database.url.rpartition("/")[2].partition("?")[0]

    def order(statement):
        with closing(server.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {name} {statement}")
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    @contextmanager
    def make(begin, end):
        order(begin)
        yield
        order(end)

    return make


AWAY = ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true")
READ_ONLY = ("SET default_transaction_read_only = on", "RESET default_transaction_read_only")


@pytest.fixture
def work(tmp_path):
    """Queue three jobs that wait for the file `done` and store an article; gives their ids."""

    def queue(scrapyd):
        arguments = {"until": tmp_path / "done", "tells": tmp_path / "tells", "items": 2}
        ids = [scrapyd.run("waits", **arguments) for _ in range(3)]
        scrapyd.wait_for(lambda: len(starts(tmp_path)) == 2)
        return ids

    return queue


def starts(folder):
    file = folder / "tells"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("how", [AWAY, READ_ONLY], ids=["away", "read-only"])
def test_jobs_wait_and_go_on(make_scrapyd, spoilt, work, tmp_path, database, how):
    scrapyd = make_scrapyd(max_proc=2).start()
    ids = work(scrapyd)
    with spoilt(*how):
        scrapyd.wait_for(lambda: scrapyd.call("GET", "health.json").status_code == 503)
        (tmp_path / "done").touch()
        assert scrapyd.call("POST", "schedule.json", data={"project": "newsbot", "spider": "quick"}).status_code == 503
    for job in ids:
        assert scrapyd.wait_until(job)["state"] == "finished"
    assert len(starts(tmp_path)) == 3
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM articles")
        assert cursor.fetchone() == (6,)
    scrapyd.wait_for(lambda: scrapyd.call("GET", "health.json").status_code == 200)


def test_scrapyd_starts_without_its_database(make_scrapyd, spoilt):
    scrapyd = make_scrapyd().start()
    scrapyd.stop()
    with spoilt(*AWAY):
        scrapyd.start(healthy=False)
        assert scrapyd.call("GET", "health.json").status_code == 503
    scrapyd.wait_for(scrapyd.is_healthy)
    assert scrapyd.wait_until(scrapyd.run("quick"))["state"] == "finished"


@pytest.mark.trial
def test_away_for_longer_than_a_lease(make_scrapyd, spoilt, work, tmp_path):
    """Two nodes; neither claims the jobs of the other, although nobody could renew a lease."""
    one, two = make_scrapyd("one", max_proc=1).start(), make_scrapyd("two", max_proc=1).start()
    ids = work(one)
    with spoilt(*AWAY):
        time.sleep(1.5 * LEASE)
    time.sleep(LEASE / 2)
    (tmp_path / "done").touch()
    for job in ids:
        assert two.wait_until(job)["state"] == "finished"
    assert len(starts(tmp_path)) == 3


def test_a_job_waits_for_a_database_that_is_away_as_it_starts(database, spoilt):
    """A crawl that a user types reports it at once."""
    token, command = str(uuid.uuid4()), [sys.executable, "-m", "scrapy", "crawl", "dataset"]
    command += ["-a", "config=presidentielle-2017"]
    with closing(database.connect()) as connection:
        upgrade(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO jobs (project, id, spider, asked_by, state, token)"
                " VALUES ('newsbot', 'a', 'dataset', 'api', 'running', %s)",
                (token,),
            )
    environment = os.environ | {"DATABASE_URL": database.url}
    given = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with spoilt(*AWAY):
        typed = subprocess.run(command, env=environment, **given, timeout=120)
        assert (typed.returncode, "cannot connect" in typed.stderr) == (1, True)
        job = subprocess.Popen(command, env=environment | {TOKEN: token}, **given)
        said = next(line for line in job.stderr if "The database cannot be used since" in line)
        assert "the crawl waits" in said
    job.communicate(timeout=120)
    assert job.returncode == 0
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT exit_code FROM runs")
        assert cursor.fetchall() == [(0,)]
