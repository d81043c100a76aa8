CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 0001

CREATE TABLE article_revisions (
    id BIGINT GENERATED ALWAYS AS IDENTITY, 
    article_id UUID NOT NULL, 
    revised_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    field TEXT NOT NULL, 
    "old" TEXT, 
    "new" TEXT, 
    PRIMARY KEY (id)
);

CREATE INDEX article_revisions_article_id_idx ON article_revisions (article_id, revised_at);

CREATE TABLE article_urls (
    url TEXT COLLATE "C" NOT NULL, 
    article_id UUID NOT NULL, 
    PRIMARY KEY (url)
);

CREATE TABLE articles (
    id UUID NOT NULL, 
    url TEXT COLLATE "C" NOT NULL, 
    canonical_url TEXT COLLATE "C" NOT NULL, 
    source_id TEXT NOT NULL, 
    title TEXT NOT NULL, 
    authors TEXT[] DEFAULT '{}' NOT NULL, 
    published_at TIMESTAMP WITH TIME ZONE, 
    summary TEXT, 
    text TEXT, 
    language TEXT, 
    section TEXT, 
    keywords TEXT[] DEFAULT '{}' NOT NULL, 
    image_url TEXT, 
    sentiment REAL, 
    sentiment_model TEXT, 
    story_id UUID, 
    content_hash TEXT NOT NULL, 
    origin TEXT COLLATE "C" NOT NULL, 
    origin_rank SMALLINT NOT NULL, 
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    run_id UUID, 
    PRIMARY KEY (id), 
    CONSTRAINT articles_canonical_url_key UNIQUE (canonical_url)
);

CREATE INDEX articles_published_at_idx ON articles (published_at);

CREATE INDEX articles_source_id_first_seen_at_idx ON articles (source_id, first_seen_at);

CREATE TABLE feeds (
    url TEXT COLLATE "C" NOT NULL, 
    source_id TEXT NOT NULL, 
    kind TEXT, 
    status INTEGER, 
    problem TEXT, 
    failures INTEGER DEFAULT 0 NOT NULL, 
    entries INTEGER, 
    etag TEXT, 
    last_modified TEXT, 
    content_hash TEXT, 
    interval INTEGER, 
    due_at TIMESTAMP WITH TIME ZONE, 
    not_before TIMESTAMP WITH TIME ZONE, 
    fetched_at TIMESTAMP WITH TIME ZONE, 
    succeeded_at TIMESTAMP WITH TIME ZONE, 
    full_at TIMESTAMP WITH TIME ZONE, 
    changed_at TIMESTAMP WITH TIME ZONE, 
    moved_to TEXT, 
    gone_at TIMESTAMP WITH TIME ZONE, 
    PRIMARY KEY (url)
);

CREATE TABLE rejects (
    id UUID NOT NULL, 
    run_id UUID, 
    source_id TEXT, 
    item_type TEXT NOT NULL, 
    url TEXT, 
    field TEXT, 
    reason TEXT NOT NULL, 
    payload JSONB, 
    times INTEGER DEFAULT 1 NOT NULL, 
    rejected_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    PRIMARY KEY (id)
);

CREATE INDEX rejects_last_seen_at_idx ON rejects (last_seen_at);

CREATE TABLE runs (
    id UUID NOT NULL, 
    spider TEXT NOT NULL, 
    job TEXT, 
    node TEXT NOT NULL, 
    pid INTEGER NOT NULL, 
    heartbeat_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    finished_at TIMESTAMP WITH TIME ZONE, 
    finish_reason TEXT, 
    exit_code INTEGER, 
    items INTEGER DEFAULT 0 NOT NULL, 
    rejected INTEGER DEFAULT 0 NOT NULL, 
    errors INTEGER DEFAULT 0 NOT NULL, 
    stats JSONB DEFAULT '{}' NOT NULL, 
    PRIMARY KEY (id)
);

CREATE INDEX runs_started_at_idx ON runs (started_at);

CREATE TABLE sightings (
    article_id UUID NOT NULL, 
    source_id TEXT NOT NULL, 
    origin TEXT COLLATE "C" NOT NULL, 
    content_hash TEXT NOT NULL, 
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    PRIMARY KEY (article_id, origin)
);

CREATE TABLE sources (
    id TEXT NOT NULL, 
    name TEXT NOT NULL, 
    country TEXT, 
    language TEXT, 
    homepage TEXT, 
    PRIMARY KEY (id)
);

INSERT INTO alembic_version (version_num) VALUES ('0001') RETURNING alembic_version.version_num;

-- Running upgrade 0001 -> 0002

