"""How disturbed crawls must end, and what the database must hold afterwards."""

from contextlib import closing


def finish(crawl):
    """Wait for the end of a crawl, which must be a good one."""
    crawl.wait(timeout=300)
    assert crawl.returncode == 0, crawl.log.read_text()


def assert_all_is_stored_once(feeds, database):
    """Compare the database with the feeds' shown entries; returns figures for a report."""
    urls, sightings, rejects = feeds.expected()
    with closing(database.connect()) as connection, connection.cursor() as cursor:

        def query(sql):
            cursor.execute(sql)
            return cursor.fetchall()

        articles = [url for (url,) in query("SELECT canonical_url FROM articles")]
        assert_same(articles, {canonical for _, canonical in urls})
        assert_same(query("SELECT u.url, canonical_url FROM article_urls u JOIN articles a ON a.id = article_id"), urls)
        sql = "SELECT canonical_url, s.source_id, s.origin FROM sightings s JOIN articles a ON a.id = article_id"
        assert_same(query(sql), sightings)
        sql = "SELECT source_id, field, url, coalesce(payload ->> 'title', '') FROM rejects"
        assert_same(query(sql), rejects)
        # No feed ever changes its entries, so any revision is one title put in the place of another feed's.
        assert query("SELECT * FROM article_revisions") == []
        assert query("SELECT * FROM runs WHERE finished_at IS NULL") == []
        ends = dict(query("SELECT finish_reason, count(*) FROM runs GROUP BY 1"))
    figures = {"articles": len(articles), "sightings": len(sightings), "rejects": len(rejects)}
    return figures | {"windows": feeds.shown.total(), "runs": ends}


def assert_same(rows, expected):
    """Each expected row is there, once, and none besides."""
    lost, extra = expected - set(rows), set(rows) - expected
    doubled = len(rows) - len(set(rows))
    assert (len(lost), len(extra), doubled) == (0, 0, 0), f"lost {sorted(lost)[:5]}, extra {sorted(extra)[:5]}"
