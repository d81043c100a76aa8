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

-- Running upgrade 0007 -> 0008

COMMENT ON TABLE article_revisions IS 'An edit of one field of an article';

COMMENT ON COLUMN article_revisions.id IS 'Number of the revision';

COMMENT ON COLUMN article_revisions.article_id IS 'The article (articles.id)';

COMMENT ON COLUMN article_revisions.revised_at IS 'Time when the edit was stored';

COMMENT ON COLUMN article_revisions.field IS 'Column of articles that changed';

COMMENT ON COLUMN article_revisions."old" IS 'Value before';

COMMENT ON COLUMN article_revisions."new" IS 'Value after';

COMMENT ON TABLE article_urls IS 'A URL that leads to an article';

COMMENT ON COLUMN article_urls.url IS 'The URL';

COMMENT ON COLUMN article_urls.article_id IS 'The article (articles.id)';

COMMENT ON COLUMN article_urls.origin IS 'First origin that brought the URL; NULL in rows older than this column';

COMMENT ON COLUMN article_urls.last_seen_at IS 'Time when the URL was last met; updated at most once a day';

COMMENT ON TABLE articles IS 'An article, or a headline whose text is not fetched yet';

COMMENT ON COLUMN articles.id IS 'UUIDv5 of the canonical URL at first sight; never changes';

COMMENT ON COLUMN articles.url IS 'URL as it was met';

COMMENT ON COLUMN articles.canonical_url IS 'URL without tracking parameters, or what the page calls canonical; one article for each';

COMMENT ON COLUMN articles.source_id IS 'Source that the article belongs to (sources.id), or the name of the API or spider';

COMMENT ON COLUMN articles.title IS 'Title, plain text';

COMMENT ON COLUMN articles.authors IS 'Names of the authors';

COMMENT ON COLUMN articles.published_at IS 'Publication time, as the source says';

COMMENT ON COLUMN articles.summary IS 'Summary, plain text';

COMMENT ON COLUMN articles.text IS 'Full text, plain; NULL until it is fetched';

COMMENT ON COLUMN articles.language IS 'ISO 639 code of the language';

COMMENT ON COLUMN articles.section IS 'Section, as the site calls it';

COMMENT ON COLUMN articles.keywords IS 'Keywords, as the site gives them';

COMMENT ON COLUMN articles.image_url IS 'URL of the main image';

COMMENT ON COLUMN articles.sentiment IS 'Sentiment of the title, from -1 (negative) to 1 (positive)';

COMMENT ON COLUMN articles.sentiment_model IS 'Model that found the sentiment';

COMMENT ON COLUMN articles.story_id IS 'Story that groups articles on the same event; not filled yet';

COMMENT ON COLUMN articles.content_hash IS 'Hash of the content that the owning origin sent last';

COMMENT ON COLUMN articles.origin IS 'Feed, page or API that owns the article: its edits are stored; others fill only what is missing';

COMMENT ON COLUMN articles.origin_rank IS 'Rank of that origin; a higher rank takes ownership';

COMMENT ON COLUMN articles.first_seen_at IS 'Time when the article was first stored';

COMMENT ON COLUMN articles.last_seen_at IS 'Time when it was last met; updated at most once a day';

COMMENT ON COLUMN articles.run_id IS 'Run that first stored the article (runs.id)';

COMMENT ON COLUMN articles.field_origins IS 'JSON object: field to the origin that gave it, for fields that the owner does not give';

COMMENT ON TABLE cursors IS 'How far an API was read with some arguments; the next run continues there';

COMMENT ON COLUMN cursors.key IS 'Spider, arguments and source in one';

COMMENT ON COLUMN cursors.spider IS 'Name of the spider or API';

COMMENT ON COLUMN cursors.arguments IS 'JSON object: the arguments that select what is asked for';

COMMENT ON COLUMN cursors.source IS 'Endpoint, or one of several things asked of it';

COMMENT ON COLUMN cursors.value IS 'JSON: where the next run continues';

COMMENT ON COLUMN cursors.moved_at IS 'Time when the cursor last moved';

COMMENT ON COLUMN cursors.run_id IS 'Run that moved it (runs.id)';

