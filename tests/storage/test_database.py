import io
import shutil
import socket
import ssl
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extensions import TransactionRollbackError
from scrapy.settings import Settings

from newsbot.storage import embedded
from newsbot.storage.database import (
    AuthenticationError,
    Database,
    DatabaseError,
    MissingDatabaseError,
    TLSError,
    UnreachableError,
    UnsuitableError,
    URLError,
    is_lost,
    parse,
)

DEBIAN = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "p@ss/w:rd?&é"


def execute(connection, sql, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall() if cursor.description else None


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgres://u:p@h/d", {"user": "u", "password": "p", "host": "h", "dbname": "d"}),
        ("postgresql://u@h:6543/d", {"user": "u", "host": "h", "port": "6543", "dbname": "d"}),
        ("POSTGRESQL+psycopg2://h/d", {"host": "h", "dbname": "d"}),
        ("postgresql+psycopg://h/d", {"host": "h", "dbname": "d"}),
        ("postgresql+asyncpg://h/d?ssl=require", {"host": "h", "dbname": "d", "sslmode": "require"}),
        ("postgresql+asyncpg://h/d?ssl=true", {"host": "h", "dbname": "d", "sslmode": "require"}),
        ("postgres://h/d?pgbouncer=true&sslmode=require", {"host": "h", "dbname": "d", "sslmode": "require"}),
        ("postgres://u:a%40b%2Fc%25@h/d", {"user": "u", "password": "a@b/c%", "host": "h", "dbname": "d"}),
        ("postgres://[::1]:5433/d", {"host": "::1", "port": "5433", "dbname": "d"}),
        ("postgres:///d?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "d"}),
        ("postgres:///d", {"dbname": "d"}),
        (
            "postgres://a:1,b:2/d",
            {"host": "a,b", "port": "1,2", "dbname": "d", "target_session_attrs": "read-write"},
        ),
        (
            "postgres://a,b/d?target_session_attrs=any",
            {"host": "a,b", "port": ",", "dbname": "d", "target_session_attrs": "any"},
        ),
        ("host=h dbname=d password='a b'", {"host": "h", "dbname": "d", "password": "a b"}),
        ("postgres://h/d?sslrootcert=/ca.pem", {"host": "h", "dbname": "d", "sslrootcert": "/ca.pem"}),
    ],
)
def test_every_spelling_is_read_and_spelled_again(url, parameters):
    assert parse(url) == parameters
    assert parse(Database(url, Path()).url) == parameters


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@h/d",
        "sqlite:///secret.db",
        "secret",
        "postgresql://",
        "postgresql://u:secret@/d",
        "postgresql://u:secret@:5432/d",
        "postgresql://u:sec@ret@h/d",
        "postgresql://u:sec/ret@h/d",
        "postgresql://u:1/secret@h/d",
        "postgresql://u:%zzsecret@h/d",
        "postgresql://u:secret@h:port/d",
        "postgresql://u:secret@h/d?wrong=1",
        "host=h password=sec ret",
    ],
)
def test_an_invalid_address_is_refused_without_showing_a_password(url):
    with pytest.raises(URLError, match="DATABASE_URL") as caught:
        parse(url)
    message = str(caught.value)
    assert "\n" not in message
    assert "write postgresql://USER:PASSWORD@HOST" in message
    assert "sec" not in message
    assert "ret" not in message.replace("are", "")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_error_names_an_unknown_parameter():
    with pytest.raises(URLError, match='parameter: "wrong"'):
        parse("postgresql://h/d?wrong=1")


def test_the_safe_url_hides_passwords():
    database = Database("postgres://u:hush@h/d?sslpassword=hush2", Path())
    assert database.safe_url == "postgresql://u:***@h/d?sslpassword=***"
    assert "hush" not in repr(database)


def test_settings_choose_between_a_url_and_a_home(home):
    assert Database.from_settings(Settings({"DATABASE_URL": " postgres://h/d\n", "NEWSBOT_HOME": home})).home is None
    assert Database.from_settings(Settings({"DATABASE_URL": "", "NEWSBOT_HOME": home})).home == home
    assert Database.from_settings(Settings()).home == embedded.default_home()


def test_a_good_database_passes(database):
    database.check()
    with closing(database.connect()) as connection:
        assert execute(connection, "SHOW application_name") == [("newsbot",)]
        assert execute(connection, "SELECT 'ü漢'") == [("ü漢",)]


