"""What the guards of a request read and raise; which addresses they refuse stands in `addresses`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import IgnoreRequest

from newsbot.downloader.addresses import AllowedHosts

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class RefusedRequest(IgnoreRequest):
    """A request that a guard refused before anything was sent. Errbacks see it; it is not retried.

    ``host`` is the host as it stands in the URL, ``addresses`` maps each refused address to the reason.
    """

    def __init__(self, host: str, addresses: dict[str, str]) -> None:
        self.host = host
        self.addresses = addresses
        listed = ", ".join(f"{address} ({reason})" for address, reason in addresses.items())
        super().__init__(
            f"refused {host!r}: it leads to {listed}. If that is wanted, name the host in ALLOW_PRIVATE_HOSTS"
        )


def allowed_hosts(settings: BaseSettings) -> AllowedHosts:
    """What ``ALLOW_PRIVATE_HOSTS`` names, a list or a comma-separated string. Raises ValueError for a wrong entry."""
    return AllowedHosts.of(settings.getlist("ALLOW_PRIVATE_HOSTS"))
