"""What the downloader is told of a request beyond Scrapy's own keys: one value, as `request.meta["newsbot"]`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from newsbot.limits import Terms
    from newsbot.sources.api import HostKey, Quota

NAME = "newsbot"  # so that a user's own names in `meta` are free


@dataclass(slots=True)
class RequestOptions:
    """One for a request and those that are tried in its place."""

    keys: "tuple[HostKey, ...]" = ()  # each with the host that gets it
    quota: "Quota | None" = None  # as it is declared
    terms: "Terms | None" = None  # of the quota; None: the call is not counted
    budget: float | None = None  # of this run
    file: BinaryIO | None = None  # that takes the body of a 200
    # What is noted on the way
    call: tuple[Any, float] | None = None  # the terms of a call under way, and when it was taken
    reached: bool = False  # whether there was a connection


def options_of(request: Any) -> RequestOptions | None:
    """The options of a request of ours; None of any other."""
    options = request.meta.get(NAME)
    return options if isinstance(options, RequestOptions) else None
