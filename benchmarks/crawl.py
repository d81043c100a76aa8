"""A crawl of 400 feeds of 50 entries, new and unchanged, beside bare Scrapy's item path and the plain ways to do it."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import corpus, jobs
from benchmarks.measure import Figure, environment, run
from benchmarks.site import Site, serving
from newsbot.storage.database import Database

ROUNDS = 3
SOURCES = [f"feed{number}" for number in range(corpus.FEEDS)]
PEERS = Path(__file__).with_name("peers")


def figures() -> Iterator[Figure]:
    """Costs without the start are the difference between a run over all feeds and a run over one."""
    pages = {f"/{number}.xml": corpus.feed(number) for number in range(corpus.FEEDS)}
    runs: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)  # CPU seconds over one feed, over all
    wal: defaultdict[str, list[int]] = defaultdict(list)  # bytes
    with jobs.home() as home, serving(pages.get) as site, tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder, "catalogue.yaml")
        corpus.write_catalogue(catalogue, {id_: [f"{site.base}/{number}.xml"] for number, id_ in enumerate(SOURCES)})
        for _ in range(ROUNDS):
            for name, costs in _peers(site, Path(folder)):
                runs[name].append(costs)
            for name, costs, written in _crawls(jobs.new_database(home), site, catalogue):
                runs[name].append(costs)
                wal[name].append(written)

    headlines = (corpus.FEEDS - 1) * corpus.ENTRIES
    each = {name: median(every - one for one, every in pairs) / headlines for name, pairs in runs.items()}
    whole = {name: median(every for _, every in pairs) for name, pairs in runs.items()}
    starts = {name: median(one for one, _ in pairs) for name, pairs in runs.items()}
    path = each["item path"]
    for name, target in (("new", 5), ("unchanged", 2.5), ("the same feeds", None)):
        detail = f"{each[name] * 1e6:,.0f} us a headline, item path {path * 1e6:,.0f} us"
        yield Figure(f"crawl, {name}: client CPU a headline", each[name] / path, "item paths", target, detail=detail)
    feed_state = median(wal["not modified"])
    yield Figure(
        "crawl, unchanged: WAL",
        median(wal["unchanged"]) / feed_state,
        "times feed state alone",
        1.1,
        detail=f"{median(wal['unchanged']) / 1e3:,.0f} kB, feed state alone {feed_state / 1e3:,.0f} kB,"
        f" new {median(wal['new']) / 1e3:,.0f} kB",
    )
    for name, target in (("Scrapy with feedparser", 3), ("requests with feedparser", 2)):
        yield Figure(
            f"crawl, new: against {name}",
            whole[name] / whole["new"],
            "times fewer CPU s",
            target,
            at_least=True,
            detail=f"{whole['new']:.1f} s, peer {whole[name]:.1f} s; without the start"
            f" ({starts['new']:.1f} and {starts[name]:.1f} s) {each[name] / each['new']:.2f} times",
        )


def _peers(site: Site, folder: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    commands = {
        "item path": lambda feeds: _spider("item_path.py", "-a", f"feeds={feeds}", "-s", "LOG_LEVEL=INFO"),
        "Scrapy with feedparser": lambda feeds: _spider(
            "scrapy_feedparser.py", "-a", f"base={site.base}", "-a", f"feeds={feeds}", "-O", "out.jsonl"
        ),
        "requests with feedparser": lambda feeds: ("benchmarks.peers.requests_feedparser", site.base, str(feeds)),
    }
    for name, command in commands.items():
        one, every = (run(*command(feeds), folder=folder, env=environment()) for feeds in (1, corpus.FEEDS))
        yield name, (one, every)


def _spider(file: str, *arguments: str) -> tuple[str, ...]:
    return ("scrapy", "runspider", str(PEERS / file), *arguments)


def _crawls(database: Database, site: Site, catalogue: Path) -> Iterator[tuple[str, tuple[float, float], int]]:
    """The runs of one round, in their order: each finds the rows of the one before; with the bytes of WAL."""

    def costs(name: str, **settings: object) -> tuple[str, tuple[float, float], int]:
        one = jobs.crawl(database, catalogue, SOURCES[:1], **settings)
        # From a checkpoint on, so that each run writes only its own pages, whole and once.
        jobs.query(database, "CHECKPOINT")
        ((before,),) = jobs.query(database, "SELECT pg_current_wal_lsn()")
        every = jobs.crawl(database, catalogue, SOURCES, **settings)
        ((written,),) = jobs.query(database, "SELECT pg_current_wal_lsn() - %s::pg_lsn", before)
        return name, (one, every), int(written)

    yield costs("new")
    # The first reader of a row marks it as committed, which a server with checksums logs once: a cost of the new run.
    jobs.query(database, "VACUUM")
    yield costs("unchanged", FEED_FULL_FETCH_INTERVAL=0)  # no validators, and every entry goes through the stages
    yield costs("not modified")
    site.validators = False
    yield costs("the same feeds")
    site.validators = True
    ((stored,),) = jobs.query(database, "SELECT count(*) FROM articles")
    if stored != corpus.FEEDS * corpus.ENTRIES:
        raise RuntimeError(f"{stored} articles are stored, {corpus.FEEDS * corpus.ENTRIES} would be right")
