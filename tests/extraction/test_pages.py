"""HTML pages as trees: encodings, bases, ends, and bounds that hold before a tree is built."""

import gzip
import subprocess
import sys
from dataclasses import dataclass

import pytest

from newsbot.extraction import rules
from newsbot.extraction.pages import MAX_BYTES, PageError, read

URL = "https://news.test/world/today?page=2"


@dataclass
class Rule:
    items: str = "article"
    link: str | None = None
    title: str | None = None
    date: str | None = None
    summary: str | None = None


def page(body="", head=""):
    return f"<!doctype html><html><head><title>N</title>{head}</head><body>{body}</body></html>"


def only(raw, rule=None, **hints):
    raw = raw if isinstance(raw, bytes) else raw.encode()
    (entry,) = rules.headlines(read(raw, URL, **hints), rule or Rule()).entries
    return entry


# --- Ends -------------------------------------------------------------------------------------------------------------

ROWS = (
    "<article class='a b'><h2><a href='/news/1?a=1&amp;b=2' title=\"One > none\">One &amp; all</a></h2>"
    "<p>Of one.</p></article>"
    "<!-- <article><a href=/none>None</a></article> -->"
    "<article><script>'<a href=/no>'</script><h2>Two of them</h2><a href=/news/2>more</a></article>"
    '<article><a href="/news/3">Drei für drei</a><time datetime=2026-11-27T20:15:00Z>today</time></article>'
)


@pytest.mark.parametrize("rule", [Rule(), Rule(title="h2, a", summary="p", date="time"), Rule("a"), Rule("h2", "a")])
def test_a_page_that_is_cut_off_anywhere_invents_no_headline(rule):
    raw = page(f"<main>{ROWS}</main>").encode()
    right = rules.headlines(read(raw, URL), rule).entries
    found = [rules.headlines(read(raw[:length], URL), rule) for length in range(20, len(raw) + 1)]
    for entries, cut, _ in found:
        assert entries == right[: len(entries)]
        assert cut < 2
    assert {len(each.entries) for each in found} == set(range(len(right) + 1))


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("<ul><li><a href=/1>One</a><li><a href=/2>Two</a></ul>", 2),
        ("<ul><li><a href=/1>One</a></li><li><a href=/2>Two</a></li>", 2),
        ("<ul><li><a href=/1>One</a><li><a href=/2>Two", 1),
        ("<ul><li><a href=/1>One</a><li><a href=/2>Two</a><p>Copyright", 1),
    ],
)
def test_of_a_page_without_end_tags_the_last_headline_is_kept_if_it_is_closed(body, count):
    assert len(rules.headlines(read(body.encode(), URL), Rule("li")).entries) == count


def test_the_headlines_of_a_page_are_bounded():
    found = rules.headlines(read(page("<a href=/1>x</a>" * (rules.MAX_HEADLINES + 7)).encode(), URL), Rule("a"))
    assert (len(found.entries), found.cut, found.beyond) == (rules.MAX_HEADLINES, 0, 7)


# --- Encodings --------------------------------------------------------------------------------------------------------

ROW = '<article><a href="/1">{}</a></article>'.format
META = "<meta charset='{}'>".format
EQUIV = '<meta http-equiv="Content-Type" content="text/html; charset={}">'.format


@pytest.mark.parametrize(
    ("title", "encoding", "header", "head", "language"),
    [
        ("Zażółć gęślą jaźń", "iso-8859-2", "iso-8859-2", "", None),
        ("Zażółć gęślą jaźń", "cp1250", None, META("windows-1250"), None),
        ("Zażółć gęślą jaźń", "cp1250", "windows-1250", META("utf-8"), None),
        ("Zażółć gęślą jaźń", "iso-8859-2", None, "", "pl"),
        ("Мост открыт", "koi8-r", None, EQUIV("KOI8-R"), None),
        ("Мост открыт", "koi8-r", None, f"<!-- {META('utf-8')} -->{EQUIV('KOI8-R')}", None),
        ("Мост открыт", "koi8-r", None, f"<script>'{META('utf-8')}'</script>{EQUIV('KOI8-R')}", None),
        ("Мост открыт", "cp1251", None, "<style>" + "a{}" * 5_000 + "</style>" + META("cp1251"), None),
        ("橋が開通", "euc-jp", "x-euc-jp", "", None),
        ("橋が開通", "iso-2022-jp", None, META("iso-2022-jp"), None),
        ("橋が開通", "cp932", None, META("no-such"), "ja"),
        ("Brücke “offen”", "cp1252", "iso-8859-1", "", None),
        ("Brücke “offen”", "cp1252", None, META("latin1"), None),
        ("Brücke offen", "utf-8", None, "", "pl"),
        ("Brücke offen", "utf-8", None, META("utf-16"), None),
        ("Brücke offen", "utf-16", "iso-8859-1", META("utf-8"), None),
        ("Brücke offen", "utf-8-sig", "iso-8859-1", META("koi8-r"), None),
    ],
)
def test_the_encoding_is_found_as_browsers_find_it(title, encoding, header, head, language):
    raw = page(ROW(title), head).encode(encoding)
    content_type = f"text/html; charset={header}" if header else "text/html"
    assert only(raw, content_type=content_type, language=language)["title"] == title


