"""`scrapy cursors` and the APIs of `scrapy sources`, after crawls of stand-ins."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import threading
import uuid
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from scrapy.cmdline import execute
from scrapy.settings import Settings

from newsbot.batch import CursorProgress
from newsbot.limits import Terms
from newsbot.storage import cursors, quotas
from newsbot.storage.database import Database
from newsbot.storage.upgrade import upgrade

ROOT = Path(__file__).parents[2]
STORY = {"id": "world/1", "webTitle": "Ferries run again", "webUrl": "https://www.theguardian.com/world/1"}


class Handler(BaseHTTPRequestHandler):
    """CoinGecko, and a Guardian that knows one key."""

    def do_GET(self):
        url = urlsplit(self.path)
        status, answer = 200, {"prices": [[1_790_000_000_000, 1.5]], "market_caps": [], "total_volumes": []}
        if url.path == "/search":
            answer = {"response": {"total": 1, "pages": 1, "results": [STORY]}}
            if parse_qs(url.query)["api-key"] != ["right"]:
                status, answer = 401, {"message": "Unauthorized"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def crawl(base, url, *arguments, key="right"):
    stand_ins = json.dumps(dict.fromkeys(("api.coingecko.com", "content.guardianapis.com"), base))
    settings = (f"STAND_INS={stand_ins}", f"DATABASE_URL={url}")
    command = [sys.executable, "-m", "scrapy", "crawl", *arguments, *(x for each in settings for x in ("-s", each))]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"GUARDIAN_API_KEY": key}, timeout=120, check=False)


@pytest.fixture(scope="module")
def crawled(new_database):
    """The URL of a database after a crawl of two coins, one of the Guardian, and one of it with a wrong key."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, new_database() as url:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        crawl(base, url, "coingecko", "-a", "coins=bitcoin,ethereum")
        crawl(base, url, "guardian")
        crawl(base, url, "guardian", "-a", "query=ferries", key="wrong")
        yield url
        server.shutdown()


