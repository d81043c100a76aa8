"""Records of datasets. The old values of a record are kept where they changed."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from newsbot.ids import record_id
from newsbot.items import Record, State

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

# From `incoming`, which is (i, id, dataset, key, data, url, source_id): rows in one order for all processes.
MERGE = """
known AS MATERIALIZED (
    SELECT r.id, r.data, r.url FROM incoming JOIN records r USING (id) ORDER BY r.id FOR NO KEY UPDATE OF r
), wanted AS MATERIALIZED (
    SELECT n.*, k.data AS old, k.id IS NULL AS is_new
    FROM incoming n LEFT JOIN known k USING (id)
    WHERE k.id IS NULL OR k.data <> n.data OR k.url IS DISTINCT FROM coalesce(n.url, k.url)
), revised AS (
    INSERT INTO record_revisions (record_id, old, new)
    SELECT id,
        coalesce((SELECT jsonb_object_agg(o.key, o.value) FROM jsonb_each(old) o
            WHERE o.value IS DISTINCT FROM data -> o.key), '{}'),
        coalesce((SELECT jsonb_object_agg(m.key, m.value) FROM jsonb_each(data) m
            WHERE m.value IS DISTINCT FROM old -> m.key), '{}')
    FROM wanted WHERE NOT is_new AND old <> data ORDER BY id
), written AS (
    INSERT INTO records AS r (id, dataset, key, data, url, source_id, run_id)
    SELECT id, dataset, key, data, url, source_id, %(run_id)s FROM wanted ORDER BY id
    ON CONFLICT (id) DO UPDATE SET data = EXCLUDED.data, url = coalesce(EXCLUDED.url, r.url),
        source_id = EXCLUDED.source_id, revised_at = now(), run_id = EXCLUDED.run_id
)
"""

_WRITE = f"""
WITH incoming AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s) AS n(
        i int, id uuid, dataset text, key text, data jsonb, url text, source_id text)
), {MERGE}
SELECT i, is_new FROM wanted
"""  # noqa: S608  of constants


def keys(cursor: "Cursor", dataset: str, most: int) -> set[str]:
    """The keys of a dataset; none when it has more than `most`."""
    cursor.execute("SELECT key FROM records WHERE dataset = %s LIMIT %s", (dataset, most + 1))
    return {key for (key,) in cursor} if cursor.rowcount <= most else set()


def write(cursor: "Cursor", items: Sequence[Record], run_id: str) -> list[Record]:
    """Write a batch, in the caller's transaction, and note on each item whether it is new, changed or unchanged.

    Of several with one key the last counts. Returns those that bring something new.
    """
    last = {item.identity(): i for i, item in enumerate(items)}
    rows = [
        {
            "i": i,
            "id": record_id(dataset, key),
            "dataset": dataset,
            "key": key,
            "data": items[i].data,
            "url": items[i].url,
            "source_id": items[i].source_id,
        }
        for (dataset, key), i in last.items()
    ]
    cursor.execute(_WRITE, {"rows": json.dumps(rows), "run_id": run_id})
    for item in items:
        item.state = State.UNCHANGED
    said = []
    for i, is_new in cursor:
        items[i].state = State.NEW if is_new else State.CHANGED
        said.append(items[i])
    return said


def describe(
    cursor: "Cursor",
    name: str,
    title: str | None,
    columns: Mapping[str, Any],
    source_id: str,
    url: str | None,
    licence: str | None = None,
) -> None:
    """Describe a dataset: its columns with their types and units, its origin, its licence."""
    cursor.execute(
        """
        INSERT INTO datasets AS d (name, title, columns, source_id, url, licence) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (name) DO UPDATE SET title = EXCLUDED.title, columns = EXCLUDED.columns,
            source_id = EXCLUDED.source_id, url = EXCLUDED.url, licence = EXCLUDED.licence, loaded_at = now()
        """,
        (name, title, json.dumps(columns), source_id, url, licence),
    )
