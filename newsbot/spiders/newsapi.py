"""NewsAPI: an index of the articles of some 150,000 sites."""

from typing import Any

from scrapy.http import Response

from newsbot.sources.api import Api, Argument, Cursor, Key, Limit, NumberedPages, Quota, Slices
from newsbot.spiders.base.api import DAY, HOUR, ApiSpider
from newsbot.spiders.base.arguments import switch

_COMMON: dict[str, Any] = {
    "name": "newsapi",
    "title": "NewsAPI",
    "homepage": "https://newsapi.org",
    "key": Key(variable="NEWSAPI_KEY", header="X-Api-Key", signup="https://newsapi.org/register"),
    "records": "articles",
    "error": "status != 'ok' && (message || code || 'an error without a message')",
    "quota": Quota(limits=(Limit(calls=100, per="day"),), spent="code == 'apiKeyExhausted'"),
    "pages": NumberedPages(size=100, size_param="pageSize", total="totalResults"),
    "rank": "index",
    "article": {
        "url": "url",
        "title": "title",
        "published_at": "publishedAt",
        "authors": "author",
        "summary": "description",
        "image_url": "urlToImage",
        "external_id": "url",
        "extra.publisher": "source.name",
        "extra.content": "content",
    },
}
_EVERYTHING = Api(
    url="https://newsapi.org/v2/everything",
    arguments={"query": Argument(required=True), "language": Argument()},
    params={
        "q": "{query}",
        "language": "{language}",
        "from": "{since:%Y-%m-%dT%H:%M:%S}",
        "to": "{until:%Y-%m-%dT%H:%M:%S}",
        "sortBy": "publishedAt",
    },
    slices=Slices(longest=7 * DAY, cap=100, total="totalResults", statuses=(426,)),
    # The free plan gives articles a day late: behind the newest of them, not behind now, more are to come.
    cursor=Cursor(by="time", path="publishedAt", overlap=6 * HOUR, first=7 * DAY, at="newest"),
    **_COMMON,
)
_TOP = Api(
    url="https://newsapi.org/v2/top-headlines",
    arguments={"query": Argument(), "country": Argument(), "category": Argument(help="as `business`")},
    params={"q": "{query}", "country": "{country}", "category": "{category}"},
    **_COMMON,
)


class NewsapiSpider(ApiSpider):
    """Articles that match a query, or with `-a top=1` the top headlines of a country or category.

    The free plan gives 100 calls a day, the first 100 results of a search (HTTP 426 behind them), articles after a day
    and none older than a month. A search with more results is read in slices of time, down to a second; one that has
    more than 100 is told as incomplete.
    """

    name = "newsapi"
    api = _EVERYTHING

    @classmethod
    def declaration(cls, given: dict[str, str]) -> Api:
        """One of the two."""
        return _TOP if given.get("top") == "1" else _EVERYTHING

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """Which of the two."""
        return {"top": switch}

    def too_many(self, response: Response) -> bool:
        """Of the walls of the free plan, which all have this status, only one can be gone round."""
        return super().too_many(response) and b"maximumResultsReached" in response.body
