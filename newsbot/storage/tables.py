"""The tables. Migrations make them; a test holds that both say the same.

A `comment` says what a row or a column means. It is in the database too, and `docs/tables.md` is made from it.

Keys that are URLs sort by bytes (collation C), which keeps their indexes small and quick on any server.
There are no foreign keys: they cost more than the whole rest of an upsert, and nothing is ever deleted but by age.
"""

from typing import Any

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


def _moment(name: str, *, default: bool = False, **options: Any) -> Column[Any]:
    if default:
        options |= {"nullable": False, "server_default": func.now()}
    return Column(name, DateTime(timezone=True), **options)


def _id(name: str = "id", **options: Any) -> Column[Any]:
    return Column(name, UUID(as_uuid=False), **options)


def _refused_runs() -> Column[Any]:
    return Column(
        "refused_runs",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="Runs in a row in which everything in the answer was refused",
    )


def _url(name: str, **options: Any) -> Column[Any]:
    return Column(name, Text(collation="C"), **options)


sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True, comment="Short name of the source, as in the catalogue"),
    Column("name", Text, nullable=False, comment="Name for readers"),
    Column("country", Text, comment="ISO 3166 code of the country, two letters"),
    Column("language", Text, comment="ISO 639 code of the main language"),
    Column("homepage", Text, comment="URL of the home page"),
    comment="A source of the catalogue",
)

articles = Table(
    "articles",
    metadata,
    _id(primary_key=True, comment="UUIDv5 of the canonical URL at first sight; never changes"),
    _url("url", nullable=False, comment="URL as it was met"),
    _url(
        "canonical_url",
        nullable=False,
        comment="URL without tracking parameters, or what the page calls canonical; one article for each",
    ),
    Column(
        "source_id",
        Text,
        nullable=False,
        comment="Source that the article belongs to (sources.id), or the name of the API or spider",
    ),
    Column("title", Text, nullable=False, comment="Title, plain text"),
    Column("authors", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="Names of the authors"),
    _moment("published_at", comment="Publication time, as the source says"),
    Column("summary", Text, comment="Summary, plain text"),
    Column("text", Text, comment="Full text, plain; NULL until it is fetched"),
    Column("language", Text, comment="ISO 639 code of the language"),
    Column("section", Text, comment="Section, as the site calls it"),
    Column(
        "keywords", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="Keywords, as the site gives them"
    ),
    Column("image_url", Text, comment="URL of the main image"),
    Column("sentiment", REAL, comment="Sentiment of the title, from -1 (negative) to 1 (positive)"),
    Column("sentiment_model", Text, comment="Model that found the sentiment"),
    _id("story_id", comment="Story that groups articles on the same event; not filled yet"),
    Column("content_hash", Text, nullable=False, comment="Hash of the content that the owning origin sent last"),
    _url(
        "origin",
        nullable=False,
        comment="Feed, page or API that owns the article: its edits are stored; others fill only what is missing",
    ),
    Column("origin_rank", SmallInteger, nullable=False, comment="Rank of that origin; a higher rank takes ownership"),
    _moment("first_seen_at", default=True, comment="Time when the article was first stored"),
    _moment("last_seen_at", default=True, comment="Time when it was last met; updated at most once a day"),
    _id("run_id", comment="Run that first stored the article (runs.id)"),
    Column(
        "field_origins",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="JSON object: field to the origin that gave it, for fields that the owner does not give",
    ),
    UniqueConstraint("canonical_url", name="articles_canonical_url_key"),
    Index("articles_published_at_idx", "published_at"),
    Index("articles_first_seen_at_idx", "first_seen_at"),
    Index("articles_field_origins_idx", "first_seen_at", postgresql_where=text("field_origins <> '{}'")),
    Index("articles_source_id_first_seen_at_idx", "source_id", "first_seen_at"),
    comment="An article, or a headline whose text is not fetched yet",
)

article_urls = Table(
    "article_urls",
    metadata,
    _url("url", primary_key=True, comment="The URL"),
    _id("article_id", nullable=False, comment="The article (articles.id)"),
    _url("origin", comment="First origin that brought the URL; NULL in rows older than this column"),
    _moment("last_seen_at", default=True, comment="Time when the URL was last met; updated at most once a day"),
    Index("article_urls_article_id_idx", "article_id"),
    comment="A URL that leads to an article",
)

