"""JSON Feed 1.0 and 1.1. Source: https://www.jsonfeed.org/version/1.1/."""

import json
import re
from contextlib import suppress
from typing import Any

from newsbot.extraction import media
from newsbot.extraction.dates import NO_HINTS, Hints, first_date
from newsbot.extraction.entries import (
    MAX_INHERITED,
    MAX_LIST,
    MAX_NAME_CHARS,
    MAX_SUMMARY_CHARS,
    MAX_TITLE_CHARS,
    MAX_URL_CHARS,
    Entry,
    Feed,
    blank,
    check_count,
    dates,
)
from newsbot.extraction.links import absolute
from newsbot.extraction.markup import first_image, plain, squash
from newsbot.values import resolved, whole

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_NEAR_THE_END = 10  # characters of a value that is cut off, as "tru" or "\\u00"


def cut_off(text: str, error: Exception) -> dict[str, Any] | None:
    """The feed in JSON that is cut off, with its complete items; None if `error` shows another fault, or if it ends
    before the first item."""
    ends_early = isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(text.rstrip()) - _NEAR_THE_END or error.msg.startswith("Unterminated string")
    )
    listed = _ITEMS.search(text)
    if not ends_early or not listed:
        return None
    try:
        document = json.loads(f"{text[: listed.end()]}]}}")
    except ValueError:  # another list of that name
        return None
    at, decoder = listed.end(), json.JSONDecoder()
    with suppress(ValueError):  # here it ends
        while True:
            item, at = decoder.raw_decode(text, _BETWEEN.match(text, at).end())
            document["items"].append(item)
    return document


def read(document: dict[str, Any], url: str, hints: Hints = NO_HINTS) -> Feed:
    """The feed in a decoded JSON Feed; `hints` are for its dates. A value of a wrong type counts as missing.

    An item that `lenient_json` could not read becomes an entry without a link, so that it is refused with its text.
    """
    home = absolute(_text(document, "home_page_url"), url)
    base = home or url
    authors = _authors(document)[:MAX_INHERITED]
    inherited = authors, ", ".join(authors) or None
    items = document.get("items")
    items = [item for item in items if isinstance(item, dict | str)] if isinstance(items, list) else []
    check_count(len(items))
    return Feed(
        kind="json",
        title=_line(_text(document, "title"), MAX_TITLE_CHARS),
        link=home,
        language=squash(_text(document, "language"), MAX_NAME_CHARS),
        entries=[_entry(item, base, inherited, hints) for item in items],
    )


def _entry(item: dict[str, Any] | str, base: str, inherited: tuple[list[str], str | None], hints: Hints) -> Entry:
    if isinstance(item, str):
        return blank(summary=squash(whole(item), MAX_SUMMARY_CHARS))
    identity = _text(item, "id")
    raw = _text(item, "url") or _text(item, "external_url") or (identity if identity.startswith("http") else "")
    link = absolute(raw, base)
    files = _files(item, base)
    is_media = link in files
    if not link and files:
        link, is_media = files[0], True
    html = _text(item, "content_html")
    authors = _authors(item)
    authors, author = (authors, ", ".join(authors)) if authors else inherited
    image = _text(item, "image") or _text(item, "banner_image") or first_image(html) or ""
    tags = item.get("tags")
    return {
        "title": _line(_text(item, "title"), MAX_TITLE_CHARS),
        "link": link,
        **dates(*(first_date([_text(item, name)], hints) for name in ("date_published", "date_modified"))),
        "author": author,
        "authors": authors,
        "summary": _line(_text(item, "summary") or _text(item, "content_text"), MAX_SUMMARY_CHARS)
        or plain(html, MAX_SUMMARY_CHARS),
        "image": absolute(image, base),
        "id": squash(identity, MAX_URL_CHARS),
        "language": squash(_text(item, "language"), MAX_NAME_CHARS),
        "section": None,
        "keywords": _names(tags) if isinstance(tags, list) else [],
        "media": is_media,
        "refused_link": None if link else raw.strip()[:MAX_URL_CHARS] or None,
    }


def _files(item: dict[str, Any], base: str) -> list[str]:
    """The addresses of the attachments."""
    attachments = item.get("attachments")
    if not isinstance(attachments, list):
        return []
    named = [each for each in attachments[:MAX_LIST] if isinstance(each, dict)]
    files = [(absolute(_text(each, "url"), base), _text(each, "mime_type")) for each in named]
    return [file.address for file in media.by_rank(media.File(address, form) for address, form in files if address)]


def _authors(item: dict[str, Any]) -> list[str]:
    """Names by version 1.1 (`authors`), else by 1.0 (`author`)."""
    authors = item.get("authors")
    people = authors if isinstance(authors, list) and authors else [item.get("author")]
    return _names([person.get("name") if isinstance(person, dict) else person for person in people])


def _names(values: list[Any]) -> list[str]:
    names = [_line(whole(value), MAX_NAME_CHARS) for value in values[:MAX_LIST] if isinstance(value, str)]
    return list(dict.fromkeys(filter(None, names)))


def _line(text: str, limit: int) -> str | None:
    """A plain text; many services escape it as HTML, so character references are resolved, once."""
    return squash(resolved(text), limit)


def _text(item: dict[str, Any], key: str) -> str:
    """The value of a key as a string that can be stored; numbers too, because ids are often numbers."""
    value = item.get(key)
    if isinstance(value, str):
        return whole(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
