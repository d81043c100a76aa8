"""The tables. Migrations make them; a test holds that both say the same.

Keys that are URLs sort by bytes (collation C), which keeps their indexes small and quick on any server.
There are no foreign keys: they cost more than the whole rest of an upsert, and nothing is ever deleted but by age.
"""

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData()


def _moment(name: str, *, default: bool = False) -> Column:
    if default:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True))


def _id(name: str = "id", **options: object) -> Column:
    return Column(name, UUID(as_uuid=False), **options)


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
    UniqueConstraint("canonical_url", name="articles_canonical_url_key"),
    Index("articles_published_at_idx", "published_at"),
    Index("articles_source_id_first_seen_at_idx", "source_id", "first_seen_at"),
)

article_urls = Table(
    "article_urls",
    metadata,
    _url("url", primary_key=True),
    _id("article_id", nullable=False),
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
    Column("interval", Integer),  # seconds until it is due again
    _moment("due_at"),
    _moment("not_before"),  # Retry-After
    _moment("fetched_at"),  # last answer of any kind
    _moment("succeeded_at"),
    _moment("full_at"),  # last time that it was asked for without validators
    _moment("changed_at"),
    Column("moved_to", Text),  # permanent redirect: asked there from now on
    _moment("gone_at"),  # 410
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
)
