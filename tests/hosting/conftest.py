"""A real Scrapyd, with newsbot's parts, on a separate port and database."""

import configparser
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

import psutil
import pytest
import requests
import yaml

from newsbot.hosting.deploy import build

ROOT = Path(__file__).parents[2]
MADE_UP = Path(__file__).parent / "made_up"
PATIENCE = 60  # seconds


class Scrapyd:
    """A Scrapyd in a folder. Its calls: `scrapyd.get("history.json", state="failed")`."""

    def __init__(self, folder, database_url, schedule="[]\n", environment=None, **options):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.auth = ("ann", "secret: 50%")
        self.schedule = folder / "schedule.yaml"
        self.schedule.write_text(schedule)
        self.output = folder / "scrapyd.log"
        config = configparser.RawConfigParser()
        config.read(ROOT / "scrapyd" / "scrapyd.conf")
        for name, value in options.items():
            config.set("scrapyd", name, str(value))
        with (folder / "scrapyd.conf").open("w") as file:
            config.write(file)
        (folder / "scrapy.cfg").write_text("[settings]\nnewsbot = made_up_settings\n")
        self.environment = os.environ | {
            "DATABASE_URL": database_url,
            "NEWSBOT_HOME": str(folder / "home"),
            "NEWSBOT_SCHEDULE": str(self.schedule),
            "SCRAPYD_HTTP_PORT": str(self.port),
            "SCRAPYD_USERNAME": self.auth[0],
            "SCRAPYD_PASSWORD": self.auth[1],
            "PYTHONPATH": f"{MADE_UP}{os.pathsep}{ROOT}",
        }
        self.environment |= environment or {}
        self.command = [sys.executable, "-m", "newsbot.hosting.serve"]
        self.process = None

    def edit(self, *entries):
        """Write the schedule, as an editor does."""
        new = self.folder / "schedule.yaml.new"
        new.write_text(yaml.safe_dump(list(entries)))
        new.replace(self.schedule)

    def start(self, *, healthy=True):
        with self.output.open("a") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.wait_for(lambda: self.answers() and (not healthy or self.is_healthy()))
        return self

    def answers(self):
        if self.process.poll() is not None:
            pytest.fail(f"Scrapyd ended with {self.process.returncode}: {self.said()}")
        with contextlib.suppress(requests.ConnectionError):
            return self.call("GET", "listprojects.json").status_code == 200
        return False

    def is_healthy(self):
        """Whether the database is in reach and the schedule is read, well or not."""
        answer = self.call("GET", "health.json").json()
        read = f"The schedule {self.schedule}" in self.said() or "The schedule cannot be used" in self.said()
        return answer.get("parts", {}).get("database", {}).get("ok") and read

    def said(self):
        return self.output.read_text(errors="replace")

    def call(self, method, name, **options):
        return requests.request(method, f"{self.url}/{name}", **{"auth": self.auth, "timeout": 60} | options)

    def get(self, call, /, **params):
        return self.call("GET", call, params=params).json()

    def post(self, call, /, **data):
        return self.call("POST", call, data=data).json()

    def run(self, spider, **data):
        """Queue a job; returns its id."""
        answer = self.post("schedule.json", project="newsbot", spider=spider, **data)
        assert answer["status"] == "ok", answer
        return answer["jobid"]

    def upload(self, egg, version, project="newsbot", **data):
        """The answer to an egg, given as bytes."""
        data |= {"project": project, "version": version}
        return self.call("POST", "addversion.json", data=data, files={"egg": ("project.egg", egg)}).json()

    def jobs(self, **filters):
        return self.get("history.json", limit=1000, **filters)["jobs"]

    def job(self, job_id):
        return self.jobs(id=job_id)[0]

    def wait_for(self, condition, patience=PATIENCE):
        """The value of `condition`, once that is true."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if outcome := condition():
                return outcome
            time.sleep(0.15)
        return pytest.fail(f"waited in vain for {patience} s; Scrapyd said:\n{self.said()[-5000:]}")

    def wait_until(self, job_id, *states):
        """The job, once it is in one of the states; without any, once it has ended."""

        def there():
            answer = self.call("GET", "history.json", params={"id": job_id})
            if answer.status_code == 503:  # the database is away, or comes back just now
                return None
            job = answer.json()["jobs"][0]
            if job["state"] == "running" and not job["pid"]:  # claimed, but not started yet
                return None
            return job if (job["state"] in states if states else job["end_time"]) else None

        return self.wait_for(there)

    def kill(self):
        """As by kill -9; its jobs go on."""
        self.process.kill()
        self.process.wait()

    def kill_all(self):
        """The whole tree, as a machine that loses power."""
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        psutil.wait_procs(processes)

    def stop(self):
        """Stop in order."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def clear(self):
        """End all processes that it left."""
        if self.process and self.process.poll() is None:
            self.kill_all()
        for process in psutil.process_iter(["environ"]):
            if (process.info["environ"] or {}).get("NEWSBOT_HOME") == str(self.folder / "home"):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()


class _Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class _Site(ThreadingHTTPServer):
    request_queue_size = 128


@pytest.fixture(scope="session")
def site():
    """The environment with the made-up spiders' site: an empty page at every address."""
    with _Site(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"STAND_INS": json.dumps({"made-up.example": f"http://127.0.0.1:{server.server_port}"})}
        server.shutdown()


@pytest.fixture
def make_scrapyd(tmp_path, database_url, site):
    """Make a Scrapyd: `make_scrapyd("one", schedule="...", max_proc=2).start()`; all on one database."""
    made = []

    def make(name="scrapyd", environment=None, **options):
        options = {"database_url": database_url, "environment": site | (environment or {})} | options
        made.append(Scrapyd(tmp_path / name, **options))
        return made[-1]

    yield make
    for scrapyd in made:
        scrapyd.clear()
        shutil.rmtree(scrapyd.folder)


@pytest.fixture
def scrapyd(make_scrapyd):
    """A running Scrapyd with an empty schedule."""
    return make_scrapyd().start()


@pytest.fixture(scope="session")
def newsbot_egg(tmp_path_factory):
    """newsbot's egg, as `make deploy` builds it."""
    return build(tmp_path_factory.mktemp("egg"))
