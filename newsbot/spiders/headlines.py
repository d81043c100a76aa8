"""The main job: headlines of the sources in the catalogue, by feed, news sitemap and section page."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from scrapy.crawler import Crawler
from scrapy.http import Response

from newsbot.extraction import pages, rules
from newsbot.extraction.dates import Hints
from newsbot.extraction.feeds import Feed, FeedError, parse
from newsbot.extraction.sitemaps import end_of
from newsbot.hosts import with_ascii_host
from newsbot.items import Article, Rank
from newsbot.sources.api import HostKey
from newsbot.sources.catalogue import load, select
from newsbot.sources.model import Source
from newsbot.sources.secrets import Login, variable_of
from newsbot.spiders.base import answers
from newsbot.spiders.base.arguments import names, read, shard, switch
from newsbot.spiders.base.polling import Endpoint, PollingSpider, Reading, UnreadableError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

READERS = 2  # raised when feeds and pages are read in another way: then each is read again, though it did not change
MAX_DEPTH = 2  # of sitemap indexes in sitemap indexes
TITLE_FROM_SUMMARY = 120  # characters, where a feed gives no titles

_RANKS = {"news_sitemap": Rank.SITEMAP, "section": Rank.SECTION}


class HeadlinesSpider(PollingSpider):
    """`scrapy crawl headlines [-a sources=bbc,guardian] [-a country=fr] [-a language=de] [-a shard=0/4] [-a due=1]
    [-a catalogue=FILE]`.
    """

    name = "headlines"

    @classmethod
    def read_arguments(cls, given: Mapping[str, str], settings: "BaseSettings | None" = None) -> dict[str, Any]:
        """The arguments as values, and, where the settings are known, the `selected` sources.

        Raises `ArgumentError`, `CatalogueError` or `SelectionError`.
        """
        known = {
            "sources": names,
            "country": str,
            "language": str,
            "shard": shard,
            "due": switch,
            "catalogue": str,
        }
        values = read(cls.name, given, known)
        if settings is not None:
            paths = [path for path in (settings["CATALOGUE"], values["catalogue"]) if path]
            narrowed = {key: values[key] for key in ("sources", "country", "language", "shard")}
            values["selected"] = select(load(paths), **narrowed)
        return values

    @classmethod
    def from_crawler(cls, crawler: Crawler, **arguments: str) -> Self:
        """Take the arguments. Raises what `read_arguments` does."""
        given = cls.read_arguments(arguments, crawler.settings)
        spider = super().from_crawler(crawler, _job=arguments.get("_job"))
        spider.due_only = bool(given["due"])
        spider.selected = given["selected"]
        if not spider.selected:
            spider.logger.warning("Shard %d/%d has none of the sources: there is nothing to do", *given["shard"])
        crawler.settings.set("DOWNLOAD_SLOTS", _slots(spider.selected), priority="spider")
        return spider

    def endpoints(self) -> Iterator[Endpoint]:
        """Feeds, news sitemaps and section pages of the selected sources."""
        for source in self.selected:
            for url in source.feeds:
                yield Endpoint(url, source, "feed", key=_key(url, source))
            for url in source.news_sitemaps:
                yield Endpoint(url, source, "news_sitemap", key=_key(url, source))
            for section in source.sections:
                yield Endpoint(section.url, source, "section", facts=section, key=_key(section.url, source))

    def fingerprint(self, endpoint: Endpoint) -> str:
        """Of what the catalogue says about reading, and of the readers."""
        source = endpoint.source
        facts = (READERS, endpoint.facts, source.country, source.language, source.timezone, source.section)
        return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()

    def read(self, response: Response, endpoint: Endpoint) -> Reading:
        """The entries of a feed, sitemap or section page."""
        if endpoint.kind == "section":
            return self._read_section(response, endpoint)
        try:
            country = endpoint.source.country
            feed = parse(response.body, response.url, country=country, **_told(response, endpoint))
        except FeedError as error:
            raise UnreadableError(f"is no feed: {error}") from None
        if feed.kind == "sitemap_index":
            return self._read_index(feed, endpoint)
        if feed.kind == "sitemap" and feed.entries and not any(entry["title"] for entry in feed.entries):
            raise UnreadableError("is a sitemap without titles: list it under `sitemaps`")
        language = feed.language
        if language and endpoint.source.language and not language.lower().startswith(endpoint.source.language):
            language = None  # feed software that was never set up says "en": let the text decide
        for entry in feed.entries:
            entry["language"] = entry["language"] or language or (None if feed.language else endpoint.source.language)
        cut = () if feed.whole else ("it was cut off: what is missing may come with the next fetch",)
        remark = "; ".join((*cut, *feed.remarks)) or None
        return Reading(feed.kind, feed.entries, interval=feed.interval, whole=feed.whole, remark=remark)

    def _read_index(self, feed: Feed, endpoint: Endpoint) -> Reading:
        if endpoint.depth >= MAX_DEPTH:
            raise UnreadableError(f"is an index of sitemaps, {MAX_DEPTH + 1} deep: list one of those that it leads to")
        listed = zip(feed.sitemaps, feed.modified, strict=True)
        depth = endpoint.depth + 1
        children = [replace(endpoint, url=url, depth=depth, modified=end_of(date)) for url, date in listed]
        return Reading("sitemap_index", children=children)

    def _read_section(self, response: Response, endpoint: Endpoint) -> Reading:
        try:
            page = pages.read(response.body, response.url, **_told(response, endpoint))
        except pages.PageError as error:
            raise UnreadableError(f"is no page that can be read: {error}") from None
        hints = Hints(endpoint.source.country, endpoint.source.language)
        rule = endpoint.facts
        entries, cut, beyond = rules.headlines(page, rule, hints)
        if cut and not entries:
            raise UnreadableError("is cut off in its first headline")
        if not entries:
            raise UnreadableError(f"the selector {rule.items!r} matches no headline: was the page rebuilt?")
        if rule.title and not any(entry["title"] for entry in entries):
            found = f"finds no title in any of the {len(entries)} headlines of {rule.items!r}"
            raise UnreadableError(f"the selector {rule.title!r} {found}")
        is_undated = rule.date and not any(entry["published"] or entry["refused_date"] for entry in entries)
        remarks = (
            f"the selector {rule.date!r} finds no date in any headline" if is_undated else None,
            "it was cut off in a headline, which is left out: it may come with the next fetch" if cut else None,
            f"{beyond} headlines beyond the first {rules.MAX_HEADLINES} are left out" if beyond else None,
        )
        remark = "; ".join(filter(None, remarks)) or None
        return Reading("section", entries, validated=page.whole, remark=remark)

    def item(self, entry: Mapping[str, Any], reading: Reading, endpoint: Endpoint) -> Article:
        """The article of an entry; what is missing is left for the pipelines to refuse."""
        source = endpoint.source
        title = entry["title"]
        if not title and entry["summary"]:
            title = rules.first_words(entry["summary"], TITLE_FROM_SUMMARY)
        item = Article(
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
        item.is_read = True
        if given := entry.get("refused_date"):
            item.refused.append(("published_at", f"{given!r} is not a date that is understood", given))
        return item


def _told(response: Response, endpoint: Endpoint) -> dict[str, str | None]:
    """What helps with the encoding of an answer."""
    return {"content_type": answers.header(response, "Content-Type"), "language": endpoint.source.language}


def _key(url: str, source: Source) -> HostKey | None:
    """The login of a source, for the server that the catalogue names."""
    if source.auth is None:
        return None
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    login = Login(variable_of(source.auth))
    return HostKey(parts.hostname, login, may_be_plain=parts.scheme == "http", port=port)


def _moment(text: str | None, source: Source) -> datetime | None:
    """A date with its zone; the source's zone where the feed has none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None and source.timezone:
        return moment.replace(tzinfo=ZoneInfo(source.timezone))
    return moment


def _slots(sources: list[Source]) -> dict[str, dict[str, float]]:
    """Download slots of the hosts whose source says a delay, which is then kept to the letter."""
    slots = {}
    for source in sources:
        if source.delay is not None:
            for url in source.polled:
                slots[urlsplit(with_ascii_host(url)).hostname] = {"delay": source.delay, "jitter": 0}
    return slots
