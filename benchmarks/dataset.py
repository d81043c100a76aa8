"""A dataset of 2,000,000 rows and 1 GB: the cost of its load, and the traces of a kill -9 in its middle."""

import random
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from resource import struct_rusage

from benchmarks import jobs
from benchmarks.measure import ROOT, Figure, environment, start, used
from newsbot.storage.database import Database

ROWS = 2_000_000
TEXTS, INTEGERS, NUMBERS, DATES = 9, 6, 6, 3  # columns of each type, beside the id
_WORDS = (
    "council",
    "harbour",
    "Straße",
    "köprü",
    "ferry",
    "plan",
    "vote",
    "budget",
    "région",
    "mayor",
    "港口",
    "street",
)


def figures() -> Iterator[Figure]:
    """The peer's load, a load that is killed, and its measured repeat."""
    with tempfile.TemporaryDirectory(prefix="newsbot-bench-") as folder, jobs.home() as home:
        file = Path(folder) / "rows.csv"
        _write(file)
        config = Path(folder) / "rows.yaml"
        config.write_text(_declaration(file), encoding="utf-8")
        database = jobs.new_database(home)
        env = environment(DATABASE_URL=database.url)
        peer = used("benchmarks.peers.copied_csv", file, database.url, folder=ROOT, env=env)
        command = ("scrapy", "crawl", "dataset", "-a", f"config={config}")
        at = _killed(command, database, env)
        left = _rows(database)
        ours = used(*command, folder=ROOT, env=env)
        rows = _rows(database)
        size = file.stat().st_size
    yield Figure(
        f"dataset of {ROWS:,} rows and {size / 1e9:.2f} GB: client CPU",
        _cpu(ours) / _cpu(peer),
        "times csv module and COPY",
        2.5,
        detail=f"{_cpu(ours):.1f} s, csv module and COPY {_cpu(peer):.1f} s",
    )
    yield Figure("dataset: peak memory", ours.ru_maxrss / 1024, "MiB", 300 / 1.048576)
    yield Figure(
        "dataset: rows lost or doubled after kill -9 and repeat",
        abs(rows - ROWS) + left,
        "rows",
        0,
        detail=f"killed after {at:,} rows, which left {left:,}; {rows:,} after the repeat",
    )


def _write(file: Path) -> None:
    """Rows of some 500 bytes."""
    moments = random.Random(4)
    texts = [" ".join(moments.choices(_WORDS, k=6)) for _ in range(5_000)]
    days = [(date(2020, 1, 1) + timedelta(days=n)).isoformat() for n in range(2_000)]
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(["id", *_names()]) + "\r\n")
        for number in range(ROWS):
            cells = [f"{number:09d}"]
            cells += [f'"{text}, {number}"' for text in moments.choices(texts, k=2)]
            cells += moments.choices(texts, k=TEXTS - 2)
            cells += [str(moments.getrandbits(20)) for _ in range(INTEGERS)]
            cells += [f"{moments.random() * 1000:.4f}" for _ in range(NUMBERS)]
            cells += moments.choices(days, k=DATES)
            out.write(",".join(cells) + "\r\n")


def _names() -> list[str]:
    kinds = {"text": TEXTS, "integer": INTEGERS, "number": NUMBERS, "date": DATES}
    return [f"{kind}_{n}" for kind, number in kinds.items() for n in range(number)]


def _declaration(file: Path) -> str:
    columns = [f"  {name}: {{type: {name.partition('_')[0]}}}" for name in _names()]
    return "\n".join(
        ["name: rows", "title: Made-up rows", f"path: {file}", "key: [id]", "columns:", "  id: {}", *columns]
    )


def _killed(command: tuple[str, ...], database: Database, env: dict[str, str]) -> int:
    """Kill a load after a third of its rows; returns how many the server had by then."""
    with tempfile.TemporaryFile() as output:
        process = start(command, output.fileno(), ROOT, env)
        copied = 0
        while process.poll() is None and copied < ROWS // 3:
            time.sleep(0.2)
            copied = jobs.query(database, "SELECT coalesce(max(tuples_processed), 0) FROM pg_stat_progress_copy")[0][0]
        process.kill()
        process.wait()
    return copied


def _rows(database: Database) -> int:
    return jobs.query(database, "SELECT count(*) FROM records")[0][0]


def _cpu(usage: struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime
