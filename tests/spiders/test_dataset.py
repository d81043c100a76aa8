"""`scrapy crawl dataset`: by path and by link, when the file has changed, and when something is wrong with it."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from made_up_sites import ROOT, environment

from newsbot.job import TOKEN
from newsbot.storage.database import Database

HOST = "data.example"
RAW = b"id,v\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(5_000))


class Datasets:
    """Crawls of datasets of one test, in child processes."""

    def __init__(self, sites, url, folder):
        self.sites = sites
        self.url = url
        self.folder = folder
        self.name = f"made-up-{uuid.uuid4().hex}"
        self.path = f"/{self.name}.csv"

    def query(self, sql):
        with closing(Database(self.url, Path()).connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql, {"name": self.name})
            return cursor.fetchall() if cursor.description else []

    def serve(self, answer):
        """(status, body, headers), or a function that returns it, as the file of the dataset."""
        self.sites.routes[HOST, self.path] = answer

    def command(self, *arguments, declared=None, **settings):
        told = {"name": self.name, "title": "Made up", "url": f"https://{HOST}{self.path}", "key": ["id"]}
        told = {key: value for key, value in (told | (declared or {})).items() if value is not None}
        config = self.folder / "made-up.yaml"
        config.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
        stand_ins = json.dumps({HOST: f"http://127.0.0.1:{self.sites.server_port}"})
        settings = {"STAND_INS": stand_ins, "DATABASE_URL": self.url, "RETRY_TIMES": 0} | settings
        return [
            *(sys.executable, "-m", "scrapy", "crawl", "dataset", "-a", f"config={config}"),
            *(part for argument in arguments for part in ("-a", argument)),
            *(part for name, value in settings.items() for part in ("-s", f"{name}={value}")),
        ]

    def crawl(self, *arguments, declared=None, **settings):
        command = self.command(*arguments, declared=declared, **settings)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment())

    def last_run(self):
        """(exit code, new, changed, unchanged, rejected, status)."""
        sql = "SELECT exit_code, stats -> 'sources' -> %(name)s FROM runs ORDER BY started_at DESC LIMIT 1"
        ((code, found),) = self.query(sql)
        numbers = [found[state] for state in ("new", "changed", "unchanged", "rejected")]
        return code, *numbers, found["feeds"][0]["status"]

    def count(self):
        return self.query("SELECT count(*) FROM records WHERE dataset = %(name)s")[0][0]


@pytest.fixture
def datasets(sites, newsbot, tmp_path):
    sites.log.clear()
    return Datasets(sites, newsbot.url, tmp_path)


def test_a_file_is_loaded_by_link_and_only_when_it_has_changed(datasets):
    headers = {"ETag": '"1"', "Last-Modified": "Sun, 23 Apr 2017 10:00:00 GMT"}
    datasets.serve((200, RAW, headers))
    declared = {"licence": "Licence Ouverte 1.0", "columns": {"id": {}, "v": {"type": "integer", "unit": "m2"}}}
    run = datasets.crawl(declared=declared)
    assert run.returncode == 0, run.stderr
    assert datasets.last_run() == (0, 5_000, 0, 0, 0, "loaded")
    ((title, columns, url, licence),) = datasets.query(
        "SELECT title, columns, url, licence FROM datasets WHERE name = %(name)s"
    )
    assert (title, url, licence) == ("Made up", f"https://{HOST}{datasets.path}", "Licence Ouverte 1.0")
    assert columns["v"] == {"type": "integer", "unit": "m2", "description": None}

    datasets.serve(lambda request: (304, b"", headers))
    assert datasets.crawl(declared=declared).returncode == 0
    assert datasets.last_run() == (0, 0, 0, 0, 0, "unchanged")
    first, second = (dict(asked) for _, asked in datasets.sites.asked(HOST))
    assert "If-None-Match" not in first
    assert (second["If-None-Match"], second["If-Modified-Since"]) == ('"1"', headers["Last-Modified"])

    # Validators can lie: the same bytes again are the same file all the same.
    datasets.serve((200, RAW, headers | {"ETag": '"2"'}))
    datasets.crawl(declared=declared)
    assert datasets.last_run() == (0, 0, 0, 0, 0, "unchanged")
    # Another declaration reads the same file differently.
    declared["columns"]["v"] = {"type": "text"}
    datasets.crawl(declared=declared)
    assert datasets.last_run() == (0, 0, 5_000, 0, 0, "loaded")
    assert "If-None-Match" not in datasets.sites.asked(HOST)[-1][1]

    datasets.serve((200, RAW + b"5000,1\n", headers))
    datasets.crawl(declared=declared)
    assert datasets.last_run() == (0, 1, 0, 5_000, 0, "loaded")

    datasets.serve((200, RAW[:-28] + b"1,5\n", headers))  # without the last two
    datasets.crawl(declared=declared)
    assert datasets.last_run() == (
        *(0, 0, 0, 4_998, 1),
        "1 rows have a key that came before with other values: is it the whole key?; "
        "3 earlier records are not in the file, and stay",
    )


def test_unchanged_is_not_an_answer_to_an_unconditional_request(datasets):
    datasets.serve((304, b"", {}))
    assert datasets.crawl().returncode == 1
    assert datasets.last_run() == (1, 0, 0, 0, 0, "HTTP status 304")


def test_a_body_that_is_compressed_on_its_way_is_inflated_within_the_bounds(datasets):
    datasets.serve((200, gzip.compress(RAW), {"Content-Encoding": "gzip"}))
    assert datasets.crawl().returncode == 0
    assert datasets.count() == 5_000
    assert datasets.sites.asked(HOST)[0][1]["Accept-Encoding"] == "identity"


def test_a_file_beyond_the_bound_is_not_downloaded_and_what_is_sent_without_length_is_cut_there(datasets):
    datasets.serve((200, RAW, {}))
    assert datasets.crawl(DATASET_MAXSIZE=10_000).returncode == 1
    assert "larger than" in datasets.last_run()[-1]

    def endless(request):
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        while not request.server.stopping.is_set():
            request.wfile.write(RAW)

    datasets.serve(endless)
    assert datasets.crawl(DATASET_MAXSIZE=1_000_000).returncode == 1
    assert datasets.last_run()[-1] == "larger than 1000000 bytes"
    assert datasets.count() == 0


def test_a_download_goes_past_the_bound_of_pages_and_is_tried_again(datasets):
    answers = iter([(503, b"not now", {}), (200, RAW[:-9], {"Content-Length": len(RAW)}), (200, RAW, {})])

    def answer(request):
        status, body, headers = next(answers)
        request.answer(status, body, headers)
        request.close_connection = True

    datasets.serve(answer)
    run = datasets.crawl(RETRY_TIMES=3, DOWNLOAD_MAXSIZE=1_000)
    assert run.returncode == 0, run.stderr
    assert datasets.last_run() == (0, 5_000, 0, 0, 0, "loaded")


def test_an_error_page_is_reported_and_no_file(datasets):
    datasets.serve((404, b"id,v\n1,2\n", {}))
    assert datasets.crawl().returncode == 1
    assert datasets.last_run() == (1, 0, 0, 0, 0, "HTTP status 404")
    assert datasets.count() == 0


def test_a_private_address_is_refused(datasets):
    run = datasets.crawl(declared={"url": f"http://127.0.0.1:{datasets.sites.server_port}/x.csv"})
    assert run.returncode == 1
    assert "ALLOW_PRIVATE_HOSTS" in datasets.last_run()[-1]


def test_another_checksum_stores_nothing(datasets):
    (datasets.folder / "here.csv").write_bytes(RAW)
    right, wrong = hashlib.md5(RAW).hexdigest(), "0" * 32
    declared = {"url": None, "path": "here.csv", "checksum": f"md5:{wrong}"}
    assert datasets.crawl(declared=declared).returncode == 1
    assert datasets.last_run()[-1] == f"expected the md5 {wrong}, as declared, got {right}: nothing is stored"
    assert datasets.count() == 0
    right = hashlib.sha256(RAW).hexdigest().upper()
    assert datasets.crawl(declared=declared | {"checksum": f"sha256:{right}"}).returncode == 0
    assert datasets.count() == 5_000


def test_a_file_that_might_block_is_refused(datasets):
    os.mkfifo(datasets.folder / "pipe.csv")
    assert datasets.crawl(declared={"url": None, "path": "pipe.csv"}).returncode == 1
    assert "not a regular file" in datasets.last_run()[-1]
    assert datasets.crawl(declared={"url": None, "path": "/proc/kmsg", "format": "csv"}).returncode == 1
    assert "is empty" in datasets.last_run()[-1]


def test_a_changed_header_fails_and_the_next_right_file_is_loaded(datasets):
    (datasets.folder / "here.csv").write_bytes(RAW.replace(b"id,v", b"Id,v"))
    declared = {"url": None, "path": "here.csv", "columns": {"id": {}, "v": {"type": "integer"}}}
    run = datasets.crawl(declared=declared)
    assert run.returncode == 1
    said = "the header has no 'id' (perhaps renamed: 'Id'): nothing is stored"
    assert datasets.last_run() == (1, 0, 0, 0, 0, said)
    assert said in run.stderr
    (datasets.folder / "here.csv").write_bytes(RAW + b"x,y,z\n")
    assert datasets.crawl(declared=declared).returncode == 0
    assert datasets.last_run() == (0, 5_000, 0, 0, 1, "loaded")


def test_a_cursor_that_cannot_be_read_loads_the_file_anew(datasets):
    datasets.serve((200, RAW, {"ETag": '"1"'}))
    for value in ("[]", '{"etag": "\\"1\\"", "fetched_at": "soon"}', '{"fetched_at": "9999-12-31T00:00:00+00:00"}'):
        assert datasets.crawl().returncode == 0
        datasets.query(f"UPDATE cursors SET value = '{value}' WHERE source = %(name)s")
    assert datasets.crawl().returncode == 0


def test_a_file_with_fewer_rows_than_expected_stores_nothing(datasets):
    datasets.serve((200, RAW, {}))
    assert datasets.crawl(declared={"at_least": 5_000}).returncode == 0
    datasets.serve((200, b"id,v\n1,7\n2,8\n", {}))
    done = datasets.crawl(declared={"at_least": 3})
    assert done.returncode == 1
    assert "expected at least 3 rows, got 2: nothing is stored" in done.stderr
    assert datasets.query("SELECT data ->> 'v' FROM records WHERE dataset = %(name)s AND key = '1'") == [("1",)]
    assert datasets.crawl(declared={"at_least": 2}).returncode == 0
    assert datasets.query("SELECT data ->> 'v' FROM records WHERE dataset = %(name)s AND key = '1'") == [("7",)]


def test_a_bomb_is_refused_in_bounded_memory(datasets):
    with gzip.open(datasets.folder / "bomb.csv.gz", "wb", 1) as bomb:
        bomb.write(b"id,v\n")
        for _ in range(1_000):
            bomb.write(b"1,%b\n" % bytes(100_000))
    _, _, _, *arguments = datasets.command(declared={"url": None, "path": "bomb.csv.gz"})
    # It reports its peak itself: the system's figure for a child begins with its parent's.
    tell = "atexit.register(lambda: print(open('/proc/self/status').read()))"
    run = "runpy.run_module('scrapy', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", f"import atexit, runpy; {tell}; {run}", *arguments]
    process = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", process.stdout)[1])
    assert datasets.last_run()[::5] == (
        1,
        "inflates to more than 200 times its size (DATASET_RATIO_MAX), as a bomb does",
    )
    assert process.returncode == 1
    assert peak < 500_000, "KiB; it has 100 MB beyond a batch of such rows"
    assert datasets.count() == 0


def test_what_comes_along_is_loaded_by_its_name(datasets):
    datasets.name = "presidentielle-2017"
    command = datasets.command()
    command[command.index("-a") + 1] = "config=presidentielle-2017"
    assert subprocess.run(command, cwd=ROOT, env=environment(), timeout=120).returncode == 0
    assert datasets.last_run() == (0, 66, 0, 0, 0, "loaded")


def test_a_missing_declaration_is_reported():
    command = [sys.executable, "-m", "scrapy", "crawl", "dataset"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=environment())
    assert run.returncode == 2
    assert "-a config= is missing: a YAML file" in run.stderr


def test_a_password_in_a_link_is_refused_and_shows_nowhere():
    command = [sys.executable, "-m", "scrapy", "crawl", "dataset", "-a", "config=presidentielle-2017"]
    command += ["-a", "file=https://me:geheim@data.example/a.csv"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=environment())
    assert (run.returncode, "geheim" in run.stdout + run.stderr) == (2, False)
    assert "-a file=: a user or password before the host is not sent" in run.stderr


def test_a_job_that_was_taken_over_stores_nothing(datasets):
    """Its token is no more the one of a running job when the rows are to be committed."""
    (datasets.folder / "here.csv").write_bytes(RAW)
    command = datasets.command(declared={"url": None, "path": "here.csv"})
    place = command.index(f"DATABASE_URL={datasets.url}")
    del command[place - 1 : place + 1]  # a job gets its database from its environment
    env = environment() | {"DATABASE_URL": datasets.url, TOKEN: str(uuid.uuid4())}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=env)
    assert run.returncode == 1
    assert "taken over by another process" in run.stderr
    assert datasets.count() == 0
    assert datasets.query("SELECT * FROM cursors WHERE source = %(name)s") == []


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.trial)])
def test_a_load_that_is_killed_leaves_nothing_and_is_repeated(datasets, kills):
    rows = 30_000
    text = "id,v\n" + "".join(f"{n},{'x' * 50}\n" for n in range(rows))
    (datasets.folder / "here.csv").write_text(text)
    command = datasets.command(declared={"url": None, "path": "here.csv"})
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for kill in range(kills):
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), **quiet)
        loading = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY loaded%%' AND state = 'active'"
        while process.poll() is None and not datasets.query(loading):
            pass
        time.sleep(0.03 * kill)  # further on each time
        process.kill()
        process.wait()
        assert datasets.count() in (0, rows)
    run = datasets.crawl(declared={"url": None, "path": "here.csv"})
    assert run.returncode == 0, run.stderr
    assert datasets.count() == rows
    distinct = "SELECT count(DISTINCT key), count(DISTINCT id) FROM records WHERE dataset = %(name)s"
    assert datasets.query(distinct) == [(rows, rows)]


def test_a_connection_that_is_lost_in_the_midst_costs_a_repeat(datasets):
    rows = 60_000
    text = "id,v\n" + "".join(f"{n},{'x' * 50}\n" for n in range(rows))
    (datasets.folder / "here.csv").write_text(text)
    command = datasets.command(declared={"url": None, "path": "here.csv"})
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY loaded%%' AND state = 'active'"
    while process.poll() is None and not datasets.query(end):
        pass
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert said.count("cells separated by") == 2, "the file was not read again"
    assert datasets.last_run() == (0, rows, 0, 0, 0, "loaded")
