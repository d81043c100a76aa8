"""Articles, their URLs, sightings and revisions: looks up a batch, and writes what is new in one transaction.

One statement that writes nothing finds what is known of a batch; unchanged articles end there. New rows go in by COPY,
which costs little more than the rows themselves; rows that another process stored meanwhile show as a unique
violation, and the caller repeats the whole batch from a fresh look-up.
"""

import io
import json
import logging
from collections.abc import Iterable, Sequence
from copy import copy
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from newsbot.ids import uuid5
from newsbot.items import Article, Removal, State
from newsbot.storage import identity
from newsbot.storage.variants import FormOf, superseded

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812

logger = logging.getLogger(__name__)

# Returns rows only for what needs work: unknown, changed at this origin, with an id or a URL that is not stored, or not
# marked as seen for a day; and for entries that share their link with others.
_BY_LINK = """
SELECT b.n, coalesce(c.article_id, u.article_id)::text, s.content_hash IS NOT DISTINCT FROM b.h, s.external_id,
    c.article_id IS NOT NULL AND (b.u IS NULL OR u.url IS NOT NULL), s.last_seen_at < now() - interval '1 day'
FROM json_to_recordset(%s) AS b(n int, u text, c text, o text, h text, i text, shared bool)
LEFT JOIN article_urls c ON c.url = b.c
LEFT JOIN article_urls u ON u.url = b.u
LEFT JOIN sightings s ON s.article_id = coalesce(c.article_id, u.article_id) AND s.origin = b.o
WHERE s.content_hash IS DISTINCT FROM b.h OR s.last_seen_at < now() - interval '1 day' OR c.article_id IS NULL
    OR (b.u IS NOT NULL AND u.url IS NULL) OR b.shared OR (b.i IS NOT NULL AND s.external_id IS DISTINCT FROM b.i)
"""

# The other ways to the article of an entry, where its link does not settle it.
_BY_ENTRY = """
SELECT b.n, e.article_id::text, es.content_hash IS NOT DISTINCT FROM b.h, es.external_id,
    es.last_seen_at < now() - interval '1 day', i.article_id::text, i.content_hash IS NOT DISTINCT FROM b.h
FROM json_to_recordset(%s) AS b(n int, e text, o text, s text, i text, h text)
LEFT JOIN article_urls e ON e.url = b.e
LEFT JOIN sightings es ON es.article_id = e.article_id AND es.origin = b.o
LEFT JOIN sightings i ON i.source_id = b.s AND i.external_id = b.i AND i.origin = b.o
WHERE e.article_id IS NOT NULL OR i.article_id IS NOT NULL
"""

# The newest entries that are stored under a shared link; its URLs stand together in the index.
_BY_SHARED_LINK = """
SELECT b.n, a.id::text, a.title, a.published_at, s.content_hash
FROM json_to_recordset(%s) AS b(n int, first text, last text, o text)
CROSS JOIN LATERAL (
    SELECT a.id, a.title, a.published_at FROM article_urls u JOIN articles a ON a.id = u.article_id
    WHERE u.url >= b.first AND u.url < b.last ORDER BY a.first_seen_at DESC LIMIT 1000
) a
LEFT JOIN sightings s ON s.article_id = a.id AND s.origin = b.o
"""

_DETAILS = """
SELECT id::text, title, published_at,
    ARRAY(SELECT url FROM article_urls u WHERE u.article_id = a.id ORDER BY last_seen_at DESC LIMIT 20)
FROM articles a WHERE id = ANY(%s::uuid[])
"""

# One statement and one order for all locks, so that two processes never wait for each other.
_LOCK = """
SELECT a.id::text, a.origin, a.origin_rank
FROM json_to_recordset(%s) AS k(id uuid) JOIN articles a USING (id)
ORDER BY a.id FOR NO KEY UPDATE OF a
"""

