"""Hides secrets in answers: servers repeat a key in errors, in links to the next page, in redirects."""

import json
import os
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from urllib.parse import quote

SHORTEST = 5  # characters: the Guardian's `test` is public, and a word in texts
HIDDEN = b"***"
ENV = "env:([A-Za-z_][A-Za-z0-9_]*)"  # stands for the secret in an environment variable


class LoginError(ValueError):
    """A login that cannot be used; the message does not show it."""


def variable_of(value: str) -> str | None:
    """The environment variable that `env:NAME` names; None for any other value."""
    found = re.fullmatch(ENV, value)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, for HTTP Basic (RFC 7617), in an environment variable as `user:password`."""

    variable: str

    def check(self) -> None:
        """Raise LoginError if the variable has no login."""
        if ":" not in secret_of(self.variable):
            state = "has no colon" if secret_of(self.variable) else "is not set"
            raise LoginError(f"the environment variable {self.variable} {state}: put user:password into it")

    @property
    def token(self) -> str:
        """The part of the header behind `Basic `."""
        return b64encode(secret_of(self.variable).encode("utf-8", "surrogateescape")).decode("ascii")


def secret_of(variable: str) -> str:
    """The secret in an environment variable, without blanks or line ends around it; '' for none."""
    return os.environ.get(variable, "").strip()


def hide(text: bytes, secret: str) -> bytes:
    """The text without the secret, in any spelling of its characters: in JSON, HTML or a URL."""
    if len(secret) < SHORTEST or not (pattern := _pattern(secret)).search(text):
        return text
    return pattern.sub(HIDDEN, text)


@lru_cache
def _pattern(secret: str) -> re.Pattern[bytes]:
    return re.compile("".join(map(_spelt, secret)).encode("utf-8", "surrogateescape"))


def _spelt(character: str) -> str:
    """A pattern of all ways in which encoders write a character; they differ in the characters that they leave."""
    if character.isascii() and character.isalnum():
        return character
    code, in_url = ord(character), quote(character, safe="", errors="surrogateescape")
    if in_url == character:
        in_url = f"%{code:02X}"
    spelt = {character, "\\" + character, json.dumps(character)[1:-1], escape(character)}
    spelt |= {in_url, in_url.replace("%", "%25"), rf"\u{code:04x}", f"&#{code};", f"&#0{code};", f"&#x{code:x};"}
    spelt |= {"+"} if character == " " else set()
    return f"(?:{'|'.join(f'(?i:{re.escape(each)})' for each in sorted(spelt, key=len, reverse=True))})"
