"""Safe forms: a token that no other site knows; and messages that are shown once."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import NamedTuple

from twisted.web import http

KEPT = 1_000  # unseen messages


class Tokens:
    """Tokens of forms, one for each user; others after a restart."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def of(self, request: http.Request) -> str:
        """The token of this request's user."""
        return hmac.new(self._secret, request.getUser(), hashlib.sha256).hexdigest()

    def fits(self, request: http.Request, token: bytes) -> bool:
        """Whether the token is the user's, in a time that does not reveal a matching part."""
        return hmac.compare_digest(self.of(request).encode(), token)


class Message(NamedTuple):
    """The result of a form."""

    text: str
    good: bool = True


class Messages:
    """Messages for the next page."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Message] = OrderedDict()

    def keep(self, message: Message) -> str:
        """The key by which it is taken."""
        key = secrets.token_urlsafe(9)
        self._kept[key] = message
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return key

    def take(self, key: str | None) -> Message | None:
        """The message, the first time."""
        return self._kept.pop(key, None) if key else None
