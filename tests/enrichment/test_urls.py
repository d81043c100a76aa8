"""The rules of the canonical URL, in the order of its docstring."""

import random

import pytest

from newsbot.enrichment.urls import MAX_ENTRY_URL, canonical, of_entry
from newsbot.hosts import with_ascii_host


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # scheme
        ("HTTP://site.example/a", "https://site.example/a"),
        ("http://site.example:8080/a", "http://site.example:8080/a"),
        # host
        ("https://Site.Example./a", "https://site.example/a"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://user:word@site.example/a", "https://site.example/a"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        ("https://straße.example/a", "https://xn--strae-oqa.example/a"),
        ("https://STRASSE.example/a", "https://strasse.example/a"),
        ("https://ﬁsch.example/a", "https://fisch.example/a"),
        ("https://☃.I❤.example/a", "https://xn--n3h.xn--i-7iq.example/a"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://hg--69.example/a", "https://hg--69.example/a"),
        # port
        ("http://site.example:80/a", "https://site.example/a"),
        ("https://site.example:0443/a", "https://site.example/a"),
        ("https://site.example:/a", "https://site.example/a"),
        ("https://site.example:80/a", "https://site.example:80/a"),
        # path
        ("https://site.example", "https://site.example/"),
        ("https://site.example/a/", "https://site.example/a"),
        ("https://site.example//a///b", "https://site.example/a/b"),
        ("https://site.example/a/./b/../c", "https://site.example/a/c"),
        ("https://site.example/../../a", "https://site.example/a"),
        ("https://site.example/.hidden/a.", "https://site.example/.hidden/a."),
        ("https://site.example/%7ea/%c3%a9/é%2f", "https://site.example/~a/%C3%A9/%C3%A9%2F"),
        ("https://site.example/a b%zz", "https://site.example/a%20b%25zz"),
        ("https://site.example/a;v=1,2", "https://site.example/a;v=1,2"),
        # query
        ("https://site.example/a?", "https://site.example/a"),
        ("https://site.example/a?utm_source=feed&UTM_Medium=x&fbclid=1", "https://site.example/a"),
        ("https://site.example/a?utm%5Fsource=feed", "https://site.example/a"),
        ("https://site.example?id=7&at_medium=RSS", "https://site.example/?id=7"),
        ("https://site.example/a?b=2&a-b=3&a=2&a=1", "https://site.example/a?a=2&a=1&a-b=3&b=2"),
        ("https://site.example/a?q=x/y?z&empty", "https://site.example/a?empty&q=x/y?z"),
        ("https://site.example/a?tag=b&tag=a&id=1", "https://site.example/a?id=1&tag=b&tag=a"),
        # sessions
        ("https://site.example/a;jsessionid=0A?b=1", "https://site.example/a?b=1"),
        ("https://site.example/a;JSESSIONID=0A.node1;v=2/b", "https://site.example/a;v=2/b"),
        ("https://site.example/(S(k3q9z1))/a.aspx", "https://site.example/a.aspx"),
        ("https://site.example/%28S%28k3q9z1%29%29/a.aspx", "https://site.example/a.aspx"),
        ("https://site.example/(X(1)S(k3q9z1))/a.aspx", "https://site.example/a.aspx"),
        ("https://site.example/a(S)/(b)", "https://site.example/a(S)/(b)"),
        ("https://site.example/a?PHPSESSID=1&CFID=2&cftoken=3&ASPSESSIONIDQA=4", "https://site.example/a"),
        ("https://site.example/a?sessionid=0123456789abcdef", "https://site.example/a"),
        ("https://site.example/a?session_id=12", "https://site.example/a?session_id=12"),
        ("https://site.example/a?sid=0a1b", "https://site.example/a?sid=0a1b"),
        # may name a page
        ("https://site.example/a?trk=101", "https://site.example/a?trk=101"),
        ("https://site.example/a?trk=menu&cmp&rss=on&icid=x&intcmp=", "https://site.example/a"),
        ("https://site.example/a?rss=1&icid=2&intcmp=3&cmp=4", "https://site.example/a?cmp=4&icid=2&intcmp=3&rss=1"),
        ("https://site.example/a?ref=rss&source=RSS-2&mod=rss_home", "https://site.example/a"),
        ("https://site.example/a?ref=home&source=x", "https://site.example/a?ref=home&source=x"),
        # campaigns
        (
            "https://site.example/a?ftag=x&fb_ref=y&int_cmp=z&xtor=RSS-1&mc_cid=1&at_campaign=2",
            "https://site.example/a",
        ),
        ("https://site.example/a?item=1&attach=2&utmost=3", "https://site.example/a?attach=2&item=1&utmost=3"),
        # fragment
        ("https://site.example/#/a/b", "https://site.example/#/a/b"),
        ("https://site.example/a#top", "https://site.example/a"),
        ("https://site.example/a#!/b", "https://site.example/a#!/b"),
        # white space around
        ("  https://site.example/a\n", "https://site.example/a"),
    ],
)
def test_rule(url, expected):
    assert canonical(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a",
        "//site.example/a",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://site.example/a",
        "data:text/html,a",
        "https:///a",
        "https://",
        "https://:80/",
        "https://site.example:port/",
        "https://site.example:²/",
        "https://two words.example/",
        "https://site.example\\@other.example/",
        "https://site..example/a",
        "https://site.exam\0ple/",
        "https://%73ite.example/",
        "https://[::1/",
        f"https://{'ä' * 70}.example/",
    ],
)
def test_a_url_that_is_not_http(url):
    with pytest.raises(ValueError, match="is not"):
        canonical(url)


