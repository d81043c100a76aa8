"""A made-up GDELT: the host of the bulk files with its lists, and the search, both strict about their requests."""

import hashlib
import io
import json
import re
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DATA, API = "data.gdeltproject.org", "api.gdeltproject.org"
STEP = timedelta(minutes=15)
SEARCH = {"query", "mode", "format", "maxrecords", "startdatetime", "enddatetime"}
MOST = 250


def row(time, number, **columns):
    """The 27 columns of an article of the web; `c18="..."` sets one."""
    stamp = f"{time:%Y%m%d%H%M%S}"
    words = f"<PAGE_LINKS>https://a.example/</PAGE_LINKS><PAGE_TITLE>Ferry {number} of {stamp} runs again</PAGE_TITLE>"
    given = {
        0: f"{stamp}-{number}",
        1: stamp,
        2: "1",
        3: "harbour.example",
        4: f"https://www.harbour.example/{stamp}/ferry-{number}.html",
        7: "ELECTION;TAX_FNCACT;",
        8: "ELECTION,12;TAX_FNCACT,40;ELECTION,99;",
        9: "1#France#FR#FR#46#2#FR",
        10: "1#France#FR#FR##46#2#FR#31;4#Liège, Belgium#BE#BE03##50.6#5.6#-1#45;1#France#FR#FR##46#2#FR#200",
        15: "-2.5,1.25,3.75,5,20.5,1.5,412",
        17: "wc:412,c1.1:2,c12.1:30",
        18: f"https://www.harbour.example/{number}.jpg",
        26: words,
    } | {int(name[1:]): value for name, value in columns.items()}
    return [given.get(column, "") for column in range(27)]


def text(rows):
    return b"".join(
        b"\t".join(each if isinstance(each, bytes) else each.encode() for each in row) + b"\n" for row in rows
    )


def packed(content, name="made-up.gkg.csv"):
    """A zip archive; `content` may be a mapping of names to contents."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for member, inner in (content if isinstance(content, dict) else {name: content}).items():
            opened.writestr(member, inner)
    return archive.getvalue()


class MadeUpGdelt(ThreadingHTTPServer):
    """`asked` has (host, path, headers) of each request; `wrong` those that GDELT would not expect."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {}  # path: bytes
        self.lines = {"": [], "-translation": []}
        self.asked, self.wrong = [], []
        self.gives_ranges = True
        self.broken = {}  # path: answers (status, body, headers) that come before the file does
        self.articles = []  # (seen, title) for the search
        self.answer = None  # the answer of the search instead: (status, body, content type)
        self.written = lambda text: text  # the change of its JSON on the way
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def stand_ins(self):
        return json.dumps(dict.fromkeys((DATA, API), f"http://127.0.0.1:{self.server_port}"))

    def add(self, time, rows=None, data=None, *, listed=None, translated=False):
        """Publish a file; `listed` are the bytes that the list describes, if they are others. Returns its path."""
        data = packed(text(rows)) if data is None else data
        suffix = ".translation" if translated else ""
        path = f"/gdeltv2/{time:%Y%m%d%H%M%S}{suffix}.gkg.csv.zip"
        self.files[path] = data
        self.list_line(path, data if listed is None else listed, translated=translated)
        return path

    def list_line(self, path, data, *, translated=False):
        line = f"{len(data)} {hashlib.md5(data).hexdigest()} http://{DATA}{path}\n"
        others = [line.replace(".gkg.csv", kind) for kind in (".export.CSV", ".mentions.CSV")]
        self.lines["-translation" if translated else ""].append([*others, line])

    def list_of(self, path):
        match = re.fullmatch(r"/gdeltv2/(lastupdate|masterfilelist)(|-translation)\.txt", path)
        if not match:
            return None
        lines = self.lines[match[2]]
        return "".join(line for three in (lines[-1:] if match[1] == "lastupdate" else lines) for line in three).encode()

    def paths(self, host=DATA):
        """The requests to a host since the last call."""
        asked = [path for each, path, _ in self.asked if each == host]
        self.asked = [each for each in self.asked if each[0] != host]
        return asked

    def search(self, asked):
        """An answer of the search: at most 250, the newest first, both ends included."""
        since, until = (
            datetime.strptime(asked[name], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            for name in ("startdatetime", "enddatetime")
        )
        found = sorted((each for each in self.articles if since <= each[0] <= until), reverse=True)[:MOST]
        if not found:
            return {}
        return {
            "articles": [
                {
                    "url": f"https://www.hafen.example/{title.replace(' ', '-')}",
                    "url_mobile": "",
                    "title": title,
                    "seendate": f"{seen:%Y%m%dT%H%M%SZ}",
                    "socialimage": "",
                    "domain": "hafen.example",
                    "language": "German",
                    "sourcecountry": "Germany",
                }
                for seen, title in found
            ]
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, host = self.server, self.headers["Host"]
        server.asked.append((host, self.path, dict(self.headers)))
        if server.broken.get(self.path):
            self.send(*server.broken[self.path].pop(0))
        elif host == API:
            self.search()
        elif host == DATA and (body := server.list_of(self.path)) is not None:
            self.send_list(body)
        elif host == DATA and self.path in server.files:
            self.send(200, server.files[self.path])
        else:
            server.wrong.append((host, self.path))
            self.send(404, b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>")

    def send_list(self, body):
        span = self.headers["Range"]
        if span is None or not self.server.gives_ranges:
            self.send(200, body)
            return
        first, last = re.fullmatch(r"bytes=(\d*)-(\d+)", span).groups()
        begin, end = (int(first), int(last) + 1) if first else (max(0, len(body) - int(last)), len(body))
        if self.headers["Accept-Encoding"] != "identity" or begin >= end:
            self.server.wrong.append((self.path, span))
        self.send(206, body[begin:end], {"Content-Range": f"bytes {begin}-{end - 1}/{len(body)}"})

    def search(self):
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        forms = {"mode": "artlist", "format": "json", "maxrecords": str(MOST)}
        if parts.path != "/api/v2/doc/doc" or asked.keys() != SEARCH or not forms.items() <= asked.items():
            self.server.wrong.append((API, self.path))
        if self.server.answer:
            status, body, kind = self.server.answer
            self.send(status, body, {"Content-Type": kind})
        else:
            text = json.dumps(self.server.search(asked), ensure_ascii=False)
            body = self.server.written(text).encode("utf-8", "surrogateescape")
            self.send(200, body, {"Content-Type": "application/json; charset=utf-8"})

    def send(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass
