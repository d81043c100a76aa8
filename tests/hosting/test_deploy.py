"""`make deploy`: a version serves when it is proven; else the one before does, and the exit code says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from socket import socket

import pytest
import requests
from made_eggs import changed_egg, copied_checkout, made_egg

from newsbot.hosting.deploy import PROBE
from newsbot.sources.catalogue import load, select
from newsbot.spiders.base.arguments import shard

ROOT = Path(__file__).parents[2]


def run_deploy(target, *options, checkout=ROOT, **environment):
    """The finished command, with all its output in `stdout`."""
    return subprocess.run(
        [sys.executable, "-m", "newsbot.hosting.deploy", target, *options],
        cwd=checkout,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
    )


def login(scrapyd):
    return {"SCRAPYD_USERNAME": scrapyd.auth[0], "SCRAPYD_PASSWORD": scrapyd.auth[1]}


@pytest.fixture
def old(scrapyd, tmp_path):
    """A Scrapyd with a version; a call asserts that its code runs, and nothing else is left."""
    assert scrapyd.upload(made_egg("old"), "1")["status"] == "ok"

    def serves():
        tells = tmp_path / "tells"
        assert scrapyd.wait_until(scrapyd.run("tells", tells=tells))["state"] == "finished"
        assert tells.read_text().startswith('["old"')
        assert scrapyd.get("listversions.json", project="newsbot")["versions"] == ["1"]
        assert [file.name for file in (scrapyd.folder / "home/scrapyd/eggs/newsbot").iterdir()] == ["1.egg"]
        return True

    return serves


def files_of_the_tree():
    return {*ROOT.iterdir(), *(file for file in (ROOT / "newsbot").rglob("*") if "__pycache__" not in file.parts)}


def test_a_good_version_serves(scrapyd, old):
    """As a user calls it."""
    before = files_of_the_tree()
    target = scrapyd.url.replace("://", "://ann:secret%3A%2050%25@")
    command = ["make", "-o", "install", "deploy", f"VENV={sys.prefix}", f"TARGET={target}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    assert f"{scrapyd.url} serves version 2" in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert "headlines" in scrapyd.get("listspiders.json", project="newsbot")["spiders"]
    job = scrapyd.wait_until(scrapyd.run("headlines", shard=shard_of_probe()))
    assert job["state"] == "finished", job
    assert files_of_the_tree() == before


def shard_of_probe():
    return PROBE["arg"].removeprefix("shard=")


def test_the_probe_fetches_nothing():
    assert select(load(), shard=shard(shard_of_probe())) == []


def test_a_version_that_cannot_list_its_spiders(scrapyd, old, tmp_path):
    checkout = copied_checkout(ROOT, tmp_path / "checkout")
    (checkout / "newsbot/spiders/broken.py").write_text("class Broken(:\n")
    done = run_deploy(scrapyd.url, checkout=checkout, **login(scrapyd))
    assert done.returncode == 1
    assert "its spiders cannot be listed: " in done.stdout
    assert "SyntaxError" in done.stdout
    assert "Version 1 serves as before." in done.stdout
    assert old()


def test_a_data_file_that_is_not_packed(scrapyd, old, tmp_path):
    checkout = copied_checkout(ROOT, tmp_path / "checkout")
    (checkout / "newsbot/sources/more.toml").write_text("")
    done = run_deploy(scrapyd.url, checkout=checkout, **login(scrapyd))
    assert done.returncode == 1
    assert "the egg lacks newsbot/sources/more.toml: name it under package-data" in done.stdout
    assert old()


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("newsbot/sources/countries/", "scrapy crawl headlines: "),
        ("newsbot/pipelines/clean", "newsbot.pipelines.clean"),
    ],
)
def test_an_egg_that_lacks_what_a_crawl_needs(scrapyd, old, newsbot_egg, tmp_path, left_out, said):
    egg = changed_egg(newsbot_egg, tmp_path / "egg", leave_out=lambda name: name.startswith(left_out))
    answer = scrapyd.upload(egg, "2", **PROBE)
    assert answer["status"] == "error"
    assert answer["message"].startswith("the version is refused, since it cannot run headlines: ")
    assert said in answer["message"]
    assert old()


def test_while_a_version_is_tried_the_old_one_serves_and_who_goes_away_gets_none(scrapyd, old, tmp_path):
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    slow = (
        "import time\nfrom pathlib import Path\n"
        f"Path({str(begun)!r}).touch()\nwhile not Path({str(go_on)!r}).exists():\n    time.sleep(0.05)\n"
    )
    egg = made_egg("new", **{"shop/settings.py": slow + "SPIDER_MODULES = ['shop.spiders']\n"})
    upload = {"data": {"project": "newsbot", "version": "2"}, "files": {"egg": ("project.egg", egg)}}
    with pytest.raises(requests.ReadTimeout):
        scrapyd.call("POST", "addversion.json", timeout=3, **upload)
    scrapyd.wait_for(begun.exists)
    eggs = scrapyd.folder / "home/scrapyd/eggs/newsbot"
    assert len(list(eggs.iterdir())) == 2  # one is staged
    assert scrapyd.get("listversions.json", project="newsbot")["versions"] == ["1"]
    job = scrapyd.wait_until(scrapyd.run("tells", tells=tmp_path / "other"))
    assert (job["state"], (tmp_path / "other").read_text()[:6]) == ("finished", '["old"')
    go_on.touch()
    scrapyd.wait_for(lambda: len(list(eggs.iterdir())) == 1)
    assert old()


def test_migrations_run_before_it_serves(scrapyd, newsbot_egg, tmp_path, database):
    upgrade = "newsbot/storage/upgrade.py"
    migration = (
        "from alembic import op\nrevision = '9999'\ndown_revision = '{}'\n\n"
        "def upgrade():\n    op.execute('CREATE TABLE made_by_the_egg ()')\n"
    )
    text = (ROOT / upgrade).read_text("utf-8")
    head = text.partition('HEAD = "')[2].partition('"')[0]
    add = {
        upgrade: text.replace(f'HEAD = "{head}"', 'HEAD = "9999"'),
        "newsbot/storage/migrations/versions/9999_made.py": migration.format(head),
    }
    answer = scrapyd.upload(changed_egg(newsbot_egg, tmp_path / "egg", add), "2", **PROBE)
    assert answer["status"] == "ok", answer
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('made_by_the_egg') IS NOT NULL")
        assert cursor.fetchone()[0]


def test_a_version_that_would_not_be_the_newest(scrapyd, tmp_path):
    assert scrapyd.upload(made_egg("old"), "r12-main")["status"] == "ok"
    done = run_deploy(scrapyd.url, **login(scrapyd))
    assert done.returncode == 1
    assert "the version r12-main comes after 2" in done.stdout
    assert "Version r12-main serves as before." in done.stdout
    assert scrapyd.get("listversions.json", project="newsbot")["versions"] == ["r12-main"]


def test_a_version_that_is_there(scrapyd, old):
    done = run_deploy(scrapyd.url, "--version", "1", **login(scrapyd))
    assert done.returncode == 1
    assert "has a version 1 of newsbot already" in done.stdout
    assert old()


def test_a_wrong_password(scrapyd, old):
    done = run_deploy(scrapyd.url.replace("://", "://ann:hush@"))
    assert (done.returncode, done.stdout) == (1, f"deploy: {scrapyd.url} refuses the user name or the password\n")
    assert old()


def test_a_server_that_is_away():
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = run_deploy(url)
    assert done.returncode == 1
    assert done.stdout.startswith(f"deploy: {url} does not answer: ")


@pytest.mark.parametrize("target", ["", "localhost:6800", "ftp://x", "http://ann:hu/sh@x", "http://[::1", "http://x:0"])
def test_a_target_that_is_none(target):
    done = run_deploy(target)
    assert done.returncode == 1
    assert done.stdout.startswith("deploy: TARGET cannot be read: expected http://user:password@host:6800")
    assert "hu" not in done.stdout.replace("such", "")


@pytest.fixture
def full_disk(scrapyd):
    """The folder of the eggs, on a disk of 256 KB."""
    folder = scrapyd.folder / "home/scrapyd/eggs"
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here (only root can)")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full(scrapyd, full_disk, old):
    (full_disk / "filler").write_bytes(b"0" * 200_000)
    done = run_deploy(scrapyd.url, **login(scrapyd))
    assert done.returncode == 1
    assert "the egg cannot be stored: [Errno 28] No space left on device" in done.stdout
    assert "Version 1 serves as before." in done.stdout
    assert old()


def test_a_folder_that_cannot_be_made(scrapyd):
    (scrapyd.folder / "home/scrapyd").mkdir(parents=True, exist_ok=True)
    (scrapyd.folder / "home/scrapyd/eggs").write_text("a file")
    done = run_deploy(scrapyd.url, **login(scrapyd))
    assert done.returncode == 1
    assert "the egg cannot be stored: " in done.stdout
    assert "Version of before, as it is installed there, serves as before." in done.stdout
    assert scrapyd.wait_until(scrapyd.run("quick"))["state"] == "finished"
