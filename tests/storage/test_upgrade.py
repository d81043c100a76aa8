import multiprocessing
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from newsbot.storage.database import Database
from newsbot.storage.errors import UnsuitableError
from newsbot.storage.tables import metadata
from newsbot.storage.upgrade import HEAD, UnknownRevisionError, current, migrate, print_schema, upgrade


def test_head_is_the_newest_revision():
    versions = resources.files("newsbot.storage") / "migrations" / "versions"
    names = sorted(file.name for file in versions.iterdir() if file.name.endswith(".py"))
    assert names[-1].partition("_")[0] == HEAD


def test_the_schema_is_what_the_migrations_print(capsys):
    print_schema()
    stored = resources.files("newsbot.storage") / "schema.sql"
    assert stored.read_text("utf-8") == capsys.readouterr().out, "python -m newsbot.storage.upgrade > .../schema.sql"


@pytest.mark.parametrize("make", [upgrade, migrate])
def test_the_schema_and_the_migrations_make_the_tables(database, make):
    """Alembic finds no difference between tables.py and the database."""
    with closing(database.connect()) as connection:
        assert current(connection) is None
        make(connection)
        assert current(connection) == HEAD
        assert not upgrade(connection)
        engine = create_engine("postgresql+psycopg2://", creator=lambda: connection, poolclass=StaticPool)
        options = {"compare_type": True, "compare_server_default": True}
        with engine.connect() as shared:
            assert compare_metadata(MigrationContext.configure(shared, opts=options), metadata) == []


@pytest.mark.parametrize("make", [upgrade, migrate])
def test_the_database_says_what_its_tables_and_columns_mean(database, query, make):
    with closing(database.connect()) as connection:
        make(connection)
    found = query("""
        SELECT relname, attname, col_description(t.oid, attnum) FROM pg_class AS t JOIN pg_attribute ON attrelid = t.oid
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND relname <> 'alembic_version'
        UNION ALL SELECT relname, NULL, obj_description(oid, 'pg_class') FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    """)
    told = [(table.name, column.name, column.comment) for table in metadata.tables.values() for column in table.columns]
    told += [(table.name, None, table.comment) for table in metadata.tables.values()]
    assert all(comment for *_, comment in told)
    assert set(found) == set(told)


def test_keys_sort_by_bytes(tables, query):
    found = query("""
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND collation_name = 'C' ORDER BY 1, 2
    """)
    assert set(found) == {
        ("article_urls", "origin"),
        ("article_urls", "url"),
        ("articles", "canonical_url"),
        ("articles", "origin"),
        ("articles", "url"),
        ("cursors", "key"),
        ("feeds", "url"),
        ("records", "dataset"),
        ("records", "key"),
        ("sightings", "external_id"),
        ("sightings", "origin"),
    }


def _upgrade(database_url, barrier, results):
    with closing(Database(database_url, None).connect()) as connection:
        barrier.wait()
        results.put(upgrade(connection))


def test_of_processes_that_start_together_all_succeed(database_url, query):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_upgrade, args=(database_url, barrier, results)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert query("SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_a_database_of_a_newer_version_is_good_as_it_is(database, tables, query):
    query("UPDATE alembic_version SET version_num = '9999'")
    with closing(database.connect()) as connection:
        assert not upgrade(connection)
    assert query("SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_foreign_revision_is_reported(database, tables, query):
    query("UPDATE alembic_version SET version_num = '4f2a91c'")
    with closing(database.connect()) as connection, pytest.raises(UnknownRevisionError, match="install the newer"):
        upgrade(connection)
    assert query("SELECT version_num FROM alembic_version") == [("4f2a91c",)]


def test_rows_of_the_first_version_stay(database, query):
    """Each migration, on a database that is in use."""
    with closing(database.connect()) as connection:
        migrate(connection, "0001")
        query("INSERT INTO sources (id, name) VALUES ('bbc', 'BBC')")
        assert upgrade(connection)
        assert current(connection) == HEAD
    assert query("SELECT id FROM sources") == [("bbc",)]


def test_a_table_of_revisions_that_says_nothing_is_reported(database, tables, query):
    query("DELETE FROM alembic_version")
    with closing(database.connect()) as connection, pytest.raises(UnsuitableError, match="cannot upgrade its tables"):
        upgrade(connection)


def test_a_migration_that_fails_leaves_nothing(database, query):
    query("CREATE TABLE sources (made_by_another int)")
    with closing(database.connect()) as connection, pytest.raises(Exception, match="sources"):
        upgrade(connection)
    with closing(database.connect()) as connection:
        assert current(connection) is None
    assert query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("sources",)]


@pytest.fixture
def plain(database):
    """A role that may connect and no more; returns the URL with it."""
    with closing(database.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE plain LOGIN")
            yield database.url.replace("postgres@", "plain@")
            cursor.execute("DROP OWNED BY plain")
            cursor.execute("DROP ROLE plain")


def test_a_user_without_the_right_to_make_tables_is_reported(plain):
    told = pytest.raises(UnsuitableError, match="as plain: permission denied for schema public; ")
    with closing(Database(plain, Path()).connect()) as connection, told:
        upgrade(connection)


def test_tables_of_another_program_are_reported(database, query):
    query("CREATE TABLE articles (id int)")
    told = pytest.raises(UnsuitableError, match='relation "articles" already exists; ')
    with closing(database.connect()) as connection, told:
        upgrade(connection)
    assert query("SELECT count(*) FROM articles") == [(0,)]


def test_a_user_who_may_only_read_is_reported(tables, query, plain, store):
    query("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain")
    with pytest.raises(UnsuitableError, match="lets newsbot read only: permission denied for table "):
        store(DATABASE_URL=plain)
