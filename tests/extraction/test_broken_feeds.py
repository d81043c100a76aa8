"""Feeds as the world breaks them: the readable part is read, at a bounded cost, and nothing crashes."""

import gzip
import random
import re
import resource
import signal
import time
from contextlib import contextmanager

import pytest
from lxml import etree

from newsbot.extraction.documents import MAX_BYTES
from newsbot.extraction.feeds import FeedError, parse

URL = "https://news.test/feed"
CPU_BOUND = 150  # times the calibration: some five seconds where that takes a thirtieth of one
MEMORY_BYTES = 500 << 20
MARKUP = "<a b='c'>text &amp; more</a>" * 40_000


def calibration():
    """CPU seconds of a fixed amount of feed-like work: the speed of this machine at this time."""
    start = time.process_time()
    etree.fromstring(f"<r>{MARKUP}</r>")
    re.sub(r"<[^<>]*+>", lambda tag: "", MARKUP)
    sum(len(word) for word in MARKUP.split(" "))
    return time.process_time() - start


@contextmanager
def bounded():
    """Fail a test that takes more CPU seconds or memory than one feed may."""
    cpu_seconds = CPU_BOUND * calibration()

    def stop(*_):
        raise TimeoutError(f"more than {cpu_seconds:.1f} CPU seconds, {CPU_BOUND} times the calibration")

    with open("/proc/self/statm") as statm:
        in_use = int(statm.read().split()[0]) * resource.getpagesize()
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)


def titles(raw):
    return [entry["title"] for entry in parse(raw, URL).entries]


def rss(*items, head="", encoding="utf-8"):
    text = f"{head}<rss><channel><title>N</title>{''.join(items)}</channel></rss>"
    return text.encode(encoding)


ONE = "<item><title>One</title><link>https://news.test/1</link></item>"
TWO = "<item><title>Two</title><link>https://news.test/2</link></item>"


@pytest.mark.parametrize(
    "raw",
    [
        rss("<item><title>One", TWO),
        rss("<item><title>One<link>https://news.test/1</link></item>", TWO),
        rss("<item><title>One</title></i></item></b>", TWO),
        rss(ONE, "<item><title><![CDATA[Two</title></item>"),
        rss("<item><title><![CDATA[One</title></item>", "<item><title><![CDATA[Two]]></title></item>", "<br>"),
        rss("<item><title>One</title><description>a < b & c<br>d<img src=x></description></item>", TWO),
        rss("<item a=1 b='2><title>One</title></item>", TWO),
        rss(ONE, TWO)[:-16],
        rss(ONE, TWO) + b"<script>more()</script>",
        b"<b>Warning</b>: x.php<br />\n" + rss(ONE, TWO, head='<?xml version="1.0"?>'),
        rss(ONE, TWO, head='\n\n <?xml?xml version="1.0" ??>'),
        rss(
            "<x:item><x:title>One</x:title></x:item>".replace("x:", "rss:"),
            TWO.replace("<", "<rss:").replace("rss:/", "/rss:"),
        ),
        rss(ONE, TWO).upper().replace(b"ONE", b"One").replace(b"TWO", b"Two"),
        rss("\0<item>\x01<title>O\x08ne</title></item>", TWO),
        rss("<item><title>One</title><dc:creator>&eacute;&nbsp;&bogus; &#0;&#xD800;</dc:creator></item>", TWO),
        rss(ONE, TWO, head="<!DOCTYPE rss>"),
        rss(ONE, TWO, encoding="utf-16"),
        rss(ONE, TWO, encoding="utf-16-be"),
        rss(ONE, TWO, encoding="utf-32-le"),
        rss(ONE, TWO, head="<?xml version='1.0' encoding='utf-8'?>", encoding="utf-16-le"),
        rss(ONE, TWO, head="<?xml version='1.0' encoding='cp037'?>", encoding="cp037"),
        rss(ONE, TWO, head="<?xml version='1.0' encoding='no-such'?>"),
        rss(ONE, TWO, head="<?xml version='1.0' encoding='utf-16'?>"),
    ],
)
def test_a_broken_feed_keeps_its_entries(raw):
    assert titles(raw) == ["One", "Two"]


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        (rss(ONE, TWO), True),
        (rss(ONE, "<item><title>a & b</title></item>"), True),
        (rss(ONE, TWO, head="<!DOCTYPE rss>").upper(), True),
        (rss(ONE, "<b>", TWO) + b"<script>more()</script></html>", True),
        (rss(ONE, TWO, encoding="utf-16")[:-2], False),
        (rss(ONE, TWO)[:-1], False),
        (rss(ONE, TWO)[: -len(TWO)], False),
        (gzip.compress(rss(ONE, *[TWO] * 100))[:-30], False),
        (b"<urlset><url><loc>https://news.test/1</loc></url>", False),
    ],
)
def test_a_feed_that_was_cut_off_is_not_taken_for_whole(raw, whole):
    assert parse(raw, URL).whole is whole


