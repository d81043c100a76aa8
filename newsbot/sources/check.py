"""Reads added catalogue files, with their lines, and checks them whole: one error reports every fault.

`python -m newsbot.sources.check` prints the JSON Schema in schema.json.
"""

import json
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import parsel
from cssselect import SelectorError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
    field_validator,
)

from newsbot.logins import has_login
from newsbot.sources import yaml_files
from newsbot.sources.document import Where
from newsbot.sources.model import CatalogueError, Source
from newsbot.sources.secrets import variable_of
from newsbot.sources.yaml_files import FaultyFileError, Text, Timezone, fault, perhaps

# ISO 639-1. A language without a two-letter code has a three-letter one, of which only the form is checked.
_LANGUAGES = frozenset(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is
    it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms
    mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk
    sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi
    yo za zh zu
    """.split()  # noqa: SIM905
)
# Country codes that people often give as language codes.
_LANGUAGE_OF = {
    "at": "de",
    "cn": "zh",
    "cz": "cs",
    "dk": "da",
    "gb": "en",
    "gr": "el",
    "jp": "ja",
    "ua": "uk",
    "us": "en",
}


def _id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise fault("expected lower-case ASCII letters, digits and single hyphens between them, as 'example-news'")
    return value


def _no_login(value: str) -> str:
    if has_login(value):
        raise fault(_LOGIN, "absent")
    return value


def checked_url(value: str) -> str:
    """An http(s) URL, for an AfterValidator."""
    if re.search(r"[\s\x00-\x1f]", value):
        raise fault("a URL has no blanks; write %20 for one, and each URL on a line of its own")
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise fault(f"not a URL: {error}") from error
    if not whole:
        raise fault("expected http:// or https:// and a host, as https://www.example.com/feed.xml")
    return value


def _auth(value: object) -> object:
    if not isinstance(value, str) or not variable_of(value):
        raise fault("expected env:NAME, of an environment variable NAME that has user:password", "absent")
    return value


@cache
def _countries() -> dict[str, str]:
    """English short name by code in lower case, from the time zone database's copy of ISO 3166-1."""
    table = (resources.files("tzdata") / "zoneinfo/iso3166.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {code.lower(): name for code, name in rows}


def _country(value: str) -> str:
    countries = _countries()
    if value not in countries:
        names = {name.lower(): code for code, name in countries.items()} | {code: code for code in countries}
        names["uk"] = "gb"
        near = get_close_matches(value.lower(), names, n=1)
        hint = f"; perhaps {names[near[0]]!r}" if near else ""
        raise fault(f"expected an ISO 3166-1 alpha-2 code in lower case, as 'fr'{hint}")
    return value


def _language(value: str) -> str:
    if value not in _LANGUAGES and not re.fullmatch("[a-z]{3}", value):
        primary = re.split("[-_]", value.lower())[0]
        near = _LANGUAGE_OF.get(primary, primary)
        hint = f"; perhaps {near!r}" if near in _LANGUAGES else perhaps(primary, sorted(_LANGUAGES))
        raise fault(f"expected a primary language tag of BCP 47 (ISO 639) in lower case, as 'de'{hint}")
    return value


def _css(value: str) -> str:
    try:
        parsel.css2xpath(value)
    except SelectorError as error:
        raise fault(f"not a CSS selector: {error}") from error
    return value


def _element(value: str) -> str:
    if re.search(r"::[a-z-]+(\([^)]*\))?\s*$", value):
        raise fault("expected a selector of an element, without ::text or ::attr()")
    return _css(value)


_LOGIN = (
    "a login in a URL would be visible: take it out, write `auth: env:NAME` in the entry of the source, and put"
    " user:password into the environment variable NAME"
)

Url = Annotated[
    str,
    AfterValidator(_no_login),
    AfterValidator(checked_url),
    Field(json_schema_extra={"format": "uri", "pattern": "^https?://"}),
]
Css = Annotated[str, AfterValidator(_css)]
Language = Annotated[str, AfterValidator(_language), Field(json_schema_extra={"pattern": "^[a-z]{2,3}$"})]


class SectionEntry(BaseModel):
    """A page that lists headlines. The selectors are CSS, with `::text` and `::attr()`."""

    model_config = ConfigDict(extra="forbid")

    url: Url = Field(description="the page")
    items: Annotated[str, AfterValidator(_element)] = Field(description="selects the element of each headline")
    link: Css | None = Field(None, description="inside it, the link; without it the first `a::attr(href)`")
    title: Css | None = Field(None, description="inside it, the title; without it the text of the link")
    date: Css | None = Field(None, description="inside it, the date of publication")
    summary: Css | None = Field(None, description="inside it, the summary")


class Entry(BaseModel):
    """A source: a news site or a part of one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "if": {"properties": {"enabled": {"const": False}}, "required": ["enabled"]},
            "then": {"required": ["reason"]},
            "else": {"anyOf": [{"required": ["feeds"]}, {"required": ["news_sitemaps"]}, {"required": ["sections"]}]},
        },
    )

    id: Annotated[str, AfterValidator(_id)] = Field(
        description="its name after `-a sources=`: lower-case ASCII letters, digits and hyphens",
        json_schema_extra={"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
    )
    name: Text = Field(description="its name for readers")
    homepage: Url = Field(description="URL of the front page")
    country: Annotated[str, AfterValidator(_country)] = Field(
        description="ISO 3166-1 alpha-2 code in lower case, as `fr`", json_schema_extra={"pattern": "^[a-z]{2}$"}
    )
    language: Language = Field(description="primary language tag of BCP 47 in lower case, as `de`")
    timezone: Timezone | None = Field(
        None, description="IANA time zone of dates without one, as `Europe/Berlin`; without it UTC"
    )
    section: Text | None = Field(None, description="section of articles that name none, as `sport`")
    delay: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None,
        description="seconds between two requests to one host; without it the setting `DOWNLOAD_DELAY`; 0, for servers"
        " of your own: no pause, and no limit on concurrent requests",
    )
    auth: Annotated[str, BeforeValidator(_auth)] | None = Field(
        None,
        description="`env:NAME`: the environment variable NAME has `user:password`; only the servers of the URLs below"
        " get it",
        json_schema_extra={"pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$"},
    )
    feeds: list[Url] = Field([], description="URLs of RSS, Atom or JSON feeds")
    news_sitemaps: list[Url] = Field([], description="URLs of news sitemaps, or of an index of such")
    sections: list[SectionEntry] = Field([], description="pages that list headlines, with selectors")
    sitemaps: list[Url] = Field([], description="URLs of ordinary sitemaps; the headlines do not need them")
    enabled: bool = Field(True, description="`false` keeps the entry but does not fetch it", validate_default=True)
    reason: Text | None = Field(
        None, description="why it is not enabled, or why the delay is unusual", validate_default=True
    )

    @field_validator("enabled")
    @classmethod
    def _has_something_to_fetch(cls, enabled: bool, info: ValidationInfo) -> bool:
        # A key that is absent from `info.data` has a fault of its own.
        if enabled and not any(info.data.get(key, True) for key in ("feeds", "news_sitemaps", "sections")):
            raise fault("nothing to fetch; give feeds, news_sitemaps or sections, or enabled: false", "absent")
        return enabled

    @field_validator("reason")
    @classmethod
    def _says_why_not(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if reason is None and info.data.get("enabled") is False:
            raise fault("missing; an entry that is not enabled says why", "absent")
        return reason


_ENTRIES = TypeAdapter(list[Entry])


def schema() -> str:
    """The JSON Schema of a catalogue file, as schema.json holds it."""
    return json.dumps(_ENTRIES.json_schema() | {"title": "newsbot catalogue"}, indent=2) + "\n"


def read(paths: Sequence[Path | str]) -> list[Source]:
    """The sources of files and of folders of *.yaml and *.yml, in the order given.

    Raises CatalogueError with all faults of all files.
    """
    faults: list[str] = []
    sources: list[Source] = []
    for path in map(Path, paths):
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))
            if not files:
                faults.append(f"{path}: the folder holds no *.yaml or *.yml")
        for file in files:
            try:
                sources += _read(file)
            except OSError as error:
                faults.append(f"{file}: {error.strerror}; expected a file, or a folder of *.yaml")
            except FaultyFileError as error:
                faults += error.faults
    if faults:
        raise CatalogueError(faults)
    return sources


def _read(file: Path) -> list[Source]:
    checked = yaml_files.read(file, _ENTRIES, identity="id", more=_repeated_urls)
    return [Source.from_entry(entry.model_dump(exclude_unset=True)) for entry in checked]


def _repeated_urls(data: list[Any]) -> Iterator[tuple[Where, str]]:
    """The URLs that an entry has twice: a run fetches a URL once, and reads the answer in one way."""
    for number, entry in enumerate(data):
        first: dict[str, str] = {}
        for where, url in _polled(entry) if isinstance(entry, dict) else ():
            place = f"{where[0]}[{where[1]}]"
            if first.setdefault(url, place) != place:
                hint = "; `items` takes several selectors, with commas between" if where[0] == "sections" else ""
                yield (number, *where), f"the URL is that of {first[url]}, too; expected once{hint}"


def _polled(entry: dict[str, Any]) -> Iterator[tuple[Where, str]]:
    for key in ("feeds", "news_sitemaps", "sections"):
        for number, each in enumerate(given if isinstance(given := entry.get(key), list) else ()):
            where, url = ((key, number, "url"), each.get("url")) if isinstance(each, dict) else ((key, number), each)
            if isinstance(url, str):
                yield where, url


if __name__ == "__main__":
    print(schema(), end="")
