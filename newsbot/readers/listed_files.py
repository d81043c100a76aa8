"""Files that a list names, with their sizes and checksums."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from newsbot.batch import Answer


@dataclass(frozen=True, slots=True)
class File:
    """A file in the list."""

    url: str
    time: datetime
    size: int
    md5: str
    failures: int = 0  # runs that could not get it

    @classmethod
    def of(cls, url: str, kept: dict[str, Any]) -> "File":
        """The file from its entry in a cursor."""
        return cls(url, datetime.fromisoformat(kept["time"]), kept["size"], kept["md5"], kept["failures"])

    def kept(self) -> dict[str, Any]:
        """Its entry in a cursor."""
        return {"time": self.time.isoformat(), "size": self.size, "md5": self.md5, "failures": self.failures + 1}


def mismatch(answer: Answer, file: File) -> str | None:
    """The difference between an answer and its entry in the list, or None."""
    if answer.status != 200:
        return answer.told
    if len(answer.body) != file.size:
        return f"has {len(answer.body):,} bytes, and the list says {file.size:,}"
    found = hashlib.md5(answer.body, usedforsecurity=False).hexdigest()
    return None if found == file.md5 else f"has the md5 {found}, and the list says {file.md5}"
