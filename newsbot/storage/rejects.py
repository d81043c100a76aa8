"""Refused items and values, with the reason. The same thing refused again for the same reason counts up."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from newsbot.batch import Reject
from newsbot.storage.aged import Aged

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_WRITE = """
INSERT INTO rejects AS r (id, run_id, source_id, item_type, url, field, reason, payload, times)
SELECT id, %s, source_id, item_type, url, field, reason, payload, times
FROM json_to_recordset(%s) AS n(id uuid, source_id text, item_type text, url text, field text, reason text,
    payload jsonb, times int)
ORDER BY id
ON CONFLICT (id) DO UPDATE SET times = r.times + EXCLUDED.times, last_seen_at = now(), run_id = EXCLUDED.run_id
"""

AGED = Aged("rejects", "last_seen_at")
forget = AGED.forget


def write(cursor: "Cursor", rejects: Iterable[Reject], run_id: str) -> None:
    """Keep the rejects, in the caller's transaction."""
    rows: dict[str, dict] = {}
    times: Counter[str] = Counter()
    for reject in rejects:
        id_ = reject.id
        times[id_] += 1
        rows[id_] = {
            "id": id_,
            "source_id": reject.source_id,
            "item_type": reject.item_type,
            "url": reject.url,
            "field": reject.field,
            "reason": reject.reason,
            "payload": reject.payload,
        }
    records = [{**row, "times": times[id_]} for id_, row in rows.items()]
    cursor.execute(_WRITE, (run_id, json.dumps(records, default=str)))
