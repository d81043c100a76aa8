"""kill -9 of a crawl of GDELT's files, at any moment from its first request to its end."""

import os
import random
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "spiders"))
from made_up_gdelt import STEP, MadeUpGdelt, row  # noqa: E402

KILLS = 50
ROWS = 300


@pytest.mark.trial
def test_nothing_is_lost_or_doubled(database, database_url, capsys):
    gdelt, moments = MadeUpGdelt(), random.Random(KILLS)
    time_of_next = datetime(2026, 3, 1, tzinfo=UTC)
    published = []

    def publish(files):
        nonlocal time_of_next
        for _ in range(files):
            gdelt.add(time_of_next, [row(time_of_next, number) for number in range(ROWS)])
            published.extend(f"{time_of_next:%Y%m%d%H%M%S}-{number}" for number in range(ROWS))
            time_of_next += STEP

    def start():
        command = [sys.executable, "-m", "scrapy", "crawl", "gdelt", "-s", f"STAND_INS={gdelt.stand_ins}"]
        variables = os.environ | {"DATABASE_URL": database_url}
        return subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True)

    def finish(crawl):
        _, said = crawl.communicate(timeout=300)
        assert crawl.returncode == 0, said

    publish(1)
    finish(start())
    publish(8)
    began = time.monotonic()
    finish(start())
    duration = time.monotonic() - began
    killed = 0
    while killed < KILLS:
        publish(2)
        crawl = start()
        try:
            crawl.communicate(timeout=moments.uniform(0.2, duration))
        except subprocess.TimeoutExpired:
            crawl.kill()
            crawl.communicate()
            killed += 1
    finish(start())
    gdelt.paths()
    finish(start())
    assert len(gdelt.paths()) == 1, "what was stored is asked for again"
    gdelt.shutdown()
    gdelt.server_close()
    assert gdelt.wrong == []
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT external_id FROM sightings")
        stored = [id_ for (id_,) in cursor.fetchall()]
        counted = []
        for table in ("articles", "article_revisions", "rejects"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            counted += cursor.fetchone()
    assert sorted(stored) == sorted(published)
    assert counted == [len(published), 0, 0]
    with capsys.disabled():
        print(f"\n{killed} kills: {len(stored)} articles")
