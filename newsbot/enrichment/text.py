"""Clean text: what can be stored, in one Unicode form, with white space folded."""

import html
import re
import unicodedata

_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")


def clean_line(text: str) -> str:
    """As `plain_line`, with entities resolved: of a text that may be markup's."""
    return plain_line(_resolved(text))


def clean_text(text: str) -> str:
    """As `plain_text`, with entities resolved."""
    return plain_text(_resolved(text))


def plain_line(text: str) -> str:
    """One line: control characters and lone surrogates out, NFC, runs of white space one blank."""
    return " ".join(_normal(text).split())


def plain_text(text: str) -> str:
    """As `plain_line`, but line breaks stay: at most one empty line between paragraphs."""
    lines = (" ".join(line.split()) for line in _normal(text).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def storable(text: str) -> str:
    """The text without what Postgres can not keep or nobody can see: control characters, lone surrogates."""
    return text if text.isascii() and text.isprintable() else _UNSTORABLE.sub("", text)


def shorten(text: str, length: int) -> str:
    """The first `length` characters at most, cut between words, with an ellipsis where something was cut."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(None, 1)[0] + "…"


def _resolved(text: str) -> str:
    return html.unescape(text) if "&" in text and _ENTITY.search(text) else text


def _normal(text: str) -> str:
    text = storable(text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)