sightings = Table(
    "sightings",
    metadata,
    _id("article_id", primary_key=True, comment="The article (articles.id)"),
    Column("source_id", Text, nullable=False, comment="Source that the origin belongs to"),
    _url("origin", primary_key=True, comment="Feed, page or API that has the article"),
    Column(
        "content_hash",
        Text,
        nullable=False,
        comment="Hash of the content that this origin sent last; an equal hash means unchanged",
    ),
    _moment("first_seen_at", default=True, comment="Time when the origin first had the article"),
    _moment("last_seen_at", default=True, comment="Time when the origin last had it"),
    Column("external_id", Text(collation="C"), comment="Identifier that the origin gives the article"),
    Column("data", JSONB, comment="JSON object: what the origin says beyond the columns of articles"),
    _moment("removed_at", comment="Time when the origin withdrew the article; NULL while it stands"),
    Index("sightings_external_id_idx", "source_id", "external_id", postgresql_where=text("external_id IS NOT NULL")),
    comment="An article as one origin has it",
)

article_revisions = Table(
    "article_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the revision"),
    _id("article_id", nullable=False, comment="The article (articles.id)"),
    _moment("revised_at", default=True, comment="Time when the edit was stored"),
    Column("field", Text, nullable=False, comment="Column of articles that changed"),
    Column("old", Text, comment="Value before"),
    Column("new", Text, comment="Value after"),
    Index("article_revisions_article_id_idx", "article_id", "revised_at"),
    comment="An edit of one field of an article",
)

feeds = Table(
    "feeds",
    metadata,
    _url("url", primary_key=True, comment="URL in the catalogue"),
    Column("source_id", Text, nullable=False, comment="Source that the feed belongs to (sources.id)"),
    Column("kind", Text, comment="Format of the last answer: rss, atom, news_sitemap, section, ..."),
    Column("status", Integer, comment="HTTP status of the last answer; NULL when there was none"),
    Column("problem", Text, comment="What is wrong, in words; NULL when nothing is"),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="Failures in a row"),
    Column("entries", Integer, comment="Entries in the last good answer, without refused ones"),
    Column("etag", Text, comment="ETag of the last good answer"),
    Column("last_modified", Text, comment="Last-Modified of the last good answer"),
    Column(
        "content_hash",
        Text,
        comment="Hash of the entries when all of them are stored; the same hash again needs no work",
    ),
    Column(
        "fingerprint",
        Text,
        comment="Fingerprint of how the entries were read; a different one makes the same answer be read again",
    ),
    Column("interval", Integer, comment="Seconds until the feed is due again"),
    _moment("due_at", comment="Time when it is due"),
    _moment("not_before", comment="Time before which it must not be asked (Retry-After)"),
    _moment("fetched_at", comment="Time of the last answer of any kind"),
    _moment("succeeded_at", comment="Time of the last good answer"),
    _moment("full_at", comment="Time of the last request without ETag and Last-Modified"),
    _moment("changed_at", comment="Time when its entries last changed"),
    Column("moved_to", Text, comment="Target of a permanent redirect; the feed is asked there"),
    _moment("gone_since", comment="Time of the first answer 410 in a row"),
    Column(
        "gone_times",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="Answers 410 since then without a success",
    ),
    _moment("gone_at", comment="Time when the feed was taken for gone: 3 such answers over 2 days"),
    _refused_runs(),
    comment="What is known of a feed, a news sitemap or a section page",
)

cursors = Table(
    "cursors",
    metadata,
    _url("key", primary_key=True, comment="Spider, arguments and source in one"),
    Column("spider", Text, nullable=False, comment="Name of the spider or API"),
    Column(
        "arguments",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="JSON object: the arguments that select what is asked for",
    ),
    Column("source", Text, nullable=False, comment="Endpoint, or one of several things asked of it"),
    Column("value", JSONB, nullable=False, comment="JSON: where the next run continues"),
    _moment("moved_at", default=True, comment="Time when the cursor last moved"),
    _id("run_id", comment="Run that moved it (runs.id)"),
    _refused_runs(),
    comment="How far an API was read with some arguments; the next run continues there",
)

