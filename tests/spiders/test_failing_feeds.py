"""Feeds that fail, each in its way, beside a good one: the reports, the stored state, the next requests."""

import gzip
import json
import socket

import pytest
from made_up_sites import entry, rss, source, stories

MAXSIZE = 12 * 1024 * 1024
ODD = rss(
    entry("A file", "file:///etc/passwd"),
    entry("A script", "javascript:alert(1)"),
    entry("Without a link"),
    entry(None, "https://odd.example/untitled"),
    entry("The first title", "https://odd.example/twice"),
    entry("The second title", "https://odd.example/twice"),
    entry("In the year 9999", "https://odd.example/9999", "Fri, 31 Dec 9999 23:59:59 -1200"),
    entry("In the year 1", "https://odd.example/0001", "0001-01-01T00:00:00+12:00"),
    entry("Without a date", "https://odd.example/dateless"),
    entry("n" * 10_000_000, "https://odd.example/long"),
)
JSON = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Made up",
    "items": [
        {"id": "1", "url": "https://json.example/1", "title": "Lone \ud800 and \0 nul"},
        {"id": "2", "url": "https://json.example/2\0", "title": "Nul in the link"},
        {"id": "3", "url": "https://json.example/3", "title": "A good one"},
    ],
}
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + ']><rss version="2.0"><channel><item><title>&a11;</title><link>https://entities.example/1</link></item></channel></rss>'
)


def endless(handler):
    """A feed that goes on until it is cut off."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b'<?xml version="1.0"?><rss version="2.0"><channel>')
    block = b"<item><title>More</title></item>" * 1000
    while not handler.server.stopping.is_set():
        handler.wfile.write(block)


def trickling(handler):
    """A byte a second."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.server.stopping.wait(1):
        handler.wfile.write(b"<")
        handler.wfile.flush()