# Fields whose old values `article_revisions` keeps; all others are replaced without a trace.
REVISED = ("title", "summary", "text", "authors", "published_at")
_AS_TEXT = {
    "authors": "array_to_string(nullif({row}.authors, '{{}}'), '; ')",
    "published_at": "{row}.published_at::text",
}


def _as_text(field: str, row: str) -> str:
    return _AS_TEXT.get(field, f"{{row}}.{field}").format(row=row)


_FILLED = ("summary", "text", "language", "section", "image_url", "published_at", "authors", "keywords")

# The origin of a field that is not the owner's. `given` has the origins of values filled in from this batch.
_FIELD_ORIGIN = """
            '{field}', CASE
                WHEN n.{field} IS DISTINCT FROM {empty} AND (owns OR a.{field} IS NOT DISTINCT FROM {empty})
                    THEN coalesce(given ->> '{field}', CASE WHEN NOT owns THEN n.origin END)
                WHEN a.{field} IS DISTINCT FROM {empty}
                    THEN coalesce(a.field_origins ->> '{field}',
                        CASE WHEN owns AND n.origin <> a.origin THEN a.origin END)
            END"""
_FIELD_ORIGINS = ",".join(
    _FIELD_ORIGIN.format(field=field, empty="'{}'" if field in ("authors", "keywords") else "NULL") for field in _FILLED
)

# The owner's values replace, others only fill what is empty; nothing is ever emptied.
_REVISE = f"""
WITH n AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS n(
        id uuid, owns bool, origin text, origin_rank int, content_hash text, title text, authors text[],
        published_at timestamptz, summary text, text text, language text, section text, keywords text[], image_url text,
        sentiment real, sentiment_model text, given jsonb)
), merged AS MATERIALIZED (
    SELECT a.id,
        CASE WHEN owns THEN n.origin ELSE a.origin END AS origin,
        CASE WHEN owns THEN n.origin_rank ELSE a.origin_rank END AS origin_rank,
        CASE WHEN owns THEN n.content_hash ELSE a.content_hash END AS content_hash,
        CASE WHEN owns THEN n.title ELSE a.title END AS title,
        CASE WHEN (owns OR a.authors = '{{}}') AND n.authors <> '{{}}' THEN n.authors ELSE a.authors END AS authors,
        CASE WHEN owns THEN coalesce(n.published_at, a.published_at)
            ELSE coalesce(a.published_at, n.published_at) END AS published_at,
        CASE WHEN owns THEN coalesce(n.summary, a.summary) ELSE coalesce(a.summary, n.summary) END AS summary,
        CASE WHEN owns THEN coalesce(n.text, a.text) ELSE coalesce(a.text, n.text) END AS text,
        CASE WHEN owns THEN coalesce(n.language, a.language) ELSE coalesce(a.language, n.language) END AS language,
        CASE WHEN owns THEN coalesce(n.section, a.section) ELSE coalesce(a.section, n.section) END AS section,
        CASE WHEN (owns OR a.keywords = '{{}}') AND n.keywords <> '{{}}'
            THEN n.keywords ELSE a.keywords END AS keywords,
        CASE WHEN owns THEN coalesce(n.image_url, a.image_url) ELSE coalesce(a.image_url, n.image_url) END AS image_url,
        CASE WHEN owns THEN n.sentiment ELSE a.sentiment END AS sentiment,
        CASE WHEN owns THEN n.sentiment_model ELSE a.sentiment_model END AS sentiment_model,
        jsonb_strip_nulls(jsonb_build_object({_FIELD_ORIGINS})) AS field_origins
    FROM n JOIN articles a USING (id)
), revised AS (
    INSERT INTO article_revisions (article_id, field, old, new)
    SELECT m.id, f.field, f.old, f.new
    FROM merged m JOIN articles a USING (id), LATERAL (VALUES
        {", ".join(f"('{field}', {_as_text(field, 'a')}, {_as_text(field, 'm')})" for field in REVISED)}
    ) AS f(field, old, new)
    WHERE f.old IS NOT NULL AND f.old IS DISTINCT FROM f.new
    ORDER BY m.id
)
UPDATE articles a
SET origin = m.origin, origin_rank = m.origin_rank, content_hash = m.content_hash, title = m.title, authors = m.authors,
    published_at = m.published_at, summary = m.summary, text = m.text, language = m.language, section = m.section,
    keywords = m.keywords, image_url = m.image_url, sentiment = m.sentiment, sentiment_model = m.sentiment_model,
    field_origins = m.field_origins, last_seen_at = now()
FROM merged m
WHERE m.id = a.id
  AND (a.origin, a.content_hash, a.title, a.authors, a.published_at, a.summary, a.text, a.language, a.section,
       a.keywords, a.image_url)
      IS DISTINCT FROM
      (m.origin, m.content_hash, m.title, m.authors, m.published_at, m.summary, m.text, m.language, m.section,
       m.keywords, m.image_url)
RETURNING a.id::text
"""  # noqa: S608  of constants

