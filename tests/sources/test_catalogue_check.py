import os

import pytest

from newsbot.sources.catalogue import load
from newsbot.sources.document import MAX_BYTES
from newsbot.sources.model import CatalogueError

GOOD = {
    "id": "example",
    "name": "Example",
    "homepage": "https://www.example.com/",
    "country": "gb",
    "language": "en",
    "feeds": "[https://www.example.com/feed.xml]",
}


def entry(**changes):
    """An entry as text; None leaves a key out."""
    pairs = [f"{key}: {value}" for key, value in (GOOD | changes).items() if value is not None]
    return "- " + "\n  ".join(pairs) + "\n"


@pytest.fixture
def faults(tmp_path):
    """The faults of a file of this content, without its folder."""

    def faults(content):
        file = tmp_path / "own.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(CatalogueError) as caught:
            load([file])
        return [fault.removeprefix(f"{tmp_path}{os.sep}") for fault in caught.value.faults]

    return faults


def test_the_entry_that_the_cases_change_is_valid(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(entry())
    assert load([file])["example"].feeds == ("https://www.example.com/feed.xml",)


@pytest.mark.parametrize(
    "changes",
    [
        {"feeds": "[https://ann:pass5word@x.example/feed]"},
        {"feeds": "['https://ann:pass5/word@x.example/feed']"},
        {"feeds": "['https://ann:pass5?word@x.example/feed']"},
        {"feeds": "https://ann:pass5word@x.example/feed"},
        {"feeds": '["https://pass5@x.example/feed"]'},
        {"homepage": "https://ann:pass5word@x.example/"},
        {"news_sitemaps": "[ftp://ann:pass5word@x.example/]"},
        {"sitemaps": "['https://ann:pass5 word@x.example/']"},
        {"sections": "[{url: 'https://ann:pass5word@x.example/', items: a}]"},
        {"feeds": '["//ann:pass5word@x.example/feed"]'},
        {"feeds": "[ann:pass5word@x.example/feed]"},
        {"feeds": "['ann:pass5 word@x.example/feed']"},
        {"feeds": "{url: x.example, password: pass5word}"},
        {"auth": "ann:pass5word"},
        {"auth": "{user: ann, password: pass5word}"},
        {"auth": "[ann, pass5word]"},
        {"auth": "env:ann:pass5word"},
        {"auth": "env:pass5-word"},
    ],
)
def test_a_login_in_a_file_is_refused_and_not_repeated(faults, changes):
    (key,) = changes
    (fault,) = faults(entry(**changes))
    assert key in fault
    assert "pass5" not in fault
    assert "env:NAME" in fault or "expected a list" in fault or "not shown" in fault


def test_where_a_login_is(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(entry(auth="env:PAPER_LOGIN"))
    assert load([file])["example"].auth == "env:PAPER_LOGIN"


@pytest.mark.parametrize(
    ("changes", "line", "key", "said"),
    [
        ({"feed": "https://x.example/"}, 7, "feed", "unknown key; perhaps 'feeds'; the keys are id, name,"),
        ({"name": None}, 1, "name", "missing; its name for readers"),
        ({"name": ""}, 2, "name", "None: expected a text"),
        ({"name": "'  '"}, 2, "name", "'  ': expected a text that is not empty"),
        ({"id": "BBC"}, 1, "id", "'BBC': expected lower-case ASCII letters"),
        ({"id": "-a--b"}, 1, "id", "'-a--b': expected lower-case ASCII letters"),
        ({"feeds": "https://x.example/"}, 6, "feeds", "'https://x.example/': expected a list"),
        ({"homepage": "[a, b]"}, 3, "homepage", "['a', 'b']: expected a text"),
        (
            {"homepage": "ftp://x.example/"},
            3,
            "homepage",
            "'ftp://x.example/': expected http:// or https:// and a host",
        ),
        ({"homepage": "www.example.com"}, 3, "homepage", "'www.example.com': expected http:// or https:// and a host"),
        ({"homepage": "https:///feed"}, 3, "homepage", "'https:///feed': expected http:// or https:// and a host"),
        ({"homepage": "https://[::1/"}, 3, "homepage", "not a URL: Invalid IPv6 URL"),
        ({"homepage": "https://x.example:99999/"}, 3, "homepage", "not a URL: Port out of range"),
        ({"feeds": "['https://x.example/a b']"}, 6, "feeds[0]", "'https://x.example/a b': a URL has no blanks"),
        (
            {"country": "GB"},
            4,
            "country",
            "'GB': expected an ISO 3166-1 alpha-2 code in lower case, as 'fr'; perhaps 'gb'",
        ),
        ({"country": "uk"}, 4, "country", "perhaps 'gb'"),
        ({"country": "Germany"}, 4, "country", "perhaps 'de'"),
        ({"country": "zz"}, 4, "country", "'zz': expected an ISO 3166-1 alpha-2 code"),
        ({"language": "de-AT"}, 5, "language", "'de-AT': expected a primary language tag of BCP 47"),
        ({"language": "jp"}, 5, "language", "perhaps 'ja'"),
        ({"language": "EN"}, 5, "language", "perhaps 'en'"),
        (
            {"timezone": "Europe/Berln"},
            7,
            "timezone",
            "'Europe/Berln': expected an IANA time zone, as 'Europe/Berlin'; perhaps",
        ),
        ({"timezone": "../UTC"}, 7, "timezone", "'../UTC': expected an IANA time zone"),
        ({"delay": "-1"}, 7, "delay", "'-1': expected 0 or more"),
        ({"delay": "nan"}, 7, "delay", "'nan': expected a finite number"),
        ({"delay": "1:30"}, 7, "delay", "'1:30': expected a number"),
        ({"enabled": "perhaps"}, 7, "enabled", "'perhaps': expected true or false"),
        ({"enabled": "false"}, 1, "reason", "missing; an entry that is not enabled says why"),
        ({"feeds": None}, 1, "enabled", "nothing to fetch; give feeds, news_sitemaps or sections, or enabled: false"),
        ({"feeds": "[]"}, 1, "enabled", "nothing to fetch"),
        ({"sections": "[{url: 'https://x.example', items: 'a['}]"}, 7, "sections[0].items", "'a[': not a CSS selector"),
        (
            {"sections": "[{url: 'https://x.example', items: 'a::text'}]"},
            7,
            "sections[0].items",
            "expected a selector of an element",
        ),
        (
            {"sections": "[{url: 'https://x.example', items: a, link: 'a::what'}]"},
            7,
            "sections[0].link",
            "not a CSS selector",
        ),
        ({"sections": "[{url: 'https://x.example'}]"}, 7, "sections[0].items", "missing; selects the element"),
        ({"sections": "[{url: 'https://x.example', items: a, titel: b}]"}, 7, "sections[0].titel", "perhaps 'title'"),
        ({"feeds": "['https://x.example/', 'https://x.example/']"}, 6, "feeds[1]", "the URL is that of feeds[0], too;"),
        (
            {"sections": "[{url: 'https://x.example', items: a}, {url: 'https://x.example', items: b}]"},
            7,
            "sections[1].url",
            "expected once; `items` takes several selectors, with commas between",
        ),
        ({"sections": "[x]"}, 7, "sections[0]", "'x': expected a mapping"),
    ],
)
def test_a_wrong_value_is_reported_with_line_entry_key_value_and_the_expected_value(faults, changes, line, key, said):
    name = changes.get("id", "example")
    [fault] = faults(entry(**changes))
    assert fault.startswith(f"own.yaml:{line}: entry 1 ({name}): {key}: "), fault
    assert said in fault


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "own.yaml:1: empty; expected a list of entries"),
        ("# nothing yet\n", "own.yaml:1: empty"),
        ("[]", "own.yaml:1: empty"),
        ("id: example\n", "own.yaml:1: not a list; expected a list of entries"),
        ("just text", "own.yaml:1: not a list"),
        ("- id: [a\n", "own.yaml:2: not YAML: did not find expected ',' or ']'"),
        ("- id: a\n\tname: b\n", "own.yaml:2: not YAML: "),
        ("- feeds:\n\t- b\n", "own.yaml:2: not YAML: found character that cannot start any token; indent with blanks"),
        (entry() + "---\n" + entry(), "own.yaml:7: a second document begins"),
        ("- a: &x 1\n  b: *x\n", "own.yaml:2: an alias: write the value itself"),
        ("&a [*a]", "own.yaml:1: an alias"),
        ("- !python/object x\n", "own.yaml:1: a tag: write the plain value"),
        ("- [a]: b\n", "own.yaml:1: a key is a word"),
        ("[" * 100_000, "own.yaml:1: nested more than 8 deep"),
        ("- " * 100_000 + "a", "own.yaml:1: nested more than 8 deep"),
        ("- id: a\n  name: x\0y\n", "own.yaml:2: the unprintable character U+0000; take it out"),
        ('- id: a\n  name: "x\\0y"\n', "own.yaml:2: the unprintable character U+0000"),
        ("- id: a\n  name: x\x80y\n", "own.yaml:2: the unprintable character U+0080"),
        ("- id: a\n  name: Café\n".encode("latin-1"), "own.yaml:2: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (entry().encode("utf-16"), "own.yaml:1: the byte 0xff is not UTF-8"),
        (b" " * (MAX_BYTES + 1), "own.yaml:1: larger than 32 MiB"),
        ("- 12\n- example\n", "own.yaml:1: none of its keys is known; the keys are id, name, homepage, "),
        ("- 12\n- id: a\n", "own.yaml:1: entry 1: '12': expected a mapping"),
    ],
)
def test_a_file_that_is_not_a_catalogue(faults, content, said):
    assert faults(content)[0].startswith(said)