CREATE TABLE fires (
    schedule TEXT NOT NULL, 
    nominal_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    fired_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    outcome TEXT NOT NULL, 
    reason TEXT, 
    job TEXT, 
    node TEXT, 
    PRIMARY KEY (schedule, nominal_at)
);

CREATE INDEX fires_fired_at_idx ON fires (fired_at);

CREATE TABLE jobs (
    project TEXT NOT NULL, 
    id TEXT NOT NULL, 
    spider TEXT NOT NULL, 
    version TEXT, 
    args JSONB DEFAULT '{}' NOT NULL, 
    settings JSONB DEFAULT '{}' NOT NULL, 
    priority REAL DEFAULT 0 NOT NULL, 
    asked_by TEXT NOT NULL, 
    schedule TEXT, 
    nominal_at TIMESTAMP WITH TIME ZONE, 
    retry_of TEXT, 
    retries INTEGER DEFAULT 0 NOT NULL, 
    backoff REAL DEFAULT 0 NOT NULL, 
    timeout REAL, 
    wanted_node TEXT, 
    waits_for JSONB, 
    not_before TIMESTAMP WITH TIME ZONE, 
    queued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    state TEXT DEFAULT 'pending' NOT NULL, 
    token UUID, 
    taken INTEGER DEFAULT 0 NOT NULL, 
    lease_until TIMESTAMP WITH TIME ZONE, 
    node TEXT, 
    machine TEXT, 
    pid INTEGER, 
    birth TEXT, 
    started_at TIMESTAMP WITH TIME ZONE, 
    asked_end TEXT, 
    stop_signal TEXT, 
    ended_at TIMESTAMP WITH TIME ZONE, 
    exit_code INTEGER, 
    signal INTEGER, 
    reason TEXT, 
    log_file TEXT, 
    items_file TEXT, 
    PRIMARY KEY (project, id), 
    UNIQUE (token)
);

CREATE INDEX jobs_ended_at_idx ON jobs (ended_at);

CREATE INDEX jobs_id_idx ON jobs (id);

CREATE INDEX jobs_pending_idx ON jobs (priority DESC, queued_at) WHERE state = 'pending';

CREATE INDEX jobs_queued_at_idx ON jobs (queued_at);

CREATE INDEX jobs_running_idx ON jobs (node) WHERE state = 'running';

CREATE INDEX jobs_schedule_idx ON jobs (schedule, nominal_at) WHERE schedule IS NOT NULL;

CREATE UNIQUE INDEX jobs_schedule_running_key ON jobs (schedule) WHERE state = 'running';

CREATE INDEX jobs_spider_queued_at_idx ON jobs (spider, queued_at);

CREATE INDEX jobs_state_queued_at_idx ON jobs (state, queued_at);

CREATE TABLE nodes (
    name TEXT NOT NULL, 
    machine TEXT NOT NULL, 
    pid INTEGER NOT NULL, 
    birth TEXT NOT NULL, 
    slots INTEGER NOT NULL, 
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    heartbeat_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    clock_offset REAL DEFAULT 0 NOT NULL, 
    PRIMARY KEY (name)
);

CREATE TABLE schedules (
    name TEXT NOT NULL, 
    times TEXT NOT NULL, 
    last_nominal_at TIMESTAMP WITH TIME ZONE, 
    paused BOOLEAN DEFAULT false NOT NULL, 
    PRIMARY KEY (name)
);

CREATE INDEX runs_job_idx ON runs (job);

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';

-- Running upgrade 0002 -> 0003

CREATE TABLE cursors (
    key TEXT COLLATE "C" NOT NULL, 
    spider TEXT NOT NULL, 
    arguments JSONB DEFAULT '{}' NOT NULL, 
    source TEXT NOT NULL, 
    value JSONB NOT NULL, 
    moved_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    run_id UUID, 
    PRIMARY KEY (key)
);

CREATE TABLE datasets (
    name TEXT NOT NULL, 
    title TEXT, 
    columns JSONB DEFAULT '{}' NOT NULL, 
    source_id TEXT NOT NULL, 
    url TEXT, 
    licence TEXT, 
    loaded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    PRIMARY KEY (name)
);

CREATE TABLE observation_revisions (
    id BIGINT GENERATED ALWAYS AS IDENTITY, 
    series_id UUID NOT NULL, 
    time TIMESTAMP WITH TIME ZONE NOT NULL, 
    revised_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    "old" DOUBLE PRECISION, 
    "new" DOUBLE PRECISION, 
    PRIMARY KEY (id)
);

CREATE INDEX observation_revisions_series_id_time_idx ON observation_revisions (series_id, time);

