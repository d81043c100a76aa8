"""A user's pipelines, for tests that run them by ITEM_PIPELINES."""

from scrapy.exceptions import DropItem


class Filter:
    """Drops every item."""

    def process_item(self, item):
        raise DropItem("not of interest")


class Dated:
    """Sets the date as a text, as a plain spider may."""

    def process_item(self, item):
        item.published_at = "2026-03-04T05:06:07"
        return item


class Posting:
    """Posts items in batches; its helper has the name of a method of newsbot's stages."""

    def __init__(self):
        self.titles = []

    def process_item(self, item):
        self.titles.append(item.title)
        self.process_batch()
        return item

    def process_batch(self):
        self.titles.clear()


class Forgetting:
    """Does not return the item."""

    def process_item(self, item):
        pass


class ToDict:
    """Returns another form of the item, for exports."""

    def process_item(self, item):
        return {"link": item.url}
