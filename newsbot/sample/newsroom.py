"""The stories of the made-up sites, read from `sites/` with dates counted from now."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

FOLDER: Traversable = resources.files("newsbot.sample")
APIS = WIRE, INDEX = "seven-seas-wire", "herring-index"  # the names of their declarations


@dataclass(frozen=True, kw_only=True)
class Story:
    """One story of an edition. `link` is the link in feeds; a fault of the feed may leave it empty or absurd."""

    slug: str
    section: str
    byline: str
    title: str
    summary: str
    link: str
    published: datetime


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A feed, sitemap or section page of `sites/*.yaml`."""

    path: str
    format: str  # a key of formats.FORMATS
    sections: list[str] = field(default_factory=list)  # empty: all
    titles: dict[str, str] = field(default_factory=dict)  # further stories, by slug, with their titles here
    children: list[str] = field(default_factory=list)  # of a sitemap index: paths
    encoding: str = "utf-8"
    gzip: bool = False
    validator: str | None = None  # "etag" or "last_modified", for conditional requests

    def pick(self, stories: list[Story]) -> list[Story]:
        """Its stories among those of the site, in order."""
        return [
            replace(story, title=self.titles.get(story.slug, story.title))
            for story in stories
            if not self.sections or story.section in self.sections or story.slug in self.titles
        ]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A made-up site. `name`, `language` and `homepage` come from the catalogue."""

    id: str
    name: str
    language: str
    homepage: str
    byline: str
    articles: str  # path above the article pages
    closing: list[str]  # sentences that end each article
    channels: list[Channel]
    stories: list[dict[str, Any]]
    moved: dict[str, str] = field(default_factory=dict)  # path to path, permanently
    delay: float = 0  # seconds before each answer

    @cached_property
    def host(self) -> str:
        """The host of the site."""
        return urlsplit(self.homepage).netloc

    def url(self, path: str) -> str:
        """The absolute URL of a path."""
        return self.homepage.rstrip("/") + path

    def edition(self, number: int, clock: datetime) -> list[Story]:
        """The stories of an edition, newest first; `age` counts in hours before `clock`."""
        stories = [self._story(facts, number, clock) for facts in self.stories if facts.get("edition", 1) <= number]
        return sorted(stories, key=lambda story: story.published, reverse=True)

    def _story(self, facts: dict[str, Any], number: int, clock: datetime) -> Story:
        facts = facts | (facts.get("edit", {}) if number > 1 else {})
        return Story(
            slug=facts["slug"],
            section=facts["section"],
            byline=facts.get("by", self.byline),
            title=facts["title"],
            summary=facts["summary"],
            link=facts.get("link", self.url(self.articles + facts["slug"])),
            published=clock - timedelta(hours=facts["age"]),
        )


def sites() -> list[Site]:
    """The sites of the sample catalogue."""
    return [_site(entry) for entry in read_yaml("catalogue.yaml")]


def _site(entry: dict[str, Any]) -> Site:
    facts = read_yaml(f"sites/{entry['id']}.yaml")
    channels = [Channel(**channel) for channel in facts.pop("channels")]
    shared = {key: entry[key] for key in ("id", "name", "language", "homepage")}
    return Site(channels=channels, **shared, **facts)


@contextmanager
def files(*paths: str) -> Iterator[list[Path]]:
    """Files of the sample newsroom on the disk; from a ZIP they exist only within the block."""
    with ExitStack() as stack:  # `as_file` takes a folder only from Python 3.12 on
        yield [stack.enter_context(resources.as_file(FOLDER / path)) for path in paths]


def read_yaml(path: str) -> Any:
    """The content of a YAML file of the sample newsroom."""
    return yaml.safe_load((FOLDER / path).read_bytes())
