"""Scrapyd with newsbot's parts: how late a job starts, what an idle server costs, how quickly it answers."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket
from statistics import median
from typing import Any

import psutil
import psycopg2
import requests
import yaml

from benchmarks import jobs
from benchmarks.measure import ROOT, Figure, environment, start

FIRES = 20
ENTRIES = 500
FINISHED = 100_000
ASKED = 15  # times
IDLE = float(os.environ.get("BENCHMARKS_IDLE", "300"))  # seconds; an hour for the record
PATIENCE = 60  # seconds
LOGIN = ("ann", "secret")
_NEVER = "0 0 29 2 *"
_FINISHED = f"""
INSERT INTO jobs (project, id, spider, args, asked_by, schedule, state, queued_at, started_at, ended_at, node)
SELECT 'newsbot', md5(n::text), 'spider-' || n % 20, '{{"due": "1"}}', 'schedule:often', 'often',
    CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'finished' END,
    now() - n * interval '1 min', now() - n * interval '1 min', now() - n * interval '1 min' + interval '20 s', 'node'
FROM generate_series(1, {FINISHED}) AS n
"""


class Server:
    """A Scrapyd that runs, with its process and its database."""

    def __init__(self, base: str, process: psutil.Process, url: str) -> None:
        self.base, self.process, self.url = base, process, url

    def ask(self, path: str) -> requests.Response:
        """The answer of a call or a page."""
        return requests.get(f"{self.base}/{path}", auth=LOGIN, timeout=PATIENCE)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, if it returns any."""
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def time(self, path: str) -> float:
        """Milliseconds of an answer, the median of several."""
        took = []
        for _ in range(ASKED):
            begun = time.perf_counter()
            self.ask(path).raise_for_status()
            took.append(time.perf_counter() - begun)
        return 1000 * median(took)


def figures() -> Iterator[Figure]:
    """Each on a separate server."""
    yield _start()
    yield _lateness()
    yield from _idle()
    yield from _answers()


def _entry(name: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "spider": "headlines", "args": {"shard": "0/1"}} | keys


def _start() -> Figure:
    """One job at a time; the crawl fails at once, since its argument names no source."""
    with serving([_entry("often", every="3s", overlap="queue", args={"sources": "none"})]) as server:
        _until(lambda: server.query("SELECT count(*) FROM jobs WHERE birth IS NOT NULL")[0][0] >= FIRES, 5 * FIRES)
        rows = server.query("SELECT birth, extract(epoch FROM nominal_at)::float FROM jobs WHERE birth IS NOT NULL")
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    late = [booted + int(birth) / os.sysconf("SC_CLK_TCK") - nominal for birth, nominal in rows]
    return Figure(
        "fire to process start, median", median(late), "s", 1, detail=f"{len(late)} fires, {max(late):.2f} at most"
    )


def _lateness() -> Figure:
    """All entries are due at the same moment; their jobs want a node that does not exist."""
    entries = [_entry(f"entry-{number}", every="10s", node="nowhere") for number in range(ENTRIES)]
    with serving(entries) as server:
        late = []
        for _ in range(3):
            due = 10 * (time.time() // 10 + 1)
            seen = f"SELECT count(*) FROM fires WHERE nominal_at = to_timestamp({due})"
            _until(lambda seen=seen: server.query(seen)[0][0] == ENTRIES)
            late.append(time.time() - due)
    return Figure(f"{ENTRIES} entries due at once: the last is fired", max(late), "s late", 2)


def _idle() -> Iterator[Figure]:
    with serving([_entry(f"entry-{number}", cron=_NEVER) for number in range(ENTRIES)]) as server:
        time.sleep(10)
        cpu, memory = _cpu(server.process), server.process.memory_info().rss
        time.sleep(IDLE)
        spent = _cpu(server.process) - cpu
        grown = (server.process.memory_info().rss - memory) / 2**20
    detail = f"{ENTRIES} entries, {IDLE:.0f} s"
    yield Figure("idle, of a core", 100 * spent / IDLE, "%", 1, detail=detail)
    yield Figure("idle, memory more at the end", grown, "MB", 2, detail=f"of {memory / 2**20:.0f}")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _answers() -> Iterator[Figure]:
    with serving([_entry("often", cron=_NEVER)]) as server:
        server.query(_FINISHED)
        server.query("ANALYZE jobs")
        for path, target in (
            ("listjobs.json?project=newsbot", 100),
            ("history.json?project=newsbot", 100),
            ("history.json?project=newsbot&spider=spider-3&state=failed", 100),
            ("history.json?project=newsbot&page=900", 100),
            ("daemonstatus.json", 100),
            ("", 300),
        ):
            yield Figure(f"{FINISHED} finished jobs: /{path}", server.time(path), "ms", target)


@contextmanager
def serving(entries: Iterable[dict[str, Any]]) -> Iterator[Server]:
    """A Scrapyd with this schedule, on a separate database."""
    with jobs.home() as home, tempfile.TemporaryDirectory() as name, socket() as free:
        folder = Path(name)
        for file in ("scrapyd.conf", "scrapy.cfg"):
            shutil.copy(ROOT / "scrapyd" / file, folder)
        (folder / "schedule.yaml").write_text(yaml.safe_dump(list(entries)))
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        env = environment(NEWSBOT_HOME=str(home), SCRAPYD_HTTP_PORT=str(port))
        env |= {"SCRAPYD_USERNAME": LOGIN[0], "SCRAPYD_PASSWORD": LOGIN[1]}
        with (folder / "output").open("wb") as output:
            process = start(["newsbot.hosting.serve"], output.fileno(), folder, env)
            try:
                base = f"http://127.0.0.1:{port}"
                url = subprocess.run(
                    [
                        shutil.which("scrapy", path=f"{Path(os.sys.executable).parent}:{os.environ['PATH']}"),
                        "db",
                        "url",
                    ],
                    **{"cwd": ROOT, "env": env, "capture_output": True, "text": True, "check": True},
                ).stdout.strip()
                server = Server(base, psutil.Process(process.pid), url)
                _until(lambda: _answers_well(server))
                yield server
            finally:
                process.terminate()
                process.wait()


def _answers_well(server: Server) -> bool:
    try:
        return bool(server.ask("schedules.json").json().get("schedules"))
    except requests.ConnectionError:
        return False


def _until(condition: Any, patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {patience:.0f} s")
        time.sleep(0.02)
