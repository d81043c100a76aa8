"""An API whose calls cost money, for `scrapy runspider`."""

import os

from newsbot.sources.api import Api, Key, Limit, NumberedPages, Quota
from newsbot.spiders.base.api import ApiSpider


class DearSpider(ApiSpider):
    """Two pages of articles."""

    name = "dear"
    api = Api(
        name="dear",
        title="The Dear Wire",
        url="https://dear.example/news",
        key=Key(variable="DEAR_KEY", header="X-Key"),
        records="news",
        pages=NumberedPages(pages="pages"),
        quota=Quota(
            limits=(Limit(calls=100, per=os.environ.get("DEAR_PER", "day")),),
            cost=0.25,
            currency="USD",
            limit="X-Limit",
            remaining="X-Left",
        ),
        article={"url": "url", "title": "title"},
    )
