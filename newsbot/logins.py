"""Logins in URLs: a user and a password before the host, which no log, table or message shows."""

import re

# In a URL, user and password before the host; a password may hold what begins the path elsewhere, a port is none.
_NO = r"\s\"<>@"
_USER = rf"(?:[^/?#:\[{_NO}]*:(?!\d{{1,5}}(?:[/?#{_NO}]|$))[^{_NO}]*@|[^/?#{_NO}]*@)(?:[^/?#{_NO}]*@)*"
# A URL may lack its scheme, where it begins a text or a word.
_LOGIN = re.compile(rf"(?:(?<=://)|(?<=^//)|(?<=[\s\"'(<]//)){_USER}")
_OWN_LOGIN = re.compile(rf"(\s*(?:[a-z][a-z0-9+.-]*:)?//)(?:{_USER}|[^/?#]*@)", re.IGNORECASE)


def has_login(url: str) -> bool:
    """Whether there is a login before the host of a URL; one in a URL that its path or query names is not meant."""
    return _OWN_LOGIN.match(url) is not None


def url_without_login(url: str) -> str:
    """The URL without its own login; all else of it stays as it is."""
    found = _OWN_LOGIN.match(url) if "@" in url else None
    return found[1] + url[found.end() :] if found else url


def without_login(text: str) -> str:
    """The text without the logins in the URLs that it has."""
    return _LOGIN.sub("", text) if "@" in text else text
