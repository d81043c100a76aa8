"""docs/own-api.md: its tables match the declarations' docstrings, and its commands run against a stand-in."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml
from declared_stand_ins import HOUR, NOW, PLACES, YEARS, SpaceflightNews, StandIn, WorldBank, article, serving
from made_up_sites import ROOT, environment

from newsbot.sources.declared import DeclarationError, read, tables

PAGE = (ROOT / "docs/own-api.md").read_text("utf-8")
TUTORIAL, MISTAKES, KEYS = re.split("^## (?:Errors|The keys)\n", PAGE, flags=re.MULTILINE)


def test_the_keys_are_the_code_s():
    told = KEYS.partition("-->\n")[2]
    assert told == tables(), "the section ends with what `python -m newsbot.sources.declared keys` prints"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "newsbot", tmp_path / "newsbot", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "scrapy.cfg", tmp_path)
    (tmp_path / "tests/spiders").mkdir(parents=True)
    return tmp_path


def test_the_tutorial(project, database_url, query):
    """Its steps in their order: files are written, and commands run."""
    least, whole, *parts = blocks("yaml")
    (python,) = blocks("python")
    commands = re.findall(r"^    ((?:scrapy|python) .*)", TUTORIAL, re.MULTILINE)
    news = SpaceflightNews([article(n, NOW - 8 * HOUR * (n + 0.5)) for n in range(300)])
    news.articles[2]["featured"] = True
    bank = WorldBank({"SP.POP.TOTL": {(place, year): 1.0 for place in ["FR", *PLACES] for year in YEARS}})
    with serving(news), serving(bank):
        stand_ins = {each.host: f"http://127.0.0.1:{each.server_port}" for each in (news, bank)}
        variables = {"STAND_INS": json.dumps(stand_ins), "DATABASE_URL": database_url}

        def run(command):
            given = [sys.executable, *shlex.split(command.replace("scrapy", "python -m scrapy", 1))[1:]]
            done = subprocess.run(
                given, cwd=project, capture_output=True, text=True, timeout=120, env=environment() | variables
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            return done.stdout

        stored = []
        for number, command in enumerate(commands):
            text = least if number == 0 else whole
            (project / "blogs.yaml").write_text(text, "utf-8")
            if command == "scrapy api try blogs":
                (project / "newsbot/spiders/blogs.py").write_text(python, "utf-8")
            said = run(command)
            if command.startswith("scrapy crawl"):
                stored += query("SELECT count(*) FROM articles")
            if command == "scrapy api try blogs.yaml":
                assert "published_at" in said
            elif command == "scrapy api try blogs":
                assert "Next: nothing, this page is the last" in said
    assert [count for (count,) in stored] == [21, 270, 270]
    assert query("SELECT spider, count(*) FROM cursors GROUP BY 1") == [("blogs", 1)]
    assert len(commands) == 11
    for part in parts[:-1]:  # the steps between, put into the declaration
        read(written(project, yaml.safe_load(whole) | _merged(part)))


def _merged(part):
    """A step of the tutorial; an observation or a record stands in place of the article."""
    data = yaml.safe_load(part)
    return data | ({"article": None} if {"observation", "record"} & set(data) else {})


def written(folder, data):
    file = folder / "part.yaml"
    file.write_text(yaml.safe_dump(data), "utf-8")
    return str(file)


class Statuses(StandIn):
    """The newest records, or those before an id; it knows no other request."""

    host = "social.example"

    def __init__(self):
        super().__init__()
        self.newest = 120

    def answer(self, path, query, headers):
        assert set(query) <= {"max_id", "limit"}
        last = min(int(query.get("max_id", self.newest + 1)) - 1, self.newest)
        ids = range(last, max(0, last - int(query["limit"])), -1)
        told = {"content": "The ferry runs", "created_at": NOW.isoformat()}
        statuses = [{"id": str(n), "url": f"https://social.example/{n}", **told} for n in ids]
        return 200, {"statuses": statuses}


def test_an_api_that_has_only_what_is_before_an_id(project, database_url, query):
    (text,) = (block for block in blocks("yaml") if "max_id" in block)
    (project / "harbour.yaml").write_text(text, "utf-8")
    with serving(Statuses()) as api:
        given = {
            "STAND_INS": json.dumps({api.host: f"http://127.0.0.1:{api.server_port}"}),
            "DATABASE_URL": database_url,
        }
        command = [sys.executable, "-m", "scrapy", "crawl", "api", "-a", "config=harbour.yaml"]
        for newest, asked in ((120, [None, "81", "41", "1"]), (163, [None, "124"]), (163, [None])):
            api.newest = newest
            done = subprocess.run(
                command, cwd=project, capture_output=True, text=True, timeout=120, env=environment() | given
            )
            assert done.returncode == 0, done.stderr
            assert [each.get("max_id") for _, each in api.asked_since()] == asked
            assert query("SELECT count(*) FROM articles") == [(newest,)]


def test_the_mistakes_are_reported_as_shown(tmp_path, monkeypatch):
    whole = blocks("yaml")[1]
    for right, wrong in (('gte: "{since}"', 'gte: "{sinc}"'), ("by: link", "by: links"), ("1h", "1 hour")):
        assert right in whole
        whole = whole.replace(right, wrong, 1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blogs.yaml").write_text(whole, "utf-8")
    with pytest.raises(DeclarationError) as caught:
        read(f".{os.sep}blogs.yaml")
    assert list(caught.value.faults) == re.findall("^    (blogs.*)", MISTAKES, re.MULTILINE)