@pytest.mark.parametrize(
    ("text", "declared", "encoding"),
    [
        ("Straße nach Süden", "iso-8859-1", "iso-8859-1"),
        ("Straße “nach” Süden", "windows-1252", "cp1252"),
        ("Straße nach Süden", "utf-8", "cp1252"),
        ("Straße nach Süden", "iso-8859-1", "utf-8"),
        ("Straße nach Süden", "", "cp1252"),
        ("Новости дня", "windows-1251", "cp1251"),
        ("Новости дня", "koi8-r", "koi8-r"),
        ("新闻 朱镕基", "gb2312", "gb18030"),
        ("新聞", "big5", "big5"),
        ("ニュース", "shift_jis", "cp932"),
        ("ニュース", "iso-2022-jp", "iso-2022-jp"),
        ("뉴스", "euc-kr", "cp949"),
    ],
)
def test_an_encoding_is_read_whatever_is_declared(text, declared, encoding):
    head = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    assert titles(rss(f"<item><title>{text}</title></item>", head=head, encoding=encoding)) == [text]


def test_a_title_that_is_not_closed_leaves_the_fields_behind_it_whole():
    raw = rss("<item><title>One<link>https://news.test/1</link><pubDate>2 Jan 2006</pubDate></item>")
    (entry,) = parse(raw, URL).entries
    assert (entry["link"], entry["published"]) == ("https://news.test/1", "2006-01-02T00:00:00")


def test_stray_bytes_in_utf_8_do_not_spoil_the_rest():
    raw = rss("<item><title>Größe čšž</title></item>", "<item><title>caf@</title></item>").replace(b"@", b"\xe9")
    assert titles(raw) == ["Größe čšž", "café"]


def test_an_encoding_that_nobody_names_is_detected():
    text = "Сегодня в столице открылась международная выставка современного искусства, сообщили организаторы."
    assert titles(rss(f"<item><title>{text}</title></item>", encoding="koi8-r")) == [text]


def test_entities_are_never_expanded_from_the_document_type():
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    raw = rss("<item a='&l9;'><title>&l9;&x;&c;</title></item>", head=(
        f'<!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY c "&#169; us">]>'
    ))  # fmt: skip
    with bounded():
        (title,) = titles(raw)
    assert title == "&l9;&x;© us"


