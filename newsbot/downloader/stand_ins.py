"""Stand-ins, or host overrides: other servers that answer in place of a host, for tests, mirrors and gateways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from twisted.web.client import URI

from newsbot.downloader.addresses import host_name, literal_address

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_EXAMPLE = '{"api.example.org": "http://127.0.0.1:9001"}'


class StandIns:
    """The URLs that answer for hosts: ``STAND_INS``, a mapping, or its JSON, of ``host`` or ``host:port`` to URL.

    Raises ValueError, with the key and the value, for anything else.
    """

    def __init__(self, settings: BaseSettings) -> None:
        self._bases = {_origin(key): _base(key, value) for key, value in _mapping(settings.get("STAND_INS")).items()}

    def base_for(self, uri: URI) -> URI | None:
        """The base that answers for the host and port of a URI, or None if the host answers itself."""
        host = uri.host.decode("ascii").lower().rstrip(".")
        return self._bases.get((host, uri.port)) or self._bases.get((host, None))


def _mapping(value: object) -> Mapping[str, str]:
    if value and isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"STAND_INS is not valid JSON ({error}): {value!r}; expected {_EXAMPLE}") from None
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"STAND_INS is not an object of hosts and URLs: {value!r}; expected {_EXAMPLE}")
    return value


def _origin(key: str) -> tuple[str, int | None]:
    with suppress(ValueError):
        parts = urlsplit(f"http://{key}")
        port = parts.port
        host = parts.netloc.removesuffix(f":{port}")
        if parts.netloc == key and literal_address(host):
            return host.strip("[]"), port
        if parts.netloc == key and host_name(host):
            return host_name(host), port
    raise ValueError(f"STAND_INS: the key {key!r} is neither a host nor host:port; expected {_EXAMPLE}")


def _base(key: str, value: object) -> URI:
    with suppress(ValueError):
        uri = URI.fromBytes(str(value).rstrip("/").encode("ascii"))
        parts = urlsplit(str(value))
        beyond_path = uri.params or uri.query or uri.fragment or "@" in parts.netloc
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not beyond_path:
            return uri
    raise ValueError(
        f"STAND_INS: {key!r}: expected an http or https URL without user, query and fragment, got {value!r}; "
        f"write {_EXAMPLE}"
    )
