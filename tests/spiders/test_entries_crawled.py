"""Which entry is which article, through crawls: each case is a source whose feed changes at each fetch."""

from html import escape

import pytest
from made_up_sites import source

ROUNDS = 4


def item(title, link, id_=None, time=None):
    """An item of RSS. `time` is an hour of a day, or `day` where it has no clock."""
    parts = [f"<title>{escape(title)}</title><link>{escape(link)}</link>"]
    if id_ is not None:
        parts.append(f'<guid isPermaLink="false">{escape(id_)}</guid>')
    if time is not None:
        clock = "00:00:00" if time == "day" else f"{time:02}:05:00"
        parts.append(f"<pubDate>Thu, 05 Mar 2026 {clock} GMT</pubDate>")
    return f"<item>{''.join(parts)}</item>"


def rss(items):
    head = "<title>Made up</title><link>https://site.example/</link><description>d</description>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'.encode()


def storm(n, link="https://{}.example/storms"):
    return item(f"Storm warning number {n} for the coast", link, f"storm-{n}", n)


def ferry(n, link, id_=None, time=None, title=None):
    return item(title or f"Ferry number {n} runs again", link, id_, time)


# Name: the items of each fetch ("{}" is the name), then the expected numbers of articles, revisions and rejects.
CASES = {
    "five": ([[storm(n) for n in range(1, 6)]] * 2, 5, 0, 0),
    "moving": ([[storm(n) for n in range(last, last - 3, -1)] for last in (3, 4, 5)], 5, 0, 0),
    "single": ([[storm(n)] for n in (1, 2, 3, 1)], 3, 0, 0),
    "grows": ([[storm(1)], [storm(2), storm(1)], [storm(3), storm(2)], [storm(2)]], 3, 0, 0),
    "fragments": ([[storm(n, f"https://{{}}.example/live#post-{n}") for n in range(1, 6)]] * 2, 5, 0, 0),
    "anchors": (  # the link, with its fragment, is the id
        [[item(f"Post {n}", f"https://{{}}.example/live#{n}", f"https://{{}}.example/live#{n}") for n in "abc"]],
        3,
        0,
        0,
    ),
    "routes": ([[ferry(n, f"https://{{}}.example/#/ferry/{n}") for n in range(1, 4)]] * 2, 3, 0, 0),
    "timed": (
        [[ferry(n, "https://{}.example/log", None, n) for n in order] for order in ((1, 2, 3), (3, 2), (2,))],
        3,
        0,
        0,
    ),
    "titled": ([[ferry(n, "https://{}.example/log", None, time) for n in (1, 2, 3)] for time in (None, None)], 3, 0, 0),
    "twice": (
        [[ferry(1, "https://{}.example/1", id_, 4) for id_ in order] for order in (("a", "b"), ("b", "a"))],
        1,
        0,
        0,
    ),
    "random": (
        [[ferry(n, f"https://{{}}.example/{n}", f"{fetch}-{n}", n) for n in range(1, 6)] for fetch in range(3)],
        5,
        0,
        0,
    ),
    "random-shared": (
        [[item(f"Warning {n}", "https://{}.example/w", f"{fetch}-{n}", n) for n in range(1, 6)] for fetch in range(3)],
        5,
        0,
        0,
    ),
    "edited": (  # ids made anew, and everything else of one entry is edited
        [
            [
                *(ferry(n, f"https://{{}}.example/{n}", f"{fetch}-{n}", n) for n in range(1, 5)),
                ferry(5, "https://{}.example/5", f"{fetch}-5", 5 + fetch, f"Ferry number 5, edition {fetch}"),
            ]
            for fetch in range(2)
        ],
        5,
        2,
        0,
    ),
    "counted": (
        [
            [ferry(1, "https://{}.example/1", f"https://{{}}.example/1#{fetch}", 4 + fetch, title)]
            for fetch, title in enumerate(("Ferry runs", "Ferry runs, says the captain"))
        ],
        1,
        2,
        0,
    ),
    "one-id": ([[ferry(n, f"https://{{}}.example/{n}", "feed", n) for n in range(1, 5)]] * 2, 4, 0, 0),
    "places": (  # ids are the places in the feed
        [
            [ferry(n, f"https://{{}}.example/{n}/index.html", f"{place}", n) for place, n in enumerate(order)]
            for order in ((3, 2, 1), (4, 3, 2), (6, 5, 4), (7, 6, 5))
        ],
        7,
        0,
        0,
    ),
    "places-shared": (  # the same of entries that share a link: the newest is the first
        [
            [item(f"Post {n}", "https://{}.example/live", f"item-{place}", n) for place, n in enumerate(order, 1)]
            for order in ((1,), (2, 1), (4, 3, 2), (9, 8, 7))
        ],
        7,
        0,
        0,
    ),
    "single-place": ([[ferry(n, f"https://{{}}.example/a/{n}.html", "1", n)] for n in (1, 2, 3)], 3, 0, 0),
    "midnight": ([[ferry(n, f"https://{{}}.example/a/{n}.html", "1", "day")] for n in (1, 2)], 2, 0, 0),
    "slug": (
        [
            [ferry(1, "https://{}.example/ferry-runs", "f1", 4)],
            [ferry(1, "https://{}.example/ferry-runs-again", "f1", 4, "Ferry runs again at last")],
            [ferry(1, "https://{}.example/all-ferries-run", "f1", 4, "All ferries run")],
        ],
        1,
        2,
        0,
    ),
    "session": ([[ferry(1, f"https://{{}}.example/read?s={s}", "f1", 4)] for s in ("k3", "q9", "z1")], 1, 0, 0),
    "jsessionid": ([[ferry(1, f"https://{{}}.example/1;jsessionid={s}", None)] for s in ("K3", "Q9", "Z1")], 1, 0, 0),
    "sid": ([[ferry(n, f"https://{{}}.example/a?sid={s}{n}", f"f{n}") for n in (1, 2)] for s in "abc"], 2, 0, 0),
    "host": (
        [[ferry(1, f"https://{host}.example/1", "f1", 4)] for host in ("www.{}", "m.{}", "amp.{}", "links.other")],
        1,
        0,
        0,
    ),
    "moved": (  # all is edited but the name of the page
        [
            [ferry(1, "https://www.{}.example/ferry-1", "f1", 4, "Ferry runs")],
            [ferry(1, "https://news.{}.example/ferry-1", "f1", 5, "Ferry runs again")],
        ],
        1,
        2,
        0,
    ),
    "numbered": (
        [
            [ferry(1, "https://{}.example/ferry-10482345", "f1", 4, "Ferry runs")],
            [ferry(1, "https://{}.example/10482345/ferries", "f1", 5, "Ferry runs again")],
        ],
        1,
        2,
        0,
    ),
    "reused": (
        [
            [ferry(1, "https://{}.example/20260305/first-day", "day", 4)],
            [ferry(2, "https://{}.example/20260305/last-hours", "day", 5)],
            [ferry(1, "https://{}.example/20260305/first-day", "day", 4)],
        ],
        2,
        0,
        0,
    ),
    "https": ([[ferry(1, "https://{}.example/a", f"{way}://{{}}.example/?p=1")] for way in ("http", "https")], 1, 0, 0),
    "https-moved": (
        [[ferry(1, f"https://{{}}.example/{way}", f"{way}://{{}}.example/?p=1")] for way in ("http", "https")],
        1,
        0,
        0,
    ),
    "order": (
        [
            [ferry(1, "https://{}.example/1", "f1", 4, title) for title in titles]
            for titles in (["One"], ["Two", "One"], ["One", "Two"], ["Two", "One"])
        ],
        1,
        0,
        1,
    ),
    "order-same": (
        [
            [
                ferry(1, "https://{}.example/1", None, None, "One"),
                ferry(1, "https://{}.example/1#rss=1", None, None, "One"),
            ]
        ],
        1,
        0,
        0,
    ),
}