COMMENT ON COLUMN cursors.refused_runs IS 'Runs in a row in which everything in the answer was refused';

COMMENT ON TABLE datasets IS 'A dataset: where it is from and which columns its records have';

COMMENT ON COLUMN datasets.name IS 'Name of the dataset';

COMMENT ON COLUMN datasets.title IS 'Title for readers';

COMMENT ON COLUMN datasets.columns IS 'JSON object: column name to type, unit and description';

COMMENT ON COLUMN datasets.source_id IS 'Source of the dataset';

COMMENT ON COLUMN datasets.url IS 'URL of the file or API';

COMMENT ON COLUMN datasets.licence IS 'Licence of the data';

COMMENT ON COLUMN datasets.loaded_at IS 'Time when it was last loaded';

COMMENT ON TABLE feeds IS 'What is known of a feed, a news sitemap or a section page';

COMMENT ON COLUMN feeds.url IS 'URL in the catalogue';

COMMENT ON COLUMN feeds.source_id IS 'Source that the feed belongs to (sources.id)';

COMMENT ON COLUMN feeds.kind IS 'Format of the last answer: rss, atom, news_sitemap, section, ...';

COMMENT ON COLUMN feeds.status IS 'HTTP status of the last answer; NULL when there was none';

COMMENT ON COLUMN feeds.problem IS 'What is wrong, in words; NULL when nothing is';

COMMENT ON COLUMN feeds.failures IS 'Failures in a row';

COMMENT ON COLUMN feeds.entries IS 'Entries in the last good answer, without refused ones';

COMMENT ON COLUMN feeds.etag IS 'ETag of the last good answer';

COMMENT ON COLUMN feeds.last_modified IS 'Last-Modified of the last good answer';

COMMENT ON COLUMN feeds.content_hash IS 'Hash of the entries when all of them are stored; the same hash again needs no work';

COMMENT ON COLUMN feeds.fingerprint IS 'Fingerprint of how the entries were read; a different one makes the same answer be read again';

COMMENT ON COLUMN feeds.interval IS 'Seconds until the feed is due again';

COMMENT ON COLUMN feeds.due_at IS 'Time when it is due';

COMMENT ON COLUMN feeds.not_before IS 'Time before which it must not be asked (Retry-After)';

COMMENT ON COLUMN feeds.fetched_at IS 'Time of the last answer of any kind';

COMMENT ON COLUMN feeds.succeeded_at IS 'Time of the last good answer';

COMMENT ON COLUMN feeds.full_at IS 'Time of the last request without ETag and Last-Modified';

COMMENT ON COLUMN feeds.changed_at IS 'Time when its entries last changed';

COMMENT ON COLUMN feeds.moved_to IS 'Target of a permanent redirect; the feed is asked there';

COMMENT ON COLUMN feeds.gone_since IS 'Time of the first answer 410 in a row';

COMMENT ON COLUMN feeds.gone_times IS 'Answers 410 since then without a success';

COMMENT ON COLUMN feeds.gone_at IS 'Time when the feed was taken for gone: 3 such answers over 2 days';

COMMENT ON COLUMN feeds.refused_runs IS 'Runs in a row in which everything in the answer was refused';

COMMENT ON TABLE fires IS 'A time at which an entry was due, and the outcome';

COMMENT ON COLUMN fires.schedule IS 'The entry (schedules.name)';

COMMENT ON COLUMN fires.nominal_at IS 'Time at which it was due';

COMMENT ON COLUMN fires.fired_at IS 'Time at which it was fired';

COMMENT ON COLUMN fires.outcome IS 'queued, skipped or missed';

COMMENT ON COLUMN fires.reason IS 'Why, in words';

COMMENT ON COLUMN fires.job IS 'Job that was queued (jobs.id)';

COMMENT ON COLUMN fires.node IS 'Node that fired it (nodes.name)';

COMMENT ON TABLE jobs IS 'A job of Scrapyd; the pending ones are the queue';

COMMENT ON COLUMN jobs.project IS 'Scrapyd project';

COMMENT ON COLUMN jobs.id IS 'Identifier of the job within its project';

COMMENT ON COLUMN jobs.spider IS 'Name of the spider, or the words of the command';

