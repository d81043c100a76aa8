"""Plain Scrapy with feedparser, its settings as they come.

python -m scrapy runspider scrapy_feedparser.py -a base=URL -a feeds=N -O FILE.jsonl
"""

import feedparser
from scrapy import Request, Spider


class Feeds(Spider):
    """Crawls `base`/0.xml and so on."""

    name = "feeds"

    def __init__(self, base: str, feeds: str) -> None:
        super().__init__()
        self.urls = [f"{base}/{number}.xml" for number in range(int(feeds))]

    async def start(self):
        """A request a feed."""
        for url in self.urls:
            yield Request(url)

    def parse(self, response):
        """The entries."""
        for entry in feedparser.parse(response.body).entries:
            yield {name: entry.get(name) for name in ("title", "link", "published", "author", "summary")}