def test_a_bomb_of_aliases_is_refused_at_its_first(faults):
    levels = "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert faults("- &a0 lol\n" + levels) == ["own.yaml:2: an alias: write the value itself"]


def test_one_key_twice_and_one_id_twice(faults):
    assert faults(entry() + "  name: Again\n" + entry()) == [
        "own.yaml:7: entry 1 (example): name: appears twice; expected once",
        "own.yaml:8: entry 2 (example): id: 'example' is also the id of entry 1; each needs its own",
    ]


def test_all_faults_of_all_files_come_at_once_in_the_order_of_the_lines(tmp_path):
    (tmp_path / "a.yaml").write_text(entry(id="One", country="uk") + entry(feed="x", homepage="x") + "  name: Again\n")
    (tmp_path / "b.yml").write_text("- id: [")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogueError) as caught:
        load([tmp_path, tmp_path / "missing.yaml", tmp_path / "empty"])
    places = [fault.removeprefix(str(tmp_path) + os.sep).split(": ")[0] for fault in caught.value.faults]
    assert places == [
        "a.yaml:1",
        "a.yaml:4",
        "a.yaml:9",
        "a.yaml:13",
        "a.yaml:14",
        "b.yml:2",
        "missing.yaml",
        "empty",
    ]
    assert "No such file or directory" in caught.value.faults[-2]
    assert "the folder holds no *.yaml or *.yml" in caught.value.faults[-1]
    assert all(fault in str(caught.value) for fault in caught.value.faults)


def test_a_long_value_is_cut_in_the_message(faults):
    [fault] = faults(entry(homepage="x" * 1_000_000))
    assert len(fault) < 300
