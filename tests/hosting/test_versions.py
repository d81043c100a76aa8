"""The code of the requested version runs, wherever newsbot is installed besides."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import pytest
from made_eggs import made_egg, marked_newsbot

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tells(tmp_path):
    """The file that `tells` writes; a call with a Scrapyd runs a job, returns its marker and its modules."""
    file = tmp_path / "tells"

    def run(scrapyd, project="newsbot", **data):
        answer = scrapyd.post("schedule.json", project=project, spider="tells", tells=file, **data)
        assert answer["status"] == "ok", answer
        job = scrapyd.wait_until(answer["jobid"])
        assert job["state"] == "finished", job
        return json.loads(file.read_text().splitlines()[-1])

    return run


def egg_file(scrapyd, project, version):
    return str(scrapyd.folder / "home/scrapyd/eggs" / project / f"{version}.egg")


def test_versions_of_a_project_that_is_not_newsbot(scrapyd, tells):
    assert scrapyd.upload(made_egg("one"), "1", "shop")["spiders"] == 1
    assert tells(scrapyd, "shop")[0] == "one"
    assert scrapyd.upload(made_egg("two"), "2", "shop")["spiders"] == 1
    assert tells(scrapyd, "shop")[0] == "two"
    assert tells(scrapyd, "shop", _version="1")[0] == "one"
    assert scrapyd.post("delversion.json", project="shop", version="2")["status"] == "ok"
    assert tells(scrapyd, "shop")[0] == "one"
    assert "quick" in scrapyd.get("listspiders.json", project="newsbot")["spiders"]


def test_versions_of_newsbot_where_newsbot_is_installed(scrapyd, tells, newsbot_egg, tmp_path):
    for version in ("1", "2"):
        egg = marked_newsbot(newsbot_egg, tmp_path / "egg", f"version {version}")
        assert scrapyd.upload(egg, version)["status"] == "ok"
    for asked, found in (({"_version": "1"}, "1"), ({}, "2"), ({"_version": "2"}, "2")):
        marker, files = tells(scrapyd, **asked)
        assert marker == f"version {found}"
        assert len(files) > 20
        assert {file for file in files if not file.startswith(egg_file(scrapyd, "newsbot", found))} == set()


def test_a_version_that_is_deleted_before_its_job_runs(make_scrapyd, tmp_path):
    scrapyd = make_scrapyd(max_proc=1).start()
    assert scrapyd.upload(made_egg("one"), "1", "shop")["status"] == "ok"
    assert scrapyd.upload(made_egg("two"), "2", "shop")["status"] == "ok"
    first = scrapyd.run("waits", until=tmp_path / "go")
    scrapyd.wait_until(first, "running")
    answer = scrapyd.post("schedule.json", project="shop", spider="tells", _version="1", tells=tmp_path / "tells")
    assert scrapyd.post("delversion.json", project="shop", version="1")["status"] == "ok"
    (tmp_path / "go").touch()
    job = scrapyd.wait_until(answer["jobid"])
    assert (job["state"], job["exit_code"]) == ("failed", 1)
    missing = "version '1' of project 'shop' is not on this node; see listversions.json"
    assert job["reason"] == f"exit code 1: {missing}"


@pytest.mark.parametrize(
    ("egg", "said"),
    [
        (b"no zip", "egg is not a ZIP file (if using curl, use egg=@path not egg=path)"),
        (
            made_egg(
                "", **{"EGG-INFO/PKG-INFO": None, "EGG-INFO/entry_points.txt": None, "EGG-INFO/top_level.txt": None}
            ),
            "the egg for project 'shop' is not an egg: it has no EGG-INFO",
        ),
        (
            made_egg("", **{"EGG-INFO/entry_points.txt": "[scrapy]\nother = shop.settings\n"}),
            "the egg for project 'shop' lacks the entry point `settings` of the group `scrapy`",
        ),
        (made_egg("", **{"EGG-INFO/entry_points.txt": "[scrapy\n"}), ""),
        (made_egg("", **{"shop/settings.py": None}), "No module named 'shop.settings'"),
        (
            made_egg("", **{"shop/spiders/tells.py": "import nothing_of_the_kind"}),
            "No module named 'nothing_of_the_kind'",
        ),
    ],
    ids=["no zip", "no EGG-INFO", "no entry point", "entry points that cannot be read", "no settings", "no module"],
)
def test_a_broken_egg_is_refused_and_leaves_nothing(scrapyd, egg, said):
    answer = scrapyd.upload(egg, "1", "shop")
    assert answer["status"] == "error"
    assert answer["message"].endswith(said)
    assert scrapyd.get("listprojects.json")["projects"] == ["newsbot"]
    assert not os.path.exists(os.path.dirname(egg_file(scrapyd, "shop", "1")))


def test_an_egg_that_is_spoilt_on_the_disk(scrapyd):
    assert scrapyd.upload(made_egg("one"), "1", "shop")["status"] == "ok"
    answer = scrapyd.get("listspiders.json", project="shop")
    assert answer["spiders"] == ["tells"]
    Path(egg_file(scrapyd, "shop", "1")).write_bytes(b"spoilt")
    job = scrapyd.wait_until(scrapyd.post("schedule.json", project="shop", spider="tells")["jobid"])
    spoilt = "version '1' of project 'shop' is not an egg: it has no EGG-INFO"
    assert (job["state"], job["reason"]) == ("failed", f"exit code 1: {spoilt}")


def test_what_a_killed_upload_left_is_removed_by_the_next(scrapyd):
    folder = scrapyd.folder / "home/scrapyd/eggs/shop"
    folder.mkdir(parents=True)
    for name, age in ((".1.left.egg", 7200), (".1.now.egg", 60)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age,) * 2)
    assert scrapyd.get("listprojects.json")["projects"] == ["newsbot"]
    assert scrapyd.upload(made_egg("one"), "1", "shop")["status"] == "ok"
    assert sorted(os.listdir(folder)) == [".1.now.egg", "1.egg"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The Python of a new environment with newsbot installed from a wheel; this one lends newsbot's requirements."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-index", "--no-build-isolation"]
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "tests", "build", "*.egg-info", "__pycache__"))
    subprocess.run([*pip, "wheel", *options, "--wheel-dir", folder, copy], check=True)
    venv.create(folder / "venv")
    python = folder / "venv/bin/python"
    paths = [sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}), sysconfig.get_path("purelib")]
    Path(paths[0], "needs.pth").write_text(paths[1])
    wheel = next(folder.glob("*.whl"))
    subprocess.run([*pip, "--python", python, "install", *options, wheel], check=True)
    return python


def test_newsbot_installed_and_no_egg(make_scrapyd, installed, newsbot_egg, tells, tmp_path):
    scrapyd = make_scrapyd(environment={"PYTHONPATH": ""})
    shutil.copytree(ROOT / "scrapyd", scrapyd.folder, dirs_exist_ok=True)
    del scrapyd.environment["NEWSBOT_SCHEDULE"]
    scrapyd.schedule = scrapyd.folder / "schedule.yaml"
    scrapyd.schedule.write_text("[]\n")
    scrapyd.command[0] = installed
    scrapyd.start()
    assert scrapyd.get("listprojects.json")["projects"] == ["newsbot"]
    assert scrapyd.get("listversions.json", project="newsbot")["versions"] == []
    assert "headlines" in scrapyd.get("listspiders.json", project="newsbot")["spiders"]
    job = scrapyd.wait_until(scrapyd.run("headlines", shard=f"0/{2**32}"))
    assert job["state"] == "finished", job

    egg = marked_newsbot(newsbot_egg, tmp_path / "egg", "an egg")
    assert scrapyd.upload(egg, "1")["status"] == "ok"
    marker, files = tells(scrapyd)
    assert marker == "an egg"
    assert {file for file in files if not file.startswith(egg_file(scrapyd, "newsbot", "1"))} == set()
    assert scrapyd.post("delversion.json", project="newsbot", version="1")["status"] == "ok"
    assert "headlines" in scrapyd.get("listspiders.json", project="newsbot")["spiders"]
