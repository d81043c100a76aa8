"""The database of the tests: one embedded server for all, and a separate database for each test that needs one."""

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket

import pytest

from newsbot.storage import embedded
from newsbot.storage.database import Database, parse


def make_home():
    """A folder that the server's account can enter: only root can enter pytest's own."""
    home = Path(tempfile.mkdtemp(prefix="newsbot-test-")).resolve()
    home.chmod(0o755)
    return home


def remove_home(home):
    embedded.stop(home)
    shutil.rmtree(home)


def pytest_configure(config):
    """Give child processes a home of the tests, no database of the user's, and the default handler of Ctrl-C."""
    os.environ.pop("DATABASE_URL", None)
    os.environ["NEWSBOT_HOME"] = str(make_home())
    # A script that starts the tests in the background makes them, and all that a test interrupts, ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config):
    remove_home(Path(os.environ["NEWSBOT_HOME"]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Twice the number of cores: tests spend much time on a start, a pause or a due time."""
    return 2 * os.cpu_count()


@pytest.fixture(scope="session")
def server():
    """The embedded server that the tests share."""
    return Database("", Path(os.environ["NEWSBOT_HOME"]))


@pytest.fixture(scope="session")
def new_database(server):
    """A context with a new and empty database; yields its URL."""

    @contextmanager
    def make():
        name = f"test_{uuid.uuid4().hex}"
        with closing(server.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name}")
                yield server.url.replace("/postgres?", f"/{name}?")
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return make


@pytest.fixture
def database_url(new_database):
    """The URL of a new and empty database."""
    with new_database() as url:
        yield url


@pytest.fixture
def database(database_url):
    return Database(database_url, Path())


@pytest.fixture
def query(database):
    """Run SQL in a separate transaction; returns the rows, if any."""
    with closing(database.connect()) as connection:

        def run(sql, *parameters):
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else None

        yield run


@pytest.fixture
def pooled_url(database_url):
    """The same database behind pgbouncer, which gives a connection to each transaction."""
    pgbouncer = shutil.which("pgbouncer", path=f"/usr/sbin:{os.environ['PATH']}")
    if pgbouncer is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    parameters = parse(database_url)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = make_home()
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={parameters['host']} port={parameters['port']} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder / 'users'}\npool_mode = transaction\ndefault_pool_size = 4\n"
    )
    (folder / "users").write_text('"postgres" ""\n')
    # It refuses to run as root, and only its server's account may use the socket.
    status = Path(parameters["host"]).stat()
    account = embedded.Account(status.st_uid, status.st_gid)
    process = subprocess.Popen(
        [pgbouncer, config], **account.process_options | {"stderr": subprocess.PIPE}, encoding="utf-8"
    )
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if "process up" in line:
                break
        else:
            pytest.fail(f"pgbouncer did not start: {said}")
        yield f"postgresql://postgres@127.0.0.1:{port}/{parameters['dbname']}"
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        shutil.rmtree(folder)


@pytest.fixture
def home():
    """An empty NEWSBOT_HOME; its server, if any, ends with the test."""
    home = make_home()
    yield home
    remove_home(home)
