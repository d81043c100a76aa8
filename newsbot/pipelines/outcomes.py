"""The exceptions with which a stage ends an item.

A stage of newsbot returns one in place of the item; a user's stage raises one, as in Scrapy. Each is a DropItem, so
exports do not see the item.
"""

from typing import Any

from scrapy.exceptions import DropItem

from newsbot.logins import without_login


class Rejected(DropItem):
    """The item is refused, and kept among the rejects with the field and the reason."""

    def __init__(self, field: str | None, reason: str) -> None:
        reason = without_login(reason)
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class Unsaved(DropItem):
    """Nothing can be stored any more: the crawl ends, and the writer has logged why."""


class Unchanged(DropItem):
    """The item is already stored without a difference: the next stages have nothing to do."""


def cut(value: Any, length: int = 200) -> str:
    """A value for a reason, without the logins in URLs, cut to `length` characters."""
    try:
        text = without_login(repr(value))
    except (ValueError, RecursionError):  # a number of too many digits, a list that is nested too deep
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= length else text[: length - 1] + "…"
