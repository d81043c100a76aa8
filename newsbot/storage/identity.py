"""Which stored article a feed's entry is: by its link, and by the id its origin gives it.

In this order:

a. Other entries of this answer share its link, or an article is stored under its link and its id: the article whose
   canonical URL is the link with the id as its fragment.
b. Its link is known: that article, and the id is adopted; except where another id is stored, neither id begins with the
   link, title and date are both others, and, where the answer has three known links or more, at most half of them
   changed their ids (else the feed makes ids anew at each fetch): then as (a).
c. Its origin has given its id before, to the same entry: that article.
d. A new article.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from newsbot.items import Article, State

FEW = 3  # known links from which on the changed ids among them count

_NUMBER = re.compile(r"(?<![0-9])[0-9]{5,}(?![0-9])")
_DAY = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])?")  # a number that is a date
_DAY_OF_PATH = re.compile(r"/(?:19|20)[0-9]{2}([/-])(?:0[1-9]|1[0-2])(?:\1[0-3][0-9])?(?=[/-]|$)")
_PAGE = re.compile(r"(?:index|default|home|main)?(?:\.\w{2,5})?", re.IGNORECASE)  # a last segment that many pages have
_BEHIND = ("", *"#?&/;:,@!|")
_OWN_NAME = re.compile(r"[0-9_-]|.{16}")  # marks a segment as one page's


@dataclass(slots=True)
class Found:
    """The look-up's result for an item: articles, by id, and whether this origin's stored values are the item's."""

    by_link: str | None
    same_by_link: bool
    id_of_link: str | None  # this origin's id for the article of the link
    is_link_stored: bool  # in its canonical form, and as it was met
    is_old: bool | None  # not marked as seen for a day
    by_entry: str | None = None  # the article of the link and the id
    same_by_entry: bool = False
    id_of_entry: str | None = None
    by_words: str | None = None  # an entry of the shared link with the same title and time
    same_by_words: bool = False
    by_id: list[tuple[str, bool]] = field(default_factory=list)  # articles to which this origin gave the id


class Stored(NamedTuple):
    """An article, as far as an entry is compared with it."""

    title: str
    published_at: datetime | None
    urls: list[str]


def is_open(item: Article, found: Found) -> bool:
    """Whether the link alone does not tell which article an entry is.

    Without an id it may be one of those that shared the link before: the link's stored content may be another entry's.
    """
    entry = item.entry
    if entry is None or item.entry_url is None:
        return False
    if entry.is_shared or found.by_link is None:
        return True
    return entry.id != found.id_of_link if entry.id is not None else not found.same_by_link


def unsure(item: Article, found: Found) -> Iterable[str]:
    """The articles to compare the item with."""
    if item.entry is None or found.by_entry:
        return
    if found.by_link and not found.same_by_link and (item.entry.is_shared or _is_other(item, found)):
        yield found.by_link
    for id_, _ in found.by_id:
        yield id_


def origins_without_ids(items: Sequence[Article], found: Mapping[int, Found]) -> set[str]:
    """The origins that make their ids anew at each fetch. Items that are not among `found` are stored as they are."""
    known = Counter(item.origin for item in items if item.entry is not None and not item.entry.is_shared)
    changed: Counter[str] = Counter()
    for n, each in found.items():
        item = items[n]
        if item.entry is None or item.entry.is_shared:
            continue
        if each.by_link is None:
            known[item.origin] -= 1
        elif _is_other(item, each):
            changed[item.origin] += 1
    return {origin for origin, number in changed.items() if known[origin] >= FEW and 2 * number > known[origin]}


def choose_all(
    items: Sequence[Article], found: Mapping[int, Found], stored: Mapping[str, Stored], random: Collection[str]
) -> None:
    """Run `choose` on each item, first where its link settles it: no other entry of the origin gets that article.

    So where ids are positions, an entry is not taken for the one that had its id at the fetch before.
    """
    trusted = {n: items[n].origin not in random for n in found}
    told = {n for n, known in found.items() if _is_told(items[n], known, stored, is_id_trusted=trusted[n])}
    taken: set[tuple[str | None, str]] = set()
    for n in sorted(found, key=lambda n: n not in told):
        item, known = items[n], found[n]
        if n not in told:
            known.by_id = [each for each in known.by_id if (item.origin, each[0]) not in taken]
        choose(item, known, stored, is_id_trusted=trusted[n])
        if n in told and item.stored_id:
            taken.add((item.origin, item.stored_id))


