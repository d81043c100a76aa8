"""Turns markup into the plain text that a reader sees."""

import re
from contextlib import suppress
from html import unescape

from newsbot.extraction.entries import MAX_KEYWORDS

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SCRIPT = re.compile(r"<((?:\w+:)?(?:script|style|applet|SCRIPT|STYLE|APPLET))\b.*?(?:</\1\s*>|\Z)", re.DOTALL)
# Tags that part words; all others leave them together.
_BLOCK = re.compile(
    r"</?(?:p|P|br|BR|div|DIV|li|LI|[uod]l|[UOD]L|d[dt]|D[DT]|h[1-6r]|H[1-6R]|t[drh]|T[DRH]|table|TABLE|img|IMG|blockquote|pre"
    r"|figure|figcaption|section|article|header|footer|aside|main|nav|iframe|video|audio|option)\b[^<>]*+>"
)
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*+>")
_MISREAD = re.compile("[\x80-\x9f]|[\xc2-\xf4][\x80-\xbf]")
_WINDOWS_1252 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
_MARKUP_PER_TEXT = 3
_IMAGE = re.compile(r"(?i)<img\b[^<>]*?\ssrc\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]+))")


def plain(markup: str, limit: int) -> str | None:
    """The text of an HTML fragment: without tags, comments and scripts, with character references resolved and white
    space squashed to single spaces, cut to `limit` characters; None if nothing is left. Only the beginning of much
    longer markup is read."""
    if len(markup) > _MARKUP_PER_TEXT * limit:
        markup = markup[: _MARKUP_PER_TEXT * limit]
        last = markup.rfind("<")
        if last > markup.rfind(">"):
            markup = markup[:last]
    if "<" in markup:
        if "<!--" in markup:
            markup = _COMMENT.sub("", markup)
        markup = _TAG.sub("", _BLOCK.sub(" ", _SCRIPT.sub(" ", markup)))
    if "&" in markup:
        markup = unescape(markup)
    return squash(markup, limit)


def squash(text: str, limit: int) -> str | None:
    """`text` with white space squashed to single spaces and without NUL, cut to `limit` characters; None if empty.

    UTF-8 that was read as Latin-1 on its way, and Windows-1252 left as control characters, are corrected.
    """
    if not text.isascii() and _MISREAD.search(text):
        text = _reread(text)
    text = " ".join(text.split())
    if "\0" in text:
        text = text.replace("\0", "")
    return text[:limit].rstrip() or None


def _reread(text: str) -> str:
    with suppress(UnicodeError):  # not UTF-8 throughout: no such mistake
        text = text.encode("latin-1").decode("utf-8")
    return text.translate(_WINDOWS_1252)


def split_keywords(text: str, limit: int) -> list[str]:
    """The first `MAX_KEYWORDS` parts of a comma-separated list, as plain texts of at most `limit` characters."""
    parts = (plain(text, MAX_KEYWORDS * limit) or "").split(",", MAX_KEYWORDS)[:MAX_KEYWORDS]
    return [word for part in parts if (word := part.strip()[:limit])]


def first_image(markup: str) -> str | None:
    """The `src` of the first `<img>` of an HTML fragment."""
    if "<img" not in markup and "<IMG" not in markup:
        return None
    match = _IMAGE.search(markup)
    return unescape(match[1] or match[2] or match[3] or "") if match else None
