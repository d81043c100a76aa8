"""Cleans text: keeps storable characters, with white space folded."""

import re

from newsbot import values


def clean_line(text: str) -> str:
    """As `plain_line`, with entities resolved: for a text that may come from markup."""
    return plain_line(values.resolved(text))


def clean_text(text: str) -> str:
    """As `plain_text`, with entities resolved."""
    return plain_text(values.resolved(text))


def plain_line(text: str) -> str:
    """The storable characters in one line, with one blank for each run of white space."""
    return " ".join(values.text(text).split())


def plain_text(text: str) -> str:
    """As `plain_line`, but line breaks stay: at most one empty line between paragraphs."""
    lines = (" ".join(line.split()) for line in values.text(text).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def shorten(text: str, length: int) -> str:
    """The first `length` characters at most, cut between words, with an ellipsis if something was cut."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(None, 1)[0] + "…"