COMMENT ON COLUMN jobs.command IS 'Words after scrapy, for a job that runs a command and not a spider';

COMMENT ON COLUMN jobs.version IS 'Version of the project; NULL: the newest when the job starts';

COMMENT ON COLUMN jobs.args IS 'JSON object: arguments of the spider';

COMMENT ON COLUMN jobs.settings IS 'JSON object: Scrapy settings of the job';

COMMENT ON COLUMN jobs.priority IS 'Priority; a higher one starts first';

COMMENT ON COLUMN jobs.asked_by IS 'Who asked for the job';

COMMENT ON COLUMN jobs.schedule IS 'Entry of the schedule that the job belongs to (schedules.name)';

COMMENT ON COLUMN jobs.nominal_at IS 'Time at which that entry was due';

COMMENT ON COLUMN jobs.retry_of IS 'Job that this one repeats (jobs.id)';

COMMENT ON COLUMN jobs.retries IS 'Retries that are left';

COMMENT ON COLUMN jobs.backoff IS 'Seconds before the next retry';

COMMENT ON COLUMN jobs.timeout IS 'Seconds after which the job is ended';

COMMENT ON COLUMN jobs.wanted_node IS 'Only node that may run it; NULL: any';

COMMENT ON COLUMN jobs.waits_for IS 'JSON object: entry to the nominal time from which it must have succeeded before this job starts';

COMMENT ON COLUMN jobs.not_before IS 'Time before which the job must not start';

COMMENT ON COLUMN jobs.queued_at IS 'Time when the job was queued';

COMMENT ON COLUMN jobs.state IS 'pending, running, finished, failed, killed, out of memory, timed out, cancelled or lost';

COMMENT ON COLUMN jobs.token IS 'Token of the node that has the job; each claim makes a new one, and an old one lets nobody write';

COMMENT ON COLUMN jobs.taken IS 'How many times a node claimed the job';

COMMENT ON COLUMN jobs.lease_until IS 'Time until which the claim holds without renewal';

COMMENT ON COLUMN jobs.node IS 'Node that has or had the job (nodes.name)';

COMMENT ON COLUMN jobs.machine IS 'Machine of that node';

COMMENT ON COLUMN jobs.pid IS 'Process number';

COMMENT ON COLUMN jobs.birth IS 'Start of that process, since process numbers are reused';

COMMENT ON COLUMN jobs.started_at IS 'Time of the start';

COMMENT ON COLUMN jobs.asked_end IS 'State that the job was asked to end with';

COMMENT ON COLUMN jobs.stop_signal IS 'Signal that is still to be sent';

COMMENT ON COLUMN jobs.ended_at IS 'Time of the end';

COMMENT ON COLUMN jobs.exit_code IS 'Exit code of the process';

COMMENT ON COLUMN jobs.signal IS 'Number of the signal that ended the process';

COMMENT ON COLUMN jobs.reason IS 'Why it ended so, in words';

COMMENT ON COLUMN jobs.log_file IS 'Path of the log';

COMMENT ON COLUMN jobs.items_file IS 'Path of the items file';

COMMENT ON TABLE nodes IS 'A Scrapyd that uses this database';

COMMENT ON COLUMN nodes.name IS 'Name of the node';

COMMENT ON COLUMN nodes.machine IS 'Machine that it runs on';

COMMENT ON COLUMN nodes.pid IS 'Process number';

COMMENT ON COLUMN nodes.birth IS 'Start of that process, since process numbers are reused';

COMMENT ON COLUMN nodes.slots IS 'Jobs that it runs at a time';

COMMENT ON COLUMN nodes.started_at IS 'Time of the start';

COMMENT ON COLUMN nodes.heartbeat_at IS 'Time of the last sign of life';

COMMENT ON COLUMN nodes.clock_offset IS 'Seconds that its clock is ahead of the database''s';

COMMENT ON TABLE observation_revisions IS 'A change of an observation';

COMMENT ON COLUMN observation_revisions.id IS 'Number of the revision';

COMMENT ON COLUMN observation_revisions.series_id IS 'The series (series.id)';

COMMENT ON COLUMN observation_revisions.time IS 'Time that the value is for';