_SIGHT = """
INSERT INTO sightings AS s (article_id, source_id, origin, content_hash, external_id, data)
SELECT id, source_id, origin, content_hash, external_id, data
FROM json_to_recordset(%s) AS b(
    id uuid, source_id text, origin text, content_hash text, external_id text, data jsonb)
ORDER BY id, origin
ON CONFLICT (article_id, origin) DO UPDATE
SET content_hash = EXCLUDED.content_hash, source_id = EXCLUDED.source_id, last_seen_at = now(),
    external_id = coalesce(EXCLUDED.external_id, s.external_id), data = EXCLUDED.data, removed_at = NULL
"""

# A known URL stays with its article.
_ALIAS = """
INSERT INTO article_urls AS u (url, article_id, origin)
SELECT url, id, origin FROM json_to_recordset(%s) AS b(url text, id uuid, origin text) ORDER BY url
ON CONFLICT (url) DO UPDATE SET last_seen_at = now()
WHERE u.article_id = EXCLUDED.article_id AND u.last_seen_at < now() - interval '1 day'
RETURNING url, article_id::text AS id, origin, xmax = 0 AS is_new
"""

_OTHERS = """
SELECT u.article_id::text, u.origin, u.url
FROM json_to_recordset(%s) AS n(id uuid, origin text)
JOIN article_urls u ON u.article_id = n.id AND u.origin = n.origin
JOIN articles a ON a.id = n.id AND a.canonical_url <> u.url
ORDER BY u.last_seen_at DESC, u.url
"""
_DROP = "DELETE FROM article_urls WHERE url = ANY(%s)"

# An id leads to one article of an origin: the one that had it last.
_TAKE = """
UPDATE sightings s SET external_id = NULL
FROM json_to_recordset(%s) AS t(id uuid, origin text, external_id text)
WHERE s.article_id = t.id AND s.origin = t.origin AND s.external_id = t.external_id
"""

# Never writes the hash that the look-up read: that would undo another process's change.
_TOUCH = """
WITH seen AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS b(id uuid, origin text, external_id text)
), touched AS (
    UPDATE sightings s SET last_seen_at = now(), external_id = coalesce(seen.external_id, s.external_id)
    FROM seen WHERE s.article_id = seen.id AND s.origin = seen.origin
)
UPDATE articles a SET last_seen_at = now()
FROM (SELECT DISTINCT id FROM seen) seen WHERE a.id = seen.id AND a.last_seen_at < now() - interval '1 day'
"""

# The hash goes, so that the article shows as changed when its origin publishes it again.
_REMOVE = """
UPDATE sightings s
SET removed_at = CASE WHEN NOT n.is_undone THEN now() END,
    content_hash = CASE WHEN n.is_undone THEN s.content_hash ELSE '' END
FROM json_to_recordset(%s) AS n(i int, source_id text, external_id text, is_undone bool)
WHERE s.source_id = n.source_id AND s.external_id = n.external_id AND (s.removed_at IS NOT NULL) = n.is_undone
RETURNING n.i
"""

