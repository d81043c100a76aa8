"""The schedule inside a real Scrapyd: which times fire, which are recorded as skipped, and why."""

from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

YEARLY = "0 0 1 1 *"


def entry(name, spider="quick", **keys):
    if not {"cron", "every", "after"} & keys.keys():
        keys["cron"] = YEARLY
    return {"name": name, "spider": spider} | keys


@pytest.fixture
def start(make_scrapyd):
    """A Scrapyd that runs with these entries."""

    def make(*entries, name="scrapyd", **options):
        scrapyd = make_scrapyd(name, **options)
        scrapyd.edit(*entries)
        return scrapyd.start()

    return make


@pytest.fixture
def fires(query):
    """Nominal time, outcome and reason of an entry's fires, in order."""
    return lambda name: query(
        "SELECT nominal_at, outcome, reason FROM fires WHERE schedule = %s ORDER BY nominal_at", name
    )


def shown(scrapyd, name):
    return next(each for each in scrapyd.get("schedules.json")["schedules"] if each["name"] == name)


def fire(scrapyd, name):
    answer = scrapyd.post("fire.json", name=name)
    assert answer["status"] == "ok", answer
    return answer["jobid"]


def test_an_entry_fires_at_its_times(start):
    scrapyd = start(entry("often", every="2s", overlap="queue", args={"kind": "x"}))
    jobs = scrapyd.wait_for(lambda: len(found := scrapyd.jobs(state="finished")) >= 3 and found)
    assert {job["asked_by"] for job in jobs} == {"schedule:often"}
    assert all(job["args"] == {"kind": "x"} for job in jobs)
    nominal = sorted(datetime.fromisoformat(job["nominal_time"]) for job in jobs)
    assert all(moment.timestamp() % 2 == 0 for moment in nominal)
    assert {later - earlier for earlier, later in pairwise(nominal)} == {timedelta(seconds=2)}
    told = shown(scrapyd, "often")
    assert told["next_time"] > told["last_time"] >= jobs[0]["nominal_time"]
    assert not told["paused"]


def test_skip_runs_one_and_tells_the_others(start, fires, tmp_path):
    scrapyd = start(entry("long", "waits", every="1s", args={"until": str(tmp_path / "done")}))
    told = scrapyd.wait_for(lambda: len(found := fires("long")) >= 6 and found)
    (job,) = scrapyd.jobs()
    assert [outcome for _, outcome, _ in told] == ["queued"] + ["skipped"] * (len(told) - 1)
    assert all(job["id"] in reason and "still" in reason for *_, reason in told[1:])
    assert shown(scrapyd, "long")["last_state"] == "skipped"


def test_queue_runs_them_one_after_the_other(start, tmp_path):
    scrapyd = start(entry("long", "waits", overlap="queue", args={"until": str(tmp_path / "done")}))
    first, *others = (fire(scrapyd, "long") for _ in range(3))
    scrapyd.wait_until(first, "running")
    assert {scrapyd.job(other)["state"] for other in others} == {"pending"}
    (tmp_path / "done").touch()
    ended = [scrapyd.wait_until(job) for job in (first, *others)]
    assert [job["state"] for job in ended] == ["finished"] * 3
    assert all(earlier["end_time"] <= later["start_time"] for earlier, later in pairwise(ended))


def test_replace_ends_the_one_before(start, tmp_path):
    scrapyd = start(entry("long", "waits", overlap="replace", args={"until": str(tmp_path / "done")}))
    first = fire(scrapyd, "long")
    scrapyd.wait_until(first, "running")
    second = fire(scrapyd, "long")
    job = scrapyd.wait_until(first)
    assert (job["state"], job["reason"]) == ("cancelled", "replaced by the entry's next fire")
    (tmp_path / "done").touch()
    assert scrapyd.wait_until(second)["state"] == "finished"


