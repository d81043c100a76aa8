"""One value has one spelling, by every way: an item, a file of a dataset, an API."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from newsbot import values
from newsbot.extraction.tables.columns import encoder


def noted(value):
    """The kept form of a value, and the left-out values."""
    left_out = []
    return values.as_json(value, lambda *each: left_out.append(each), "at"), left_out


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("plain", "plain"),
        ("a\ufeffb\x91", "ab"),
        ("\0\x08\x0b\x1f\x7f\x80\x9f", ""),
        ("a\tb\nc\rd\x85e\u2028f", "a\tb\nc\rd\x85e\u2028f"),
        ("a\ud800b\udfff", "ab"),
        ("\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffff", ""),
        ("\ue000\U0001f6a2\U00020000\U000f0000", "\ue000\U0001f6a2\U00020000\U000f0000"),
        ("e\u0301", "\xe9"),
        ("e\x91\u0301", "\xe9"),
        ("soft\xad zero\u200bwidth", "soft\xad zero\u200bwidth"),
    ],
)
def test_the_characters_of_a_text(given, stored):
    assert values.text(given) == stored
    assert values.text(stored) == stored
    assert json.loads(encoder("text")([given])[0][0]) == (stored or None)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        *((-0.0, "0"), (2.0, "2"), (1.5, "1.5"), (1e300, "1e+300"), (2.0**53, str(2**53)), (10**3999, str(10**3999))),
        *((True, "true"), (None, "null"), (Decimal("1.50"), "1.5"), (Decimal("7"), "7"), (b"caf\xc3\xa9", '"café"')),
        *((date(2026, 1, 2), '"2026-01-02"'), (timedelta(minutes=1), "60"), ((1, "a\0"), '[1, "a"]')),
        (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00+00:00"'),
        ({"a\0": {1: "\x91"}, "b": []}, '{"a": {"1": ""}, "b": []}'),
        (range(2), '"range(0, 2)"'),
    ],
)
def test_what_json_has(given, stored):
    found, left_out = noted(given)
    assert (json.dumps(found, ensure_ascii=False), left_out) == (stored, [])
    assert type(found) in (type(None), bool, int, float, str, list, dict)


@pytest.mark.parametrize("given", [math.nan, math.inf, -math.inf, 10**4000, -(10**4200), Decimal("NaN")])
def test_what_json_has_not_is_left_out_alone(given):
    found, ((place, reason, value),) = noted({"a": [1, {"b": given}], "c": 2})
    assert found == {"a": [1, {"b": None}], "c": 2}
    assert (place, len(value) <= values.MAX_NAME) == ("at.a.b", True)
    assert reason in (f"{value} is not a number that JSON has", "a number of more than 4000 digits is too large")


def nested(levels):
    return json.loads("[" * levels + "1" + "]" * levels)


def test_depth_is_bounded():
    assert noted(nested(values.MAX_DEPTH)) == (nested(values.MAX_DEPTH), [])
    assert noted(nested(values.MAX_DEPTH + 1))[1] == [("at", values.TOO_DEEP, None)]


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("a b", True),
        *((each, False) for each in ("", "a\tb", "a\n", "\x7f", "k" * 2_001, "港" * 667)),
        *((each, True) for each in ("k" * 2_000, "港" * 666)),
    ],
)
def test_keys(given, right):
    assert values.is_key(given) is right


@pytest.mark.parametrize(
    ("written", "stored"),
    [("1.50", "1.5"), ("100", "100"), ("100.0", "100"), ("-0", "0"), ("-0.00", "0"), ("0.10", "0.1"), ("-10.0", "-10")],
)
def test_a_written_number_has_one_spelling_beside_whatever_it_stands(written, stored):
    for beside in ("7", "1e3"):  # the quick way, and the careful one
        assert encoder("number")([written, beside])[0][0] == stored
