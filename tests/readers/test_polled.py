"""Feeds, sitemaps and section pages as pure functions: from saved bytes, without a crawler or a database."""

import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from newsbot.batch import Answer, Ask, Broken, Done, FeedState, Headers
from newsbot.readers import feed, polled, section
from newsbot.readers.endpoint import Bounds, Endpoint
from newsbot.sources.model import Section, Source

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SOURCE = Source(id="s", name="S", homepage="https://s.example/", country="de", language="de", timezone="Europe/Berlin")
BOUNDS = Bounds(interval_min=60, interval_max=86_400, refused_runs=3, children=2)
ITEM = "<item><title>{0}</title><link>https://s.example/{0}</link><pubDate>Wed, 04 Mar 2026 10:00:00</pubDate></item>"
FEED = "<rss><channel>" + "".join(map(ITEM.format, ("one", "two"))) + "</channel></rss>"
INDEX = (
    '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    + "".join(f"<sitemap><loc>https://s.example/{n}.xml</loc></sitemap>" for n in range(3))
    + "</sitemapindex>"
)
PAGE = '<html><body><h2><a href="/a">First headline</a></h2><h2><a href="/b">Second headline</a></h2></body></html>'


def endpoint(kind="feed", rule=None):
    return Endpoint("https://s.example/feed", SOURCE, kind, BOUNDS, rule)


def answer(body="", status=200, conditional=False, **headers):
    named = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    url = "https://s.example/feed"
    whole = {"body": body.encode(), "fetched_at": NOW, "conditional": conditional}
    return Answer(url=url, asked=url, status=status, headers=named, **whole)


def known(**columns):
    return replace(FeedState("https://s.example/feed"), **columns)


def test_a_feed_gives_articles_and_progress():
    batch, state, then = feed.read(answer(FEED, ETag='"1"'), endpoint(), known())
    articles = list(batch.items)
    assert [(each.title, each.url, each.source_id) for each in articles] == [
        ("one", "https://s.example/one", "s"),
        ("two", "https://s.example/two", "s"),
    ]
    assert articles[0].published_at.isoformat() == "2026-03-04T10:00:00+01:00"
    assert (then, state, batch.outcome.status, batch.outcome.ok) == (Done(), known(), "ok", True)
    progress = batch.progress
    assert (progress.etag, progress.entries, progress.kind, progress.changed) == ('"1"', 2, "rss", True)


def test_the_same_answer_gives_the_same_batch_also_once_it_was_stored_as_bytes():
    whole = answer(FEED, ETag='"1"', Content_Type="text/xml; charset=utf-8")
    kept = pickle.loads(pickle.dumps(whole))
    assert (kept, kept.headers["content-type"]) == (whole, "text/xml; charset=utf-8")
    (one, *_), (other, *_) = (feed.read(each, endpoint(), known()) for each in (whole, kept))
    assert (one.progress, one.outcome, list(one.items)) == (other.progress, other.outcome, list(other.items))


def test_what_was_read_before_is_not_read_again():
    first, *_ = feed.read(answer(FEED), endpoint(), known())
    state = known(
        content_hash=first.progress.content_hash,
        fingerprint=polled.fingerprint(endpoint()),
        full_due=False,
        entries=1,  # the other was refused
    )
    batch, *_ = feed.read(answer(FEED), endpoint(), state)
    assert (list(batch.items), batch.unread, batch.progress.entries) == ([], 2, 1)
    assert (batch.outcome.status, batch.progress.changed, batch.progress.is_full) == ("the same entries", False, False)
    again, *_ = feed.read(answer(FEED), endpoint(), replace(state, full_due=True))
    assert len(list(again.items)) == 2


def test_articles_are_made_as_they_are_taken():
    batch, *_ = feed.read(answer(FEED), endpoint(), known())
    first = next(iter(batch.items))
    assert first.title == "one"
    assert [each.title for each in batch.items] == ["two"], "read once"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (answer(status=304, conditional=True), "not modified"),
        (answer(status=304), "HTTP status 304, not modified, although the request had no validators"),
        (answer(status=410), "HTTP status 410, gone: "),
        (answer(status=401), "HTTP status 401, it needs a login: "),
        (answer(status=503), "HTTP status 503"),
        (answer("<html>no feed</html>"), "is not a feed: "),
    ],
)
def test_what_brings_nothing_is_reported(given, told):
    batch, _, then = feed.read(given, endpoint(), known(failures=2, interval=600))
    assert batch.outcome.status.startswith(told)
    assert list(batch.items) == []
    is_ok = given.conditional
    assert (batch.outcome.ok, batch.progress.ok, isinstance(then, Broken)) == (is_ok, is_ok, not is_ok)
    if given.status == 503:
        assert batch.progress.due_in == 600 * 4


def test_now_is_when_the_answer_came():
    batch, *_ = feed.read(answer(FEED, Expires="Wed, 04 Mar 2026 14:00:00 GMT"), endpoint(), known())
    assert batch.progress.interval == 2 * 3_600


def test_a_permanent_redirect_moves_the_feed():
    moved = replace(answer(FEED), url="https://s.example/new", redirects=((301, "https://s.example/feed"),))
    assert feed.read(moved, endpoint(), known())[0].progress.moved_to == "https://s.example/new"
    passing = replace(moved, redirects=((301, "https://s.example/feed"), (302, "https://s.example/x")))
    assert feed.read(passing, endpoint(), known())[0].progress.moved_to is None


def test_an_index_leads_to_its_sitemaps():
    batch, _, then = feed.read(answer(INDEX), endpoint("news_sitemap"), known())
    assert isinstance(then, Ask)
    assert [child.url for child in then.requests] == [f"https://s.example/{n}.xml" for n in range(3)]
    assert {child.depth for child in then.requests} == {1}
    assert "2 of its 3 sitemaps are read" in batch.outcome.status
    assert (batch.progress.content_hash, batch.progress.etag) == (None, None)


def test_a_section_page_is_read_by_its_selectors():
    batch, *_ = section.read(answer(PAGE), endpoint("section", Section(url="", items="h2")), known())
    assert [each.title for each in batch.items] == ["First headline", "Second headline"]
    batch, _, then = section.read(answer(PAGE), endpoint("section", Section(url="", items="h9")), known())
    assert isinstance(then, Broken)
    assert "matches no headline" in batch.outcome.status


def test_another_selector_reads_the_same_page_again():
    one, other = (endpoint("section", Section(url="", items=items)) for items in ("h2", "h3"))
    assert polled.fingerprint(one) != polled.fingerprint(other)


def test_readers_need_no_engine():
    code = "import sys; from newsbot.readers import feed, gdelt, section; from newsbot.readers.api import page_reader; "
    code += "print({'scrapy', 'twisted', 'psycopg2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
