"""What is kept for some days only."""

# ruff: noqa: S608  what is put into the statements are names and conditions of ours

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

PART = 5_000  # rows that are deleted in one transaction: a crawl beside it does not notice
BEFORE = "now() - make_interval(secs => %(seconds)s)"


@dataclass(frozen=True)
class Aged:
    """Rows of a table whose `moment`, a column with an index, is long ago; `also` is what else must hold of them."""

    table: str
    moment: str
    also: str = "true"

    def forget(self, cursor: "Cursor", days: float) -> int:
        """Delete those of more than `days` ago, `PART` at most, the oldest first; how many.

        What another transaction holds is left to a later call, so that this one never waits.
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
        """How many there are."""
        cursor.execute(f"SELECT count(*) FROM {self.table} WHERE {self._old}", {"seconds": days * 86_400})
        return cursor.fetchone()[0]

    @property
    def _old(self) -> str:
        return f"{self.moment} < {BEFORE} AND {self.also.format(before=BEFORE)}"
