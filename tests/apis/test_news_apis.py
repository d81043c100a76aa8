"""The Guardian, NewsAPI and Hacker News: all articles, new ones, revisions, deletions."""

from datetime import datetime

import pytest
from stand_ins import DAY, Guardian, HackerNews, NewsApi, ago

_TITLES = "SELECT title FROM articles"


def test_guardian(newsbot):
    guardian = Guardian()
    for n in range(30):
        guardian.put(n, ago(days=3 * n, hours=1))
    first = newsbot.crawl("guardian", guardian)
    assert (first.exit_code, first.outcomes[0][2]) == (0, "ok")
    assert newsbot.column(_TITLES) == ["Ferry number 0 runs again"]
    assert newsbot.query("SELECT authors, section, length(text) > 300, image_url, language FROM articles") == [
        (["Jane Doe"], "World news", True, "https://media.guim.co.uk/0.jpg", "en")
    ]

    guardian.forget()
    newsbot.crawl("guardian", guardian, backfill="90d")
    assert len(guardian.asked) == 1 + 3, "what is new, and the past by months"
    titles = newsbot.column(_TITLES)
    assert sorted(titles) == sorted(f"Ferry number {n} runs again" for n in range(30))

    guardian.forget()
    late = guardian.put(30, ago(hours=20))
    guardian.articles[late]["fields"]["headline"] = "Ferry number 30 runs again and again"
    edited = next(id_ for id_ in guardian.articles if id_.endswith("story-0"))
    guardian.articles[edited]["fields"]["headline"] = "Ferry number 0 does not run"
    second = newsbot.crawl("guardian", guardian)
    assert (len(guardian.asked), second.new, second.changed) == (1, 1, 1)
    assert newsbot.query("SELECT field, old, new FROM article_revisions") == [
        ("title", "Ferry number 0 runs again", "Ferry number 0 does not run")
    ]
    assert newsbot.query("SELECT max(external_id), max(data ->> 'last_modified') FROM sightings")[0][0]
    assert guardian.overruns == []


def test_newsapi(newsbot):
    """On the free plan: a day late, not older than a month, a hundred results a search."""
    index = NewsApi()
    for n in range(250):
        index.put(n, ago(days=2, minutes=n))
    for n in range(250, 260):
        index.put(n, ago(hours=n - 249))  # not available yet
    first = newsbot.crawl("newsapi", index, query="harbour")
    assert first.exit_code == 0
    assert "read in slices" in first.outcomes[0][2]
    assert first.new == 250
    spent = len(index.asked)

    newsbot.query("DELETE FROM spending")  # as if it had been before noon
    index.offset = DAY  # the stand-in's clock: withheld articles are now available
    index.forget()
    second = newsbot.crawl("newsapi", index, query="harbour")
    assert second.new == 10
    assert len(newsbot.column(_TITLES)) == 260
    assert len(index.asked) < spent / 2
    assert newsbot.column("SELECT DISTINCT data ->> 'publisher' FROM sightings ORDER BY 1")[0] == "Site 0"

    newsbot.query("DELETE FROM spending")
    back = newsbot.crawl("newsapi", index, query="harbour", backfill="90d")
    assert back.exit_code == 0
    assert "it does not go back 90 days: read from" in back.outcomes[0][2]
    wall = newsbot.crawl("newsapi", index, query="harbour", since=f"{ago(days=60):%Y-%m-%d}")
    assert wall.exit_code == 1
    assert "HTTP status 426" in wall.outcomes[0][2]
    assert "too far in the past" in wall.outcomes[0][2]
    assert newsbot.query("SELECT DISTINCT spider FROM cursors") == [("newsapi",)]

    newsbot.query("DELETE FROM spending")
    newsbot.query("""UPDATE cursors SET value = '{"since": "2020-01-01T00:00Z", "until": "2020-05-01T00:00Z"}'""")
    rested = newsbot.crawl("newsapi", index, query="harbour")
    assert rested.exit_code == 0
    assert "it no longer goes back to 2020-05-01T00:00: read from" in rested.outcomes[0][2]
    (since,) = newsbot.column("SELECT (value ->> 'since')::timestamptz FROM cursors")
    assert since > ago(days=29), "what is read is in one piece"

    index.articles["https://site1.example/2026/top"] = next(iter(index.articles.values())) | {
        "url": "https://site1.example/2026/top",
        "title": "The top of all news",
        "top": True,
    }
    top = newsbot.crawl("newsapi", index, top="1", country="us")
    assert (top.exit_code, top.new) == (0, 1)
    assert index.asked[-1][0] == "/v2/top-headlines"
    assert all(headers["X-Api-Key"] == index.key for headers in index.headers)


