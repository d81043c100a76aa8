"""Stand-ins of the services on loopback, and crawls of them in separate processes."""

import json
import subprocess
import sys
import threading
import uuid
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from processes import HERE, KEYS, ROOT, environment
from stand_ins import Server

from newsbot.storage.database import Database
from newsbot.storage.upgrade import upgrade


@pytest.fixture(scope="session")
def web():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.stopping.set()
    server.shutdown()
    server.server_close()


class Crawler:
    """A process that crawls, one crawl after the other."""

    def __init__(self, log):
        self.log = log
        self.process = None

    def start(self):
        self.file = self.log.open("a")
        self.process = subprocess.Popen(
            [sys.executable, HERE / "crawler.py"],
            **{"cwd": ROOT, "env": environment(), "text": True, "stderr": self.file},
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE},
        )

    def ask(self, **crawl):
        if self.process is None:
            self.start()
        self.process.stdin.write(json.dumps(crawl) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"the crawler has died: {self.log.read_text()[-3000:]}"
        return SimpleNamespace(**json.loads(line))

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(30)
            self.process.stdout.close()
            self.file.close()


@pytest.fixture(scope="session")
def crawlers(tmp_path_factory):
    """Two of them."""
    folder = tmp_path_factory.mktemp("crawlers")
    both = [Crawler(folder / f"{n}.log") for n in range(2)]
    yield both
    for each in both:
        each.stop()


class Newsbot:
    """Crawls of stand-ins into one database."""

    def __init__(self, web, crawlers, url):
        self.web = web
        self.crawlers = crawlers
        self.url = url

    def query(self, sql, *parameters):
        with closing(Database(self.url, Path()).connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else None

    def column(self, sql, *parameters):
        """The values of a statement's one column."""
        return [value for (value,) in self.query(sql, *parameters)]

    def settings(self, services, settings):
        shared = {"DATABASE_URL": self.url, "DOWNLOAD_TIMEOUT": 3, "STAND_INS": self.web.serve(*services)}
        return shared | settings

    def start(self, spider, *services, crawler=0, settings=None, environment=None, **arguments):
        """Begin a crawl in one of the processes."""
        self.crawlers[crawler].ask(
            spider=spider,
            arguments=arguments,
            settings=self.settings(services, settings or {}),
            environment=KEYS | (environment or {}),
        )

    def crawl(self, spider, *services, settings=None, environment=None, **arguments):
        """A crawl of these services: its exit_code, outcomes, tallies, or error."""
        # As if the previous crawl were long ago.
        self.query("UPDATE quotas SET next_at = NULL")
        for service in services:
            service.times.clear()
        self.start(spider, *services, settings=settings, environment=environment, **arguments)
        return self.crawlers[0].answer()

    def command(self, spider, *services, settings=None, options=(), **arguments):
        """The command line of the same."""
        return [
            *(sys.executable, "-m", "scrapy", "crawl", spider, *options),
            *(part for name, value in arguments.items() for part in ("-a", f"{name}={value}")),
            *(
                part
                for name, value in self.settings(services, settings or {}).items()
                for part in ("-s", f"{name}={value}")
            ),
        ]

    def run(self, spider, *services, env=None, **options):
        """The same by the command line."""
        command = self.command(spider, *services, **options)
        env = environment() if env is None else env
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=env)


@pytest.fixture(scope="session")
def template(server):
    """The name of a database with our tables, which others are copied from."""
    with closing(server.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE apis_template")
    with closing(Database(server.url.replace("/postgres?", "/apis_template?"), Path()).connect()) as connection:
        upgrade(connection)
    return "apis_template"


@pytest.fixture
def newsbot(web, crawlers, server, template):
    """Crawls into a database of this test."""
    web.faults = None
    name = f"apis_{uuid.uuid4().hex}"
    with closing(server.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            yield Newsbot(web, crawlers, server.url.replace("/postgres?", f"/{name}?"))
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
