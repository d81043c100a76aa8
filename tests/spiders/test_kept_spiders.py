"""Users' spiders run unchanged."""

import json
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from made_up_sites import ROOT, environment

PAGE = b'<html><body><h2><a href="/a">Ferry runs again</a></h2><h2><a href="/b">Pier is closed</a></h2></body></html>'


class Site(BaseHTTPRequestHandler):
    """A front page, and an API that takes spans of four days at most."""

    def do_GET(self):
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if self.headers["Host"].startswith("harbour"):
            return self.answer(PAGE if path == "/" else b"", "text/html", 200 if path == "/" else 404)
        if path == "/v1/latest":
            return self.json({"paths": ["item/1", "item/2"]})
        if path.startswith("/v1/item/"):
            return self.json({"id": path.rpartition("/")[2]})
        since, until = (datetime.fromisoformat(query[name][0]) for name in ("from", "to"))
        if until - since > timedelta(days=4):
            return self.json({"error": "too many"}, 400)
        titles = ["One", "Advertisement", "Two"]
        date = since.isoformat()
        rows = [{"link": f"https://wire.example/{t}-{date[:10]}", "headline": t, "date": date} for t in titles]
        page = int(query["page"][0])
        return self.json({"total": 3, "articles": rows[2 * (page - 1) : 2 * page]})

    def json(self, data, status=200):
        self.answer(json.dumps(data).encode(), "application/json", status)

    def answer(self, body, kind, status):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Retry", "narrower")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def crawl(database_url):
    def run(spider, *arguments):
        base = f"http://127.0.0.1:{server.server_port}"
        settings = {
            "SPIDER_MODULES": "kept_spiders",
            "STAND_INS": json.dumps({"harbour.example": base, "api.wire.example": base}),
            "DATABASE_URL": database_url,
            "DOWNLOAD_DELAY": 0,
        }
        given = (part for name, value in settings.items() for part in ("-s", f"{name}={value}"))
        command = [sys.executable, "-m", "scrapy", "crawl", spider, *arguments, *given]
        here = environment() | {"PYTHONPATH": str(Path(__file__).parent)}
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=here)
        assert done.returncode == 0, done.stderr
        return done.stderr

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield run
        server.shutdown()


def test_a_spider_of_a_site(crawl, query):
    crawl("harbour")
    assert query("SELECT title, url, source_id FROM articles ORDER BY title") == [
        ("Ferry runs again", "https://harbour.example/a", "harbour"),
        ("Pier is closed", "https://harbour.example/b", "harbour"),
    ]


def test_a_spider_of_an_api_with_all_methods(crawl, query):
    told = crawl("wire", "-a", "edition=late", "-a", "backfill=8d")
    rows = query("SELECT title, section, count(*) FROM articles GROUP BY 1, 2 ORDER BY 1")
    assert [(title, section) for title, section, _ in rows] == [("One", "wire late"), ("Two", "wire late")]
    assert {number for *_, number in rows} <= {2, 3, 4}
    assert "read in slices, as it gives no more at once" in told
    assert "looked at 1" in told
    assert "looked at 2" in told
    ((cursor,),) = query("SELECT value FROM cursors")
    assert set(cursor) == {"since", "until"}
