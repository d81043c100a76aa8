"""Where the next run of an API spider goes on: one row for each combination of spider, arguments and source."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from newsbot.batch import CursorProgress

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_WRITE = """
INSERT INTO cursors AS c (key, spider, arguments, source, value, run_id, refused_runs)
SELECT key, spider, arguments, source, coalesce(value, '{}'), %s, refused_runs
FROM json_to_recordset(%s) AS n(key text, spider text, arguments jsonb, source text, value jsonb, refused_runs int)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET value = CASE WHEN EXCLUDED.value = '{}' THEN c.value ELSE EXCLUDED.value END,
    moved_at = CASE WHEN EXCLUDED.value = '{}' THEN c.moved_at ELSE now() END, run_id = EXCLUDED.run_id,
    refused_runs = EXCLUDED.refused_runs
"""

# A cursor in words: the time up to which it read, when a file was fetched, or the newest id or token. A value that is
# not a time is shown as it is.
_DAY = "(02-([01][1-9]|10|2[0-8])|(0[469]|11)-([012][1-9]|[123]0)|(0[13578]|1[02])-([012][1-9]|[123]0|31))"
_ISO = rf"^(?!0000)\d{{4}}-{_DAY}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d+)?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)$"
_TIME = f"""CASE WHEN value->>'{{0}}' ~ '{_ISO.replace("{", "{{").replace("}", "}}")}'
    THEN to_char((value->>'{{0}}')::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
    ELSE replace(left(value->>'{{0}}', 16), 'T', ' ') END"""
_UP_TO = f"""CASE WHEN value ? 'until' THEN {_TIME.format("until")}
    WHEN value ? 'fetched_at' THEN {_TIME.format("fetched_at")}
    ELSE coalesce(value->>'value', nullif(value, '{{}}')::text, '') END"""
_WORDS = f"""concat(CASE WHEN value ? 'since' AND value ? 'until' THEN {_TIME.format("since")} || ' .. ' END, {_UP_TO},
    CASE WHEN jsonb_typeof(value->'missing') = 'object' AND value->'missing' <> '{{}}' THEN
        format(', without %%s files', (SELECT count(*) FROM jsonb_object_keys(value->'missing'))) END)"""  # noqa: S608


def key(spider: str, arguments: Mapping[str, Any], source: str) -> str:
    """The key of a cursor; the order of the arguments does not matter."""
    return json.dumps([spider, dict(sorted(arguments.items())), source], ensure_ascii=False)


def read(cursor: "Cursor", keys: Sequence[str]) -> dict[str, Any]:
    """The values of the cursors that exist."""
    cursor.execute("SELECT key, value FROM cursors WHERE key = ANY(%s)", (list(keys),))
    return dict(cursor.fetchall())


def refused_runs(cursor: "Cursor", keys: Sequence[str]) -> dict[str, int]:
    """The cursors whose last answer was refused whole, and in how many runs in a row."""
    cursor.execute("SELECT key, refused_runs FROM cursors WHERE key = ANY(%s) AND refused_runs > 0", (list(keys),))
    return dict(cursor.fetchall())


def write(cursor: "Cursor", progress: Iterable[CursorProgress], run_id: str) -> None:
    """Move the cursors, in the caller's transaction. The last progress of a cursor counts, and its last value."""
    last: dict[str, CursorProgress] = {}
    for each in progress:
        stays = not each.value and each.key in last
        last[each.key] = replace(each, value=last[each.key].value) if stays else each
    cursor.execute(_WRITE, (run_id, json.dumps([asdict(each) for each in last.values()])))


def overview(cursor: "Cursor", spider: str | None = None) -> tuple[list[str], list[tuple]]:
    """All cursors, or those of a spider: the column names, and a row for each cursor."""
    cursor.execute(
        f"""
        SELECT spider, source,
            (SELECT coalesce(string_agg(name || '=' || value, ' ' ORDER BY name), '') FROM jsonb_each_text(arguments)
                AS a(name, value)) AS arguments,
            {_WORDS} AS read, to_char(moved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS moved
        FROM cursors WHERE spider = coalesce(%s, spider) ORDER BY spider, source, key
        """,  # noqa: S608  of constants
        (spider,),
    )
    return [column.name for column in cursor.description], cursor.fetchall()


def newest(cursor: "Cursor", spiders: Sequence[str]) -> dict[str, tuple[str, int]]:
    """How far each of these spiders has read, in words, and how many of its cursors have read."""
    cursor.execute(
        f"""
        SELECT DISTINCT ON (spider) spider, {_UP_TO}, count(*) OVER (PARTITION BY spider)
        FROM cursors WHERE spider = ANY(%s) AND (value->'since' IS DISTINCT FROM value->'until' OR NOT value ? 'until')
        ORDER BY spider, moved_at DESC
        """,  # noqa: S608  of constants
        (list(spiders),),
    )
    return {spider: (up_to, number) for spider, up_to, number in cursor}


def names(cursor: "Cursor", spider: str | None = None) -> list[str]:
    """The spiders that have cursors, or the sources of a spider that have cursors."""
    if spider is None:
        cursor.execute("SELECT DISTINCT spider FROM cursors ORDER BY spider")
    else:
        cursor.execute("SELECT DISTINCT source FROM cursors WHERE spider = %s ORDER BY source", (spider,))
    return [name for (name,) in cursor]


def reset(cursor: "Cursor", spider: str, source: str | None = None) -> int:
    """Forget the cursors of a spider, or of one of its sources; returns how many there were."""
    cursor.execute(
        "DELETE FROM cursors WHERE spider = %s AND source = coalesce(%s, source)",
        (spider, source),
    )
    return cursor.rowcount
