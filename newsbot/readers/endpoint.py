"""A polled address, and the contents of its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from newsbot.batch import feed_name
from newsbot.logins import without_login
from newsbot.sources.api import HostKey
from newsbot.sources.model import Section, Source


@dataclass(slots=True, frozen=True, kw_only=True)
class Bounds:
    """The limits that the settings set for all feeds."""

    interval_min: int  # least seconds between two fetches
    interval_max: int  # most seconds between two fetches
    refused_runs: int  # runs in a row that request an answer again if all of it was refused
    children: int  # sitemaps of an index that one run reads


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One polled address."""

    url: str
    source: Source
    kind: str  # the kind in the catalogue: "feed", "news_sitemap" or "section"
    bounds: Bounds
    section: Section | None = None  # the selectors of a section page
    depth: int = 0  # of sitemaps: the number of indexes that lead here
    modified: float | None = None  # of a child of an index: the latest time of its last change, in Unix seconds
    key: HostKey | None = None  # the login, and its host: the host in the catalogue, not a child's
    name: str = field(init=False)  # its name in the database and for users: the URL, shortened, without a login

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", feed_name(without_login(self.url)))


@dataclass(slots=True)
class Reading:
    """The contents of an answer."""

    kind: str  # the detected kind
    entries: Sequence[Mapping[str, Any]] = ()
    interval: int | None = None  # seconds that it asks to wait between two fetches
    children: Sequence[Endpoint] = ()  # of an index: to be fetched too
    whole: bool = True  # False for a part: its validators and its entries would hide the rest
    validated: bool = True  # False if it may be a part: its validators would hide the rest, equal entries would not
    remark: str | None = None  # for users, although nothing failed


class UnreadableError(ValueError):
    """An answer that is not of the endpoint's kind; the message says what it is and what helps."""
