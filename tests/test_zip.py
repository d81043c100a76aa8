"""newsbot runs from a ZIP, as Scrapyd runs it: it finds every file that it reads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def python(tmp_path, database_url):
    """Run Python away from the checkout, with newsbot in a ZIP."""
    archive = shutil.make_archive(str(tmp_path / "newsbot"), "zip", ROOT, "newsbot")
    environment = os.environ | {"PYTHONPATH": archive, "DATABASE_URL": database_url}

    def run(*arguments):
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")

    assert archive in run("-c", "import newsbot; print(newsbot.__path__)").stdout
    return run


def test_a_crawl(python):
    """The catalogues, the schema and the sample newsroom."""
    done = python("-m", "newsbot.sample.demo", "--database-url")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_dataset_that_comes_along(python, query, tmp_path):
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = newsbot.settings\n")
    for status in ("loaded", "unchanged"):
        done = python("-m", "scrapy", "crawl", "dataset", "-a", "config=presidentielle-2017")
        assert done.returncode == 0, done.stderr
        ((stats,),) = query("SELECT stats -> 'sources' FROM runs ORDER BY started_at DESC LIMIT 1")
        assert stats["presidentielle-2017"]["feeds"][0]["status"] == status
    assert query("SELECT count(*) FROM records") == [(66,)]


def test_the_migrations(python):
    done = python("-m", "newsbot.storage.upgrade")
    assert done.stdout == (ROOT / "newsbot/storage/schema.sql").read_text("utf-8"), done.stderr
