"""Jobs from the queue to their named end, under a real Scrapyd."""

import contextlib
import os
import signal
import subprocess
import uuid
from pathlib import Path

import psutil
import pytest

from newsbot.hosting.processes import birth
from newsbot.job import HEARTBEAT


def test_a_job_runs_and_ends_well(scrapyd):
    job = scrapyd.wait_until(scrapyd.run("quick"))
    assert (job["state"], job["exit_code"], job["signal"], job["asked_by"]) == ("finished", 0, None, "api")
    assert job["start_time"] <= job["end_time"]


@pytest.mark.parametrize(
    ("spider", "arguments", "state", "exit_code", "signal", "reason"),
    [
        ("crashes", {"code": "1"}, "failed", 1, None, "exit code 1"),
        ("crashes", {"code": "3"}, "failed", 3, None, "exit code 3"),
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
    scrapyd = make_scrapyd(job_timeout=5, stop_timeout=1).start()  # it has to have begun to hang by then
    job = scrapyd.wait_until(scrapyd.run("hangs"))
    assert (job["state"], job["signal"]) == ("timed out", signal.SIGKILL)


def test_a_spider_that_ignores_the_first_word_ends_at_the_second(scrapyd, tmp_path):
    job = scrapyd.run("deaf", tells=tmp_path / "tells")
    scrapyd.wait_for((tmp_path / "tells").exists)
    assert scrapyd.post("cancel.json", project="newsbot", job=job)["prevstate"] == "running"
    assert scrapyd.job(job)["state"] == "running"
    assert scrapyd.post("cancel.json", project="newsbot", job=job)["prevstate"] == "running"
    job = scrapyd.wait_until(job)
    assert (job["state"], job["signal"], job["reason"]) == ("cancelled", signal.SIGKILL, "asked for")


def test_a_reason_of_before_does_not_stay(scrapyd, tmp_path):
    """Here that of a job that was requeued as its Scrapyd stopped, and finishes then."""
    job = scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "done", tells=tmp_path / "tells"), "running")
    scrapyd.wait_for((tmp_path / "tells").exists)
    scrapyd.stop()
    (tmp_path / "done").touch()
    scrapyd.start()
    job = scrapyd.wait_until(job["id"])
    assert (job["state"], job["exit_code"], job["reason"]) == ("finished", 0, None)


def test_a_job_that_was_asked_for_wrongly_is_not_tried_again(make_scrapyd, query):
    """Here by the catalogue, which only the job sees, of a project with its own settings."""
    scrapyd = make_scrapyd()
    scrapyd.edit(
        {"name": "wrong", "spider": "headlines", "cron": "0 0 1 1 *", "args": {"sources": "nosuch"}, "retries": 2},
        {"name": "fails", "spider": "crashes", "cron": "0 0 1 1 *", "args": {"code": "3"}, "retries": 1, "backoff": 0},
    )
    scrapyd.start()
    job = scrapyd.wait_until(scrapyd.post("fire.json", name="wrong")["jobid"])
    assert (job["state"], job["exit_code"]) == ("failed", 2)
    assert job["reason"].startswith("exit code 2: ")
    assert "'nosuch' is unknown" in job["reason"]
    scrapyd.wait_until(scrapyd.post("fire.json", name="fails")["jobid"])
    scrapyd.wait_for(lambda: len(scrapyd.jobs(schedule="fails", state="failed")) == 2)
    assert len(scrapyd.jobs(schedule="wrong")) == 1


def test_a_job_that_starts_slowly_keeps_its_lease(make_scrapyd, query, tmp_path):
    scrapyd = make_scrapyd(runner="slow_runner")
    (scrapyd.folder / "slow_runner.py").write_text(
        "import sys, time\nfrom pathlib import Path\nfrom newsbot.hosting import runner\n"
        f"while 'crawl' in sys.argv and not Path({str(tmp_path / 'go')!r}).exists():\n    time.sleep(0.05)\n"
        "runner.main()\n"
    )
    scrapyd.start()
    job = scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "done", tells=tmp_path / "tells"), "running")

    def lease():
        return query("SELECT lease_until FROM jobs WHERE id = %s", job["id"])[0][0]

    for _ in range(2):
        before = lease()
        scrapyd.wait_for(lambda before=before: lease() > before)
    (tmp_path / "go").touch()
    scrapyd.wait_for((tmp_path / "tells").exists)
    # Only the process renews it now, every third of its length, not at every heartbeat.
    begun = lease()
    scrapyd.wait_for(lambda: lease() > begun)
    begin = lease()
    after = scrapyd.wait_for(lambda: (now := lease()) > begin and now)
    assert (after - begin).total_seconds() > 1.5 * HEARTBEAT
    (tmp_path / "done").touch()
    assert scrapyd.wait_until(job["id"])["state"] == "finished"


@pytest.mark.parametrize("job_id", ["plain", "with a blank", "100% \u00e4:1"])
def test_the_items_of_the_history_are_a_file(make_scrapyd, job_id):
    scrapyd = make_scrapyd(items_dir="items").start()
    job = scrapyd.wait_until(scrapyd.run("quick", jobid=job_id, items=2))
    assert (job["state"], len(Path(job["items"]).read_text().splitlines())) == ("finished", 2)
    (finished,) = scrapyd.get("listjobs.json")["finished"]
    for name, text in (("items_url", "Made up, number 1"), ("log_url", "Spider closed")):
        assert text in scrapyd.call("GET", finished[name].lstrip("/")).text
    none = scrapyd.wait_until(scrapyd.run("quick", jobid="none"))
    assert none["items"] is None or Path(none["items"]).exists()