@pytest.mark.parametrize(
    ("code", "told"),
    [("rateLimited", "the 50 calls of these 12 hours"), ("apiKeyExhausted", "the 100 calls of this day")],
)
def test_newsapi_quota_is_used_up(newsbot, code, told):
    index = NewsApi()
    index.per_day, index.spent_code = 1, code
    index.put(1, ago(days=2))
    assert newsbot.crawl("newsapi", index, query="harbour").new == 1
    spent = newsbot.crawl("newsapi", index, query="harbour", settings={"RETRY_AFTER_MAX": 0})
    assert spent.exit_code == 0
    assert spent.outcomes[0][2].startswith(f"{told} are spent; more from")
    newsbot.crawl("newsapi", index, query="harbour", settings={"RETRY_AFTER_MAX": 0})
    assert len(index.overruns) == 1, "what the answer said is kept for the next run"


def test_newsapi_gives_50_calls_in_12_hours(newsbot):
    index = NewsApi()
    for n in range(60 * 100):
        index.put(n, ago(days=2, seconds=20 * n))
    spent = newsbot.crawl("newsapi", index, query="harbour", settings={"RETRY_AFTER_MAX": 0})
    assert (spent.exit_code, len(index.asked)) == (0, 50)
    assert spent.outcomes[0][2].startswith("the 50 calls of these 12 hours are spent")


def test_newsapi_shows_articles_that_were_withdrawn(newsbot):
    index = NewsApi()
    urls = [index.put(n, ago(days=2, minutes=n)) for n in range(5)]
    for url, published in zip(
        urls[:3], (*2 * ["1970-01-01T00:00:00Z"], f"{ago(days=2):%Y-%m-%dT%H:%M:%SZ}"), strict=True
    ):
        index.withdraw(url, published)
    crawled = newsbot.crawl("newsapi", index, query="harbour")
    assert (crawled.exit_code, crawled.new, crawled.rejected) == (0, 2, 0)
    assert crawled.outcomes[0][2] == "ok; 3 records stand for withdrawn ones and were left out"
    assert newsbot.column("SELECT count(*) FROM articles WHERE title ~ 'Removed' OR url ~ 'removed.com'") == [0]


@pytest.mark.parametrize(
    ("there", "told"), [(99, "ok"), (100, "ok"), (130, "ok; the plan gives the first 100 of 130"), (0, "ok")]
)
def test_newsapi_top_headlines_end_where_the_plan_does(newsbot, there, told):
    index = NewsApi()
    for n in range(there):
        index.put(n, ago(hours=2, minutes=n), top=True)
    crawled = newsbot.crawl("newsapi", index, top="1", category="Business")
    assert (crawled.exit_code, crawled.new) == (0, min(there, 100))
    assert crawled.outcomes[0][2] == told
    assert index.asked[0][1]["category"] == "business"


def test_newsapi_has_no_other_categories(newsbot):
    index = NewsApi()
    refused = newsbot.crawl("newsapi", index, top="1", category="busines")
    assert "-a category=busines: expected one of business, entertainment" in refused.error
    assert index.asked == []


def test_hackernews(newsbot):
    news = HackerNews()
    for n in range(1, 31):
        news.put(n, ago(hours=n - 0.5))
    first = newsbot.crawl("hackernews", news)
    assert (first.exit_code, first.rejected) == (0, 0)
    assert len(newsbot.column(_TITLES)) == 24, "of a day"

    newsbot.crawl("hackernews", news, backfill="90d")
    assert len(newsbot.column(_TITLES)) == 30

    news.forget()
    news.stories[3] |= {"points": 50, "num_comments": 7}
    news.updates.append(3)
    news.delete(5)
    news.updates += [99_999, 3]
    again = news.put(31, ago(minutes=5), url="https://ferries.example/1", title="Once more: the first ferry")
    talk = news.put(32, ago(minutes=4), url=None, title="Ask HN: which ferry?", story_text="<p>I wonder &amp; wait")
    assert newsbot.crawl("hackernews", news).exit_code == 0
    paths = [path for path, _ in news.asked]
    assert sorted(paths) == ["/api/v1/search_by_date", "/v0/item/3.json", "/v0/item/5.json", "/v0/updates.json"]

    assert newsbot.query("SELECT external_id FROM sightings WHERE removed_at IS NOT NULL") == [("5",)]
    counts = newsbot.query(
        "SELECT name, value FROM observations JOIN series ON id = series_id"
        " WHERE name LIKE 'story/3/%' ORDER BY name, time"
    )
    assert counts == [
        ("story/3/comments", 0),
        ("story/3/comments", 7),
        ("story/3/points", 1),
        ("story/3/points", 50),
    ]
    # One page, submitted twice: one article with two sightings, the title of the first.
    assert newsbot.query(
        "SELECT title, s.external_id FROM sightings s JOIN articles a ON a.id = article_id"
        " WHERE canonical_url = 'https://ferries.example/1' ORDER BY 2"
    ) == [("Show HN: ferry number 1", "1"), ("Show HN: ferry number 1", str(again))]
    assert newsbot.query("SELECT canonical_url, text FROM articles WHERE title LIKE 'Ask%'") == [
        (f"https://news.ycombinator.com/item?id={talk}", "I wonder & wait")
    ]
    for _ in range(2):
        unchanged = newsbot.crawl("hackernews", news)
        assert (unchanged.new, unchanged.changed, unchanged.rejected) == (0, 0, 0)

    news.stories[5]["deleted"] = False
    news.updates.append(5)
    newsbot.crawl("hackernews", news)
    assert newsbot.query("SELECT external_id FROM sightings WHERE removed_at IS NOT NULL") == []


