"""What goes by age, what never goes, and that a crawl beside a prune does not notice it."""

import threading
import uuid
from contextlib import closing

import pytest
from made_up import headline

from newsbot.enrichment.urls import form_of
from newsbot.storage import aged
from newsbot.storage import prune as pruning
from newsbot.storage.prune import SETTINGS, prune
from newsbot.storage.session import Session

DAYS = {"REJECTS_DAYS": 90.0, "RUNS_DAYS": 60.0, "HISTORY_DAYS": 30.0, "SIGHTINGS_DAYS": 365.0}


@pytest.fixture
def pruned(database, tables):
    """Prune; returns the rows of each table that went, without empty ones."""

    def run(*, dry_run=False, **days):
        with closing(Session(database)) as session:
            found = list(prune(session.transaction, DAYS | days, form_of, dry_run=dry_run))
        return {each.table: each.rows for each in found if each.rows}

    return run


@pytest.fixture
def articles(query, tables):
    """Articles, each with sightings: (origin, days ago)."""

    def make(*sightings):
        id_ = str(uuid.uuid4())
        url = f"https://site.example/{id_}"
        query(
            "INSERT INTO articles (id, url, canonical_url, source_id, title, content_hash, origin, origin_rank)"
            " VALUES (%s, %s, %s, 'site', 'A title', 'hash', 'feed', 30)",
            id_,
            url,
            url,
        )
        query("INSERT INTO article_urls (url, article_id) VALUES (%s, %s)", url, id_)
        for origin, days in sightings:
            query(
                "INSERT INTO sightings (article_id, source_id, origin, content_hash, last_seen_at)"
                " VALUES (%s, 'site', %s, 'hash', now() - make_interval(days => %s))",
                id_,
                origin,
                days,
            )
        return id_

    return make


def reject(query, days):
    query(
        "INSERT INTO rejects (id, item_type, reason, last_seen_at)"
        " VALUES (gen_random_uuid(), 'Article', 'no title', now() - make_interval(days => %s))",
        days,
    )


def run(query, started, ended, beat=None):
    """A run of so many days ago, which may still go on."""
    query(
        "INSERT INTO runs (id, spider, node, pid, started_at, finished_at, heartbeat_at) VALUES (gen_random_uuid(),"
        " 'headlines', 'n', 1, now() - make_interval(days => %s), now() - make_interval(days => %s),"
        " now() - make_interval(days => %s))",
        started,
        ended,
        ended if beat is None else beat,
    )


def job(query, name, ended):
    query(
        "INSERT INTO jobs (project, id, spider, asked_by, state, queued_at, ended_at)"
        " VALUES ('newsbot', %s, 'headlines', 'api', %s, now(), now() - make_interval(days => %s))",
        name,
        "pending" if ended is None else "finished",
        ended,
    )


def test_each_table_goes_by_the_age_that_its_setting_gives(pruned, query):
    for days in (89, 91):
        reject(query, days)
    for days in (59, 61):
        run(query, days, days)
    for days in (29, 31):
        job(query, f"job-{days}", days)
        query(
            "INSERT INTO fires (schedule, nominal_at, fired_at, outcome)"
            " VALUES ('pulse', now() - make_interval(days => %s), now() - make_interval(days => %s), 'queued')",
            days,
            days,
        )
    expected = {"rejects": 1, "runs": 1, "jobs": 1, "fires": 1}
    assert pruned(dry_run=True) == expected
    assert pruned() == expected
    assert pruned() == {}
    assert query("SELECT id FROM jobs") == [("job-29",)]
    assert pruned(**dict.fromkeys(SETTINGS, 0.0)) == expected


def test_a_run_or_a_job_that_goes_on_stays_however_old(pruned, query):
    run(query, 500, None, beat=0)
    run(query, 500, 1)
    job(query, "waits", None)
    assert pruned() == {}
    run(query, 500, None, beat=400)  # was killed, and nobody started since
    assert pruned() == {"runs": 1}


def test_a_sighting_goes_unless_it_is_the_last_of_its_article(pruned, articles, query):
    both = articles(("feed", 400), ("api", 10))
    old = articles(("feed", 500), ("api", 400), ("page", 400))
    alone = articles(("feed", 900))
    fresh = articles(("feed", 364), ("api", 0))
    assert pruned(dry_run=True) == {"sightings": 3}
    assert pruned() == {"sightings": 3}
    assert dict(
        query("SELECT article_id::text, string_agg(origin, ',' ORDER BY origin) FROM sightings GROUP BY 1")
    ) == {
        both: "api",
        old: "page",
        alone: "feed",
        fresh: "api,feed",
    }
    assert pruned() == {}


def test_it_goes_through_large_tables_in_parts(pruned, articles, query, monkeypatch):
    monkeypatch.setattr(aged, "PART", 100)
    monkeypatch.setattr(pruning, "PART", 100)
    monkeypatch.setattr(pruning, "PAGES", 2)
    query(
        "INSERT INTO rejects (id, item_type, reason, last_seen_at)"
        " SELECT gen_random_uuid(), 'Article', 'no title', now() - n * interval '1 day' FROM generate_series(1, 1090) n"
    )
    query(
        "INSERT INTO sightings (article_id, source_id, origin, content_hash, last_seen_at)"
        " SELECT md5((n / 3)::text)::uuid, 'site', n::text, 'hash', now() - interval '400 days'"
        " FROM generate_series(0, 2999) n"
    )
    assert pruned() == {"rejects": 1001, "sightings": 2000}
    assert query("SELECT count(*), count(DISTINCT article_id) FROM sightings") == [(1000, 1000)]


