"""`make install` and `make clean`, in a fresh copy of the project."""

import os
import shutil
import subprocess

import pytest
from fresh_copy import VENV, copy_project, share_packages

from newsbot.storage import embedded

pytestmark = [
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed (Debian: apt-get install make)"),
    pytest.mark.skipif(not (VENV / "bin/scrapy").exists(), reason="Python does not run in a virtual environment"),
]


@pytest.fixture
def project(tmp_path):
    copy_project(tmp_path / "newsbot")
    return tmp_path / "newsbot"


def make(project, *arguments, **environment):
    # Under `make test`, make would count its levels and print the folders it enters.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=project, env=own | environment, capture_output=True, text=True)


def python_that_says(folder, version, then="exit 1"):
    """A `python3` of this version, first on the PATH."""
    folder.mkdir()
    script = folder / "python3"
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {{ echo "Python {version}"; exit; }}\n{then}\n')
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize("version", ["2.7.18", "3.9.2", "3.10.14", "3.1.5"])
def test_an_old_python_is_refused_and_leaves_nothing(project, tmp_path, version):
    done = make(project, "install", **python_that_says(tmp_path / "bin", version, then="mkdir -p .venv/bin"))
    assert done.returncode != 0
    assert "newsbot needs Python 3.11 or later; PYTHON=python3.11 make install\n" in done.stderr
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("version", ["3.11.0", "3.14.2"])
def test_a_venv_that_cannot_be_made_leaves_nothing(project, tmp_path, version):
    """As on Debian without python3-venv."""
    environment = python_that_says(tmp_path / "bin", version, then="mkdir -p .venv/bin; echo no ensurepip; exit 1")
    done = make(project, "install", **environment)
    assert done.returncode != 0
    assert ("no ensurepip" in done.stdout, "needs Python" in done.stderr) == (True, False)
    assert not (project / ".venv").exists()


def test_a_venv_of_an_old_python_is_made_anew(project, tmp_path):
    """The remains of an earlier attempt do no harm."""
    old = python_that_says(tmp_path / "bin", "3.11.0", then="echo made: $*; exit 1")
    python_that_says(project / ".venv", "3.10.14")
    (project / ".venv/bin").mkdir()
    (project / ".venv/python3").rename(project / ".venv/bin/python")
    assert "made: -m venv --clear .venv" in make(project, "install", **old).stdout


def test_clean_stops_the_server_first(project, home):
    share_packages(project / ".venv")
    place = {"NEWSBOT_HOME": str(home), "DATABASE_URL": ""}
    url = subprocess.run([project / ".venv/bin/scrapy", "db", "url"], cwd=project, env=os.environ | place)
    assert url.returncode == 0
    done = make(project, "clean", **place | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "stopped"), done.stderr
    assert not (project / ".venv").exists()
    assert embedded.stop(home) is False