def test_hackernews_still_finds_what_was_taken_out(newsbot):
    removed = "SELECT external_id FROM sightings WHERE removed_at IS NOT NULL"
    news = HackerNews()
    for n in (1, 2):
        news.put(n, ago(minutes=n))
    newsbot.crawl("hackernews", news)
    news.lags = True
    news.delete(1)
    newsbot.crawl("hackernews", news)
    assert newsbot.column(removed) == ["1"]
    news.updates.clear()  # it covers the last minutes only
    newsbot.crawl("hackernews", news)
    assert newsbot.column(removed) == ["1"]

    news.stories[1]["deleted"] = False
    newsbot.crawl("hackernews", news)
    assert newsbot.column(removed) == []


def test_hackernews_story_that_is_not_found_any_more_is_looked_up(newsbot):
    news = HackerNews()
    for n in range(1, 6):
        news.put(n, ago(minutes=10 * n))
    newsbot.crawl("hackernews", news)
    news.delete(2)
    news.updates.clear()  # long ago
    news.forget()
    newsbot.crawl("hackernews", news)
    assert [path for path, _ in news.asked if "item" in path] == ["/v0/item/2.json"]
    assert newsbot.column("SELECT external_id FROM sightings WHERE removed_at IS NOT NULL") == ["2"]
    news.forget()
    newsbot.crawl("hackernews", news)
    assert not [path for path, _ in news.asked if "item" in path]


def test_hackernews_has_more_stories_than_a_query_gives(newsbot):
    news = HackerNews()
    for n in range(1, 2001):
        news.put(n, ago(seconds=40 * n))
    second = ago(hours=2, seconds=7)
    for n in range(3001, 4103):  # in one second
        news.put(n, second)
    crawled = newsbot.crawl("hackernews", news)
    hits = sum(story["created_at_i"] == int(second.timestamp()) for story in news.stories.values())
    assert f"incomplete: {hits} hits from {second:%Y-%m-%d %H:%M:%S}" in crawled.outcomes[0][2]
    assert crawled.exit_code == 1
    stored = {int(id_) for id_ in newsbot.column("SELECT external_id FROM sightings")}
    assert stored >= set(range(1, 2001)), "the rest is read"
    assert len(stored & set(range(3001, 4103))) >= 999
    ((kind, payload),) = newsbot.query("SELECT item_type, payload FROM rejects")
    assert kind == "slice"
    assert datetime.fromisoformat(payload["since"]) == second
    ((value,),) = newsbot.query("SELECT value FROM cursors")
    assert datetime.fromisoformat(value["until"]) > ago(minutes=5), "it goes on behind the slice"


@pytest.mark.parametrize("pages", ["more", "fewer"])
def test_guardian_articles_come_and_go_while_its_pages_are_read(newsbot, pages):
    guardian = Guardian()
    ids = [guardian.put(n, ago(minutes=n + 1)) for n in range(450)]

    def move(count):
        if pages == "fewer" and count == 2:
            for id_ in ids[10:100]:  # so that there is no third page any more
                del guardian.articles[id_]
        elif pages == "more" and count in (2, 3):
            for n in range(20):
                guardian.put(1000 * count + n, ago(seconds=1))

    guardian.before = move
    assert newsbot.crawl("guardian", guardian).exit_code == 0
    stored = newsbot.column("SELECT external_id FROM sightings")
    assert set(stored) >= set(guardian.articles) & set(ids), "of what was there all the time, nothing is missed"
    assert len(stored) == len(set(stored)) == len(newsbot.column(_TITLES))
    guardian.before = lambda count: None
    newsbot.crawl("guardian", guardian)
    assert set(newsbot.column("SELECT external_id FROM sightings")) >= set(guardian.articles)


def test_an_article_changes_while_pages_are_read(newsbot):
    guardian = Guardian()
    ids = [guardian.put(n, ago(minutes=n + 1)) for n in range(250)]

    def move(count):
        if count == 2:  # the last of the first page moves to the second one, with another headline
            guardian.put(1000, ago(seconds=1))
            guardian.articles[ids[199]]["fields"]["headline"] = "Ferry number 199 does not run"

    guardian.before = move
    crawled = newsbot.crawl("guardian", guardian)
    assert (crawled.rejected, crawled.exit_code) == (0, 0)
    assert "Ferry number 199 does not run" in newsbot.column(_TITLES)
    assert len(newsbot.column(_TITLES)) == 250
