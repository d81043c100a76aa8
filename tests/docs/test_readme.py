"""README.md: runs its commands in their order in a fresh clone; a stand-in answers their requests to the internet."""

import json
import os
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

import pytest
from fresh_copy import ROOT, VENV, copy_project, share_packages

PAGE = (ROOT / "README.md").read_text("utf-8")
ORIGIN = re.search(r"git clone (\S+)", PAGE)[1]

HOSTS = ("www.bbc.co.uk", "www.lemonde.fr", "www.example.com", "www.example.org")
APIS = ("api.frankfurter.dev", "api.worldbank.org")
FRONT = "<html><head><title>Example</title></head><body>{}</body></html>".format(
    "".join(f"<article><h2><a href='/ferries/{n}'>The ferry of pier {n} runs again</a></h2></article>" for n in "1234")
)
FEED = """<rss version="2.0"><channel><title>Example</title><link>https://www.example.com/</link>
<item><title>The storm has passed the harbour</title><link>https://www.example.com/storm</link></item></channel></rss>"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://{host}/ferries-run</loc><news:news>
<news:publication><news:name>Made up</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-11-20T18:02:11Z</news:publication_date>
<news:title>Ferries run again after the storm</news:title></news:news></url></urlset>"""


def rates(path):
    first, _, last = path.rpartition("/")[2].partition("..")
    return {"amount": 1.0, "base": "EUR", "rates": {first: {"USD": 1.1, "GBP": 0.9}}, "end_date": last}


def population(path):
    place = {"indicator": {"id": "SP.POP.TOTL", "value": "Population"}, "country": {"id": "FR", "value": "France"}}
    row = place | {"countryiso3code": "FRA", "date": "2020", "value": 68e6, "unit": "", "obs_status": "", "decimal": 0}
    return [{"page": 1, "pages": 1, "per_page": 1000, "total": 1}, [row]]


class Internet(BaseHTTPRequestHandler):
    """All sites and APIs that the README names."""

    def do_GET(self):
        host, path = self.headers["Host"], urlsplit(self.path).path
        if path == "/robots.txt":
            self.send(404, "text/plain", "")
        elif host in APIS:
            self.send(200, "application/json", json.dumps((rates if host == APIS[0] else population)(path)))
        elif path == "/":
            self.send(200, "text/html", FRONT)
        else:
            self.send(200, "application/xml", FEED if path == "/feed.xml" else SITEMAP.format(host=host))

    def send(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def internet():
    with ThreadingHTTPServer(("127.0.0.1", 0), Internet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield json.dumps(dict.fromkeys((*HOSTS, *APIS), f"http://127.0.0.1:{server.server_port}"))
        server.shutdown()


@pytest.fixture
def origin(tmp_path):
    """A repository of the checkout, committed or not; the environment that leads `git clone` to it."""
    folder = tmp_path / "origin"
    copy_project(folder)
    git = ("git", "-C", folder, "-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "All")):
        subprocess.run([*git, *command], check=True)
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{folder}.insteadOf", "GIT_CONFIG_VALUE_0": ORIGIN}


class Reader:
    """A user who follows the README, line by line."""

    def __init__(self, folder, environment, port):
        self.folder, self.port, self.activated, self.server = folder, port, False, None
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self.environment = {name: value for name, value in kept.items() if name != "PYTHONPATH"} | environment
        self.said = {}

    def write(self, name, text):
        (self.folder / name).write_text(text, "utf-8")

    def run(self, line):
        command = line.replace("127.0.0.1:6800", f"127.0.0.1:{self.port}")
        if line.startswith("make serve"):
            self.serve()
            return
        if not line.startswith("curl"):
            self.stop_serving()
        if line.startswith("git clone"):
            command += "; pwd"
        elif self.activated:
            command = f"source .venv/bin/activate; {command}"
        done = subprocess.run(
            ["bash", "-ec", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        self.said[line] = done.stdout
        if line.startswith("git clone"):
            self.folder = Path(done.stdout.splitlines()[-1])
            share_packages(self.folder / ".venv")
        self.activated |= line == "source .venv/bin/activate"

    def serve(self):
        """Start a command that stays in the foreground; go on when it answers."""
        self.server = subprocess.Popen(
            ["bash", "-ec", "source .venv/bin/activate; exec make serve"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        said = []
        for line in self.server.stdout:
            said.append(line)
            if "Launcher" in line or "Site starting" in line:
                threading.Thread(target=self.server.stdout.read, daemon=True).start()  # so that it never waits
                return
        pytest.fail(f"make serve ended: {''.join(said)}")

    def stop_serving(self):
        if self.server:
            os.killpg(self.server.pid, 2)
            self.server.wait(60)
            self.server = None


def steps():
    """The blocks of the README to carry out, in their order: language and text."""
    return re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def lines(text):
    return [line.partition("  #")[0].strip() for line in text.splitlines()]


@pytest.fixture
def reader(tmp_path, home, origin, internet):
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "none.yaml").write_text("[]\n")
    variables = {
        "NEWSBOT_HOME": str(home),
        "STAND_INS": internet,
        "NEWSBOT_SCHEDULE": str(tmp_path / "none.yaml"),  # only the README's commands run
        "SCRAPYD_HTTP_PORT": str(port),
        "SCRAPYD_USERNAME": "newsbot",
        "SCRAPYD_PASSWORD": "PASSWORD",
    }
    reader = Reader(tmp_path, origin | variables, port)
    yield reader
    reader.stop_serving()


MISSING = [name for name in ("git", "make", "curl", "bash") if shutil.which(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.skipif(not (VENV / "bin/activate").exists(), reason="Python does not run in a virtual environment")
def test_every_command_works_as_written(reader):
    for language, text in steps():
        match language:
            case "sh":
                for line in lines(text):
                    reader.run(line)
            case "yaml":
                reader.write("own.yaml" if "homepage" in text else "scrapyd/schedule.yaml", text)
            case "python":
                reader.write("newsbot/spiders/example.py", text)
            case "crontab":  # one source only: a crawl of all takes long
                (line,) = lines(text)
                command = re.fullmatch(r"\*/5 \* \* \* \*  cd /srv/newsbot && (.*)", line)[1]
                reader.run(f"{command} -a sources=bbc")
            case _:
                pytest.fail(f"a block in {language} is not run")
    said = reader.said
    assert "Stored: 97 headlines" in said["make demo"]
    assert "Ferries run again" in said[next(line for line in said if line.startswith("scrapy db sql"))]
    assert "https://www.example.com/feed.xml" in said["scrapy sources --status"]
    assert len((reader.folder / "example.jsonl").read_text().splitlines()) == 4
    assert "1 passed" in said["python -m pytest tests/spiders/test_gazette.py"]
    started, answered = (json.loads(text) for line, text in said.items() if line.startswith("curl"))
    assert (started["status"], answered["status"]) == ("ok", "ok")
    assert "stopped" in said["scrapy db stop"]
    assert len(said) > 20
