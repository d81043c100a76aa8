"""Clean text: what can be stored, with white space folded."""

import re

from newsbot import values


def clean_line(text: str) -> str:
    """As `plain_line`, with entities resolved: of a text that may be markup's."""
    return plain_line(values.resolved(text))


def clean_text(text: str) -> str:
    """As `plain_text`, with entities resolved."""
    return plain_text(values.resolved(text))


def plain_line(text: str) -> str:
    """One line of what can be stored, runs of white space one blank."""
    return " ".join(values.text(text).split())


def plain_text(text: str) -> str:
    """As `plain_line`, but line breaks stay: at most one empty line between paragraphs."""
    lines = (" ".join(line.split()) for line in values.text(text).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def shorten(text: str, length: int) -> str:
    """The first `length` characters at most, cut between words, with an ellipsis where something was cut."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(None, 1)[0] + "…"
