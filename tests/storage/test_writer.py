"""The queue between a crawl and its database: batches, order, back-pressure, refused rows, progress."""

import asyncio
import multiprocessing
import random

import psycopg2
import pytest
from made_up import headline
from scrapy.settings import Settings

from newsbot.batch import FeedProgress
from newsbot.storage.database import DatabaseError
from newsbot.storage.writer import BATCH, QUEUE, Writer

FEED = "https://site.example/feed"


def settings(database_url, **others):
    return Settings({"DATABASE_URL": database_url, "DATABASE_WAIT": 20, "REJECTS_DAYS": 90} | others)


def progress(**columns):
    return FeedProgress(url=FEED, **{"source_id": "site", "content_hash": "h", "etag": "e", "ok": True} | columns)


def test_a_run_has_its_row(store, query):
    run = store(*map(headline, range(3)))
    assert query("SELECT id::text, spider, finish_reason, exit_code, items, rejected, errors FROM runs") == [
        (run.run.id, "test", "finished", 0, 3, 0, 0)
    ]
    ((stats,),) = query("SELECT stats FROM runs")
    assert stats["new"] == stats["sources"]["site"]["new"] == 3


@pytest.mark.parametrize("position", [0, 317, BATCH])
def test_a_bad_row_does_not_take_its_batch_with_it(store, query, position):
    rows = [headline(n) for n in range(BATCH + 1)]
    rows[position].title = "\0"  # as no stage lets through
    run = store(*rows, progress())
    assert query("SELECT count(*) FROM articles") == [(BATCH,)]
    assert query("SELECT url, item_type, payload ->> 'title' FROM rejects") == [
        (f"https://site.example/{position}", "Article", "\ufffd")
    ]
    assert query("SELECT url FROM feeds") == [(FEED,)]
    total = run.run.total()
    assert (total.new, total.rejected) == (BATCH, 1)


@pytest.mark.parametrize("url", [f"https://site.example/{'x' * 9000}", "https://site.example/a\rb"])
def test_a_row_that_does_not_fit_the_table_is_a_reject(store, query, url):
    row = headline(2)
    noise = "".join(random.Random(1).choices("0123456789abcdef", k=9000))
    row.url = url.replace("x" * 9000, noise)  # too long for an index, or a line break that COPY does not take
    store(headline(1), row, headline(3))
    assert query("SELECT count(*) FROM articles") in ([(2,)], [(3,)])
    assert query("SELECT (SELECT count(*) FROM articles) + (SELECT count(*) FROM rejects)") == [(3,)]


def test_progress_is_committed_with_the_last_of_its_items_or_after(database_url, query):
    """Checked after every commit of a batch: progress never comes without all its rows."""

    async def run():
        writer = Writer(settings(database_url))
        await writer.open("test", None)
        saved = progress()
        items = [headline(n) for n in range(3 * BATCH)]
        await writer.look_up(items)
        for item in items:
            await writer.put([item])
        writer.save(saved)
        seen = set()
        flushed = asyncio.ensure_future(writer.flush())
        while not flushed.done():
            one = "SELECT (SELECT count(*) FROM feeds), (SELECT count(*) FROM articles)"
            seen.update(await asyncio.to_thread(query, one))
        await flushed
        await writer.finish("finished", 0, 0)
        return seen

    for feeds, articles in asyncio.run(run()):
        assert not feeds or articles == 3 * BATCH
    assert query("SELECT etag FROM feeds") == [("e",)]


def test_a_full_queue_makes_the_stages_wait(database_url):
    async def run():
        writer = Writer(settings(database_url))
        await writer.open("test", None)
        items = [headline(n) for n in range(QUEUE)]
        for item in items:
            item.state = "new"
        waiting = asyncio.ensure_future(writer.put(items))
        await asyncio.sleep(0)
        assert not waiting.done()
        await waiting
        await asyncio.wait_for(writer.put([]), 60)
        await writer.flush()
        await writer.finish("finished", 0, 0)

    asyncio.run(run())


def test_a_store_that_gives_up_tells_those_who_wait(database_url, query):
    async def run():
        writer = Writer(settings(database_url))
        told = asyncio.Event()
        writer.on_failure = told.set
        await writer.open("test", None)
        query("DROP TABLE articles")
        item = headline()
        item.state = "new"
        await writer.put([item])
        await told.wait()
        with pytest.raises(psycopg2.errors.UndefinedTable):
            await writer.put([])
        await writer.flush()
        await writer.finish("database_lost", 1, 0)

    asyncio.run(run())


def test_a_lost_connection_is_opened_again(database_url, query):
    others = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """

    async def run():
        writer = Writer(settings(database_url))
        await writer.open("test", None)
        for n in range(3):
            item = headline(n)
            await writer.look_up([item])
            await writer.put([item])
            await asyncio.to_thread(query, others)
        await writer.flush()
        await writer.finish("finished", 0, 0)

    asyncio.run(run())
    assert query("SELECT count(*), (SELECT items FROM runs) FROM articles") == [(3, 3)]


def test_a_database_that_cannot_be_used_is_reported_at_the_start(database_url):
    missing = database_url.replace("/test_", "/missing_")

    async def run():
        await Writer(settings(missing)).open("test", None)

    with pytest.raises(DatabaseError, match="no such database"):
        asyncio.run(run())


# --- Two processes ----------------------------------------------------------------------------------------------------

LINKS = 3_000


def _store_all(database_url, backwards, barrier):
    async def run():
        writer = Writer(settings(database_url))
        await writer.open("test", None)
        barrier.wait()
        numbers = range(LINKS)[::-1] if backwards else range(LINKS)
        origin = "back" if backwards else "forth"
        for start in range(0, LINKS, 50):
            items = [headline(n, origin=origin, title=f"{origin} {n}") for n in numbers[start : start + 50]]
            await writer.look_up(items)
            for item in items:
                await writer.put([item])
        await writer.flush()
        await writer.finish("finished", 0, 0)
        return writer.run.total()

    total = asyncio.run(run())
    raise SystemExit(0 if total.new + total.changed + total.unchanged == LINKS else 1)


def test_two_processes_with_overlapping_articles_in_opposite_orders(database_url, tables, query):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=_store_all, args=(database_url, way, barrier)) for way in (False, True)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert query("SELECT count(*), count(DISTINCT canonical_url) FROM articles") == [(LINKS, LINKS)]
    assert query("SELECT count(*) FROM sightings") == [(2 * LINKS,)]
    assert query("SELECT count(*) FROM rejects") == [(0,)]
    assert query("SELECT sum((stats ->> 'new')::int) FROM runs") == [(LINKS,)]
