"""How large the tables are, and how old their rows are."""

from typing import TYPE_CHECKING, NamedTuple

from psycopg2 import sql

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

COUNTED = 8 << 20  # bytes of a table up to which its rows are counted: for a larger one Postgres' estimate will do

# The column with a row's time: the first of these that a table has.
_MOMENTS = (
    *("queued_at", "fired_at", "started_at", "revised_at", "first_seen_at", "last_seen_at", "fetched_at", "moved_at"),
    *("loaded_at", "starts_at"),
)
_TABLES = """
SELECT relname, pg_table_size(oid), pg_total_relation_size(oid),
    CASE WHEN reltuples >= 0 AND relpages > 0
        THEN (reltuples / relpages * pg_relation_size(oid) / current_setting('block_size')::int)::bigint END,
    (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND NOT attisdropped AND attname = ANY(%(moments)s)
        ORDER BY array_position(%(moments)s, attname::text) LIMIT 1)
FROM pg_class AS t WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname
"""
_TIMES = """
SELECT to_char(min({time}) AT TIME ZONE 'UTC', {iso}), to_char(max({time}) AT TIME ZONE 'UTC', {iso}) FROM {table}
"""
_ISO = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'


class Size(NamedTuple):
    """A table: its rows, whether that number is an estimate, its bytes with indexes, times in ISO 8601."""

    table: str
    rows: int
    estimated: bool
    bytes: int
    oldest: str | None
    newest: str | None


def sizes(cursor: "Cursor") -> list[Size]:
    """Each table of the schema, by name, and last the `total`."""
    cursor.execute(_TABLES, {"moments": list(_MOMENTS)})
    found = [_size(cursor, *row) for row in cursor.fetchall()]
    rows, bytes_ = sum(each.rows for each in found), sum(each.bytes for each in found)
    return [*found, Size("total", rows, any(each.estimated for each in found), bytes_, None, None)]


def _size(cursor: "Cursor", table: str, bare: int, whole: int, rows: int | None, moment: str | None) -> Size:
    named = {"table": sql.Identifier(table), "iso": sql.Literal(_ISO)}
    estimated = bare > COUNTED and rows is not None
    if not estimated:
        cursor.execute(sql.SQL("SELECT count(*) FROM {table}").format(**named))
        (rows,) = cursor.fetchone()
    oldest = newest = None
    if moment:
        cursor.execute(sql.SQL(_TIMES).format(time=sql.Identifier(moment), **named))
        oldest, newest = cursor.fetchone()
    return Size(table, rows, estimated, whole, oldest, newest)