quotas = Table(
    "quotas",
    metadata,
    Column("name", Text, primary_key=True, comment="Name of the quota"),
    _moment("next_at", comment="Time from which the next call may go out"),
    _moment("blocked_until", comment="Time until which the service refuses calls"),
    Column("reason", Text, comment="Reason that the service gave"),
    Column(
        "remaining",
        BigInteger,
        comment="Calls left in the longest limit: what the service reported, less the calls since",
    ),
    _moment("resets_at", comment="Time until which that number holds; NULL: until the service reports again"),
    comment="The state of one quota: an API and a key",
)

spending = Table(
    "spending",
    metadata,
    Column("quota", Text, primary_key=True, comment="The quota (quotas.name)"),
    Column("period", Text, primary_key=True, comment="Kind of period: hour, day, month, ..."),
    _moment("starts_at", primary_key=True, comment="Start of the period"),
    Column("calls", BigInteger, nullable=False, server_default=text("0"), comment="Calls made"),
    Column(
        "cost",
        Numeric,
        nullable=False,
        server_default=text("0"),
        comment="Cost of the calls, in the currency of the API's declaration",
    ),
    Column(
        "told_limit", BigInteger, comment="Limit of the period that the service reported; overrides the declaration"
    ),
    comment="The calls of a quota in one period, and their cost",
)

series = Table(
    "series",
    metadata,
    _id(primary_key=True, comment="UUIDv5 of source and name"),
    Column("source", Text, nullable=False, comment="API or spider that the series comes from"),
    Column("name", Text, nullable=False, comment="Name of the series within its source"),
    Column("unit", Text, comment="Unit of the values"),
    Column("frequency", Text, comment="Frequency, as the source says: daily, hourly, ..."),
    Column(
        "metadata",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="JSON object: what else the source says of the series",
    ),
    _moment("first_seen_at", default=True, comment="Time when the series was first stored"),
    UniqueConstraint("source", "name", name="series_source_name_key"),
    comment="A numeric series",
)

observations = Table(
    "observations",
    metadata,
    _id("series_id", primary_key=True, comment="The series (series.id)"),
    _moment("time", primary_key=True, comment="Time that the value is for"),
    Column("value", DOUBLE_PRECISION, comment="The value; NULL when the source has none"),
    _moment("first_seen_at", default=True, comment="Time when the value was first stored"),
    _moment("revised_at", comment="Time when it last changed; NULL when it never did"),
    _id("run_id", comment="Run that stored the row's present content (runs.id)"),
    comment="The value of a series at a time",
)

observation_revisions = Table(
    "observation_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the revision"),
    _id("series_id", nullable=False, comment="The series (series.id)"),
    _moment("time", nullable=False, comment="Time that the value is for"),
    _moment("revised_at", default=True, comment="Time when the change was stored"),
    Column("old", DOUBLE_PRECISION, comment="Value before"),
    Column("new", DOUBLE_PRECISION, comment="Value after"),
    Index("observation_revisions_series_id_time_idx", "series_id", "time"),
    comment="A change of an observation",
)

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True, comment="Name of the dataset"),
    Column("title", Text, comment="Title for readers"),
    Column(
        "columns",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="JSON object: column name to type, unit and description",
    ),
    Column("source_id", Text, nullable=False, comment="Source of the dataset"),
    Column("url", Text, comment="URL of the file or API"),
    Column("licence", Text, comment="Licence of the data"),
    _moment("loaded_at", default=True, comment="Time when it was last loaded"),
    comment="A dataset: where it is from and which columns its records have",
)

records = Table(
    "records",
    metadata,
    _id(primary_key=True, comment="UUIDv5 of dataset and key"),
    Column("dataset", Text(collation="C"), nullable=False, comment="The dataset (datasets.name)"),
    Column("key", Text(collation="C"), nullable=False, comment="Key of the record within its dataset"),
    Column("data", JSONB, nullable=False, comment="JSON object: the values by column name"),
    Column("url", Text, comment="URL of the record, if it has one"),
    Column("source_id", Text, nullable=False, comment="Source that the record comes from"),
    _moment("first_seen_at", default=True, comment="Time when the record was first stored"),
    _moment("revised_at", comment="Time when it last changed; NULL when it never did"),
    _id("run_id", comment="Run that stored the row's present content (runs.id)"),
    UniqueConstraint("dataset", "key", name="records_dataset_key_key"),
    comment="A row of a dataset",
)