def test_a_job_whose_log_finds_no_room_says_so(make_scrapyd, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        scrapyd = make_scrapyd(logs_dir=small).start()
        first = scrapyd.wait_until(scrapyd.run("quick"))
        assert first["state"] == "finished"
        assert "\0" not in Path(first["log"]).read_text()
        fill = os.open(small / "fill", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while True:
                os.write(fill, bytes(4096))
        os.close(fill)
        job = scrapyd.wait_until(scrapyd.run("quick"))
        assert job["state"] == "failed"
        assert "cannot be started" in job["reason"]
        assert "there is no room for its log" in job["reason"]
        (small / "fill").unlink()
        assert scrapyd.wait_until(scrapyd.run("quick"))["state"] == "finished"
        scrapyd.stop()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


@pytest.fixture
def small_group():
    """A control group of the system's with little memory."""
    for base in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        group = base / f"newsbot-test-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
            name = "memory.max" if (group / "memory.max").exists() else "memory.limit_in_bytes"
            (group / name).write_text(str(256 << 20))
        except OSError:
            continue
        yield group
        group.rmdir()
        return
    pytest.skip("no control group can be made here (root of a machine of its own can)")


def test_the_kernel_kills_for_want_of_memory(scrapyd, small_group):
    job = scrapyd.wait_until(scrapyd.run("swells", group=small_group))
    assert (job["state"], job["signal"]) == ("out of memory", signal.SIGKILL)
    assert job["reason"] == "the kernel killed it for want of memory"


def test_a_crawl_that_passes_its_limit(make_scrapyd, tmp_path):
    scrapyd = make_scrapyd(allowed_settings="MEMUSAGE_*").start()
    settings = ["MEMUSAGE_LIMIT_MB=50", "MEMUSAGE_CHECK_INTERVAL_SECONDS=0.5"]
    job = scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "never", setting=settings))
    assert (job["state"], job["reason"]) == ("out of memory", "it passed MEMUSAGE_LIMIT_MB")


def test_a_spider_that_is_not_there(scrapyd):
    """Refused at once; if it went meanwhile, the job fails with the reason."""
    answer = scrapyd.post("schedule.json", project="newsbot", spider="nobody")
    assert (answer["status"], answer["message"]) == ("error", "spider 'nobody' not found")
    assert scrapyd.jobs() == []


def test_a_job_that_cannot_be_started(make_scrapyd, query):
    scrapyd = make_scrapyd().start()
    query("INSERT INTO jobs (project, id, spider, asked_by) VALUES ('newsbot', 'one', 'nobody', 'test')")
    job = scrapyd.wait_until("one")
    assert (job["state"], job["exit_code"]) == ("failed", 2)
    assert "unknown spider 'nobody'" in job["reason"]
    logs = scrapyd.folder / "home" / "scrapyd" / "logs" / "newsbot" / "quick"
    logs.parent.mkdir(parents=True, exist_ok=True)
    logs.write_text("a file in place of the folder")
    job = scrapyd.wait_until(scrapyd.run("quick"))
    assert job["state"] == "failed"
    assert "cannot be started" in job["reason"]


def test_a_long_log_is_cut(make_scrapyd):
    scrapyd = make_scrapyd(log_max_mb=2).start()
    quick = scrapyd.wait_until(scrapyd.run("talks", text="x" * 1000, times=5_000))
    slow = scrapyd.wait_until(scrapyd.run("talks", text="x" * 1000, times=60_000, pause=0.002), "running")
    for job in (quick, slow):
        scrapyd.wait_for(
            lambda job=job: f"The log of job {job['id']} passed 2097152 bytes and was cut" in scrapyd.said()
        )
        # Not always its first line: the job may write between the cut and its line.
        assert "[newsbot: the log was cut here" in Path(job["log"]).read_text()
    scrapyd.post("cancel.json", project="newsbot", job=slow["id"])
    scrapyd.wait_until(slow["id"])


def test_the_run_says_how_it_ended(scrapyd, query, tmp_path):
    job = scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "never"), "running")
    scrapyd.wait_for(lambda: query("SELECT 1 FROM runs WHERE job = %s", job["id"]))
    psutil.Process(job["pid"]).kill()
    scrapyd.wait_until(job["id"])
    assert query("SELECT finish_reason, finished_at IS NULL FROM runs WHERE job = %s", job["id"]) == [("killed", False)]
    finished = scrapyd.get("listjobs.json")["finished"][0]
    assert (finished["state"], finished["signal"]) == ("killed", signal.SIGKILL)


def test_what_a_job_leaves_behind_ends_with_it(scrapyd, tmp_path):
    """As a browser would."""
    assert scrapyd.wait_until(scrapyd.run("forks", tells=tmp_path / "pid"))["state"] == "finished"
    scrapyd.wait_for(lambda: birth(int((tmp_path / "pid").read_text())) is None)


def test_secrets_are_on_no_command_line(scrapyd, tmp_path):
    """They reach the spider, and neither `ps`, the log nor the history."""
    job = scrapyd.run("waits", until=tmp_path / "done", tells=tmp_path / "tells", api_key="hunter2")
    job = scrapyd.wait_until(job, "running")
    scrapyd.wait_for(lambda: (tmp_path / "tells").exists())
    command = psutil.Process(job["pid"]).cmdline()
    assert f"until={tmp_path / 'done'}" in command
    assert "hunter2" not in " ".join(command)
    assert "hunter2" not in scrapyd.said()
    assert job["args"]["api_key"] == "***"
    (tmp_path / "done").touch()
    assert scrapyd.wait_until(job["id"])["state"] == "finished"
    assert "api_key hunter2" in (tmp_path / "tells").read_text()
