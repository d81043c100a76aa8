import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OWN = """\
- id: own
  name: A name that is rather long, so that it does not fit
  homepage: https://own.example/
  country: fr
  language: fr
  feeds: [https://own.example/a.xml, https://own.example/b.xml]
  enabled: false
  reason: it is being moved
"""


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    return file


def scrapy(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "scrapy", "sources", *map(str, arguments)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_csv_is_all_that_standard_output_holds(own):
    run = scrapy("--csv", "--country", "fr,be", "--language", "fr", "-a", f"catalogue={own}")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(run.stdout))}
    assert run.returncode == 0, run.stderr
    assert {row["country"] for row in rows.values()} <= {"fr", "be"}
    assert {row["language"] for row in rows.values()} == {"fr"}
    assert rows["lemonde"]["enabled"] == "True"
    assert rows["own"] == {
        "id": "own",
        "name": "A name that is rather long, so that it does not fit",
        "country": "fr",
        "language": "fr",
        "feeds": "2",
        "news_sitemaps": "0",
        "sections": "0",
        "enabled": "False",
        "reason": "it is being moved",
    }


def test_the_setting_adds_a_catalogue_too(own):
    assert "\nown," in scrapy("--csv", "-s", f"CATALOGUE={own}").stdout


def test_the_table_fits_the_terminal(own):
    wide = scrapy("-a", f"catalogue={own}", "--country", "fr")
    narrow = scrapy("-a", f"catalogue={own}", "--country", "fr", COLUMNS="80")
    assert "A name that is rather long, so that it does not fit" in wide.stdout
    assert "no: it is being moved" in wide.stdout
    assert narrow.stdout.count("\n") > wide.stdout.count("\n")
    assert max(map(len, narrow.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--country", "uk"], "country: no source has 'uk'; the country code of 'uk' is 'gb'"),
        (["--contry", "fr"], "unknown: --contry fr"),
        (["extra"], "unknown: extra"),
        (["-a", "catlogue=x"], "unknown: -a catlogue="),
        (["-a", "catalogue"], "-a: expected catalogue=FILE"),
        (["-a", "catalogue=/nowhere/own.yaml"], "/nowhere/own.yaml: No such file or directory"),
    ],
)
def test_a_wrong_argument_is_reported_on_standard_error(arguments, said):
    run = scrapy(*arguments)
    assert run.returncode != 0
    assert run.stdout == ""
    assert said in run.stderr
    assert "Traceback" not in run.stderr
