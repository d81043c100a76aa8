"""Users' spiders and a middleware, for tests that run them by SPIDER_MODULES."""

from dataclasses import replace

from newsbot.batch import Ask
from newsbot.readers import feed, polled
from newsbot.spiders.headlines import HeadlinesSpider


class UnsureSpider(HeadlinesSpider):
    """Never sure whether it has the whole of an answer."""

    name = "unsure"

    def read(self, answer, endpoint, state):
        return polled.read(answer, endpoint, state, lambda *facts: replace(feed.look(*facts), validated=False))


class FailingSpider(HeadlinesSpider):
    """Has a fault where it reads one of the feeds."""

    name = "failing"

    def read(self, answer, endpoint, state):
        if "faulty" in endpoint.url:
            raise ZeroDivisionError
        return super().read(answer, endpoint, state)


class AstraySpider(HeadlinesSpider):
    """Has a fault in what it asks for behind an answer."""

    name = "astray"

    def read(self, answer, endpoint, state):
        batch, state, _ = super().read(answer, endpoint, state)
        return batch, state, Ask((None,))


class Dropping:
    """A spider middleware that drops requests silently."""

    async def process_start(self, start):
        async for request in start:
            if "dropped" not in getattr(request, "url", ""):
                yield request
