"""Saved feeds with known entries, to read and crawl instead of made-up ones."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SavedFeed:
    """One feed as it came over the wire, and its true entries."""

    id: str
    raw: bytes
    items: list[dict[str, str]]  # title, link


def load(folder: Path) -> list[SavedFeed]:
    """The feeds of the group `real` in `folder`: truth.jsonl and feeds/ID.gz."""
    with open(folder / "truth.jsonl", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["group"] == "real"]
    return [
        SavedFeed(row["id"], gzip.decompress((folder / "feeds" / f"{row['id']}.gz").read_bytes()), row["items"])
        for row in rows
    ]
