"""Stand-ins of APIs on loopback, which check requests as strictly as the real ones."""

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EARLIEST, LATEST = "2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
        self.server.asked.append((url.path, query))
        status, answer = self.server.answer(url.path, query, self.headers)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class StandIn(ThreadingHTTPServer):
    """Answers for `host`; `asked` has the path and the query of each request."""

    daemon_threads = True
    host: str

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []

    def answer(self, path, query, headers):
        raise NotImplementedError

    def asked_since(self):
        """The requests since the last call."""
        asked, self.asked = self.asked, []
        return asked


@contextmanager
def serving(stand_in):
    threading.Thread(target=stand_in.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield stand_in
    finally:
        stand_in.shutdown()
        stand_in.server_close()


def moment(text):
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


class SpaceflightNews(StandIn):
    host = "api.spaceflightnewsapi.net"
    params = frozenset({"limit", "offset", "search", "published_at_gte", "published_at_lt", "ordering"})

    def __init__(self, articles):
        super().__init__()
        self.articles = articles
        self.broken = set()  # offsets

    def answer(self, path, query, headers):
        if path not in ("/v4/articles/", "/v4/blogs/"):
            return 404, {"detail": "No Article matches the given query."}
        ordering, limit, start = (
            query.get("ordering", "-published_at"),
            int(query.get("limit", 10)),
            query.get("offset", "0"),
        )
        if set(query) - self.params or ordering not in ("published_at", "-published_at") or not 1 <= limit <= 500:
            return 400, {"detail": f"not understood: {query}"}
        if start in self.broken:
            return 500, {"detail": "try again later"}
        newest_first = ordering.startswith("-")
        found = [
            article
            for article in sorted(self.articles, key=lambda article: article["published_at"], reverse=newest_first)
            if moment(query.get("published_at_gte", EARLIEST)) <= moment(article["published_at"])
            and moment(article["published_at"]) < moment(query.get("published_at_lt", LATEST))
            and query.get("search", "").lower() in article["title"].lower()
        ]
        end = int(start) + limit
        following = f"https://{self.host}{path}?{urlencode(query | {'limit': limit, 'offset': end})}"
        page = {"next": following if end < len(found) else None, "previous": None, "results": found[int(start) : end]}
        return 200, {"count": len(found)} | page


def article(number, published):
    time = published.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": number,
        "title": f"Rocket number {number} stands on its pad",
        "authors": [{"name": "Ada Byron", "socials": None}],
        "url": f"https://rockets.example/{number}",
        "image_url": f"https://rockets.example/{number}.jpg",
        "news_site": "Rockets",
        "summary": f"Its tanks hold {number} tons.",
        "published_at": time,
        "updated_at": time,
        "featured": False,
        "launches": [],
        "events": [],
    }


class WorldBank(StandIn):
    host = "api.worldbank.org"

    def __init__(self, values):
        super().__init__()
        self.values = values  # by indicator, country and year

    def answer(self, path, query, headers):
        assert headers["Accept"]
        empty, v2, country, countries, indicator, name = path.split("/")
        if (empty, v2, country, indicator) != ("", "v2", "country", "indicator") or query.pop("format") != "json":
            return 404, {}
        known = {place for values in self.values.values() for place, _ in values}
        if name not in self.values or (countries != "all" and set(countries.upper().split("%3B")) - known):
            message = {"id": "120", "key": "Invalid value", "value": "The provided parameter value is not valid"}
            return 200, [{"message": [message]}]
        if set(query) != {"date", "per_page", "page"}:
            return 400, query
        first, last = map(int, query["date"].split(":"))
        found = [
            self.row(name, place, year, value)
            for (place, year), value in sorted(self.values[name].items(), reverse=True)
            if first <= int(str(year)[:4]) <= last and (countries == "all" or place in countries.upper().split("%3B"))
        ]
        size, page = int(query["per_page"]), int(query["page"])
        if not found:
            return 200, [{"page": 0, "pages": 0, "per_page": 0, "total": 0}, None]
        meta = {"page": page, "pages": -(-len(found) // size), "per_page": size, "total": len(found)}
        return 200, [meta, found[(page - 1) * size : page * size]]

    @staticmethod
    def row(name, place, year, value):
        return {
            "indicator": {"id": name, "value": f"What {name} means"},
            "country": {"id": place[:2], "value": f"The country of {place}"},
            "countryiso3code": place,
            "date": str(year),
            "value": value,
            "unit": "",
            "obs_status": "",
            "decimal": 0,
        }


PLACES = [f"P{a}{b}" for a in "ABCDEF" for b in "ABCDEF"]
YEARS = range(1960, NOW.year)
