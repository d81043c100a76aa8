"""Scrapyd's own API: its public clients work, and every answer has at least what Scrapyd's has."""

import re
import subprocess
import sys
import zipfile
from datetime import datetime
from io import BytesIO

import pytest
from conftest import Scrapyd
from made_eggs import made_egg
from scrapyd_api import ScrapydAPI
from scrapyd_client.pyclient import ScrapydClient

WAITS = """
import asyncio
from pathlib import Path

import scrapy


class Waits(scrapy.Spider):
    name = "waits"

    async def start(self):
        while not Path(self.until).exists():
            await asyncio.sleep(0.05)
        return
        yield
"""
EGG = made_egg("one", **{"shop/spiders/waits.py": WAITS})


# --- scrapyd-client ---------------------------------------------------------------------------------------------------


@pytest.fixture
def client(scrapyd, tmp_path):
    """Run `scrapyd-client` in a folder of the project; returns its output."""
    folder = tmp_path / "project"
    with zipfile.ZipFile(BytesIO(EGG)) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if not name.startswith("EGG-INFO")])
    username, password = scrapyd.auth
    (folder / "scrapy.cfg").write_text(
        "[settings]\ndefault = shop.settings\n"
        f"[deploy]\nurl = {scrapyd.url}\nproject = shop\nusername = {username}\npassword = {password}%\n"
    )

    def run(*arguments):
        command = [sys.executable, "-m", "scrapyd_client", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.folder = folder
    return run


def test_the_commands_of_scrapyd_client(scrapyd, client, tmp_path):
    assert scrapyd.url in client("targets")
    assert '"spiders": 2' in client("deploy", "--version", "1")
    assert sorted(client("projects").split()) == ["newsbot", "shop"]
    assert client("spiders", "-p", "shop").split() == ["shop:", "tells", "waits"]
    assert client("spiders", "-v", "-p", "*op").splitlines() == ["shop tells", "shop waits"]
    tells = tmp_path / "tells"
    job_id = (
        client("schedule", "-p", "shop", "tells", "--arg", f"tells={tells}").strip().removeprefix("shop / tells => ")
    )
    assert scrapyd.wait_until(job_id)["state"] == "finished"
    assert tells.read_text().startswith('["one"')


def test_a_broken_project_of_scrapyd_deploy_is_refused_and_the_old_version_stays(scrapyd, client):
    assert '"spiders": 2' in client("deploy", "--version", "1")
    (client.folder / "shop/settings.py").unlink()
    assert "its spiders cannot be listed" in client("deploy", "--version", "2")
    assert scrapyd.get("listversions.json", project="shop")["versions"] == ["1"]


def test_the_class_of_scrapyd_client(scrapyd, tmp_path):
    scrapyd.upload(EGG, "1", "shop")
    client = ScrapydClient(scrapyd.url, *scrapyd.auth)
    assert sorted(client.projects()) == ["newsbot", "shop"]
    assert client.versions("shop") == ["1"]
    assert client.spiders("shop") == ["tells", "waits"]
    job_id = client.schedule("shop", "waits", [("until", str(tmp_path / "go"))])
    scrapyd.wait_until(job_id, "running")
    assert client.status(job_id)["currstate"] == "running"
    assert [job["id"] for job in client.jobs("shop")["running"]] == [job_id]
    assert client.daemonstatus()["running"] == 1
    assert client.cancel("shop", job_id)["prevstate"] == "running"
    scrapyd.wait_until(job_id, "cancelled")
    assert client.delversion("shop", "1")["status"] == "ok"
    scrapyd.upload(EGG, "2", "shop")
    assert client.delproject("shop")["status"] == "ok"
    assert client.projects() == ["newsbot"]


def test_python_scrapyd_api(scrapyd, tmp_path):
    api = ScrapydAPI(scrapyd.url, auth=scrapyd.auth)
    assert api.add_version("shop", "1", BytesIO(EGG)) == 2
    assert sorted(api.list_projects()) == ["newsbot", "shop"]
    assert api.list_versions("shop") == ["1"]
    assert api.list_spiders("shop") == ["tells", "waits"]
    job_id = api.schedule("shop", "waits", settings={"DOWNLOAD_DELAY": 2}, until=str(tmp_path / "go"), jobid="a1")
    assert job_id == "a1"
    scrapyd.wait_until(job_id, "running")
    assert api.job_status("shop", job_id) == "running"
    assert api.cancel("shop", job_id, signal="TERM") == "running"
    scrapyd.wait_until(job_id, "cancelled")
    assert api.job_status("shop", job_id) == "finished"
    assert [job["id"] for job in api.list_jobs("shop")["finished"]] == [job_id]
    assert api.delete_version("shop", "1") is True
    assert api.add_version("shop", "2", BytesIO(EGG)) == 2
    assert api.delete_project("shop") is True


# --- Scrapyd's answers ------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(tmp_path):
    """Scrapyd without newsbot."""
    server = Scrapyd(tmp_path / "plain", "")
    server.command = [sys.executable, "-m", "scrapyd", "--pidfile="]
    (server.folder / "scrapy.cfg").unlink()
    (server.folder / "scrapyd.conf").write_text("[scrapyd]\npoll_interval = 0.2\nmax_proc = 1\n")
    yield server.start(healthy=False)
    server.clear()


def conversation(server, until):
    """Answers by question: of each call, in each state of a job, and Scrapyd's refusals."""
    said = {}

    def ask(method, name, *, key=None, files=None, **data):
        sent = {"params": data} if method == "GET" else {"data": data, "files": files}
        answer = server.call(method, f"{name}.json", **sent)
        said[key or name] = answer.status_code, answer.json()
        return answer.json()

    def wait_for(job_id, state):
        server.wait_for(lambda: server.get("status.json", job=job_id)["currstate"] == state)

    egg = {"egg": ("shop.egg", EGG)}
    ask("POST", "addversion", project="shop", version="1", files=egg)
    ask("GET", "listprojects")
    ask("GET", "listversions", project="shop")
    ask("GET", "listspiders", project="shop")
    ask("GET", "listspiders", key="of a version", project="shop", _version="1")
    job = {"project": "shop", "spider": "waits", "until": until, "setting": "DOWNLOAD_DELAY=2"}
    first = ask("POST", "schedule", **job, priority="1")["jobid"]
    wait_for(first, "running")
    second = ask("POST", "schedule", key="with a version", **job, _version="1", jobid="two")["jobid"]
    ask("GET", "daemonstatus")
    server.wait_for(lambda: server.get("listjobs.json")["running"][0]["log_url"])
    ask("GET", "listjobs", key="running and pending", project="shop")
    ask("GET", "status", key="running", job=first)
    ask("GET", "status", key="pending", job=second, project="shop")
    ask("POST", "cancel", key="cancel pending", project="shop", job=second)
    ask("POST", "cancel", key="cancel running", project="shop", job=first, signal="TERM")
    wait_for(first, "finished")
    ask("POST", "cancel", key="cancel finished", project="shop", job=first)
    ask("GET", "status", key="finished", job=first)
    ask("GET", "status", key="status of none", job="nothing")
    ask("GET", "listjobs")
    for name, method in {
        "listversions": "GET",
        "listspiders": "GET",
        "status": "GET",
        "schedule": "POST",
        "cancel": "POST",
        "addversion": "POST",
        "delversion": "POST",
        "delproject": "POST",
    }.items():
        ask(method, name, key=f"{name} without parameters")
    for name, data in {
        "listspiders": {},
        "listjobs": {},
        "status": {"job": first},
        "schedule": {"spider": "waits"},
        "cancel": {"job": first},
        "delversion": {"version": "1"},
        "delproject": {},
    }.items():
        method = "GET" if name in ("listspiders", "listjobs", "status") else "POST"
        ask(method, name, key=f"{name} of an unknown project", project="nothing", **data)
    for name, data in {
        "listprojects": {},
        "daemonstatus": {},
        "listversions": {"project": "shop"},
        "listspiders": {"project": "shop"},
        "status": {"job": "nothing"},
        "listjobs": {"project": "nothing"},
    }.items():
        ask("GET", name, key=f"{name} with parameters that it does not know", _="1690", **{"a b": "c", **data})
    ask("POST", "cancel", key="cancel with more", project="shop", job="nothing", _="1690", csrf="x")
    tells = {"project": "shop", "spider": "tells", "tells": f"{until}.tells"}
    for job_id in (
        "2026-11-27T10:00:00",
        "my job",
        "\u00e4\u00f6\u00fc",
        "-x",
        "50%",
        "x" * 250,
    ):
        ask("POST", "schedule", key=f"the job {job_id}", **tells, jobid=job_id)
        wait_for(job_id, "finished")
        ask("GET", "status", key=f"the state of {job_id}", job=job_id, project="shop")
        ask("POST", "cancel", key=f"cancel {job_id}", job=job_id, project="shop")
    for name in ("my-arg", "a b", "\u00e9t\u00e9"):
        job_id = ask("POST", "schedule", key=f"the argument {name}", **tells | {name: "1"})["jobid"]
        wait_for(job_id, "finished")
    ask("GET", "listversions", key="versions of an unknown project", project="nothing")
    ask("GET", "listspiders", key="spiders of an unknown version", project="shop", _version="9")
    ask("POST", "schedule", key="an unknown version", project="shop", spider="waits", _version="9")
    ask("POST", "schedule", key="an unknown spider", project="shop", spider="nothing")
    ask("POST", "addversion", key="no zip", project="shop", version="2", files={"egg": ("shop.egg", b"no zip")})
    ask("POST", "delversion", key="an unknown version to delete", project="shop", version="9")
    ask("POST", "delversion", project="shop", version="1")
    for project, version in (("my shop", "1.0 beta"), ("caf\u00e9:2", "r5-feature/login")):
        ask("POST", "addversion", key=f"add to {project}", project=project, version=version, files=egg)
        ask("GET", "listversions", key=f"versions of {project}", project=project)
        ask("GET", "listspiders", key=f"spiders of {project}", project=project, _version=version)
        ask("POST", "schedule", key=f"run {project}", **tells | {"project": project, "jobid": f"of {project}"})
        wait_for(f"of {project}", "finished")
        ask("POST", "delversion", key=f"delete from {project}", project=project, version=version)
    ask("POST", "addversion", key="again", project="shop", version="1", files=egg)
    ask("POST", "delproject", project="shop")
    return said


def lacks(ours, scrapyds, place):
    """The places where our answer has less than Scrapyd's, or something else."""
    if isinstance(scrapyds, dict) and isinstance(ours, dict):
        for key, value in scrapyds.items():
            if key in ours:
                yield from lacks(ours[key], value, f"{place}.{key}")
            else:
                yield f"{place}: no {key}"
    elif isinstance(scrapyds, list) and isinstance(ours, list):
        if scrapyds and ours:
            yield from lacks(ours[0], scrapyds[0], f"{place}[0]")
        elif scrapyds:
            yield f"{place} is empty"
    elif not fits(ours, scrapyds, place.rpartition(".")[2]):
        yield f"{place} is {ours!r}, and Scrapyd's is {scrapyds!r}"


def fits(ours, scrapyds, key):
    if type(ours) is not type(scrapyds):
        return False
    if key.endswith("_time"):
        return datetime.fromisoformat(ours).tzinfo is datetime.fromisoformat(scrapyds).tzinfo
    if key == "message":  # ours names all parameters that are missing
        return ours.startswith(scrapyds)
    return ours == scrapyds or not key.endswith(("status", "state"))


# --- The table of jobs ------------------------------------------------------------------------------------------------

# As scrapydweb 1.6 looks for it, once the head of the table is taken out.
JOB = re.compile(
    r"<tr>\s*<td>(?P<project>.*?)</td>\s*<td>(?P<spider>.*?)</td>\s*<td>(?P<job>.*?)</td>\s*"
    r"(?:<td>(?P<pid>.*?)</td>\s*)?(?:<td>(?P<start>.*?)</td>\s*)?(?:<td>(?P<runtime>.*?)</td>\s*)?"
    r"(?:<td>(?P<finish>.*?)</td>\s*)?(?:<td>(?P<log>.*?)</td>\s*)?(?:<td>(?P<items>.*?)</td>\s*)?[\w\W]*?</tr>"
)


def table(server):
    """The rows of `/jobs`, by state."""
    answer = server.call("GET", "jobs")
    assert (answer.status_code, "<h1>Jobs</h1>" in answer.text) == (200, True)
    text = re.sub(r"<thead>.*?</thead>", "", answer.text, flags=re.DOTALL)
    rows = [found.groupdict() for found in JOB.finditer(text)]
    state = lambda row: "finished" if row["finish"] else "running" if row["start"] else "pending"  # noqa: E731
    return {name: [row for row in rows if state(row) == name] for name in ("pending", "running", "finished")}


def shown(server, until):
    """Rows of a job in each state, as shown."""
    server.upload(EGG, "1", "shop")
    job = {"project": "shop", "spider": "waits", "until": until}
    server.post("schedule.json", **job, jobid="one")
    server.wait_for(
        lambda: (found := server.get("listjobs.json")["running"]) and found[0]["log_url"] and found[0]["pid"]
    )
    server.post("schedule.json", **job, jobid="two")
    first = table(server)
    server.post("cancel.json", project="shop", job="one", signal="TERM")
    server.wait_for(lambda: server.get("listjobs.json")["finished"])
    return {"pending": first["pending"], "running": first["running"], "finished": table(server)["finished"]}


@pytest.mark.parametrize("items_dir", ["", "items"])
def test_the_table_of_jobs_is_read_as_scrapyds(make_scrapyd, plain, tmp_path, items_dir):
    with (plain.folder / "scrapyd.conf").open("a") as file:
        file.write(f"items_dir = {items_dir}\n")
    plain.stop()
    plain.start(healthy=False)
    scrapyds = shown(plain, tmp_path / "never")
    ours = shown(make_scrapyd(max_proc=1, items_dir=items_dir).start(), tmp_path / "never")
    for state in ("pending", "running", "finished"):
        ((our,), (theirs,)) = ours[state], scrapyds[state]
        assert [our[key] for key in ("project", "spider", "job")] == [
            theirs[key] for key in ("project", "spider", "job")
        ]
        for key, value in theirs.items():
            assert pattern(our[key]) == pattern(value), (state, key)


def pattern(cell):
    """A cell with 0 for each number."""
    return cell and re.sub(r"\d+", "0", cell)


def test_our_answers_have_all_that_scrapyds_have(make_scrapyd, plain, tmp_path):
    scrapyds = conversation(plain, tmp_path / "never")
    ours = conversation(make_scrapyd(max_proc=1).start(), tmp_path / "never")
    assert ours.keys() == scrapyds.keys()
    statuses = {key: (ours[key][0], scrapyds[key][0]) for key in ours if ours[key][0] != scrapyds[key][0]}
    assert statuses == {}
    assert [fault for key in ours for fault in lacks(ours[key][1], scrapyds[key][1], key)] == []
