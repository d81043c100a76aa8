"""Slow or hanging parts block nothing else: a project that lists its spiders, the file of the schedule."""

import os
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from made_eggs import made_egg
from relay import Relay

from newsbot.hosting import schedule, scheduler, spiders
from newsbot.hosting.api.scrapyd import ListSpiders, Schedule

# Notes each time that it is read, then waits until the file `go` exists; fails while `broken` does.
SLOW = """
import os, time
from pathlib import Path

SPIDER_MODULES = {modules!r}
TELNETCONSOLE_ENABLED = False
with (Path({folder!r}) / "asked").open("a") as file:
    print(os.getpid(), file=file)
while not (Path({folder!r}) / "go").exists():
    time.sleep(0.05)
if (Path({folder!r}) / "broken").exists():
    raise SystemExit("it is broken")
"""

# Scrapyd whose file system hangs while the file `hang` exists, when the schedule is read.
HANGING = """
import time
from pathlib import Path

from newsbot.hosting import scheduler
from newsbot.hosting.app import application

read = scheduler.read


def hangs(file, *others):
    while Path(file).with_name("hang").exists():
        time.sleep(0.05)
    return read(file, *others)


scheduler.read = hangs
"""

OFTEN = {"name": "often", "spider": "waits", "every": "1s", "args": {"until": "/never"}}


class Slow:
    """The project `slow` of a Scrapyd."""

    def __init__(self, scrapyd, folder):
        self.scrapyd, self.folder = scrapyd, folder
        (folder / "go").touch()
        settings = SLOW.format(folder=str(folder), modules=["shop.spiders"])
        egg = made_egg("one", **{"shop/settings.py": settings})
        for version in ("1", "2"):
            answer = scrapyd.upload(egg, version, "slow")
            assert answer["status"] == "ok", answer
        assert self.spiders()["spiders"] == ["tells"]
        assert len(self.asked()) == 2  # once for each upload: its list is kept
        scrapyd.post("delversion.json", project="slow", version="2")  # the lists of the project are forgotten
        (folder / "go").unlink()
        (folder / "asked").unlink()

    def asked(self):
        """The processes asked for the list."""
        file = self.folder / "asked"
        return [int(line) for line in file.read_text().splitlines()] if file.exists() else []

    def spiders(self, *_):
        return self.scrapyd.get("listspiders.json", project="slow")


@pytest.fixture
def slow(make_scrapyd, tmp_path):
    scrapyd = make_scrapyd()
    scrapyd.edit(OFTEN)
    return Slow(scrapyd.start(), tmp_path)


@pytest.fixture
def fires(query):
    """How many times of the entry `often` were handled."""
    return lambda: query("SELECT count(*) FROM fires WHERE schedule = 'often' AND outcome <> 'missed'")[0][0]


def fires_on(scrapyd, fires):
    before = fires()
    scrapyd.wait_for(lambda: fires() >= before + 3)


def test_a_project_that_lists_slowly_keeps_only_those_who_ask_it(slow, fires, query):
    with ThreadPoolExecutor(14) as pool:  # more than Twisted has threads
        answers = pool.map(slow.spiders, range(14))
        slow.scrapyd.wait_for(slow.asked)
        fires_on(slow.scrapyd, fires)
        for call, parameters in (
            ("daemonstatus.json", {}),
            ("listspiders.json", {"project": "newsbot"}),
            ("history.json", {}),
            ("schedules.json", {}),
            ("health.json", {}),
        ):
            assert slow.scrapyd.get(call, **parameters)["status"] == "ok"
        (slow.folder / "go").touch()
        assert [answer["spiders"] for answer in answers] == [["tells"]] * 14
    assert len(slow.asked()) == 1
    assert slow.spiders()["spiders"] == ["tells"]
    assert len(slow.asked()) == 1
    assert query("SELECT count(*) FROM fires WHERE outcome = 'missed'") == [(0,)]


def test_those_who_wait_for_a_list_share_its_failure(slow):
    (slow.folder / "broken").touch()
    with ThreadPoolExecutor(5) as pool:
        answers = pool.map(slow.spiders, range(5))
        slow.scrapyd.wait_for(slow.asked)
        slow.scrapyd.get("daemonstatus.json")
        (slow.folder / "go").touch()
        assert {answer["message"] for answer in answers} == {"the spiders cannot be listed: it is broken"}
    first = len(slow.asked())
    assert first < 5  # a caller after the end of a list asked for another
    (slow.folder / "broken").unlink()
    assert slow.spiders()["spiders"] == ["tells"]
    assert len(slow.asked()) == first + 1


def test_a_listing_does_not_keep_scrapyd_from_ending(slow):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(slow.spiders)
        (pid,) = slow.scrapyd.wait_for(slow.asked)
        slow.scrapyd.stop()
    slow.scrapyd.wait_for(lambda: not psutil.pid_exists(pid))


