"""Feeds behind a login: where it goes, where it does not go, and that it shows nowhere."""

import base64
import subprocess

import pytest
import yaml
from made_up_sites import ROOT, entry, environment, rss, source, stories

USER, PASSWORD = "reader@paper", 's3cret/of:"mine" ü'
LOGIN = f"{USER}:{PASSWORD}"
TOKEN = base64.b64encode(LOGIN.encode()).decode()
SHOWN = (PASSWORD, "s3cret", TOKEN)


def guarded(body):
    def route(handler):
        if handler.headers["Authorization"] == f"Basic {TOKEN}":
            return 200, body, {}
        return 401, b"no", {"WWW-Authenticate": 'Basic realm="made up"'}

    return route


def crawl(newsbot, entries, login=LOGIN, stand_ins=()):
    newsbot.sites.log.clear()
    base = f"http://127.0.0.1:{newsbot.sites.server_port}"
    newsbot.stand_ins = dict.fromkeys(stand_ins, base)
    command = newsbot.command(entries, LOG_LEVEL="DEBUG")
    given = environment() | ({"MADE_UP_LOGIN": login} if login is not None else {})
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=given)


def everything(newsbot):
    """All content of the database, as text."""
    tables = newsbot.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    return "\n".join(str(newsbot.query(f'SELECT t::text FROM "{table}" AS t')) for (table,) in tables)


def test_the_login_is_sent_and_shows_nowhere(newsbot):
    repeated = rss(
        entry("Behind a login", "https://behind.example/1"),
        entry(f"For {LOGIN}", "https://behind.example/2"),
        entry("Without a link"),
    )
    newsbot.sites.routes["behind.example", "/feed"] = guarded(repeated)
    newsbot.sites.routes["behind.example", "/fails"] = 500, f"no more for {LOGIN}, {TOKEN}".encode(), {"X-Login": TOKEN}
    process = crawl(newsbot, [source("behind", "/feed", "/fails", auth="env:MADE_UP_LOGIN")])
    assert process.returncode == 0, process.stderr
    titles = newsbot.query("SELECT title FROM articles WHERE source_id = 'behind' ORDER BY url")
    assert titles == [("Behind a login",), ("For ***",)]
    shown = process.stdout + process.stderr + everything(newsbot)
    assert "DEBUG" in shown
    assert [part for part in SHOWN if part in shown] == []
    asked = {path: headers for _, path, headers in newsbot.sites.log}
    assert "Authorization" not in asked["/robots.txt"]


@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("leads", "https://elsewhere.example/feed"),
        ("plain", "http://plain.example/other"),
        ("port", "https://port.example:8443/other"),
    ],
)
def test_the_login_follows_no_redirect_to_another_server(newsbot, name, location):
    newsbot.sites.routes[f"{name}.example", "/feed"] = 301, b"", {"Location": location}
    for host in (f"{name}.example", "elsewhere.example"):
        newsbot.sites.routes[host, "/other"] = newsbot.sites.routes["elsewhere.example", "/feed"] = (
            200,
            stories(name),
            {},
        )
    for _ in range(2):  # the second goes there at once
        process = crawl(newsbot, [source(name, "/feed", auth="env:MADE_UP_LOGIN")], stand_ins=["elsewhere.example"])
        assert process.returncode == 0, process.stderr
        asked = [headers.get("Authorization") for _, path, headers in newsbot.sites.log if path != "/robots.txt"]
        assert asked[-1] is None
    assert len(asked) == 1


def test_the_login_goes_to_no_sitemap_on_another_host(newsbot):
    listed = b'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">%s</sitemapindex>'
    children = [
        b"https://maps.example/1.xml",
        b"https://elsewhere.example/2.xml",
        b"https://reader:pw1234@maps.example/3.xml",
    ]
    body = listed % b"".join(b"<sitemap><loc>%s</loc></sitemap>" % child for child in children)
    newsbot.sites.routes["maps.example", "/index.xml"] = guarded(body)
    news = source("maps", news_sitemaps=["https://maps.example/index.xml"], auth="env:MADE_UP_LOGIN")
    process = crawl(newsbot, [news], stand_ins=["elsewhere.example"])
    asked = {path: headers.get("Authorization") for _, path, headers in newsbot.sites.log if path != "/robots.txt"}
    assert asked == {"/index.xml": f"Basic {TOKEN}", "/1.xml": f"Basic {TOKEN}", "/2.xml": None}
    assert "https://maps.example/3.xml: its URL has a login, which is not sent" in process.stderr
    assert "pw1234" not in process.stderr + everything(newsbot)


@pytest.mark.parametrize(("login", "told"), [(None, "is not set"), ("a-token", "has no colon")])
def test_a_login_that_is_missing_costs_its_source(newsbot, login, told):
    newsbot.sites.routes["free.example", "/feed"] = 200, stories("free"), {}
    process = crawl(newsbot, [source("missing", "/feed", auth="env:MADE_UP_LOGIN"), source("free", "/feed")], login)
    assert process.returncode == 0
    problem = f"the environment variable MADE_UP_LOGIN {told}: put user:password into it"
    assert f"https://missing.example/feed: {problem}" in process.stderr
    assert newsbot.sites.asked("missing.example") == []
    assert newsbot.query("SELECT problem FROM feeds WHERE source_id = 'missing'") == [(problem,)]


@pytest.mark.parametrize(
    ("name", "auth", "told"),
    [
        ("refuses", "env:MADE_UP_LOGIN", "the login in the environment variable MADE_UP_LOGIN is refused"),
        ("wants", None, "it needs a login: write auth: env:NAME in its entry of the catalogue"),
    ],
)
def test_a_401_tells_what_to_look_at(newsbot, name, auth, told):
    newsbot.sites.routes[f"{name}.example", "/feed"] = guarded(stories(name))
    entry = source(name, "/feed", **({"auth": auth} if auth else {}))
    process = crawl(newsbot, [entry], "reader:another")
    assert f"https://{name}.example/feed: HTTP status 401, {told}" in process.stderr
    assert "another" not in process.stderr


@pytest.mark.parametrize("url", ["https://reader:s3cret@in.example/feed", "https://reader:s3/cret@in.example/feed"])
def test_a_login_in_a_url_is_refused_with_what_to_write(newsbot, url):
    process = crawl(newsbot, [source("in", feeds=[url])])
    assert process.returncode == 2
    assert "auth: env:NAME" in process.stderr
    assert "s3" not in process.stderr
    assert yaml.safe_load((newsbot.folder / "catalogue.yaml").read_text())[0]["feeds"] == [url]
