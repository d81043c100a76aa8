"""Headlines of a section page, by the selectors of its source."""

from typing import Any, Protocol
from urllib.parse import urljoin

from parsel import Selector, SelectorList

from newsbot.extraction.dates import NO_HINTS, Hints, first_date


class Rule(Protocol):
    """CSS selectors, with `::text` and `::attr()` as parsel has them. All but `items` look within one element of it."""

    items: str  # one element a headline
    link: str | None  # default: the first link
    title: str | None  # default: the text of that link
    date: str | None  # of an element, its `datetime` attribute or its text
    summary: str | None


def headlines(page: Selector, rule: Rule, url: str, hints: Hints = NO_HINTS) -> list[dict[str, Any]]:
    """The entries of a page: dicts with `title`, `link`, `published` and `summary`, as far as the rule finds them, and
    `refused_date`, which is the date as it stands where it is not understood. `hints` are for dates.

    An element without a link is no headline and is passed over.
    """
    entries = []
    for element in page.css(rule.items):
        link = element.css(rule.link) if rule.link else element.xpath("(descendant-or-self::a[@href])[1]")
        href = _value(link, "href")
        if href:
            published, refused_date = _date(element.css(rule.date), hints) if rule.date else (None, None)
            entries.append(
                {
                    "title": _value(element.css(rule.title) if rule.title else link),
                    "link": urljoin(url, href),
                    "published": published,
                    "summary": _value(element.css(rule.summary)) if rule.summary else None,
                    "refused_date": refused_date,
                }
            )
    return entries


def first_words(text: str, length: int) -> str:
    """The start of a text in place of a title, cut between words."""
    return text if len(text) <= length else text[: length - 1].rsplit(None, 1)[0] + "…"


def _value(selected: SelectorList, attribute: str | None = None) -> str | None:
    """What a selector found, on one line: its strings, or the attribute or text of its first element."""
    if selected and not isinstance(selected[0].root, str):
        element = selected[0]
        strings = [element.attrib.get(attribute, "")] if attribute else element.xpath(".//text()").getall()
    else:
        strings = selected.getall()
    return " ".join("".join(strings).split()) or None


def _date(selected: SelectorList, hints: Hints) -> tuple[str | None, str | None]:
    return first_date(filter(None, (_value(selected, "datetime"), _value(selected))), hints)
