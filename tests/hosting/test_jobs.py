"""Jobs from the queue to their named end, under a real Scrapyd."""

import signal

import psutil
import pytest


def test_a_job_runs_and_ends_well(scrapyd):
    job = scrapyd.wait_until(scrapyd.run("quick"))
    assert (job["state"], job["exit_code"], job["signal"], job["asked_by"]) == ("finished", 0, None, "api")
    assert job["start_time"] <= job["end_time"]


@pytest.mark.parametrize(
    ("spider", "arguments", "state", "exit_code", "signal", "reason"),
    [
        ("crashes", {"code": "1"}, "failed", 1, None, None),
        ("crashes", {"code": "3"}, "failed", 3, None, None),
        ("greedy", {}, "out of memory", 1, None, "it was refused more memory"),
    ],
)
def test_ends_that_have_an_exit_code(scrapyd, spider, arguments, state, exit_code, signal, reason):
    job = scrapyd.wait_until(scrapyd.run(spider, **arguments))
    assert (job["state"], job["exit_code"], job["signal"]) == (state, exit_code, signal)
    assert reason is None or job["reason"] == reason


def test_a_killed_job(scrapyd, tmp_path):
    job = scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "never"), "running")
    psutil.Process(job["pid"]).kill()
    job = scrapyd.wait_until(job["id"])
    assert (job["state"], job["exit_code"], job["signal"]) == ("killed", None, signal.SIGKILL)


def test_cancelled_jobs(make_scrapyd, tmp_path):
    scrapyd = make_scrapyd(max_proc=1).start()
    running = scrapyd.run("waits", until=tmp_path / "never")
    scrapyd.wait_until(running, "running")
    pending = scrapyd.run("quick")
    assert scrapyd.post("cancel.json", project="newsbot", job=pending)["prevstate"] == "pending"
    assert scrapyd.post("cancel.json", project="newsbot", job=running)["prevstate"] == "running"
    assert scrapyd.wait_until(running)["state"] == scrapyd.wait_until(pending)["state"] == "cancelled"
    assert scrapyd.post("cancel.json", project="newsbot", job=running)["prevstate"] is None


def test_a_job_that_hangs_is_timed_out(make_scrapyd):
    scrapyd = make_scrapyd(job_timeout=2, stop_timeout=1).start()
    job = scrapyd.wait_until(scrapyd.run("hangs"))
    assert (job["state"], job["signal"]) == ("timed out", signal.SIGKILL)
