"""`python -m benchmarks.picture`: makes docs/images/hosting.png anew, the page of a made-up morning of crawls.

Needs chromium.
"""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from urllib.error import URLError
from urllib.request import urlopen

from psycopg2.extras import Json

from benchmarks import jobs
from benchmarks.measure import ROOT, environment, start
from newsbot.storage.database import Database

FILE = ROOT / "docs" / "images" / "hosting.png"
WIDTH, HEIGHT = 1240, 1296
ZONE = "Europe/Berlin"
PATIENCE = 60  # seconds

# All of another node, so that nothing really runs here.
SCHEDULE = """
- {name: headlines, spider: headlines, args: {due: 1}, every: 5m, retries: 2, node: collector-2}
- {name: headlines-closely, spider: headlines, args: {country: gb}, cron: "*/30 * * * *", node: collector-2}
- {name: headlines-all, spider: headlines, cron: "35 3 * * *", timezone: Europe/London, after: headlines-closely,
   node: collector-2}
"""

# Arguments, entry, node, minutes since the start. Of those that ended also seconds taken, state, exit code, signal and
# reason; of those that wait for others: which.
RUNNING = [
    ({"country": "gb"}, "headlines-closely", "collector-2", 2),
    ({"shard": "4/16"}, None, "collector-3", 11),
]
WAITING = [
    ({}, "headlines-all", 10, {"headlines-closely": "2026-01-01T03:30:00+00:00"}),
]
ENDED = [
    ({"due": "1"}, "headlines", "collector-1", 3, 41, "finished", 0, None, None),
    ({"shard": "3/16"}, None, "collector-2", 4, 107, "out of memory", None, 9, "the kernel killed it"),
    ({"sources": "bbc,guardian"}, None, "collector-1", 5, 75, "failed", 1, None, "every source failed"),
    ({"due": "1"}, "headlines", "collector-2", 8, 43, "finished", 0, None, None),
    ({"shard": "2/16"}, None, "collector-3", 95, 1800, "timed out", None, 15, None),
    ({}, "headlines-all", "collector-1", 430, 5025, "finished", 0, None, None),
]


def main() -> None:
    """Make it."""
    with page() as url:
        shoot(url, FILE)
    print(f"{FILE}: {FILE.stat().st_size >> 10} KB")


@contextmanager
def page() -> Iterator[str]:
    """The address of a Scrapyd with made-up content and no login, while the block lasts."""
    with jobs.home() as home:
        database = jobs.new_database(home)
        _fill(database)
        folder = home / "serve"
        folder.mkdir()
        text = (ROOT / "scrapyd" / "scrapyd.conf").read_text("utf-8")
        (folder / "scrapyd.conf").write_text(text.replace("node_name         =", "node_name = collector-1", 1))
        (folder / "scrapy.cfg").write_text("[settings]\nnewsbot = newsbot.settings\n")
        (folder / "schedule.yaml").write_text(SCHEDULE)
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        env = environment(DATABASE_URL=database.url, NEWSBOT_HOME=str(home), SCRAPYD_HTTP_PORT=str(port))
        for name in ("SCRAPYD_USERNAME", "SCRAPYD_PASSWORD", "SCRAPYD_BIND_ADDRESS", "NEWSBOT_SCHEDULE"):
            env.pop(name, None)
        with (home / "said").open("wb") as output:
            process = start(["scrapyd", "--pidfile="], output.fileno(), folder, env)
        url = f"http://127.0.0.1:{port}/"
        try:
            _wait_for(url)
            yield url
        finally:
            process.terminate()
            process.wait()


def shoot(url: str, file: Path) -> None:
    """A picture of a browser's window. Raises RuntimeError without chromium."""
    browser = shutil.which("chromium")
    if browser is None:
        raise RuntimeError("chromium is not installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}", "--virtual-time-budget=2000"]
        subprocess.run(
            [*command, f"--screenshot={file}", url],
            env=os.environ | {"TZ": ZONE, "LANGUAGE": "en_GB"},
            capture_output=True,
            check=True,
        )


def _fill(database: Database) -> None:
    for number, (args, entry, node, minutes) in enumerate(RUNNING):
        job = _add(database, args, entry, node, minutes, "running")
        jobs.query(
            database,
            "UPDATE jobs SET pid = %s, token = gen_random_uuid(), lease_until = now() + interval '1 day' WHERE id = %s",
            4711 + 137 * number,
            job,
        )
    for args, entry, minutes, waits_for in WAITING:
        job = _add(database, args, entry, None, minutes, "pending")
        jobs.query(
            database,
            "UPDATE jobs SET waits_for = %s, wanted_node = 'collector-2', started_at = NULL WHERE id = %s",
            Json(waits_for) if waits_for else None,
            job,
        )
    for args, entry, node, minutes, seconds, state, *end in ENDED:
        job = _add(database, args, entry, node, minutes, state)
        jobs.query(
            database,
            "UPDATE jobs SET ended_at = started_at + make_interval(secs => %s), exit_code = %s, signal = %s,"
            " reason = %s WHERE id = %s",
            seconds,
            *end,
            job,
        )
    for node in ("collector-2", "collector-3"):
        jobs.query(
            database,
            "INSERT INTO nodes (name, machine, pid, birth, slots) VALUES (%s, %s, 1, '1', 8)",
            node,
            f"machine of {node}",
        )


def _add(database: Database, args: dict, entry: str | None, node: str | None, minutes: int, state: str) -> str:
    """A job, and the fire of its entry; its id."""
    job = uuid.uuid4().hex[:8]  # short, for a small picture
    asked_by = f"schedule:{entry}" if entry else "api"
    jobs.query(
        database,
        """
        INSERT INTO jobs (project, id, spider, args, asked_by, schedule, state, node, queued_at, started_at)
        SELECT 'newsbot', %s, 'headlines', %s, %s, %s, %s, %s, at, at
        FROM (SELECT now() - make_interval(mins => %s) AS at) AS start
        """,
        *(job, Json(args), asked_by, entry, state, node, minutes),
    )
    if entry:
        jobs.query(
            database,
            "INSERT INTO fires (schedule, nominal_at, outcome, job) SELECT schedule, queued_at, 'queued', id FROM jobs"
            " WHERE id = %s",
            job,
        )
    return job


def _wait_for(url: str) -> None:
    """Wait until the page shows its schedule."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(url) as answer:  # 503 until the database is ready
                if b"<b>3</b> scheduled" in answer.read():
                    return
        except URLError:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


if __name__ == "__main__":
    main()
