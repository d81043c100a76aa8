"""What was refused, with the reason. The same thing refused again for the same reason counts up."""

import json
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from itemadapter import ItemAdapter

from newsbot.logins import without_login
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

# A payload is kept to be looked at, not to be crawled again: a longer value is cut.
MAX_VALUE = 10_000


@dataclass(slots=True)
class Reject:
    """One refused item, or one refused value of an item that goes on without it."""

    source_id: str | None
    item_type: str
    url: str | None
    field: str | None
    reason: str
    payload: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.url = storable(self.url)
        self.reason = storable(self.reason)
        self.payload = storable(self.payload)

    @classmethod
    def of(cls, item: Any, field: str | None, reason: str, value: Any = None) -> "Reject":
        """The reject of an item, or of one `value` that it goes on without."""
        return cls(
            source_id=getattr(item, "source_id", None),
            item_type=type(item).__name__,
            url=getattr(item, "url", None),
            field=field,
            reason=reason,
            payload={field: value} if value is not None else _payload(item),
        )

    @property
    def id(self) -> str:
        """Stands for what was refused, with all that it says, and why."""
        what = [self.source_id, self.item_type, self.url, self.field, self.reason, self.payload]
        return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(what, sort_keys=True, default=str)))


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


def _payload(item: Any) -> dict[str, Any]:
    return ItemAdapter(item).asdict() if ItemAdapter.is_item(item) else {"item": item}


def storable(value: Any) -> Any:
    """What Postgres takes as text or JSON: no NUL, no lone surrogates, no NaN, bounded; and no login of a URL."""
    match value:
        case str():
            value = without_login(value)[:MAX_VALUE].replace("\0", "\ufffd")
            return value.encode("utf-8", "replace").decode("utf-8")
        case dict():
            return {storable(str(key)): storable(item) for key, item in value.items()}
        case list() | tuple():
            return [storable(item) for item in value[:1_000]]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case None | bool() | int() | float():
            return value
    return storable(str(value))