def test_what_another_transaction_holds_is_not_waited_for(pruned, articles, query, database):
    reject(query, 100)
    articles(("feed", 400), ("api", 10))
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE rejects SET times = times + 1, last_seen_at = now()")
        cursor.execute("UPDATE sightings SET last_seen_at = now() WHERE origin = 'feed'")
        assert pruned() == {}
        connection.commit()
    assert pruned() == {}  # met again meanwhile


def test_several_at_once_leave_each_article_a_sighting(articles, query, database):
    query(
        "INSERT INTO sightings (article_id, source_id, origin, content_hash, last_seen_at)"
        " SELECT md5((n / 4)::text)::uuid, 'site', n::text, 'hash', now() - interval '400 days'"
        " FROM generate_series(0, 7999) n"
    )
    failures = []

    def work():
        try:
            with closing(Session(database)) as session:
                list(prune(session.transaction, DAYS, form_of))
        except Exception as failure:  # noqa: BLE001  the test reports it
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert query("SELECT count(*), count(DISTINCT article_id) FROM sightings") == [(2000, 2000)]


# --- Tracking variants ------------------------------------------------------------------------------------------------


def url(query, article, url, origin=None, days=0):
    query(
        "INSERT INTO article_urls (url, article_id, origin, last_seen_at)"
        " VALUES (%s, %s, %s, now() - make_interval(days => %s))",
        url,
        article,
        origin,
        days,
    )


def test_of_the_tracking_variants_of_before_the_newest_of_an_origin_stays(pruned, articles, query):
    one = articles(("feed", 0))
    place = f"https://site.example/{one}"
    for number in range(6):
        url(query, one, f"{place}?utm_campaign={number}", "feed", days=number)
        url(query, one, f"{place}?utm_medium={number}", None, days=1)
    url(query, one, f"{place}?utm_source=x", "api", days=900)
    assert pruned(dry_run=True) == {"article_urls": 10}
    assert pruned() == {"article_urls": 10}
    assert {url for (url,) in query("SELECT url FROM article_urls")} == {
        place,
        f"{place}?utm_campaign=0",
        f"{place}?utm_medium=5",  # the last by a moment
        f"{place}?utm_source=x",
    }
    assert pruned() == {}


def test_other_urls_of_an_article_stay_for_ever(pruned, articles, query):
    one = articles(("feed", 0))
    place = f"https://site.example/{one}"
    kept = [
        *(f"{place}?sid={number}" for number in range(3)),  # may be pages
        *(f"https://m.site.example/{one}/{number}" for number in range(3)),
        *(f"{place}#entry=tag:{number}" for number in range(3)),  # one of several entries of a link
        *(f"{place}?utm_source=a#!/x&entry={number}" for number in range(3)),
        *(f"urn:isbn:{number}" for number in range(3)),
    ]
    for each in kept:
        url(query, one, each, "feed", days=900)
    query(
        "INSERT INTO article_revisions (article_id, field, old, new, revised_at)"
        " VALUES (%s, 'title', 'a', 'b', '2001-01-01')",
        one,
    )
    assert pruned(**dict.fromkeys(SETTINGS, 0.0)) == {}
    assert {url for (url,) in query("SELECT url FROM article_urls")} == {place, *kept}


# --- Beside a crawl ---------------------------------------------------------------------------------------------------


def test_a_crawl_beside_it_stores_all(store, query, database, tables):
    """Articles that are met and revised while sightings of theirs go: nothing is lost, doubled or refused."""
    urls = [f"https://site.example/{number}" for number in range(300)]
    store(
        *(
            headline(number, origin=origin)
            for number in range(300)
            for origin in ("https://a.example/", "https://b.example/")
        )
    )
    stop, failures = threading.Event(), []

    def work():
        try:
            with closing(Session(database)) as session:
                while not stop.is_set():
                    list(prune(session.transaction, DAYS | {"SIGHTINGS_DAYS": 0.0}, form_of))
        except Exception as failure:  # noqa: BLE001  the test reports it
            failures.append(failure)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for edition in range(4):
            written = store(
                *(
                    headline(number, origin="https://a.example/", title=f"Edition {edition} of {number}")
                    for number in range(300)
                )
            )
            assert written.failure is None
            assert written.run.total().rejected == 0
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert query("SELECT count(*), count(*) FILTER (WHERE title LIKE 'Edition 3%%') FROM articles") == [(300, 300)]
    assert query("SELECT count(DISTINCT article_id) FROM sightings") == [(300,)]
    assert query("SELECT count(*) FROM article_revisions WHERE field = 'title'") == [(1200,)]
    assert {url for (url,) in query("SELECT url FROM article_urls")} == set(urls)
