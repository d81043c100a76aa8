"""Columns of values to JSON: the quick way and the careful one give the same result."""

import json
import random

import pytest

from newsbot.extraction.conversions import ValueTypeError, converter, number
from newsbot.extraction.tables.columns import encoder

VALUES = {
    "text": ["", "a", "é", 'say "so"', "back\\slash", "tab\tand\nline", "港口", "0012", "null"],
    "integer": ["", "0", "-5", "0012", "9007199254740993", "1" * 40, "-0"],
    "number": ["", "0", "-0.5", "1.25", "100", "12345678.9", ".5", "5."],
    "date": ["", "2017-04-23", "2017-04-23T10:00:00Z"],
    "time": ["", "2017-04-23T10:00:00+02:00", "2017-04-23"],
    "boolean": ["", "true", "0", "yes"],
    "json": ["", '{"a": [1, null]}', "3"],
}
ODD = {
    "text": ["nul\0inside", "\x1b[31m"],
    "integer": ["1 234", "+7", "1,234"],
    "number": ["1e3", " 5 ", "1 234.5"],
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("odd", [False, True])
def test_what_is_of_the_type_becomes_what_the_converter_says(kind, odd):
    values = VALUES[kind] + (ODD.get(kind, []) if odd else [])
    found, bad = encoder(kind)(values)
    convert = converter(kind)
    right = [convert(value) for value in values]
    if kind == "text":
        right = [text and text.replace("\0", "").replace("\x1b", "") for text in right]
    assert [json.loads(text) for text in found] == right
    assert bad == []


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("integer", ["1.5", "1_000", "-", "1-2", "abc", "1\n2", "9" * 41]),
        ("number", ["1_000.5", "1,5", "nan", "inf", "-", "1.2.3", "1\n2", "9" * 400, "1e999"]),
        ("date", ["2017-13-45", "soon"]),
        ("boolean", ["perhaps"]),
        ("json", ["{", "NaN"]),
    ],
)
def test_what_is_not_of_the_type_is_reported_and_the_others_are_kept(kind, wrong):
    good = VALUES[kind][1]
    for value in wrong:
        found, bad = encoder(kind)([good, value, good])
        assert [tuple(each) for each in bad] == [(1, f"is not of type {kind}", value)], value
        assert found[1] == "null"
        assert json.loads(found[0]) == json.loads(found[2]) == converter(kind)(good)


def test_decimal_commas():
    found, bad = encoder("number", ",")(["1,5", "12", "", "-0,25"])
    assert (found, bad) == (["1.5", "12", "null", "-0.25"], [])
    found, bad = encoder("number", ",")(["1.234,5", "1.5"])
    assert found == ["1234.5", "null"]
    assert [each.value for each in bad] == ["1.5"]


@pytest.mark.parametrize(("text", "decimal"), [("1,5", "."), ("1,23", "."), ("1.5", ","), ("12,34,567", ".")])
def test_a_mark_that_is_not_between_thousands_makes_no_number(text, decimal):
    with pytest.raises(ValueTypeError):
        number(text, decimal)


@pytest.mark.parametrize(
    ("day_first", "found"),
    [
        (None, [None, "2017-04-23", "2017-04-23", "2017-04-04", "2017-05-04", "2017-05-04", None]),
        (True, ["2017-05-04", "2017-04-23", None, "2017-04-04", "2017-05-04", "2017-05-04", "2017-05-04"]),
        (False, ["2017-04-05", None, "2017-04-23", "2017-04-04", "2017-05-04", "2017-05-04", "2017-04-05"]),
    ],
)
def test_a_date_with_slashes_is_not_read_in_two_orders(day_first, found):
    values = ["04/05/2017", "23/04/2017", "04/23/2017", "4/4/2017", "04.05.2017", "2017/05/04", "4/5/17 10:00"]
    texts, bad = encoder("date", day_first=day_first)(values)
    assert [json.loads(text) for text in texts] == found
    either = "may be day/month or month/day; say which as `day_first`"
    assert [each.reason for each in bad] == ([either] * 2 if day_first is None else ["is not of type date"])


def test_values_that_are_no_text_are_taken_as_they_are():
    values = [{"a": "x\0y"}, [1, 2.5], True, 2**60, None, ""]
    found, bad = encoder(None)(values)
    assert [json.loads(text) for text in found] == [{"a": "xy"}, [1, 2.5], True, 2**60, None, None]
    assert bad == []
    assert encoder("text")([1, "a", None])[0] == ['"1"', '"a"', "null"]
    assert [each.row for each in encoder(None)([float("nan"), 1.0])[1]] == [0]


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_the_quick_way_and_the_careful_one_agree_on_whatever_is_written(kind):
    """The quick way takes many values at once, the careful one each alone."""
    chance = random.Random(5)
    characters = "0123456789" * 3 + ".,-+e_ \n"
    quick, careful = encoder(kind), converter(kind)
    for _ in range(5_000):
        value = "".join(chance.choices(characters, k=chance.randint(0, 6)))
        (text,), bad = quick([value])
        try:
            expected = careful(value)
        except ValueTypeError:
            assert bad, value
        else:
            assert not bad, value
            assert json.loads(text) == expected, value
