"""Of two versions of one entry in one answer the stored one stays, in whatever order and company they come."""

import pytest

from newsbot.batch import Batch
from newsbot.enrichment.entry_identity import identify
from newsbot.items import Article

LINK = "https://site.example/1"


def answer(name, *titles, ids=None):
    """An answer whose entries all have one link, and one id each (the same by default)."""
    ids = ids or ["f1"] * len(titles)
    entries = [{"link": LINK, "title": title, "id": id_} for title, id_ in zip(titles, ids, strict=True)]
    items = []
    for entry, identity in zip(entries, identify(entries), strict=True):
        items.append(Article(url=LINK, title=entry["title"], source_id="site", origin=f"https://site.example/{name}"))
        items[-1].entry, items[-1].external_id, items[-1].canonical_url = identity, identity.id, identity.link
    return Batch(items=items)


def sightings(crawl):
    return crawl.query("SELECT origin, content_hash FROM sightings ORDER BY origin")


@pytest.mark.parametrize("titles", [("One", "Two"), ("Two", "One"), ("Three", "Two", "One")])
@pytest.mark.parametrize("others", [(), ("alone",)], ids=["first", "after another feed"])
def test_the_stored_version_stays(crawl, titles, others):
    crawl(answer("feed", "One"))
    before = sightings(crawl)
    run = crawl(*(answer(name, "Of another feed") for name in others), answer("feed", *titles))
    assert [row for row in sightings(crawl) if row[0].endswith("/feed")] == before
    assert run.total.rejected == len(titles) - 1
    assert crawl.query("SELECT title FROM articles") == [("One",)]
    assert crawl.query("SELECT count(*) FROM article_revisions") == [(0,)]
    refused = crawl.query("SELECT payload ->> 'title', payload ->> 'external_id' FROM rejects ORDER BY 1")
    assert refused == [(title, "f1") for title in sorted(titles) if title != "One"]


def test_where_none_is_stored_the_first_is(crawl):
    run = crawl(answer("feed", "One", "Two", "One"))
    assert (run.total.new, run.total.rejected, run.total.unchanged) == (1, 1, 1)
    assert crawl.query("SELECT title FROM articles") == [("One",)]


def test_the_entries_of_an_answer_are_looked_up_together(crawl):
    """As many answers as make the look-up wait, each with ids made anew and all else of one entry edited."""

    def answers(fetch):
        for name in range(8):
            links = [f"https://site{name}.example/{n}" for n in range(160)]
            entries = [
                {"link": link, "title": f"{link} {fetch if n == 7 else ''}", "id": f"{fetch}-{n}"}
                for n, link in enumerate(links)
            ]
            items = []
            for entry, identity in zip(entries, identify(entries), strict=True):
                items.append(Article(url=entry["link"], title=entry["title"], source_id="site", origin=f"feed{name}"))
                items[-1].entry = identity
            yield Batch(items=items)

    crawl(*answers(1))
    run = crawl(*answers(2))
    assert (run.total.new, run.total.changed) == (0, 8)
