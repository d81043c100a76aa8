import threading
import time

import pytest
from scrapy.http import Response

from newsbot.downloader.retry_after import LONGEST, retry_after


def test_other_answers_ask_for_no_wait():
    assert retry_after(Response("http://example.org/", status=301, headers={"Retry-After": "5"})) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:59:29 GMT"}, 30.0),
        ({"Retry-After": "Fri Dec 31 23:59:59 1999", "Date": "Fri, 31 Dec 1999 23:59:29 GMT"}, 30.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "nonsense"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "9" * 5000}, LONGEST),
        ({"Retry-After": "Fri, 31 Dec " + "9" * 30 + " 23:59:59 GMT"}, None),
        ({"Retry-After": b"\xff\xfe"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_what_a_response_asks(headers, seconds):
    assert retry_after(Response("http://example.org/", status=429, headers=headers)) == seconds


def test_a_far_date_is_a_long_wait():
    response = Response("http://example.org/", status=429, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})
    assert retry_after(response) > 365 * 86400


class Busy:
    """A page that asks for a wait several times, then answers; ``asked`` has the times of the requests."""

    def __init__(self, status, times=1, **headers):
        self.status = status
        self.times = times
        self.headers = headers
        self.asked = []

    def __call__(self, handler):
        self.asked.append(time.monotonic())
        if len(self.asked) <= self.times:
            handler.answer(self.status, **self.headers)
        else:
            handler.answer(body=b"at last")


def test_the_whole_host_waits_and_others_go_on(serve, crawl):
    busy = Busy(429, Retry_After="2")
    told_to_wait = threading.Event()

    def ask_for_a_wait(handler):
        busy(handler)
        told_to_wait.set()

    def other_page(handler):
        assert told_to_wait.wait(60)
        handler.answer(body=b"page")

    server = serve({"/busy": ask_for_a_wait, "/page": other_page})
    host, other = f"http://127.0.0.1:{server.port}", f"http://localhost:{server.port}"
    result = crawl(
        f"{host}/busy",
        f"{host}/page?1",
        *(f"{other}/page?{n}" for n in range(5)),
        ALLOW_PRIVATE_HOSTS="127.0.0.1,localhost",
        CONCURRENT_REQUESTS_PER_DOMAIN=1,
    )
    assert result[f"{host}/busy"]["body"] == "at last"
    assert result[f"{host}/busy"]["retry_after"] is None
    assert busy.asked[1] - busy.asked[0] >= 2
    assert {at for at, _ in server.seen[2:6]} == {f"localhost:{server.port}"}
    assert set(server.seen[6:]) == {(f"127.0.0.1:{server.port}", path) for path in ("/busy", "/page?1")}
    assert result.stats["retry_after/waited"] == 1


def test_a_long_wait_is_left_to_the_spider(serve, crawl):
    short = Busy(503, times=5, Retry_After="0")
    routes = {"/long": Busy(429, Retry_After="61"), "/short": short, "/plain": Busy(429)}
    server = serve(routes)
    base = f"http://127.0.0.1:{server.port}"
    asked = [{"url": base + path} for path in routes]
    once = {"url": f"{base}/short?once", "meta": {"dont_retry": True}}
    result = crawl(*asked, once, ALLOW_PRIVATE_HOSTS="127.0.0.1", RETRY_TIMES=2)
    assert (result[f"{base}/long"]["status"], result[f"{base}/long"]["retry_after"]) == (429, 61.0)
    assert len(routes["/long"].asked) == 1
    assert (result[f"{base}/short"]["status"], result[f"{base}/short"]["retry_after"]) == (503, 0.0)
    assert result[once["url"]]["retry_after"] == 0.0
    assert len(short.asked) == 4, "once, twice more, and the one that is not to be retried"
    assert result[f"{base}/plain"]["body"] == "at last"
    assert result.stats["retry_after/left"] == 3


def test_a_wait_that_is_kept_is_bounded(serve, crawl):
    server = serve({f"/{n}": Busy(429, Retry_After=value) for n, value in enumerate(("999999999", "9" * 400))})
    urls = [f"http://127.0.0.1:{server.port}/{n}" for n in range(2)]
    result = crawl(*urls, ALLOW_PRIVATE_HOSTS="127.0.0.1")
    assert [result[url]["retry_after"] for url in urls] == [7 * 86_400] * 2


def test_the_longest_wait_is_a_setting(serve, crawl):
    server = serve({"/busy": Busy(429, Retry_After="2")})
    url = f"http://127.0.0.1:{server.port}/busy"
    assert crawl(url, ALLOW_PRIVATE_HOSTS="127.0.0.1", RETRY_AFTER_MAX=1.5)[url]["retry_after"] == 2.0
