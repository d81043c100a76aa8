"""Finds the headlines of a section page by the selectors of its source."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from parsel import SelectorList

from newsbot.extraction.dates import NO_HINTS, Hints, first_date
from newsbot.extraction.entries import MAX_SUMMARY_CHARS, MAX_TITLE_CHARS, MAX_URL_CHARS
from newsbot.extraction.links import absolute
from newsbot.extraction.pages import Page

MAX_HEADLINES = 10_000  # of one page: they are read in one go; the largest of 638 pages has 19,437 tags
_MOST_AROUND = 10  # headlines around another: each of them searches the inner one too
_SPACE = 20  # characters of white space that become one


class Rule(Protocol):
    """CSS selectors, with parsel's `::text` and `::attr()`. All but `items` apply within one element of `items`."""

    @property
    def items(self) -> str:
        """Selects one element per headline."""

    @property
    def link(self) -> str | None:
        """Selects the link. Default: the first link."""

    @property
    def title(self) -> str | None:
        """Selects the title. Default: the text of the link."""

    @property
    def date(self) -> str | None:
        """Selects the date: a text, or an element with a `datetime` attribute or a text."""

    @property
    def summary(self) -> str | None:
        """Selects the summary: a text, or an element with one."""


class Headlines(NamedTuple):
    """The headlines that a rule finds on a page."""

    entries: list[dict[str, Any]]
    cut: int  # headlines in which the page ends; they are left out, because title or link may be incomplete
    beyond: int  # elements that are left out because there are more than `MAX_HEADLINES`


def headlines(page: Page, rule: Rule, hints: Hints = NO_HINTS) -> Headlines:
    """The headlines of a page: dicts with `title`, `link`, `published` and `summary`, as far as the rule finds them;
    `refused_link`, the link as written if it is not an http or https URL; and `refused_date`, the date as written if it
    is not understood. `hints` are for dates.

    An element without a link is ignored, unless `rule.title` finds a title in it; an element inside more than ten
    others is ignored too.
    """
    entries = []
    cut = 0
    elements = page.tree.css(rule.items)
    around: dict[Any, int] = {}  # the number of headlines around each
    for element in elements[:MAX_HEADLINES]:
        outer = next((each for each in element.root.iterancestors() if each in around), None)
        around[element.root] = 0 if outer is None else around[outer] + 1
        if around[element.root] > _MOST_AROUND:
            continue
        link = element.css(rule.link) if rule.link else element.xpath("(descendant-or-self::a[@href])[1]")
        href = _value(link, MAX_URL_CHARS, "href")
        title = _value(element.css(rule.title) if rule.title else link, MAX_TITLE_CHARS)
        if not href and not (rule.title and title):
            continue
        if element.root in page.open:
            cut += 1
        else:
            address = absolute(href or "", page.base)
            published, refused_date = _date(element.css(rule.date), hints) if rule.date else (None, None)
            entries.append(
                {
                    "title": title,
                    "link": address,
                    "published": published,
                    "summary": _value(element.css(rule.summary), MAX_SUMMARY_CHARS) if rule.summary else None,
                    "refused_link": None if address else href,
                    "refused_date": refused_date,
                }
            )
    return Headlines(entries, cut, max(0, len(elements) - MAX_HEADLINES))


def first_words(text: str, length: int) -> str:
    """The start of a text in place of a title, cut between words."""
    return text if len(text) <= length else text[: length - 1].rsplit(None, 1)[0] + "…"


def _value(selected: SelectorList, limit: int, attribute: str | None = None) -> str | None:
    """The result of a selector, on one line, up to `limit` characters: its strings, or the attribute or text of its
    first element."""
    strings: Iterable[str]
    if selected and not isinstance(selected[0].root, str):
        element = selected[0]
        strings = [element.attrib.get(attribute, "")] if attribute else element.root.itertext()
    else:
        strings = (each.get() for each in selected)
    return " ".join(_first(strings, _SPACE * limit).split())[:limit].rstrip() or None


def _first(strings: Iterable[str], length: int) -> str:
    parts = []
    for string in strings:
        parts.append(string[:length])
        length -= len(string)
        if length <= 0:
            break
    return "".join(parts)


def _date(selected: SelectorList, hints: Hints) -> tuple[str | None, str | None]:
    texts = (_value(selected, MAX_TITLE_CHARS, "datetime"), _value(selected, MAX_TITLE_CHARS))
    return first_date(filter(None, texts), hints)