record_revisions = Table(
    "record_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the revision"),
    _id("record_id", nullable=False, comment="The record (records.id)"),
    _moment("revised_at", default=True, comment="Time when the change was stored"),
    Column("old", JSONB, nullable=False, comment="JSON object: the changed values before"),
    Column("new", JSONB, nullable=False, comment="JSON object: the changed values after"),
    Index("record_revisions_record_id_idx", "record_id", "revised_at"),
    comment="A change of a record",
)

rejects = Table(
    "rejects",
    metadata,
    _id(primary_key=True, comment="UUIDv5 of what was refused and why"),
    _id("run_id", comment="Run that last refused it (runs.id)"),
    Column("source_id", Text, comment="Source that it came from"),
    Column("item_type", Text, nullable=False, comment="Type of the refused item"),
    Column("url", Text, comment="URL of the item or of the answer"),
    Column("field", Text, comment="Field that is wrong; NULL when the whole item is"),
    Column("reason", Text, nullable=False, comment="Why it was refused, in words"),
    Column("payload", JSONB, comment="JSON: what was refused"),
    Column("times", Integer, nullable=False, server_default=text("1"), comment="How many times it was refused"),
    _moment("rejected_at", default=True, comment="Time when it was first refused"),
    _moment("last_seen_at", default=True, comment="Time when it was last refused"),
    Index("rejects_last_seen_at_idx", "last_seen_at"),
    comment="Something that was refused, and why; the same again counts up",
)

runs = Table(
    "runs",
    metadata,
    _id(primary_key=True, comment="Identifier of the run"),
    Column("spider", Text, nullable=False, comment="Name of the spider"),
    Column("job", Text, comment="Job that the run belongs to (jobs.id); NULL outside of Scrapyd"),
    Column("node", Text, nullable=False, comment="Machine that ran it"),
    Column("pid", Integer, nullable=False, comment="Process number"),
    _moment("heartbeat_at", default=True, comment="Time of the last sign of life"),
    _moment("started_at", default=True, comment="Time of the start"),
    _moment("finished_at", comment="Time of the end; NULL while it runs"),
    Column("finish_reason", Text, comment="Why it ended: finished, killed, shutdown, ..."),
    Column("exit_code", Integer, comment="Exit code of the process; 0 is a success"),
    Column(
        "items", Integer, nullable=False, server_default=text("0"), comment="Items stored: new, changed and unchanged"
    ),
    Column("rejected", Integer, nullable=False, server_default=text("0"), comment="Items refused"),
    Column("errors", Integer, nullable=False, server_default=text("0"), comment="Errors in the log"),
    Column("stats", JSONB, nullable=False, server_default=text("'{}'"), comment="JSON object: Scrapy's stats, by name"),
    Index("runs_started_at_idx", "started_at"),
    Index("runs_open_idx", "node", postgresql_where=text("finished_at IS NULL")),
    Index("runs_job_idx", "job"),
    comment="A run of a spider",
)

