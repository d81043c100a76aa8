"""The main job on the bytes of an answer: its encoding, its packing, its end, its size."""

import gzip
import json

import pytest
from made_up_sites import entry, rss, source

PL = ["Wójt chce wyciąć aleję lip", "Śnieg zasypał przełęcz"]
RU = ["Мэр открыл новый причал", "Паром снова ходит на остров"]
JA = ["港の灯台が百年を迎えた", "新しい船が就航"]
EL = ["Άνοιξε το παλιό λιμάνι", "Νέο πλοίο για τα νησιά"]
ROW = '<article><h2><a href="{}">{}</a></h2></article>'.format
BOMB = b"<html><body>" + b"<article><h2><a href=/x>x</a></h2></article>" * 540_000


def feed(name, titles, encoding):
    """Of titles only, with no encoding named."""
    items = "".join(entry(title, f"https://{name}.example/{n}") for n, title in enumerate(titles))
    return f"<rss version='2.0'><channel><title>N</title>{items}</channel></rss>".encode(encoding)


def page(body, head=""):
    return f"<html><head><title>N</title>{head}</head><body>{body}</body></html>"


def section(name, **others):
    return source(name, sections=[{"url": f"https://{name}.example/news/", "items": "article", **others}])


def said(charset, kind="text/xml"):
    return {"Content-Type": f"{kind}; charset={charset}"}


JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": str(n), "url": f"/{n}", "title": title} for n, title in enumerate(PL)],
    },
    ensure_ascii=False,
)
SITEMAP = (
    "<urlset xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'>"
    + "".join(f"<url><loc>/{n}</loc><n:news><n:title>{title}</n:title></n:news></url>" for n, title in enumerate(RU))
    + "</urlset>"
)
EPISODES = "".join(
    f"<item><title>Episode {n}</title><enclosure url='/{n}.mp3' type='audio/mpeg' length='1'/></item>" for n in (1, 2)
)
ATOM = (
    "<?xml version='1.0'?>\n<!DOCTYPE html>\n<feed xmlns='http://www.w3.org/2005/Atom'><title>N</title><entry>"
    "<title>A feed behind a document type</title><link href='https://doctype.example/1'/></entry></feed>"
)
MEMBERS = rss(entry("Packed in two", "https://members.example/1"))

ENTRIES = [
    source("told", "/feed", language="pl"),
    source("lied", "/feed", language="pl"),
    source("silent", "/feed", language="ru"),
    source("wide", "/feed", language="el"),
    source("mapped", news_sitemaps=["https://mapped.example/map"], language="ru"),
    source("json", "/feed", language="pl"),
    source("garbled", "/feed", language="pl"),
    source("podcast", "/feed"),
    source("doctype", "/feed"),
    source("members", "/feed"),
    section("japanese") | {"language": "ja"},
    section("greek") | {"language": "el"},
    section("meta") | {"language": "pl"},
    section("based"),
    section("packed"),
    section("open"),
    section("bomb"),
    section("picture"),
    section("untitled", title="h7::text"),
    section("undated", date="time"),
]
TAGGED = {"ETag": '"1"', "Content-Type": "text/html"}
ROUTES = {
    ("told", "/feed"): (200, feed("told", PL, "iso-8859-2"), said("ISO-8859-2")),
    ("lied", "/feed"): (200, feed("lied", PL, "cp1250"), said("iso-8859-1")),
    ("silent", "/feed"): (200, feed("silent", RU, "koi8-r"), {"Content-Type": "application/rss+xml"}),
    ("wide", "/feed"): (200, feed("wide", EL, "utf-8"), said("iso-8859-1")),
    ("mapped", "/map"): (200, SITEMAP.encode("cp1251"), said("windows-1251")),
    ("json", "/feed"): (200, JSON_FEED.encode("utf-16"), {"Content-Type": "application/feed+json"}),
    ("garbled", "/feed"): (
        200,
        JSON_FEED.replace(PL[0], 'Wójt: "tak"').encode(),
        {"Content-Type": "application/feed+json", "ETag": '"1"'},
    ),
    ("podcast", "/feed"): (200, f"<rss><channel>{EPISODES}</channel></rss>".encode(), {}),
    ("doctype", "/feed"): (200, ATOM.encode(), {}),
    ("members", "/feed"): (
        200,
        gzip.compress(MEMBERS[:60]) + gzip.compress(MEMBERS[60:]) + bytes(100),
        {"Content-Type": "application/x-gzip"},
    ),
    ("japanese", "/news/"): (
        200,
        page(ROW("a", JA[0])).encode("euc-jp"),
        said("x-euc-jp", "text/html"),
    ),
    ("greek", "/news/"): (200, page(ROW("a", EL[0])).encode("iso-8859-7"), {"Content-Type": "text/html"}),
    ("meta", "/news/"): (200, page(ROW("a", PL[1]), "<meta charset=windows-1250>").encode("cp1250"), TAGGED),
    ("based", "/news/"): (
        200,
        page(ROW("a", "A story"), '<!-- <base href="/no/"> --><base target=_top><base href="../world/">').encode(),
        TAGGED,
    ),
    ("packed", "/news/"): (200, gzip.compress(page(ROW("a", "A story")).encode()), {"Content-Type": "text/html"}),
    ("open", "/news/"): (200, page(ROW("a", "A story") + ROW("b", "Half a ")).partition("Half")[0].encode(), TAGGED),
    ("bomb", "/news/"): (200, gzip.compress(BOMB), {"Content-Type": "text/html", "Content-Encoding": "gzip"}),
    ("untitled", "/news/"): (200, page(ROW("a", "A story") + ROW("b", "Another")).encode(), TAGGED),
    ("undated", "/news/"): (200, page(ROW("a", "A story")).encode(), TAGGED),
    ("picture", "/news/"): (200, b"\x89PNG\r\n\x1a\n" + bytes(range(32)), {"Content-Type": "image/png"}),
}


