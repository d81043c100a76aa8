"""crawl.json under a real Scrapyd: its items, its bounds, and the end of a job that nobody waits for."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests

from newsbot.sample.newsroom import FOLDER
from newsbot.sample.server import serving


@pytest.fixture
def query(database):
    """Ask the database."""

    def ask(sql):
        with closing(database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    return ask


def crawl(scrapyd, spider="quick", **data):
    return scrapyd.call("POST", "crawl.json", data={"project": "newsbot", "spider": spider} | data, timeout=120)


def answered(scrapyd, spider="quick", **data):
    answer = crawl(scrapyd, spider, **data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def leftovers(scrapyd):
    return [str(each) for each in (scrapyd.folder / "home/scrapyd/answers").glob("*/*")]


def titles(answer):
    return [item["title"] for item in answer["items"]]


THREE = ["Made up, number 0", "Made up, number 1", "Made up, number 2"]


def test_the_answer_has_the_items_whether_they_are_new_or_not(scrapyd, query):
    for _ in range(2):
        answer = answered(scrapyd, items=3, same="one")
        assert titles(answer) == THREE
        assert (answer["state"], answer["reason"], answer["truncated"]) == ("finished", None, None)
        assert scrapyd.job(answer["jobid"])["asked_by"] == "crawl.json"
    assert query("SELECT count(*) FROM articles") == [(3,)]
    assert leftovers(scrapyd) == []


def test_a_feed_is_answered_in_full_each_time(make_scrapyd):
    with serving() as newsroom:
        sample = {"CATALOGUE": str(FOLDER / "catalogue.yaml"), "STAND_INS": newsroom.stand_ins}
        scrapyd = make_scrapyd(environment=sample).start()
        first, again = (answered(scrapyd, "headlines", sources="harbour-times") for _ in range(2))
        unasked = answered(scrapyd, "headlines", sources="harbour-times", setting="FEED_FULL_FETCH_INTERVAL=3600")
    assert first["items"] == again["items"]
    assert len(first["items"]) > 10
    assert unasked["items"] == []
    dated = [item["published_at"] for item in first["items"] if item["published_at"]]
    assert dated[0].endswith("+00:00")


def test_an_answer_is_bounded_in_number(scrapyd, tmp_path):
    answer = answered(scrapyd, "lingers", items=5, until=tmp_path / "never", max_items=3)
    assert (titles(answer), answer["truncated"]) == (THREE, "items")
    assert (answer["state"], answer["reason"]) == ("finished", "closespider_answer_items")


def test_an_answer_is_bounded_in_size(scrapyd):
    line = len(json.dumps(answered(scrapyd, items=1, same="size")["items"][0])) + 1
    answer = answered(scrapyd, items=5, same="size", max_bytes=3 * line)
    assert (titles(answer), answer["truncated"]) == (THREE, "bytes")
    assert answer["reason"] == "closespider_answer_bytes"


def test_an_answer_is_bounded_in_time_from_the_jobs_start(make_scrapyd, tmp_path, query):
    scrapyd = make_scrapyd(max_proc=1).start()
    scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "free"), "running")
    with ThreadPoolExecutor() as pool:
        call = pool.submit(answered, scrapyd, "lingers", items=3, until=tmp_path / "never", max_seconds=8)
        scrapyd.wait_for(lambda: query("SELECT FROM jobs WHERE spider = 'lingers' AND now() - queued_at > '3 s'"))
        (tmp_path / "free").touch()
        answer = call.result()
    assert (titles(answer), answer["truncated"]) == (THREE, "seconds")
    assert (answer["state"], answer["reason"]) == ("cancelled", "max_seconds=8 were over")
    assert query("SELECT ended_at - started_at >= '8 s' FROM jobs WHERE spider = 'lingers'") == [(True,)]


def test_without_a_slot_in_time_the_job_is_cancelled(make_scrapyd, tmp_path):
    scrapyd = make_scrapyd(max_proc=1).start()
    scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "never"), "running")
    answer = crawl(scrapyd, max_seconds=1)
    assert answer.status_code == 503
    assert "no slot became free within 1 s" in answer.json()["message"]
    assert scrapyd.job(answer.json()["jobid"])["state"] == "cancelled"


@pytest.mark.parametrize("state", ["pending", "running"])
def test_who_goes_away_cancels_the_job(make_scrapyd, tmp_path, state):
    scrapyd = make_scrapyd(max_proc=1).start()
    if state == "pending":
        scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "never"), "running")
    with ThreadPoolExecutor() as pool, requests.Session() as session:
        data = {"project": "newsbot", "spider": "waits", "until": tmp_path / "never", "jobid": "left"}
        call = pool.submit(
            session.post, f"{scrapyd.url}/crawl.json", data=data, auth=scrapyd.auth, stream=True, timeout=4
        )
        with pytest.raises(requests.exceptions.ReadTimeout):
            call.result()
    job = scrapyd.wait_until("left")
    assert (job["state"], job["reason"]) == ("cancelled", "its caller is gone")
    assert scrapyd.wait_for(lambda: leftovers(scrapyd) == [])


def test_several_at_once_have_their_own_items(scrapyd):
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(answered, scrapyd, items=3, same=f"call-{number}") for number in range(4)]
    for number, call in enumerate(calls):
        assert {item["url"].split("/")[3] for item in call.result()["items"]} == {f"call-{number}"}


def test_after_a_crash_nothing_is_left(scrapyd, tmp_path):
    with ThreadPoolExecutor() as pool:
        call = pool.submit(crawl, scrapyd, "lingers", items=3, until=tmp_path / "end", jobid="orphan")
        scrapyd.wait_for(lambda: leftovers(scrapyd))
        scrapyd.wait_until("orphan", "running")
        scrapyd.kill_all()
        assert isinstance(call.exception(), requests.ConnectionError)
    assert leftovers(scrapyd) != []
    scrapyd.start()
    assert leftovers(scrapyd) == []
    (tmp_path / "end").touch()
    job = scrapyd.wait_until("orphan")
    assert (job["state"], "no caller waits there for an answer" in job["reason"]) == ("failed", True)
    assert leftovers(scrapyd) == []


def test_what_is_refused_is_not_answered(scrapyd, query):
    assert titles(answered(scrapyd, "loose", items=3)) == THREE
    assert query("SELECT reason FROM rejects") == [
        ("dict is not one of the item types: Article, Removal, Observation, Record",)
    ]


def test_a_job_that_fails_is_reported(scrapyd):
    answer = answered(scrapyd, "crashes", code=3)
    assert (answer["state"], answer["items"], answer["truncated"]) == ("failed", [], None)


def test_a_project_without_the_stage_is_reported(make_scrapyd):
    scrapyd = make_scrapyd(allowed_settings="ITEM_PIPELINES").start()
    stages = json.dumps({"newsbot.pipelines.store.StorePipeline": 800})
    answer = crawl(scrapyd, setting=f"ITEM_PIPELINES={stages}")
    assert (answer.status_code, "lacks newsbot.pipelines.answer" in answer.json()["message"]) == (501, True), (
        answer.text
    )


def test_a_job_that_cannot_run_is_refused(scrapyd):
    for data, status, said in [
        ({"spider": "quik"}, 404, "spider 'quik' not found"),
        ({"project": "other"}, 404, "project 'other' not found"),
        ({"_version": "7"}, 404, "version '7' not found"),
        ({"setting": "ANSWER_FILE=/tmp/x"}, 403, "the setting ANSWER_FILE could"),
        ({"setting": "ITEM_PIPELINES={}"}, 403, "the setting ITEM_PIPELINES could"),
        ({"setting": "DOWNLOAD_DELAY"}, 400, "expected NAME=VALUE"),
        ({"max_items": "0"}, 400, "max_items is invalid: Input should be greater than or equal to 1"),
        ({"max_items": "1001"}, 400, "max_items is invalid: Input should be less than or equal to 1000"),
        ({"max_seconds": "301"}, 400, "max_seconds is invalid"),
        ({"max_seconds": "nan"}, 400, "max_seconds is invalid"),
        ({"max_bytes": "many"}, 400, "max_bytes is invalid"),
        ({"jobid": "../../x"}, 400, "jobid is invalid"),
        ({"sources": "a\0b"}, 400, "NUL"),
    ]:
        answer = crawl(scrapyd, **data)
        assert (answer.status_code, said in answer.text) == (status, True), (data, answer.text)
    assert crawl(scrapyd, jobid="taken", max_items=1, _job="x").status_code == 200  # what begins with _ is ignored
    assert crawl(scrapyd, jobid="taken").status_code == 409
    assert scrapyd.call("GET", "crawl.json").status_code == 405
    assert [job["id"] for job in scrapyd.jobs()] == ["taken"]
    assert leftovers(scrapyd) == []
