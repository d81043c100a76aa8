"""docs/database.md: its statements for a first look, run as they are written."""

import os
import re
import shlex
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsbot.storage.upgrade import upgrade

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/database.md").read_text("utf-8")
LOOKS = re.findall(r"^    (scrapy db sql .*)", PAGE.partition("**A first look.**")[2], re.MULTILINE)
ARTICLE = """
INSERT INTO articles (id, url, canonical_url, source_id, title, published_at, first_seen_at, sentiment, content_hash,
    origin, origin_rank)
VALUES (gen_random_uuid(), %(url)s, %(url)s, %(source)s, 'A title', %(published)s, %(seen)s, %(sentiment)s, '', '', 1)
"""
REJECT = """
INSERT INTO rejects (id, source_id, item_type, field, reason, times)
VALUES (gen_random_uuid(), 'bbc', 'Article', 'title', 'is missing', %s)
"""


@pytest.fixture
def look(database):
    """Run one of the commands on a database with some rows; its lines, as cells."""
    now = datetime.now(UTC) + timedelta(hours=12)  # is not yesterday when the statement runs
    earlier = now - timedelta(days=3)
    articles = [("bbc", now, 0.5), ("bbc", now, -0.25), ("lemonde", now, None), ("lemonde", None, 0.5)]
    articles.append(("bbc", earlier, 0.75))
    with closing(database.connect()) as connection:
        upgrade(connection)
        with connection, connection.cursor() as cursor:
            for n, (source, published, sentiment) in enumerate(articles):
                row = {"url": f"https://{source}.example/{n}", "source": source, "published": published}
                cursor.execute(ARTICLE, row | {"seen": published or now, "sentiment": sentiment})
            cursor.execute(REJECT, (2,))
            cursor.execute(REJECT, (3,))

    def run(command):
        given = [sys.executable, "-m", *shlex.split(command), "--csv"]
        environment = os.environ | {"DATABASE_URL": database.url}
        done = subprocess.run(given, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [line.split(",") for line in done.stdout.splitlines()]

    run.today, run.earlier = f"{now:%Y-%m-%d}", f"{earlier:%Y-%m-%d}"
    return run


def test_a_first_look(look):
    today, refused, sentiment = LOOKS
    assert sorted(look(today)[1:]) == [["bbc", "2"], ["lemonde", "2"]]
    assert look(refused)[1:] == [["bbc", "title", "is missing", "5"]]
    assert look(sentiment) == [
        ["day", "count", "sentiment"],
        [look.today, "2", "0.13"],
        [look.earlier, "1", "0.75"],
    ]
