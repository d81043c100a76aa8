"""How a stage ends the way of an item.

A stage gives one of these back in the item's place; a stage of a user's own raises one, as Scrapy has it. Each is a
DropItem, so that exports do not see the item.
"""

from typing import Any

from scrapy.exceptions import DropItem

from newsbot.logins import without_login


class Rejected(DropItem):
    """The item is refused: it is kept among the rejects with the field and the reason."""

    def __init__(self, field: str | None, reason: str) -> None:
        reason = without_login(reason)
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class Unchanged(DropItem):
    """The item is stored already, just as it is: there is no work further on."""


def cut(value: Any, length: int = 200) -> str:
    """A value as it stands in a reason, without the logins in URLs, cut to `length` characters."""
    try:
        text = without_login(repr(value))
    except (ValueError, RecursionError):  # a number of too many digits, a list that is nested too deep
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= length else text[: length - 1] + "…"
