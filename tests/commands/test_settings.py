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
