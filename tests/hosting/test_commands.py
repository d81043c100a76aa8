"""Jobs of a command in place of a spider, inside a real Scrapyd: as those of a spider."""

from contextlib import closing

import pytest

from newsbot.storage.jobs import LEASE

YEARLY = "0 0 1 1 *"
PRUNE = {"name": "prune", "command": ["db", "prune"], "cron": YEARLY}


@pytest.fixture
def start(make_scrapyd):
    """A Scrapyd that runs with these entries."""

    def make(*entries, name="scrapyd", **options):
        scrapyd = make_scrapyd(name, **options)
        scrapyd.edit(*entries)
        return scrapyd.start()

    return make


@pytest.fixture
def old_rejects(query):
    def make(days):
        query(
            "INSERT INTO rejects (id, item_type, reason, last_seen_at)"
            " VALUES (gen_random_uuid(), 'Article', 'no title', now() - make_interval(days => %s))",
            days,
        )

    return make


def fire(scrapyd, name="prune"):
    answer = scrapyd.post("fire.json", name=name)
    assert answer["status"] == "ok", answer
    return answer["jobid"]


def logs(scrapyd):
    """The output of the ended jobs."""
    return [scrapyd.call("GET", job["log_url"].lstrip("/")).text for job in scrapyd.get("listjobs.json")["finished"]]


def test_it_prunes_by_the_clock_and_is_in_history_log_and_page(start, query, old_rejects):
    scrapyd = start(PRUNE | {"cron": None, "every": "2s", "settings": {"REJECTS_DAYS": "7"}} | {"name": "often"})
    old_rejects(8)
    old_rejects(6)
    scrapyd.wait_for(lambda: query("SELECT count(*) FROM rejects") == [(1,)])
    job = scrapyd.wait_for(lambda: scrapyd.jobs(state="finished", spider="db prune"))[-1]
    assert (job["spider"], job["command"], job["args"]) == ("db prune", ["db", "prune"], {})
    assert (job["asked_by"], job["exit_code"], job["reason"]) == ("schedule:often", 0, None)
    told = "rejects: 1 deleted, of more than 7 days ago (REJECTS_DAYS)\n"
    assert scrapyd.wait_for(lambda: [text for text in logs(scrapyd) if told in text])
    (entry,) = scrapyd.get("schedules.json")["schedules"]
    assert (entry["spider"], entry["command"]) == ("db prune", ["db", "prune"])
    assert "db prune" in scrapyd.call("GET", "").text
    assert scrapyd.call("GET", f"log/newsbot/{job['id']}").status_code == 200
    assert query("SELECT count(*) FROM runs") == [(0,)]


def test_the_history_goes_by_the_servers_own_age(start, query):
    """The command's default does not delete rows that `history_days` keeps."""
    scrapyd = start(PRUNE, history_days=400)
    query(
        "INSERT INTO jobs (project, id, spider, asked_by, state, ended_at) SELECT 'newsbot', n::text, 'quick', 'api',"
        " 'finished', now() - n * interval '1 day' FROM unnest(ARRAY[300, 500]) n"
    )
    assert scrapyd.wait_until(fire(scrapyd))["state"] == "finished"
    assert {id_ for (id_,) in query("SELECT id FROM jobs WHERE spider = 'quick'")} == {"300"}


def test_a_wrong_setting_fails_with_its_reason_and_is_tried_again(start):
    scrapyd = start(PRUNE | {"settings": {"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "retries": 1, "backoff": "1s"})
    first = fire(scrapyd)
    second, _ = scrapyd.wait_for(lambda: len(found := scrapyd.jobs(state="failed")) == 2 and found)
    assert (second["retry_of"], second["command"]) == (first, ["db", "prune"])
    assert "Connection refused" in second["reason"]
    assert "given up" in second["reason"]


def test_a_command_with_a_wrong_setting_is_refused_by_the_schedule(start):
    scrapyd = start(PRUNE | {"settings": {"SIGHTINGS_DAYS": "100001"}})
    (fault,) = scrapyd.wait_for(lambda: scrapyd.get("schedules.json")["faults"])
    assert "SIGHTINGS_DAYS=100001: expected a number, 0 or more, at most 100000" in fault


@pytest.fixture
def held_up(start, database, query):
    """Start a Scrapyd and fire; the job of `db prune` waits for a table as long as the test lasts."""
    with closing(database.connect()) as connection:

        def begin(**keys):
            scrapyd = start(PRUNE | keys, stop_timeout=2)
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE sightings")
            return scrapyd, fire(scrapyd)

        yield begin


@pytest.fixture
def wait_until_it_waits(query):
    """Wait until the command has come to the table."""
    waiting = "SELECT pid FROM pg_locks WHERE relation = 'sightings'::regclass AND NOT granted"
    return lambda scrapyd: scrapyd.wait_for(lambda: query(waiting))[0][0]


def test_its_lease_is_renewed_and_a_second_fire_is_skipped(held_up, query, wait_until_it_waits):
    scrapyd, job = held_up()
    wait_until_it_waits(scrapyd)
    (taken,) = query("SELECT lease_until FROM jobs WHERE id = %s", job)
    assert scrapyd.job(job)["state"] == "running"
    assert scrapyd.post("fire.json", name="prune")["status"] == "error"
    scrapyd.wait_for(lambda: query("SELECT lease_until FROM jobs WHERE id = %s", job) > [taken], patience=2 * LEASE)


def test_it_is_cancelled(held_up, wait_until_it_waits):
    scrapyd, job = held_up()
    wait_until_it_waits(scrapyd)
    assert scrapyd.post("cancel.json", project="newsbot", job=job)["prevstate"] == "running"
    assert scrapyd.wait_until(job)["state"] == "cancelled"


def test_it_times_out(held_up):
    scrapyd, job = held_up(timeout="3s")
    assert scrapyd.wait_until(job)["state"] == "timed out"


def test_one_whose_database_went_away_is_tried_again(held_up, query, wait_until_it_waits):
    scrapyd, job = held_up(retries=1, backoff="1s")
    for _ in range(2):  # one connection that is cut is replaced
        query("SELECT pg_terminate_backend(%s, 10000)", wait_until_it_waits(scrapyd))
    again = scrapyd.wait_for(lambda: [each for each in scrapyd.jobs() if each["retry_of"] == job])
    assert scrapyd.job(job)["state"] == "failed"
    assert again[0]["command"] == ["db", "prune"]


def test_a_command_is_not_asked_for_by_a_call(start):
    scrapyd = start()
    answer = scrapyd.post("schedule.json", project="newsbot", spider="db prune")
    assert (answer["status"], answer["message"]) == ("error", "spider 'db prune' not found")
