"""Feeds and cursors: in how many runs in a row all of an answer was refused."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    for table in ("feeds", "cursors"):
        column = sa.Column("refused_runs", sa.Integer(), server_default=sa.text("0"), nullable=False)
        op.add_column(table, column)
