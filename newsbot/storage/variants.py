"""The variants of a URL: spellings of one address that differ in tracking parameters. The newest stays."""

from collections.abc import Callable, Iterable

FormOf = Callable[[str], str]
"""Gives the form that all variants of a URL share. Raises ValueError for a string that is not a URL."""


def superseded(rows: Iterable[tuple[str, str | None, str]], form_of: FormOf) -> list[str]:
    """The URLs among (article, origin, URL), the newest first, that are variants of a newer one.

    A URL that equals its form is not a variant: links are looked up by it.
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
    """The form; the URL itself where it is not a valid URL, or an entry's, whose id is in the fragment."""
    if "entry=" in url.partition("#")[2]:
        return url
    try:
        return form_of(url)
    except ValueError:
        return url
