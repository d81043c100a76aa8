"""Stand-ins of the services: they answer as the real ones do, and check requests as strictly.

Each has data and a clock that tests move, counts its requests, and notes each breach of its quota.
"""

import json
import random
import re
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def ago(**span):
    return (datetime.now(UTC) - timedelta(**span)).replace(microsecond=0)


class Refused(Exception):  # noqa: N818  not an error: the refused answer
    """The service's answer in place of data."""

    def __init__(self, status, body, headers=None):
        super().__init__(status)
        self.answer = status, body, headers or {}


class Service:
    """One API. `asked` has (path, query) of each call that came, `overruns` those beyond its quota."""

    hosts = ()
    limits = ()  # (calls, seconds): in any time so long
    per_day = None
    params = frozenset()

    def __init__(self):
        self.asked = []
        self.headers = []
        self.times = []
        self.days = Counter()
        self.overruns = []
        self.offset = timedelta()  # of the service's clock
        self.before = lambda count: None  # called with the number of each call, before it is answered
        self.lock = threading.Lock()

    def now(self):
        return datetime.now(UTC) + self.offset

    def forget(self):
        """Start the counts again."""
        self.asked.clear()
        self.headers.clear()

    def answer(self, host, path, query, headers):
        """(status, body, headers) of a call, which is counted."""
        with self.lock:
            self.asked.append((path, dict(query)))
            self.headers.append(headers)
            self.before(len(self.asked))
            try:
                self.count()
                body = self.data(host, path, self.checked(path, query), headers)
                return 200, body, self.told()
            except Refused as refused:
                return refused.answer
            except (KeyError, ValueError) as error:  # the request lacks something, or has a wrong number
                return 400, self.error(repr(error)), {}

    def checked(self, path, query):
        """The query as a dict; refuses unknown and repeated parameters."""
        asked = dict(query)
        wrong = [name for name, times in Counter(name for name, _ in query).items() if times > 1]
        wrong += asked.keys() - self.params
        if wrong:
            raise Refused(400, self.error(f"unknown or repeated parameter: {', '.join(wrong)}"))
        return asked

    def error(self, message):
        return {"message": message}

    def count(self):
        now, today = time.monotonic(), self.now().date()
        self.times = [each for each in self.times if now - each < 3600]
        for calls, seconds in self.limits:
            if sum(now - each < seconds for each in self.times) >= calls:
                self.overruns.append((self.asked[-1], f"{calls} in {seconds} s"))
                raise Refused(429, self.error("rate limit exceeded"))
        self.times.append(now)
        if self.per_day is not None and self.days[today] >= self.per_day:
            self.overruns.append((self.asked[-1], f"{self.per_day} a day"))
            raise self.exhausted()
        self.days[today] += 1

    def exhausted(self):
        return Refused(429, self.error("quota exceeded"))

    def told(self):
        return {}

    def data(self, host, path, asked, headers):
        raise NotImplementedError


def number(asked, name, default, least, most, refuse):
    text = asked.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise refuse(f"{name} must be between {least} and {most}, and is {text}")
    return int(text)


