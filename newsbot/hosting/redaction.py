"""Keeps secrets out of logs and pages."""

import re
from collections.abc import Mapping

_WORDS = (
    r"passw|passphrase|pwd|secret|token|credential|cookie|bearer|signature|database_?url|dsn|(?:api|access|private)_?key"
    r"|(?:^|_)(?:pass|auth|authorization|key|session)(?:$|_)"
)
_SECRET = re.compile(_WORDS, re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/\s]*(?=@)")
_IN_QUERY = re.compile(r"(?<=[?&;])([^?&;=#\s]+)=([^&;#\s]*)")


def masked(values: Mapping[str, str]) -> dict[str, str]:
    """The values with `***` for secrets by name, and for logins and secrets in URLs."""
    return {name: "***" if is_secret(name) else _masked_urls(str(value)) for name, value in values.items()}


def without(text: str, values: Mapping[str, str]) -> str:
    """The text with `***` for the secrets among the values."""
    for name, value in values.items():
        if value and is_secret(name):
            text = text.replace(value, "***")
    return _masked_urls(text)


def is_secret(name: str) -> bool:
    """Whether an argument, a setting or a parameter with that name has a secret value."""
    return bool(_SECRET.search(name.replace("-", "_")))


def _masked_urls(text: str) -> str:
    return _IN_QUERY.sub(lambda pair: f"{pair[1]}=***" if is_secret(pair[1]) else pair[0], _LOGIN.sub("***", text))