@pytest.fixture(scope="module")
def runs(newsbot):
    """Twice; the statuses of each, and the requests of the second."""
    newsbot.sites.routes = {(f"{name}.example", path): route for (name, path), route in ROUTES.items()}
    statuses = []
    for _ in range(2):
        newsbot.sites.log.clear()
        process = newsbot.crawl(ENTRIES)
        assert process.returncode == 0, process.stderr
        statuses.append(newsbot.last_run()[1])
    return *statuses, newsbot.sites


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("told", PL),
        ("lied", PL),
        ("silent", RU),
        ("wide", EL),
        ("mapped", RU),
        ("json", PL),
        ("doctype", ["A feed behind a document type"]),
        ("members", ["Packed in two"]),
        ("japanese", JA[:1]),
        ("greek", EL[:1]),
        ("meta", PL[1:]),
        ("packed", ["A story"]),
    ],
)
def test_the_titles_are_as_they_were_written(runs, newsbot, name, titles):
    found = newsbot.query(f"SELECT title FROM articles WHERE source_id = '{name}' ORDER BY url")
    assert [title for (title,) in found] == titles


def test_an_entry_without_a_link_is_stored_by_its_file_and_marked(runs, newsbot):
    query = (
        "SELECT url, s.data FROM articles a JOIN sightings s ON s.article_id = a.id WHERE a.source_id = {} ORDER BY 1"
    )
    assert newsbot.query(query.format("'podcast'")) == [
        (f"https://podcast.example/{n}.mp3", {"media": True}) for n in (1, 2)
    ]
    assert {data for _, data in newsbot.query(query.format("'told'"))} == {None}


def test_an_item_of_json_feed_that_is_not_valid_json_costs_only_itself(runs, newsbot):
    assert newsbot.query("SELECT title FROM articles WHERE source_id = 'garbled'") == [(PL[1],)]
    ((payload,),) = newsbot.query("SELECT payload FROM rejects WHERE source_id = 'garbled'")
    assert 'Wójt: "tak"' in payload["summary"]
    told = runs[0]["https://garbled.example/feed"]
    assert "some of its records are not valid JSON and cannot be read: they are among the rejects" in told


def test_the_links_of_a_section_page_are_relative_to_its_base(runs, newsbot):
    assert newsbot.query("SELECT url FROM articles WHERE source_id = 'based'") == [("https://based.example/world/a",)]


def test_of_a_section_page_without_an_end_the_whole_entries_are_kept_and_no_validators(runs, newsbot):
    first, second, sites = runs
    url = "https://{}.example/news/".format
    cut = "ok; it was cut off in a headline, which is left out: it may come with the next fetch"
    assert [first[url(name)] for name in ("open", "based")] == [cut, "ok"]
    assert newsbot.query("SELECT title FROM articles WHERE source_id = 'open'") == [("A story",)]
    assert second[url("open")].startswith("the same entries")
    asked = {name: dict(sites.asked(f"{name}.example")[0][1]) for name in ("open", "based")}
    assert "If-None-Match" not in asked["open"]
    assert asked["based"]["If-None-Match"] == '"1"'


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bomb", "is not a readable page: found 3240002 tags, expected at most 300000"),
        ("picture", "is not a readable page: found '"),
        ("untitled", "the selector 'h7::text' finds no title in any of the 2 headlines of 'article'"),
        ("undated", "ok; the selector 'time' finds no date in any headline"),
    ],
)
def test_an_unreadable_page_is_reported(runs, name, told):
    first, *_ = runs
    assert first[f"https://{name}.example/news/"].startswith(told)