def test_the_header_is_believed_although_it_lies_as_browsers_do():
    assert only(page(ROW("Größe")), content_type="text/html; charset=iso-8859-1")["title"] == "GrÃ¶ÃŸe"


def test_an_xml_declaration_names_the_encoding_of_a_page_too():
    raw = '<?xml version="1.0" encoding="windows-1251"?>' + page(ROW("Мост"))
    assert only(raw.encode("cp1251"))["title"] == "Мост"


# --- Links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "link"),
    [
        ("", "https://news.test/world/a"),
        ('<base href="/">', "https://news.test/a"),
        ('<base href="https://cdn.test/x/">', "https://cdn.test/x/a"),
        ('<BASE TARGET=_top HREF="../b/c">', "https://news.test/b/a"),
        ('<base href="//cdn.test">', "https://cdn.test/a"),
        ('<base target="_blank"><base href="/b/">', "https://news.test/b/a"),
        ('<base href="/b/"><base href="/c/">', "https://news.test/b/a"),
        ('<!-- <base href="/no/"> -->', "https://news.test/world/a"),
        ('<script>"<base href=/no/>"</script>', "https://news.test/world/a"),
        ('<base target="_blank">', "https://news.test/world/a"),
        ('<base href="">', "https://news.test/world/a"),
        ('<base href="javascript:void(0)/">', "https://news.test/world/a"),
        ('<base href="data:text/plain,/b/"><base href="/c/">', "https://news.test/world/a"),
        ('<base href="ftp://files.test/">', "https://news.test/world/a"),
        ('<base href="http://[">', "https://news.test/world/a"),
    ],
)
def test_links_are_relative_to_the_base_of_the_page(head, link):
    assert only(page('<article><a href="a">A</a></article>', head))["link"] == link


def test_a_base_in_the_body_counts_too():
    assert only(page('<base href="/b/"><article><a href="a">A</a></article>'))["link"] == "https://news.test/b/a"


@pytest.mark.parametrize("href", ["javascript:open(1)", "mailto:a@news.test", "http://[", "ftp://news.test/1"])
def test_a_link_that_cannot_be_fetched_is_reported(href):
    entry = only(page(f'<article><a href="{href}">A</a></article>'))
    assert (entry["link"], entry["refused_link"]) == (None, href)


def test_texts_are_bounded():
    body = f'<article><a href="/1">{"long " * 9_000}</a><p>{"word " * 9_000}</p></article>'
    entry = only(page(body), Rule(summary="p"))
    assert [len(entry[name]) for name in ("title", "summary")] == [1_999, 1_999]


# --- Ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (page(), True),
        (page().replace("</html>", ""), True),
        (page().replace("</body>", "").upper(), True),
        (page() + "<script>more()</script><!-- made in 0.1 s -->", True),
        (page().replace("</body></html>", ""), False),
        (page()[:-16], False),
        ("<html><body><p>a<script>write('</body></html>')</script><p>b", False),
        ("<html><body><p>a<script>write('</body></html>');more(", False),
        ("<html><body><p>a<!-- </body></html> --><p>b", False),
        ("<html><body><p>a<!-- </body></html>", False),
        ("<html><body><!--><p>a<!-- b --!><p>c</body>", True),
        ("<p>a", False),
    ],
)
def test_a_page_without_an_end_is_not_whole(text, whole):
    assert read(text.encode(), URL).whole is whole
    assert read(gzip.compress(text.encode()), URL).whole is whole


def test_a_page_in_gzip_without_an_end_is_not_whole():
    assert not read(gzip.compress(page().encode())[:-4], URL).whole


# --- Bounds -----------------------------------------------------------------------------------------------------------

