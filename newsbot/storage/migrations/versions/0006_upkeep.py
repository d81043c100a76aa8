"""Indexes for the documents' queries and for the look after killed runs; jobs that run a command."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    op.create_index("articles_first_seen_at_idx", "articles", ["first_seen_at"], unique=False)
    op.create_index(
        "articles_field_origins_idx",
        "articles",
        ["first_seen_at"],
        unique=False,
        postgresql_where=sa.text("field_origins <> '{}'"),
    )
    op.add_column("jobs", sa.Column("command", postgresql.ARRAY(sa.Text()), nullable=True))
    op.create_index("runs_open_idx", "runs", ["node"], unique=False, postgresql_where=sa.text("finished_at IS NULL"))
