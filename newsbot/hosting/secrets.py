"""What must not stand in a log or on a page."""

import re
from collections.abc import Mapping

_SECRET = re.compile(r"pass(word|wd)?|secret|token|api_?key|credential|auth|database_url|dsn", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]*(?=@)")


def masked(values: Mapping[str, str]) -> dict[str, str]:
    """The values with `***` for those whose names speak of a secret, and for logins in URLs."""
    return {name: "***" if _SECRET.search(name) else _LOGIN.sub("***", str(value)) for name, value in values.items()}
