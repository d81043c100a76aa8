import pytest

from newsbot.extraction.feeds import parse
from newsbot.extraction.sitemaps import end_of, newest_first

INDEX = """<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>/a.xml</loc><lastmod>2026-03-04T05:06:07+01:00</lastmod></sitemap>
<sitemap><loc>file:///b.xml</loc><lastmod>2026-03-05</lastmod></sitemap>
<sitemap><loc>/c.xml</loc></sitemap>
<sitemap><loc>/{}.xml</loc><lastmod>yesterday at noon</lastmod></sitemap>
</sitemapindex>"""


def test_an_index_says_when_each_of_its_sitemaps_was_changed():
    feed = parse(INDEX.format("d" * 20_000).encode(), "https://s.example/index.xml")
    assert [url[:30] for url in feed.sitemaps] == [
        "https://s.example/a.xml",
        "https://s.example/c.xml",
        "https://s.example/dddddddddddd",
    ]
    assert len(feed.sitemaps[2]) > 20_000, "it is for who asks to refuse it"
    assert feed.modified == ["2026-03-04T05:06:07+01:00", None, None]


def test_the_end_of_a_date():
    assert end_of("1970-01-01T00:00:00") == 86_400, "a day"
    assert end_of("1970-01-01T00:00:00+00:00") == 0
    assert end_of("1970-01-01T01:00:00+01:00") == 0
    assert end_of(None) is None


@pytest.mark.parametrize(
    "hostile", ["0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00", "9999-12-31T00:00:00"]
)
def test_any_year_has_its_place(hostile):
    first, last = newest_first([("https://s.example/1", end_of(hostile)), ("https://s.example/2", 0.0)])
    assert {first, last} == {0, 1}


@pytest.mark.parametrize(
    ("urls", "order"),
    [
        (["/2026-01.xml", "/2026-02.xml", "/2025-12.xml"], [1, 0, 2]),
        (["/news20260304.xml", "/2026/03/05.xml", "/2026_03_06.xml", "/2026.03.03.xml"], [2, 1, 0, 3]),
        (["/1.xml", "/2.xml", "/3.xml", "/4.xml", "/5.xml"], [4, 0, 3, 1, 2]),
        (["/a.xml", "/b2026-02.xml", "/c.xml"], [1, 2, 0]),
        (["/p/120260304.xml", "/2026-13.xml", "/map-2026.xml"], [2, 0, 1]),
        ([], []),
    ],
)
def test_without_a_date_the_url_may_have_one_and_else_both_ends_come_first(urls, order):
    assert newest_first([(f"https://s.example{url}", None) for url in urls]) == order
