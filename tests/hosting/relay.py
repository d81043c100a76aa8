"""A way to the database that can hang or break, as a network does."""

import contextlib
import threading
from socket import AF_UNIX, SHUT_RDWR, create_server, socket

from newsbot.storage.database import parse


class Relay:
    """Listens on a port of loopback and passes on to the socket of the tests' server."""

    def __init__(self, database_url):
        target = parse(database_url)
        self._path = f"{target['host']}/.s.PGSQL.{target['port']}"
        self._listener = create_server(("127.0.0.1", 0))
        self.url = f"postgresql://postgres@127.0.0.1:{self._listener.getsockname()[1]}/{target['dbname']}"
        self._goes = threading.Event()
        self._goes.set()
        self._broken = False
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self):
        """Stop passing anything on; connections stay."""
        self._goes.clear()

    def resume(self):
        self._broken = False
        self._goes.set()

    def cut(self):
        """End all connections, and each new one at once."""
        self._broken = True
        for each in self._open:
            _end(each)

    def close(self):
        self.cut()
        self._goes.set()
        _end(self._listener)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._broken:
                    _end(near)
                    continue
                far = socket(AF_UNIX)
                far.connect(self._path)
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._goes.wait()
                target.sendall(data)
        _end(target)


def _end(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(SHUT_RDWR)
    connection.close()