def test_a_crash_is_retried_and_the_loop_stops(start):
    scrapyd = start(entry("crash", "crashes", retries=2, backoff="1s", args={"code": "7"}))
    first = fire(scrapyd, "crash")
    jobs = scrapyd.wait_for(lambda: len(found := scrapyd.jobs(state="failed")) == 3 and found)
    third, second, _ = jobs
    assert [job["exit_code"] for job in jobs] == [7] * 3
    assert (second["retry_of"], third["retry_of"]) == (first, second["id"])
    assert "given up" in third["reason"]
    assert {job["nominal_time"] for job in jobs} == {third["nominal_time"]}
    started = [datetime.fromisoformat(job["start_time"]) for job in jobs]
    ended = [datetime.fromisoformat(job["end_time"]) for job in jobs]
    assert started[1] - ended[2] >= timedelta(seconds=1)
    assert started[0] - ended[1] >= timedelta(seconds=2)
    assert scrapyd.jobs(state="pending") == []


def test_a_timeout_ends_a_job(start):
    scrapyd = start(entry("hang", "hangs", timeout="1s"), stop_timeout=1)
    assert scrapyd.wait_until(fire(scrapyd, "hang"))["state"] == "timed out"


def test_after_waits_until_the_others_have_finished_well(start, query, tmp_path):
    """The newest time of the upstream entry counts, or a later one; a job that failed does not."""
    scrapyd = start(entry("first", "waits", cron="* * * * *", args={"until": str(tmp_path / "done")}))
    scrapyd.post("pause.json", name="first")
    scrapyd.edit(
        entry("first", "waits", cron="* * * * *", args={"until": str(tmp_path / "done")}, overlap="queue"),
        entry("second", every="1s", after="first"),
    )
    waiting = scrapyd.wait_for(lambda: scrapyd.jobs(schedule="second"))
    crashed = fire(scrapyd, "first")
    scrapyd.wait_until(crashed, "running")
    scrapyd.post("cancel.json", project="newsbot", job=crashed, signal="KILL")
    scrapyd.wait_until(crashed)
    assert scrapyd.job(waiting[0]["id"])["state"] == "pending"
    (tmp_path / "done").touch()
    assert scrapyd.wait_until(fire(scrapyd, "first"))["state"] == "finished"
    assert scrapyd.wait_until(waiting[-1]["id"])["state"] == "finished"


def test_after_alone_follows_each_good_end(start):
    scrapyd = start(
        entry("first"), entry("bad", "crashes"), entry("then", after="first"), entry("never", after=["first", "bad"])
    )
    for number in (1, 2):
        scrapyd.wait_until(fire(scrapyd, "first"))
        scrapyd.wait_for(lambda number=number: len(scrapyd.jobs(schedule="then", state="finished")) == number)
    scrapyd.wait_until(fire(scrapyd, "bad"))
    assert scrapyd.jobs(schedule="never") == []


def test_a_paused_entry_is_reported_as_skipped_and_resumes(start, fires):
    scrapyd = start(entry("often", every="1s", overlap="queue"))
    assert scrapyd.post("pause.json", name="often")["paused"] is True
    scrapyd.wait_for(lambda: [each for each in fires("often") if each[1:] == ("skipped", "paused")])
    assert shown(scrapyd, "often")["paused"]
    assert shown(scrapyd, "often")["next_time"] is None
    assert scrapyd.wait_until(fire(scrapyd, "often"))["state"] == "finished"
    assert scrapyd.post("resume.json", name="often")["paused"] is False
    fired = len([each for each in fires("often") if each[1] == "queued"])
    scrapyd.wait_for(lambda: len([each for each in fires("often") if each[1] == "queued"]) > fired)


