"""From page to page: the next request, the end, and contradictions."""

from datetime import UTC, datetime

import pytest

from newsbot.batch import Answer, Headers
from newsbot.readers.api import paging
from newsbot.readers.api.paging import BadPageError
from newsbot.sources.api import LinkedPages, NumberedPages, OffsetPages, TokenPages

URL = "https://a.example/rows?page=1"


def following(pages, page, records, headers=None, /, **data):
    answer = Answer(
        url=URL, asked=URL, status=200, headers=Headers((headers or {}).items()), body=b"", fetched_at=datetime.now(UTC)
    )
    return paging.following(pages, page, answer, data, records, lambda record: record)


def walk(pages, listing, *, total=None, change=lambda n: None):
    """The records read from a list that `change` may change before the nth page is requested."""
    page, read, asked = paging.first(pages), [], []
    while page is not None:
        change(len(asked))
        asked.append(page.number)
        start = page.number if isinstance(pages, OffsetPages) else (page.number - pages.first) * pages.size
        records = listing[start : start + pages.size]
        read += records
        page = following(pages, page, records, total=len(listing) if total is None else total)
    return read, asked


NUMBERED = NumberedPages(size=3, total="total", size_param="n")
OFFSET = OffsetPages(size=3, total="total")


def test_what_is_asked():
    assert paging.params(None, paging.first(None)) == {}
    assert paging.params(NUMBERED, paging.first(NUMBERED)) == {"n": "3", "page": "1"}
    zero = NumberedPages(first=0, param="p")
    assert paging.params(zero, paging.first(zero)) == {"p": "0"}
    assert paging.params(OFFSET, paging.first(OFFSET)) == {"limit": "3", "offset": "0"}
    token = TokenPages(param="t", token="next")
    assert paging.params(token, paging.first(token)) == {}
    assert paging.params(token, following(token, paging.first(token), [1], next=7)) == {"t": "7"}


@pytest.mark.parametrize("count", range(8))
@pytest.mark.parametrize("pages", [NUMBERED, OFFSET, OffsetPages(size=3), NumberedPages(size=3)], ids=repr)
def test_a_list_that_stays(pages, count):
    read, asked = walk(pages, list(range(count)))
    assert sorted(set(read)) == list(range(count))
    assert len(asked) <= count // 2 + 2


@pytest.mark.parametrize("pages", [NUMBERED, OFFSET], ids=repr)
@pytest.mark.parametrize("gone", [[0], [2], [1, 2], [0, 1, 2, 3, 4], list(range(9))])
@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_none_is_missed_when_some_are_taken_out(pages, gone, when):
    listing = list(range(20))

    def change(n):
        if n == when:
            listing[:] = [each for each in listing if each not in gone]

    read, _ = walk(pages, listing, change=change)
    assert set(listing) <= set(read)


@pytest.mark.parametrize("pages", [NUMBERED, OFFSET], ids=repr)
def test_none_is_missed_when_some_come_and_go_all_the_time(pages):
    listing = list(range(40))

    def change(n):
        if n % 3 == 1 and n < 20:
            listing.insert(0, 100 + n)
        if n % 4 == 2 and n < 20:
            del listing[5:7]

    read, asked = walk(pages, listing, change=change)
    assert {each for each in listing if each < 40} <= set(read)
    assert len(asked) < 60


def test_a_list_that_shrinks_for_ever_is_reported():
    listing = list(range(1000))
    with pytest.raises(BadPageError, match="removed 50 times"):
        walk(NUMBERED, listing, change=lambda n: listing.pop())


