"""Turns Scrapy's responses into answers, and back."""

from datetime import UTC, datetime

from scrapy.http import Response, TextResponse

from newsbot.batch import Answer, Headers

# Scrapy follows redirects; the spider handles every other status.
STATUSES = [status for status in range(300, 600) if status not in (301, 302, 303, 307, 308)]


def answer_of(response: Response) -> Answer:
    """The response as an answer, fetched now."""
    request, meta = response.request, response.meta
    names = ((name.decode("latin-1"), response.headers[name].decode("latin-1")) for name in response.headers)
    passed = zip(meta.get("redirect_reasons", ()), meta.get("redirect_urls", ()), strict=True)
    return Answer(
        url=response.url,
        asked=meta.get("redirect_urls", [request.url])[0],
        status=response.status,
        headers=Headers(names),
        body=response.body,
        fetched_at=datetime.now(UTC),
        redirects=tuple(passed),
        conditional="If-None-Match" in request.headers or "If-Modified-Since" in request.headers,
        wait=meta.get("retry_after"),
    )


def response_of(answer: Answer) -> Response:
    """The answer as Scrapy's response, for a hook of a spider."""
    return TextResponse(answer.url, status=answer.status, headers=dict(answer.headers), body=answer.body)
