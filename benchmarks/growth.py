"""One crawl of a million headlines: whether a row costs the same at its end, and whether memory stays flat."""

import bisect
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psutil
from tqdm import tqdm

from benchmarks import corpus, jobs
from benchmarks.measure import ROOT, Figure, environment, start
from benchmarks.site import serving
from newsbot.storage.database import Database

ROWS = 1_000_000
START = 10_000  # rows until a run is warm
STRETCH = 100_000  # rows whose cost is compared
ENTRIES = 500  # of a feed
FEEDS_OF_A_SOURCE = 100
LOOK_EVERY = 1.0  # seconds
MEGABYTE = 1 << 20


class Sample(NamedTuple):
    """The crawl at one moment."""

    rows: int  # committed
    cpu: float  # seconds
    memory: int  # resident bytes


def figures() -> Iterator[Figure]:
    """The first stretch after the start, and the last."""
    samples = _samples()
    first = _cpu_at(samples, START + STRETCH) - _cpu_at(samples, START)
    end = samples[-1].rows
    last = samples[-1].cpu - _cpu_at(samples, end - STRETCH)
    what = f"growth to {ROWS:,} headlines"
    yield Figure(
        f"{what}: client CPU a row, the last {STRETCH:,} against the first",
        last / first,
        "times",
        1.1,
        detail=f"{last / STRETCH * 1e6:,.0f} us, first {first / STRETCH * 1e6:,.0f} us",
    )
    peak = max(sample.memory for sample in samples)
    early = max(sample.memory for sample in samples if sample.rows <= START + STRETCH)
    yield Figure(f"{what}: peak memory", peak / MEGABYTE, "MB", 350)
    yield Figure(
        f"{what}: peak memory against that of the first {START + STRETCH:,}",
        peak / early,
        "times",
        1.1,
        detail=f"{early / MEGABYTE:,.0f} MB then",
    )


def _samples() -> list[Sample]:
    urls = [f"/{number}.xml" for number in range(ROWS // ENTRIES)]
    with (
        jobs.home() as home,
        serving(lambda path: corpus.feed(int(path[1:-4]), ENTRIES) if path in urls else None) as site,
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as output,
    ):
        catalogue, database = Path(folder, "catalogue.yaml"), jobs.new_database(home)
        sources = {
            f"source{first}": [site.base + url for url in urls[first : first + FEEDS_OF_A_SOURCE]]
            for first in range(0, len(urls), FEEDS_OF_A_SOURCE)
        }
        corpus.write_catalogue(catalogue, sources)
        env = environment(DATABASE_URL=database.url)
        process = start(jobs.command(catalogue, list(sources)), output.fileno(), ROOT, env)
        try:
            return list(_watch(process, database))
        finally:
            process.kill()
            process.wait()


def _watch(process: subprocess.Popen, database: Database) -> Iterator[Sample]:
    client = psutil.Process(process.pid)
    with closing(database.connect()) as connection, connection.cursor() as cursor, tqdm(total=ROWS, unit="row") as bar:
        connection.autocommit = True
        while process.poll() is None:
            cursor.execute("SELECT coalesce(max(items), 0) FROM runs")
            ((rows,),) = cursor.fetchall()
            times = client.cpu_times()
            yield Sample(rows, times.user + times.system, client.memory_info().rss)
            bar.update(rows - bar.n)
            time.sleep(LOOK_EVERY)


def _cpu_at(samples: list[Sample], rows: int) -> float:
    """CPU seconds until so many rows, between two samples by proportion."""
    at = bisect.bisect_left(samples, rows, key=lambda sample: sample.rows)
    low, high = samples[at - 1], samples[at]
    return low.cpu + (high.cpu - low.cpu) * (rows - low.rows) / (high.rows - low.rows)