PIECES = [
    *"abzABZ019-._~:/?#[]@!$&'()*+,;=% \t\n\"<>\\^`{|}\0é中İß\u200b🙂",
    *("%2f", "%41", "%zz", "%C3%A9", "%", "//", "/../", "/./", "..", ".", "&", "=", "#!", "https://", ":80"),
    *("utm_source=x", "utm%5Fsource=x", "&fbclid", "?a=1&b=2", ";jsessionid=1", "/(S(1))", "%28A(2)%29", "&rss=", "#/"),
]
AUTHORITIES = [
    "site.example",
    "Site.EXAMPLE.",
    "a:b@site.example",
    "site.example:80",
    "[::1]:80",
    "bücher.example",
    "☃.faß.example",
]


def random_url(chance):
    scheme = chance.choice(["http://", "https://", "HTTPS://"])
    before = "".join(chance.choices(PIECES, k=chance.choice([0, 0, 0, 2])))
    after = "".join(chance.choices(PIECES, k=chance.randrange(12)))
    return scheme + before + chance.choice(AUTHORITIES) + chance.choice(["", "/", "/a"]) + after


def test_the_canonical_form_is_its_own_and_plain():
    chance = random.Random(20)
    taken = 0
    for _ in range(20_000):
        url = random_url(chance)
        try:
            form = canonical(url)
        except ValueError:
            continue
        taken += 1
        assert canonical(form) == form, url
        assert form.isascii(), url
        assert form.isprintable(), url
        assert " " not in form, url
    assert taken > 5_000


@pytest.mark.parametrize(
    ("key", "fragment"),
    [
        ("storm-1", "#entry=storm-1"),
        ("tag:site.example,2026:1", "#entry=tag:site.example,2026:1"),
        ("a b#c%20é", "#entry=a%20b%23c%20%C3%A9"),
    ],
)
def test_the_url_of_an_entry_is_the_link_with_its_key(key, fragment):
    assert of_entry("https://site.example/a?b=1", key) == f"https://site.example/a?b=1{fragment}"


def test_the_url_of_an_entry_whose_link_has_a_fragment():
    assert of_entry("https://site.example/#/a", "1") == "https://site.example/#/a&entry=1"


def test_the_url_of_an_entry_is_bounded():
    one, other = (of_entry("https://site.example/a", "x" * MAX_ENTRY_URL + end) for end in "12")
    assert one != other
    assert len(one) < 100


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://straße.example/ä", "https://xn--strae-oqa.example/ä"),
        ("https://a:b@Straße.example:8080/", "https://a:b@xn--strae-oqa.example:8080/"),
        ("https://site.example/straße", "https://site.example/straße"),
        ("https://site.example/a", "https://site.example/a"),
        (f"https://{'ß' * 64}.example/", f"https://{'ß' * 64}.example/"),
    ],
)
def test_the_host_of_a_request(url, asked):
    assert with_ascii_host(url) == asked
