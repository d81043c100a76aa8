"""NewsAPI: an index of the articles of some 150,000 sites."""

from typing import Any, ClassVar

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
    "quota": Quota(
        limits=(Limit(calls=50, per="12h"), Limit(calls=100, per="day")),
        spent="code == 'apiKeyExhausted' && 'day' || code == 'rateLimited' && '12 hours'",
    ),
    "withdrawn": "title == '[Removed]' || contains(url || '', '://removed.com')",
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
    # The free plan gives articles a day late, so the cursor stands at the newest article, not at now.
    # It goes back to the same day of the previous month: at least 28 days, because of February.
    cursor=Cursor(by="time", path="publishedAt", overlap=6 * HOUR, first=7 * DAY, reach=28 * DAY, at="newest"),
    **_COMMON,
)
_CATEGORIES = ("business", "entertainment", "general", "health", "science", "sports", "technology")
_TOP = Api(
    url="https://newsapi.org/v2/top-headlines",
    arguments={"query": Argument(), "country": Argument(), "category": Argument(case="lower", choices=_CATEGORIES)},
    params={"q": "{query}", "country": "{country}", "category": "{category}"},
    **_COMMON,
)


class NewsapiSpider(ApiSpider):
    """Articles that match a query, or with `-a top=1` the top headlines of a country or category.

    The free plan gives 100 calls a day, 50 in 12 hours, the first 100 results of a search (then HTTP 426), and articles
    a day late and at most a month old. The run reads a search with more results in slices of time, down to a second,
    and reports a second with more than 100 as incomplete. Of the top headlines it reads the first 100. Withdrawn
    articles, which come as `[Removed]`, are counted and left out.
    """

    name = "newsapi"
    api = _EVERYTHING
    own_meanings: ClassVar[dict[str, str]] = {"top": "`1` reads the top headlines of a country or category instead"}

    @classmethod
    def declaration(cls, given: dict[str, str]) -> Api:
        """That of the top headlines with `top`, else that of the search."""
        return _TOP if given.get("top") == "1" else _EVERYTHING

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """`top`, which chooses between the two declarations."""
        return {"top": switch}

    def too_many(self, response: Response) -> bool:
        """Slices pass only one of the free plan's limits, which all have this status: that of the results."""
        return super().too_many(response) and _is_behind_the_plan(response)

    def is_end(self, response: Response) -> bool:
        """The top headlines, which have no slices of time, end at the plan's limit."""
        return bool(self.given["top"]) and _is_behind_the_plan(response)


def _is_behind_the_plan(response: Response) -> bool:
    return response.status == 426 and b"maximumResultsReached" in response.body