_FORGET = """
WITH forgotten AS (DELETE FROM sightings WHERE article_id = ANY(%s::uuid[]))
DELETE FROM article_urls WHERE article_id = ANY(%s::uuid[])
"""

_copied = attrgetter(
    *("url", "canonical_url", "source_id", "title", "published_at", "summary", "text", "language", "section"),
    *("image_url", "sentiment", "sentiment_model", "content_hash", "origin", "rank"),
)
_COPY_ARTICLES = """
COPY articles (id, run_id, authors, keywords, field_origins, url, canonical_url, source_id, title, published_at,
    summary, text, language, section, image_url, sentiment, sentiment_model, content_hash, origin, origin_rank)
FROM STDIN WITH (NULL '')
"""
_COPY_URLS = "COPY article_urls (url, article_id, origin) FROM STDIN WITH (NULL '')"
_COPY_SIGHTINGS = """
COPY sightings (article_id, source_id, origin, content_hash, external_id, data) FROM STDIN WITH (NULL '')
"""


def article_id(canonical_url: str) -> str:
    """UUIDv5 of the canonical URL."""
    return uuid5(canonical_url)


def lookup(cursor: "Cursor", items: Sequence[Article]) -> None:
    """Note on each item what the store knows: its `state` and `stored_id`.

    `identity.choose` decides which article a feed's entry is; it needs all items of one answer together.
    """
    cursor.execute(_BY_LINK, (json.dumps([_link_key(n, item) for n, item in enumerate(items)]),))
    for item in items:
        item.state = State.UNCHANGED
        item.takes_from = ()
    found = {n: identity.Found(*row) for n, *row in cursor}
    _look_for_entries(cursor, items, found)
    _look_for_words(cursor, items, found)
    unsure = {id_ for n, known in found.items() for id_ in identity.unsure(items[n], known)}
    stored = {}
    if unsure:
        cursor.execute(_DETAILS, (list(unsure),))
        stored = {id_: identity.Stored(*row) for id_, *row in cursor}
    random = identity.origins_without_ids(items, found)
    identity.choose_all(items, found, stored, random)


def _look_for_entries(cursor: "Cursor", items: Sequence[Article], found: dict[int, identity.Found]) -> None:
    keys = [_entry_key(n, items[n]) for n, known in found.items() if identity.is_open(items[n], known)]
    if not keys:
        return
    cursor.execute(_BY_ENTRY, (json.dumps(keys),))
    for n, by_entry, same, id_, is_old, by_id, same_by_id in cursor:
        known = found[n]
        known.by_entry, known.same_by_entry, known.id_of_entry = by_entry, same, id_
        known.is_old = known.is_old or is_old
        if by_id:  # one row each, where several articles have the id
            known.by_id.append((by_id, same_by_id))


def _look_for_words(cursor: "Cursor", items: Sequence[Article], found: dict[int, identity.Found]) -> None:
    """Find the entries of shared links that no id leads to: some feeds make the ids anew at each fetch."""
    lost: dict[tuple[str, str], list[int]] = {}  # by the start of their URLs, and their origin
    for n, known in found.items():
        item = items[n]
        if item.entry is not None and item.entry.is_shared and known.by_entry is None:
            lost.setdefault((item.entry_url[: len(item.link) + len("#entry=")], item.origin), []).append(n)
    if not lost:
        return
    keys = [
        {"n": n, "first": first, "last": f"{first[:-1]}>", "o": origin}  # ">" comes behind "="
        for n, (first, origin) in enumerate(lost)
    ]
    cursor.execute(_BY_SHARED_LINK, (json.dumps(keys),))
    stored = {(n, title, published): (id_, content_hash) for n, id_, title, published, content_hash in cursor}
    for place, numbers in enumerate(lost.values()):
        for n in numbers:
            if words := stored.get((place, items[n].title, items[n].published_at)):
                found[n].by_words, found[n].same_by_words = words[0], words[1] == items[n].content_hash


