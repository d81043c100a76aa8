"""Host names in the ASCII form of requests."""

import re
import unicodedata
from urllib.parse import urlsplit

_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # all dots of IDNA


def ascii_host(host: str) -> str:
    """A host name in lower case and ASCII, by IDNA 2008 with the non-transitional mapping of UTS 46, as in browsers.

    It converts each label on its own. A label that IDNA refuses (such as one with an emoji, which some domains have)
    becomes plain punycode. Raises ValueError for a label above 63 bytes.
    """
    if host.isascii():
        return host.lower()
    return ".".join(map(_ascii_label, _DOTS.split(host)))


def with_ascii_host(url: str) -> str:
    """A URL with its host in ASCII by `ascii_host`; a URL without such a host stays unchanged.

    Scrapy would use IDNA 2003, which turns some hosts into others: straße.de into strasse.de.
    """
    if url.isascii():
        return url
    try:
        host = urlsplit(url).netloc.rpartition("@")[2].partition(":")[0]
        return url if host.isascii() else url.replace(host, ascii_host(host), 1)
    except ValueError:
        return url


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label.lower()
    import idna  # its tables are large, and few hosts need them

    try:
        label = idna.uts46_remap(label, std3_rules=False)
        return label if label.isascii() else idna.alabel(label).decode()
    except idna.IDNAError:
        label = f"xn--{unicodedata.normalize('NFC', label.lower()).encode('punycode').decode()}"
    if len(label) > 63:
        raise ValueError(f"the label {label!r} of a host name has {len(label)} bytes, expected at most 63")
    return label
