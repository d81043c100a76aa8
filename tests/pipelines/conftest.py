"""The stages, driven as Scrapy drives them, in this process: the project's settings, a real database."""

import asyncio
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from scrapy import Spider
from scrapy.core.scraper import Scraper
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from newsbot.batch import Batch
from newsbot.storage.database import Database
from newsbot.storage.tables import metadata
from newsbot.storage.upgrade import upgrade
from newsbot.storage.writer import Writer


class OwnSpider(Spider):
    name = "own"


@pytest.fixture(scope="module")
def module_database(new_database):
    """One database for all tests of a module, at head: making one costs more than a test."""
    with new_database() as url:
        database = Database(url, Path())
        with closing(database.connect()) as connection:
            upgrade(connection)
        yield database


@pytest.fixture
def crawl(module_database, monkeypatch):
    """Pass items, and batches with theirs, through all stages at once.

    Returns the results (the item, or the exception), the run, and `query` into the database.
    """

    # Other tests import a reactor, which this process then has for good; here the event loop does without.
    monkeypatch.delitem(sys.modules, "twisted.internet.reactor", raising=False)

    async def closed(reason):
        run.closed.append(reason)

    async def passed(items, stages, settings, spider):
        own = {"DATABASE_URL": module_database.url, "TWISTED_REACTOR_ENABLED": False, **settings}
        project = Settings()
        project.setmodule("newsbot.settings", priority="project")
        pipelines = project["ITEM_PIPELINES"].copy_to_dict() | {stage: order for order, stage in stages.items()}
        crawler = get_crawler(spider, project.copy_to_dict() | {"ITEM_PIPELINES": pipelines} | own)
        crawler.spider = spider.from_crawler(crawler)
        scraper = Scraper(crawler)
        # The parts of the engine that are used.
        crawler.engine = SimpleNamespace(scraper=scraper, close_spider_async=closed)
        await scraper.open_spider_async()
        manager, writer = scraper.itemproc, Writer.of(crawler)
        passing = [
            manager.take(each) if isinstance(each, Batch) else manager.process_item_async(each) for each in items
        ]
        results = await asyncio.gather(*passing, return_exceptions=True)
        await manager.close_spider_async()
        await writer.finish("finished", 0, 0)
        return results, writer

    def query(sql):
        with closing(module_database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    with closing(module_database.connect()) as connection, connection, connection.cursor() as cursor:
        for table in metadata.tables:
            cursor.execute(f"DELETE FROM {table}")

    def run(*items, stages=None, spider=OwnSpider, **settings):
        run.closed = []
        results, writer = asyncio.run(passed(items, stages or {}, settings, spider))
        ended = {"run": writer.run, "failure": writer.failure, "total": writer.run.total()}
        return SimpleNamespace(results=results, query=query, **ended)

    run.query = query
    return run
