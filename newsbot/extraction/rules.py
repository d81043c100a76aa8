"""Headlines of a section page, by the selectors of its source."""

from typing import Any, Protocol
from urllib.parse import urljoin

from parsel import Selector, SelectorList

from newsbot.extraction.dates import parse_date


class Rule(Protocol):
    """CSS selectors: of one element a headline, and of what is looked for within it."""

    items: str
    link: str | None  # default: the first link
    title: str | None  # default: the text of the link
    date: str | None  # its `datetime` attribute, or its text
    summary: str | None


def headlines(page: Selector, rule: Rule, url: str) -> list[dict[str, Any]]:
    """The entries of a page: dicts with `title`, `link`, `published` and `summary`, as far as the rule finds them.

    An element without a link is no headline and is passed over.
    """
    entries = []
    for element in page.css(rule.items):
        link = (element.css(rule.link) if rule.link else element.css("a[href]") or element.xpath("self::a"))[:1]
        href = link.attrib.get("href")
        if not href:
            continue
        entries.append(
            {
                "title": _text(element.css(rule.title)[:1] if rule.title else link),
                "link": urljoin(url, href.strip()),
                "published": _date(element.css(rule.date)[:1]) if rule.date else None,
                "summary": _text(element.css(rule.summary)[:1]) if rule.summary else None,
            }
        )
    return entries


def first_words(text: str, length: int) -> str:
    """The start of a text in place of a title, cut between words."""
    return text if len(text) <= length else text[: length - 1].rsplit(None, 1)[0] + "…"


def _text(selected: SelectorList) -> str | None:
    return " ".join("".join(selected.xpath(".//text()").getall()).split()) or None


def _date(selected: SelectorList) -> str | None:
    return parse_date(selected.attrib.get("datetime") or _text(selected) or "")
