"""Entries that a CPU second reads: newsbot, feedparser and fastfeedparser over the same feeds."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import fastfeedparser
import feedparser

from benchmarks import corpus
from benchmarks.kit import SavedFeed
from benchmarks.measure import Figure
from newsbot.extraction.feeds import FeedError, parse

ROUNDS = 3
GENERATED = 40

PARSERS: dict[str, Callable[[bytes], Sequence]] = {
    "newsbot": lambda raw: parse(raw, "https://example.com/feed").entries,
    "feedparser": lambda raw: feedparser.parse(raw).entries,
    "fastfeedparser": lambda raw: fastfeedparser.parse(raw).entries,
}


def figures(saved: list[SavedFeed]) -> Iterator[Figure]:
    """Rates over the saved feeds, or over generated ones."""
    feeds = [feed.raw for feed in saved] or [corpus.feed(number) for number in range(GENERATED)]
    # Only feeds that all of them can read, so that each has the same work.
    feeds = [raw for raw in feeds if all(_count(parser, raw) for parser in PARSERS.values())]
    rounds = defaultdict(list)
    for _ in range(ROUNDS):
        for name, parser in PARSERS.items():
            start = time.process_time()
            count = sum(_count(parser, raw) for raw in feeds)
            rounds[name].append(count / (time.process_time() - start))
    rates = {name: median(values) for name, values in rounds.items()}
    kind = "real" if saved else "generated"
    size = f"{len(feeds)} feeds, {sum(map(len, feeds)) / 1e6:.1f} MB"
    for peer, target in (("feedparser", 20), ("fastfeedparser", None)):
        yield Figure(
            f"{kind} feeds: entries a CPU second",
            rates["newsbot"] / rates[peer],
            f"times {peer}",
            target,
            at_least=True,
            detail=f"{rates['newsbot']:,.0f}, peer {rates[peer]:,.0f}; {size}",
        )


def _count(parser: Callable[[bytes], Sequence], raw: bytes) -> int:
    try:
        return len(parser(raw))
    except (FeedError, ValueError):
        return 0