@pytest.fixture
def scrapy(capsys, monkeypatch):
    """Run a subcommand in this process."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NEWSAPI_KEY", "wj3-secret")
    monkeypatch.delenv("GUARDIAN_API_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, url="postgres://nobody@127.0.0.1:9/none"):
        settings = Settings()
        settings.setmodule("newsbot.settings", priority="project")
        settings.set("DATABASE_URL", url, priority="cmdline")
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            execute(["scrapy", *arguments], settings)
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=end.value.code, stdout=printed.out, stderr=printed.err)

    return run


def rows(run):
    assert run.returncode == 0, run.stderr
    return list(csv.DictReader(io.StringIO(run.stdout)))


def today(url):
    with closing(Database(url, Path()).connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
        return cursor.fetchone()[0]


# --- scrapy sources ---------------------------------------------------------------------------------------------------


def test_apis_stand_beside_the_sites_and_ask_no_database(scrapy):
    run = scrapy("sources")
    sites, _, apis = run.stdout.partition("\n\n")
    assert "\nlemonde " in sites
    assert re.search(r"^newsapi +NewsAPI +NEWSAPI_KEY is set +100 a day, 50 in 12 hours$", apis, re.MULTILINE)
    assert re.search(r"GUARDIAN_API_KEY is not set +500 a day, 1 a second$", apis, re.MULTILINE)
    assert "COINGECKO_API_KEY is not set, nor needed " in apis
    assert "wj3-secret" not in run.stdout


@pytest.mark.parametrize("name", ["worldbank", "frankfurter", "blogs-of-mine"])
def test_reset_of_an_api_without_a_quota_says_what_it_is_and_what_to_do(scrapy, crawled, name):
    if name == "blogs-of-mine":  # declared in a file that only its runs name
        with closing(Database(crawled, Path()).connect()) as connection, connection, connection.cursor() as cursor:
            value = CursorProgress(key=name, spider=name, arguments={}, source=name, value={"value": 1})
            cursors.write(cursor, [value], str(uuid.uuid4()))
    run = scrapy("sources", "reset", name, url=crawled)
    assert (run.returncode, run.stdout) == (2, "")
    assert f"{name}: this is an API, which has no feeds, " in run.stderr
    assert run.stderr.endswith(f": scrapy cursors reset {name}\n")
    if name == "blogs-of-mine":
        assert scrapy("cursors", "reset", name, url=crawled).returncode == 0


def test_reset_of_an_api_with_a_quota_and_of_a_site_that_was_never_asked(scrapy, crawled):
    run = scrapy("sources", "reset", "guardian", url=crawled)
    assert (run.returncode, run.stdout) == (0, "guardian: forgot the state of its quota; the next run asks at once\n")
    run = scrapy("sources", "reset", "lemonde", url=crawled)
    said = "lemonde: none of its feeds was asked yet; the next run asks at once\n"
    assert (run.returncode, run.stdout) == (0, said)


def test_a_choice_of_sites_has_no_apis(scrapy):
    assert "newsapi" not in scrapy("sources", "--country", "gb").stdout
    assert "newsapi" not in scrapy("sources", "--csv").stdout
    assert scrapy("sources", "--apis", "--country", "gb").returncode == 2


def test_apis_as_csv(scrapy):
    apis = {row["api"]: row for row in rows(scrapy("sources", "--apis", "--csv"))}
    assert apis["guardian"] == {
        "api": "guardian",
        "title": "The Guardian",
        "crawl": "guardian",
        "key": "GUARDIAN_API_KEY is not set",
        "quota": "500 a day, 1 a second",
    }
    assert apis["frankfurter"]["key"] == "not needed"
    assert apis["worldbank"]["crawl"] == "api -a config=worldbank"  # declared in YAML


def test_how_the_apis_fare(scrapy, crawled):
    apis = {row["api"]: row for row in rows(scrapy("sources", "--apis", "--status", "--csv", url=crawled))}
    day = today(crawled)
    assert apis["exoplanets"] | {"key": "", "quota": ""} == {
        "api": "exoplanets",
        "key": "",
        "quota": "",
        "spent today": "0",
        "read up to": "",
        "last success": "",
        "state": "never ran",
    }
    assert apis["coingecko"]["spent today"] == "2"
    assert apis["coingecko"]["state"] == "ok"
    assert apis["coingecko"]["read up to"].endswith(" (newest of 2)")
    guardian = apis["guardian"]
    assert guardian["spent today"] == "2"  # with both keys
    assert (guardian["read up to"][:10], guardian["last success"][:10]) == (day, day)
    assert guardian["state"].startswith("the key in GUARDIAN_API_KEY is refused (HTTP status 401")


def test_the_status_has_a_table_of_feeds_and_one_of_apis(scrapy, crawled):
    feeds, _, apis = scrapy("sources", "--status", url=crawled).stdout.partition("\n\n")
    assert feeds.startswith("source")
    assert apis.startswith("api")


def test_an_api_that_is_declared_elsewhere_is_there_once_it_ran(scrapy, crawled):
    with closing(Database(crawled, Path()).connect()) as connection, connection, connection.cursor() as cursor:
        quotas.spend(cursor, Terms("own-api/0a1b2c3d", cost=0.5), spread=False)
    apis = {row["api"]: row for row in rows(scrapy("sources", "--apis", "--status", "--csv", url=crawled))}
    assert apis["own-api"]["spent today"] == "1 (0.5)"
    assert apis["own-api"]["state"] == "never ran"


def test_an_api_of_which_some_failed(scrapy, crawled):
    feeds = [{"ok": True, "status": "ok"}, {"ok": False, "status": "HTTP status 500"}, {"ok": True, "status": "ok; 2"}]
    with closing(Database(crawled, Path()).connect()) as connection, connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO runs (id, spider, node, pid, exit_code, started_at, finished_at, stats)"
            " VALUES (gen_random_uuid(), 'openmeteo', 'n', 1, %s, %s, %s, %s)",
            [
                (exit_code, at, at, json.dumps({"sources": {"openmeteo": {"feeds": feeds}}}))
                for exit_code, at in ((0, "2024-05-01T12:00Z"), (1, "2024-05-01T13:00Z"))  # then nothing was stored
            ],
        )
    apis = {row["api"]: row for row in rows(scrapy("sources", "--apis", "--status", "--csv", url=crawled))}
    assert apis["openmeteo"]["state"] == "1 of 3 failed: HTTP status 500"
    assert apis["openmeteo"]["last success"] == "2024-05-01 12:00"


# --- scrapy cursors ---------------------------------------------------------------------------------------------------


def test_cursors_are_shown_in_words(scrapy, crawled):
    run = scrapy("cursors", "list", "coingecko", "--csv", url=crawled)
    bitcoin, ethereum = rows(run)
    assert [bitcoin["spider"], bitcoin["source"]] == ["coingecko", "bitcoin"]
    assert bitcoin["arguments"] == "coins=bitcoin currency=usd"
    assert ethereum["moved"][:10] == today(crawled)
    since, until = (part.split() for part in bitcoin["read"].split(" .. "))
    assert since < until
    assert len(rows(scrapy("cursors", "--csv", url=crawled))) == 3
    assert scrapy("cursors", url=crawled).stdout.splitlines()[2].startswith("coingecko  bitcoin ")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"since": "2024-05-01T10:00:00+02:00", "until": "2024-05-02T00:00:00Z"},
            "2024-05-01 08:00 .. 2024-05-02 00:00",
        ),
        (
            {"since": "2024-05-01T00:00Z", "until": "2024-05-02T00:00Z", "missing": {"a": {}, "b": {}}},
            "2024-05-01 00:00 .. 2024-05-02 00:00, without 2 files",
        ),
        ({"value": 9007199254740993}, "9007199254740993"),
        ({"value": "abc"}, "abc"),
        ({"fetched_at": "2024-05-01T00:00:00+00:00", "sha256": "00", "header": ["a"]}, "2024-05-01 00:00"),
        ({"other": 1}, '{"other": 1}'),
    ],
)
def test_words_for_each_kind_of_cursor(database, value, words):
    with closing(database.connect()) as connection:
        upgrade(connection)
        with connection, connection.cursor() as cursor:
            columns = {"spider": "own", "arguments": {}, "source": "own", "value": value}
            cursors.write(cursor, [CursorProgress(key="key", **columns)], str(uuid.uuid4()))
            _, [(_, _, _, found, _)] = cursors.overview(cursor)
            up_to = cursors.newest(cursor, ["own"])["own"]
    assert found == words
    assert up_to == (words.rpartition(" .. ")[2].partition(",")[0] if "since" in value else words, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reset", "guardain"], "guardain has no cursor; did you mean 'guardian'?"),
        (["list", "zzz"], "zzz has no cursor; known: coingecko, guardian"),
        (
            ["reset", "coingecko", "--source", "bitcon"],
            "coingecko --source bitcon has no cursor; did you mean 'bitco",
        ),
        (["reset"], "expected as in `scrapy cursors reset "),
        (["list", "--source", "bitcoin"], "expected as in "),
        (["forget", "guardian"], "expected: scrapy cursors [list [NAME] | reset NAME]"),
    ],
)
def test_what_is_asked_wrongly_changes_nothing(scrapy, crawled, arguments, said):
    run = scrapy("cursors", *arguments, url=crawled)
    assert (run.returncode, run.stdout) == (2, "")
    assert said in run.stderr
    assert len(rows(scrapy("cursors", "--csv", url=crawled))) == 3


def test_reset_forgets_a_source_then_all(scrapy, crawled):
    run = scrapy("cursors", "reset", "coingecko", "--source", "bitcoin", url=crawled)
    assert (run.returncode, run.stdout) == (0, "forgot 1 cursor of coingecko of bitcoin\n")
    assert [row["source"] for row in rows(scrapy("cursors", "--csv", url=crawled))] == ["ethereum", "guardian"]
    assert scrapy("cursors", "reset", "coingecko", url=crawled).stdout == "forgot 1 cursor of coingecko\n"
    assert scrapy("cursors", "reset", "guardian", url=crawled).stdout == "forgot 1 cursor of guardian\n"
    run = scrapy("cursors", url=crawled)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "no cursors: no run has read an API yet\n")


def test_a_database_that_is_away_is_reported(scrapy):
    run = scrapy("cursors")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("scrapy cursors: cannot connect to postgresql://nobody@127.0.0.1:9/none")
