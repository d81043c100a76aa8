"""From one page to the next: the parameters of each way of paging, and the detection of pages that moved meanwhile."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from newsbot.batch import Answer
from newsbot.extraction.links import next_link
from newsbot.extraction.paths import path
from newsbot.sources.api import LinkedPages, NumberedPages, OffsetPages, Pages, TokenPages

STALE_PAGES = 3  # in a row without a new record: then no others come, whatever the answer says
EMPTY_PAGES = 1_000  # in a row, each with a token of the next page
MAX_STEPS_BACK = 50  # times that a chain is read again from a page before, because records were removed

_PORTS = {"http": 80, "https": 443}

Identity = Callable[[Any], Hashable]


class BadPageError(ValueError):
    """A page that contradicts the pages before it, so the pages after it cannot be trusted."""


@dataclass(slots=True, frozen=True)
class Page:
    """A place in a chain of pages."""

    number: int = 0  # of the page, or of records before it
    token: str | None = None  # or the URL of the page
    depth: int = 0  # pages before it
    met: set[Hashable] = field(default_factory=set)  # records, or tokens, of the pages before; one set for all of them
    received: int = 0  # records before it
    total: int | None = None  # records, by the page before
    steps_back: int = 0
    refused: int | None = None  # the number of the last missing page
    overlaps: bool = False  # whether it begins with the last record of the page before
    known_to: int = 0  # records from the beginning; some are read again after others were removed
    returns: bool = False  # whether the chain stepped back to it, so that it must begin with a known record
    is_probe: bool = False  # whether it should be empty
    stale: int = 0  # pages in a row, up to here, without a new record
    shown: Hashable = None  # the contents of the page before, if pages go by token
    remark: str | None = None  # on a wrong statement of the API


def first(pages: Pages | None) -> Page:
    """The first page of a chain."""
    return Page(number=pages.first) if isinstance(pages, NumberedPages) else Page()


def params(pages: Pages | None, page: Page) -> dict[str, str]:
    """The query parameters of a page."""
    asked = {}
    if pages is not None and pages.size and pages.size_param:
        asked[pages.size_param] = str(pages.size)
    match pages:
        case NumberedPages():
            asked[pages.param] = str(page.number)
        case OffsetPages():
            asked[pages.param] = str(pages.first + page.number)
        case TokenPages() if page.token is not None:
            asked[pages.param] = page.token
    return asked


def following(
    pages: Pages | None, page: Page, answer: Answer, data: Any, records: Sequence[Any], identity: Identity
) -> Page | None:
    """The next page; None after the last. `identity` returns the identity of a record. Raises `BadPageError`."""
    match pages:
        case NumberedPages():
            return _numbered(pages, page, data, records, identity)
        case OffsetPages():
            return _offset(pages, page, data, records, identity)
        case TokenPages():
            return _linked(page, _text(path(pages.token)(data), "token"), records, identity)
        case LinkedPages():
            return _linked(page, _link(pages, answer, data), records, identity)
    return None


def before(pages: Pages | None, page: Page) -> Page | None:
    """The page before a missing one: records may have been removed. None for a second time."""
    if not page.depth or page.refused == page.number or page.steps_back == MAX_STEPS_BACK:
        return None
    match pages:
        case NumberedPages():
            return _numbered_back(pages, page, 1, refused=page.number)
        case OffsetPages():
            return _offset_back(pages, page, refused=page.number)
    return None


def _numbered(pages: NumberedPages, page: Page, data: Any, records: Sequence[Any], identity: Identity) -> Page | None:
    total, count = count_at(pages.total, data), count_at(pages.pages, data)
    joins = page.number <= pages.first or _joins(page, records, identity)
    gone = (page.total or 0) - total if total is not None else 0
    if page.number > pages.first and (gone > 0 or (page.returns and not joins)):
        # Records were removed, so some records behind moved up to pages that are read already.
        steps = ceil(gone / pages.size) if pages.size and gone > 0 else 1
        return _numbered_back(pages, page, steps, total=total)
    fresh = _meet(page, records, identity)
    stale = 0 if fresh or page.returns or not records else page.stale + 1
    received, passed = page.received + len(records), page.number - pages.first + 1
    if page.is_probe and not records:
        return None
    if count is None and total is None:
        more = bool(records)
    else:
        more = passed < count if count is not None else received < (total or 0)
        if more and not records:
            raise BadPageError(f"expected {_promised(total, count)}, got an empty page {page.number}")
    if stale == STALE_PAGES:
        _check_all_met(pages, page, records, total, count)
        return None
    remark = page.remark
    if page.is_probe and total is not None and received > total:
        remark = f"it says that there are {total} records, and gives more"
    # A last page that is full may hide that the total is wrong.
    full = total is not None and records and len(records) == pages.size
    if not more and not full:
        return None
    return replace(
        page,
        number=page.number + 1,
        depth=page.depth + 1,
        received=received,
        total=total,
        returns=False,
        stale=stale,
        # So is one beyond what the total gives place to, where an API leaves some records of its pages out.
        is_probe=not more or (count is None and (total is None or passed * (pages.size or 0) >= total)),
        remark=remark,
    )


def _offset(pages: OffsetPages, page: Page, data: Any, records: Sequence[Any], identity: Identity) -> Page | None:
    total = count_at(pages.total, data)
    joins = not page.overlaps or _joins(page, records, identity)
    reached = page.number + len(records)
    if not joins:  # records before were removed: again from further up
        return _offset_back(pages, page, total=total, known_to=max(page.known_to, reached))
    fresh = _meet(page, records, identity)
    over = total is not None and reached >= total and len(records) < pages.size
    stale = page.stale + 1 if not fresh and reached > page.known_to + pages.size else 0
    if stale == STALE_PAGES and total is None:
        _check_all_met(pages, page, records, None, None)
        return None
    if over or stale == STALE_PAGES or len(records) <= page.overlaps:
        if total is not None and reached < total:
            raise BadPageError(f"expected {total} records, got nothing behind record {reached}")
        return None
    overlaps = len(records) > 1  # the last record again, to show whether records before it were removed
    number = reached - overlaps
    return replace(
        page,
        number=number,
        depth=page.depth + 1,
        total=total,
        overlaps=overlaps,
        returns=False,
        is_probe=total is None and not overlaps,
        stale=stale,
    )


def _meet(page: Page, records: Sequence[Any], identity: Identity) -> int:
    """The number of records that are met for the first time."""
    known = len(page.met)
    page.met.update(map(identity, records))
    return len(page.met) - known


def _check_all_met(
    pages: NumberedPages | OffsetPages, page: Page, records: Sequence[Any], total: int | None, count: int | None
) -> None:
    """Accept the end of an API that repeats its last page. Raises `BadPageError` if more is promised, or never came.

    This takes several pages, because new records at the top move known ones to the next page.
    """
    is_short = pages.size is not None and len(records) < pages.size
    if total is None and count is None and (page.depth > STALE_PAGES or is_short):
        return
    problem = f"{STALE_PAGES} pages bring nothing new: does it page by {pages.param!r}?"
    if total is not None or count is not None:
        problem += f" Expected {_promised(total, count)}"
    raise BadPageError(problem)


def _joins(page: Page, records: Sequence[Any], identity: Identity) -> bool:
    return bool(records) and identity(records[0]) in page.met


def _numbered_back(pages: NumberedPages, page: Page, steps: int, **changes: Any) -> Page:
    number = max(pages.first, page.number - steps) if pages.size else pages.first
    return _back(page, number=number, received=(number - pages.first) * (pages.size or 0), **changes)


def _offset_back(pages: OffsetPages, page: Page, **changes: Any) -> Page:
    number = max(0, page.number - pages.size + 1)
    return _back(page, number=number, overlaps=number > 0, **changes)


def _back(page: Page, **changes: Any) -> Page:
    if page.steps_back == MAX_STEPS_BACK:
        raise BadPageError(f"records were removed {MAX_STEPS_BACK} times while the pages were read")
    return replace(page, steps_back=page.steps_back + 1, returns=True, is_probe=False, **changes)


def _linked(page: Page, token: str | None, records: Sequence[Any], identity: Identity) -> Page | None:
    if not token:
        return None
    if token in page.met:
        raise BadPageError(f"the token or link of the next page is repeated: {token[:80]!r}")
    page.met.add(token)
    shown = (len(records), identity(records[0]), identity(records[-1])) if records else ()
    stale = page.stale + 1 if page.depth and shown == page.shown else 0
    if stale == (STALE_PAGES if records else EMPTY_PAGES):
        what = "the same records" if records else "no records"
        raise BadPageError(f"{stale} pages in a row bring {what}, each with another token or link of the next page")
    return replace(page, token=token, depth=page.depth + 1, stale=stale, shown=shown)


def _link(pages: LinkedPages, answer: Answer, data: Any) -> str | None:
    if pages.next:
        url = _text(path(pages.next)(data), "link of the next page")
    else:
        url = next_link(answer.headers.get("Link", ""))
    if not url:
        return None
    try:
        url = urljoin(answer.url, url)
        asked, said = urlsplit(answer.url), urlsplit(url)
        ports = {_port(asked), _PORTS["http"]} if _port(asked) == _PORTS["https"] else {_port(asked)}
        same = said.scheme in _PORTS and said.hostname == asked.hostname and _port(said) in ports
    except ValueError:
        same = False
    if not same:
        raise BadPageError(f"the link of the next page leads to another host: {url[:200]!r}")
    # Many services behind a proxy give http links; the chain stays on https.
    return said._replace(scheme=asked.scheme, netloc=asked.netloc).geturl()


def _port(url: SplitResult) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def count_at(where: str | None, data: Any) -> int | None:
    """The number at a path in an answer, as number or text. Raises `BadPageError`."""
    if where is None:
        return None
    value = path(where)(data)
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise BadPageError(f"expected a number at {where!r}, got {value!r:.80}") from None


def _text(value: Any, what: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadPageError(f"the {what} is not a text: {value!r:.80}")


def _promised(total: int | None, count: int | None) -> str:
    return f"{count} pages" if count is not None else f"{total} records"
