"""Feeds without end, which forgive nothing: each shows a window of its entries, and moves on to the next one for good
when it is asked with the validator of the one that it shows. A validator that is saved before its rows loses rows.
"""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from xml.sax.saxutils import escape

WINDOW = 50  # entries that a feed shows
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    title: str
    link: str
    summary: str
    published: str


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.removeprefix("/feeds/")
        if name == self.path:
            self.answer(404)  # robots.txt
            return
        window, modified = self.server.ask(int(name), self.headers["If-None-Match"])
        if modified:
            self.answer(200, self.server.document(int(name), window), window)
        else:
            self.answer(304, window=window)

    def answer(self, status, body=b"", window=None):
        self.send_response(status)
        if window is not None:
            self.send_header("ETag", f'"{window}"')
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class EndlessFeeds(ThreadingHTTPServer):
    """Serves `feeds` feeds, two to a source, and knows the rows to expect for its shown entries."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, feeds):
        super().__init__(("127.0.0.1", 0), Handler)
        self.feeds = feeds
        self.moving = True  # whether windows move on
        self.shown = Counter()  # windows, by feed
        self.requests = Counter()  # by feed
        self.asked = threading.Event()  # set by each request for a feed
        self._lock = threading.Lock()

    def handle_error(self, request, client_address):
        """Log nothing: clients are killed here."""

    def ask(self, feed, validator):
        """The window that a request gets, and whether it differs from the validator's."""
        with self._lock:
            self.requests[feed] += 1
            self.shown[feed] = max(self.shown[feed], 1)
            if validator == f'"{self.shown[feed]}"':
                if not self.moving:
                    return self.shown[feed], False
                self.shown[feed] += 1
            self.asked.set()
            return self.shown[feed], True

    def url(self, feed):
        return f"http://127.0.0.1:{self.server_port}/feeds/{feed}"

    def source(self, feed):
        return f"source-{feed % (self.feeds // 2)}"

    def catalogue(self):
        """Entries of a catalogue that name the feeds."""
        sources = {}
        for feed in range(self.feeds):
            entry = {"name": "A source", "homepage": "https://source.example/", "country": "gb", "language": "en"}
            sources.setdefault(self.source(feed), entry | {"delay": 0, "feeds": []})["feeds"].append(self.url(feed))
        return [{"id": id_} | entry for id_, entry in sources.items()]

    def document(self, feed, window):
        items = []
        for number in range((window - 1) * WINDOW, window * WINDOW):
            entry = self.entry(feed, number)
            items.append(
                f"<item><title>{escape(entry.title)}</title><link>{escape(entry.link)}</link>"
                f"<description>{escape(entry.summary)}</description><pubDate>{entry.published}</pubDate></item>"
            )
        return f'<rss version="2.0"><channel><title>Feed {feed}</title>{"".join(items)}</channel></rss>'.encode()

    def entry(self, feed, number):
        """One entry: a tenth stands in two feeds, with other titles; of 25, three are bad, each in another way."""
        link = f"https://feed-{feed}.example/{number}"
        title = f"Feed {feed} tells good news, number {number}"
        summary = "What happened, told in a sentence that is not too short for a summary."
        published = f"{FIRST + timedelta(minutes=number):%a, %d %b %Y %H:%M:%S} GMT"
        if number % 10 == 0:
            link = f"https://shared-{feed // 2}.example/{number}"
            if feed % 2:
                link += f"?utm_source=feed-{feed}"
                published = "Fri, 31 Dec 9999 00:00:00 GMT"
        elif number % 25 == 3:
            link = ""
        elif number % 25 == 8:
            link = f"javascript:open('{feed}/{number}')"
        elif number % 25 == 14:
            title = summary = ""
        return Entry(title, link, summary, published)

    def expected(self):
        """The expected rows of all shown entries: URLs with their canonical form, sightings, and rejects."""
        urls, sightings, rejects = set(), set(), set()
        for feed, windows in self.shown.items():
            for number in range(windows * WINDOW):
                entry = self.entry(feed, number)
                canonical = entry.link.partition("?")[0]
                if not entry.link.startswith("https:"):
                    rejects.add((self.source(feed), "url", entry.link, entry.title))
                elif not entry.title:
                    rejects.add((self.source(feed), "title", entry.link, ""))
                else:
                    urls |= {(entry.link, canonical), (canonical, canonical)}
                    sightings.add((canonical, self.source(feed), self.url(feed)))
                    if "9999" in entry.published:
                        rejects.add((self.source(feed), "published_at", entry.link, ""))
        return urls, sightings, rejects
