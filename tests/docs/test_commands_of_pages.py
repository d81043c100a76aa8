"""The pages in docs/: each `scrapy` command runs as written, against hosts that have nothing.

docs/own-api.md and the calls in docs/hosting.md have tests of their own, with hosts that answer.
"""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fresh_copy import ROOT, copy_project

from newsbot.storage import embedded

DOCS = ROOT / "docs"
COMMAND = re.compile(r"^    ((?:export|scrapy|[A-Z_]+=\S+ scrapy) .*)", re.MULTILINE)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
HOST = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)")
KNOWN = {
    host
    for folder in ("spiders", "sources")
    for file in (ROOT / "newsbot" / folder).rglob("*.*")
    if file.suffix in (".py", ".yaml")
    for host in HOST.findall(file.read_text("utf-8"))
}


def commands(page):
    return [line.partition("  #")[0].rstrip() for line in COMMAND.findall(page.read_text("utf-8"))]


PAGES = [page for page in sorted(DOCS.rglob("*.md")) if page.name != "own-api.md" and commands(page)]


class Nothing(BaseHTTPRequestHandler):
    """Has no page and no file."""

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def stand_ins():
    """One server in place of all hosts that newsbot and the pages name."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield dict.fromkeys(KNOWN | {"www.example.com", "data.example.org", "api.example.org"}, url)
        server.shutdown()


@pytest.fixture
def homes(home):
    """Three empty homes; their servers end with the test."""
    homes = [home / name for name in ("first", "new", "made-up")]
    yield homes
    for each in homes:
        embedded.stop(each)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_each_command_runs(page, tmp_path, homes, database, stand_ins):
    project = tmp_path / "newsbot"
    copy_project(project)
    for text in YAML.findall(page.read_text("utf-8")):
        file = project / ("prices.yaml" if text.startswith("name: prices") else "own.yaml")
        if not file.exists():
            file.write_text(text, "utf-8")
    given = {
        "sources reset ID": "sources reset bbc",
        "/path/of/the/new/home": str(homes[1]),
        "/tmp/made-up": str(homes[2]),
        "postgresql://USER:PASSWORD@HOST:5432/NAME": database.url,
        "Presidentielle_2017_Resultats_Tour_1.csv": "newsbot/sources/datasets/presidentielle-2017.csv",
        '{"api.example.org": "http://127.0.0.1:9001"}': json.dumps(stand_ins),
        "crawl headlines -s": "crawl headlines -a sources=bbc -s",  # a crawl of all takes long
    }
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | {
        "NEWSBOT_HOME": str(homes[0]),
        "DATABASE_URL": "",
        "STAND_INS": json.dumps(stand_ins),
    }
    for command in ("scrapy db upgrade", *commands(page)):  # so that there are tables to look at
        for words, others in given.items():
            command = command.replace(words, others)
        if command.startswith("export "):
            environment |= dict(each.split("=", 1) for each in command.removeprefix("export ").split())
            continue
        shell = ["bash", "-c", command.replace("scrapy ", f"{sys.executable} -m scrapy ", 1)]
        done = subprocess.run(shell, cwd=project, env=environment, capture_output=True, text=True, timeout=300)
        # A crawl may fail, as its hosts have nothing; what is used wrongly ends with 2.
        assert done.returncode in ((0, 1) if "scrapy crawl" in command else (0,)), f"{command}\n{done.stderr}"
        assert "Traceback" not in done.stderr, f"{command}\n{done.stderr}"