@pytest.fixture(scope="module")
def crawled(newsbot):
    """All cases, fetched as long as each has something new."""
    for fetch in range(ROUNDS):
        entries = []
        for name, (fetches, *_) in CASES.items():
            if fetch < len(fetches):
                items = [each.replace("{}", name) for each in fetches[fetch]]
                newsbot.sites.routes[f"{name}.example", "/feed"] = 200, rss(items), {}
                entries.append(source(name, "/feed"))
        process = newsbot.crawl(entries)
        assert process.returncode == 0, process.stderr
    return newsbot


@pytest.mark.parametrize("name", CASES)
def test_case(crawled, name):
    _, *right = CASES[name]
    (found,) = crawled.query(f"""
        SELECT count(*),
            (SELECT count(*) FROM article_revisions r JOIN articles a ON a.id = r.article_id
             WHERE a.source_id = '{name}'),
            (SELECT count(*) FROM rejects WHERE source_id = '{name}')
        FROM articles WHERE source_id = '{name}'
    """)
    titles = crawled.query(f"SELECT canonical_url, title FROM articles WHERE source_id = '{name}' ORDER BY 1")
    assert list(found) == right, titles


def test_a_reused_id_is_reported(newsbot):
    for n in (1, 2):
        items = [ferry(n, f"https://told.example/a/{n}", "day", n)]
        newsbot.sites.routes["told.example", "/feed"] = 200, rss(items), {}
        process = newsbot.crawl([source("told", "/feed")])
    assert "https://told.example/feed gave the id 'day' to another entry before; both are kept" in process.stderr
    assert "1 x https://told.example/feed gave an id to another entry before: both are kept" in process.stderr
    assert newsbot.query("SELECT external_id FROM sightings WHERE source_id = 'told' ORDER BY first_seen_at") == [
        (None,),  # an id leads to one article
        ("day",),
    ]


