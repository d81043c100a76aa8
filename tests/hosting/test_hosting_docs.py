"""docs/hosting.md: its tables match the code, and its examples run against a real Scrapyd."""

import configparser
import importlib
import inspect
import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from newsbot.hosting.schedule import Entry, read
from newsbot.job import STATES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/hosting.md").read_text("utf-8")


def rows(heading):
    """The rows of the first table below a heading, without its header."""
    table = re.search(r"(?:^\|.*\n)+", PAGE.partition(f"\n{heading}\n")[2], re.MULTILINE)[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def test_every_key_of_the_schedule_is_documented():
    keys = [
        [f"`{key}`", "yes" if field.is_required() else "", field.description]
        for key, field in Entry.model_fields.items()
    ]
    assert rows("### The keys of an entry") == keys


def test_every_call_is_documented():
    config = configparser.RawConfigParser()
    config.read(ROOT / "scrapyd/scrapyd.conf")
    calls = []
    for name, path in config["services"].items():
        module, _, kind = path.rpartition(".")
        call = getattr(importlib.import_module(module), kind)
        summary = " ".join(inspect.getdoc(call).partition("\n\n")[0].split())
        calls.append([f"`{name}`", getattr(call, "method", "GET"), summary])
    assert rows("## The API") == calls


def test_every_state_is_documented():
    assert {state.strip("`") for state, *_ in rows("## What each state means")} == set(STATES)


def test_the_schedule_of_the_page_is_valid(tmp_path):
    (tmp_path / "schedule.yaml").write_text(block("yaml"))
    assert len(read(tmp_path / "schedule.yaml", ["headlines"])) == 2


# --- The examples -----------------------------------------------------------------------------------------------------

SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://www.theguardian.com/uk/2026/nov/20/ferries-run-again</loc><news:news>
<news:publication><news:name>The Guardian</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-11-20T18:02:11Z</news:publication_date>
<news:title>Ferries run again after the storm</news:title></news:news></url>
</urlset>
"""


class Guardian(BaseHTTPRequestHandler):
    """Stands in for the site that the examples fetch."""

    def do_GET(self):
        body = b"" if self.path == "/robots.txt" else SITEMAP.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def stand_in():
    with ThreadingHTTPServer(("127.0.0.1", 0), Guardian) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"STAND_INS": json.dumps({"www.theguardian.com": f"http://127.0.0.1:{server.server_port}"})}
        server.shutdown()


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]


def examples():
    """The commands of the page with the answers shown."""
    return re.findall(r"^```sh\n(.*?)^```\n^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


# Values that differ from run to run, by their form and by their key.
DIFFERS = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "TIME"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"(?<![\w.:/])/[\w/.%+:-]+", "PATH"),
    (r"[+-]?\d+\.\d s\b|\d+ MB|\d+ of \d+", "NUMBER"),
]


def settled(value, key=None):
    """A value with everything replaced that differs from run to run."""
    if isinstance(value, dict):
        return {name: settled(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [settled(each, key) for each in value]
    if key in ("node", "node_name", "pid") and value is not None:
        return key
    if isinstance(value, str):
        for pattern, name in DIFFERS:
            value = re.sub(pattern, name, value)
    return value


def test_every_example_shows_its_answer():
    assert len(examples()) == PAGE.count("```sh") > 10


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed (Debian: apt-get install curl)")
def test_the_examples_answer_as_shown(make_scrapyd, stand_in, tmp_path):
    scrapyd = make_scrapyd(schedule=unhurried(block("yaml")), environment=stand_in).start()
    environment = {"PATH": "/usr/bin:/bin", "SERVER": scrapyd.url, "LOGIN": ":".join(scrapyd.auth)}
    for command, shown in examples():
        done = subprocess.run(["bash", "-ec", command], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done
        assert settled(json.loads(done.stdout)) == settled(json.loads(unhurried(shown))), command
        scrapyd.wait_for(lambda: all(job["end_time"] for job in scrapyd.jobs()))


def unhurried(text):
    """The same, but no entry fires on its own while the test runs."""
    for often, seldom in (("every: 5m", "every: 300d"), ("every 5m", "every 300d"), ("18 * * MON-FRI", "18 29 2 *")):
        text = text.replace(often, seldom)
    return text
