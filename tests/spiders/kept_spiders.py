"""Spiders as `scrapy genspider` wrote them before readers were there, the second with all methods that docs name.

They stay as they are: what users have made must run.
"""

from collections.abc import Iterator

import scrapy
from scrapy.http import Response

from newsbot.items import Article
from newsbot.sources.api import Api, Argument, Cursor, Limit, NumberedPages, Quota, Slices
from newsbot.spiders.base.api import DAY, ApiSpider, Stream


class HarbourSpider(scrapy.Spider):
    """The front page; one article a headline. Everything after that is the pipelines' work."""

    name = "harbour"
    allowed_domains = ["harbour.example"]  # noqa: RUF012
    start_urls = ["https://harbour.example/"]  # noqa: RUF012

    def parse(self, response: Response) -> Iterator[Article]:
        """Each link that matches is a headline. Adapt the selector to the site."""
        for link in response.css("h2 a"):
            url, title = response.urljoin(link.attrib["href"]), " ".join(link.css("::text").getall()).strip()
            if url.startswith("http") and title:  # neither a picture nor a script
                yield Article(url=url, title=title)


class WireSpider(ApiSpider):
    """Articles. `scrapy api try wire` shows what comes of it; docs/own-api.md says what each key means."""

    name = "wire"
    api = Api(
        name="wire",
        title="api.wire.example",
        url="https://api.wire.example/v1/news",
        arguments={"edition": Argument()},
        params={"from": "{since}", "to": "{until}"},
        records="articles",
        pages=NumberedPages(size=2, size_param="limit", total="total"),
        slices=Slices(longest=8 * DAY, shortest=DAY, statuses=(400,)),
        cursor=Cursor(by="time", path="date", overlap=DAY),
        quota=Quota(limits=(Limit(calls=100, per="second"),)),
        article={"url": "link", "title": "headline", "published_at": "date", "summary": "teaser"},
    )

    @classmethod
    def declaration(cls, given):
        return cls.api

    def rows(self, data, stream: Stream):
        return [row for row in super().rows(data, stream) if row["headline"] != "Advertisement"]

    def items(self, record, stream: Stream):
        for article in super().items(record, stream):
            article.section = f"{stream.source} {stream.values['edition']}"
            yield article

    def after(self, stream: Stream):
        yield self.aside("https://api.wire.example/v1/latest", self.latest)

    async def latest(self, data):
        for request in [self.aside(f"https://api.wire.example/v1/{path}", self.seen) for path in data["paths"]]:
            yield request

    async def seen(self, data):
        self.logger.warning("looked at %s", data["id"])
        return
        yield

    def too_many(self, response: Response) -> bool:
        return super().too_many(response) and response.json()["error"] == "too many" and "Retry" in response.headers
