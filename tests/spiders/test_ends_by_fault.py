"""Faults of the program: how a crawl ends, also with one in its last transaction or while its run is closed."""

import subprocess
from pathlib import Path

import pytest
from made_up_sites import ROOT, environment, source, stories

ENTRIES = [source("one", "/feed"), source("two", "/feed")]


@pytest.fixture
def crawl(newsbot):
    """A crawl of two feeds, with a fault in a function."""
    newsbot.sites.routes.update(
        {(f"{entry['id']}.example", "/feed"): (200, stories(entry["id"]), {}) for entry in ENTRIES}
    )

    def run(where, spider="fault"):
        command = newsbot.command(ENTRIES, SPIDER_MODULES="made_up_spiders", STATS_DUMP=True, FAULT_AT=where)
        command[command.index("headlines")] = spider
        paths = {"PYTHONPATH": str(Path(__file__).parent)}
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment() | paths)

    return run


def test_a_fault_in_the_last_transaction_is_reported_like_an_earlier_one(crawl, newsbot):
    process = crawl("newsbot.storage.feeds.write")
    assert process.returncode == 1
    assert "Traceback" in process.stderr
    assert "The run ended early: fault (TypeError: one of ours)" in process.stderr
    assert "'finish_reason': 'fault'" in process.stderr
    assert newsbot.query("SELECT finish_reason, exit_code, items FROM runs ORDER BY started_at DESC LIMIT 1") == [
        ("fault", 1, 0)
    ]
    status = "not saved: TypeError: one of ours; the log has the traceback"
    assert newsbot.last_run()[1] == {f"https://{name}.example/feed": status for name in ("one", "two")}
    assert f"one: https://one.example/feed: {status}" in process.stderr


@pytest.mark.parametrize(
    "where",
    ["newsbot.storage.run.Run.finish", "newsbot.storage.rejects.forget", "newsbot.storage.runs.finish"],
)
def test_a_fault_while_the_run_is_closed_fails_it(crawl, newsbot, where):
    process = crawl(where)
    assert process.returncode == 1
    assert process.stderr.count("Traceback") == 1
    assert "status" in process.stderr, "the table"
    assert "The run cannot be closed: TypeError: one of ours; the log has the traceback" in process.stderr
    assert newsbot.query("SELECT finished_at FROM runs ORDER BY started_at DESC LIMIT 1") == [(None,)]


def test_a_fault_before_the_run_is_closed_fails_it(crawl):
    process = crawl("newsbot.storage.run.Run.tell_unanswered")
    assert process.returncode == 1
    assert process.stderr.count("Traceback") == 1


def test_a_fault_of_a_stage_has_one_traceback_whatever_the_number_of_items(crawl):
    process = crawl("newsbot.pipelines.enrich.EnrichPipeline.process_batch", "plainfault")
    assert process.returncode == 1
    assert process.stderr.count("Traceback") == 1
    assert "'finish_reason': 'fault'" in process.stderr
    assert "item_scraped_count" not in process.stderr, "Scrapy has no such key, either"