def _link_key(n: int, item: Article) -> dict:
    link = item.link or item.canonical_url
    key = {"n": n, "c": link, "o": item.origin, "h": item.content_hash}
    if item.url != link:
        key["u"] = item.url
    if item.entry is not None:
        key["i"] = item.entry.id
        if item.entry.is_shared:
            key["shared"] = True
            key.pop("u", None)  # other entries share the link as it was met
    return key


def _entry_key(n: int, item: Article) -> dict:
    key = {"n": n, "o": item.origin, "h": item.content_hash, "e": item.entry_url}
    return key if item.entry.id is None else key | {"s": item.source_id, "i": item.entry.id}


def write(cursor: "Cursor", items: Sequence[Article], run_id: str, form_of: FormOf = str) -> list[Article]:
    """Write a batch, in the caller's transaction, and note the new state on each item.

    Items come with the `state` that `lookup` gave, or AGAIN when this run has met the article before: such an item is
    looked up here, after the earlier ones are written. Afterwards `state` is NEW, CHANGED or UNCHANGED.
    `form_of` tells the variants of a URL; without it, each is another URL.
    Returns the items that are news of their origin, also where the article keeps another origin's values.
    Raises psycopg2's UniqueViolation when another process has stored one of the articles meanwhile.
    """
    again = [item for item in items if item.state == State.AGAIN]
    if again:
        lookup(cursor, again)
    new = [item for item in items if item.state == State.NEW]
    changed = [item for item in items if item.state == State.CHANGED]
    seen = [item for item in items if item.state == State.SEEN]
    taking = [item for item in items if item.takes_from]
    said = new + changed
    for item in new:
        if item.takes_from:
            logger.info("%s gave the id %r to another entry before; both are kept", item.origin, item.adopts)
    if changed or seen or taking:
        new += _write_known(cursor, changed, seen, taking, form_of)
    if new:
        _write_new(cursor, new, run_id)
    return said


def remove(cursor: "Cursor", items: Sequence[Removal], run_id: str) -> list[Removal]:
    """Note tombstones: articles that an origin took back, or shows again; in the caller's transaction.

    Returns those whose state changes.
    """
    names = ("source_id", "external_id", "is_undone")
    rows = [{"i": i, **{name: getattr(item, name) for name in names}} for i, item in enumerate(items)]
    cursor.execute(_REMOVE, (_records(rows),))
    for item in items:
        item.state = State.UNCHANGED
    news = [items[i] for (i,) in cursor]
    for item in news:
        item.state = State.CHANGED
    return news


def known_ids(cursor: "Cursor", source_id: str, external_ids: Sequence[str]) -> dict[str, bool]:
    """Which of these ids a source's articles have, and whether it took them back."""
    cursor.execute(
        "SELECT external_id, bool_and(removed_at IS NOT NULL) FROM sightings"
        " WHERE source_id = %s AND external_id = ANY(%s) GROUP BY 1",
        (source_id, list(external_ids)),
    )
    return dict(cursor.fetchall())


def ids_since(cursor: "Cursor", source_id: str, since: "datetime") -> set[str]:
    """The ids of a source's articles from this time on that the source did not take back."""
    cursor.execute(
        "SELECT s.external_id FROM sightings s JOIN articles a ON a.id = s.article_id"
        " WHERE s.source_id = %s AND s.removed_at IS NULL AND s.external_id IS NOT NULL AND a.published_at >= %s",
        (source_id, since),
    )
    return {id_ for (id_,) in cursor}


