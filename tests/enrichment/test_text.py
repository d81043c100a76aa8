import pytest

from newsbot.enrichment.text import clean_line, clean_text, shorten


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two \t words\n", "two words"),
        ("Marks &amp; Spencer &#8217;s &hellip;", "Marks & Spencer ’s …"),
        ("AT&T & co; R&D;", "AT&T & co; R&D;"),
        ("nul\0 and \ud800surrogate and \x1bescape", "nul and surrogate and escape"),
        ("e\u0301te\u0301", "été"),  # NFC
        ("no\u00a0break\u2003wide", "no break wide"),
        ("\ufeffmark", "mark"),
        ("&#0;&#xd800;a", "\ufffd\ufffda"),
        ("\u200b \0", "\u200b"),
        ("", ""),
    ],
)
def test_clean_line(text, expected):
    assert clean_line(text) == expected


def test_clean_text_keeps_paragraphs():
    assert clean_text("one \n two\r\n\n\n\n\nthree\0 &lt;b&gt;\n") == "one\ntwo\n\nthree <b>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("as it is", "as it is"), ("cut between words", "cut…"), ("onewordthatislong", "onewordth…")],
)
def test_shorten(text, expected):
    assert shorten(text, 10) == expected
    assert len(expected) <= 10