def test_a_good_edit_is_taken_over_and_a_bad_one_reported(start):
    scrapyd = start(entry("one"))
    scrapyd.edit(entry("one"), entry("two", every="1s"))
    scrapyd.wait_for(lambda: scrapyd.jobs(schedule="two"))
    scrapyd.schedule.write_text("- name: two\n  spider: quick\n  cron: 61 * * * *\n")
    faults = scrapyd.wait_for(lambda: scrapyd.get("schedules.json")["faults"])
    assert "schedule.yaml:3" in faults[0]
    assert "'61'" in faults[0]
    assert [each["name"] for each in scrapyd.get("schedules.json")["schedules"]] == ["one", "two"]
    scrapyd.schedule.unlink()
    faults = scrapyd.wait_for(lambda: "No such file" in scrapyd.get("schedules.json")["faults"][0])
    assert scrapyd.call("GET", "health.json").status_code == 503
    scrapyd.edit(entry("three"))
    scrapyd.wait_for(lambda: [each["name"] for each in scrapyd.get("schedules.json")["schedules"]] == ["three"])
    assert scrapyd.call("GET", "health.json").status_code == 200


def test_what_was_missed_is_caught_up_once(start, query, fires):
    scrapyd = start(entry("once", every="1h"), entry("none", every="1h", catch_up="none"))
    scrapyd.stop()
    query("UPDATE schedules SET last_nominal_at = last_nominal_at - interval '5 hours'")
    scrapyd.start()
    (job,) = scrapyd.wait_for(lambda: scrapyd.jobs())
    scrapyd.wait_for(lambda: fires("none"))
    assert job["asked_by"] == "schedule:once"
    assert [outcome for _, outcome, _ in fires("once")] == ["missed"] * 4 + ["queued"]
    assert [outcome for _, outcome, _ in fires("none")] == ["missed"] * 5


def test_changed_times_have_missed_nothing(start, query):
    scrapyd = start(entry("one", every="1h"))
    scrapyd.stop()
    query("UPDATE schedules SET last_nominal_at = last_nominal_at - interval '5 hours'")
    scrapyd.edit(entry("one", every="30m"))
    scrapyd.start()
    scrapyd.wait_for(
        lambda: query("SELECT 1 FROM schedules WHERE times LIKE '1800%%' AND last_nominal_at > now() - interval '1 h'")
    )
    assert scrapyd.jobs() == []


def test_an_entry_that_fails_keeps_no_other(start, query):
    """Here by a rule of the database that one of them breaks."""
    scrapyd = start()
    query("ALTER TABLE jobs ADD CHECK (schedule <> 'bad')")
    scrapyd.edit(entry("bad", every="1s"), entry("good", every="1s", overlap="queue"))
    scrapyd.wait_for(lambda: len(scrapyd.jobs(schedule="good")) >= 3)
    assert "The entry bad cannot be fired" in scrapyd.said()


def test_fires_are_not_lost_to_a_clock_that_is_thought_wrong(start, query, database):
    """Its measure is held up, as by a slow database."""
    scrapyd = start(entry("once", every="10s"))
    for _ in range(2):
        with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE nodes IN EXCLUSIVE MODE")
            cursor.execute("SELECT pg_sleep(3)")
    scrapyd.wait_for(lambda: len(query("SELECT 1 FROM fires")) >= 3)
    nominal = [moment for (moment,) in query("SELECT nominal_at FROM fires ORDER BY 1")]
    assert {later - earlier for earlier, later in pairwise(nominal)} == {timedelta(seconds=10)}
    assert {outcome for (outcome,) in query("SELECT outcome FROM fires")} <= {"queued", "skipped"}


def test_two_nodes_fire_once(start, fires):
    one = start(entry("often", every="1s", overlap="queue"), name="one")
    two = start(entry("often", every="1s", overlap="queue"), name="two")
    one.wait_for(lambda: len(fires("often")) >= 8)
    nominal = [job["nominal_time"] for job in two.jobs()]
    assert len(nominal) == len(set(nominal))


def test_an_entry_may_want_a_node(start):
    scrapyd = start(entry("here", node="one"), entry("there", node="two"), node_name="one")
    there, here = fire(scrapyd, "there"), fire(scrapyd, "here")
    assert scrapyd.wait_until(here)["node"] == "one"
    assert scrapyd.job(there)["state"] == "pending"
