"""The Guardian: its own articles with their text."""

from newsbot.sources.api import Api, Argument, Cursor, Key, Limit, NumberedPages, Quota, Slices
from newsbot.spiders.base.api import DAY, ApiSpider


class GuardianSpider(ApiSpider):
    """Articles of the Guardian with headline, byline, whole text and picture, back to 1999.

    The free key allows 500 calls a day and one a second, of 200 articles each. Edits within a day of the publication
    revise an article.
    """

    name = "guardian"
    api = Api(
        name="guardian",
        title="The Guardian",
        homepage="https://open-platform.theguardian.com",
        url="https://content.guardianapis.com/search",
        key=Key(variable="GUARDIAN_API_KEY", query="api-key", signup="https://open-platform.theguardian.com/access"),
        arguments={"query": Argument(), "section": Argument(help="a section's id, as `politics`")},
        params={
            "q": "{query}",
            "section": "{section}",
            "from-date": "{since:%Y-%m-%d}",
            "to-date": "{until:%Y-%m-%d}",
            "order-by": "newest",
            "show-fields": "headline,bodyText,byline,thumbnail,lastModified",
        },
        records="response.results",
        error="response.status == 'error' && (response.message || 'an error without a message')",
        pages=NumberedPages(size=200, size_param="page-size", pages="response.pages", total="response.total"),
        slices=Slices(longest=30 * DAY, shortest=DAY),
        cursor=Cursor(by="time", path="webPublicationDate", overlap=DAY),
        quota=Quota(
            limits=(Limit(calls=1, per="second"), Limit(calls=500, per="day")),
            remaining="X-RateLimit-Remaining-Day",
            limit="X-RateLimit-Limit-Day",
        ),
        language="en",
        rank="page",
        article={
            "url": "webUrl",
            "title": "fields.headline || webTitle",
            "published_at": "webPublicationDate",
            "authors": "fields.byline",
            "text": "fields.bodyText",
            "section": "sectionName",
            "image_url": "fields.thumbnail",
            "external_id": "id",
            "extra.last_modified": "fields.lastModified",
        },
    )
