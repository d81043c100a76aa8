"""The tables. Migrations make them; a test holds that both say the same.

Keys that are URLs sort by bytes (collation C), which keeps their indexes small and quick on any server.
There are no foreign keys: they cost more than the whole rest of an upsert, and nothing is ever deleted but by age.
"""

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB, UUID

metadata = MetaData()


def _moment(name: str, *, default: bool = False, **options: object) -> Column:
    if default:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True), **options)


def _id(name: str = "id", **options: object) -> Column:
    return Column(name, UUID(as_uuid=False), **options)


def _refused_runs() -> Column:
    """In how many runs in a row all of an answer was refused."""
    return Column("refused_runs", Integer, nullable=False, server_default=text("0"))


def _url(name: str, **options: object) -> Column:
    return Column(name, Text(collation="C"), **options)


sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("country", Text),
    Column("language", Text),
    Column("homepage", Text),
)

articles = Table(
    "articles",
    metadata,
    _id(primary_key=True),  # UUIDv5 of the canonical URL at first sight; never changes
    _url("url", nullable=False),
    _url("canonical_url", nullable=False),
    Column("source_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("authors", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _moment("published_at"),
    Column("summary", Text),
    Column("text", Text),
    Column("language", Text),
    Column("section", Text),
    Column("keywords", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("image_url", Text),
    Column("sentiment", REAL),
    Column("sentiment_model", Text),
    _id("story_id"),
    Column("content_hash", Text, nullable=False),  # of what the owner said last
    _url("origin", nullable=False),  # the owner: the one origin whose edits are taken over
    Column("origin_rank", SmallInteger, nullable=False),
    _moment("first_seen_at", default=True),
    _moment("last_seen_at", default=True),  # moves at most once a day
    _id("run_id"),  # the run that brought it
    # The origin of each field that the owner does not give.
    Column("field_origins", JSONB, nullable=False, server_default=text("'{}'")),
    UniqueConstraint("canonical_url", name="articles_canonical_url_key"),
    Index("articles_published_at_idx", "published_at"),
    Index("articles_first_seen_at_idx", "first_seen_at"),
    Index("articles_field_origins_idx", "first_seen_at", postgresql_where=text("field_origins <> '{}'")),
    Index("articles_source_id_first_seen_at_idx", "source_id", "first_seen_at"),
)

article_urls = Table(
    "article_urls",
    metadata,
    _url("url", primary_key=True),
    _id("article_id", nullable=False),
    _url("origin"),  # the first that brought it; NULL in rows of before it was kept
    _moment("last_seen_at", default=True),  # moves at most once a day
    Index("article_urls_article_id_idx", "article_id"),
)

sightings = Table(
    "sightings",
    metadata,
    _id("article_id", primary_key=True),
    Column("source_id", Text, nullable=False),
    _url("origin", primary_key=True),
    Column("content_hash", Text, nullable=False),  # of what this origin said last: decides what is unchanged
    _moment("first_seen_at", default=True),
    _moment("last_seen_at", default=True),
    Column("external_id", Text(collation="C")),  # what the origin calls it
    Column("data", JSONB),  # what the origin tells beyond the fields of an article
    _moment("removed_at"),  # the origin took it back
    Index("sightings_external_id_idx", "source_id", "external_id", postgresql_where=text("external_id IS NOT NULL")),
)

article_revisions = Table(
    "article_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _id("article_id", nullable=False),
    _moment("revised_at", default=True),
    Column("field", Text, nullable=False),
    Column("old", Text),
    Column("new", Text),
    Index("article_revisions_article_id_idx", "article_id", "revised_at"),
)

feeds = Table(
    "feeds",
    metadata,
    _url("url", primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("kind", Text),  # what its bytes were last time: rss, atom, news_sitemap, section, ...
    Column("status", Integer),  # of the last answer; NULL when there was none
    Column("problem", Text),  # what is wrong with it, in words; NULL when nothing is
    Column("failures", Integer, nullable=False, server_default=text("0")),  # in a row
    Column("entries", Integer),  # in the last good answer, without what was refused
    Column("etag", Text),
    Column("last_modified", Text),
    Column("content_hash", Text),  # of the entries that are all stored: the same again is no work
    Column("fingerprint", Text),  # of how they were read: another one reads another thing from the same answer
    Column("interval", Integer),  # seconds until it is due again
    _moment("due_at"),
    _moment("not_before"),  # Retry-After
    _moment("fetched_at"),  # last answer of any kind
    _moment("succeeded_at"),
    _moment("full_at"),  # last time that it was asked for without validators
    _moment("changed_at"),
    Column("moved_to", Text),  # permanent redirect: asked there from now on
    _moment("gone_since"),  # the first 410
    Column("gone_times", Integer, nullable=False, server_default=text("0")),  # 410 since then, without a success
    _moment("gone_at"),  # when that was believed: 3 over 2 days
    _refused_runs(),
)

cursors = Table(
    "cursors",
    metadata,
    _url("key", primary_key=True),  # spider, arguments and source in one
    Column("spider", Text, nullable=False),
    Column("arguments", JSONB, nullable=False, server_default=text("'{}'")),  # that say what is asked for
    Column("source", Text, nullable=False),  # the endpoint, or which of several things is asked of it
    Column("value", JSONB, nullable=False),  # where the next run goes on
    _moment("moved_at", default=True),
    _id("run_id"),
    _refused_runs(),
)

quotas = Table(
    "quotas",
    metadata,
    Column("name", Text, primary_key=True),
    _moment("next_at"),  # the next call may go out then
    _moment("blocked_until"),  # as the service said
    Column("reason", Text),  # what it said
    Column("remaining", BigInteger),  # calls of the longest limit, as it said, less those since
    _moment("resets_at"),  # until when they are; NULL: until it says so anew
)

spending = Table(
    "spending",
    metadata,
    Column("quota", Text, primary_key=True),
    Column("period", Text, primary_key=True),  # day, month, ...
    _moment("starts_at", primary_key=True),
    Column("calls", BigInteger, nullable=False, server_default=text("0")),
    Column("cost", Numeric, nullable=False, server_default=text("0")),  # in the currency of the declaration
    Column("told_limit", BigInteger),  # what the service says that the period has; wins over the declaration
)

series = Table(
    "series",
    metadata,
    _id(primary_key=True),  # UUIDv5 of source and name
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("unit", Text),
    Column("frequency", Text),
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'")),
    _moment("first_seen_at", default=True),
    UniqueConstraint("source", "name", name="series_source_name_key"),
)

observations = Table(
    "observations",
    metadata,
    _id("series_id", primary_key=True),
    _moment("time", primary_key=True),
    Column("value", DOUBLE_PRECISION),
    _moment("first_seen_at", default=True),
    _moment("revised_at"),
    _id("run_id"),  # the run that brought the value
)

observation_revisions = Table(
    "observation_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _id("series_id", nullable=False),
    _moment("time", nullable=False),
    _moment("revised_at", default=True),
    Column("old", DOUBLE_PRECISION),
    Column("new", DOUBLE_PRECISION),
    Index("observation_revisions_series_id_time_idx", "series_id", "time"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text),
    Column("columns", JSONB, nullable=False, server_default=text("'{}'")),  # name: type, unit, description
    Column("source_id", Text, nullable=False),
    Column("url", Text),
    Column("licence", Text),  # under which its data may be used
    _moment("loaded_at", default=True),
)

records = Table(
    "records",
    metadata,
    _id(primary_key=True),  # UUIDv5 of dataset and key
    Column("dataset", Text(collation="C"), nullable=False),
    Column("key", Text(collation="C"), nullable=False),
    Column("data", JSONB, nullable=False),
    Column("url", Text),
    Column("source_id", Text, nullable=False),
    _moment("first_seen_at", default=True),
    _moment("revised_at"),
    _id("run_id"),  # the run that brought what it says now
    UniqueConstraint("dataset", "key", name="records_dataset_key_key"),
)

record_revisions = Table(
    "record_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _id("record_id", nullable=False),
    _moment("revised_at", default=True),
    Column("old", JSONB, nullable=False),  # the values that changed, as they were
    Column("new", JSONB, nullable=False),
    Index("record_revisions_record_id_idx", "record_id", "revised_at"),
)

rejects = Table(
    "rejects",
    metadata,
    _id(primary_key=True),  # UUIDv5 of what was refused and why: a repeat counts up
    _id("run_id"),
    Column("source_id", Text),
    Column("item_type", Text, nullable=False),
    Column("url", Text),
    Column("field", Text),
    Column("reason", Text, nullable=False),
    Column("payload", JSONB),
    Column("times", Integer, nullable=False, server_default=text("1")),
    _moment("rejected_at", default=True),
    _moment("last_seen_at", default=True),
    Index("rejects_last_seen_at_idx", "last_seen_at"),
)

runs = Table(
    "runs",
    metadata,
    _id(primary_key=True),
    Column("spider", Text, nullable=False),
    Column("job", Text),
    Column("node", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    _moment("heartbeat_at", default=True),
    _moment("started_at", default=True),
    _moment("finished_at"),
    Column("finish_reason", Text),
    Column("exit_code", Integer),
    Column("items", Integer, nullable=False, server_default=text("0")),  # new, changed and unchanged
    Column("rejected", Integer, nullable=False, server_default=text("0")),
    Column("errors", Integer, nullable=False, server_default=text("0")),
    Column("stats", JSONB, nullable=False, server_default=text("'{}'")),
    Index("runs_started_at_idx", "started_at"),
    Index("runs_open_idx", "node", postgresql_where=text("finished_at IS NULL")),
    Index("runs_job_idx", "job"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("spider", Text, nullable=False),  # or the words of the command
    Column("command", ARRAY(Text)),  # its words after `scrapy`, where it is a job of a command and not of a spider
    Column("version", Text),  # of the egg; NULL: the newest when it starts
    Column("args", JSONB, nullable=False, server_default=text("'{}'")),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("priority", REAL, nullable=False, server_default=text("0")),
    Column("asked_by", Text, nullable=False),
    Column("schedule", Text),  # the entry that it belongs to
    _moment("nominal_at"),  # when that was due
    Column("retry_of", Text),
    Column("retries", Integer, nullable=False, server_default=text("0")),  # that are left
    Column("backoff", REAL, nullable=False, server_default=text("0")),  # seconds before the next one
    Column("timeout", REAL),  # seconds
    Column("wanted_node", Text),
    Column("waits_for", JSONB),  # entry: the nominal time from which it must have finished well
    _moment("not_before"),
    _moment("queued_at", default=True),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    # Who has it. The token is new with each taking: who holds an old one writes nothing more.
    _id("token", unique=True),
    Column("taken", Integer, nullable=False, server_default=text("0")),  # times
    _moment("lease_until"),
    Column("node", Text),
    Column("machine", Text),
    Column("pid", Integer),
    Column("birth", Text),  # of that process: numbers are used again
    _moment("started_at"),
    Column("asked_end", Text),  # the state that it was told to end with
    Column("stop_signal", Text),  # still to be sent
    _moment("ended_at"),
    Column("exit_code", Integer),
    Column("signal", Integer),
    Column("reason", Text),
    Column("log_file", Text),
    Column("items_file", Text),
    Index("jobs_pending_idx", text("priority DESC"), "queued_at", postgresql_where=text("state = 'pending'")),
    Index("jobs_running_idx", "node", postgresql_where=text("state = 'running'")),
    # Never two of one entry at a time, whoever takes them.
    Index("jobs_schedule_running_key", "schedule", unique=True, postgresql_where=text("state = 'running'")),
    Index("jobs_schedule_idx", "schedule", "nominal_at", postgresql_where=text("schedule IS NOT NULL")),
    Index("jobs_id_idx", "id"),
    Index("jobs_queued_at_idx", "queued_at"),
    Index("jobs_ended_at_idx", "ended_at"),
    Index("jobs_spider_queued_at_idx", "spider", "queued_at"),
    Index("jobs_state_queued_at_idx", "state", "queued_at"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("birth", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    _moment("started_at", default=True),
    _moment("heartbeat_at", default=True),
    Column("clock_offset", REAL, nullable=False, server_default=text("0")),  # seconds ahead of the database's clock
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("times", Text, nullable=False),  # what its fire times follow from: when that changes, nothing was missed
    _moment("last_nominal_at"),  # all up to here is fired or told as skipped
    Column("paused", Boolean, nullable=False, server_default=text("false")),
)

fires = Table(
    "fires",
    metadata,
    Column("schedule", Text, primary_key=True),
    _moment("nominal_at", primary_key=True),
    _moment("fired_at", default=True),
    Column("outcome", Text, nullable=False),  # queued, skipped or missed
    Column("reason", Text),
    Column("job", Text),
    Column("node", Text),
    Index("fires_fired_at_idx", "fired_at"),
)