@pytest.mark.parametrize(
    ("pages", "records", "data", "told"),
    [
        (NUMBERED, [1, 2, 3], {"total": "many"}, "expected a number at 'total', got 'many'"),
        (NUMBERED, [1, 2, 3], {}, "expected a number at 'total', got None"),
        (NUMBERED, [], {"total": 7}, "expected 7 records, got an empty page 1"),
        (NumberedPages(pages="pages"), [], {"pages": 2}, "expected 2 pages, got an empty page 1"),
        (OFFSET, [], {"total": 7}, "expected 7 records, got nothing behind record 0"),
        (TokenPages(param="t", token="next"), [1], {"next": {"a": 1}}, "the token is not a text"),
        (LinkedPages(next="next"), [1], {"next": "https://b.example/2"}, "to another host: 'https://b.example/2'"),
        (LinkedPages(next="next"), [1], {"next": "https://a.example:8443/2"}, "to another host"),
        (LinkedPages(next="next"), [1], {"next": "ftp://a.example/2"}, "to another host: 'ftp://a.example/2'"),
        (LinkedPages(next="next"), [1], {"next": "https://[a.example/2"}, "to another host"),
    ],
)
def test_what_contradicts_itself(pages, records, data, told):
    with pytest.raises(BadPageError) as error:
        following(pages, paging.first(pages), records, **data)
    assert told in str(error.value)


def test_totals_as_text_and_a_page_count():
    assert following(NUMBERED, paging.first(NUMBERED), [1, 2, 3], total="4").number == 2
    pages = NumberedPages(pages="pages")
    assert following(pages, paging.first(pages), [1], pages=1) is None


def test_links():
    pages = LinkedPages()
    header = {"Link": '</rows?page=1>; rel="prev", </rows?page=2>; rel="next"'}
    page = following(pages, paging.first(pages), [1], header)
    assert page.token == "https://a.example/rows?page=2"
    assert following(pages, page, [2]) is None
    with pytest.raises(BadPageError, match="is repeated"):
        following(pages, page, [2], header)


def test_a_page_that_is_not_there_any_more():
    page = following(NUMBERED, paging.first(NUMBERED), [1, 2, 3], total=5)
    earlier = paging.before(NUMBERED, page)
    assert (earlier.number, earlier.received) == (1, 0)
    again = following(NUMBERED, earlier, [1, 2, 3], total=5)
    assert paging.before(NUMBERED, again) is None, "told, where it is said to be there and is not"
    assert paging.before(NUMBERED, paging.first(NUMBERED)) is None


def read_on(pages, answers, **data):
    """How many pages are read of an API with these pages, one after the other, the last one for ever."""
    page, asked = paging.first(pages), 0
    while page is not None:
        records = answers[min(asked, len(answers) - 1)]
        asked += 1
        assert asked < 2000, "it has no end"
        page = following(pages, page, records, next=f"token {asked}", **data)
    return asked


@pytest.mark.parametrize("pages", [NumberedPages(), NumberedPages(size=3), OffsetPages(size=3)], ids=repr)
def test_an_api_that_does_not_page_is_reported(pages):
    with pytest.raises(BadPageError, match=f"does it page by '{pages.param}'"):
        read_on(pages, [[1, 2, 3]])


def test_an_api_that_repeats_its_last_page():
    assert read_on(NumberedPages(), [[1, 2, 3], [4, 5, 6]]) == 5
    assert read_on(NumberedPages(size=3), [[1, 2]]) == 4
    assert read_on(NumberedPages(size=3), [[1, 2, 3], [1, 2, 3], [3, 4, 5], []]) == 4, "records came at the top"
    with pytest.raises(BadPageError, match="Expected 1000 records"):
        read_on(NUMBERED, [[1, 2, 3]], total=1000)


def test_an_api_whose_tokens_have_no_end():
    token = TokenPages(param="t", token="next")
    with pytest.raises(BadPageError, match="3 pages in a row bring the same records"):
        read_on(token, [[1, 2, 3], [4]])
    with pytest.raises(BadPageError, match="1000 pages in a row bring no records"):
        read_on(token, [[]])


@pytest.mark.parametrize(
    "link",
    ["https://a.example/2?n=1", "/2?n=1", "//a.example/2?n=1", "https://A.example:443/2?n=1", "http://a.example/2?n=1"],
)
def test_a_link_stays_with_the_host_and_its_tls(link):
    pages = LinkedPages(next="next")
    assert following(pages, paging.first(pages), [1], next=link).token == "https://a.example/2?n=1"