def broken_off(handler):
    """Fewer bytes than promised."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(stories("brokenoff"))
    handler.close_connection = True


def hanging_up(handler):
    handler.close_connection = True


def talking_of_other_things(handler):
    handler.wfile.write(b"HTTP/1.1 hello " + b"o" * 10_000 + b"\r\n\r\n")
    handler.close_connection = True


def silent(handler):
    handler.server.stopping.wait()


NAMES = ("good", "html", "empty", "notfound", "error", "timeout", "refused", "forbidden", "later", "gone", "endless")
MORE = (
    "trickling",
    "inflating",
    "gzbomb",
    "entities",
    "redirect",
    "odd",
    "json",
    "tosite",
    "loop",
    "brokenoff",
    "hangup",
    "talk",
    "tofile",
)
METADATA = "http://169.254.169.254/latest/meta-data"
ENTRIES = [
    *(source(name, "/feed") for name in NAMES + MORE),
    source("metadata", feeds=[METADATA]),
]
SETTINGS = {"DOWNLOAD_TIMEOUT": 3, "DOWNLOAD_MAXSIZE": MAXSIZE, "RETRY_AFTER_MAX": 5}


@pytest.fixture(scope="module")
def other():
    """Another private address, which nobody may call: a socket that accepts no connection."""
    with socket.socket() as other:
        other.bind(("127.0.0.2", 0))
        other.listen()
        other.setblocking(False)
        yield other


@pytest.fixture(scope="module")
def runs(newsbot, other):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    private = f"http://127.0.0.2:{other.getsockname()[1]}/feed"
    newsbot.stand_ins = {"refused.example": f"http://127.0.0.1:{port}"}
    zeros = bytes(5 * MAXSIZE)
    answers = {
        "good": (200, stories("good"), {}),
        "html": (200, b"<!doctype html><html><h1>We have moved</h1></html>", {"Content-Type": "text/html"}),
        "empty": (200, b"", {}),
        "error": (500, b"", {}),
        "timeout": silent,
        "later": (503, b"", {"Retry-After": "7200"}),
        "gone": (410, b"", {}),
        "endless": endless,
        "trickling": trickling,
        "brokenoff": broken_off,
        "hangup": hanging_up,
        "talk": talking_of_other_things,
        "tofile": (302, b"", {"Location": "file:///etc/passwd"}),
        "inflating": (200, gzip.compress(zeros), {"Content-Encoding": "gzip"}),
        "gzbomb": (200, gzip.compress(rss() + zeros), {"Content-Type": "application/gzip"}),
        "entities": (200, ENTITIES.encode(), {}),
        "redirect": (302, b"", {"Location": private}),
        "loop": (302, b"", {"Location": "/feed"}),
        "tosite": (200, rss(entry("A private link", private)), {}),
        "odd": (200, ODD, {}),
        "json": (200, json.dumps(JSON).encode(), {"Content-Type": "application/feed+json"}),
    }
    newsbot.sites.routes = {(f"{name}.example", "/feed"): answer for name, answer in answers.items()}
    newsbot.sites.routes["forbidden.example", "/robots.txt"] = 200, b"User-agent: newsbot\nDisallow: /feed\n", {}
    first = newsbot.crawl(ENTRIES, **SETTINGS)
    _, statuses = newsbot.last_run()
    newsbot.sites.log.clear()
    return first, statuses, newsbot.crawl(ENTRIES, **SETTINGS), newsbot.last_run()[1]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://html.example/feed", "is not a feed: "),
        ("https://empty.example/feed", "is not a feed: found no bytes"),
        ("https://notfound.example/feed", "HTTP status 404"),
        ("https://error.example/feed", "HTTP status 500"),
        ("https://timeout.example/feed", "took longer than 3"),
        ("https://refused.example/feed", "refused"),
        ("https://forbidden.example/feed", "robots.txt"),
        ("https://later.example/feed", "HTTP status 503"),
        ("https://gone.example/feed", "HTTP status 410, gone: it is asked daily for a week"),
        ("https://endless.example/feed", f"larger than {MAXSIZE} bytes"),
        ("https://trickling.example/feed", "took longer than 3"),
        ("https://brokenoff.example/feed", "the answer broke off before its end"),
        ("https://hangup.example/feed", "Connection was closed cleanly."),
        ("https://talk.example/feed", "('non-integer status code', b'HTTP/1.1 hello ooo"),
        ("https://tofile.example/feed", "HTTP status 302, leads to 'file:///etc/passwd'"),
        ("https://inflating.example/feed", f"exceeded DOWNLOAD_MAXSIZE ({MAXSIZE} B)"),
        ("https://redirect.example/feed", "127.0.0.2 (loopback)"),
        ("https://loop.example/feed", "redirect"),
        (METADATA, "169.254.169.254 (metadata)"),
    ],
)
def test_it_is_reported(runs, url, told):
    process, statuses, *_ = runs
    assert statuses[url] not in ("ok", "")
    assert told in statuses[url]
    assert "twisted" not in statuses[url]
    assert len(statuses[url]) < 300
    assert f"{url}: {statuses[url]}" in process.stderr


@pytest.mark.parametrize("name", ["gzbomb", "entities"])
def test_a_bomb_does_no_harm(runs, name):
    _, statuses, *_ = runs
    assert statuses[f"https://{name}.example/feed"]


def test_the_others_go_on(runs, newsbot):
    process, *_ = runs
    assert process.returncode == 0
    assert newsbot.query("SELECT count(*) FROM articles WHERE source_id = 'good'") == [(3,)]


def test_nobody_asked_at_the_other_private_address(runs, other):
    with pytest.raises(BlockingIOError):
        other.accept()


def test_failures_in_a_row_are_counted(runs, newsbot):
    failures = dict(newsbot.query("SELECT source_id, failures FROM feeds"))
    assert {failures[name] for name in ("html", "empty", "notfound", "error", "refused", "forbidden", "metadata")} == {
        2
    }
    assert failures["good"] == 0


def test_what_is_gone_or_asked_to_wait_is_not_asked_again(runs, newsbot):
    *_, second = runs
    assert newsbot.sites.asked("gone.example") == newsbot.sites.asked("later.example") == []
    assert second["https://later.example/feed"].startswith("asked to be left alone until 20")
    assert second["https://gone.example/feed"].startswith("not asked; answered 410 at 20")
    ((wait,),) = newsbot.query(
        "SELECT extract(epoch FROM not_before - fetched_at) FROM feeds WHERE source_id = 'later'"
    )
    assert wait == 7200


def test_robots_txt_is_obeyed(runs, newsbot):
    assert newsbot.sites.asked("forbidden.example") == []


def test_odd_entries(runs, newsbot):
    stored = newsbot.query("SELECT url, title, published_at FROM articles WHERE source_id = 'odd' ORDER BY url")
    assert [(url, date) for url, _, date in stored] == [
        ("https://odd.example/0001", None),
        ("https://odd.example/9999", None),
        ("https://odd.example/dateless", None),
        ("https://odd.example/long", None),
        ("https://odd.example/twice", None),
        ("https://odd.example/twice", None),
    ]
    assert len(stored[3][1]) == 1000
    assert {title for _, title, _ in stored[4:]} == {"The first title", "The second title"}  # told apart only by these
    refused = newsbot.query("SELECT url, field FROM rejects WHERE source_id = 'odd'")
    assert {(url, field) for url, field in refused if field != "published_at"} == {
        ("file:///etc/passwd", "url"),
        ("javascript:alert(1)", "url"),
        ("", "url"),
        ("https://odd.example/untitled", "title"),
    }


def test_nul_and_lone_surrogates(runs, newsbot):
    titles = newsbot.query("SELECT title FROM articles WHERE source_id = 'json' ORDER BY title")
    refused = newsbot.query("SELECT payload ->> 'title' FROM rejects WHERE source_id = 'json'")
    assert ("A good one",) in titles
    assert len(titles) + len(refused) == 3


def test_the_reasons_stand_at_the_end(runs, newsbot):
    process, *_ = runs
    refused, _, left_out = process.stderr.partition("Refused (kept in the table rejects):")[2].partition("Left out of")
    assert "javascript:alert(1)" in refused
    assert left_out.startswith(" stored items (kept in the table rejects):\n  1 x published_at: ")
    ((odd, total),) = newsbot.query(
        "SELECT stats -> 'sources' -> 'odd', (stats -> 'left_out')::int FROM runs ORDER BY started_at LIMIT 1"
    )
    ((rows,),) = newsbot.query("SELECT count(*) FROM rejects WHERE source_id = 'odd'")
    assert (odd["left_out"], total, odd["rejected"] + odd["left_out"]) == (2, 2, rows)
