"""`scrapy crawl headlines` as a user meets it: arguments, exit codes, output, the traces of a killed run."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import zlib

import pytest
from made_up_sites import ROOT, entry, environment, rss, source, stories

from newsbot.storage.upgrade import HEAD


def serve(newsbot, *names):
    newsbot.sites.log.clear()
    newsbot.sites.routes |= {(f"{name}.example", "/feed"): (200, stories(name), {}) for name in names}
    return [source(name, "/feed") for name in names]


# --- Arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("sorces=a", "shard=4/4", "due=yes"),
            [
                "-a sorces=a: headlines has no argument 'sorces'; did you mean 'sources'?",
                "-a shard=4/4: expected i/n with i from 0 to n-1, such as 0/4",
                "-a due=yes: expected 1 or 0",
            ],
        ),
        (("sources=asked,bbb",), ["'bbb' is unknown; near are", "'bbc'"]),
        (("country=xx",), ["country: no source has 'xx'; there are "]),
        (("sources=asked", "country=fr"), ["no source is left: ", "0 of these named"]),
        (("catalogue=/nowhere/own.yaml",), ["/nowhere/own.yaml"]),
    ],
)
def test_a_wrong_argument_ends_the_run_before_its_first_request(newsbot, arguments, told):
    process = newsbot.crawl(serve(newsbot, "asked"), *arguments, named=False)
    assert process.returncode == 2
    for text in told:
        assert text in process.stderr
    assert "Traceback" not in process.stderr
    assert newsbot.sites.log == []


def test_a_wrong_entry_of_the_catalogue_is_reported_with_its_line(newsbot):
    process = newsbot.crawl([source("wrong", "feed:/nowhere", colour="red")])
    assert process.returncode == 2
    assert re.search(r"catalogue\.yaml:\d+.*'colour'|catalogue\.yaml.*colour", process.stderr), process.stderr
    assert newsbot.sites.log == []


def test_a_setting_that_is_wrong_ends_the_run(newsbot):
    process = newsbot.crawl(serve(newsbot, "asked"), STAND_INS="{")
    assert process.returncode == 2
    assert "STAND_INS is not valid JSON" in process.stderr
    assert newsbot.sites.log == []


def test_country_and_language(newsbot):
    entries = serve(newsbot, "here", "there", "elsewhere")
    entries[0] |= {"country": "gl", "language": "da"}
    entries[1] |= {"country": "gl", "language": "en"}
    process = newsbot.crawl(entries, "country=gl", "language=da", "sources=here,there,elsewhere", named=False)
    assert process.returncode == 0, process.stderr
    assert {host for host, *_ in newsbot.sites.log} == {"here.example"}


def test_shards_are_disjoint_and_whole_and_may_be_empty(newsbot):
    greek = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")
    names = [name for name in greek if zlib.crc32(name.encode()) % 3]
    entries = serve(newsbot, *names)
    shards = []
    for part in range(3):
        newsbot.sites.log.clear()
        process = newsbot.crawl(entries, f"shard={part}/3")
        assert process.returncode == 0, process.stderr
        shards.append(sorted({host.partition(".")[0] for host, *_ in newsbot.sites.log}))
    assert shards[0] == []
    assert "nothing to do" in newsbot.crawl(entries, "shard=0/3").stderr
    assert sorted(shards[1] + shards[2]) == sorted(names)
    assert shards[1]
    assert shards[2]


def test_an_own_source_replaces_a_shipped_one(newsbot):
    newsbot.sites.routes["bbc.example", "/feed"] = 200, stories("bbc"), {}
    assert newsbot.crawl([source("bbc", "/feed")]).returncode == 0
    assert {host for host, *_ in newsbot.sites.log} >= {"bbc.example"}
    assert newsbot.query("SELECT name, homepage FROM sources WHERE id = 'bbc'") == [("Bbc", "https://bbc.example/")]


# --- How a run ends ---------------------------------------------------------------------------------------------------


def test_every_source_failed(newsbot):
    process = newsbot.crawl([source("failed", "/missing"), source("failing", "/missing")])
    assert process.returncode == 1
    assert newsbot.last_run()[0] == 1


def test_nothing_could_be_stored(newsbot):
    newsbot.sites.routes["bad.example", "/feed"] = 200, rss(entry("A script", "javascript:alert(1)")), {}
    process = newsbot.crawl([source("bad", "/feed")])
    assert process.returncode == 1
    assert "1 x url: " in process.stderr


def test_settings_without_the_store_stage(newsbot):
    serve(newsbot, "storeless")
    run = newsbot.crawl([source("storeless", "/feed")], ITEM_PIPELINES="{}")
    assert run.returncode == 1
    assert "ITEM_PIPELINES lacks newsbot.pipelines.store.StorePipeline" in run.stderr


def test_a_spider_that_is_unknown(newsbot):
    process = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "headline"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert process.returncode == 2
    assert "did you mean headlines?" in process.stderr


def test_a_database_of_another_program_is_reported(newsbot):
    entries = serve(newsbot, "asked")
    newsbot.crawl(entries)
    newsbot.sites.log.clear()
    newsbot.query("UPDATE alembic_version SET version_num = '4f2a91c' RETURNING 1")
    try:
        process = newsbot.crawl(entries)
    finally:
        newsbot.query(f"UPDATE alembic_version SET version_num = '{HEAD}' RETURNING 1")
    assert process.returncode == 2
    assert "install the newer version" in process.stderr
    assert newsbot.sites.log == []


def test_a_feed_of_50_000_entries(newsbot):
    newsbot.sites.routes["large.example", "/feed"] = 200, stories("large", 50_000), {}
    process = newsbot.crawl([source("large", "/feed")])
    assert process.returncode == 0, process.stderr
    assert newsbot.query("SELECT count(*) FROM articles WHERE source_id = 'large'") == [(50_000,)]
    assert newsbot.query("SELECT entries FROM feeds WHERE source_id = 'large'") == [(50_000,)]


# --- While it runs ----------------------------------------------------------------------------------------------------


class Held:
    """A feed that notes its requests, and answers on command."""

    def __init__(self, name):
        self.name = name
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, handler):
        self.asked.set()
        self.go_on.wait()
        return 200, stories(self.name), {}


def test_a_killed_run_is_reported_by_the_next_one(newsbot):
    entries = serve(newsbot, "quick", "held")
    held = newsbot.sites.routes["held.example", "/feed"] = Held("held")
    with subprocess.Popen(newsbot.command(entries), cwd=ROOT, stderr=subprocess.DEVNULL, env=environment()) as process:
        assert held.asked.wait(60)
        process.kill()
    held.go_on.set()
    following = newsbot.crawl(entries)
    assert following.returncode == 0, following.stderr
    assert re.search(r"Run [0-9a-f-]{36} of headlines, started .*, was killed", following.stderr)
    ends = newsbot.query("SELECT finish_reason, exit_code FROM runs ORDER BY started_at DESC LIMIT 2")
    assert ends == [("finished", 0), ("killed", None)]
    assert newsbot.query("SELECT count(*) FROM articles WHERE source_id IN ('quick', 'held')") == [(6,)]


def test_an_interrupted_run_saves_what_it_has(newsbot):
    entries = serve(newsbot, "before", "waiting")
    held = newsbot.sites.routes["waiting.example", "/feed"] = Held("waiting")
    with subprocess.Popen(newsbot.command(entries), cwd=ROOT, stderr=subprocess.PIPE, env=environment()) as process:
        assert held.asked.wait(60)
        process.send_signal(signal.SIGINT)
        for line in process.stderr:
            if b"Received SIGINT" in line:
                break
        held.go_on.set()
        process.stderr.read()
    assert newsbot.query("SELECT finish_reason FROM runs ORDER BY started_at DESC LIMIT 1") == [("shutdown",)]
    for name in ("before", "waiting"):  # progress only with its rows
        ((articles,),) = newsbot.query(f"SELECT count(*) FROM articles WHERE source_id = '{name}'")
        ((feeds,),) = newsbot.query(
            f"SELECT count(*) FROM feeds WHERE source_id = '{name}' AND succeeded_at IS NOT NULL"
        )
        assert articles == 3 * feeds


OFTEN = """
import sys
from newsbot.extensions import progress
progress.LOG_EVERY = 0.05
from scrapy.cmdline import execute
execute(["scrapy", *sys.argv[1:]])
"""


def test_a_line_in_the_log_now_and_then(newsbot):
    entries = serve(newsbot, "first", "last")
    held = newsbot.sites.routes["last.example", "/feed"] = Held("last")
    _, _, _, *arguments = newsbot.command(entries)
    command = [sys.executable, "-c", OFTEN, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        for line in process.stderr:
            if re.search(r"1 fetches done of 2 in \d+ s: 3 new, 0 changed, 0 unchanged, 0 rejected", line):
                break
        else:
            pytest.fail("no line came")
        held.go_on.set()
        process.stderr.read()
    assert process.returncode == 0


def test_a_bar_on_a_terminal(newsbot):
    entries = serve(newsbot, "seen", "shown")
    held = newsbot.sites.routes["shown.example", "/feed"] = Held("shown")
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    with subprocess.Popen(
        newsbot.command(entries), cwd=ROOT, stdout=theirs, stderr=theirs, env=environment()
    ) as process:
        os.close(theirs)
        output = ""
        while chunk := _read(terminal):
            output += chunk
            if "1/2" in output and "3 new" in output:
                held.go_on.set()
        held.go_on.set()
    os.close(terminal)
    assert process.returncode == 0, output
    assert re.search(r"headlines:\s+50%.*1/2", output), output
    assert re.search(r"^all +6 +0 +0 +0", output, re.MULTILINE), output
    assert "INFO" not in output


def _read(terminal):
    try:
        return os.read(terminal, 65536).decode("utf-8", "replace")
    except OSError:  # all ends of it are closed
        return ""


# --- Dates ------------------------------------------------------------------------------------------------------------


def test_a_date_that_is_not_understood_is_left_out_and_reported(newsbot):
    """In a feed and on a section page; the source's country leaves no ambiguity."""
    feed = rss(
        entry("Ferry one runs again", "https://undated.example/1", "Mon, 5 Foo 2025 10:00:00 GMT"),
        entry("Ferry two runs again", "https://undated.example/2", "4/5/2025 1:15 PM"),
    )
    page = (
        b"<html><body><article><a href='/3'>Ferry three runs again</a><time>Nov 3, 2025 | 5 min read</time></article>"
        b"<article><a href='/4'>Ferry four runs again</a><time>3-5 November 2025</time></article></body></html>"
    )
    newsbot.sites.routes |= {
        ("undated.example", "/feed"): (200, feed, {}),
        ("undated.example", "/news"): (200, page, {"Content-Type": "text/html"}),
    }
    section = {"url": "https://undated.example/news", "items": "article", "date": "time"}
    process = newsbot.crawl([source("undated", "/feed", sections=[section])])
    assert process.returncode == 0, process.stderr
    stored = newsbot.query(
        "SELECT right(url, 1), to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM articles"
        " WHERE source_id = 'undated' ORDER BY 1"
    )
    assert stored == [("1", None), ("2", "2025-05-04 13:15"), ("3", "2025-11-03 00:00"), ("4", None)]
    rejects = newsbot.query(
        "SELECT right(url, 1), field, reason, payload ->> 'published_at' FROM rejects"
        " WHERE source_id = 'undated' ORDER BY 1"
    )
    told = "{!r} is not a date that is understood".format
    wrong = ["Mon, 5 Foo 2025 10:00:00 GMT", "3-5 November 2025"]
    assert rejects == [(n, "published_at", told(text), text) for n, text in zip("14", wrong, strict=True)]
    assert "Left out of stored items" in process.stderr

    for settings in ({}, {"FEED_FULL_FETCH_INTERVAL": 0}):  # the same entries, and read once more
        again = newsbot.crawl([source("undated", "/feed", sections=[section])], **settings)
        assert (again.returncode, "Left out" in again.stderr) == (0, False)
    assert newsbot.query("SELECT sum(times) FROM rejects WHERE source_id = 'undated'") == [(2,)]
