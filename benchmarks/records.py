"""100,000 JSON records of an API on the whole way into Postgres, beside bare Scrapy that yields them as dicts."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlsplit

from benchmarks import jobs
from benchmarks.measure import ROOT, Figure, environment, run
from benchmarks.site import serving

ROUNDS = 3
PAGES, SIZE = 100, 1_000
PEER = Path(__file__).parent / "peers" / "json_records.py"
SPIDER = Path(__file__).parent / "records_spider.py"


def figures() -> Iterator[Figure]:
    """The records new, and all of them unchanged, from start to end; and without the start."""
    pages = [_page(number) for number in range(1, PAGES + 1)]
    runs: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)  # CPU seconds over one page, over all

    def page(path: str) -> bytes:
        return pages[int(parse_qs(urlsplit(path).query)["page"][0]) - 1]

    # The peer runs in a folder without a project, so that Scrapy is bare.
    with jobs.home() as home, serving(page) as site, tempfile.TemporaryDirectory() as bare:
        for _ in range(ROUNDS):
            database = jobs.new_database(home)

            def cost(file: Path, count: int, url: str = database.url) -> float:
                arguments = ("-a", f"base={site.base}", "-a", f"pages={count}", "-s", "LOG_LEVEL=INFO")
                command = ("scrapy", "runspider", str(file), *arguments, "-s", "ALLOW_PRIVATE_HOSTS=127.0.0.1")
                folder = Path(bare) if file == PEER else ROOT
                return run(*command, folder=folder, env=environment(DATABASE_URL=url))

            runs["bare"].append((cost(PEER, 1), cost(PEER, PAGES)))
            runs["new"].append((cost(SPIDER, 1), cost(SPIDER, PAGES)))
            runs["unchanged"].append((cost(SPIDER, 1), cost(SPIDER, PAGES)))
            ((stored,),) = jobs.query(database, "SELECT count(*) FROM records")
            if stored != PAGES * SIZE:
                raise RuntimeError(f"{stored} records are stored, {PAGES * SIZE} would be right")

    whole = {name: median(every for _, every in pairs) for name, pairs in runs.items()}
    each = {name: median(every - one for one, every in pairs) / ((PAGES - 1) * SIZE) for name, pairs in runs.items()}
    for name in ("new", "unchanged"):
        detail = f"{whole[name]:.1f} s, bare {whole['bare']:.1f} s; without the start {each[name] / each['bare']:.2f}"
        detail += f" ({each[name] * 1e6:,.0f} us a record, bare {each['bare'] * 1e6:,.0f})"
        yield Figure(f"records, {name}: client CPU", whole[name] / whole["bare"], "times bare Scrapy", 3, detail=detail)


def _page(number: int) -> bytes:
    first = (number - 1) * SIZE
    records = [
        {
            "id": 9_007_199_254_740_993 + n,
            "name": f"Station {n} of the made-up network",
            "kind": "gauge",
            "opened": "2019-05-01",
            "latitude": 48.1 + n / 1e5,
            "longitude": 11.5 + n / 1e5,
            "height": n % 2000,
            "active": n % 7 != 0,
            "operator": {"name": "Waterways", "country": "de"},
            "tags": ["water", "level", f"group-{n % 50}"],
        }
        for n in range(first, first + SIZE)
    ]
    return json.dumps({"pages": PAGES, "records": records}).encode()
