"""`scrapy crawl`: its messages when it cannot begin or the spider is odd."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def crawl(*arguments):
    command = [sys.executable, "-m", "scrapy", "crawl", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("value", ["FEED_INTERVAL_MIN=abc", "SITEMAP_CHILDREN_MAX=-1", "DATABASE_WAIT=nan"])
def test_a_setting_that_is_not_a_number_is_named(value):
    run = crawl("headlines", "-a", "sources=bbc", "-s", value)
    assert run.returncode == 2
    assert f"error: {value}: " in run.stderr.splitlines()[-1]


def test_a_home_that_cannot_be_used_is_reported_without_a_traceback():
    run = crawl("headlines", "-a", "sources=bbc", "-s", "NEWSBOT_HOME=/dev/null")
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith("scrapy crawl headlines: NEWSBOT_HOME /dev/null cannot be used: ")
    assert "Traceback" not in run.stderr


def test_a_database_that_is_away_is_not_wrong_usage():
    """A job with this end may be retried."""
    run = crawl(
        "headlines", "-a", "sources=bbc", "-s", "DATABASE_URL=postgresql://127.0.0.1:1/x", "-s", "DATABASE_WAIT=0"
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith("scrapy crawl headlines: cannot connect to ")