ITEM = "<item><title>{}</title></item>".format
HOSTILE = {
    "a title of 10 MB": rss(ITEM("x &lt;b&gt;" * 1_000_000), ONE),
    "50,000 entries": rss(ONE * 50_000),
    "100,000 attributes": rss("<item " + " ".join(f'a{n}=""' for n in range(100_000)) + "/>", ONE),
    "100,000 equal attributes": rss("<item " + 'a="" ' * 100_000 + "/>", ONE),
    "100,000 namespaces": rss("<item " + " ".join(f'xmlns:a{n}="u:{n}"' for n in range(100_000)) + "/>", ONE),
    "100,000 levels": rss("<a>" * 100_000, "</a>" * 100_000, ONE),
    "100,000 levels in a title": rss(ITEM("<a>" * 100_000 + "</a>" * 100_000), ONE),
    "levels without end": rss(ONE, "<a>" * 500_000),
    "items in items": rss("<item>" * 50_000, ONE),
    "texts of items in items": rss("<item><summary>" * 1000, "<b>x</b>" * 50_000, "</summary></item>" * 1000, ONE),
    "a hundred comments": rss(ONE, "</b>", head="<!---->" * 100),
    "comments without end": rss(ONE, "<!-- " * 500_000),
    "sections without end": rss(ONE, "<![CDATA[" * 300_000),
    "sections that end with their element": rss(ONE, "<a><![CDATA[</a>" * 100_000),
    "quotes without end": rss(ONE, '<a b="' * 300_000),
    "angle brackets": rss(ONE, "<" * 1_000_000),
    "ampersands": rss(ONE, "&" * 1_000_000),
    "one long name": rss(ONE, "<" + "a" * 3_000_000),
    "HTML without end": rss(ONE, f"<item><summary><![CDATA[{'<!-- <script> <img ' * 200_000}]]></summary></item>"),
    "entities": rss(ONE, ITEM("&e;" * 500_000), head=f'<!DOCTYPE rss [<!ENTITY e "{"A" * 1000}">]>'),
    "declared entities without end": rss(ONE, head="<!DOCTYPE rss [" + "<!ENTITY " * 500_000),
    "keywords": rss(ONE, f"<item><keywords>{'a,' * 500_000}</keywords>{'<category>x</category>' * 50_000}</item>"),
    "a date of 1 MB": rss(ONE, f"<item><pubDate>{'1' * 1_000_000}</pubDate></item>"),
}  # fmt: skip

LARGE = {  # made on demand
    "names": lambda: rss(ONE, *(f"<a{n}/>" for n in range(1_200_000))),
    "bases in bases": lambda: rss(
        "<a xml:base='bases/'>" * 1_000, "<item><link>x</link></item>" * 20_000, "</a>" * 1_000, ONE
    ),
    "namespaces": lambda: rss(
        *(f"<x xmlns:a{n}='{n}'>" for n in range(1_000)), ITEM("a<b/>") * 5_000, "</x>" * 1_000, ONE
    ),
    "a long base": lambda: rss(
        f"<link>https://a.test{'/b' * 3_900}/</link>", "<item><link>x</link></item>" * 50_000, ONE
    ),
    "keywords": lambda: rss(ONE, f"<item><keywords>{','.join(map(str, range(100, 200)))}</keywords></item>" * 90_000),
    "no addresses": lambda: rss(ONE, f"<item><author>{'a.' * 240}@a</author></item>" * 20_000),
    "no dates": lambda: rss(ONE, f"<item>{f'<pubDate>{NO_DATE}</pubDate>' * 230_000}</item>"),
    "20 MB of bytes that are no UTF-8": lambda: rss(ITEM("a@" * 10_000_000), ONE).replace(b"@", b"\xff"),
    "20 MB of UTF-8 and such bytes": lambda: rss(ITEM("éé@" * 4_180_000), ONE).replace(b"@", b"\xff"),
}
NO_DATE = "a " * 18 + "1 é " * 12


