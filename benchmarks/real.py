"""Saved feeds with known entries, crawled through to rows."""

import html
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import corpus, jobs
from benchmarks.kit import SavedFeed
from benchmarks.measure import Figure
from benchmarks.site import serving

# Changes with any write to the table, were it of the same values.
_VERSION = "SELECT count(*), md5(string_agg(xmin::text || ctid::text, ',' ORDER BY id)) FROM articles"


def figures(saved: list[SavedFeed]) -> Iterator[Figure]:
    """The share of true entries that the database has by link or title, and what a second run writes."""
    pages = {f"/{feed.id}": feed.raw for feed in saved}
    with jobs.home() as home, serving(pages.get) as site, tempfile.TemporaryDirectory() as folder:
        catalogue, database = Path(folder, "catalogue.yaml"), jobs.new_database(home)
        sources = {f"kit{number}": [f"{site.base}/{feed.id}"] for number, feed in enumerate(saved)}
        corpus.write_catalogue(catalogue, sources)
        jobs.crawl(database, catalogue, list(sources))
        rows = jobs.query(
            database, "SELECT u.url, a.title, a.origin FROM articles a JOIN article_urls u ON u.article_id = a.id"
        )
        ((stored, version),) = jobs.query(database, _VERSION)
        # No validators, and every entry goes through the stages.
        jobs.crawl(database, catalogue, list(sources), FEED_FULL_FETCH_INTERVAL=0)
        ((_, version_after),) = jobs.query(database, _VERSION)
    links = {_link(url) for url, _, _ in rows}
    titles = {(origin, _tight(title)) for _, title, origin in rows}
    misses = {}
    for feed, (origin,) in zip(saved, sources.values(), strict=True):
        found = [
            _link(item.get("link")) in links or (origin, _tight(item.get("title"))) in titles for item in feed.items
        ]
        misses[feed.id] = found.count(False)
    true = sum(len(feed.items) for feed in saved)
    worst = [f"{id_} {missed}" for id_, missed in sorted(misses.items(), key=lambda pair: -pair[1])[:5] if missed]
    yield Figure(
        "real feeds: true entries found in the database",
        100 * (1 - sum(misses.values()) / true),
        "%",
        97,
        at_least=True,
        detail=f"{true} entries of {len(saved)} feeds, {stored} articles"
        + (f"; most missed: {', '.join(worst)}" if worst else ""),
    )
    yield Figure("real feeds: a second run writes an article", float(version != version_after), "(0: none)", 0)


def _link(text: str | None) -> str:
    return html.unescape(text or "").strip().rstrip("/")


def _tight(text: str | None) -> str:
    """The letters and digits of a title."""
    for _ in range(2):  # feeds escape doubly
        text = html.unescape(re.sub(r"<[^<>]+>", " ", text or ""))
    return re.sub(r"\W+", "", text).casefold()
