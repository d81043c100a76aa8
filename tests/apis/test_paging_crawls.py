"""Lists that change while they are read, and lists that lie: crawls of made-up APIs."""

import pytest
from stand_ins import Listing, Refused

KEYS = {"LINK_KEY": "link/secret+of=mine"}


def stored(newsbot):
    return sorted(int(key) for key in newsbot.column("SELECT key FROM records"))


def listing(name, count, **options):
    service = Listing(f"{name}.example", name, **options)
    for n in range(1, count + 1):
        service.put(n)
    return service


def crawl(newsbot, name, service, **options):
    return newsbot.crawl(f"made_up_apis:{name.title()}", service, environment=KEYS, **options)


@pytest.mark.parametrize("name", ["number", "offset", "token", "link"])
@pytest.mark.parametrize("gone", [range(90, 94), range(60, 100)], ids=["some are taken out", "pages are taken out"])
def test_nothing_is_missed_of_a_list_that_shrinks_and_grows(newsbot, name, gone):
    service = listing(name, 100)

    def move(count):
        if count == 4:
            service.take_out(*gone)
        if count in (2, 6):
            service.put(1000 + count)
        if count == 3:
            service.rows[25] |= {"title": "Another title"}

    service.before = move
    crawled = crawl(newsbot, name, service)
    assert (crawled.exit_code, crawled.rejected) == (0, 0)
    assert set(stored(newsbot)) >= set(range(1, 101)) - set(gone)
    assert len(stored(newsbot)) == len(set(stored(newsbot)))
    (title,) = newsbot.column("SELECT data ->> 'title' FROM records WHERE key = %s", str(service.rows[-1]["id"]))
    assert title == "Record number 1"


@pytest.mark.parametrize(
    ("name", "total", "told"),
    [
        ("number", 20, "ok; it says that there are 20 records, and gives more"),
        ("number", 1000, "HTTP status 404"),
        ("offset", 20, "ok"),
        ("offset", 1000, "expected 1000 records, got nothing behind record 45"),
    ],
)
def test_a_total_that_lies(newsbot, name, total, told):
    service = listing(name, 45)
    service.total = total
    crawled = crawl(newsbot, name, service)
    assert told in crawled.outcomes[0][2]
    assert crawled.exit_code == (total == 1000)
    assert stored(newsbot) == list(range(1, 46)), "all that there is is kept"


def test_pages_that_are_not_counted_end_with_the_first_that_is_not_there(newsbot):
    service = Listing("untold.example", "number")
    for n in range(1, 31):
        service.put(n)
    assert crawl(newsbot, "untold", service).exit_code == 0
    assert stored(newsbot) == list(range(1, 31))


def test_a_token_that_repeats_for_ever(newsbot):
    service = listing("token", 35)
    service.by_token = lambda asked: service.page(10 * ("token" in asked), next="again")
    crawled = crawl(newsbot, "token", service)
    assert crawled.exit_code == 1
    assert "is repeated: 'again'" in crawled.outcomes[0][2]
    assert stored(newsbot) == list(range(16, 36)), "what it gave is kept"
    assert len(service.asked) < 10
    assert newsbot.query("SELECT * FROM cursors") == []


@pytest.mark.parametrize("name", ["token", "link"])
def test_tokens_that_are_over(newsbot, name):
    service = listing(name, 60)
    spoilt = iter([2, 3, 3, 5])

    def move(count):
        if len(service.tokens) == next_at[0]:
            service.tokens.clear()
            next_at[0] = next(spoilt, 99)

    next_at = [next(spoilt)]
    service.before = move
    assert crawl(newsbot, name, service).exit_code == 0
    assert stored(newsbot) == list(range(1, 61))

    service.before = lambda count: service.tokens.clear()
    service.forget()
    newsbot.query("TRUNCATE cursors")
    assert crawl(newsbot, name, service, settings={"RETRY_TIMES": 0}).exit_code == 1
    assert len(service.asked) < 60, "it is not tried for ever"


def test_a_link_to_another_host_is_not_followed(newsbot):
    service = listing("link", 60)
    service.told = lambda: {"Link": '<https://elsewhere.example/rows?after=1>; rel="next"'}
    crawled = crawl(newsbot, "link", service)
    assert "another host: 'https://elsewhere.example/rows?after=1'" in crawled.outcomes[0][2]
    assert len(stored(newsbot)) == 10


def test_the_id_cursor_is_kept(newsbot):
    service = listing("token", 5)
    service.put(2**63 + 7)
    assert crawl(newsbot, "token", service).exit_code == 0
    assert newsbot.query("SELECT value ->> 'value' FROM cursors") == [(str(2**63 + 7),)]
    assert newsbot.column("SELECT key FROM records ORDER BY length(key) DESC LIMIT 1") == [str(2**63 + 7)]
    assert newsbot.column(
        "SELECT data -> 'id' = %s::jsonb FROM records ORDER BY length(key) DESC LIMIT 1", str(2**63 + 7)
    )[0]


def test_one_record_whose_next_page_is_not_there(newsbot):
    service = listing("offset", 1)
    by_offset = service.by_offset

    def strict(asked):
        if int(asked["offset"]) >= len(service.rows):
            raise Refused(404, {"message": "no such page"})
        return by_offset(asked)

    service.by_offset = strict
    crawled = crawl(newsbot, "unbounded", service)
    assert (crawled.exit_code, len(service.asked)) == (0, 2)


def test_a_record_that_a_path_fails_with_takes_no_others_along(newsbot):
    service = Listing("joined.example", "number")
    for n in range(1, 26):
        service.put(n, month="2026-05", day=f"{n:02}")
    service.rows[3] |= {"day": None}
    crawled = crawl(newsbot, "joined", service)
    assert (crawled.exit_code, crawled.new, crawled.rejected) == (0, 24, 1)
    assert newsbot.column("SELECT value ->> 'value' FROM cursors") == ["2026-05-25"]


def test_a_cursor_that_no_record_has_is_reported(newsbot):
    service = listing("token", 5)
    for row in service.rows:
        row["key"] = row.pop("id")
    service.by_token = lambda asked: {"rows": service.rows}
    assert "there is nothing at 'id', which the cursor goes by" in crawl(newsbot, "token", service).outcomes[0][2]


def test_a_cursor_that_is_over_says_what_helps(newsbot):
    service = listing("token", 5)
    assert crawl(newsbot, "token", service).exit_code == 0
    service.reply = 410, {"message": "too old"}, {}
    assert "`scrapy cursors reset token` starts again" in crawl(newsbot, "token", service).outcomes[0][2]
