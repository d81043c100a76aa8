"""A user's pipelines among the stages, in whole crawls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_sites import ROOT, environment, source, stories

from newsbot.settings import ITEM_PIPELINES

COUNT = 7
OWN = environment() | {"PYTHONPATH": str(Path(__file__).parent)}


@pytest.fixture
def crawl(newsbot, tmp_path):
    """Crawl a source with a stage at a place; the process, and the exported items."""

    def crawl(name, stage, place, base=ITEM_PIPELINES, headers=None):
        newsbot.sites.routes[f"{name}.example", "/feed"] = 200, stories(name, COUNT), headers or {}
        exported = tmp_path / "exported.jsonl"
        command = newsbot.command(
            [source(name, "/feed")],
            ITEM_PIPELINES=json.dumps({**base, f"made_up_stages.{stage}": place}),
            FEEDS=json.dumps({str(exported): {"format": "jsonlines", "overwrite": True}}),
            LOG_LEVEL="INFO",
        )
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=OWN)
        lines = exported.read_text().splitlines() if exported.exists() else []
        return process, [json.loads(line) for line in lines]

    return crawl


def stored(newsbot, name):
    where = f"source_id = '{name}'"
    return newsbot.query(f"SELECT (SELECT count(*) FROM articles WHERE {where}), count(*) FROM rejects WHERE {where}")


def test_a_date_that_a_stage_sets_as_a_text(newsbot, crawl):
    process, _ = crawl("dated", "Dated", 50)
    assert process.returncode == 0, process.stderr
    assert stored(newsbot, "dated") == [(COUNT, 0)]
    dates = newsbot.query("SELECT DISTINCT published_at::text FROM articles WHERE source_id = 'dated'")
    assert [date[:10] for (date,) in dates] == ["2026-03-04"]


def test_a_stage_with_a_helper_named_process_batch(newsbot, crawl):
    process, _ = crawl("posting", "Posting", 850)
    assert process.returncode == 0, process.stderr
    assert stored(newsbot, "posting") == [(COUNT, 0)]


def test_a_feed_whose_items_are_all_dropped_is_read_for_good(newsbot, crawl):
    for run in range(2):
        crawl("filtered", "Filter", 50, headers={"ETag": '"1"'})
        assert newsbot.last_run()[1]["https://filtered.example/feed"].startswith("ok" if run == 0 else "the same")
        kept = newsbot.query("SELECT etag, problem, failures, entries FROM feeds WHERE source_id = 'filtered'")
        assert kept == [('"1"', None, 0, 0)]
    (_, headers) = newsbot.sites.asked("filtered.example")[-1]
    assert headers["If-None-Match"] == '"1"'


@pytest.mark.parametrize(("stage", "exports"), [("Forgetting", "title"), ("ToDict", "link")])
def test_what_a_stage_behind_the_store_returns_refuses_nothing(newsbot, crawl, stage, exports):
    name = stage.lower()
    process, exported = crawl(name, stage, 900, headers={"ETag": '"1"'})
    assert process.returncode == 0, process.stderr
    assert stored(newsbot, name) == [(COUNT, 0)]
    assert newsbot.query(f"SELECT etag, entries FROM feeds WHERE source_id = '{name}'") == [('"1"', COUNT)]
    assert [list(item)[0 if exports == "link" else 1] for item in exported] == [exports] * COUNT
    assert process.stderr.count("returned None, expected the item") == (stage == "Forgetting")


def test_a_fault_without_the_store_stage_ends_the_crawl(newsbot):
    """As the look-up of the articles, which needs a database."""
    page = b'<html><body><h2><a href="/a">Ferry runs again</a></h2></body></html>'
    newsbot.sites.routes["harbour.example", "/"] = 200, page, {"Content-Type": "text/html"}
    stages = {**ITEM_PIPELINES, "newsbot.pipelines.store.StorePipeline": None}
    settings = {
        "SPIDER_MODULES": "kept_spiders",
        "STAND_INS": json.dumps({"harbour.example": f"http://127.0.0.1:{newsbot.sites.server_port}"}),
        "ITEM_PIPELINES": json.dumps(stages),
        "LOG_LEVEL": "INFO",
    }
    given = (part for name, value in settings.items() for part in ("-s", f"{name}={value}"))
    command = [sys.executable, "-m", "scrapy", "crawl", "harbour", *given]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=OWN)
    assert process.returncode == 1
    assert "the crawl ends: nothing is stored: ITEM_PIPELINES lacks newsbot.pipelines.store" in process.stderr
    assert "Traceback" in process.stderr
    assert "AttributeError" not in process.stderr
    assert "Spider closed (database_lost)" in process.stderr
