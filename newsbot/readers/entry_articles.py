"""Turns the entries of a feed, a sitemap or a section page into articles."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from newsbot.enrichment.entry_identity import MAX_ID, identify
from newsbot.extraction.rules import first_words
from newsbot.items import Article, Rank
from newsbot.readers.endpoint import Endpoint, Reading
from newsbot.sources.model import Source

TITLE_FROM_SUMMARY = 120  # characters, if a feed gives no titles

# Kinds of answers whose entries may share a link; on other pages a repeated link leads to one article.
FEEDS = {"rss", "atom", "rdf", "json"}

_RANKS = {"news_sitemap": Rank.SITEMAP, "section": Rank.SECTION}


def articles(reading: Reading, endpoint: Endpoint) -> Iterator[Article]:
    """The articles of an answer, each with the identity of its entry."""
    identities = identify(reading.entries, share_links=reading.kind in FEEDS)
    for entry, identity in zip(reading.entries, identities, strict=True):
        article = _article(entry, reading, endpoint)
        article.entry = identity
        article.external_id = identity.id or _short(entry.get("id"))
        article.canonical_url = identity.link
        yield article


def _short(id_: str | None) -> str | None:
    """An id that identifies nothing, for people who look at rejects."""
    return id_ if id_ and id_.isprintable() and len(id_) <= MAX_ID else None


def _article(entry: Mapping[str, Any], reading: Reading, endpoint: Endpoint) -> Article:
    """The article of an entry; the pipelines refuse it if a required field is missing."""
    source = endpoint.source
    title = entry["title"]
    if not title and entry["summary"]:
        title = first_words(entry["summary"], TITLE_FROM_SUMMARY)
    article = Article(
        url=entry["link"] or entry.get("refused_link") or "",
        title=title,
        source_id=source.id,
        origin=endpoint.name,
        rank=_RANKS.get(reading.kind, Rank.FEED),
        authors=entry.get("authors", []),
        published_at=_moment(entry["published"], source),
        summary=entry["summary"],
        language=entry.get("language") or source.language,
        section=entry.get("section") or source.section,
        keywords=entry.get("keywords", []),
        image_url=entry.get("image"),
        extra={"media": True} if entry.get("media") else None,
    )
    article.is_read = article.is_plain = True
    if given := entry.get("refused_date"):
        article.refused.append(("published_at", f"{given!r} is not a date that is understood", given))
    return article


def _moment(text: str | None, source: Source) -> datetime | None:
    """A date with its zone; by default the source's zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None and source.timezone:
        return moment.replace(tzinfo=ZoneInfo(source.timezone))
    return moment
