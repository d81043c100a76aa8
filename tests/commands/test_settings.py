"""Each of the project's own settings can be an environment variable; `-s` wins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsbot import settings

ROOT = Path(__file__).parents[2]


def setting(name, *arguments, **variables):
    command = [sys.executable, "-m", "scrapy", "settings", "--get", name, *arguments]
    environment = {key: value for key, value in os.environ.items() if key not in settings.OWN} | variables
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment).stdout.strip()


def test_the_default():
    assert setting("REJECTS_DAYS") == "90"


@pytest.mark.parametrize("name", ["REJECTS_DAYS", "ALLOW_PRIVATE_HOSTS"])
def test_the_environment_and_the_command_line(name):
    assert setting(name, **{name: "7"}) == "7"
    assert setting(name, "-s", f"{name}=8", **{name: "7"}) == "8"


def test_other_settings_are_not_taken_from_the_environment():
    assert setting("DOWNLOAD_DELAY", DOWNLOAD_DELAY="9") == "1"


@pytest.mark.parametrize("name", settings.NUMBERS)
@pytest.mark.parametrize("value", ["soon", "-1", "", "nan", "1e400"])
def test_each_number_is_checked(name, value):
    kind = "a whole number" if settings.NUMBERS[name] is int else "a number"
    assert settings.wrong_number(name, value).startswith(f"{name}={value}: expected {kind}, 0 or more")
    assert settings.wrong_number(name, getattr(settings, name)) is None


def test_days_that_postgres_has_no_date_for():
    expected = "expected a whole number, 0 or more, at most 100000"
    assert settings.wrong_number("REJECTS_DAYS", 100_001) == f"REJECTS_DAYS=100001: {expected}"
    assert settings.wrong_number("REJECTS_DAYS", 100_000) is settings.wrong_number("DATABASE_WAIT", 100_001) is None


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (("crawl", "headlines"), "DATABASE_WAIT=soon"),
        (("crawl", "headlines"), "REJECTS_DAYS=-1"),
        (("runspider", "newsbot/spiders/headlines.py"), "DATABASE_WAIT=soon"),
        (("api", "try", "worldbank"), "RETRY_AFTER_MAX=abc"),
        (("sources", "--status"), "RETRY_AFTER_DAYS=abc"),
        (("db", "prune"), "RUNS_DAYS=abc"),
        (("db", "prune"), "REJECTS_DAYS=-1"),
    ],
)
def test_a_command_that_reads_a_number_names_a_wrong_one(command, value):
    arguments = [sys.executable, "-m", "scrapy", *command, "-s", value, "-s", "DATABASE_URL=postgres://127.0.0.1:1/x"]
    run = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (2, "")
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"scrapy: error: {value}: ")


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ("RETRY_TIME=1", "did you mean RETRY_TIMES?"),
        ("DATABASE=x", "did you mean DATABASE_URL?"),
        ("DATABASEURL=postgres://me:pass5word@db.example/x", "did you mean DATABASE_URL?"),
        ("REJECT_DAYS=1", "did you mean REJECTS_DAYS?"),
        ("rejects_days=1", "did you mean REJECTS_DAYS?"),
        ("CONTACTS=me@site.example", "did you mean CONTACT?"),
        ("ALLOW_PRIVATE_HOST=10.0.0.1", "did you mean ALLOW_PRIVATE_HOSTS?"),
        ("REJECTS_DAYS = 30", "write -s REJECTS_DAYS=30"),
        ("LOG_LEVEL=verbose", "expected DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("LOG_FILE=nofolder/x.log", "the folder nofolder does not exist"),
        ("ROBOTSTXT_OBEY=maybe", "ROBOTSTXT_OBEY=maybe: expected 1 or 0"),
        ("DOWNLOAD_DELAY=fast", "DOWNLOAD_DELAY=fast: expected a number"),
    ],
)
def test_a_setting_that_scrapy_would_ignore_or_fail_on_is_refused(given, mend):
    arguments = [sys.executable, "-m", "scrapy", "crawl", "headlines", "-s", given]
    run = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (2, "")
    (line,) = run.stderr.splitlines()
    assert mend in line
    assert "pass5word" not in line


def test_a_setting_of_an_extension_is_taken():
    assert setting("MY_EXTENSION_LIMIT", "-s", "MY_EXTENSION_LIMIT=8") == "8"
