"""Values as APIs and files write them, paths to them, and secrets among them."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from newsbot.extraction.conversions import ValueTypeError, converter, moment, number
from newsbot.extraction.paths import PathError, fill, path, places
from newsbot.sources.secrets import hide

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        *("2024-05-01T12:00:00Z", "2024-05-01T12:00:00.000Z", "2024-05-01 12:00:00", "2024-05-01T14:00:00+02:00"),
        *("Wed, 01 May 2024 12:00:00 GMT", "Wed, 01 May 2024 07:00:00 -0500", 1714564800, 1714564800000, 1714564800.0),
    ],
)
def test_moments(given):
    assert moment(given) == NOON


def test_a_moment_without_a_zone_is_in_that_of_the_api():
    assert moment("2024-05-01T14:00:00", "Europe/Paris") == NOON
    assert moment("2024-05-01T12:00:00Z", "Europe/Paris") == NOON
    assert moment("2024-05-01T14:00:00", "Europe/Paris").utcoffset() == timedelta(hours=2)
    assert moment(None) is moment("") is None


@pytest.mark.parametrize("given", ["soon", True, [1], {}, math.nan, math.inf, 1e300, "9999999-01-01"])
def test_a_value_that_is_not_a_moment(given):
    with pytest.raises(ValueTypeError, match="is not a time"):
        moment(given)


@pytest.mark.parametrize(
    ("given", "decimal", "expected"),
    [
        *(
            (1, ".", 1.0),
            ("1.5", ".", 1.5),
            (" 1,234.5 ", ".", 1234.5),
            ("1 234,5", ",", 1234.5),
            ("-3e2", ".", -300.0),
        ),
        *((None, ".", None), ("", ".", None), ("inf", ".", math.inf), (2**80, ".", float(2**80))),
    ],
)
def test_numbers(given, decimal, expected):
    assert number(given, decimal) == expected


@pytest.mark.parametrize("given", ["many", True, [], {"a": 1}])
def test_a_value_that_is_not_a_number(given):
    with pytest.raises(ValueTypeError, match="is not a number"):
        number(given)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("integer", "9007199254740993", 9007199254740993),
        ("integer", 2**70, 2**70),
        ("integer", 3.0, 3),
        ("number", "2.5", 2.5),
        ("number", 2**70, 2**70),
        ("number", " 9007199254740993 ", 9007199254740993),
        ("boolean", "Yes", True),
        ("boolean", 0, False),
        ("date", "2024-05-01T23:00:00-05:00", "2024-05-01"),
        ("time", "2024-05-01T14:00:00+02:00", NOON.isoformat()),
        *(("date", 20170423, "2017-04-23"), ("date", 2017, "2017-01-01"), ("date", 1492905600, "2017-04-23")),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("text", {"a": 1}, '{"a": 1}'),
        ("text", 2**70, str(2**70)),
        *((kind, empty, None) for kind in ("text", "integer", "number", "date", "time") for empty in (None, "")),
    ],
)
def test_types(kind, given, expected):
    assert converter(kind)(given) == expected


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "1.5"),
        ("integer", 1.5),
        ("integer", True),
        ("number", "NaN"),
        ("date", 20171345),
        ("boolean", "maybe"),
        ("json", "{"),
    ],
)
def test_what_is_not_of_its_type(kind, given):
    with pytest.raises(ValueTypeError):
        converter(kind)(given)


def test_paths():
    data = {"a": {"b": [{"c": 1}, {"c": None}]}, "n": None}
    assert path("a.b")(data) == data["a"]["b"]
    assert path("a.b[].c")(data) == [1]
    assert path("n.x")(data) is path("a.b.c")(data) is path("a")([1]) is path("a")(None) is None
    assert path("@")(data) is data or path("@")(data) == data
    with pytest.raises(PathError, match="is not a JMESPath"):
        path("a[")


def test_templates():
    time = datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    values = {"since": time, "query": "a b/ü", "symbols": ["A", "B"], "none": None}
    assert fill("{since} {since:%Y-%m-%d} {since:epoch} {since:ms} {since:epoch-1}", values) == (
        "2024-05-01T12:00:00Z 2024-05-01 1714564800 1714564800000 1714564799"
    )
    assert fill("https://a.example/{query}", values, in_url=True) == "https://a.example/a%20b%2F%C3%BC"
    assert fill("{symbols}", values) == "A,B"
    assert fill("{none}", values) is fill("{absent}", values) is None
    assert fill("{since:days}", {"since": datetime.now(UTC) - timedelta(days=89, hours=23)}) == "90"
    assert places("{since:epoch}..{until} {query}") == {"since", "until", "query"}


@pytest.mark.parametrize(
    "spelt", ['a/b+c"d&e=', "a%2Fb%2Bc%22d%26e%3D", "a%2fb%2bc%22d%26e%3d", "a/b+c&quot;d&amp;e=", 'a\\/b+c"d&e=']
)
def test_a_secret_is_hidden_however_it_is_spelt(spelt):
    assert hide(f"before {spelt} behind".encode(), 'a/b+c"d&e=') == b"before *** behind"


def test_a_value_that_is_not_secret_is_left():
    assert hide(b"a test of the sea", "test") == b"a test of the sea"


@pytest.mark.parametrize(
    "spelt",
    [
        r"abc\u002bd\/e\u003d\u003d\u0026f_g",
        r"abc+d/e\u003d\u003d\u0026f_g",
        "abc%252Bd%252Fe%253D%253D%2526f%5Fg",
        "abc&#43;d&#x2f;e&#61;&#061;&amp;f_g",
        r"abc+d\/e==\u0026f_g",
    ],
)
def test_a_secret_is_hidden_however_an_encoder_writes_it(spelt):
    """Gson writes = as \\u003d, Go & as \\u0026, PHP / as \\/."""
    assert hide(f"before {spelt} behind".encode(), "abc+d/e==&f_g") == b"before *** behind"


@pytest.mark.parametrize("secret", ["k\udcff\udcfe12345", "ключ-ключ", "a.b*c[d"])
def test_odd_secrets(secret):
    given = secret.encode("utf-8", "surrogateescape")
    assert hide(b"before " + given + b" behind", secret) == b"before *** behind"
