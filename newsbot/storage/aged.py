"""Rows that are kept for a number of days only."""

# ruff: noqa: S608  the statements take names and conditions of ours only

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

PART = 5_000  # rows deleted in one transaction: few enough that a crawl beside it does not notice
BEFORE = "now() - make_interval(secs => %(seconds)s)"


@dataclass(frozen=True)
class Aged:
    """Rows of a table whose `moment`, an indexed column, is long ago; `also` is a further condition on them."""

    table: str
    moment: str
    also: str = "true"

    def forget(self, cursor: "Cursor", days: float) -> int:
        """Delete rows older than `days`, `PART` at most, the oldest first; returns how many.

        Rows that another transaction holds are left to a later call, so that this one never waits.
        """
        cursor.execute(
            f"""
            DELETE FROM {self.table} WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM {self.table} WHERE {self._old} ORDER BY {self.moment} LIMIT %(part)s
                FOR UPDATE SKIP LOCKED))
            """,
            {"seconds": days * 86_400, "part": PART},
        )
        return cursor.rowcount

    def count(self, cursor: "Cursor", days: float) -> int:
        """Count the rows older than `days`."""
        cursor.execute(f"SELECT count(*) FROM {self.table} WHERE {self._old}", {"seconds": days * 86_400})
        return cursor.fetchone()[0]

    @property
    def _old(self) -> str:
        return f"{self.moment} < {BEFORE} AND {self.also.format(before=BEFORE)}"