COMMENT ON COLUMN observation_revisions.revised_at IS 'Time when the change was stored';

COMMENT ON COLUMN observation_revisions."old" IS 'Value before';

COMMENT ON COLUMN observation_revisions."new" IS 'Value after';

COMMENT ON TABLE observations IS 'The value of a series at a time';

COMMENT ON COLUMN observations.series_id IS 'The series (series.id)';

COMMENT ON COLUMN observations.time IS 'Time that the value is for';

COMMENT ON COLUMN observations.value IS 'The value; NULL when the source has none';

COMMENT ON COLUMN observations.first_seen_at IS 'Time when the value was first stored';

COMMENT ON COLUMN observations.revised_at IS 'Time when it last changed; NULL when it never did';

COMMENT ON COLUMN observations.run_id IS 'Run that stored the row''s present content (runs.id)';

COMMENT ON TABLE quotas IS 'The state of one quota: an API and a key';

COMMENT ON COLUMN quotas.name IS 'Name of the quota';

COMMENT ON COLUMN quotas.next_at IS 'Time from which the next call may go out';

COMMENT ON COLUMN quotas.blocked_until IS 'Time until which the service refuses calls';

COMMENT ON COLUMN quotas.reason IS 'Reason that the service gave';

COMMENT ON COLUMN quotas.remaining IS 'Calls left in the longest limit: what the service reported, less the calls since';

COMMENT ON COLUMN quotas.resets_at IS 'Time until which that number holds; NULL: until the service reports again';

COMMENT ON TABLE record_revisions IS 'A change of a record';

COMMENT ON COLUMN record_revisions.id IS 'Number of the revision';

COMMENT ON COLUMN record_revisions.record_id IS 'The record (records.id)';

COMMENT ON COLUMN record_revisions.revised_at IS 'Time when the change was stored';

COMMENT ON COLUMN record_revisions."old" IS 'JSON object: the changed values before';

COMMENT ON COLUMN record_revisions."new" IS 'JSON object: the changed values after';

COMMENT ON TABLE records IS 'A row of a dataset';

COMMENT ON COLUMN records.id IS 'UUIDv5 of dataset and key';

COMMENT ON COLUMN records.dataset IS 'The dataset (datasets.name)';

COMMENT ON COLUMN records.key IS 'Key of the record within its dataset';

COMMENT ON COLUMN records.data IS 'JSON object: the values by column name';

COMMENT ON COLUMN records.url IS 'URL of the record, if it has one';

COMMENT ON COLUMN records.source_id IS 'Source that the record comes from';

COMMENT ON COLUMN records.first_seen_at IS 'Time when the record was first stored';

COMMENT ON COLUMN records.revised_at IS 'Time when it last changed; NULL when it never did';

COMMENT ON COLUMN records.run_id IS 'Run that stored the row''s present content (runs.id)';

COMMENT ON TABLE rejects IS 'Something that was refused, and why; the same again counts up';

COMMENT ON COLUMN rejects.id IS 'UUIDv5 of what was refused and why';

COMMENT ON COLUMN rejects.run_id IS 'Run that last refused it (runs.id)';

COMMENT ON COLUMN rejects.source_id IS 'Source that it came from';

COMMENT ON COLUMN rejects.item_type IS 'Type of the refused item';

COMMENT ON COLUMN rejects.url IS 'URL of the item or of the answer';

COMMENT ON COLUMN rejects.field IS 'Field that is wrong; NULL when the whole item is';

COMMENT ON COLUMN rejects.reason IS 'Why it was refused, in words';

COMMENT ON COLUMN rejects.payload IS 'JSON: what was refused';

COMMENT ON COLUMN rejects.times IS 'How many times it was refused';

COMMENT ON COLUMN rejects.rejected_at IS 'Time when it was first refused';

COMMENT ON COLUMN rejects.last_seen_at IS 'Time when it was last refused';

COMMENT ON TABLE runs IS 'A run of a spider';

COMMENT ON COLUMN runs.id IS 'Identifier of the run';

COMMENT ON COLUMN runs.spider IS 'Name of the spider';

COMMENT ON COLUMN runs.job IS 'Job that the run belongs to (jobs.id); NULL outside of Scrapyd';

