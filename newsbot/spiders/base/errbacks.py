"""Batches from errbacks: their output bypasses the spider middlewares, so Scrapy would take a batch for an item."""

from collections.abc import AsyncIterator, Callable
from functools import wraps
from typing import Any

from scrapy import Request, Spider
from scrapy.utils.asyncgen import as_async_generator
from twisted.python.failure import Failure

from newsbot.batch import Batch


def errback(method: Callable[..., Any]) -> Callable[..., AsyncIterator[Request]]:
    """An errback that passes its batches on and yields its requests."""

    @wraps(method)
    async def without_batches(self: Spider, failure: Failure) -> AsyncIterator[Request]:
        async for each in as_async_generator(method(self, failure)):
            if isinstance(each, Batch):
                pass_on(self, each)
            else:
                yield each

    return without_batches


def pass_on(spider: Spider, batch: Batch) -> None:
    """Pass on a batch that no callback yields; the spider's end waits for it."""
    spider.crawler.engine.scraper.itemproc.take_soon(batch)
