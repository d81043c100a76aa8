"""Logins in URLs: a user and a password before the host, which must not show in a log, table or message."""

import re

# User and password before the host of a URL; a password may hold characters that end the host, and a port is not one.
_NO = r"\s\"<>@"
_USER = rf"(?:[^/?#:\[{_NO}]*:(?!\d{{1,5}}(?:[/?#{_NO}]|$))[^{_NO}]*@|[^/?#{_NO}]*@)(?:[^/?#{_NO}]*@)*"
# At the start of a text or a word, a URL may lack its scheme.
_LOGIN = re.compile(rf"(?:(?<=://)|(?<=^//)|(?<=[\s\"'(<]//)){_USER}")
_OWN_LOGIN = re.compile(rf"(\s*(?:[a-z][a-z0-9+.-]*:)?//)(?:{_USER}|[^/?#]*@)", re.IGNORECASE)


def has_login(url: str) -> bool:
    """Whether a URL has a login before its host; a login of another URL in its path or query does not count."""
    return _OWN_LOGIN.match(url) is not None


def url_without_login(url: str) -> str:
    """The URL without its own login, and otherwise unchanged."""
    found = _OWN_LOGIN.match(url) if "@" in url else None
    return found[1] + url[found.end() :] if found else url


def without_login(text: str) -> str:
    """The text without the logins in its URLs."""
    return _LOGIN.sub("", text) if "@" in text else text
