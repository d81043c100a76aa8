"""The result of reading a feed: its entries."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from newsbot import values

# Above the limits of what is stored, so that a later stage sees that a value is too long.
MAX_TITLE_CHARS = 2 * values.MAX_TITLE
MAX_SUMMARY_CHARS = values.MAX_TEASER
MAX_NAME_CHARS = values.MAX_NAME + 1  # an author, a keyword, a section, a language
MAX_URL_CHARS = 4 * values.MAX_URL  # a link, an image, an id
MAX_LIST = values.MAX_NAMES  # authors of one entry
MAX_INHERITED = 10  # authors of a feed, inherited by every entry without its own
MAX_KEYWORDS = values.MAX_NAMES  # of one entry: a word of a list has three bytes on the wire and sixty in memory
MAX_UNREADABLE_DATES = 10_000  # of one feed: every notation is tried on each
MAX_ENTRIES = 100_000  # of one feed; a sitemap may have 50,000

Kind = Literal["rss", "atom", "rdf", "json", "sitemap", "news_sitemap", "sitemap_index"]


class FeedError(ValueError):
    """The bytes are not a feed. `looks_like` says what they are instead."""

    def __init__(self, message: str, looks_like: Literal["html", "empty", "json", "binary", "unknown"]) -> None:
        super().__init__(message)
        self.looks_like = looks_like


def check_count(entries: int) -> None:
    """Raise FeedError for more than `MAX_ENTRIES`, before they are read."""
    if entries > MAX_ENTRIES:
        raise FeedError(f"found more than {MAX_ENTRIES} entries, expected at most that number", "unknown")


class Entry(TypedDict):
    """One entry; every key is always there. Texts are plain, bounded by the constants above, and storable."""

    title: str | None
    link: str | None  # absolute, http or https
    published: str | None  # ISO 8601, without an offset if the feed gave no zone; default: `updated`
    updated: str | None
    author: str | None  # the names of `authors`, separated by commas
    authors: list[str]
    summary: str | None
    image: str | None  # absolute, http or https
    id: str | None  # as the feed gives it
    language: str | None  # only the entry's own
    section: str | None
    keywords: list[str]
    media: bool  # whether the link is the entry's audio, video or document, not a page
    refused_link: str | None  # the link as written, if it is not an http or https URL
    refused_date: str | None  # the date of publication as written, if it is not understood


@dataclass(slots=True)
class Feed:
    """A feed, a sitemap or an index of sitemaps."""

    kind: Kind
    title: str | None = None
    link: str | None = None
    language: str | None = None
    interval: int | None = None  # seconds that the feed asks to wait between fetches
    entries: list[Entry] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)  # children of a sitemap index
    modified: list[str | None] = field(default_factory=list)  # their times of modification, in ISO 8601
    whole: bool = True  # False if the document was cut off
    remarks: tuple[str, ...] = ()  # faults that were mended


Found = tuple[str | None, str | None]  # a date; or its text, if it is not understood


def dates(published: Found, updated: Found) -> dict[str, Any]:
    """The date keys of an entry: `updated` stands in for a missing `published`; with the refused text, if any."""
    return {
        "published": published[0] or updated[0],
        "updated": updated[0],
        "refused_date": published[1] or (None if published[0] else updated[1]),
    }


def blank(**given: Any) -> Entry:
    """An entry with the given keys filled and the others empty."""
    empty: Entry = {
        "title": None,
        "link": None,
        "published": None,
        "updated": None,
        "author": None,
        "authors": [],
        "summary": None,
        "image": None,
        "id": None,
        "language": None,
        "section": None,
        "keywords": [],
        "media": False,
        "refused_link": None,
        "refused_date": None,
    }
    return {**empty, **given}
