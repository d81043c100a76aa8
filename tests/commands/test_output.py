"""The commands' output to a reader that stops early, and to a terminal that cannot show it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def scrapy(*arguments):
    return [sys.executable, "-m", "scrapy", *arguments]


@pytest.mark.parametrize(
    "arguments",
    [("db", "sql", "SELECT * FROM generate_series(1, 100000)", "--csv"), ("sources", "--csv"), ("sources",)],
)
def test_a_reader_that_has_enough(arguments):
    process = subprocess.Popen(scrapy(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


def test_an_encoding_that_lacks_a_character():
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    command = scrapy("db", "sql", "SELECT U&'caf\\00e9 \\65e5' AS text", "--csv")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, timeout=60)
    assert (run.stdout, run.stderr) == (b"text\ncaf\xe9 \\u65e5\n", b"")
