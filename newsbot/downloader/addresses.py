"""Decides which hosts a crawl may ask: those with public addresses, and those that ``ALLOW_PRIVATE_HOSTS`` names.

Pure functions of text and addresses: no Scrapy, no Twisted, no I/O.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import inet_aton  # parses a text, opens nothing
from urllib.parse import unquote, urlsplit

from w3lib.url import safe_url_string

from newsbot.hosts import with_ascii_host

# Cloud metadata services: Azure's is a public address; the others would count as link-local or private.
_METADATA = {
    ip_address(text) for text in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
}
_CARRIER_GRADE_NAT = ip_network("100.64.0.0/10")
_NAT64 = ip_network("64:ff9b::/96")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)")


def refusal(address: IPv4Address | IPv6Address) -> str | None:
    """The reason to refuse an address, or None for a public one.

    For an IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4) the carried address counts. The ranges are those
    of the IANA special-purpose address registries in ``ipaddress``.
    """
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            carried = IPv4Address(int(address) & 0xFFFFFFFF)
        if carried:
            return refusal(carried)
        if address.is_site_local:
            return "private"
    if address in _METADATA:
        return "metadata"
    for kind in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(address, f"is_{kind}"):
            return kind
    if address in _CARRIER_GRADE_NAT:
        return "shared"
    if address.is_reserved:
        return "reserved"
    return None if address.is_global else "private"


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host spells in any form that a URL parser or ``getaddrinfo`` accepts; None for a name.

    Reads ``127.1``, ``2130706433``, ``0x7f.1``, ``0177.0.0.1``, full-width digits, percent-encoding, a trailing dot,
    brackets and IPv6 zones. ``localhost`` and names under it stand for 127.0.0.1 (RFC 6761).
    """
    host = unicodedata.normalize("NFKC", unquote(host)).strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        # inet_aton would ignore text after white space.
        return IPv4Address(inet_aton(host)) if not re.search(r"\s", host) else None
    except (OSError, UnicodeError):
        return None


@dataclass(frozen=True)
class AllowedHosts:
    """The hosts that may have private addresses, compared with the host in the URL."""

    names: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, entries: Iterable[object]) -> AllowedHosts:
        """Parse the entries of ``ALLOW_PRIVATE_HOSTS``: names, addresses and CIDR networks.

        Raises ValueError, with the entry, for anything else.
        """
        names, networks = [], []
        for entry in entries:
            entry = str(entry).strip()
            try:
                networks.append(ip_network(entry.strip("[]")))
                continue
            except ValueError as error:
                name = host_name(entry)
                if name is None:
                    raise ValueError(
                        f"ALLOW_PRIVATE_HOSTS: expected a host name (without scheme, port or path), an address "
                        f"(127.0.0.1, ::1) or a network (10.0.0.0/8), got {entry!r}: {error}"
                    ) from None
            names.append(name)
        return cls(frozenset(names), tuple(networks))

    def __contains__(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return host.lower().rstrip(".") in self.names
        return any(address in network for network in self.networks)


def host_name(text: str) -> str | None:
    """A host name as newsbot's requests spell it: lower case, IDNA, no trailing dot. None if it is not a host name.

    A numeric last label makes it an odd spelling of an IPv4 address.
    """
    if not re.fullmatch(r"[\w.-]+", text):
        return None
    try:
        name = (urlsplit(safe_url_string(with_ascii_host(f"http://{text}/"))).hostname or "").rstrip(".")
    except ValueError:
        return None
    return name if _HOST_NAME.fullmatch(name) and not _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]) else None
