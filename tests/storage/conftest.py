import asyncio
from contextlib import closing

import pytest
from scrapy.settings import Settings

from newsbot.batch import FeedProgress
from newsbot.enrichment.urls import form_of
from newsbot.items import Article
from newsbot.storage.store import Store
from newsbot.storage.upgrade import upgrade


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
    """Store articles and progress as a crawl of its own does; gives the store behind it, closed."""

    async def run(articles, progress, settings):
        store = Store(Settings({"DATABASE_URL": database_url, "DATABASE_WAIT": 20, "REJECTS_DAYS": 90} | settings))
        store.form_of = form_of
        await store.open("test", None, lambda: None)
        await store.lookup(articles)
        for article in articles:
            if article.state != "unchanged":
                store.put([article])
        for each in progress:
            store.save(each)
        await store.flush()
        await store.finish("finished", 0, 0)
        return store

    def start(*rows, **settings):
        articles = [row for row in rows if isinstance(row, Article)]
        progress = [row for row in rows if isinstance(row, FeedProgress)]
        return asyncio.run(run(articles, progress, settings))

    return start