def test_the_canonical_url_of_an_entry_has_its_id_and_its_url_is_the_link(newsbot):
    items = [item(f"Warning {id_}", "https://ids.example/storms", id_) for id_ in ("urn:storm:1", "a b%20c", "x" * 900)]
    newsbot.sites.routes["ids.example", "/feed"] = 200, rss(items), {}
    newsbot.crawl([source("ids", "/feed")])
    found = newsbot.query("SELECT url, canonical_url FROM articles WHERE source_id = 'ids' ORDER BY length(title) DESC")
    assert {url for url, _ in found} == {"https://ids.example/storms"}
    assert [url.removeprefix("https://ids.example/storms#entry=")[:8] for _, url in found] == [
        "blake2b:",  # a longer id is known by its hash
        "urn:stor",
        "a%20b%20",
    ]
    urls = "SELECT url FROM article_urls WHERE url LIKE 'https://ids.example/%' ORDER BY 1"
    assert newsbot.query(urls) == sorted((url,) for _, url in found)  # the link leads to none of them


def test_two_feeds_of_a_site(newsbot):
    """One link with two ids is one article, one id with two links is two; a shared link of one is shared in both."""
    pages = {
        "/news": [
            ferry(1, "https://two.example/1", "news-1", 4),
            ferry(2, "https://two.example/2", "1", 5),
            *(storm(n, "https://two.example/storms") for n in (1, 2, 3)),
        ],
        "/sport": [
            ferry(1, "https://two.example/1", "sport-1", 4),
            ferry(3, "https://two.example/3", "1", 6),
            storm(3, "https://two.example/storms"),
        ],
    }
    for path, items in pages.items():
        newsbot.sites.routes["two.example", path] = 200, rss(items), {}
    for _ in range(2):
        process = newsbot.crawl([source("two", "/news", "/sport")], FEED_FULL_FETCH_INTERVAL=0)
        assert process.returncode == 0
        assert newsbot.query("""
            SELECT title, count(*) FROM articles a JOIN sightings s ON s.article_id = a.id
            WHERE a.source_id = 'two' GROUP BY 1 ORDER BY 1
        """) == [
            ("Ferry number 1 runs again", 2),
            ("Ferry number 2 runs again", 1),
            ("Ferry number 3 runs again", 1),
            ("Storm warning number 1 for the coast", 1),
            ("Storm warning number 2 for the coast", 1),
            ("Storm warning number 3 for the coast", 2),
        ]


@pytest.mark.parametrize("name", ["teasers", "answers"])
def test_what_is_refused_is_kept_whole(newsbot, name):
    """Of a link with two contents the stored one stays, on a section page with any titles."""
    if name == "teasers":
        path, entries = "/", source(name, sections=[{"url": f"https://{name}.example/", "items": "li"}])
        pages = [
            "<html><body>" + "".join(f"<li><a href=/1>{title}</a></li>" for title in titles) + "</body></html>"
            for titles in (["One"], ["Two", "One", "Three"])
        ]
    else:
        path, entries = "/feed", source(name, "/feed")
        pages = [
            rss([ferry(1, f"https://{name}.example/1", "f1", 4, title) for title in titles]).decode()
            for titles in (["One"], ["Two", "One", "Three"])
        ]
    for page in pages:
        newsbot.sites.routes[f"{name}.example", path] = 200, page.encode(), {"Content-Type": "text/html"}
        process = newsbot.crawl([entries])
        assert process.returncode == 0, process.stderr
    assert newsbot.query(f"SELECT title FROM articles WHERE source_id = '{name}'") == [("One",)]
    id_ = None if name == "teasers" else "f1"
    assert newsbot.query(
        "SELECT payload ->> 'title', payload ->> 'external_id', times FROM rejects"
        f" WHERE source_id = '{name}' ORDER BY 1"
    ) == [("Three", id_, 1), ("Two", id_, 1)]


def test_a_host_beyond_ascii_is_asked_by_its_name_of_today(newsbot):
    newsbot.sites.routes["xn--strae-oqa.example", "/feed"] = 200, rss([ferry(1, "https://straße.example/1")]), {}
    newsbot.stand_ins = {"straße.example": f"http://127.0.0.1:{newsbot.sites.server_port}"}
    process = newsbot.crawl([source("strasse") | {"feeds": ["https://straße.example/feed"]}])
    assert process.returncode == 0, process.stderr
    assert newsbot.query("SELECT url, canonical_url FROM articles WHERE source_id = 'strasse'") == [
        ("https://xn--strae-oqa.example/1",) * 2
    ]
