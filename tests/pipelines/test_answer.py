"""The stage that writes the answer of a crawl.json: its output, and that no other crawl has it."""

import json
import logging
from datetime import UTC, datetime

import pytest

from newsbot.batch import Batch, FeedProgress
from newsbot.items import Article
from newsbot.pipelines.outcomes import Unchanged

FEED = "https://site.example/feed"


def article(number, **fields):
    return Article(url=f"https://site.example/{number}?utm_source=x", title=f"Ferries &amp; storms {number}", **fields)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "items.jl"


def written(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_items_are_written_clean_new_or_not_alone_or_of_a_batch(crawl, file):
    published = datetime(2026, 11, 20, 18, tzinfo=UTC)
    for _ in range(2):
        items = [article(2), article(3, source_id="s")]
        batch = Batch(progress=FeedProgress(url=FEED, source_id="s", entries=2), items=items)
        run = crawl(
            article(1, published_at=published),
            Article(url="https://site.example/4", title=""),
            batch,
            ANSWER_FILE=str(file),
        )
        assert [item["title"] for item in written(file)] == [f"Ferries & storms {number}" for number in (1, 2, 3)]
        first = written(file)[0]
        assert (first["canonical_url"], first["origin"]) == ("https://site.example/1", "own")
        assert first["published_at"] == published.isoformat()
    assert isinstance(run.results[0], Unchanged)
    assert run.query("SELECT count(*) FROM articles") == [(3,)]


def test_a_crawl_without_a_file_has_no_such_stage_and_no_word_of_it(crawl, caplog):
    caplog.set_level(logging.DEBUG, "scrapy.middleware")
    crawl(article(1))
    (enabled,) = [record.message for record in caplog.records if record.message.startswith("Enabled item pipelines")]
    assert "newsbot.pipelines.store.StorePipeline" in enabled
    assert "Answer" not in caplog.text


def test_a_file_that_cannot_be_written_ends_the_crawl(crawl, tmp_path):
    with pytest.raises(ValueError, match=r"ANSWER_FILE .*gone/items\.jl: No such file or directory"):
        crawl(article(1), ANSWER_FILE=str(tmp_path / "gone" / "items.jl"))