CREATE TABLE observations (
    series_id UUID NOT NULL, 
    time TIMESTAMP WITH TIME ZONE NOT NULL, 
    value DOUBLE PRECISION, 
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    revised_at TIMESTAMP WITH TIME ZONE, 
    run_id UUID, 
    PRIMARY KEY (series_id, time)
);

CREATE TABLE quotas (
    name TEXT NOT NULL, 
    next_at TIMESTAMP WITH TIME ZONE, 
    blocked_until TIMESTAMP WITH TIME ZONE, 
    reason TEXT, 
    remaining BIGINT, 
    resets_at TIMESTAMP WITH TIME ZONE, 
    PRIMARY KEY (name)
);

CREATE TABLE record_revisions (
    id BIGINT GENERATED ALWAYS AS IDENTITY, 
    record_id UUID NOT NULL, 
    revised_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    "old" JSONB NOT NULL, 
    "new" JSONB NOT NULL, 
    PRIMARY KEY (id)
);

CREATE INDEX record_revisions_record_id_idx ON record_revisions (record_id, revised_at);

CREATE TABLE records (
    id UUID NOT NULL, 
    dataset TEXT COLLATE "C" NOT NULL, 
    key TEXT COLLATE "C" NOT NULL, 
    data JSONB NOT NULL, 
    url TEXT, 
    source_id TEXT NOT NULL, 
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    revised_at TIMESTAMP WITH TIME ZONE, 
    run_id UUID, 
    PRIMARY KEY (id), 
    CONSTRAINT records_dataset_key_key UNIQUE (dataset, key)
);

CREATE TABLE series (
    id UUID NOT NULL, 
    source TEXT NOT NULL, 
    name TEXT NOT NULL, 
    unit TEXT, 
    frequency TEXT, 
    metadata JSONB DEFAULT '{}' NOT NULL, 
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
    PRIMARY KEY (id), 
    CONSTRAINT series_source_name_key UNIQUE (source, name)
);

CREATE TABLE spending (
    quota TEXT NOT NULL, 
    period TEXT NOT NULL, 
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    calls BIGINT DEFAULT 0 NOT NULL, 
    cost NUMERIC DEFAULT 0 NOT NULL, 
    told_limit BIGINT, 
    PRIMARY KEY (quota, period, starts_at)
);

ALTER TABLE articles ADD COLUMN field_origins JSONB DEFAULT '{}' NOT NULL;

ALTER TABLE sightings ADD COLUMN external_id TEXT COLLATE "C";

ALTER TABLE sightings ADD COLUMN data JSONB;

ALTER TABLE sightings ADD COLUMN removed_at TIMESTAMP WITH TIME ZONE;

CREATE INDEX sightings_external_id_idx ON sightings (source_id, external_id) WHERE external_id IS NOT NULL;

UPDATE alembic_version SET version_num='0003' WHERE alembic_version.version_num = '0002';

-- Running upgrade 0003 -> 0004

ALTER TABLE article_urls ADD COLUMN origin TEXT COLLATE "C";

ALTER TABLE article_urls ADD COLUMN last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL;

CREATE INDEX article_urls_article_id_idx ON article_urls (article_id);

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';

-- Running upgrade 0004 -> 0005

ALTER TABLE feeds ADD COLUMN fingerprint TEXT;

ALTER TABLE feeds ADD COLUMN gone_since TIMESTAMP WITH TIME ZONE;

ALTER TABLE feeds ADD COLUMN gone_times INTEGER DEFAULT 0 NOT NULL;

UPDATE feeds SET gone_since = gone_at, gone_times = 1, gone_at = NULL WHERE gone_at IS NOT NULL;

DELETE FROM feeds WHERE url ~ '^https?://[^/?#]*@';

UPDATE runs SET stats = regexp_replace(stats::text, '(https?://)[^/?#"[:space:]]*@', '\1***@', 'g')::jsonb WHERE stats::text ~ 'https?://[^/?#"[:space:]]*@';

UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';

-- Running upgrade 0005 -> 0006

CREATE INDEX articles_first_seen_at_idx ON articles (first_seen_at);

CREATE INDEX articles_field_origins_idx ON articles (first_seen_at) WHERE field_origins <> '{}';

ALTER TABLE jobs ADD COLUMN command TEXT[];

CREATE INDEX runs_open_idx ON runs (node) WHERE finished_at IS NULL;

UPDATE alembic_version SET version_num='0006' WHERE alembic_version.version_num = '0005';

-- Running upgrade 0006 -> 0007

ALTER TABLE feeds ADD COLUMN refused_runs INTEGER DEFAULT 0 NOT NULL;

ALTER TABLE cursors ADD COLUMN refused_runs INTEGER DEFAULT 0 NOT NULL;

UPDATE alembic_version SET version_num='0007' WHERE alembic_version.version_num = '0006';

