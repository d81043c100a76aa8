"""`scrapy db sql` on the embedded server: whatever the SQL tries, it reads newsbot's tables and does nothing else."""

import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from scrapy.cmdline import execute
from scrapy.settings import Settings

from newsbot.storage import embedded
from newsbot.storage.database import Database
from newsbot.storage.upgrade import upgrade

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def own_home():
    """A home whose database has newsbot's tables, and some that are not newsbot's, from before there was the role."""
    home = Path(tempfile.mkdtemp(prefix="newsbot-test-")).resolve()
    home.chmod(0o755)
    with closing(Database("", home).connect()) as connection:
        upgrade(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO sources (id, name) VALUES ('site', 'The Site')")
            cursor.execute("CREATE SCHEMA other; CREATE TABLE other.secrets AS SELECT 'hush' AS word")
            cursor.execute("SELECT lo_from_bytea(4711, 'hush'::bytea)")
    yield home
    embedded.stop(home)
    shutil.rmtree(home)


@pytest.fixture
def owner(own_home):
    """Run SQL as the owner, who may do everything."""
    with closing(Database("", own_home).connect()) as connection:

        def run(statement):
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None

        yield run


@pytest.fixture
def sql(own_home, capsys, monkeypatch):
    """Run `scrapy db sql` in that home; returns the exit code and the output."""
    monkeypatch.chdir(ROOT)

    def run(statement, *options, **own):
        settings = Settings()
        settings.setmodule("newsbot.settings", priority="project")
        settings.setdict({"DATABASE_URL": "", "NEWSBOT_HOME": str(own_home)} | own, priority="cmdline")
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            execute(["scrapy", "db", "sql", "--csv", *options, statement], settings)
        printed = capsys.readouterr()
        return SimpleNamespace(code=end.value.code, out=printed.out, error=printed.err)

    return run


STATE = """
SELECT (SELECT array_agg(row(s.*)::text) FROM sources s), (SELECT count(*) FROM pg_replication_slots),
    (SELECT array_agg(relname ORDER BY relname) FROM pg_class WHERE relkind IN ('r', 'S') AND relpersistence = 'p'),
    (SELECT array_agg(oid) FROM pg_largeobject_metadata), (SELECT array_agg(row(r.*)::text) FROM pg_authid r),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), (SELECT last_value FROM article_revisions_id_seq),
    (SELECT count(*) FROM pg_db_role_setting)
"""


@pytest.mark.parametrize(
    "statement",
    [
        # files and programs of the machine
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_read_binary_file('PG_VERSION')",
        "SELECT * FROM pg_ls_dir('/')",
        "SELECT * FROM pg_stat_file('/etc/passwd')",
        "SELECT * FROM pg_ls_logdir()",
        "SELECT * FROM pg_ls_waldir()",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_export(4711, '/tmp/hush')",
        "SELECT * FROM pg_hba_file_rules",
        "SELECT * FROM pg_file_settings",
        "COPY sources TO PROGRAM 'id'",
        "SELECT 1; COPY sources TO PROGRAM 'id'",
        "SELECT query_to_xml('COPY sources TO PROGRAM ''id''', true, true, '')",
        # to be another role
        "SELECT set_config('role', 'none', true), pg_read_file('/etc/passwd')",
        "SELECT set_config('role', 'postgres', true)",
        "SELECT set_config('session_authorization', 'postgres', true)",
        "SELECT set_config('is_superuser', 'on', true)",
        "RESET ROLE",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER ROLE newsbot_reader SUPERUSER",
        # objects of others
        "SELECT * FROM pg_authid",
        "SELECT passwd FROM pg_shadow",
        "SELECT * FROM pg_statistic",
        "SELECT * FROM pg_largeobject",
        "SELECT lo_get(4711)",
        "SELECT * FROM other.secrets",
        "SELECT table_to_xml('other.secrets', true, true, '')",
        # to write
        "DELETE FROM sources",
        "WITH gone AS (DELETE FROM sources RETURNING id) SELECT * FROM gone",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT query_to_xml('DELETE FROM sources RETURNING id', true, true, '')",
        "SELECT * FROM sources FOR UPDATE",
        "SELECT nextval('article_revisions_id_seq')",
        "SELECT setval('article_revisions_id_seq', 99)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_unlink(4711)",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "SELECT 1 INTO TEMP mine",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DO $$ BEGIN DELETE FROM sources; END $$",
        # to keep or to disturb the server
        "SELECT pg_create_physical_replication_slot('kept', true)",
        "SELECT pg_create_logical_replication_slot('kept', 'pgoutput')",
        "SELECT pg_replication_origin_create('kept')",
        "SELECT pg_logical_emit_message(false, 'kept', repeat('x', 1000))",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_advisory_lock_shared(1, 2)",
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT pg_try_advisory_lock(1)",
        "SELECT pg_notify('anyone', 'x')",
        "LISTEN anyone",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "SELECT pg_reload_conf()",
        "SELECT pg_switch_wal()",
        "SELECT pg_backup_start('kept')",
        "SELECT pg_stat_reset()",
        "SELECT set_config('log_statement', 'all', false)",
        "SELECT set_config('session_preload_libraries', 'auto_explain', false)",
        "ALTER SYSTEM SET archive_command = 'id'",
        "CREATE EXTENSION vector",
        "LOAD 'auto_explain'",
    ],
)
def test_an_attack_is_refused_and_changes_nothing(sql, owner, statement):
    assert sql("SELECT 1").code == 0
    before = owner(STATE)
    done = sql(statement)
    assert (done.code, done.out) == (1, ""), done
    assert done.error.startswith("scrapy db: ")
    assert owner(STATE) == before


def test_it_reads_the_tables_of_newsbot_as_a_role_of_its_own(sql):
    assert sql("SELECT current_user, session_user, name FROM sources").out == (
        "current_user,session_user,name\nnewsbot_reader,newsbot_reader,The Site\n"
    )
    assert sql("SELECT rolsuper, rolreplication FROM pg_roles WHERE rolname = current_user").out.endswith(
        "False,False\n"
    )
    assert sql("SELECT count(*) FROM articles JOIN sightings ON id = article_id LEFT JOIN jobs ON false").code == 0


def test_tables_that_come_later_are_read_too(sql, owner):
    assert sql("SELECT 1").code == 0
    owner("CREATE TABLE later AS SELECT 7 AS seven")
    try:
        assert sql("SELECT * FROM later").out == "seven\n7\n"
    finally:
        owner("DROP TABLE later")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER ROLE newsbot_reader SUPERUSER",
        "ALTER ROLE newsbot_reader NOLOGIN",
        "REVOKE SELECT ON sources FROM newsbot_reader",
        "GRANT TEMPORARY ON DATABASE postgres TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC",
        "DROP OWNED BY newsbot_reader; DROP ROLE newsbot_reader",
    ],
)
def test_the_role_is_made_anew_as_it_should_be(sql, owner, change):
    assert sql("SELECT 1").code == 0
    owner(change)
    assert sql("SELECT name FROM sources").out == "name\nThe Site\n"
    assert sql("SELECT pg_advisory_lock(1)").code == 1
    assert sql("SELECT pg_read_file('PG_VERSION')").code == 1


