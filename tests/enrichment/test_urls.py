"""The rules of the canonical URL, in the order of its docstring."""

import random

import pytest

from newsbot.enrichment.urls import canonical


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
        # fragment
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
def test_what_is_no_http_url(url):
    with pytest.raises(ValueError, match="is not"):
        canonical(url)


PIECES = [
    *"abzABZ019-._~:/?#[]@!$&'()*+,;=% \t\n\"<>\\^`{|}\0é中İß\u200b🙂",
    *("%2f", "%41", "%zz", "%C3%A9", "%", "//", "/../", "/./", "..", ".", "&", "=", "#!", "https://", ":80"),
    *("utm_source=x", "utm%5Fsource=x", "&fbclid", "?a=1&b=2"),
]
AUTHORITIES = ["site.example", "Site.EXAMPLE.", "a:b@site.example", "site.example:80", "[::1]:80", "bücher.example"]


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
