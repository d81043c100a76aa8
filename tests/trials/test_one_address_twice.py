"""A feed that two sources name. Its second fetch would find all entries met before, and save a validator at once, while
the rows of the first are still on their way.
"""

from crawls import assert_all_is_stored_once, finish


def test_a_feed_of_two_sources_is_fetched_once_a_run(serve, start_crawl, database, database_url):
    feeds = serve(4)
    catalogue = feeds.catalogue()
    catalogue.append(catalogue[0] | {"id": "source-again", "feeds": catalogue[0]["feeds"][:1]})
    finish(start_crawl(feeds, catalogue, DATABASE_URL=database_url))
    assert feeds.requests == dict.fromkeys(range(4), 1)
    assert_all_is_stored_once(feeds, database)
