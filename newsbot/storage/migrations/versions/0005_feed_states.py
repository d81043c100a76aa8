"""Feeds: how they were read, and since when they say that they are gone; no login in a URL is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.add_column("feeds", sa.Column("fingerprint", sa.Text(), nullable=True))
    op.add_column("feeds", sa.Column("gone_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("feeds", sa.Column("gone_times", sa.Integer(), server_default=sa.text("0"), nullable=False))
    # One 410 was enough before.
    op.execute("UPDATE feeds SET gone_since = gone_at, gone_times = 1, gone_at = NULL WHERE gone_at IS NOT NULL")
    op.execute("DELETE FROM feeds WHERE url ~ '^https?://[^/?#]*@'")
    op.execute(
        "UPDATE runs SET stats = regexp_replace(stats::text, '(https?://)[^/?#\"[:space:]]*@', '\\1***@', 'g')::jsonb"
        " WHERE stats::text ~ 'https?://[^/?#\"[:space:]]*@'"
    )
