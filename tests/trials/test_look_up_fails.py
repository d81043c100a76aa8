"""A look-up that fails or is no longer awaited: nothing counts as refused, and nobody waits for ever."""

import asyncio
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from scrapy.settings import Settings

from newsbot.items import Article
from newsbot.pipelines.clean import CleanPipeline
from newsbot.pipelines.deduplicate import DeduplicatePipeline
from newsbot.storage.upgrade import upgrade
from newsbot.storage.writer import Writer

ROOT = Path(__file__).parents[2]

SPIDER = """
from scrapy import Request, Spider

from newsbot.batch import Batch, FeedProgress
from newsbot.items import Article


class Made(Spider):
    name = "made"

    async def start(self):
        yield Request(self.url)

    def parse(self, response):
        items = (Article(url=f"https://made.example/{n}", title="Something happened in town") for n in range(20))
        yield Batch(progress=FeedProgress(url=response.url, source_id="made", status=200), items=items)
"""


@pytest.fixture
def run_spider(serve, tmp_path):
    """Run the spider above on any page."""
    script = tmp_path / "made.py"
    script.write_text(SPIDER)
    command = [sys.executable, "-m", "scrapy", "runspider", str(script), "-s", "ALLOW_PRIVATE_HOSTS=127.0.0.1"]
    command += ["-s", "ROBOTSTXT_OBEY=0", "-a", f"url={serve(1).url(0)}"]

    def run(**environment):
        return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, encoding="utf-8")

    return run


def test_items_that_cannot_be_looked_up_are_not_settled(database_url, database, run_spider):
    def counts(cursor):
        cursor.execute("SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM feeds), count(*) FROM rejects")
        return cursor.fetchone()

    with closing(database.connect()) as connection:
        upgrade(connection)
        with connection.cursor() as cursor:
            cursor.execute("LOCK article_urls")
            done = run_spider(DATABASE_URL=f"{database_url}&options=-c%20statement_timeout%3D300")
            connection.rollback()
            assert counts(cursor) == (0, 0, 0), done.stderr
            assert "statement timeout" in done.stderr
            assert "Refused" not in done.stderr
            connection.rollback()
            assert run_spider(DATABASE_URL=database_url).returncode == 0
            assert counts(cursor) == (20, 1, 0)


def test_a_cancelled_item_leaves_no_other_waiting(database_url):
    async def scenario():
        writer = Writer(Settings({"DATABASE_URL": database_url, "DATABASE_WAIT": 60, "REJECTS_DAYS": 90}))
        await writer.open("made", None)
        stage, clean = DeduplicatePipeline(writer), CleanPipeline("UTC")
        items = [Article(url=f"https://a.example/{n}", title="News", source_id="a", origin="a") for n in range(3)]
        first, second = (asyncio.create_task(stage.process_batch([clean.cleaned(item)])) for item in items[:2])
        await asyncio.sleep(0)  # both wait for one look-up
        first.cancel()
        assert (await second)[0].state == "new"
        assert (await stage.process_batch([clean.cleaned(items[2])]))[0].state == "new"
        await writer.flush()
        await writer.finish("finished", 0, 0)

    asyncio.run(asyncio.wait_for(scenario(), 60))