def _write_known(
    cursor: "Cursor",
    changed: Sequence[Article],
    seen: Sequence[Article],
    taking: Sequence[Article],
    form_of: FormOf,
) -> list[Article]:
    """Revise and mark; returns the items whose article was deleted by hand, after removing what is left of it."""
    taken = [
        {"id": id_, "origin": item.origin, "external_id": item.adopts} for item in taking for id_ in item.takes_from
    ]
    ids = {item.stored_id for item in (*changed, *seen)} | {record["id"] for record in taken}
    cursor.execute(_LOCK, (_records({"id": id_} for id_ in ids),))
    owners = {id_: (origin, rank) for id_, origin, rank in cursor}
    if taken:
        cursor.execute(_TAKE, (_records(taken),))
    orphans = [item for item in changed if item.stored_id not in owners]
    if orphans:
        cursor.execute(_FORGET, ([item.stored_id for item in orphans],) * 2)
    changed = [item for item in changed if item.stored_id in owners]
    if changed:
        cursor.execute(_REVISE, (_records(_revisions(changed, owners)),))
        written = {row[0] for row in cursor}
        sightings = {(item.stored_id, item.origin): item for item in changed}
        cursor.execute(_SIGHT, (_records(_sighting(item, id_) for (id_, _), item in sightings.items()),))
        for item in changed:
            item.state = State.CHANGED if item.stored_id in written else State.UNCHANGED
    if seen:
        records = ({"id": item.stored_id, "origin": item.origin, "external_id": item.adopts} for item in seen)
        cursor.execute(_TOUCH, (_records(records),))
        for item in seen:
            item.state = State.UNCHANGED
    _write_urls(cursor, [*changed, *seen], form_of)
    return orphans


def _write_urls(cursor: "Cursor", items: Sequence[Article], form_of: FormOf) -> None:
    """Let the URLs of known articles lead to them; of the variants of one URL the newest of an origin stays."""
    rows = {url: {"url": url, "id": item.stored_id, "origin": item.origin} for item in items for url in _urls(item)}
    if not rows:
        return
    cursor.execute(_ALIAS, (_records(rows.values()),))
    joined = [(id_, origin, url) for url, id_, origin, is_new in cursor if is_new]
    if joined:
        brought = {(id_, origin) for id_, origin, _ in joined}
        cursor.execute(_OTHERS, (_records({"id": id_, "origin": origin} for id_, origin in brought),))
        others = [row for row in cursor if row[2] not in rows]
        cursor.execute(_DROP, (superseded([*joined, *others], form_of),))


def _urls(item: Article) -> tuple[str, ...]:
    """The URLs that lead to an item's article; not the link as it was met, where other entries share it."""
    if item.canonical_url == item.url or item.canonical_url == item.entry_url:
        return (item.canonical_url,)
    return item.canonical_url, item.url


def _revisions(items: Iterable[Article], owners: dict[str, tuple[str, int]]) -> list[dict]:
    """One record an article: its owner's values, or values that others can fill in."""
    records: dict[str, dict] = {}
    for item in items:
        origin, rank = owners[item.stored_id]
        owns = item.origin == origin or item.rank > rank
        record = records.get(item.stored_id)
        if record is None or (owns and (not record["owns"] or item.rank >= record["origin_rank"])):
            values = _values(item) | {"id": item.stored_id, "owns": owns}
            records[item.stored_id] = values if record is None else _fill(values, record)
        else:
            _fill(record, _values(item))
    return list(records.values())


