"""Headlines of the sources in the catalogue, from feeds, news sitemaps and section pages."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from scrapy.crawler import Crawler

from newsbot.hosts import with_ascii_host
from newsbot.readers.endpoint import Endpoint
from newsbot.sources.api import HostKey
from newsbot.sources.catalogue import load, select
from newsbot.sources.model import Source
from newsbot.sources.secrets import Login, variable_of
from newsbot.spiders.base.arguments import Described, Known, describe, names, read, shard, switch
from newsbot.spiders.base.polling import PollingSpider

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class HeadlinesSpider(PollingSpider):
    """Headlines of the sources in the catalogue: `scrapy crawl headlines [-a sources=bbc,guardian] [-a country=fr]`."""

    name = "headlines"
    arguments: ClassVar[dict[str, Known]] = {
        "sources": Known(names, "ids of sources, as `bbc,guardian`, from `scrapy sources`", "all enabled sources"),
        "country": Known(str, "sources of these countries only, ISO 3166-1 alpha-2 as `fr,be`", "all"),
        "language": Known(str, "sources in these languages only, ISO 639-1 as `de,fr`", "all"),
        "shard": Known(shard, "part i of n of the sources, as `0/4`, for a run on several machines", "all sources"),
        "due": Known(switch, "`1` asks only for feeds that are due, each at its own interval", "0: all feeds"),
        "catalogue": Known(str, "a file or folder with more sources, beside those of the setting CATALOGUE"),
    }

    @classmethod
    def describe_arguments(cls, given: Mapping[str, str]) -> list[Described]:
        """The arguments with their help."""
        return describe(cls.arguments)

    @classmethod
    def read_arguments(cls, given: Mapping[str, str], settings: "BaseSettings | None" = None) -> dict[str, Any]:
        """The arguments as values and, with settings, the `selected` sources.

        Raises `ArgumentError`, `CatalogueError` or `SelectionError`.
        """
        values = read(cls.name, given, {name: known.read for name, known in cls.arguments.items()})
        if settings is not None:
            paths = [path for path in (settings["CATALOGUE"], values["catalogue"]) if path]
            narrowed = {key: values[key] for key in ("sources", "country", "language", "shard")}
            values["selected"] = select(load(paths), **narrowed)
        return values

    @classmethod
    def from_crawler(cls, crawler: Crawler, **arguments: str) -> Self:
        """Read the arguments. Raises the errors of `read_arguments`."""
        given = cls.read_arguments(arguments, crawler.settings)
        spider = super().from_crawler(crawler, _job=arguments.get("_job"))
        spider.due_only = bool(given["due"])
        spider.selected = given["selected"]
        if not spider.selected:
            spider.logger.warning("Shard %d/%d has none of the sources: nothing to do", *given["shard"])
        crawler.settings.set("DOWNLOAD_SLOTS", _slots(spider.selected), priority="spider")
        return spider

    def endpoints(self) -> Iterator[Endpoint]:
        """Feeds, news sitemaps and section pages of the selected sources."""
        bounds = self.bounds
        for source in self.selected:
            for url in source.feeds:
                yield Endpoint(url, source, "feed", bounds, key=_key(url, source))
            for url in source.news_sitemaps:
                yield Endpoint(url, source, "news_sitemap", bounds, key=_key(url, source))
            for section in source.sections:
                yield Endpoint(section.url, source, "section", bounds, section, key=_key(section.url, source))


def _key(url: str, source: Source) -> HostKey | None:
    """The login of a source, for the server in the catalogue."""
    if source.auth is None:
        return None
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    login = Login(variable_of(source.auth))
    return HostKey(parts.hostname, login, may_be_plain=parts.scheme == "http", port=port)


def _slots(sources: list[Source]) -> dict[str, dict[str, float]]:
    """Download slots for the hosts of sources with a delay: exactly that delay."""
    slots = {}
    for source in sources:
        if source.delay is not None:
            for url in source.polled:
                slots[urlsplit(with_ascii_host(url)).hostname] = {"delay": source.delay, "jitter": 0}
    return slots
