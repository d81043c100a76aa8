"""Ids derived from what identifies a thing."""

import hashlib
import uuid

_NAMESPACE = uuid.NAMESPACE_URL.bytes


def uuid5(name: str) -> str:
    """UUIDv5 of a name in the URL namespace; as `uuid.uuid5`, in less than half its time."""
    digest = bytearray(hashlib.sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def record_id(dataset: str, key: str) -> str:
    """UUIDv5 of dataset and key."""
    return uuid5(f"record:{dataset}/{key}")
