"""HTTP servers on loopback that answer as a test says."""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


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
        if not isinstance(sys.exception(), OSError):  # the tests make clients go away
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