COMMENT ON COLUMN runs.node IS 'Machine that ran it';

COMMENT ON COLUMN runs.pid IS 'Process number';

COMMENT ON COLUMN runs.heartbeat_at IS 'Time of the last sign of life';

COMMENT ON COLUMN runs.started_at IS 'Time of the start';

COMMENT ON COLUMN runs.finished_at IS 'Time of the end; NULL while it runs';

COMMENT ON COLUMN runs.finish_reason IS 'Why it ended: finished, killed, shutdown, ...';

COMMENT ON COLUMN runs.exit_code IS 'Exit code of the process; 0 is a success';

COMMENT ON COLUMN runs.items IS 'Items stored: new, changed and unchanged';

COMMENT ON COLUMN runs.rejected IS 'Items refused';

COMMENT ON COLUMN runs.errors IS 'Errors in the log';

COMMENT ON COLUMN runs.stats IS 'JSON object: Scrapy''s stats, by name';

COMMENT ON TABLE schedules IS 'The state of an entry of the schedule';

COMMENT ON COLUMN schedules.name IS 'Name of the entry';

COMMENT ON COLUMN schedules.times IS 'What its fire times follow from; after a change no time counts as missed';

COMMENT ON COLUMN schedules.last_nominal_at IS 'Due time up to which all is fired or reported as skipped';

COMMENT ON COLUMN schedules.paused IS 'Whether the entry is paused';

COMMENT ON TABLE series IS 'A numeric series';

COMMENT ON COLUMN series.id IS 'UUIDv5 of source and name';

COMMENT ON COLUMN series.source IS 'API or spider that the series comes from';

COMMENT ON COLUMN series.name IS 'Name of the series within its source';

COMMENT ON COLUMN series.unit IS 'Unit of the values';

COMMENT ON COLUMN series.frequency IS 'Frequency, as the source says: daily, hourly, ...';

COMMENT ON COLUMN series.metadata IS 'JSON object: what else the source says of the series';

COMMENT ON COLUMN series.first_seen_at IS 'Time when the series was first stored';

COMMENT ON TABLE sightings IS 'An article as one origin has it';

COMMENT ON COLUMN sightings.article_id IS 'The article (articles.id)';

COMMENT ON COLUMN sightings.source_id IS 'Source that the origin belongs to';

COMMENT ON COLUMN sightings.origin IS 'Feed, page or API that has the article';

COMMENT ON COLUMN sightings.content_hash IS 'Hash of the content that this origin sent last; an equal hash means unchanged';

COMMENT ON COLUMN sightings.first_seen_at IS 'Time when the origin first had the article';

COMMENT ON COLUMN sightings.last_seen_at IS 'Time when the origin last had it';

COMMENT ON COLUMN sightings.external_id IS 'Identifier that the origin gives the article';

COMMENT ON COLUMN sightings.data IS 'JSON object: what the origin says beyond the columns of articles';

COMMENT ON COLUMN sightings.removed_at IS 'Time when the origin withdrew the article; NULL while it stands';

COMMENT ON TABLE sources IS 'A source of the catalogue';

COMMENT ON COLUMN sources.id IS 'Short name of the source, as in the catalogue';

COMMENT ON COLUMN sources.name IS 'Name for readers';

COMMENT ON COLUMN sources.country IS 'ISO 3166 code of the country, two letters';

COMMENT ON COLUMN sources.language IS 'ISO 639 code of the main language';

COMMENT ON COLUMN sources.homepage IS 'URL of the home page';

COMMENT ON TABLE spending IS 'The calls of a quota in one period, and their cost';

COMMENT ON COLUMN spending.quota IS 'The quota (quotas.name)';

COMMENT ON COLUMN spending.period IS 'Kind of period: hour, day, month, ...';

COMMENT ON COLUMN spending.starts_at IS 'Start of the period';

COMMENT ON COLUMN spending.calls IS 'Calls made';

COMMENT ON COLUMN spending.cost IS 'Cost of the calls, in the currency of the API''s declaration';

COMMENT ON COLUMN spending.told_limit IS 'Limit of the period that the service reported; overrides the declaration';

UPDATE alembic_version SET version_num='0008' WHERE alembic_version.version_num = '0007';

