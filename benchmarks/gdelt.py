"""A day of GDELT's Knowledge Graph: 96 made-up files of 5 MB, from loopback into an empty database."""

import json
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks import gkg, jobs
from benchmarks.measure import ROOT, Figure, environment, run

FILES = 96
RUNS = 3


def figures(count: int = FILES) -> Iterator[Figure]:
    """The crawl and its peer in turn, each crawl into a separate database; the medians of their CPU."""
    ours, peers = [], []
    with jobs.home() as home, _served(count) as (folder, base):
        for _ in range(RUNS):
            peers.append(run("benchmarks.peers.zip_split", folder / "gdeltv2", folder=ROOT, env=environment()))
            database = jobs.new_database(home)
            stand_ins = json.dumps({gkg.HOST: base})
            command = ("scrapy", "crawl", "gdelt", "-a", f"since={gkg.FIRST:%Y-%m-%d}", "-s", f"STAND_INS={stand_ins}")
            ours.append(run(*command, folder=ROOT, env=environment(DATABASE_URL=database.url)))
            ((stored,),) = jobs.query(database, "SELECT count(*) FROM articles")
            if stored != count * gkg.ROWS:
                raise RuntimeError(f"{stored} articles are stored, and there should be {count * gkg.ROWS}")
            jobs.query(database, "TRUNCATE articles, article_urls, sightings")
    yield Figure(
        f"gdelt: {count} files into articles, client CPU",
        statistics.median(ours) / statistics.median(peers),
        "times inflating and splitting them",
        2.5,
        detail=f"{statistics.median(ours):.2f} s, peer {statistics.median(peers):.2f} s;"
        f" {statistics.median(ours) / count / gkg.ROWS * 1e6:.0f} us an article",
    )


@contextmanager
def _served(count: int) -> Iterator[tuple[Path, str]]:
    """A folder of the files with their lists, and the URL of a server of it."""
    with tempfile.TemporaryDirectory(prefix="newsbot-gkg-") as name:
        folder = Path(name, "gdeltv2")
        folder.mkdir()
        lines = []
        for file in gkg.files(count):
            (folder.parent / file.path[1:]).write_bytes(file.data)
            lines.append(file.line)
        (folder / "lastupdate.txt").write_text(lines[-1])
        (folder / "masterfilelist.txt").write_text("".join(lines))
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield folder.parent, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass
