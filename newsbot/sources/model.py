"""The catalogue's classes: a source, its section pages, and the error for a wrong file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class CatalogueError(ValueError):
    """The faults of an added catalogue: `faults`, one line of text each, of all files at once."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the catalogue cannot be read:", *self.faults]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A page that lists headlines, and CSS selectors (with `::attr()` and `::text`) for the parts of one.

    `items` selects one element per headline; the others apply inside it. The default `link` is the first
    `a::attr(href)`.
    """

    url: str
    items: str
    link: str | None = None
    title: str | None = None
    date: str | None = None
    summary: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One entry of the catalogue. docs/sources.md and schema.json explain the keys.

    `country` is ISO 3166-1 alpha-2 and `language` the primary tag of BCP 47, both in lower case; `delay` is in seconds;
    `timezone` is an IANA name; `section` is the section of articles that name none; `auth` is `env:NAME`, the
    environment variable that has `user:password`.
    """

    id: str
    name: str
    homepage: str
    country: str
    language: str
    timezone: str | None = None
    section: str | None = None
    delay: float | None = None
    auth: str | None = None
    feeds: tuple[str, ...] = ()
    news_sitemaps: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    sitemaps: tuple[str, ...] = ()
    enabled: bool = True
    reason: str | None = None

    @property
    def polled(self) -> tuple[str, ...]:
        """The URLs that `scrapy crawl headlines` fetches."""
        return (*self.feeds, *self.news_sitemaps, *(section.url for section in self.sections))

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> "Source":
        """A source from a checked entry: lists become tuples, sections `Section`s."""
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        if sections := entry.get("sections"):
            values["sections"] = tuple(Section(**section) for section in sections)
        return cls(**values)
