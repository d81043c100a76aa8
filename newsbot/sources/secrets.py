"""Secrets in what comes from outside: servers repeat a key in errors, in links to the next page, in redirects."""

from functools import lru_cache
from html import escape
from urllib.parse import quote, quote_plus

SHORTEST = 5  # characters: the Guardian's `test` is no secret, and a word in texts
HIDDEN = b"***"


def hide(text: bytes, secret: str) -> bytes:
    """The text without the secret, however it is spelt there."""
    for spelling in _spellings(secret):
        if spelling in text:
            text = text.replace(spelling, HIDDEN)
    return text


@lru_cache
def _spellings(secret: str) -> list[bytes]:
    if len(secret) < SHORTEST:
        return []
    spelt = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), escape(secret)}
    spelt |= {secret.replace("/", r"\/"), secret.replace("\\", r"\\").replace('"', r"\"")}
    spelt |= {each.lower() for each in spelt if "%" in each and each != secret}
    return sorted((each.encode() for each in spelt), key=len, reverse=True)
