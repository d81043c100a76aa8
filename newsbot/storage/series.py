"""Numeric series and their observations. The old value of a revised observation is kept."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from newsbot.ids import uuid5
from newsbot.items import Observation, Series, State

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_SERIES = """
INSERT INTO series AS s (id, source, name, unit, frequency, metadata)
SELECT id, source, name, unit, frequency, metadata
FROM json_to_recordset(%s) AS n(id uuid, source text, name text, unit text, frequency text, metadata jsonb)
ORDER BY id
ON CONFLICT (id) DO UPDATE SET
    unit = coalesce(EXCLUDED.unit, s.unit), frequency = coalesce(EXCLUDED.frequency, s.frequency),
    metadata = s.metadata || EXCLUDED.metadata
WHERE (s.unit, s.frequency, s.metadata) IS DISTINCT FROM (
    coalesce(EXCLUDED.unit, s.unit), coalesce(EXCLUDED.frequency, s.frequency), s.metadata || EXCLUDED.metadata)
"""

# NaN is text here, since JSON has none. Postgres holds NaN equal to NaN.
_WRITE = """
WITH n AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS n(
        i int, series_id uuid, time timestamptz, value double precision, counter bool)
), known AS MATERIALIZED (
    SELECT o.series_id, o.time, o.value FROM n JOIN observations o USING (series_id, time)
    ORDER BY o.series_id, o.time FOR NO KEY UPDATE OF o
), wanted AS MATERIALIZED (
    SELECT n.*, k.value AS old, k.series_id IS NULL AS is_new
    FROM n LEFT JOIN known k USING (series_id, time)
    WHERE (k.series_id IS NULL OR k.value IS DISTINCT FROM n.value)
      AND NOT (n.counter AND EXISTS (
        SELECT FROM (
            SELECT l.value FROM observations l WHERE l.series_id = n.series_id AND l.time <= n.time
            ORDER BY l.time DESC LIMIT 1
        ) AS l WHERE l.value IS NOT DISTINCT FROM n.value))
), revised AS (
    INSERT INTO observation_revisions (series_id, time, old, new)
    SELECT series_id, time, old, value FROM wanted WHERE NOT is_new ORDER BY series_id, time
), written AS (
    INSERT INTO observations AS o (series_id, time, value, run_id)
    SELECT series_id, time, value, %s FROM wanted ORDER BY series_id, time
    ON CONFLICT (series_id, time) DO UPDATE
    SET value = EXCLUDED.value, revised_at = now(), run_id = EXCLUDED.run_id
    WHERE o.value IS DISTINCT FROM EXCLUDED.value
)
SELECT i, is_new FROM wanted
"""


def series_id(source: str, name: str) -> str:
    """UUIDv5 of source and name."""
    return uuid5(f"series:{source}/{name}")


def write(cursor: "Cursor", items: Sequence[Observation], run_id: str) -> list[Observation]:
    """Write a batch, in the caller's transaction, and note on each item whether it is new, changed or unchanged.

    Of several for one time the last counts. Returns those that bring something new.
    """
    kinds: dict[tuple[str, str], Series] = {(item.source_id, item.series.name): item.series for item in items}
    ids = {key: series_id(*key) for key in kinds}
    rows = [
        {
            "id": ids[key],
            "source": key[0],
            "name": key[1],
            "unit": series.unit,
            "frequency": series.frequency,
            "metadata": dict(series.metadata),
        }
        for key, series in kinds.items()
    ]
    cursor.execute(_SERIES, (json.dumps(rows),))
    last = {item.identity(): i for i, item in enumerate(items)}
    values = [
        {
            "i": i,
            "series_id": ids[source, name],
            "time": time.isoformat(),
            "value": _value(items[i].value),
            "counter": items[i].only_changes,
        }
        for (source, name, time), i in last.items()
    ]
    cursor.execute(_WRITE, (json.dumps(values), run_id))
    for item in items:
        item.state = State.UNCHANGED
    said = []
    for i, is_new in cursor:
        items[i].state = State.NEW if is_new else State.CHANGED
        said.append(items[i])
    return said


def _value(value: float | None) -> float | str | None:
    if value is None:
        return None
    return value if value - value == 0 else str(value)  # NaN and the infinities
