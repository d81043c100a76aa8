"""Host names in the form that goes over the wire."""

import re
import unicodedata
from urllib.parse import urlsplit

_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # what IDNA reads as a dot


def ascii_host(host: str) -> str:
    """A host name in lower case and ASCII: by IDNA 2008 with the non-transitional mapping of UTS 46, as browsers do.

    It goes label by label, and a label that IDNA refuses (as one with an emoji, which domains have all the same) is
    written in plain punycode. Raises ValueError for a label that is longer than 63 bytes.
    """
    if host.isascii():
        return host.lower()
    return ".".join(map(_ascii_label, _DOTS.split(host)))


def with_ascii_host(url: str) -> str:
    """A URL whose host is in ASCII by `ascii_host`; one that has no such host stays as it is.

    Scrapy would write the host by IDNA 2003, which has other names for some: straße.de as strasse.de.
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
