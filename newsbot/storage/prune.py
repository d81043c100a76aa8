"""What `scrapy db prune` deletes: rows past their setting's days, and rows that another row repeats.

Works in parts, each a short transaction that waits for no other: a crawl beside it goes on, and rows that the crawl
holds are left to the next time. Articles, their revisions and their URLs are kept, except for tracking variants.
"""

# ruff: noqa: S608  the statements take conditions of ours only

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from newsbot.storage import jobs, rejects, runs, schedules
from newsbot.storage.aged import BEFORE, PART, Aged
from newsbot.storage.variants import FormOf, superseded

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_T = TypeVar("_T")

# The settings with the days after which a row goes.
AGED = {
    "REJECTS_DAYS": (rejects.AGED,),
    "RUNS_DAYS": (runs.AGED,),
    "HISTORY_DAYS": (jobs.AGED, schedules.AGED),
}
SIGHTINGS = "SIGHTINGS_DAYS"
SETTINGS = (*AGED, SIGHTINGS)

PAGES = 500  # of the table of sightings, read in one transaction: 4 MB
ARTICLES = 500  # whose URLs are read in one transaction

# The newest of an article never goes, so that two prunes at once never delete the last one between them. The planner
# cannot turn this subquery into a join: for each part a join would read the whole table.
_OLD_SIGHTINGS = f"""
    SELECT {{columns}} FROM sightings AS old WHERE last_seen_at < {BEFORE}
    AND (last_seen_at, origin) < (SELECT newer.last_seen_at, newer.origin FROM sightings AS newer
        WHERE newer.article_id = old.article_id ORDER BY newer.last_seen_at DESC, newer.origin DESC LIMIT 1)
"""
_COUNT_SIGHTINGS = _OLD_SIGHTINGS.format(columns="count(*)")
# By pages of the table: an index on the time would cost every sighting that is marked as seen again.
_FORGET_SIGHTINGS = f"""
DELETE FROM sightings WHERE ctid = ANY(ARRAY({_OLD_SIGHTINGS.format(columns="ctid")}
    AND ctid >= format('(%%s,0)', %(page)s::bigint)::tid AND ctid < format('(%%s,0)', %(page)s::bigint + {PAGES})::tid
    FOR UPDATE OF old SKIP LOCKED))
"""

_PAGES_OF_SIGHTINGS = "SELECT pg_relation_size('sightings') / current_setting('block_size')::int"

# One row may be the canonical URL, and a second the one variant that stays.
_CROWDED = "SELECT article_id::text FROM article_urls GROUP BY article_id HAVING count(*) > 2 ORDER BY article_id"
_URLS = """
SELECT u.article_id, u.origin, u.url FROM article_urls AS u LEFT JOIN articles AS a ON a.id = u.article_id
WHERE u.article_id = ANY(%s::uuid[]) AND u.url IS DISTINCT FROM a.canonical_url
ORDER BY u.last_seen_at DESC, u.url
"""
_FORGET_URLS = """
DELETE FROM article_urls WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM article_urls WHERE url = ANY(%s) AND article_id = ANY(%s::uuid[]) FOR UPDATE SKIP LOCKED))
"""

Transact = Callable[[Callable[["Cursor"], _T]], _T]
"""Does work in a separate transaction, as `Session.transaction`."""


class Pruned(NamedTuple):
    """Rows of a table that went, or would go, by the age that a setting gives; None: at any age."""

    table: str
    setting: str | None
    rows: int


def prune(transact: Transact, days: Mapping[str, float], form_of: FormOf, *, dry_run: bool = False) -> Iterator[Pruned]:
    """Delete what is older than the `days` of each of `SETTINGS`; a dry run counts it. Yields each finished table.

    `form_of` gives the form that the variants of a URL share.
    """
    aged = _count if dry_run else _forget
    for setting, tables in AGED.items():
        for table in tables:
            yield Pruned(table.table, setting, aged(transact, table, days[setting]))
    sightings = _count_sightings if dry_run else _forget_sightings
    yield Pruned("sightings", SIGHTINGS, sightings(transact, days[SIGHTINGS]))
    yield Pruned("article_urls", None, _variants(transact, form_of, dry_run=dry_run))


def _count(transact: Transact, table: Aged, days: float) -> int:
    return transact(partial(table.count, days=days))


def _forget(transact: Transact, table: Aged, days: float) -> int:
    forget = partial(table.forget, days=days)
    rows = part = transact(forget)
    while part == PART:
        part = transact(forget)
        rows += part
    return rows


def _count_sightings(transact: Transact, days: float) -> int:
    return transact(partial(_value, _COUNT_SIGHTINGS, seconds=days * 86_400))


def _forget_sightings(transact: Transact, days: float) -> int:
    def part(cursor: "Cursor", page: int) -> int:
        cursor.execute(_FORGET_SIGHTINGS, {"seconds": days * 86_400, "page": page})
        return cursor.rowcount

    pages = transact(partial(_value, _PAGES_OF_SIGHTINGS))
    return sum(transact(partial(part, page=page)) for page in range(0, pages, PAGES))


def _value(statement: str, cursor: "Cursor", **parameters: float) -> int:
    cursor.execute(statement, parameters)
    return cursor.fetchone()[0]


# Tracking variants that were stored before an origin kept only the newest


def _variants(transact: Transact, form_of: FormOf, *, dry_run: bool) -> int:
    def part(cursor: "Cursor", ids: list[str]) -> int:
        cursor.execute(_URLS, (ids,))
        urls = superseded(cursor.fetchall(), form_of)
        if not dry_run:
            cursor.execute(_FORGET_URLS, (urls, ids))
            return cursor.rowcount
        return len(urls)

    crowded = transact(_crowded)
    parts = (crowded[start : start + ARTICLES] for start in range(0, len(crowded), ARTICLES))
    return sum(transact(partial(part, ids=ids)) for ids in parts)


def _crowded(cursor: "Cursor") -> list[str]:
    cursor.execute(_CROWDED)
    return [id_ for (id_,) in cursor]
