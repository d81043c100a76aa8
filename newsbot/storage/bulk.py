"""Records by the million: COPY into a temporary table, then one statement merges them into `records`."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newsbot.batch import KEPT, CursorProgress, Refusals, Refused
from newsbot.storage import cursors, records, rejects

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

REPEATED = "this key came before with other values, which are kept"
_COPY_SIZE = 2**17

_CREATE = """
CREATE TEMPORARY TABLE loaded (line bigint, id uuid, key text, data jsonb) ON COMMIT DROP;
CREATE TEMPORARY TABLE repeated (line bigint, key text, first bigint, same bool) ON COMMIT DROP
"""
_COPY = "COPY loaded (line, id, key, data) FROM STDIN WITH (ENCODING 'UTF8')"

# Of rows with one key the first counts.
_TAKE_REPEATED = """
WITH doubled AS (
    SELECT id FROM loaded GROUP BY id HAVING count(*) > 1
), ranked AS (
    SELECT l.ctid AS place, line, key, row_number() OVER w AS n, first_value(line) OVER w AS first,
        data = first_value(data) OVER w AS same
    FROM loaded l JOIN doubled USING (id) WINDOW w AS (PARTITION BY id ORDER BY line, l.ctid)
), taken AS (
    DELETE FROM loaded USING ranked WHERE loaded.ctid = place AND n > 1
)
INSERT INTO repeated SELECT line, key, first, same FROM ranked WHERE n > 1;
ANALYZE loaded
"""

_MERGE = f"""
WITH incoming AS NOT MATERIALIZED (
    SELECT line, id, %(dataset)s::text AS dataset, key, data, NULL::text AS url, %(source_id)s::text AS source_id
    FROM loaded
), {records.MERGE}
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), (SELECT count(*) FROM loaded) FROM wanted
"""  # noqa: S608  of constants


@dataclass(slots=True)
class Loaded:
    """The result of a load, in rows."""

    refusals: Refusals
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    others: int = 0
    """records of the dataset that are not among the rows"""

    def remarks(self) -> list[str]:
        """What to report of the load beyond its numbers."""
        told = []
        if repeated := self.refusals.reasons["key", REPEATED]:
            told.append(f"{repeated} rows have a key that came before with other values: is it the whole key?")
        if self.others:
            told.append(f"{self.others} earlier records are not in the file, and stay")
        return told


def load(
    cursor: "Cursor",
    lines: Callable[[Refusals], Iterator[bytes]],
    description: Mapping[str, Any],
    progress: Callable[[], CursorProgress],
    run_id: str,
) -> Loaded:
    """Store a dataset, in the caller's transaction, with its description, its rejects and its cursor.

    `lines` gives line, id, key and data of rows in COPY's text format, and refuses others; `description` is what
    `records.describe` takes; `progress` is asked for once the rows are read. Raises what `lines` raises.
    """
    loaded = Loaded(Refusals(description["name"], description["url"]))
    cursor.execute(_CREATE)
    _copy(cursor, lines(loaded.refusals))
    cursor.execute(_TAKE_REPEATED)
    names = {"dataset": description["name"], "source_id": description["source_id"], "run_id": run_id}
    cursor.execute(_MERGE, names)
    loaded.new, loaded.changed, rows = cursor.fetchone()
    loaded.unchanged = rows - loaded.new - loaded.changed + _refuse_repeated(cursor, loaded.refusals)
    cursor.execute("SELECT count(*) FROM records WHERE dataset = %s", (description["name"],))
    loaded.others = cursor.fetchone()[0] - rows
    records.describe(cursor, **description)
    rejects.write(cursor, loaded.refusals.rejects(), run_id)
    cursors.write(cursor, [progress()], run_id)
    return loaded


def _refuse_repeated(cursor: "Cursor", refusals: Refusals) -> int:
    """Refuse rows whose key came before with other values; returns the number of rows with the same values."""
    cursor.execute("SELECT line, key, first FROM repeated WHERE NOT same ORDER BY line LIMIT %s", (KEPT,))
    told = 0
    for line, key, first in cursor:
        told += 1
        refusals.add(Refused(line, "key", REPEATED, {"key": key, "first": first}, whole=True))
    cursor.execute("SELECT count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same) FROM repeated")
    same, other = cursor.fetchone()
    if other > told:
        refusals.count(Refused(0, "key", REPEATED, None, whole=True), other - told)
    return same


def _copy(cursor: "Cursor", lines: Iterator[bytes]) -> None:
    stream = _Stream(lines)
    try:
        cursor.copy_expert(_COPY, stream, _COPY_SIZE)
    except Exception:
        if stream.error is not None:  # psycopg2 reports only the server's words for it
            raise stream.error from None
        raise


class _Stream(io.RawIOBase):
    """The stream that COPY reads."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._rest:
                part = next(self._parts, None)
                if part is None:
                    return b""
                self._rest = memoryview(part)
        except Exception as error:
            self.error = error
            raise
        read, self._rest = self._rest[:size], self._rest[size:]
        return bytes(read)
