"""kill -9 of the crawl, at any moment from its first request to its end."""

import random
import subprocess
import time

import pytest
from crawls import assert_all_is_stored_once, finish


@pytest.mark.parametrize(
    ("feeds", "kills"), [pytest.param(12, 10, id="short"), pytest.param(40, 200, id="long", marks=pytest.mark.trial)]
)
def test_nothing_is_lost_or_doubled(feeds, kills, serve, start_crawl, database, database_url, capsys):
    began, moments = time.monotonic(), random.Random(kills)
    feeds = serve(feeds)

    def start():
        crawl = start_crawl(feeds, DATABASE_URL=database_url)
        assert feeds.asked.wait(60), crawl.log.read_text()
        return crawl, time.monotonic()

    crawl, asked_at = start()
    finish(crawl)
    duration = time.monotonic() - asked_at
    killed = 0
    while killed < kills:
        crawl, asked_at = start()
        try:
            crawl.wait(moments.uniform(0, duration))
        except subprocess.TimeoutExpired:
            crawl.kill()
            crawl.wait()
            killed += 1
        else:  # it was quicker than the one before
            finish(crawl)
            duration = time.monotonic() - asked_at
    feeds.moving = False
    finish(start_crawl(feeds, DATABASE_URL=database_url))
    finish(start_crawl(feeds, DATABASE_URL=database_url))
    assert not feeds.asked.is_set(), "a feed had to send its window once more"
    figures = assert_all_is_stored_once(feeds, database)
    with capsys.disabled():
        print(f"\n{killed} kills of the crawl in {time.monotonic() - began:.0f} s: {figures}")