@pytest.mark.parametrize(
    ("start", "unit"),
    [
        (b"<rss>", b"<a/>x"),
        (b"<rss>", b"<a b=''/>"),
        (b"<rss>", b"&e;"),
        (b"<rss>", b"&#1;"),
        (b"<rss>", b"</b>"),
        (b"<rss>", b"a\xff"),
        (b"<rss></b>", "😀".encode()),
        (b'{"items":[{"x":[{}', b",{}"),
        (b'{"items":[{"x":[[]', b',"ab"'),
        (b'{"items":["', "😀".encode()),
        (b"https://news.test/1", b"\nab"),
        (b"Service unavailable", b" ab"),
        (b"\x7f\xff", bytes(range(0x61, 0x100))),
        (b"<!doctype html><html>", b"<p>"),
    ],
)
def test_what_is_too_much_is_refused_before_it_costs_too_much(start, unit):
    raw = start + unit * ((MAX_BYTES - len(start)) // len(unit))
    with bounded(), pytest.raises(FeedError):
        parse(raw, URL)


OLD = "новости дня ".encode("cp1251")


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (OLD * 4_000_000, "windows-1251"),
        (OLD * 1_600_000, "iso-8859-1"),
        ((OLD + b"\x98") * 1_500_000, "windows-1251"),
        (b"\x1b$B" * 5_000_000, "iso-2022-jp"),
        (b"~{VV~}" * 3_000_000, "hz-gb-2312"),
    ],
    ids=["named", "guessed", "named and not so", "shifts", "tildes"],
)
def test_an_old_encoding_costs_no_more_than_a_feed_may(text, header):
    raw = rss(ONE).replace(b"</rss>", b"<a>" + text + b"</a></rss>")
    with bounded():
        feed = parse(raw, URL, content_type=f"text/xml; charset={header}", language="ru")
    assert [entry["title"] for entry in feed.entries] == ["One"]


NESTED = f"<urlset>{'<url>' * 1_000}{'<a>x</a>' * 200_000}{'</url>' * 1_000}</urlset>"


@pytest.mark.parametrize("raw", [NESTED, NESTED.replace("url>", "sitemap>").replace("urlset", "sitemapindex")])
def test_addresses_in_addresses_cost_no_more_than_a_feed_may(raw):
    with bounded():
        parse(raw.encode(), URL)


@pytest.mark.parametrize("name", [*HOSTILE, *LARGE])
def test_a_hostile_feed_costs_no_more_than_a_feed_may(name):
    raw = HOSTILE.get(name) or LARGE[name]()
    with bounded():
        assert "One" in titles(raw)


def test_the_authors_of_a_feed_cost_its_entries_nothing():
    people = "".join(f"<author><name>{n}{'x' * 480}</name></author>" for n in range(100))
    raw = f"<feed>{people}{'<entry><title>One</title></entry>' * 50_000}</feed>".encode()
    with bounded():
        assert titles(raw) == ["One"] * 50_000


def test_a_feed_with_a_hundred_flaws_at_random_never_crashes():
    seeds = (
        rss(ONE, TWO, "<item><description>&lt;p&gt;&amp;nbsp;<![CDATA[<b>x</b>]]></description></item>"),
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a.test/"><entry><title type="html">A&amp;amp;'
        b'</title><link href="x"/><updated>2023-01-02T10:00Z</updated><author><name>N</name></author></entry></feed>',
        b'{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","url":"/1","title":"\\u00e9"}]}',
        b"<urlset><url><loc>https://s.test/1</loc><lastmod>2023-01-02</lastmod></url></urlset>",
        rss("<item><title>Größe</title></item>", head="<?xml version='1.0' encoding='utf-16'?>", encoding="utf-16"),
    )  # fmt: skip
    scraps = (b"<![CDATA[", b"]]>", b"<!--", b"&", b"<", b">", b'"', b"\0", b"\xff", b"</item>", b"<item>", b"&#xD800;",
              b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"\xef\xbb\xbf", b"http://[", b"99999999999999999999")  # fmt: skip
    chance = random.Random(2)
    for _ in range(2_000):
        raw = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 10, 100))):
            at = chance.randrange(len(raw) + 1)
            change = chance.randrange(4)
            if change == 0:
                raw[at : at + 1] = bytes([chance.randrange(256)])
            elif change == 1:
                del raw[at : at + chance.randrange(20)]
            elif change == 2:
                raw[at:at] = raw[: chance.randrange(len(raw) + 1)][-100:]
            else:
                raw[at:at] = chance.choice(scraps)
        try:
            feed = parse(bytes(raw), URL)
        except FeedError:
            continue
        for entry in feed.entries:
            for value in entry.values():
                for text in value if isinstance(value, list) else [value or ""]:
                    assert "\0" not in text
                    text.encode()  # no lone surrogates
            assert entry["link"] is None or entry["link"].lower().startswith(("http://", "https://"))
