"""Bare Scrapy yields the records of JSON pages as they are, through no pipeline.

python -m scrapy runspider json_records.py -a base=URL -a pages=N -s LOG_LEVEL=INFO
"""

from scrapy import Request, Spider


class JsonRecords(Spider):
    """A request a page, one after the other."""

    name = "json_records"

    async def start(self):
        """The first page."""
        yield self.page(1)

    def page(self, number):
        """The request of a page."""
        return Request(f"{self.base}/records?page={number}", cb_kwargs={"number": number}, dont_filter=True)

    def parse(self, response, number):
        """The records, then the next page."""
        yield from response.json()["records"]
        if number < int(self.pages):
            yield self.page(number + 1)
