"""newsbot's own calls under a real Scrapyd: the schedule, the history, health; valid requests and bad ones."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from relay import Relay

ENTRIES = """
- name: hourly
  spider: quick
  args: {api_key: k, country: fr}
  cron: "0 * * * *"
- name: often
  spider: quick
  every: 20m
  enabled: false
- name: follows
  spider: quick
  after: [hourly, long]
- name: long
  spider: waits
  args: {until: NEVER}
  every: 300d1h30m2s
"""


@pytest.fixture
def entries(make_scrapyd, tmp_path):
    return make_scrapyd(schedule=ENTRIES.replace("NEVER", str(tmp_path / "never"))).start()


def told(scrapyd):
    return {entry["name"]: entry for entry in scrapyd.get("schedules.json")["schedules"]}


def refused(answer, status, said):
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert (told["status"], said in told["message"]) == ("error", True), told
    assert told["node_name"]


# --- The schedule -----------------------------------------------------------------------------------------------------


def test_the_schedule_is_listed(entries):
    answer = entries.get("schedules.json")
    assert (answer["status"], answer["faults"], answer["file"]) == ("ok", [], str(entries.schedule))
    hourly, often, follows, long = answer["schedules"]
    assert [each["name"] for each in answer["schedules"]] == ["hourly", "often", "follows", "long"]
    assert hourly["args"] == {"api_key": "***", "country": "fr"}
    assert (hourly["times"], hourly["timezone"]) == ("0 * * * *", "UTC")
    assert (hourly["last_time"], hourly["last_state"]) == (None, None)
    following = datetime.fromisoformat(hourly["next_time"])
    assert (following.minute, following.utcoffset()) == (0, timedelta(0))
    assert (often["enabled"], often["next_time"]) == (False, None)
    assert (follows["after"], follows["next_time"]) == (["hourly", "long"], None)
    assert follows["times"] == "after hourly, long"
    assert (long["times"], long["paused"], long["verdict"]) == ("every 300d1h30m2s", False, "never fired")


def test_an_entry_is_fired_by_hand(entries):
    job = entries.post("fire.json", name="hourly")["jobid"]
    assert entries.wait_until(job)["state"] == "finished"
    hourly = told(entries)["hourly"]
    assert (hourly["last_job"], hourly["last_state"], hourly["verdict"]) == (job, "finished", "finished")
    assert hourly["last_time"] == entries.job(job)["nominal_time"]
    assert (entries.job(job)["asked_by"], entries.job(job)["schedule"]) == ("schedule:hourly", "hourly")


def test_an_entry_that_skips_is_not_fired_twice(entries):
    job = entries.post("fire.json", name="long")["jobid"]
    refused(entries.call("POST", "fire.json", data={"name": "long"}), 409, f"long is skipped: job {job}")
    assert told(entries)["long"]["last_state"] == "skipped"


def test_an_entry_is_paused_and_resumed(entries):
    for _ in range(2):
        assert entries.post("pause.json", name="hourly")["paused"] is True
    assert (told(entries)["hourly"]["paused"], told(entries)["hourly"]["next_time"]) == (True, None)
    assert entries.wait_until(entries.post("fire.json", name="hourly")["jobid"])["state"] == "finished"
    assert entries.post("resume.json", name="hourly")["paused"] is False
    assert told(entries)["hourly"]["next_time"]


@pytest.mark.parametrize("call", ["pause.json", "resume.json", "fire.json"])
def test_a_call_for_an_entry_is_checked(entries, call):
    refused(entries.call("POST", call, data={"name": "hurly"}), 404, "the schedule has no entry 'hurly'")
    refused(entries.call("POST", call), 400, "'name' parameter is required")
    refused(entries.call("POST", call, data={"name": "hourly", "project": "other"}), 400, "expected 'newsbot'")
    refused(
        entries.call("POST", call, data={"name": "hourly", "now": "1"}), 400, "'now' is not a parameter of this call"
    )
    refused(entries.call("POST", call, data={"name": "n" * 65}), 400, "name is invalid")
    refused(entries.call("POST", call, data={"name": "hourly\0"}), 400, "NUL")
    refused(entries.call("POST", call, data=b"name=%ff"), 400, "'name' parameter is required")
    answer = entries.call("GET", call, params={"name": "hourly"})
    refused(answer, 405, "POST is")
    assert answer.headers["Allow"] == "OPTIONS, POST"
    assert entries.jobs() == []


# --- The history ------------------------------------------------------------------------------------------------------


def test_the_history_is_filtered(entries):
    quick = entries.wait_until(entries.run("quick"))
    failed = entries.wait_until(entries.run("crashes", code=3, jobid="the-one", token="t", setting="LOG_LEVEL=DEBUG"))
    fired = entries.wait_until(entries.post("fire.json", name="hourly")["jobid"])

    def ids(**filters):
        return [job["id"] for job in entries.get("history.json", **filters)["jobs"]]

    assert ids() == ids(project="newsbot") == ids(node=quick["node"]) == [fired["id"], failed["id"], quick["id"]]
    assert ids(spider="quick") == ids(state="finished") == [fired["id"], quick["id"]]
    assert ids(state="failed") == ids(id="the-one") == ids(spider="crashes", state="failed") == ["the-one"]
    assert ids(schedule="hourly") == [fired["id"]]
    assert ids(spider="quick", state="failed") == ids(project="other") == ids(node="other") == []
    assert (failed["args"], failed["settings"]) == ({"code": "3", "token": "***"}, {"LOG_LEVEL": "DEBUG"})
    for name in ("queued_time", "start_time", "end_time"):
        assert datetime.fromisoformat(failed[name]).utcoffset() == timedelta(0)
    assert failed["queued_time"] <= failed["start_time"] <= failed["end_time"]
    assert os.path.exists(failed["log"])


def test_the_history_has_pages(make_scrapyd, tmp_path):
    scrapyd = make_scrapyd(max_proc=1).start()
    scrapyd.run("waits", until=tmp_path / "never")
    for number in range(6):
        scrapyd.run("quick", jobid=f"job-{number}")
    pages = [scrapyd.get("history.json", page=page, limit=3) for page in (1, 2, 3, 4)]
    assert [page["next_page"] for page in pages] == [2, 3, None, None]
    assert [page["page"] for page in pages] == [1, 2, 3, 4]
    found = [job["id"] for page in pages for job in page["jobs"]]
    assert found == [job["id"] for job in scrapyd.jobs()]
    assert (len(found), found[:2]) == (7, ["job-5", "job-4"])


def test_a_question_to_the_history_is_checked(scrapyd):
    for params, said in [
        ({"state": "done"}, "state 'done': expected one of pending, running, finished"),
        ({"page": 0}, "page is invalid: Input should be greater than or equal to 1"),
        ({"page": "two"}, "page is invalid"),
        ({"page": 10**30}, "page is invalid"),
        ({"limit": 1001}, "limit is invalid: Input should be less than or equal to 1000"),
        ({"project": "../x"}, "project is invalid"),
        ({"spider": "a\0b"}, "NUL"),
        ({"sort": "id"}, "'sort' is not a parameter of this call"),
    ]:
        refused(scrapyd.call("GET", "history.json", params=params), 400, said)
    refused(scrapyd.call("POST", "history.json"), 405, "GET is")


# --- Health -----------------------------------------------------------------------------------------------------------


def part(scrapyd, name, status=503):
    answer = scrapyd.call("GET", "health.json")
    assert answer.status_code == status, answer.text
    parts = answer.json()["parts"]
    assert answer.json()["healthy"] is (status == 200) is all(each["ok"] for each in parts.values())
    return parts[name]


def test_a_wrong_schedule_is_unhealthy(scrapyd):
    scrapyd.schedule.write_text("- {name: a, spider: quick, every: 5x}\n")
    scrapyd.wait_for(lambda: scrapyd.call("GET", "health.json").status_code == 503)
    wrong = part(scrapyd, "schedule")
    assert (wrong["ok"], "every" in wrong["message"]) == (False, True)
    assert scrapyd.get("schedules.json")["faults"]
    scrapyd.schedule.write_text("[]")
    scrapyd.wait_for(lambda: scrapyd.call("GET", "health.json").status_code == 200)


@pytest.fixture
def relay(database_url):
    relay = Relay(database_url)
    yield relay
    relay.close()


def test_a_database_away_is_unhealthy(make_scrapyd, relay):
    scrapyd = make_scrapyd(database_url=relay.url).start()
    relay.cut()
    wrong = part(scrapyd, "database")
    assert (wrong["ok"], wrong["message"] != "in reach") == (False, True)
    for name in ("history.json", "schedules.json", "listjobs.json"):
        refused(scrapyd.call("GET", name), 503, "the database cannot be used")
    refused(scrapyd.call("POST", "crawl.json", data={"project": "newsbot", "spider": "quick"}), 503, "the database")
    relay.resume()
    scrapyd.wait_for(lambda: scrapyd.call("GET", "health.json").status_code == 200)


def test_a_database_that_hangs_is_reported_within_bounds(make_scrapyd, relay):
    scrapyd = make_scrapyd(database_url=relay.url).start()
    relay.hang()
    with ThreadPoolExecutor(20) as pool:  # more than Scrapyd has threads and connections
        found = list(pool.map(lambda _: part(scrapyd, "database"), range(20)))
    assert found == [{"ok": False, "message": "no answer within 3 s"}] * 20
    refused(scrapyd.call("POST", "crawl.json", data={"project": "newsbot", "spider": "quick"}), 503, "does not answer")
    relay.resume()
    scrapyd.wait_for(lambda: scrapyd.call("GET", "health.json").status_code == 200)


def test_a_database_that_is_read_only_is_unhealthy(scrapyd, database):
    with closing(database.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            cursor.execute(f"ALTER DATABASE {cursor.fetchone()[0]} SET default_transaction_read_only = on")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            cursor.execute("UPDATE nodes SET heartbeat_at = now() - interval '1 minute'")
    wrong = scrapyd.wait_for(lambda: (found := part(scrapyd, "database"))["message"].startswith("no heart") and found)
    assert wrong == {"ok": False, "message": "no heartbeat of this node was stored within 15 s"}


def test_other_nodes_are_reported(make_scrapyd, database):
    scrapyd, other = make_scrapyd("one").start(), make_scrapyd("two").start()
    name = other.get("health.json")["node_name"]
    assert part(scrapyd, "nodes", 200) == {"ok": True, "message": f"{name} in service"}
    other.kill()
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE nodes SET heartbeat_at = now() - interval '1 minute' WHERE name = %s", (name,))
    assert f"{name} silent for 60 s" in part(scrapyd, "nodes", 200)["message"]
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE nodes SET heartbeat_at = now(), clock_offset = 3600 WHERE name = %s", (name,))
    assert part(scrapyd, "nodes", 200)["message"] == f"{name} has its clock +3600 s off"


def test_a_clock_that_is_off_is_unhealthy(make_scrapyd, database):
    """Here the database's clock is off: of two clocks each is off by the other."""
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE SCHEMA late;
            CREATE FUNCTION late.clock_timestamp() RETURNS timestamptz LANGUAGE sql
                AS $$SELECT pg_catalog.clock_timestamp() - interval '1 hour'$$;
            """
        )
        cursor.execute("SELECT current_database()")
        cursor.execute(f"ALTER DATABASE {cursor.fetchone()[0]} SET search_path = late, pg_catalog, public")
    scrapyd = make_scrapyd().start()
    wrong = part(scrapyd, "clock")
    assert (wrong["ok"], wrong["message"].startswith("+3600.0 s")) == (False, True)
    refused(scrapyd.call("GET", "health.json"), 503, "clock: +3600.0 s")


def test_a_full_disk_is_unhealthy(make_scrapyd, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        scrapyd = make_scrapyd(environment={"NEWSBOT_HOME": str(small)})
        scrapyd.start()
        wrong = part(scrapyd, "disk")
        assert (wrong["ok"], f"MB free in {small}" in wrong["message"]) == (False, True)
        scrapyd.stop()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


# --- Arguments of the spider ------------------------------------------------------------------------------------------


def test_arguments_that_a_spider_does_not_take_are_refused(scrapyd):
    for call in ("schedule.json", "crawl.json"):

        def ask(spider="headlines", call=call, **data):
            return scrapyd.call("POST", call, data={"project": "newsbot", "spider": spider} | data)

        refused(ask(source="bbc"), 400, "headlines has no argument 'source'; did you mean 'sources'?")
        refused(ask(shard="9/4"), 400, "shard=9/4: expected i/n")
        refused(ask(sources="bbc", now="1"), 400, "headlines has no argument 'now'")
        refused(ask("dataset"), 400, "-a config= is missing")
    assert scrapyd.jobs() == []
    # Names that begin with an underscore are not arguments; a spider that declares none takes any.
    answer = scrapyd.post("schedule.json", project="newsbot", spider="quick", source="x", _="1690", _job="other")
    job = scrapyd.wait_until(answer["jobid"])
    assert (job["state"], job["args"]) == ("finished", {"source": "x"})
    answer = scrapyd.post("crawl.json", project="newsbot", spider="quick", items="1", _="1690")
    assert (answer["status"], len(answer["items"])) == ("ok", 1)
    assert scrapyd.get("history.json", _="1690")["status"] == "ok"