def test_options_win_over_the_url(database):
    with closing(database.connect(application_name="other")) as connection:
        assert execute(connection, "SHOW application_name") == [("other",)]


def test_a_transaction_pooler_serves(pooled_url):
    database = Database(pooled_url, Path())
    database.check()
    with closing(database.connect()) as one, closing(database.connect()) as other:
        execute(one, "CREATE TABLE things (id int)")
        one.commit()
        execute(other, "INSERT INTO things VALUES (%s)", 1)
        other.commit()
        assert execute(one, "SELECT id FROM things") == [(1,)]


def test_a_pooler_that_loses_its_server_is_lost(pooled_url, database):
    with closing(Database(pooled_url, Path()).connect()) as connection:
        execute(connection, "SELECT 1")
        with closing(database.connect()) as other:
            execute(
                other,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        with pytest.raises(psycopg2.Error) as caught:
            execute(connection, "SELECT 1")
    assert is_lost(caught.value)


def test_a_missing_database_is_reported(database_url):
    with pytest.raises(MissingDatabaseError, match='database "nowhere" does not exist') as caught:
        Database(database_url, Path()).connect(dbname="nowhere")
    assert not is_lost(caught.value)


def test_an_unknown_user_is_reported(database):
    with pytest.raises(AuthenticationError, match='role "nobody-here" does not exist'):
        database.connect(user="nobody-here")


def test_an_unreachable_server_is_reported_and_worth_waiting_for():
    with socket.socket() as bound:  # bound and not listening: refused
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(UnreachableError, match=rf"u:\*\*\*@127.0.0.1:{port}/d: .*Connection refused") as caught:
            Database(f"postgresql://u:hush@127.0.0.1:{port}/d", Path()).connect()
    assert is_lost(caught.value)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_read_only_database_is_reported(database):
    with closing(database.connect()) as connection:
        name = execute(connection, "SELECT current_database()")[0][0]
        execute(connection, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.commit()
    with pytest.raises(UnsuitableError, match="default_transaction_read_only is on"):
        database.check()
    with closing(database.connect()) as connection, pytest.raises(errors.ReadOnlySqlTransaction) as caught:
        execute(connection, "CREATE TABLE things ()")
    assert is_lost(caught.value)


def test_a_database_in_another_encoding_is_reported(database):
    with closing(database.connect()) as connection:
        connection.autocommit = True
        execute(connection, "CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE 'C'")
        try:
            with pytest.raises(UnsuitableError, match="is in LATIN1"):
                Database(database.url.replace(parse(database.url)["dbname"], "latin"), Path()).check()
        finally:
            execute(connection, "DROP DATABASE latin WITH (FORCE)")


def test_errors_of_the_data_are_no_loss(database):
    with closing(database.connect()) as connection:
        connection.autocommit = True
        execute(connection, "CREATE TABLE things (id int PRIMARY KEY)")
        for sql in ("SELECT 1/0", "INSERT INTO things VALUES (1), (1)", "SELECT 'x'::int", "SELEC", "SELECT nothing"):
            with pytest.raises(psycopg2.Error) as caught:
                execute(connection, sql)
            assert not is_lost(caught.value)
        cursor = connection.cursor()
        cursor.close()
        with pytest.raises(psycopg2.InterfaceError) as caught:
            cursor.execute("SELECT 1")
        assert not is_lost(caught.value)
    assert not is_lost(ValueError())


@pytest.mark.parametrize(
    "sql",
    ["SELECT pg_terminate_backend(pg_backend_pid())", "COPY (SELECT pg_terminate_backend(pg_backend_pid())) TO STDOUT"],
)
def test_a_broken_connection_is_lost(database, sql):
    with closing(database.connect()) as connection:
        cursor = connection.cursor()
        run = partial(cursor.copy_expert, file=io.StringIO()) if sql.startswith("COPY") else cursor.execute
        with pytest.raises(psycopg2.Error) as caught:
            run(sql)
        assert is_lost(caught.value)
        with pytest.raises(psycopg2.InterfaceError) as caught:
            connection.cursor()
        assert is_lost(caught.value)


def test_a_transaction_that_fell_to_another_is_tried_again(database):
    with closing(database.connect()) as one, closing(database.connect()) as other:
        execute(one, "CREATE TABLE things (id int)")
        execute(one, "INSERT INTO things VALUES (1)")
        one.commit()
        for connection in (one, other):
            connection.set_session("REPEATABLE READ")
            execute(connection, "SELECT * FROM things")
        execute(one, "UPDATE things SET id = 2")
        one.commit()
        with pytest.raises(TransactionRollbackError) as caught:
            execute(other, "UPDATE things SET id = 3")
    assert is_lost(caught.value)


def test_an_embedded_server_that_was_killed_is_started_again(home):
    database = Database("", home)
    with closing(database.connect()) as connection:
        postmaster = embedded._postmaster(home / "postgres" / "data")
        postmaster.kill()
        # The backend ends once it notices, at the latest when it waits for us.
        with pytest.raises(psycopg2.Error) as caught:
            execute(connection, "SELECT pg_sleep(600)")
        assert is_lost(caught.value)
    with closing(database.connect()) as connection:
        assert execute(connection, "SELECT 1") == [(1,)]


@pytest.fixture
def debian(request, home):
    """A server of another kind: Debian's Postgres 15 on loopback with a password, TLS, and what a test adds."""
    if not DEBIAN.exists():
        pytest.skip(f"{DEBIAN} is missing (Debian 12: apt-get install postgresql)")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    status = (embedded._prepare(home), home / "postgres")[1].stat()
    account = embedded.Account(status.st_uid, status.st_gid)
    data, password, key = (home / "postgres" / name for name in ("other", "password", "server.key"))
    password.write_text(PASSWORD)
    password.chmod(0o644)
    initdb = ("--auth=scram-sha-256", "--username=u", f"--pwfile={password}", "--no-sync", "--locale=C.UTF-8")
    assert account.run(DEBIAN / "initdb", "-D", data, *initdb).returncode == 0
    certificate = data / "server.crt"
    made = account.run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
        *("-keyout", data / key.name, "-out", certificate),
    )
    assert made.returncode == 0
    (data / "standby.signal").touch() if request.param == "standby" else None
    options = ("-p", str(port), "-k", "", "-c", "fsync=off", "-c", f"ssl={'off' if request.param == 'plain' else 'on'}")
    process = subprocess.Popen(
        [DEBIAN / "postgres", "-D", data, *options],
        **account.process_options | {"stderr": subprocess.PIPE},
        encoding="utf-8",
    )
    try:
        for line in process.stderr:
            if "ready to accept" in line:
                break
        yield f"host=127.0.0.1 port={port} user=u dbname=postgres", certificate
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize("debian", ["plain"], indirect=True)
def test_another_server_with_a_password(debian):
    place, _ = debian
    good = Database(f"{place} password='{PASSWORD}'", Path())
    good.check()
    Database(good.url, Path()).check()
    assert PASSWORD not in good.safe_url
    for url in (f"{place} password=hush", place):
        with pytest.raises(AuthenticationError) as caught:
            Database(url, Path()).check()
        assert "hush" not in str(caught.value)
        assert not is_lost(caught.value)
    with pytest.raises(TLSError, match="does not support SSL"):
        Database(f"{good.url}?sslmode=require", Path()).check()


@pytest.mark.parametrize("debian", ["tls"], indirect=True)
def test_tls_is_checked_as_the_url_says(debian, home):
    place, certificate = debian
    place += f" password='{PASSWORD}'"
    trusted = home / "ca.crt"
    trusted.write_text(ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(certificate.read_text())))
    Database(f"{place} sslmode=verify-ca sslrootcert={trusted}", Path()).check()
    for url in (f"{place} sslmode=verify-full sslrootcert={trusted}", f"{place} sslmode=verify-ca sslrootcert=system"):
        with pytest.raises(TLSError) as caught:
            Database(url, Path()).check()
        assert not is_lost(caught.value)


@pytest.mark.parametrize("debian", ["standby"], indirect=True)
def test_a_standby_is_reported(debian):
    with pytest.raises(UnsuitableError, match="read-only standby"):
        Database(f"{debian[0]} password='{PASSWORD}'", Path()).check()


@pytest.mark.parametrize("debian", ["plain"], indirect=True)
def test_a_server_that_is_too_old_is_reported(debian, monkeypatch):
    monkeypatch.setattr("newsbot.storage.database.OLDEST", 16)
    with pytest.raises(UnsuitableError, match=r"is Postgres 15\.\d+.*: newsbot needs 16 or later"):
        Database(f"{debian[0]} password='{PASSWORD}'", Path()).check()


def test_every_error_is_a_database_error():
    assert issubclass(embedded.HomeError, DatabaseError)
    assert issubclass(embedded.StartError, DatabaseError)
