"""The start of `scrapy crawl headlines`: CPU seconds until its first request reaches a server."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from threading import Event
from typing import NamedTuple

import psutil

from benchmarks import corpus, jobs
from benchmarks.measure import ROOT, Figure, environment, run, start
from benchmarks.site import serving

ROUNDS = 5
PATIENCE = 120  # seconds

_SPIDER = """
import scrapy


class OneSpider(scrapy.Spider):
    name = "one"
    start_urls = ["{base}/"]

    def parse(self, response):
        pass
"""


class Moment(NamedTuple):
    """CPU seconds spent when the first request came."""

    own: float
    children: float  # that had ended: of a cold embedded server, its set-up


def figures() -> Iterator[Figure]:
    """Bare Scrapy is a project as `scrapy startproject` makes it, with one spider."""
    moments: defaultdict[str, list[Moment]] = defaultdict(list)
    clock = _Clock()
    with jobs.home() as home, tempfile.TemporaryDirectory() as folder, serving(clock) as site:
        bare, catalogue = Path(folder, "bare"), Path(folder, "catalogue.yaml")
        run("scrapy", "startproject", "bare", bare, folder=Path(folder), env=environment())
        (bare / "bare" / "spiders" / "one.py").write_text(_SPIDER.format(base=site.base))
        corpus.write_catalogue(catalogue, {"one": [f"{site.base}/feed.xml"]})
        crawl = jobs.command(catalogue, ["one"])
        for number in range(ROUNDS + 1):
            with jobs.home() as empty:
                found = {
                    "bare": clock.moment(["scrapy", "crawl", "one"], bare, environment()),
                    "at head": clock.moment(crawl, ROOT, environment(NEWSBOT_HOME=str(home))),
                    "cold": clock.moment(crawl, ROOT, environment(NEWSBOT_HOME=str(empty))),
                }
            if number:  # the first round brings the database to head, compiled modules to disk and files to memory
                for name, moment in found.items():
                    moments[name].append(moment)
    bare = median(moment.own for moment in moments["bare"])
    for name, target in (("at head", 0.5), ("cold", 1.5)):
        own = median(moment.own for moment in moments[name])
        children = median(moment.children for moment in moments[name])
        yield Figure(
            f"start to the first request, {'database at head' if name == 'at head' else 'cold embedded server'}",
            own + children - bare,
            "CPU s over bare Scrapy",
            target,
            detail=f"{own:.2f} s and children {children:.2f} s, bare {bare:.2f} s;"
            f" {(own + children) / bare:.2f} times bare",
        )


class _Clock:
    """The page of a server that reads the client's clock when the first request comes."""

    def __init__(self) -> None:
        self._came = Event()

    def moment(self, command: Sequence[str | Path], folder: Path, env: Mapping[str, str]) -> Moment:
        """Run a command until it asks."""
        self._came.clear()
        with tempfile.TemporaryFile() as output:
            self._process = start(command, output.fileno(), folder, env)
            try:
                if not self._came.wait(PATIENCE):
                    output.seek(0)
                    raise RuntimeError(f"no request within {PATIENCE} s:\n{output.read().decode()[-2_000:]}")
            finally:
                self._process.kill()
                self._process.wait()
        return self._moment

    def __call__(self, path: str) -> None:
        if not self._came.is_set():
            times = psutil.Process(self._process.pid).cpu_times()
            self._moment = Moment(times.user + times.system, times.children_user + times.children_system)
            self._came.set()
