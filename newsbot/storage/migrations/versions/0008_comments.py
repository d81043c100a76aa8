"""The meaning of each table and column, from tables.py, as a comment in the database.

A later migration that adds a table or a column gives it its comment itself, and is left out here.
"""

from alembic import op

from newsbot.storage.tables import metadata

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    for table in metadata.sorted_tables:
        op.create_table_comment(table.name, table.comment)
        for column in table.columns:
            op.alter_column(table.name, column.name, comment=column.comment)
