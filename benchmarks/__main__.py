"""python -m benchmarks [NAME ...] [--kit FOLDER]: costs as ratios to their peers in the same run, beside their targets.

NAME is one or more of the benchmarks listed with --help; without it, all but `growth` and `dataset`, which take long.
Machines differ and drift, so a cost is CPU time, the median of runs that alternate with the peer's, and only ratios
count. A missed target is reported, not an error.

FOLDER holds saved feeds with known entries: feeds/ID.gz, raw bytes by gzip, and truth.jsonl with id, group and items
(title, link); those of the group `real` are read. Without it feeds are made up, and `real` is left out.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tabulate import tabulate

from benchmarks import crawl, dataset, demo, feeds, gdelt, growth, hosting, real, records, start, store
from benchmarks.kit import SavedFeed, load
from benchmarks.measure import Figure

BENCHMARKS: dict[str, Callable[[list[SavedFeed]], Iterator[Figure]]] = {
    "feeds": feeds.figures,
    "crawl": lambda saved: crawl.figures(),
    "records": lambda saved: records.figures(),
    "store": lambda saved: store.figures(),
    "start": lambda saved: start.figures(),
    "demo": lambda saved: demo.figures(),
    "hosting": lambda saved: hosting.figures(),
    "gdelt": lambda saved: gdelt.figures(),
    "real": real.figures,
    "growth": lambda saved: growth.figures(),
    "dataset": lambda saved: dataset.figures(),
}
LONG = ("growth", "dataset", "gdelt")
HEADER = ("what", "measured", "", "target", "reached", "detail")


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    options.add_argument(
        "--kit",
        type=Path,
        default=os.environ.get("BENCHMARKS_KIT"),
        metavar="FOLDER",
        help="saved feeds (default: $BENCHMARKS_KIT)",
    )
    given = options.parse_args()
    if unknown := set(given.names) - BENCHMARKS.keys():
        options.error(f"{', '.join(sorted(unknown))}: expected one or more of {', '.join(BENCHMARKS)}")
    saved = load(Path(given.kit)) if given.kit else []
    names = given.names or [name for name in BENCHMARKS if name not in LONG and (saved or name != "real")]
    if "real" in names and not saved:
        options.error("real: --kit FOLDER is missing")
    rows = []
    for name in names:
        print(f"{name} ...", flush=True)
        for figure in BENCHMARKS[name](saved):
            rows.append(_row(figure))
            print("  " + "  ".join(filter(None, rows[-1])), flush=True)
    print("\n" + tabulate(rows, HEADER, disable_numparse=True))


def _row(figure: Figure) -> tuple[str, ...]:
    target = "" if figure.target is None else f"{'at least' if figure.at_least else 'at most'} {figure.target:g}"
    return (figure.what, f"{figure.measured:,.2f}", figure.unit, target, figure.reached, figure.detail)


if __name__ == "__main__":
    main()
