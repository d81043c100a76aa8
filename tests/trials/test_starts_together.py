"""Crawls that start at the same moment in an empty home."""

from contextlib import closing

import pytest
from crawls import assert_all_is_stored_once, finish

from newsbot.storage.database import Database


@pytest.mark.parametrize(
    ("feeds", "crawls"), [pytest.param(12, 4, id="short"), pytest.param(40, 8, id="long", marks=pytest.mark.trial)]
)
def test_one_server_one_migration_all_succeed(feeds, crawls, serve, start_crawl, home, capsys):
    feeds = serve(feeds)
    feeds.moving = False
    for crawl in [start_crawl(feeds, NEWSBOT_HOME=str(home)) for _ in range(crawls)]:
        finish(crawl)
    assert (home / "postgres.log").read_text().count("ready to accept connections") == 1
    assert not (home / "postgres.log.old").exists()
    database = Database("", home)
    figures = assert_all_is_stored_once(feeds, database)
    assert (figures["windows"], figures["runs"]) == (feeds.feeds, {"finished": crawls})
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sum((stats ->> 'new')::int)::int FROM runs")
        assert cursor.fetchone() == (figures["articles"],)
    with capsys.disabled():
        print(f"\n{crawls} crawls started together: {figures}")