def _is_told(item: Article, found: Found, stored: Mapping[str, Stored], *, is_id_trusted: bool) -> bool:
    """Whether an item's article is that of its link, or that of its link and key."""
    if item.entry is None or found.by_entry:
        return True
    return found.by_link is not None and _is_of_link(item, found, stored, is_id_trusted=is_id_trusted)


def choose(item: Article, found: Found, stored: Mapping[str, Stored], *, is_id_trusted: bool) -> None:
    """Note on an item which article it is, and which parts to write."""
    entry = item.entry
    if entry is None:
        _note(item, found.by_link, is_same=found.same_by_link, is_known=found.is_link_stored and not found.is_old)
        return
    item.adopts = entry.id if is_id_trusted else None
    # The link itself belongs to others, so that the entry has to be found by link and id.
    is_apart = entry.is_shared or found.by_entry is not None
    if found.by_entry:
        target, is_same, id_ = found.by_entry, found.same_by_entry, found.id_of_entry
    elif found.by_link and _is_of_link(item, found, stored, is_id_trusted=is_id_trusted):
        target, is_same, id_ = found.by_link, found.same_by_link, found.id_of_link
    else:
        is_apart |= found.by_link is not None
        target, is_same = next(
            ((id_, is_same) for id_, is_same in found.by_id if _is_same_entry(item, stored.get(id_))), (None, False)
        )
        id_ = entry.id if target else None
        if target is None and found.by_words:
            target, is_same = found.by_words, found.same_by_words
    item.canonical_url = item.entry_url if is_apart else item.link
    item.takes_from = tuple(id_ for id_, _ in found.by_id if id_ != target) if item.adopts else ()
    is_stored = found.by_entry is not None if is_apart else found.is_link_stored
    _note(item, target, is_same=is_same, is_known=is_stored and not found.is_old and item.adopts in (None, id_))


def _note(item: Article, target: str | None, *, is_same: bool, is_known: bool) -> None:
    item.stored_id = target
    if target is None:
        item.state = State.NEW
    elif not is_same:
        item.state = State.CHANGED
    else:
        item.state = State.UNCHANGED if is_known else State.SEEN


def _is_of_link(item: Article, found: Found, stored: Mapping[str, Stored], *, is_id_trusted: bool) -> bool:
    """Whether the article of the link is that of the entry."""
    if found.same_by_link:
        return True
    if item.entry.is_shared:
        if item.entry.id and found.id_of_link:
            return item.entry.id == found.id_of_link
        article = stored.get(found.by_link)
        return article is not None and item.title == article.title and item.published_at == article.published_at
    if not is_id_trusted or not _is_other(item, found):
        return True
    article = stored.get(found.by_link)
    if article is None or item.title == article.title:
        return True
    return item.published_at is not None and item.published_at == article.published_at


def _is_other(item: Article, found: Found) -> bool:
    """Whether the link is known under another id, and neither id is made from the link."""
    id_, other = item.entry.id, found.id_of_link
    if not id_ or not other or id_ == other:
        return False
    links = {item.link, item.url.replace("http:", "https:", 1)}
    return not any(_is_made_of(text, link) for text in (id_, other) for link in links)


def _is_made_of(id_: str, link: str) -> bool:
    """Whether an id is the link with a suffix; not for a home page, with which ids begin anyway."""
    return id_.startswith(link) and id_[len(link) :][:1] in _BEHIND and urlsplit(link).path not in ("", "/")


def _is_same_entry(item: Article, article: Stored | None) -> bool:
    """Whether an article with the entry's id, under another link, is the same entry: origins reuse ids."""
    if article is None:
        return False
    if item.title == article.title:
        return True
    if item.entry.has_clock and item.published_at is not None and item.published_at == article.published_at:
        return True
    marks, day = _marks(item.link), _day(item.link)
    # A page of each day, as a morning briefing, has the same last segment under another day.
    return any(marks & _marks(url) and (day is None or _day(url) in (None, day)) for url in article.urls)


def _day(url: str) -> str | None:
    """The day, or the month, in a path: `/2026/11/01/`, `/2026-11-01-`."""
    found = _DAY_OF_PATH.search(urlsplit(url).path)
    return re.sub(r"\D", "", found[0]) if found else None


def _marks(url: str) -> set[str]:
    """The parts of a path that mark one page: its last segment, and numbers of five digits or more but for dates."""
    parts = urlsplit(url)
    marks = {number for number in _NUMBER.findall(parts.path) if not _DAY.fullmatch(number)}
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    if not parts.query and not _PAGE.fullmatch(last) and _OWN_NAME.search(last):
        marks.add(last)
    return marks
