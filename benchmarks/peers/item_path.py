"""The item path: bare Scrapy yields entries ready in memory, through one pipeline that does nothing.

python -m scrapy runspider item_path.py -a feeds=N -s LOG_LEVEL=INFO
"""

from scrapy import Request, Spider

from benchmarks import corpus


class Nothing:
    """A pipeline."""

    def process_item(self, item):
        """The same item."""
        return item


class ItemPath(Spider):
    """A response a feed, from a `data:` URL."""

    name = "item_path"
    custom_settings = {"ITEM_PIPELINES": {Nothing: 300}}  # noqa: RUF012  as Scrapy declares it

    def __init__(self, feeds: str) -> None:
        super().__init__()
        self.entries = [
            corpus.entries(number) for number in range(corpus.FEEDS)
        ]  # all, so that the start is one for all runs
        self.feeds = int(feeds)

    async def start(self):
        """A request a feed."""
        for entries in self.entries[: self.feeds]:
            yield Request("data:,", cb_kwargs={"entries": entries}, dont_filter=True)

    def parse(self, response, entries):
        """The entries."""
        yield from entries
