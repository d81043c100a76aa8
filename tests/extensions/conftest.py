import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROBE = Path(__file__).with_name("probe.py")
ROOT = PROBE.parents[2]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.headers["Host"], self.path))
        route = self.server.routes.get(self.path.partition("?")[0], Handler.not_found)
        try:
            route(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def not_found(self):
        self.answer(404, b"no such page")

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Type": "text/plain", "Content_Length": len(body), **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """``routes`` maps a path to a function of the handler; ``seen`` has (Host header, path) of each request."""

    daemon_threads = True

    def __init__(self, host, port):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)
        self.routes = {}
        self.seen = []
        self.connections = 0
        self.stopping = threading.Event()
        self.port = self.server_address[1]

    def verify_request(self, request, client_address):
        self.connections += 1
        return True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), OSError):  # clients that go away are what is tested
            super().handle_error(request, client_address)


@pytest.fixture
def serve():
    """Start a server on an address; all are stopped at the end."""
    servers = []

    def start(routes=None, host="127.0.0.1", port=0, wrap=None):
        server = Server(host, port)
        server.routes = routes or {}
        if wrap:
            server.socket = wrap(server.socket)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stopping.set()
        server.shutdown()
        server.server_close()


class Crawl:
    def __init__(self, finished):
        self.log = finished.stderr
        self.exit_code = finished.returncode
        result = json.loads(finished.stdout or "{}")
        self.outcomes = result.get("outcomes", [])
        self.stats = result.get("stats", {})
        self.lookups = result.get("lookups", [])
        self.peak_memory = result.get("peak_memory")

    def __getitem__(self, asked):
        found = [outcome for outcome in self.outcomes if outcome["asked"] == asked]
        assert len(found) == 1, f"{len(found)} outcomes of {asked}: {self.outcomes}\n{self.log}"
        return found[0]


@pytest.fixture
def crawl():
    """Crawl URLs, or requests as mappings, in a process of its own."""

    def run(*requests, names=None, public=(), environment=None, **settings):
        asked = [request if isinstance(request, dict) else {"url": request} for request in requests]
        task = {"requests": asked, "names": names or {}, "public": list(public), "settings": settings}
        without_proxy = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        finished = subprocess.run(
            [sys.executable, str(PROBE)],
            input=json.dumps(task),
            env={**without_proxy, "PYTHONPATH": str(ROOT), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Crawl(finished)

    return run
