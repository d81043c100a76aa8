"""Hosting: jobs, the nodes that run them, the schedule's entries and their fires."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "fires",
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("nominal_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("schedule", "nominal_at"),
    )
    op.create_index("fires_fired_at_idx", "fires", ["fired_at"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("spider", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("priority", sa.REAL(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("nominal_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_of", sa.Text(), nullable=True),
        sa.Column("retries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("backoff", sa.REAL(), server_default=sa.text("0"), nullable=False),
        sa.Column("timeout", sa.REAL(), nullable=True),
        sa.Column("wanted_node", sa.Text(), nullable=True),
        sa.Column("waits_for", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("token", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("machine", sa.Text(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("birth", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_end", sa.Text(), nullable=True),
        sa.Column("stop_signal", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("signal", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("log_file", sa.Text(), nullable=True),
        sa.Column("items_file", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("project", "id"),
        sa.UniqueConstraint("token"),
    )
    op.create_index("jobs_ended_at_idx", "jobs", ["ended_at"], unique=False)
    op.create_index("jobs_id_idx", "jobs", ["id"], unique=False)
    op.create_index(
        "jobs_pending_idx",
        "jobs",
        [sa.literal_column("priority DESC"), "queued_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("jobs_queued_at_idx", "jobs", ["queued_at"], unique=False)
    op.create_index("jobs_running_idx", "jobs", ["node"], unique=False, postgresql_where=sa.text("state = 'running'"))
    op.create_index(
        "jobs_schedule_idx",
        "jobs",
        ["schedule", "nominal_at"],
        unique=False,
        postgresql_where=sa.text("schedule IS NOT NULL"),
    )
    op.create_index(
        "jobs_schedule_running_key", "jobs", ["schedule"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
    op.create_index("jobs_spider_queued_at_idx", "jobs", ["spider", "queued_at"], unique=False)
    op.create_index("jobs_state_queued_at_idx", "jobs", ["state", "queued_at"], unique=False)
    op.create_table(
        "nodes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("birth", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("clock_offset", sa.REAL(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("times", sa.Text(), nullable=False),
        sa.Column("last_nominal_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("runs_job_idx", "runs", ["job"], unique=False)
