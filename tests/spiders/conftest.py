"""Made-up sites on loopback, and crawls of them in separate processes."""

import json
import subprocess
import sys
import threading
import uuid
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from made_up_sites import ROOT, environment

from newsbot.storage.database import Database


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        host = self.headers["Host"].partition(":")[0]
        self.server.log.append((host, self.path, dict(self.headers)))
        route = self.server.routes.get((host, self.path), (404, b"no such page", {}))
        try:
            if callable(route):
                route = route(self)
            if route is not None:
                self.answer(*route)
        except OSError:  # the client went away, which some tests provoke
            self.close_connection = True

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Sites(ThreadingHTTPServer):
    """`routes` maps (host, path) to (status, body, headers), or to a function of the handler that gives these or None
    when it has answered; `log` has (host, path, headers) of each request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes = {}
        self.log = []
        self.stopping = threading.Event()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def asked(self, host):
        """The requests to a host, robots.txt aside."""
        return [(path, headers) for each, path, headers in self.log if each == host and path != "/robots.txt"]


@pytest.fixture(scope="module")
def sites():
    server = Sites()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.stopping.set()
    server.shutdown()
    server.server_close()


class Newsbot:
    """`scrapy` on a catalogue of made-up sites, in child processes that share a database."""

    def __init__(self, sites, database_url, folder):
        self.sites = sites
        self.url = database_url
        self.folder = folder
        self.stand_ins = {}

    def query(self, sql):
        """The rows of one statement."""
        with closing(Database(self.url, Path()).connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def command(self, entries, *arguments, named=True, **settings):
        """The command line of a crawl of these sources only."""
        catalogue = self.folder / "catalogue.yaml"
        catalogue.write_text(yaml.safe_dump(entries))
        base = f"http://127.0.0.1:{self.sites.server_port}"
        stand_ins = {f"{entry['id']}.example": base for entry in entries} | self.stand_ins
        settings = {"STAND_INS": json.dumps(stand_ins), "DATABASE_URL": self.url, "RETRY_TIMES": 0} | settings
        chosen = ["-a", f"sources={','.join(entry['id'] for entry in entries)}"] if named else []
        return [
            *(sys.executable, "-m", "scrapy", "crawl", "headlines", "-a", f"catalogue={catalogue}"),
            *chosen,
            *(part for argument in arguments for part in ("-a", argument)),
            *(part for name, value in settings.items() for part in ("-s", f"{name}={value}")),
        ]

    def crawl(self, entries, *arguments, named=True, **settings):
        command = self.command(entries, *arguments, named=named, **settings)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment())

    def last_run(self):
        """exit_code, and the status of each feed by its URL, of the newest run."""
        ((code, stats),) = self.query("SELECT exit_code, stats FROM runs ORDER BY started_at DESC LIMIT 1")
        feeds = (feed for source in stats["sources"].values() for feed in source["feeds"])
        return code, {feed["url"]: feed["status"] for feed in feeds}


@pytest.fixture(scope="module")
def newsbot(sites, server, tmp_path_factory):
    """Crawls of the module, which share a database: each test has its own sources."""
    name = f"test_{uuid.uuid4().hex}"
    with closing(server.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            yield Newsbot(sites, server.url.replace("/postgres?", f"/{name}?"), tmp_path_factory.mktemp("catalogue"))
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
