"""`scrapy api`, by Scrapy's own command line, on a stand-in of a made-up API."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OWN = """\
name: tides
title: Tides
url: https://tides.example/v1
params: {from: '{since}'}
records: levels
pages: {by: link, next: next}
cursor: {by: time, path: at, oldest_first: true}
quota: {limits: [{calls: 1, per: day}]}
observation: {series: port, time: at, value: metres}
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def scrapy(server, tmp_path):
    """`scrapy api` with an answer of the stand-in, and no database available."""
    server.asked = []

    def run(*arguments, answer=(500, {}), columns=120):
        server.answer = answer
        stand_ins = json.dumps({"tides.example": f"http://127.0.0.1:{server.server_port}"})
        nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"}
        environment = os.environ | nowhere | {"STAND_INS": stand_ins, "COLUMNS": str(columns)}
        command = [sys.executable, "-m", "scrapy", "api", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=environment)

    return run


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "tides.yaml"
    file.write_text(OWN)
    return file


def level(hour, metres=1.5, **others):
    return {"port": "Saltmere", "at": f"2026-03-04T{hour:02}:00:00Z", "metres": metres, "remark": "x" * 500} | others


GOOD = [level(5), level(6, None), level(7, "high"), level(8, at="noon"), level(9, port=None), level(9, 2)]


def test_the_page_its_items_and_what_comes_next(scrapy, own, server):
    done = scrapy("try", own, "-a", "since=2026-03-01", answer=(200, {"levels": GOOD, "next": "/v1?page=2"}))
    assert done.returncode == 0, done.stderr
    assert server.asked == ["/v1?from=2026-03-01T00%3A00%3A00Z"]
    lines = done.stdout.splitlines()
    assert lines[0] == "https://tides.example/v1?from=2026-03-01T00%3A00%3A00Z"
    assert lines[1].startswith("  HTTP status 200, ")
    assert lines[1].endswith(" bytes, 6 records")
    assert '  "port": "Saltmere",' in lines
    assert [line.split() for line in lines if line.startswith("Saltmere ")] == [
        ["Saltmere", "2026-03-04T05:00:00+00:00", "1.5"],
        ["Saltmere", "2026-03-04T06:00:00+00:00"],
        ["Saltmere", "2026-03-04T09:00:00+00:00", "2.0"],
    ]
    assert "3 of 3 items:" in lines
    assert "  1 x value: 'high' is not a number" in lines
    assert "  1 x time: 'noon' is not a time" in lines
    assert "  1 x series: None is not a name of a series" in lines
    assert lines[-3:] == [
        "Next: https://tides.example/v1?page=2",
        "Cursor: this page does not move it",
        "Nothing was stored.",
    ]
    assert max(map(len, lines)) <= 120


def test_it_may_be_tried_again_and_again_without_a_database(scrapy, own, server):
    for _ in range(2):  # the quota is a call a day
        done = scrapy("try", own, answer=(200, {"levels": GOOD}))
        assert done.returncode == 0, done.stderr
    assert 'Cursor: {"since": "' in done.stdout  # a first run moves it
    assert "Next: nothing, this page is the last" in done.stdout
    assert len(server.asked) == 2


def test_as_json(scrapy, own):
    done = scrapy("try", own, "--json", answer=(200, {"levels": [level(n // 30) for n in range(700)]}))
    tried = json.loads(done.stdout)
    assert (tried["status"], len(tried["records"]), tried["mapped"], len(tried["items"])) == (200, 700, 700, 20)
    assert tried["items"][0]["time"] == "2026-03-04T00:00:00+00:00"
    assert (tried["refused"], tried["following"], tried["problem"]) == ([], [], None)


def test_more_that_is_refused_than_a_run_writes_at_once(scrapy, own):
    done = scrapy("try", own, answer=(200, {"levels": [level(5, "high")] * 1500}))
    assert done.returncode == 1
    assert "  1500 x value: 'high' is not a number" in done.stdout


@pytest.mark.parametrize("following", [None, "/v1?page=2"])
def test_an_answer_of_withdrawn_records_alone_is_good(scrapy, own, following):
    own.write_text(OWN + "withdrawn: port == '[Removed]'\n")
    withdrawn = [level(hour, port="[Removed]") for hour in (5, 6)]
    done = scrapy("try", own, answer=(200, {"levels": withdrawn, "next": following}))
    assert done.returncode == 0, done.stderr
    assert (
        "\nNo item: all records stand for withdrawn ones. There is nothing to store, and nothing wrong.\n"
        in done.stdout
    )
    notes = [line for line in done.stdout.splitlines() if line.startswith("Note: ")]
    assert notes == ([] if following else ["Note: 2 records stand for withdrawn ones and were left out"])
    assert scrapy("try", own, answer=(200, {"levels": []})).returncode == 0
    mixed = scrapy("try", own, answer=(200, {"levels": [*withdrawn, level(5, "high")]}))
    assert (mixed.returncode, "No item" in mixed.stdout) == (1, False)


def test_what_the_stages_refuse_is_reported_too(scrapy, own):
    own.write_text(OWN.partition("observation")[0] + "article: {url: at, title: port, published_at: remark}\n")
    done = scrapy("try", own, answer=(200, {"levels": [level(5), level(6, at="https://t.example/6", remark="noon")]}))
    assert done.returncode == 0, done.stderr
    assert "  1 x item: url: " in done.stdout
    assert "  1 x published_at: 'noon' is not a time" in done.stdout
    assert "1 of 2 items:" in done.stdout


def test_a_stage_that_fails_is_told(scrapy, own):
    """As the look-up of the articles, which needs a database."""
    own.write_text(
        OWN.replace("observation: {series: port, time: at, value: metres}", "article: {url: u, title: port}")
    )
    stages = ("validate.Validate", "clean.Clean", "deduplicate.Deduplicate")
    setting = json.dumps({f"newsbot.pipelines.{stage}Pipeline": place for place, stage in enumerate(stages)})
    answer = {"levels": [level(hour, u=f"https://tides.example/{hour}") for hour in range(5)]}
    done = scrapy("try", own, "-s", f"ITEM_PIPELINES={setting}", answer=(200, answer))
    assert done.returncode == 1
    assert "  failed: DatabaseError in a stage: nothing is stored: ITEM_PIPELINES lacks" in done.stdout


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"heights": []}), "failed: expected a list at 'levels', got nothing; it has 'heights'"),
        ((429, {"wait": 1}), "failed: HTTP status 429: {"),
    ],
)
def test_a_page_that_does_not_come(scrapy, own, server, answer, said):
    done = scrapy("try", own, answer=answer)
    assert done.returncode == 1
    assert said in done.stdout
    assert "Nothing was stored." in done.stdout
    assert len(server.asked) == 1


def test_a_wrong_file_tells_its_faults(scrapy, own, server):
    own.write_text(OWN.replace("metres", "'metres['").replace("oldest_first: true", "oldest_first: 7"))
    done = scrapy("try", own)
    assert done.returncode == 2
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()[1:]] == [
        [f"{own}:7", "cursor.oldest_first"],
        [f"{own}:9", "observation.value"],
    ]
    assert (done.stdout, server.asked) == ("", [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected: scrapy api try FILE|NAME"),
        (["try", "worldbank", "-a", "since"], "-a: expected NAME=VALUE"),
        (["try", "guardian"], "GUARDIAN_API_KEY is not set"),
        (["try", "headlines"], "headlines: no declaration has this name; expected one of spaceflightnews"),
    ],
)
def test_it_was_asked_wrongly(scrapy, arguments, said):
    done = scrapy(*arguments)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