@pytest.fixture
def unlisted(make_scrapyd, tmp_path):
    """A Scrapyd whose own spiders are not listed yet."""
    scrapyd = make_scrapyd()
    modules = ["newsbot.spiders", "made_up_spiders"]
    settings = SLOW.format(folder=str(tmp_path), modules=modules) + "from newsbot.settings import *\n"
    settings += f"SPIDER_MODULES = {modules!r}\n"
    (scrapyd.folder / "slow_settings.py").write_text(settings)
    (scrapyd.folder / "scrapy.cfg").write_text("[settings]\nnewsbot = slow_settings\n")
    return scrapyd


def test_what_is_due_does_not_wait_for_the_list_of_spiders(unlisted, fires, tmp_path):
    unlisted.edit(OFTEN)
    unlisted.start()
    fires_on(unlisted, fires)
    assert len(unlisted.get("schedules.json")["schedules"]) == 1
    (tmp_path / "go").touch()
    assert "waits" in unlisted.get("listspiders.json", project="newsbot")["spiders"]
    fires_on(unlisted, fires)
    assert unlisted.get("schedules.json")["faults"] == []


def test_a_schedule_whose_spiders_are_not_there_is_reported_once_they_are_listed(unlisted, tmp_path):
    unlisted.edit(OFTEN | {"spider": "nobody", "every": "1h"})
    unlisted.start()
    assert unlisted.get("schedules.json")["faults"] == []
    (tmp_path / "go").touch()
    (fault,) = unlisted.wait_for(lambda: unlisted.get("schedules.json")["faults"])
    assert "'nobody': no such spider" in fault
    assert unlisted.get("schedules.json")["schedules"] == []
    unlisted.edit(OFTEN)
    unlisted.wait_for(lambda: unlisted.get("schedules.json")["schedules"])


def test_a_pipe_in_place_of_the_schedule_is_reported_and_not_read(slow, fires):
    scrapyd = slow.scrapyd
    pipe = scrapyd.folder / "pipe"
    os.mkfifo(pipe)
    pipe.replace(scrapyd.schedule)
    (fault,) = scrapyd.wait_for(lambda: scrapyd.get("schedules.json")["faults"])
    assert "not a regular file" in fault
    assert scrapyd.call("GET", "health.json").status_code == 503
    fires_on(scrapyd, fires)
    scrapyd.edit(OFTEN)
    scrapyd.wait_for(lambda: scrapyd.call("GET", "health.json").status_code == 200)
    os.mkfifo(pipe)
    pipe.replace(scrapyd.schedule)
    scrapyd.wait_for(lambda: scrapyd.get("schedules.json")["faults"])
    scrapyd.stop()


def test_a_file_system_that_hangs_keeps_no_fire_and_no_end(make_scrapyd, fires):
    scrapyd = make_scrapyd(application="hanging.application")
    (scrapyd.folder / "hanging.py").write_text(HANGING)
    scrapyd.environment["PYTHONPATH"] += f"{os.pathsep}{scrapyd.folder}"
    scrapyd.edit(OFTEN)
    scrapyd.start()
    fires_on(scrapyd, fires)
    (scrapyd.folder / "hang").touch()
    scrapyd.edit(OFTEN, {"name": "later", "spider": "quick", "every": "1h"})
    told = scrapyd.wait_for(lambda: not (part := scrapyd.get("health.json")["parts"]["schedule"])["ok"] and part)
    assert "its file system does not answer" in told["message"]
    fires_on(scrapyd, fires)
    (scrapyd.folder / "hang").unlink()
    scrapyd.wait_for(lambda: len(scrapyd.get("schedules.json")["schedules"]) == 2)
    scrapyd.wait_for(lambda: scrapyd.get("health.json")["healthy"])
    (scrapyd.folder / "hang").touch()
    scrapyd.edit(OFTEN)
    fires_on(scrapyd, fires)
    scrapyd.stop()


def test_health_knows_when_it_was_last_looked_what_is_due(make_scrapyd, database_url):
    relay = Relay(database_url)
    scrapyd = make_scrapyd(database_url=relay.url).start()
    try:
        assert scrapyd.get("health.json")["parts"]["schedule"]["message"].startswith("0 entries; looked ")
        relay.hang()
        told = scrapyd.wait_for(lambda: not (part := scrapyd.get("health.json")["parts"]["schedule"])["ok"] and part)
        assert told["message"].startswith("the last look for due entries was 1")
        relay.resume()
        scrapyd.wait_for(lambda: scrapyd.get("health.json")["healthy"])
    finally:
        relay.close()


def test_who_waits_for_a_list_waits_as_long_as_that_may_take():
    for call in (ListSpiders, Schedule):
        assert call.patience > spiders.TIMEOUT


def test_a_schedule_beyond_the_bound_is_reported_and_not_read(tmp_path):
    file = tmp_path / "schedule.yaml"
    line = "- {name: n%d, spider: quick, every: 1h}\n"
    file.write_text("".join(line % number for number in range(schedule.MAX_BYTES // 40)))
    found = scheduler.look(file, None, None)
    assert found.entries is None
    assert "larger than 1 MiB" in found.faults[0]
