import asyncio
from contextlib import closing

import pytest
from scrapy.settings import Settings

from newsbot.batch import FeedProgress
from newsbot.enrichment.urls import form_of
from newsbot.items import Article
from newsbot.storage.upgrade import upgrade
from newsbot.storage.writer import Writer


@pytest.fixture
def tables(database):
    """Our tables, empty."""
    with closing(database.connect()) as connection:
        upgrade(connection)


@pytest.fixture
def cursor(database, tables):
    """A cursor whose transaction is never committed."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def store(database_url):
    """Store articles and progress as a separate crawl does; returns its run."""

    async def run(articles, progress, settings):
        writer = Writer(Settings({"DATABASE_URL": database_url, "DATABASE_WAIT": 20, "REJECTS_DAYS": 90} | settings))
        writer.form_of = form_of
        await writer.open("test", None)
        await writer.look_up(articles)
        for article in articles:
            if article.state != "unchanged":
                await writer.put([article])
        for each in progress:
            writer.save(each)
        await writer.flush()
        await writer.finish("finished", 0, 0)
        return writer

    def start(*rows, **settings):
        articles = [row for row in rows if isinstance(row, Article)]
        progress = [row for row in rows if isinstance(row, FeedProgress)]
        return asyncio.run(run(articles, progress, settings))

    return start
