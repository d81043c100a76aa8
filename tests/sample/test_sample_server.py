"""The server of the sample newsroom, over HTTP."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from parsel import Selector

from newsbot.sample.newsroom import FOLDER
from newsbot.sample.server import serving
from newsbot.sources.catalogue import load


@pytest.fixture
def newsroom():
    with serving() as server:
        yield server


def ask(port, host, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, headers={"Host": host, **headers})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def split(url):
    return re.fullmatch("https://([^/]+)(/.*)", url).groups()


def test_every_address_of_the_catalogue(newsroom):
    catalogue = load([FOLDER / "catalogue.yaml"])
    statuses = {}
    for source in (catalogue[site.id] for site in newsroom.sites.values()):
        for url in (*source.feeds, *source.news_sitemaps, *(section.url for section in source.sections)):
            statuses[url], _, _ = ask(newsroom.server_port, *split(url))
    others = {url: status for url, status in statuses.items() if status != 200}
    assert others == {"https://kuestenbote.example/sport.atom": 404, "https://phare-du-ponant.example/rss": 301}
    assert len(statuses) == 14


def test_front_pages_and_articles(newsroom):
    for site in newsroom.sites.values():
        status, _, raw = ask(newsroom.server_port, site.host, "/")
        links = Selector(raw.decode()).css("article h2 a")
        assert (status, len(links) >= 8) == (200, True), site.id
        link = links[0]
        status, _, raw = ask(newsroom.server_port, *split(link.attrib["href"]))
        page = Selector(raw.decode())
        facts = json.loads(page.css('script[type="application/ld+json"]::text').get())
        title = link.css("::text").get()
        assert status == 200
        assert page.css("h1::text").get() == facts["headline"] == title
        assert page.css('meta[property="og:title"]').attrib["content"] == title
        assert page.css("time").attrib["datetime"] == facts["datePublished"]
        assert facts["author"]["name"] in page.css(".byline::text").get()
        assert len(page.css("article p:not(.byline)")) == 3


def test_a_permanent_redirect_leads_to_the_feed(newsroom):
    status, headers, _ = ask(newsroom.server_port, "phare-du-ponant.example", "/rss")
    assert (status, headers["Location"]) == (301, "/flux/actualites.rdf")


@pytest.mark.parametrize(
    ("host", "path", "validator", "condition"),
    [
        ("al-sahil.example", "/feed.json", "ETag", "If-None-Match"),
        ("shiokaze.example", "/index.rdf", "Last-Modified", "If-Modified-Since"),
    ],
)
def test_a_conditional_request(newsroom, host, path, validator, condition):
    _, headers, body = ask(newsroom.server_port, host, path)
    status, _, again = ask(newsroom.server_port, host, path, **{condition: headers[validator]})
    assert (status, again) == (304, b"")
    status, _, again = ask(newsroom.server_port, host, path, **{condition: "another"})
    assert (status, again) == (200, body)


def test_the_next_edition_has_another_validator(newsroom):
    address = newsroom.server_port, "kuestenbote.example", "/aktuell.atom"
    _, first, _ = ask(*address)
    status, _, _ = ask(newsroom.server_port, "127.0.0.1", "/next-edition", "POST")
    assert (status, newsroom.edition) == (200, 2)
    status, second, _ = ask(*address, **{"If-None-Match": first["ETag"]})
    assert status == 200
    assert second["ETag"] != first["ETag"]


def test_robots_txt(newsroom):
    for host in newsroom.sites:
        status, _, body = ask(newsroom.server_port, host, "/robots.txt")
        assert (status, body) == (200, b"User-agent: *\nDisallow: /drafts/\n")


def test_an_unknown_host_gets_the_known_ones(newsroom):
    status, _, body = ask(newsroom.server_port, "127.0.0.1", "/")
    assert status == 404
    assert "al-sahil.example" in body.decode()


WIRE = "api.seven-seas-wire.example"


def dispatches(newsroom, **query):
    since = newsroom.clock - timedelta(hours=24)
    asked = {"since": since.isoformat(), "until": (newsroom.clock + timedelta(seconds=1)).isoformat()} | query
    status, _, body = ask(newsroom.server_port, WIRE, f"/v1/dispatches?{urlencode(asked)}")
    return status, json.loads(body)


def test_the_wire_has_pages_a_total_and_times(newsroom):
    _, whole = dispatches(newsroom, size=50)
    _, first = dispatches(newsroom, size=5)
    _, second = dispatches(newsroom, size=5, page=2)
    assert (whole["total"], first["total"], len(whole["dispatches"])) == (7, 7, 7)
    assert first["dispatches"] + second["dispatches"] == whole["dispatches"]
    times = [each["filed_at"] for each in whole["dispatches"]]
    assert times == sorted(times, reverse=True)
    assert {each["desk"] for each in dispatches(newsroom, desk="Science")[1]["dispatches"]} == {"Science"}
    newsroom.next_edition()
    assert dispatches(newsroom)[1]["total"] == 9


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"page": 0}, {"size": 51}, {"size": "many"}, {"sice": 1}])
def test_the_wire_refuses_what_it_does_not_understand(newsroom, query):
    status, answer = dispatches(newsroom, **query)
    assert status == 400
    assert answer["error"]


def test_the_office_gives_the_days_up_to_yesterday(newsroom):
    today = newsroom.clock.date()
    path = f"/herring-index/{today - timedelta(days=3)}..{today}"
    _, _, body = ask(newsroom.server_port, "statistics.saltmere.example", path)
    assert [each["date"] for each in json.loads(body)["days"]] == [str(today - timedelta(days=n)) for n in (3, 2, 1)]
    status, _, _ = ask(newsroom.server_port, "statistics.saltmere.example", "/herring-index/x..y")
    assert status == 400


def test_the_command_serves_until_it_is_interrupted():
    command = [sys.executable, "-m", "newsbot.sample"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=environment) as process:
        try:
            guide = ""
            while "Ctrl-C" not in guide:
                line = process.stdout.readline()
                assert line, f"ended after {guide!r}"
                guide += line
            port = int(re.search(r"http://127\.0\.0\.1:(\d+)", guide)[1])
            assert "scrapy crawl headlines -a catalogue=" in guide
            assert re.search(r"scrapy crawl api -a config=.*/seven-seas-wire\.yaml", guide)
            assert ask(port, "shiokaze.example", "/")[0] == 200
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait() == 0
