"""Reads feeds and sitemaps, and the indexes of sitemaps."""

from dataclasses import replace

from newsbot.batch import Answer, Batch, FeedState, Then
from newsbot.extraction.feeds import Feed, FeedError, parse
from newsbot.extraction.sitemaps import end_of
from newsbot.readers import polled
from newsbot.readers.endpoint import Endpoint, Reading, UnreadableError

MAX_DEPTH = 2  # of sitemap indexes in sitemap indexes


def read(answer: Answer, endpoint: Endpoint, state: FeedState) -> tuple[Batch, FeedState, Then[Endpoint]]:
    """The batch of an answer, and the sitemaps that an index leads to."""
    return polled.read(answer, endpoint, state, look)


def look(answer: Answer, endpoint: Endpoint) -> Reading:
    """The entries of a feed or a sitemap. Raises `UnreadableError`."""
    source, content_type = endpoint.source, answer.headers.get("Content-Type") or None
    try:
        feed = parse(
            answer.body, answer.url, country=source.country, language=source.language, content_type=content_type
        )
    except FeedError as error:
        raise UnreadableError(f"is not a feed: {error}") from None
    if feed.kind == "sitemap_index":
        return _index(feed, endpoint)
    if feed.kind == "sitemap" and feed.entries and not any(entry["title"] for entry in feed.entries):
        raise UnreadableError("is a sitemap without titles: list it under `sitemaps`")
    language = feed.language
    if language and source.language and not language.lower().startswith(source.language):
        language = None  # feed software that was never set up says "en": let the text decide
    for entry in feed.entries:
        entry["language"] = entry["language"] or language or (None if feed.language else source.language)
    cut = () if feed.whole else ("it was cut off: the rest may come with the next fetch",)
    remark = "; ".join((*cut, *feed.remarks)) or None
    return Reading(feed.kind, feed.entries, interval=feed.interval, whole=feed.whole, remark=remark)


def _index(feed: Feed, endpoint: Endpoint) -> Reading:
    if endpoint.depth >= MAX_DEPTH:
        raise UnreadableError(f"is an index of sitemaps, {MAX_DEPTH + 1} deep: list one of its sitemaps")
    listed = zip(feed.sitemaps, feed.modified, strict=True)
    depth = endpoint.depth + 1
    children = [replace(endpoint, url=url, depth=depth, modified=end_of(date)) for url, date in listed]
    return Reading("sitemap_index", children=children)
