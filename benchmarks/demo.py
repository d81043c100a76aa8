"""The demo, from its start to its end."""

import time
from collections.abc import Iterator

from benchmarks import jobs
from benchmarks.measure import ROOT, Figure, environment, run


def figures() -> Iterator[Figure]:
    """Wall time, as a user waits for it, in an empty home."""
    with jobs.home() as home:
        start = time.monotonic()
        cpu = run("newsbot.sample.demo", folder=ROOT, env=environment(NEWSBOT_HOME=str(home)))
        wall = time.monotonic() - start
    yield Figure("demo", wall, "s", 30, detail=f"{cpu:.1f} CPU s")
