"""Reads section pages: the headlines that the selectors of the catalogue find."""

from newsbot.batch import Answer, Batch, FeedState, Then
from newsbot.extraction import pages, rules
from newsbot.extraction.dates import Hints
from newsbot.readers import polled
from newsbot.readers.endpoint import Endpoint, Reading, UnreadableError


def read(answer: Answer, endpoint: Endpoint, state: FeedState) -> tuple[Batch, FeedState, Then[Endpoint]]:
    """The batch of a page."""
    return polled.read(answer, endpoint, state, look)


def look(answer: Answer, endpoint: Endpoint) -> Reading:
    """The headlines of a page. Raises `UnreadableError`."""
    source, rule, content_type = endpoint.source, endpoint.section, answer.headers.get("Content-Type") or None
    if rule is None:
        raise ValueError(f"{endpoint.url} is read as a section page, which needs its selectors")
    try:
        page = pages.read(answer.body, answer.url, content_type=content_type, language=source.language)
    except pages.PageError as error:
        raise UnreadableError(f"is not a readable page: {error}") from None
    entries, cut, beyond = rules.headlines(page, rule, Hints(source.country, source.language))
    if cut and not entries:
        raise UnreadableError("is cut off in its first headline")
    if not entries:
        raise UnreadableError(f"the selector {rule.items!r} matches no headline: was the page rebuilt?")
    if rule.title and not any(entry["title"] for entry in entries):
        found = f"finds no title in any of the {len(entries)} headlines of {rule.items!r}"
        raise UnreadableError(f"the selector {rule.title!r} {found}")
    is_undated = rule.date and not any(entry["published"] or entry["refused_date"] for entry in entries)
    remarks = (
        f"the selector {rule.date!r} finds no date in any headline" if is_undated else None,
        "it was cut off in a headline, which is left out: it may come with the next fetch" if cut else None,
        f"{beyond} headlines beyond the first {rules.MAX_HEADLINES} are left out" if beyond else None,
    )
    remark = "; ".join(filter(None, remarks)) or None
    return Reading("section", entries, validated=page.whole, remark=remark)