jobs = Table(
    "jobs",
    metadata,
    Column("project", Text, primary_key=True, comment="Scrapyd project"),
    Column("id", Text, primary_key=True, comment="Identifier of the job within its project"),
    Column("spider", Text, nullable=False, comment="Name of the spider, or the words of the command"),
    Column("command", ARRAY(Text), comment="Words after scrapy, for a job that runs a command and not a spider"),
    Column("version", Text, comment="Version of the project; NULL: the newest when the job starts"),
    Column("args", JSONB, nullable=False, server_default=text("'{}'"), comment="JSON object: arguments of the spider"),
    Column(
        "settings",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="JSON object: Scrapy settings of the job",
    ),
    Column("priority", REAL, nullable=False, server_default=text("0"), comment="Priority; a higher one starts first"),
    Column("asked_by", Text, nullable=False, comment="Who asked for the job"),
    Column("schedule", Text, comment="Entry of the schedule that the job belongs to (schedules.name)"),
    _moment("nominal_at", comment="Time at which that entry was due"),
    Column("retry_of", Text, comment="Job that this one repeats (jobs.id)"),
    Column("retries", Integer, nullable=False, server_default=text("0"), comment="Retries that are left"),
    Column("backoff", REAL, nullable=False, server_default=text("0"), comment="Seconds before the next retry"),
    Column("timeout", REAL, comment="Seconds after which the job is ended"),
    Column("wanted_node", Text, comment="Only node that may run it; NULL: any"),
    Column(
        "waits_for",
        JSONB,
        comment="JSON object: entry to the nominal time from which it must have succeeded before this job starts",
    ),
    _moment("not_before", comment="Time before which the job must not start"),
    _moment("queued_at", default=True, comment="Time when the job was queued"),
    Column(
        "state",
        Text,
        nullable=False,
        server_default=text("'pending'"),
        comment="pending, running, finished, failed, killed, out of memory, timed out, cancelled or lost",
    ),
    _id(
        "token",
        unique=True,
        comment="Token of the node that has the job; each claim makes a new one, and an old one lets nobody write",
    ),
    Column("taken", Integer, nullable=False, server_default=text("0"), comment="How many times a node claimed the job"),
    _moment("lease_until", comment="Time until which the claim holds without renewal"),
    Column("node", Text, comment="Node that has or had the job (nodes.name)"),
    Column("machine", Text, comment="Machine of that node"),
    Column("pid", Integer, comment="Process number"),
    Column("birth", Text, comment="Start of that process, since process numbers are reused"),
    _moment("started_at", comment="Time of the start"),
    Column("asked_end", Text, comment="State that the job was asked to end with"),
    Column("stop_signal", Text, comment="Signal that is still to be sent"),
    _moment("ended_at", comment="Time of the end"),
    Column("exit_code", Integer, comment="Exit code of the process"),
    Column("signal", Integer, comment="Number of the signal that ended the process"),
    Column("reason", Text, comment="Why it ended so, in words"),
    Column("log_file", Text, comment="Path of the log"),
    Column("items_file", Text, comment="Path of the items file"),
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
    comment="A job of Scrapyd; the pending ones are the queue",
)

nodes = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True, comment="Name of the node"),
    Column("machine", Text, nullable=False, comment="Machine that it runs on"),
    Column("pid", Integer, nullable=False, comment="Process number"),
    Column("birth", Text, nullable=False, comment="Start of that process, since process numbers are reused"),
    Column("slots", Integer, nullable=False, comment="Jobs that it runs at a time"),
    _moment("started_at", default=True, comment="Time of the start"),
    _moment("heartbeat_at", default=True, comment="Time of the last sign of life"),
    Column(
        "clock_offset",
        REAL,
        nullable=False,
        server_default=text("0"),
        comment="Seconds that its clock is ahead of the database's",
    ),
    comment="A Scrapyd that uses this database",
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True, comment="Name of the entry"),
    Column(
        "times",
        Text,
        nullable=False,
        comment="What its fire times follow from; after a change no time counts as missed",
    ),
    _moment("last_nominal_at", comment="Due time up to which all is fired or reported as skipped"),
    Column("paused", Boolean, nullable=False, server_default=text("false"), comment="Whether the entry is paused"),
    comment="The state of an entry of the schedule",
)

fires = Table(
    "fires",
    metadata,
    Column("schedule", Text, primary_key=True, comment="The entry (schedules.name)"),
    _moment("nominal_at", primary_key=True, comment="Time at which it was due"),
    _moment("fired_at", default=True, comment="Time at which it was fired"),
    Column("outcome", Text, nullable=False, comment="queued, skipped or missed"),
    Column("reason", Text, comment="Why, in words"),
    Column("job", Text, comment="Job that was queued (jobs.id)"),
    Column("node", Text, comment="Node that fired it (nodes.name)"),
    Index("fires_fired_at_idx", "fired_at"),
    comment="A time at which an entry was due, and the outcome",
)
