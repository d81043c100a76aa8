"""Identifies the entries of an answer, as far as only the whole answer shows.

The link identifies an entry, or the id that its origin gives it. Neither can be trusted alone: feeds give one link to
many entries, one id to all of them, or another id at each fetch.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from newsbot.enrichment.urls import canonical

MAX_ID = 500  # characters; a longer id, such as a whole text, is replaced by its hash

_NUMBERED = re.compile(r"(.*?)([0-9]+)([^0-9]*)", re.DOTALL)  # the last number of an id, and what is around it


class Identity(NamedTuple):
    """Distinguishes an entry from the others of its origin."""

    link: str | None  # canonical; None if the entry has no link that can be fetched
    id: str | None  # its origin's id, if that is usable
    key: str | None  # distinguishes it from others with its link: the id, else the time, else the title
    is_shared: bool  # whether its link leads to another entry of the answer too
    has_clock: bool  # whether its time of publication has a clock, and so distinguishes entries


def identify(entries: Sequence[Mapping[str, Any]], *, share_links: bool = True) -> list[Identity]:
    """The identity of each entry of an answer, in their order.

    Entries have `link`, `title`, `published` (ISO 8601) and `id`, as `extraction.entries.Entry`. Without `share_links`
    a link stands for one article, however often and under whatever titles it appears, as on a section page.
    """
    links = [_canonical(entry["link"]) for entry in entries]
    if not share_links:
        return [Identity(link, None, None, False, False) for link in links]
    ids = _usable_ids(entries, links)
    keys = [id_ or _key(entry) for id_, entry in zip(ids, entries, strict=True)]
    shared: set[str] = set()
    if len(set(links)) < len(links):
        shared = _tell_apart(entries, links, ids, keys)
    return [
        Identity(link, id_, key, link in shared, _has_clock(entry.get("published")))
        for entry, link, id_, key in zip(entries, links, ids, keys, strict=True)
    ]


def _canonical(link: str | None) -> str | None:
    try:
        return canonical(link) if link else None
    except ValueError:
        return None


def _usable_ids(entries: Sequence[Mapping[str, Any]], links: Sequence[str | None]) -> list[str | None]:
    """The ids, without those that several links have, and those that repeat the link."""
    ids = [_id(entry.get("id"), entry["link"]) for entry in entries]
    link_of: dict[str, str | None] = {}
    ambiguous = {id_ for id_, link in zip(ids, links, strict=True) if id_ and link_of.setdefault(id_, link) != link}
    return [None if id_ in ambiguous else id_ for id_ in ids] if ambiguous else ids


def _id(given: str | None, link: str | None) -> str | None:
    """An id in the form for comparing; if the id is the link, the fragment of the link, if any."""
    id_ = _normal(given) if given else ""
    if link and (not id_ or id_ == _normal(link)):
        id_ = _fragment(link)
    if len(id_) > MAX_ID or not id_.isprintable():
        id_ = f"blake2b:{hashlib.blake2b(id_.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
    return id_ or None


def _normal(text: str) -> str:
    text = text.strip()
    return f"https:{text[5:]}" if text[:5].lower() == "http:" else text


def _fragment(link: str) -> str:
    """The fragment with its `#`, unless it only says where a reader came from, as `#xtor=RSS-1`."""
    _, mark, fragment = link.strip().partition("#")
    return mark + fragment if fragment and "=" not in fragment else ""


def _key(entry: Mapping[str, Any]) -> str:
    """The time, if it has a clock; a day alone would fit other entries too, so it goes with the title."""
    published = entry.get("published") or ""
    if _has_clock(published):
        return published
    return " ".join(filter(None, (entry["title"], published))) or entry.get("summary") or ""


def _has_clock(published: str | None) -> bool:
    """Whether a time has a clock; a date without one became midnight."""
    return bool(published) and "T" in published and "T00:00:00" not in published


def _tell_apart(
    entries: Sequence[Mapping[str, Any]],
    links: Sequence[str | None],
    ids: list[str | None],
    keys: list[str],
) -> set[str]:
    """The links that several entries share. Gives copies of one entry the same id and key."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for n, link in enumerate(links):
        if link:
            places[link].append(n)
    shared = set()
    for link, numbers in places.items():
        if len(numbers) == 1:
            continue
        if _are_positions(entries, ids, numbers):
            for n in numbers:
                ids[n], keys[n] = None, _key(entries[n])
        _key_by_title(entries, ids, keys, numbers)
        first: dict[tuple[Any, Any], int] = {}  # by title and time
        for n in sorted(numbers, key=lambda n: keys[n]):  # whatever their order in the answer
            same = first.setdefault((entries[n]["title"], entries[n].get("published")), n)
            ids[n], keys[n] = ids[same], keys[same]
        if len({keys[n] for n in numbers}) > 1:
            shared.add(link)
    return shared


def _are_positions(entries: Sequence[Mapping[str, Any]], ids: Sequence[str | None], numbers: Sequence[int]) -> bool:
    """Whether the ids of a link's entries only count them, or all of the answer, from the top: `#1`, `#2`, ...

    Such an id is another entry's at the next fetch. Numbers that are given once, and kept, grow with the time.
    """
    found = [match for n in numbers if (match := _NUMBERED.fullmatch(ids[n] or ""))]
    if len(found) < len(numbers) or len({(match[1], match[3]) for match in found}) > 1:
        return False
    counted = [int(match[2]) for match in found]
    places = (range(len(numbers)), numbers)
    if not any(counted == [first + place for place in each] for each in places for first in (0, 1)):
        return False
    words = {(entries[n]["title"], entries[n].get("published")) for n in numbers}
    return len(words) > 1 and not _grow([entries[n].get("published") or "" for n in numbers])


def _grow(times: Sequence[str]) -> bool:
    return times[0] < times[-1] and all(time <= then for time, then in pairwise(times))


def _key_by_title(
    entries: Sequence[Mapping[str, Any]], ids: Sequence[str | None], keys: list[str], numbers: Sequence[int]
) -> None:
    """Set the titles as keys of entries without ids whose times are the same."""
    titles = {(keys[n], entries[n]["title"]) for n in numbers if not ids[n]}
    times = Counter(key for key, _ in titles)
    for n in numbers:
        if not ids[n] and times[keys[n]] > 1 and entries[n]["title"]:
            keys[n] = entries[n]["title"]