WORDS = " ".join(f"a{n:x}" for n in range(900))
BOMBS = {
    "elements": page("<b>x</b>" * 3_000_000),
    "headlines": page("<article><h2><a href=/x>x</a></h2></article>" * 540_000),
    "tags that stay open": page("<p>x" * 6_000_000),
    "comments": page("<!---->" * 3_000_000),
    "empty comments": page("<!-->" * 3_000_000),
    "angle brackets": page("<" * 24_000_000),
    "attributes of one tag": page(f"<p {' '.join(f'a{n:x}=1' for n in range(100_000))}>x"),
    "names of one tag": page(f"<p {' '.join(f'a{n:x}' for n in range(100_000))}>x"),
    "names of a tag behind a quote": page(f'<p " {" ".join(f"a{n:x}" for n in range(100_000))}>x'),
    "names with slashes": page(f"<p {'/'.join(f'a{n:x}' for n in range(100_000))}>x"),
    "attributes of many tags": page("<p a='' b='' c='' d='' e='' f='' g='' h='' i='' j=''>" * 290_000),
    "names of many tags": page(f"<p {WORDS}>x" * 1_300),
    "names behind what looks like a script": page('<p title="<script>">' + f"<p {WORDS}>x" * 1_300 + "</script>"),
    "names behind what looks like a comment": page("<!-->" + f"<p {WORDS}>x" * 1_300 + "-->"),
    "levels": page("<div>" * 300),
    "names behind what looks like a value": page('="' + f"<p {WORDS}>x" * 1_300 + '"'),
}


@pytest.mark.parametrize("name", BOMBS)
def test_too_much_markup_is_refused_before_it_is_parsed(name):
    with pytest.raises(PageError, match=r"found .* expected at most \d+"):
        read(BOMBS[name].encode(), URL)


@pytest.mark.parametrize(
    "body",
    [
        "<p class='a' id='b'>x</p>" * 100_000,
        "<script>" + "if (a<b && c<d) { x = '=' };" * 100_000 + "</script>",
        "<style>" + "a[href=x] { b: c }" * 100_000 + "</style>",
        f"<img src='data:image/png;base64,{'A+/=' * 1_000_000}'>",
        f"<svg><path d='{'M 10 20 L 30 40 ' * 100_000}'/></svg>",
        f"<div data-props='{'{&quot;a&quot;: 1}, ' * 100_000}'>x</div>",
        "words in a row " * 500_000,
        "a = b " * 500_000,
        "<div>" * 200,
        f"<p {' '.join(f'a{n}={n}' for n in range(400))}>x" * 100,
    ],
    ids=["tags", "script", "style", "picture", "path", "properties", "words", "equations", "levels", "attributes"],
)
def test_what_large_pages_have_is_read(body):
    assert only(page(body + ROW("One")))["title"] == "One"


def test_more_bytes_than_a_page_may_have_are_refused():
    with pytest.raises(PageError, match=f"found more than {MAX_BYTES} bytes, expected an HTML page of at most"):
        read(gzip.compress(bytes(MAX_BYTES + 1)), URL)


@pytest.mark.parametrize(
    "raw", [b"", b" \n", b"\0", b"Service unavailable", b'{"a": 1}', b"\x1f\x8bno gzip", b"<!---->"]
)
def test_an_answer_that_is_not_a_page_is_reported(raw):
    with pytest.raises(PageError, match=r"^found .*, expected an HTML page"):
        read(raw, URL)


MEASURED = """
import sys
from newsbot.extraction import pages, rules

def peak():  # in MiB; not that of the parent before exec(), which getrusage() counts on Linux
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:  # macOS
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20

class Rule:
    items, link, title, date, summary = "article", None, "h2", None, None

raw = sys.stdin.buffer.read()
before = peak()
try:
    print(len(rules.headlines(pages.read(raw, "https://news.test/"), Rule()).entries), end=" ")
except pages.PageError:
    print("refused", end=" ")
print(peak() - before)
"""
MOST_MB = 200  # above the memory in use before: a tenth of such a page's cost without a bound


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b"<article><h2><a href=/x>x</a></h2></article>" * 540_000, "refused"),
        (b"<article><h2><a href=/x>x</a></h2></article>" * 40_000, "10000"),
        (b"<article><h2><a href=/x>x</a>" * 80 + b"<h2>x</h2>" * 120_000, "11"),
        (b"<p>" + b"words " * 4_000_000, "refused"),
        (b"<div><article><h2><a href=/x>x</a>" * 60 + b"words " * 1_500_000, "11"),
    ],
    ids=["refused", "as large as may be", "parts of parts", "text", "texts in texts"],
)
def test_a_small_gzip_of_a_large_page_takes_bounded_memory(body, result):
    raw = gzip.compress(b"<html><body>" + body + b"</html>")
    process = subprocess.run([sys.executable, "-c", MEASURED], input=raw, capture_output=True, check=True)
    found, megabytes = process.stdout.split()
    assert found.decode() == result
    assert int(megabytes) < MOST_MB
