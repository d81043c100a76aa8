"""Logins in URLs, and lookalikes."""

import pytest

from newsbot.logins import has_login, url_without_login, without_login


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("http://joe:pw@x.example/a", "http://x.example/a"),
        ("http://joe@x.example", "http://x.example"),
        ("http://:pw@x.example", "http://x.example"),
        ("//joe:pw@x.example/a", "//x.example/a"),
        ("HTTP://joe:1234@x.example/", "HTTP://x.example/"),
        ("http://joe:p/w@x.example/", "http://x.example/"),
        ("http://joe:p'w@x.example/", "http://x.example/"),
        ("http://joe:p@w@x.example/", "http://x.example/"),
    ],
)
def test_a_login(url, without):
    assert has_login(url)
    assert url_without_login(url) == without
    assert without_login(f"<GET {url}>") == f"<GET {without}>"


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example?mail=a@b.example",
        "https://x.example/@joe",
        "https://x.example//@joe/a",
        "https://x.example:8080/a:b@c",
        "https://x.example?a=b:c@d",
        "https://x.example/web/https://joe:pw@y.example/",
        "http://[::1]:80/a@b",
        "joe@x.example",
    ],
)
def test_no_login_of_the_url(url):
    assert not has_login(url)
    assert url_without_login(url) == url
