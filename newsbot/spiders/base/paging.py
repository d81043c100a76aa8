"""From one page to the next: what each way of paging asks, and how a page that moved under the reader shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from scrapy.http import Response

from newsbot.extraction.links import next_link
from newsbot.extraction.paths import path
from newsbot.sources.api import LinkedPages, NumberedPages, OffsetPages, Pages, TokenPages
from newsbot.spiders.base import answers

MAX_STEPS_BACK = 20  # times that a chain of pages is read again from the page before, as records were taken out


class BadPageError(ValueError):
    """A page that contradicts those before it, so that what follows can not be trusted."""


@dataclass(slots=True, frozen=True)
class Page:
    """A place in a chain of pages."""

    number: int = 0  # of records or pages before it
    token: str | None = None  # or the URL of the page
    passed: frozenset[str] = field(default_factory=frozenset)  # tokens and URLs of the pages before
    received: int = 0  # records before it
    total: int | None = None  # records, as the page before said
    last: Any = None  # the record that the page must begin with
    steps_back: int = 0
    is_probe: bool = False  # whether there should be nothing more


def first(pages: Pages | None) -> Page:
    """Where a chain begins."""
    return Page(number=pages.first) if isinstance(pages, NumberedPages) else Page()


def params(pages: Pages | None, page: Page) -> dict[str, str]:
    """The query parameters of a page."""
    asked = {}
    if pages is not None and pages.size and pages.size_param:
        asked[pages.size_param] = str(pages.size)
    match pages:
        case NumberedPages() | OffsetPages():
            asked[pages.param] = str(page.number)
        case TokenPages() if page.token is not None:
            asked[pages.param] = page.token
    return asked


def following(
    pages: Pages | None, page: Page, response: Response, data: Any, records: Sequence[Any]
) -> tuple[Page | None, Sequence[Any]]:
    """The next page, None after the last; and the records of this page that the one before did not have.

    Raises `BadPageError`.
    """
    match pages:
        case NumberedPages():
            return _numbered(pages, page, data, records), records
        case OffsetPages():
            return _offset(pages, page, data, records)
        case TokenPages():
            return _linked(page, _text(path(pages.token)(data), "token"), records), records
        case LinkedPages():
            return _linked(page, _link(pages, response, data), records), records
    return None, records


def _numbered(pages: NumberedPages, page: Page, data: Any, records: Sequence[Any]) -> Page | None:
    received, total, count = page.received + len(records), _count(pages.total, data), _count(pages.pages, data)
    if page.is_probe and records:
        raise BadPageError(f"it says that there are {page.total} records, and gives more")
    if _shrank(page, total):
        return replace(page, number=max(pages.first, page.number - 1), total=total, steps_back=page.steps_back + 1)
    if total is None and count is None:
        more = bool(records)
    else:
        more = page.number - pages.first + 1 < count if count is not None else received < total
        if more and not records:
            raise BadPageError(f"page {page.number} is empty, and there should be {_promised(total, count)}")
    # A last page that is full may hide that the total is wrong.
    probe = not more and total is not None and bool(records) and len(records) == pages.size and not page.is_probe
    if not more and not probe:
        return None
    return replace(page, number=page.number + 1, received=received, total=total, is_probe=probe)


def _offset(pages: OffsetPages, page: Page, data: Any, records: Sequence[Any]) -> tuple[Page | None, Sequence[Any]]:
    total = _count(pages.total, data)
    fresh = records
    if page.last is not None:
        if records and records[0] == page.last:
            fresh = records[1:]
        elif page.steps_back < MAX_STEPS_BACK:  # records before were taken out, or came in: once more from further up
            back = max(0, page.number - pages.size)
            return replace(page, number=back, last=None, steps_back=page.steps_back + 1, total=total), records
    number = page.number + len(records)
    if not fresh or (total is not None and number >= total and len(records) < pages.size):
        if total is not None and number < total:
            raise BadPageError(f"nothing is there behind record {number}, and there should be {total}")
        return None, fresh
    after = replace(page, number=number - 1, last=records[-1], received=page.received + len(fresh), total=total)
    return after, fresh


def _linked(page: Page, token: str | None, records: Sequence[Any]) -> Page | None:
    if not token:
        return None
    if token in page.passed:
        raise BadPageError(f"the token or link of the next page has been there before: {token[:80]!r}")
    return replace(page, token=token, passed=page.passed | {token}, received=page.received + len(records))


def _link(pages: LinkedPages, response: Response, data: Any) -> str | None:
    if pages.next:
        url = _text(path(pages.next)(data), "link of the next page")
    else:
        url = next_link(answers.header(response, "Link") or "")
    if not url:
        return None
    url = urljoin(response.url, url)
    if urlsplit(url).netloc != urlsplit(response.url).netloc:
        raise BadPageError(f"the next page is said to be on another host: {url[:200]!r}")
    return url


def without(url: str, name: str | None) -> str:
    """The URL without a query parameter, as that of a key which the server repeats."""
    parts = urlsplit(url)
    pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _shrank(page: Page, total: int | None) -> bool:
    """Whether records were taken out since the page before: then some moved up to where this run has been."""
    gone = page.total is not None and total is not None and total < page.total
    return gone and page.steps_back < MAX_STEPS_BACK


def _count(where: str | None, data: Any) -> int | None:
    if where is None:
        return None
    value = path(where)(data)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadPageError(f"there is no number at {where!r}: {value!r:.80}") from None


def _text(value: Any, what: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadPageError(f"the {what} is no text: {value!r:.80}")


def _promised(total: int | None, count: int | None) -> str:
    return f"{count} pages" if count is not None else f"{total} records"