class Guardian(Service):
    hosts = ("content.guardianapis.com",)
    limits = ((1, 1.0),)
    per_day = 500
    key = "guardian-secret-9f3c"
    params = frozenset(
        {"api-key", "q", "section", "from-date", "to-date", "order-by", "show-fields", "page", "page-size"}
    )

    def __init__(self):
        super().__init__()
        self.articles = {}

    def put(self, number, published, **fields):
        id_ = f"world/{published:%Y/%b/%d}/story-{number}".lower()
        given = {
            "headline": f"Ferry number {number} runs again",
            "bodyText": f"The ferry number {number} runs again after a long pause, as the harbour master says. " * 5,
            "byline": "Jane Doe",
            "thumbnail": f"https://media.guim.co.uk/{number}.jpg",
            "lastModified": f"{published:%Y-%m-%dT%H:%M:%SZ}",
        }
        self.articles[id_] = {
            "id": id_,
            "type": "article",
            "sectionName": "World news",
            "webPublicationDate": f"{published:%Y-%m-%dT%H:%M:%SZ}",
            "webTitle": f"Ferry number {number} runs again",
            "webUrl": f"https://www.theguardian.com/{id_}",
            "apiUrl": f"https://content.guardianapis.com/{id_}",
            "fields": given | fields,
        }
        return id_

    def told(self):
        left = self.per_day - self.days[self.now().date()]
        return {"X-RateLimit-Limit-Day": self.per_day, "X-RateLimit-Remaining-Day": left}

    def data(self, host, path, asked, headers):
        if path != "/search":
            raise Refused(404, {"response": {"status": "error", "message": "not found"}})
        if asked.get("api-key") != self.key:
            raise Refused(401, {"message": f"Invalid authentication credentials: {asked.get('api-key')}"})

        def refuse(message):
            return Refused(400, {"response": {"status": "error", "message": message}})

        size = number(asked, "page-size", 10, 1, 200, refuse)
        first, last = (date.fromisoformat(asked[name]) for name in ("from-date", "to-date"))
        if asked.get("order-by") != "newest":
            raise refuse("order-by must be newest here")
        found = [
            article
            for article in self.articles.values()
            if first <= datetime.fromisoformat(article["webPublicationDate"]).date() <= last
            and asked.get("q", "").lower() in article["fields"]["headline"].lower()
        ]
        found.sort(key=lambda article: (article["webPublicationDate"], article["id"]), reverse=True)
        pages = -(-len(found) // size)
        page = number(asked, "page", 1, 1, max(1, pages), refuse)
        shown = found[(page - 1) * size : page * size]
        shown = [{**article, "fields": {**article["fields"]}} for article in shown]
        counts = {"total": len(found), "startIndex": (page - 1) * size + 1, "pageSize": size, "currentPage": page}
        return {"response": {"status": "ok", "userTier": "developer", **counts, "pages": pages, "results": shown}}


class NewsApi(Service):
    hosts = ("newsapi.org",)
    per_day = 100
    spent_code = "rateLimited"  # on other plans apiKeyExhausted
    key = "newsapi-secret-77ab"
    params = frozenset({"q", "language", "from", "to", "sortBy", "pageSize", "page", "country", "category"})
    delay = DAY  # of the free plan
    oldest = 31 * DAY

    def __init__(self):
        super().__init__()
        self.articles = {}

    def put(self, number, published, **fields):
        url = f"https://site{number % 7}.example/{published:%Y/%m/%d}/{number}"
        self.articles[url] = {
            "source": {"id": None, "name": f"Site {number % 7}"},
            "author": None,
            "title": f"Harbour news number {number}",
            "description": f"What happened in the harbour, part {number}",
            "url": url,
            "urlToImage": None,
            "publishedAt": f"{published:%Y-%m-%dT%H:%M:%SZ}",
            "content": "The beginning of it… [+1234 chars]",
        } | fields
        return url

    def withdraw(self, url, published):
        """The service's answer for a deleted article: its address is empty, its time may be missing."""
        nothing = dict.fromkeys(("title", "description", "content"), "[Removed]")
        self.articles[url] = self.articles[url] | nothing | {"url": "https://removed.com", "publishedAt": published}

    def error(self, message, code="parameterInvalid"):
        return {"status": "error", "code": code, "message": message}

    def exhausted(self):
        limits = "Developer accounts are limited to 100 requests over a 24 hour period (50 requests available every 12"
        message = f"You have made too many requests recently. {limits} hours)."
        return Refused(429, self.error(message, self.spent_code))

    def data(self, host, path, asked, headers):
        if headers.get("X-Api-Key") != self.key:
            raise Refused(401, self.error(f"Your API key is invalid: {headers.get('X-Api-Key')}", "apiKeyInvalid"))

        def refuse(message):
            return Refused(400, self.error(message))

        size, page = number(asked, "pageSize", 100, 1, 100, refuse), number(asked, "page", 1, 1, 10_000, refuse)
        if path == "/v2/everything":
            found = self.everything(asked)
        elif path == "/v2/top-headlines":
            if not asked.keys() & {"q", "country", "category"}:
                raise Refused(400, self.error("Required parameters are missing", "parametersMissing"))
            found = [each for each in self.articles.values() if each.get("top")]
        else:
            raise Refused(404, self.error("no such endpoint"))
        if (page - 1) * size >= 100 or size * page > 100:
            message = "You have requested too many results. Developer accounts are limited to a max of 100 results."
            raise Refused(426, self.error(message, "maximumResultsReached"))
        found.sort(key=lambda article: (article["publishedAt"], article["url"]), reverse=True)
        return {"status": "ok", "totalResults": len(found), "articles": found[(page - 1) * size : page * size]}

    def everything(self, asked):
        if "q" not in asked:
            raise Refused(400, self.error("Required parameters are missing", "parametersMissing"))
        since, until = (datetime.fromisoformat(asked[name]).replace(tzinfo=UTC) for name in ("from", "to"))
        if since < self.now() - self.oldest:
            back = f"as far back as {self.now() - self.oldest:%Y-%m-%d}, but you have requested {since:%Y-%m-%d}"
            message = "You are trying to request results too far in the past. Your plan permits you to request articles"
            raise Refused(426, self.error(f"{message} {back}."))
        until = min(until, self.now() - self.delay)
        return [
            article
            for article in self.articles.values()
            if article["title"] == "[Removed]"
            or (
                since <= datetime.fromisoformat(article["publishedAt"]) <= until
                and asked["q"].lower() in article["title"].lower()
            )
        ]


class HackerNews(Service):
    hosts = ("hn.algolia.com", "hacker-news.firebaseio.com")
    params = frozenset({"query", "tags", "numericFilters", "hitsPerPage", "page"})

    def __init__(self):
        super().__init__()
        self.stories = {}
        self.updates = []
        self.lags = False  # whether the search still has deleted articles

    def put(self, id_, created, **fields):
        self.stories[id_] = {
            "objectID": str(id_),
            "title": f"Show HN: ferry number {id_}",
            "url": f"https://ferries.example/{id_}",
            "author": f"user{id_ % 10}",
            "points": 1,
            "num_comments": 0,
            "created_at_i": int(created.timestamp()),
            "story_text": None,
        } | fields
        return id_

    def delete(self, id_):
        self.stories[id_]["deleted"] = True
        self.updates.append(id_)

    def data(self, host, path, asked, headers):
        return self.search(path, asked) if host == "hn.algolia.com" else self.official(path)

    def search(self, path, asked):
        if path != "/api/v1/search_by_date" or asked.get("tags") != "story":
            raise Refused(404, {"status": 404, "message": "no such path, or another tag"})
        filters = re.fullmatch(r"created_at_i>(\d+),created_at_i<(\d+)", asked.get("numericFilters", ""))
        if not filters:
            raise Refused(400, {"status": 400, "message": f"invalid filter: {asked.get('numericFilters')}"})
        first, last = map(int, filters.groups())

        def refuse(message):
            return Refused(400, {"status": 400, "message": message})

        size, page = number(asked, "hitsPerPage", 20, 1, 1000, refuse), number(asked, "page", 0, 0, 10_000, refuse)
        query = asked.get("query", "").lower()
        found = [
            story
            for story in self.stories.values()
            if first < story["created_at_i"] < last
            and (self.lags or not story.get("deleted"))
            and query in story["title"].lower()
        ]
        found.sort(key=lambda story: (story["created_at_i"], int(story["objectID"])), reverse=True)
        reachable = found[:1000]
        hits = reachable[page * size : (page + 1) * size]
        return {
            "hits": [dict(hit) for hit in hits],
            "nbHits": len(found),
            "nbPages": -(-len(reachable) // size),
            "page": page,
            "hitsPerPage": size,
        }

    def official(self, path):
        if path == "/v0/updates.json":
            return {"items": list(self.updates), "profiles": []}
        match = re.fullmatch(r"/v0/item/(\d+)\.json", path)
        if not match:
            raise Refused(401, {"error": "Permission denied"})
        story = self.stories.get(int(match[1]))
        if story is None:
            return None
        if story.get("deleted"):
            return {"id": int(match[1]), "type": "story", "time": story["created_at_i"], "deleted": True}
        counts = {"score": story["points"], "descendants": story["num_comments"]}
        named = {"title": story["title"], "url": story["url"], "by": story["author"], "time": story["created_at_i"]}
        return {"id": int(match[1]), "type": "story", **named, **counts}


class Frankfurter(Service):
    """It splits its symbols at commas without stripping them, and leaves out those that it does not know."""

    hosts = ("api.frankfurter.dev",)
    params = frozenset({"base", "symbols"})
    symbols = ("GBP", "USD", "JPY")

    def __init__(self):
        super().__init__()
        self.revised = {}  # (day, symbol): rate
        self.sampled = False  # whether a long time has only one day a week

    def rate(self, day, symbol):
        return self.revised.get(
            (day, symbol), round(1 + (day.toordinal() * 7 + len(symbol) * ord(symbol[0])) % 97 / 97, 4)
        )

    def data(self, host, path, asked, headers):
        match = re.fullmatch(r"/v1/(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", path)
        if not match or asked.get("base") != "EUR":
            raise Refused(404, {"message": "not found"})
        first, last = map(date.fromisoformat, match.groups())
        chosen = asked["symbols"].upper().split(",") if "symbols" in asked else self.symbols
        if chosen == [asked["base"]]:
            raise Refused(422, {"message": "bad currency pair"})
        chosen = [symbol for symbol in chosen if symbol in self.symbols]
        if first > last:
            raise Refused(422, {"message": "invalid date range"})
        days = self.days_of(first, min(last, self.now().date()))
        if not days or not chosen:
            raise Refused(404, {"message": "not found"})
        if self.sampled and last - first > 90 * DAY:
            days = days[::5]
        rates = {f"{day}": {symbol: self.rate(day, symbol) for symbol in chosen} for day in days}
        return {"amount": 1.0, "base": "EUR", "start_date": f"{days[0]}", "end_date": f"{days[-1]}", "rates": rates}

    def days_of(self, first, last):
        """The working days."""
        days = (first + n * DAY for n in range((last - first).days + 1))
        return [day for day in days if day.weekday() < 5]


class OpenMeteo(Service):
    hosts = ("api.open-meteo.com",)
    limits = ((600, 60.0),)
    params = frozenset({"latitude", "longitude", "hourly", "past_days", "forecast_days", "timezone"})
    units = MappingProxyType({"temperature_2m": "°C", "precipitation": "mm"})

    def __init__(self):
        super().__init__()
        self.revised = {}  # (hour, variable): value
        self.spent = None  # `Minutely`, `Hourly` or `Daily`: the spent limit

    def value(self, hour, variable):
        return self.revised.get((hour, variable), round((hour.timestamp() / 3600 % 97) / 3 + len(variable), 1))

    def hours(self, past_days):
        today = self.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return [today - past_days * DAY + n * HOUR for n in range((past_days + 7) * 24)]

    def data(self, host, path, asked, headers):
        def refuse(reason):
            return Refused(400, {"error": True, "reason": reason})

        if self.spent:
            when = {"Minutely": "in one minute", "Hourly": "in the next hour", "Daily": "tomorrow"}[self.spent]
            reason = f"{self.spent} API request limit exceeded. Please try again {when}."
            raise Refused(429, {"error": True, "reason": reason})
        if path != "/v1/forecast" or asked.get("timezone") != "UTC":
            raise refuse("no such path, or no timezone")
        if not (-90 <= float(asked["latitude"]) <= 90 and -180 <= float(asked["longitude"]) <= 180):
            raise refuse("Latitude must be in range of -90 to 90°.")
        past = number(asked, "past_days", 0, 0, 92, refuse)
        variables = asked["hourly"].split(",")
        if set(variables) - set(self.units):
            raise refuse(f"Cannot initialize {', '.join(set(variables) - set(self.units))}")
        hours = self.hours(past)
        return {
            "latitude": float(asked["latitude"]),
            "hourly_units": {"time": "iso8601"} | {name: self.units[name] for name in variables},
            "hourly": {"time": [f"{hour:%Y-%m-%dT%H:%M}" for hour in hours]}
            | {name: [self.value(hour, name) for hour in hours] for name in variables},
        }


class CoinGecko(Service):
    """Five-minute values for a day, hourly ones up to 90 days, daily ones above; the last one is of now."""

    hosts = ("api.coingecko.com",)
    limits = ((10, 60.0),)
    params = frozenset({"vs_currency", "days"})
    coins = ("bitcoin", "ethereum")
    key = "CG-demo-secret-31f7"

    def __init__(self):
        super().__init__()
        self.revised = {}  # (coin, ms): price
        self.reply = None  # its answer in place of all data
        self.started = ago()

    def now(self):
        return self.started + self.offset

    def values(self, coin, days):
        step = 300 if days == 1 else 3600 if days <= 90 else 86_400
        now = int(self.now().timestamp())
        end, late = now // step * step, 0 if step == 86_400 else 427
        times = [1000 * each + late for each in range(end - days * 86_400 + step, end, step)] + [1000 * now]
        return [[ms, self.revised.get((coin, ms), 1000 + ms / 1000 % 9973 + len(coin))] for ms in times]

    def error(self, message):
        return {"status": {"error_code": 429, "error_message": message}}

    def data(self, host, path, asked, headers):
        given = {name.lower(): value for name, value in headers.items()}
        if given.get("x-cg-demo-api-key", self.key) != self.key:
            told = {"error_code": 10002, "error_message": "API Key Missing or wrong"}
            raise Refused(401, {"status": told})
        if self.reply is not None:
            return self.reply
        match = re.fullmatch(r"/api/v3/coins/([^/]+)/market_chart", path)
        if not match or match[1] not in self.coins:
            raise Refused(404, {"error": "coin not found"})
        if asked.get("vs_currency") not in ("usd", "eur"):
            raise Refused(400, {"error": "invalid vs_currency"})
        days = asked.get("days", "")
        if not days.isdecimal() or int(days) > 365:
            raise Refused(401, {"error": {"status": {"error_code": 10012, "error_message": "exceeds the time range"}}})
        values = self.values(match[1], int(days))
        return {"prices": values, "market_caps": [[ms, None] for ms, _ in values], "total_volumes": values}


class Exoplanets(Service):
    hosts = ("exoplanetarchive.ipac.caltech.edu",)
    params = frozenset({"query", "format"})

    def __init__(self):
        super().__init__()
        self.planets = {}
        self.problem = None  # its answer, with status 200, in place of planets

    def put(self, name, **values):
        self.planets[name] = {"pl_name": name, "hostname": name[:-2], "disc_year": 2020, "pl_rade": 1.25} | values

    def data(self, host, path, asked, headers):
        match = re.fullmatch(r"select ([a-z_,]+) from pscomppars", asked.get("query", ""))
        if path != "/TAP/sync" or not match or asked.get("format") != "json":
            raise Refused(400, "<VOTABLE><INFO name='QUERY_STATUS' value='ERROR'>ORA-00933</INFO></VOTABLE>")
        if self.problem:
            info = f'<INFO name="QUERY_STATUS" value="ERROR">{self.problem}</INFO>'
            raise Refused(200, f'<?xml version="1.0"?><VOTABLE><RESOURCE type="results">{info}</RESOURCE></VOTABLE>')
        columns = match[1].split(",")
        return [{column: planet.get(column) for column in columns} for planet in self.planets.values()]


def _id(row):
    return (row.get("id") if isinstance(row, dict) else None) or 10**9


class Listing(Service):
    """A list of made-up records, the newest first, that pages in one of four ways; strict in each."""

    params = frozenset({"page", "per_page", "offset", "limit", "token", "since", "until", "size", "key", "after"})

    def __init__(self, host, paging, size=10):
        super().__init__()
        self.hosts = (host,)
        self.paging = paging
        self.size = size
        self.rows = []
        self.tokens = {}  # token: (position, how often it may still be used)
        self.uses = None  # of a token; None: for ever
        self.total = None  # the reported total; None: the true one
        self.key = None
        self.reply = None  # (status, body, headers) in place of all

    def put(self, n, **values):
        row = {"id": n, "url": f"https://{self.hosts[0]}/{n}", "title": f"Record number {n}", "value": n} | values
        self.rows.insert(0, row)
        return row

    def take_out(self, *ids):
        self.rows = [row for row in self.rows if row["id"] not in ids]

    def data(self, host, path, asked, headers):
        if self.key and self.key not in (asked.get("key"), headers.get("X-Key")):
            raise Refused(401, {"message": f"no such key: {asked.get('key')} {headers.get('X-Key')}"})
        if self.reply is not None:
            raise Refused(*self.reply)
        return getattr(self, f"by_{self.paging}")(asked)

    def page(self, start, **more):
        total = len(self.rows) if self.total is None else self.total
        return {"rows": self.rows[start : start + self.size], "total": total} | more

    def by_number(self, asked):
        start = (int(asked.get("page", "1")) - 1) * self.size
        if start > 0 and start >= len(self.rows):
            raise Refused(404, {"message": "no such page"})
        return self.page(start)

    def by_offset(self, asked):
        return self.page(int(asked["offset"]))

    def by_token(self, asked):
        """A record's key marks the start of the next page: nothing drifts."""
        start = self.position(asked.get("token"))
        following = None
        if start + self.size < len(self.rows):
            following = f"token-{len(self.tokens)}"
            self.tokens[following] = [_id(self.rows[start + self.size - 1]), self.uses]
        return self.page(start, next=following)

    def position(self, token):
        if token is None:
            return 0
        if token not in self.tokens or self.tokens[token][1] == 0:
            raise Refused(410, {"message": "the token is over"})
        last, uses = self.tokens[token]
        if uses:
            self.tokens[token][1] = uses - 1
        return next((n for n, row in enumerate(self.rows) if _id(row) < last), len(self.rows))

    def by_link(self, asked):
        start = self.position(asked.get("after"))
        answer = self.page(start)
        if start + self.size < len(self.rows):
            token = f"token-{len(self.tokens)}"
            self.tokens[token] = [_id(self.rows[start + self.size - 1]), self.uses]
            kept = {"after": token} | ({"key": asked["key"]} if "key" in asked else {})
            self.link = {"Link": f'<https://{self.hosts[0]}/rows?{urlencode(kept)}>; rel="next"'}
        else:
            self.link = {}
        return answer

    def told(self):
        return getattr(self, "link", {})


# --- The server -------------------------------------------------------------------------------------------------------

FAULTS = ("429", "429 with Retry-After", "500", "503", "hangs", "closes", "cut", "cut JSON", "HTML")


class Faults:
    """Spoils a share of the answers, by chance."""

    def __init__(self, share, seed, kinds=FAULTS):
        self.share = share
        self.kinds = kinds
        self.random = random.Random(seed)
        self.made = Counter()

    def next(self):
        if self.random.random() >= self.share:
            return None
        kind = self.random.choice(self.kinds)
        self.made[kind] += 1
        return kind


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        host, url = self.headers["Host"].partition(":")[0], urlsplit(self.path)
        with suppress(OSError):  # the client went away
            service = self.server.services.get(host)
            if service is None:
                self.send(404, b"no such host", {})
                return
            query = parse_qsl(url.query, keep_blank_values=True)
            status, body, headers = service.answer(host, url.path, query, dict(self.headers))
            body = (
                body
                if isinstance(body, bytes)
                else body.encode()
                if isinstance(body, str)
                else json.dumps(body).encode()
            )
            fault = self.server.faults.next() if self.server.faults and status == 200 else None
            if fault == "410" and "token=" not in url.query:  # of a token
                fault = None
            self.send(status, body, headers, fault)

    def send(self, status, body, headers, fault=None):
        match fault:
            case "429" | "500" | "503" | "410":
                status, body = int(fault), b"{}"
            case "429 with Retry-After":
                status, body, headers = 429, b"{}", headers | {"Retry-After": 1}
            case "HTML":
                body, headers = b"<html><body>We are down for maintenance</body></html>", {"Content-Type": "text/html"}
            case "cut JSON":
                body = body[: len(body) // 2]
            case "hangs":
                self.server.stopping.wait(20)
            case "closes":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
        self.send_response(status)
        length = len(body)
        for name, value in {"Content-Type": "application/json", "Content-Length": length, **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
        if fault == "cut":
            self.close_connection = True

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 50

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.services = {}
        self.faults = None
        self.stopping = threading.Event()

    def serve(self, *services):
        """These from now on; the setting STAND_INS that leads to them."""
        self.services = {host: service for service in services for host in service.hosts}
        return json.dumps(dict.fromkeys(self.services, f"http://127.0.0.1:{self.server_port}"))

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
