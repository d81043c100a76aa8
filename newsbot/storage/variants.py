"""The variants of a URL: spellings of one address that differ in what tracks a reader, of which the newest stays."""

from collections.abc import Callable, Iterable

FormOf = Callable[[str], str]
"""Gives what all variants of a URL have in common. Raises ValueError for what is no URL."""


def superseded(rows: Iterable[tuple[str, str | None, str]], form_of: FormOf) -> list[str]:
    """The URLs among (article, origin, URL), the newest first, of which a newer one is a variant.

    A URL that is its own form is none: links are looked up by it.
    """
    newest: set[tuple[str, str | None, str]] = set()
    urls = []
    for article_id, origin, url in rows:
        form = _form(url, form_of)
        if form == url:
            continue
        if (article_id, origin, form) in newest:
            urls.append(url)
        newest.add((article_id, origin, form))
    return urls


def _form(url: str, form_of: FormOf) -> str:
    """The form; the URL itself where it is none, or that of an entry, whose id is in the fragment."""
    if "entry=" in url.partition("#")[2]:
        return url
    try:
        return form_of(url)
    except ValueError:
        return url
