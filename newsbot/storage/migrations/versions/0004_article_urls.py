"""Which origin brought a URL of an article, and when it was met last; the way from an article to its URLs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.add_column("article_urls", sa.Column("origin", sa.Text(collation="C"), nullable=True))
    op.add_column(
        "article_urls",
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index("article_urls_article_id_idx", "article_urls", ["article_id"], unique=False)
