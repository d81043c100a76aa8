"""`make serve`: the first start, the faults that keep it from running, how it stops; and the unit for systemd."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from socket import socket

import psutil
import pytest
import requests

ROOT = Path(__file__).parents[2]
SERVE = [sys.executable, "-m", "newsbot.hosting.serve", "scrapyd"]
MAKE = ["make", "-o", "install", "serve", f"VENV={sys.prefix}"]
PATIENCE = 60  # seconds


def free_port():
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Served:
    """A server from the checkout, as a user starts it."""

    def __init__(self, output, command, environment, **options):
        self.output = output
        self.url = f"http://127.0.0.1:{environment['SCRAPYD_HTTP_PORT']}"
        with output.open("w") as file:
            options |= {"env": environment, "stdout": file, "stderr": file, "start_new_session": True}
            self.process = subprocess.Popen(command, **options)

    def said(self):
        return self.output.read_text()

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > end or self.process.poll() is not None:
                pytest.fail(f"waited in vain; it said:\n{self.said()}")
            time.sleep(0.05)
        return found

    def wait_to_hear(self, pattern):
        return self.wait_for(lambda: re.search(pattern, self.said()))

    def get(self, name, auth):
        return requests.get(f"{self.url}/{name}", auth=auth, timeout=PATIENCE)

    def processes(self):
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


@pytest.fixture
def serve(tmp_path, home):
    """Start one: `serve(SERVE, NAME="value")`, of which None takes NAME out of the environment."""
    started = []

    def start(command=SERVE, user=None, cwd=ROOT, **changes):
        given = {"NEWSBOT_HOME": str(home), "SCRAPYD_HTTP_PORT": str(free_port()), "NEWSBOT_SCHEDULE": os.devnull}
        environment = {key: value for key, value in (os.environ | given | changes).items() if value is not None}
        options = {"cwd": cwd} | ({"user": user, "group": user, "extra_groups": []} if user else {})
        started.append(Served(tmp_path / f"output-{len(started)}", command, environment, **options))
        return started[-1]

    yield start
    for served in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in served.processes():
                process.kill()
        served.process.wait()


def test_the_first_start_shows_the_login_once(serve, tmp_path, home):
    schedule = tmp_path / "mine.yaml"
    schedule.write_text("[{name: one, spider: headlines, cron: '@yearly', enabled: false}]\n")
    first = serve(MAKE, NEWSBOT_SCHEDULE=os.path.relpath(schedule, ROOT))
    first.wait_to_hear(f"The schedule {schedule} has 1 entries")
    login = re.search(r"User name (\S+), password (\S+) \(shown this once", first.said()).groups()
    assert (
        f"{first.url}/ is the page, for the user {login[0]}. Eggs, logs and items are in {home}/scrapyd."
        in first.said()
    )
    assert first.get("health.json", login).json()["healthy"] is True
    assert "headlines" in first.get("listspiders.json?project=newsbot", login).json()["spiders"]
    assert first.get("health.json", ("newsbot", "wrong")).status_code == 401
    assert (home / "scrapyd/login").stat().st_mode & 0o777 == 0o600
    (scrapyd,) = psutil.Process(first.process.pid).children()
    first.process.terminate()  # make passes it on to its command
    first.process.wait(PATIENCE)
    assert not scrapyd.is_running()

    second = serve()
    second.wait_to_hear("is the page, for")
    second.wait_for(lambda: "will listen on" in second.said())
    assert login[1] not in second.said()
    assert second.get("daemonstatus.json", login).status_code == 200
    second.process.send_signal(signal.SIGINT)
    second.process.wait(PATIENCE)  # Twisted ends by the signal itself, once it has shut down
    assert "Server Shut Down" in second.said()


def test_paths_are_from_where_it_was_started(serve, home, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "[{id: mine, name: Mine, homepage: 'https://m.example/', country: gb, language: en, feeds: ['https://m.example/f']}]"
    )
    (tmp_path / "schedule.yaml").write_text("[{name: one, spider: headlines, every: 1h, args: {sources: mine}}]\n")
    here = {name: os.path.relpath(tmp_path / name, ROOT) for name in ("mine.yaml", "schedule.yaml")}
    served = serve(
        NEWSBOT_HOME=os.path.relpath(home, ROOT),
        CATALOGUE=here["mine.yaml"],
        NEWSBOT_SCHEDULE=here["schedule.yaml"],
    )
    served.wait_to_hear(f"are in {home}/scrapyd")
    served.wait_to_hear("will listen on")
    served.wait_to_hear("has 1 entries")
    environment = psutil.Process(served.process.pid)
    assert environment.cwd() == str(ROOT / "scrapyd")


def test_a_spider_that_is_added_later_is_known(serve, tmp_path):
    project = tmp_path / "newsbot"
    for name in ("newsbot", "scrapyd"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "scrapy.cfg", project)
    served = serve(cwd=project, SCRAPYD_USERNAME="ann", SCRAPYD_PASSWORD="p")
    served.wait_to_hear("will listen on")
    spiders = "listspiders.json?project=newsbot"
    assert "later" not in served.get(spiders, ("ann", "p")).json()["spiders"]
    spider = "import scrapy\n\n\nclass Later(scrapy.Spider):\n    name = 'later'\n"
    (project / "newsbot/spiders/later.py").write_text(spider)
    assert "later" in served.get(spiders, ("ann", "p")).json()["spiders"]
    (project / "newsbot/spiders/later.py").unlink()
    assert "later" not in served.get(spiders, ("ann", "p")).json()["spiders"]


@pytest.fixture
def nobody(home):
    """Another user, who owns the home."""
    uid = 65_534
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    if subprocess.run(["test", "-x", sys.executable], user=uid, group=uid, extra_groups=[], check=False).returncode:
        pytest.skip(f"no other user can run {sys.executable}")
    os.chown(home, uid, uid)
    yield uid
    os.chown(home, 0, 0)


def test_as_another_user(serve, nobody, home):
    served = serve(user=nobody, HOME="/")
    served.wait_to_hear("will listen on")
    login = re.search(r"User name (\S+), password (\S+) \(", served.said()).groups()
    served.wait_for(lambda: served.get("health.json", login).json()["parts"]["database"]["ok"])
    assert (home / "scrapyd/login").stat().st_uid == nobody


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SCRAPYD_HTTP_PORT": "abc"}, "serve: SCRAPYD_HTTP_PORT=abc: expected a number from 1 to 65535"),
        ({"SCRAPYD_HTTP_PORT": "70000"}, "serve: SCRAPYD_HTTP_PORT=70000: expected a number from 1 to 65535"),
        ({"SCRAPYD_BIND_ADDRESS": "no.such.host.invalid"}, "of no.such.host.invalid cannot be used: "),
        ({"SCRAPYD_USERNAME": "ann"}, "set both SCRAPYD_USERNAME and SCRAPYD_PASSWORD, or none to have them made"),
        ({"SCRAPYD_PASSWORD": "hush"}, "set both SCRAPYD_USERNAME and SCRAPYD_PASSWORD, or none to have them made"),
        ({"HISTORY_DAYS": "soon"}, "serve: HISTORY_DAYS=soon: expected a number, 0 or more"),
        ({"DATABASE_URL": "mysql://ann:hush@db/x"}, "serve: DATABASE_URL is not a Postgres URL (mysql): write "),
        ({"NEWSBOT_HOME": "/dev/null/x"}, "serve: NEWSBOT_HOME /dev/null/x cannot be used: "),
    ],
)
def test_a_fault_that_keeps_it_from_running_is_reported_in_a_line(serve, environment, said):
    served = serve(**environment)
    assert served.process.wait(PATIENCE) == 1
    assert said in served.said()
    assert "hush" not in served.said()
    assert len(served.said().splitlines()) == 1, served.said()


def test_a_home_that_cannot_be_written_beside_a_database_elsewhere(serve, database_url):
    served = serve(NEWSBOT_HOME="/dev/null/x", DATABASE_URL=database_url)
    assert served.process.wait(PATIENCE) == 1
    assert "/dev/null/x/scrapyd cannot be used: Not a directory; NEWSBOT_HOME names another home" in served.said()


def test_a_port_that_is_taken(serve):
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        served = serve(SCRAPYD_HTTP_PORT=str(port))
        assert served.process.wait(PATIENCE) == 1
    assert f"serve: port {port} of 127.0.0.1 cannot be used: Address already in use" in served.said()


def test_a_login_that_was_cut_off(serve, home):
    (home / "scrapyd").mkdir()
    (home / "scrapyd/login").touch()
    served = serve(DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/x")
    assert served.process.wait(PATIENCE) == 1
    assert f"{home}/scrapyd/login holds no user name and password: remove it" in served.said()


def test_it_runs_without_the_schedule_file_and_says_so(serve, home):
    served = serve(NEWSBOT_SCHEDULE=str(home / "none.yaml"))
    served.wait_to_hear(f"The schedule cannot be used:\n{home}/none.yaml: No such file or directory")
    assert served.process.poll() is None


def test_it_waits_for_a_database_that_is_away(serve):
    served = serve(DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/x")
    served.wait_to_hear("Scrapyd starts without its database, and waits for it: cannot connect to ")
    assert served.process.poll() is None


def test_it_needs_its_folder():
    done = subprocess.run([*SERVE[:-1], "docs"], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stderr.startswith(f"serve: there is no scrapyd.conf in {ROOT}/docs: ")


def test_the_unit_is_good(tmp_path):
    """With this checkout in place of the one in /opt."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    unit = tmp_path / "newsbot.service"
    text = (ROOT / "scrapyd/newsbot.service").read_text("utf-8")
    text = text.replace("/opt/newsbot/.venv/bin/python", sys.executable).replace("/opt/newsbot", str(ROOT))
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, encoding="utf-8", timeout=PATIENCE)
    said = [line for line in done.stderr.splitlines() if "newsbot.service" in line]
    assert (done.returncode, said) == (0, [])
