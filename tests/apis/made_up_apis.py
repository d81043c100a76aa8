"""Spiders of made-up APIs, one for each way of paging."""

from typing import ClassVar

from scrapy import Request, Spider

from newsbot.batch import Batch
from newsbot.items import Article
from newsbot.sources.api import (
    Api,
    Argument,
    Cursor,
    Key,
    Limit,
    LinkedPages,
    NumberedPages,
    OffsetPages,
    Quota,
    RecordFields,
    TokenPages,
)
from newsbot.spiders.base.api import ApiSpider
from newsbot.spiders.base.errbacks import errback


def api(name, **declared):
    fields = {"record": RecordFields(dataset=name, key="id"), "url": f"https://{name}.example/rows"} | declared
    return Api(name=name, title=name.title(), records="rows", **fields)


class Number(ApiSpider):
    name = "number"
    api = api(name, pages=NumberedPages(size=10, total="total"))


class Untold(ApiSpider):
    """Reports neither the number of pages nor that of records."""

    name = "untold"
    api = api(name, pages=NumberedPages())


class Offset(ApiSpider):
    name = "offset"
    api = api(name, pages=OffsetPages(size=10, total="total"))


class Unbounded(ApiSpider):
    """Does not report the number of records."""

    name = "unbounded"
    api = api(name, url="https://offset.example/rows", pages=OffsetPages(size=10))


class Joined(ApiSpider):
    """Its key is made of two values."""

    name = "joined"
    api = api(
        name,
        url="https://joined.example/rows",
        pages=NumberedPages(size=10, total="total"),
        record=RecordFields(dataset=name, key="join('-', [month, day])"),
        cursor=Cursor(by="id", path="join('-', [month, day])"),
    )


class Token(ApiSpider):
    name = "token"
    api = api(name, pages=TokenPages(param="token", token="next"), cursor=Cursor(by="id", path="id"))


class Link(ApiSpider):
    name = "link"
    api = api(name, pages=LinkedPages(), key=Key(variable="LINK_KEY", query="key"))


class Sealed(ApiSpider):
    """Its key is the value of one header; another header is not a key."""

    name = "sealed"
    api = api(
        name,
        url="https://link.example/rows",
        pages=LinkedPages(),
        headers={"X-Key": "env:LINK_KEY", "Accept": "application/json"},
    )


class Shared(ApiSpider):
    """Two processes read it on one quota."""

    name = "shared"
    api = api(
        name,
        pages=NumberedPages(size=10),
        quota=Quota(
            limits=(Limit(calls=20, per="second"), Limit(calls=30, per="day")),
            remaining="X-Left",
            reset="X-Reset",
            limit="X-Limit",
        ),
    )


class Story(ApiSpider):
    """Articles."""

    name = "story"
    api = api(
        name,
        record=None,
        timezone="Europe/Paris",
        article={
            "url": "url",
            "title": "title",
            "published_at": "date",
            "authors": "people",
            "keywords": "tags",
            "external_id": "id",
            "extra.more": "more",
        },
    )


class Sized(ApiSpider):
    """Has several streams."""

    name = "faulty"
    api = api(
        name,
        url="https://token.example/rows",
        arguments={"size": Argument(each=True, default="1,2,3")},
        params={"size": "{size}"},
        pages=TokenPages(param="token", token="next"),
        cursor=Cursor(by="id", path="id"),
    )


class Faulty(Sized):
    """Has a fault in its code for the records of one stream."""

    def items(self, record, stream):
        if stream.source == "2":
            raise TypeError("one of its own")
        yield from super().items(record, stream)


class FaultyPlan(Sized):
    """Has a fault in the plan of one stream."""

    def planned(self, stream, now):
        if stream.source == "2":
            raise ValueError("one of its own")
        return super().planned(stream, now)


class FaultyAfter(Sized):
    """Has a fault behind one stream."""

    def after(self, stream):
        if stream.source == "2":
            raise TypeError("one of its own")
        return super().after(stream)


class FaultyAside(Sized):
    """Has a fault in what it does beside the streams."""

    def after(self, stream):
        if stream.source == "1":
            yield self.aside(f"{self.api.url}?size=aside", self.beside)

    async def beside(self, data):
        raise TypeError("one of its own")
        yield


def broken(fault):
    """Items, with a fault behind the first one."""
    yield Article(url=f"https://number.example/{fault}", title=f"The ferry of {fault} runs again")
    raise TypeError(fault)


class BrokenBatches(Spider):
    """Has faults in several batches of one callback and, behind them, in the callback itself."""

    name = "brokenbatches"
    custom_settings: ClassVar = {"ROBOTSTXT_OBEY": False}

    async def start(self):
        yield Request("https://number.example/rows?page=1")

    def parse(self, response):
        yield Batch(items=broken("the first batch"))
        yield Batch(items=broken("the second batch"))
        if self.settings["OWN_FAULT"]:
            raise TypeError("the callback")


class Lost(Spider):
    """Its errback yields a batch."""

    name = "lost"
    custom_settings: ClassVar = {"ROBOTSTXT_OBEY": False}

    async def start(self):
        yield Request("https://number.example/rows?page=1", errback=self.failed)

    def failed(self, failure):
        yield Batch(items=[Article(url=f"https://number.example/{n}", title=f"Ferry {n} runs again") for n in range(3)])


class LostWell(Lost):
    """The same, as the docs say."""

    failed = errback(Lost.failed)


class LostBadly(Lost):
    """Its batch has a fault."""

    @errback
    def failed(self, failure):
        yield Batch(items=broken("the batch of an errback"))
        yield Batch(items=[Article(url="https://number.example/good", title="The ferry runs again")])


class OwnMeta(Spider):
    """Uses names in `meta` that other code might use too."""

    name = "ownmeta"
    custom_settings: ClassVar = {"ROBOTSTXT_OBEY": False}
    mine: ClassVar = {"key": "k", "keys": 5, "terms": {}, "quota": "q", "call": 1, "reached": None, "newsbot": "mine"}

    async def start(self):
        yield Request("https://number.example/rows?page=1", meta=self.mine)

    def parse(self, response):
        assert {name: response.meta[name] for name in self.mine} == self.mine
        for row in response.json()["rows"]:
            yield Article(url=row["url"], title=row["title"])
