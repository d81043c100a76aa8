"""A user's site spider."""

import scrapy
from scrapy.exceptions import CloseSpider

from newsbot.items import Article


class QuaySpider(scrapy.Spider):
    """The pages of `-a pages=` in their order; each names its links."""

    name = "quay"

    def __init__(self, pages, domains=None):
        super().__init__()
        self.start_urls = pages.split(",") if pages else []
        if domains:
            self.allowed_domains = domains.split(",")

    def parse(self, response):
        if "broken" in response.url:
            raise LookupError("no headline here\0")
        if "enough" in response.url:
            raise CloseSpider("the archive has no more pages")
        for link in response.css("h2 a"):
            yield Article(url=response.urljoin(link.attrib["href"]), title=link.css("::text").get())
        yield from response.follow_all(css="nav a")
