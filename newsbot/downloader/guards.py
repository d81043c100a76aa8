"""The setting and the exception of the guards; `addresses` decides which addresses they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import IgnoreRequest

from newsbot.downloader.addresses import AllowedHosts

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class RefusedRequest(IgnoreRequest):
    """A guard refused a request before anything was sent. Errbacks see it; it is not retried.

    ``host`` is the host in the URL, ``addresses`` maps each refused address to the reason.
    """

    def __init__(self, host: str, addresses: dict[str, str]) -> None:
        self.host = host
        self.addresses = addresses
        listed = ", ".join(f"{address} ({reason})" for address, reason in addresses.items())
        super().__init__(f"refused {host!r}: it leads to {listed}. To allow it, name the host in ALLOW_PRIVATE_HOSTS")


def allowed_hosts(settings: BaseSettings) -> AllowedHosts:
    """The hosts of ``ALLOW_PRIVATE_HOSTS``, a list or a comma-separated string. Raises ValueError for a wrong entry."""
    return AllowedHosts.of(settings.getlist("ALLOW_PRIVATE_HOSTS"))
