"""An address that is polled, and what an answer of it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from newsbot.batch import feed_name
from newsbot.logins import without_login
from newsbot.sources.api import HostKey
from newsbot.sources.model import Section, Source


@dataclass(slots=True, frozen=True, kw_only=True)
class Bounds:
    """What the settings say of all feeds."""

    interval_min: int  # seconds between two fetches
    interval_max: int  # seconds between two fetches
    refused_runs: int  # in a row that ask again for an answer of which all is refused
    children: int  # of an index that one run reads


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One address that is polled."""

    url: str
    source: Source
    kind: str  # "feed", "news_sitemap" or "section": what the catalogue says that it is
    bounds: Bounds
    section: Section | None = None  # how a section page is read
    depth: int = 0  # of sitemaps: how many indexes lead here
    modified: float | None = None  # of a child of an index: when it was changed at the latest, in Unix seconds
    key: HostKey | None = None  # the login, and who gets it: the host that the catalogue names, no child's
    name: str = field(init=False)  # what it is called in the database and for users: the URL, bounded, without a login

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", feed_name(without_login(self.url)))


@dataclass(slots=True)
class Reading:
    """What an answer holds."""

    kind: str  # what it turned out to be
    entries: Sequence[Mapping[str, Any]] = ()
    interval: int | None = None  # seconds that it asks to wait between two fetches
    children: Sequence[Endpoint] = ()  # of an index: to be fetched too
    whole: bool = True  # False for a part: its validators and its entries would hide the rest
    validated: bool = True  # False where it may be a part: its validators would hide the rest, the same entries do not
    remark: str | None = None  # what a user should know although nothing failed


class UnreadableError(ValueError):
    """An answer that is not what the endpoint is said to be; the message says what it is and what helps."""
