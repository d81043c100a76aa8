"""The store stage alone: new articles into tables that hold many, against plain COPY of the same rows."""

import csv
import io
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from email.utils import parsedate_to_datetime
from itertools import count

import psutil
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from benchmarks import corpus, jobs
from benchmarks.measure import Figure
from newsbot.items import Article, Rank
from newsbot.pipelines.clean import CleanPipeline
from newsbot.storage import articles

STORED = 200_000
BATCHES = 60  # of each way
BATCH = 500

_FILL = f"""
WITH n AS (
    SELECT n, gen_random_uuid() AS id, 'https://old' || n %% 400 || '.example/2024/' || md5(n::text) || '.html' AS url,
        'https://old' || n %% 400 || '.example/feed.xml' AS origin
    FROM generate_series(1, {STORED}) n
), a AS (
    INSERT INTO articles (id, url, canonical_url, source_id, title, authors, published_at, summary, language, sentiment,
        sentiment_model, content_hash, origin, origin_rank, run_id)
    SELECT id, url, url, 'old' || n %% 400, 'City council welcomes plan for cheaper housing, part ' || n, '{{Ada}}',
        timestamptz '2024-01-01Z' + n * interval '1 minute', repeat('What this means for residents. ', 5), 'en',
        0.25, 'vader', md5(n::text), origin, 30, %s::uuid
    FROM n
), u AS (INSERT INTO article_urls (url, article_id) SELECT url, id FROM n)
INSERT INTO sightings (article_id, source_id, origin, content_hash)
SELECT id, 'old' || n %% 400, origin, md5(n::text) FROM n
"""
_COPIES = (
    "COPY articles (id, url, canonical_url, source_id, title, authors, published_at, summary, language, sentiment,"
    " sentiment_model, content_hash, origin, origin_rank, run_id) FROM STDIN WITH (FORMAT csv)",
    "COPY article_urls (url, article_id) FROM STDIN WITH (FORMAT csv)",
    "COPY sightings (article_id, source_id, origin, content_hash) FROM STDIN WITH (FORMAT csv)",
)


def figures() -> Iterator[Figure]:
    """Batches of each way in turn, each way over a separate connection, whose backend's CPU is the server's."""
    run_id = str(uuid.uuid4())
    client: defaultdict[str, float] = defaultdict(float)  # CPU seconds
    with jobs.home() as home, ExitStack() as stack:
        database = jobs.new_database(home)
        jobs.query(database, _FILL, run_id)
        jobs.query(database, "VACUUM ANALYZE")
        jobs.query(database, "CHECKPOINT")
        connections = {name: stack.enter_context(closing(database.connect())) for name in _WAYS}
        backends = {name: psutil.Process(way.info.backend_pid) for name, way in connections.items()}
        before = {name: _cpu(backend) for name, backend in backends.items()}
        numbers = count()
        for _ in range(BATCHES):
            for name, way in _WAYS.items():
                batch = _Batch(next(numbers), run_id)
                start = time.process_time()
                with connections[name] as connection, connection.cursor() as cursor:
                    way(cursor, batch)
                client[name] += time.process_time() - start
        server = {name: _cpu(backend) - before[name] for name, backend in backends.items()}
    us = {name: (client[name] / BATCHES / BATCH * 1e6, server[name] / BATCHES / BATCH * 1e6) for name in _WAYS}
    for name, target in (("write", 1.3), ("look up and write", None)):
        yield Figure(
            f"store stage, {name}: client and server CPU a row",
            sum(us[name]) / sum(us["COPY"]),
            "times COPY",
            target,
            detail=f"{us[name][0]:.0f} + {us[name][1]:.0f} us, COPY {us['COPY'][0]:.0f} + {us['COPY'][1]:.0f} us;"
            f" into tables of {STORED:,}",
        )


class _Batch:
    """New articles in the form that the stage gets, and the same as rows of each table."""

    def __init__(self, number: int, run_id: str) -> None:
        clean = CleanPipeline("UTC")
        self.run_id = run_id
        self.items = []
        for entry in corpus.entries(number, BATCH):
            article = Article(
                url=entry["link"],
                title=entry["title"],
                source_id=f"feed{number}",
                origin=f"https://news{number}.example/feed.xml",
                rank=Rank.FEED,
                authors=[entry["author"]],
                published_at=parsedate_to_datetime(entry["published"]),
                summary=entry["summary"],
                language="en",
                sentiment=0.25,
                sentiment_model="vader",
            )
            self.items.append(clean.cleaned(article))
            article.state = "new"
        ids = [str(uuid.uuid5(uuid.NAMESPACE_URL, item.canonical_url)) for item in self.items]
        self.tables = (
            [_row(id_, item, run_id) for id_, item in zip(ids, self.items, strict=True)],
            [(item.url, id_) for id_, item in zip(ids, self.items, strict=True)],
            [(id_, item.source_id, item.origin, item.content_hash) for id_, item in zip(ids, self.items, strict=True)],
        )


def _row(id_: str, item: Article, run_id: str) -> tuple:
    return (
        *(id_, item.url, item.canonical_url, item.source_id, item.title, f'{{"{item.authors[0]}"}}'),
        *(item.published_at.isoformat(), item.summary, item.language, item.sentiment, item.sentiment_model),
        *(item.content_hash, item.origin, int(item.rank), run_id),
    )


def _write(cursor: Cursor, batch: _Batch) -> None:
    articles.write(cursor, batch.items, batch.run_id)


def _look_up_and_write(cursor: Cursor, batch: _Batch) -> None:
    articles.lookup(cursor, batch.items)
    articles.write(cursor, batch.items, batch.run_id)


def _copy(cursor: Cursor, batch: _Batch) -> None:
    for statement, rows in zip(_COPIES, batch.tables, strict=True):
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        buffer.seek(0)
        cursor.copy_expert(statement, buffer, size=1 << 16)


_WAYS: dict[str, Callable[[Cursor, _Batch], None]] = {
    "write": _write,
    "look up and write": _look_up_and_write,
    "COPY": _copy,
}


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
