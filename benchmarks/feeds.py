"""Entries that a CPU second reads: newsbot, feedparser and fastfeedparser over the same feeds in one run.

python benchmarks/feeds.py [FOLDER]

FOLDER holds saved feeds, plain or as .gz; without it, ordinary news feeds are generated. Machines differ, so only the
ratios count.
"""

import argparse
import gzip
import time
from collections.abc import Callable
from pathlib import Path

from newsbot.extraction.feeds import FeedError, parse

try:
    import fastfeedparser
    import feedparser
except ImportError as error:
    raise SystemExit(f"{error.name} is missing: pip install feedparser fastfeedparser") from error

ROUNDS = 3
GENERATED = 40


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", nargs="?", type=Path)
    folder = options.parse_args().folder
    feeds = saved(folder) if folder else [generated(number) for number in range(GENERATED)]
    parsers: dict[str, Callable[[bytes], int]] = {
        "newsbot": lambda raw: len(parse(raw, "https://example.com/feed").entries),
        "feedparser": lambda raw: len(feedparser.parse(raw).entries),
        "fastfeedparser": lambda raw: len(fastfeedparser.parse(raw).entries),
    }
    # Only what all of them read at all, so that each is asked for the same.
    feeds = [raw for raw in feeds if all(entries(parser, raw) for parser in parsers.values())]
    if not feeds:
        raise SystemExit(f"{folder}: no feed that all three parsers read")
    rates = {name: rate(parser, feeds) for name, parser in parsers.items()}
    print(f"{len(feeds)} feeds, {sum(map(len, feeds)) / 1e6:.1f} MB, best of {ROUNDS} rounds")
    for name, value in rates.items():
        print(f"{name:<15} {value:>9,.0f} entries a CPU second {value / rates['feedparser']:>7.1f} times feedparser")


def saved(folder: Path) -> list[bytes]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files]


def generated(number: int) -> bytes:
    items = "".join(
        f"<item><title>Headline {number}-{item} on what the council &amp;amp; the mayor decided</title>"
        f"<link>https://example.com/{number}/{item}/story.html</link><guid>https://example.com/{number}/{item}</guid>"
        f"<pubDate>Mon, 02 Jan 2023 10:{item:02d}:00 +0000</pubDate>"
        f"<description>&lt;p&gt;What story {item} is about, in a sentence or two.&lt;/p&gt;</description></item>"
        for item in range(50)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'.encode()


def entries(parser: Callable[[bytes], int], raw: bytes) -> int:
    try:
        return parser(raw)
    except (FeedError, ValueError):
        return 0


def rate(parser: Callable[[bytes], int], feeds: list[bytes]) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        start = time.process_time()
        count = sum(parser(raw) for raw in feeds)
        best = max(best, count / (time.process_time() - start))
    return best


if __name__ == "__main__":
    main()
