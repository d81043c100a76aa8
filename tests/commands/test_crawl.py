"""`scrapy crawl`: what it says when it can not begin or the spider is odd."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def crawl(*arguments):
    command = [sys.executable, "-m", "scrapy", "crawl", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_a_home_that_can_not_be_used_is_told_without_a_traceback():
    run = crawl("headlines", "-a", "sources=bbc", "-s", "NEWSBOT_HOME=/dev/null")
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith("scrapy crawl headlines: NEWSBOT_HOME /dev/null can not be used: ")
    assert "Traceback" not in run.stderr