def test_a_new_home_is_read_before_it_has_tables_and_after(sql, home):
    assert sql("SELECT current_user", NEWSBOT_HOME=str(home)).out == "current_user\nnewsbot_reader\n"
    with closing(Database("", home).connect()) as connection:
        upgrade(connection)
    assert sql("SELECT count(*) FROM articles", NEWSBOT_HOME=str(home)).out == "count\n0\n"


def test_a_statement_cannot_lift_its_own_timeout(sql):
    done = sql(
        "SELECT CASE n WHEN 1 THEN set_config('statement_timeout', '0', false) WHEN 1001 THEN pg_sleep(20)::text END"
        " FROM generate_series(1, 1001) n",
        *("--timeout", "1"),
    )
    assert done.code == 1
    assert "statement timeout" in done.error


def test_a_server_of_ones_own_is_asked_as_the_url_says(sql, database_url, query):
    """No role is made; writes are refused all the same."""
    assert sql("SELECT current_user", DATABASE_URL=database_url).out == "current_user\npostgres\n"
    assert sql("CREATE TABLE mine ()", DATABASE_URL=database_url).code == 1
    assert sql("SELECT lo_create(0)", DATABASE_URL=database_url).code == 1
    assert query("SELECT count(*) FROM pg_default_acl") == [(0,)]
