"""Users' spiders and a middleware, for tests that run them by SPIDER_MODULES."""

from dataclasses import replace
from pkgutil import resolve_name

from scrapy import Spider

from newsbot.batch import Ask
from newsbot.items import Article
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


class Fault:
    """Puts a fault into a function of newsbot: the setting FAULT_AT names it."""

    @classmethod
    def from_crawler(cls, crawler, **given):
        owner, _, name = crawler.settings["FAULT_AT"].rpartition(".")
        setattr(resolve_name(owner), name, cls._broken)
        return super().from_crawler(crawler, **given)

    @staticmethod
    def _broken(*_, **__):
        raise TypeError("one of ours")


class FaultSpider(Fault, HeadlinesSpider):
    """Polls feeds."""

    name = "fault"


class PlainFaultSpider(Fault, Spider):
    """Yields items."""

    name = "plainfault"
    start_urls = ("https://one.example/feed",)

    def parse(self, response):
        for number in range(30):
            yield Article(url=response.urljoin(f"/{number}"), title=f"The ferry {number} runs again")