def _write_new(cursor: "Cursor", items: Sequence[Article], run_id: str) -> None:
    groups: dict[Any, list[Article]] = {}  # by any of their URLs, and by the words of entries that share a link
    for item in items:
        keys: list[Any] = [*_urls(item)]
        if item.entry_url is not None:
            # With the same link and id it is the same entry, even where only one of two feeds shares that link.
            keys.append(item.entry_url)
        if item.entry is not None and item.entry.is_shared and item.published_at is not None:
            keys.append((item.link, item.title, item.published_at))  # two feeds of one page have different ids
        group = next((groups[key] for key in keys if key in groups), [])
        group.append(item)
        for key in keys:
            groups.setdefault(key, group)
    articles, urls, sightings = [], {}, {}
    for group in {id(group): group for group in groups.values()}.values():
        owner, *others = sorted(group, key=lambda item: -item.rank) if len(group) > 1 else group
        id_ = article_id(owner.canonical_url)
        whole, origins = _filled(owner, others) if others else (owner, {})
        arrays = _array(whole.authors), _array(whole.keywords)
        articles.append((id_, run_id, *arrays, json.dumps(origins) if origins else "{}", *_copied(whole)))
        urls[owner.canonical_url] = (owner.canonical_url, id_, None)
        for item in group:
            item.stored_id = id_
            external_id = item.external_id if item.entry is None else item.adopts
            said = (id_, item.source_id, item.origin, item.content_hash, external_id, _extra(item))
            sightings[id_, item.origin] = said
            item.state = State.NEW if item is owner else State.UNCHANGED
            for url in _urls(item):
                if groups[url] is group:
                    urls.setdefault(url, (url, id_, item.origin))
    _copy(cursor, _COPY_ARTICLES, sorted(articles))
    _copy(cursor, _COPY_URLS, [urls[url] for url in sorted(urls)])
    _copy(cursor, _COPY_SIGHTINGS, [sightings[key] for key in sorted(sightings)])


def _filled(owner: Article, others: Iterable[Article]) -> tuple[Article, dict[str, str]]:
    """The owner's article with its empty fields filled from the others, and the origins of the values filled in."""
    whole, origins = copy(owner), {}
    for other in others:
        for field in _FILLED:
            if not getattr(whole, field) and getattr(other, field):
                setattr(whole, field, getattr(other, field))
                origins[field] = other.origin
    return whole, origins


def _values(item: Article) -> dict:
    return {
        "origin": item.origin,
        "origin_rank": int(item.rank),
        "content_hash": item.content_hash,
        "title": item.title,
        "authors": item.authors,
        "published_at": item.published_at and item.published_at.isoformat(),
        "summary": item.summary,
        "text": item.text,
        "language": item.language,
        "section": item.section,
        "keywords": item.keywords,
        "image_url": item.image_url,
        "sentiment": item.sentiment,
        "sentiment_model": item.sentiment_model,
        "given": {},
    }


def _fill(values: dict, other: dict) -> dict:
    """Fill the empty values from `other`, and note its origin."""
    for field in _FILLED:
        if not values[field] and other[field]:
            values[field] = other[field]
            values["given"][field] = other["given"].get(field, other["origin"])
    return values


def _sighting(item: Article, id_: str) -> dict:
    return {
        "id": id_,
        "source_id": item.source_id,
        "origin": item.origin,
        "content_hash": item.content_hash,
        "external_id": item.external_id if item.entry is None else item.adopts,
        "data": json.loads(item.extra_json) if item.extra is None and item.extra_json else item.extra,
    }


def _extra(item: Article) -> str | None:
    """The origin's further data, beyond the fields, as JSON."""
    return item.extra_json or (None if item.extra is None else json.dumps(item.extra))


def _records(rows: Iterable[dict]) -> str:
    return json.dumps(list(rows))


def _array(values: Sequence[str]) -> str:
    """A Postgres array literal."""
    if not values:
        return "{}"
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + '","'.join(quoted) + '"}'


def _copy(cursor: "Cursor", statement: str, rows: Iterable[Sequence]) -> None:
    """COPY rows in; None is NULL, so no value may be an empty string."""
    lines = [_line(["" if value is None else str(value) for value in row]) for row in rows]
    cursor.copy_expert(statement, io.BytesIO("\n".join(lines).encode()), size=1 << 16)


def _line(values: list[str]) -> str:
    line = "\t".join(values)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(values):
        return "\t".join(map(_escaped, values))
    return line


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
