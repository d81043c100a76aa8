"""The downloader's options of a request, beyond Scrapy's own keys: one value, as `request.meta["newsbot"]`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from newsbot.limits import Terms
    from newsbot.sources.api import HostKey, Quota

NAME = "newsbot"  # so that a user's own names in `meta` are free


@dataclass(slots=True)
class RequestOptions:
    """A request and its retries share one."""

    keys: "tuple[HostKey, ...]" = ()  # each with the host that gets it
    quota: "Quota | None" = None  # as declared
    terms: "Terms | None" = None  # of the quota; None: the call is not counted
    budget: float | None = None  # of this run
    file: BinaryIO | None = None  # takes the body of a 200
    # Set during the download
    call: tuple[Any, float] | None = None  # the terms of a call under way, and when it was taken
    reached: bool = False  # whether there was a connection


def options_of(request: Any) -> RequestOptions | None:
    """The options of one of newsbot's requests; None for any other."""
    options = request.meta.get(NAME)
    return options if isinstance(options, RequestOptions) else None
