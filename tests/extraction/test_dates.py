import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from newsbot.extraction import zones
from newsbot.extraction.dates import Hints, first_date, parse_date
from newsbot.extraction.months import folded

TABLE = Path(__file__).with_name("dates.tsv").read_text(encoding="utf-8")
ROWS = [(*line.split("\t"), "")[:3] for line in TABLE.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("text", "right", "source"), ROWS)
def test_the_table_of_dates(text, right, source):
    country, _, language = source.partition("/")
    assert parse_date(text, Hints(country or None, language or None)) == (None if right == "-" else right)


def test_the_names_of_zones_are_as_texts_are_folded():
    assert [name for name in (*zones._REGIONS, *zones._HERE) if folded(name) != name] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # RFC 822 and 2822
        ("Mon, 02 Jan 2006 15:04:05 +0000", "2006-01-02T15:04:05+00:00"),
        ("Mon, 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05+00:00"),
        ("Mon, 02 Jan 2006 15:04:05 -0730", "2006-01-02T15:04:05-07:30"),
        ("Mon, 2 Jan 06 5:04 EST", "2006-01-02T05:04:00-05:00"),
        ("2 January 2006", "2006-01-02T00:00:00"),
        ("Mon, 02 Jan 2006 15:04:05", "2006-01-02T15:04:05"),
        ("Mon, 02 Jan, 2006 15:04:05 UTC", "2006-01-02T15:04:05+00:00"),
        ("Mon, 02 Jan 2006 15:04:05 GMT+02:00", "2006-01-02T15:04:05+02:00"),
        ("Mon, 02 Jan 2006 15:04:05 Etc/GMT", "2006-01-02T15:04:05+00:00"),
        ("Monday, 02-Jan-06 15:04:05 MST", "2006-01-02T15:04:05-07:00"),
        ("Sat, 31 Dec 94 23:59:59 CET", "1994-12-31T23:59:59+01:00"),
        # W3CDTF, ISO 8601
        ("2006-01-02T15:04:05Z", "2006-01-02T15:04:05+00:00"),
        ("2006-01-02T15:04:05.678+05:30", "2006-01-02T15:04:05+05:30"),
        ("2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05-07:00"),
        ("2006-01-02T15:04+0100", "2006-01-02T15:04:00+01:00"),
        ("2006-1-2", "2006-01-02T00:00:00"),
        ("2006-01", "2006-01-01T00:00:00"),
        ("2006", "2006-01-01T00:00:00"),
        ("20060102T150405Z", "2006-01-02T15:04:05+00:00"),
        ("2006-032", "2006-02-01T00:00:00"),
        ("06-01-02", "2006-01-02T00:00:00"),
        # others
        ("Mon Jan  2 15:04:05 2006", "2006-01-02T15:04:05"),
        ("Mon Jan 2 15:04:05 PST 2006", "2006-01-02T15:04:05-08:00"),
        ("January 2, 2006, 3:04 p.m.", "2006-01-02T15:04:00"),
        ("2. Januar 2006, 8:15 Uhr abends", "2006-01-02T20:15:00"),
        ("2 Jan 2006, 8:15 hrs PM", "2006-01-02T20:15:00"),
        ("2 января 2006, 8:15 часов вечера", "2006-01-02T20:15:00"),
        ("Mo., 2.1.2006, 18:15 Uhr (MEZ)", "2006-01-02T18:15:00+01:00"),
        ("2 Jan 2006 1815 hrs IST", "2006-01-02T18:15:00+05:30"),
        ("2 Jan 2006 18:15:00h -0300", "2006-01-02T18:15:00-03:00"),
        ("Jan 02 2006 12:04:05AM", "2006-01-02T00:04:05"),
        ("Mon, 2006/01/02 15:04:05 EDT", "2006-01-02T15:04:05-04:00"),
        ("15:04 02.01.2006 -0700", "2006-01-02T15:04:00-07:00"),
        ("1/2/2006 3:04:05 PM", "2006-01-02T15:04:05"),
        ("13/1/2006", "2006-01-13T00:00:00"),
        ("2006-01-02 at 15:04:05", "2006-01-02T15:04:05"),
        ("1136214245", "2006-01-02T15:04:05+00:00"),
        ("1136214245000", "2006-01-02T15:04:05+00:00"),
        # languages
        ("Mo, 05 Okt 2020 12:00:00 +0200", "2020-10-05T12:00:00+02:00"),
        ("mar., 05 oct. 2021 08:00:00 GMT", "2021-10-05T08:00:00+00:00"),
        ("5 de marzo de 2021", "2021-03-05T00:00:00"),
        ("5 марта 2021, 10:30", "2021-03-05T10:30:00"),
        ("Κυρ, 11 Ιούλ 2004 12:00:00 EST", "2004-07-11T12:00:00-05:00"),
        ("2004-július-13T9:15-05:00", "2004-07-13T09:15:00-05:00"),
        ("2021年3月5日 10:30", "2021-03-05T10:30:00"),
        ("2004년 05월 28일 01:31:15", "2004-05-28T01:31:15+09:00"),
        ("2004-05-25 오후 11:23:17", "2004-05-25T23:23:17+09:00"),
        # over the edge
        ("2006-01-02T24:00:00Z", "2006-01-03T00:00:00+00:00"),
        ("Mon, 31 Dec 2005 23:59:60 GMT", "2006-01-01T00:00:00+00:00"),
        ("Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59+00:00"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_date_is_read_in_any_notation(text, expected):
    assert parse_date(f" {text}\n") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "May",
        "12:00",
        "0000-00-00T00:00:00Z",
        "9999-12-31T24:00:00Z",
        "2006-01-02T25:00:00Z",
        "2006-01-02T10:61:00Z",
        "Mon, 99 Jan 2006 15:04:05 GMT",
        "2006-13-01",
        "2023-02-29",
        "Sun, 31 Feb 2026 07:05:00 GMT",
        "31. April 2026",
        "2006-xx-02",
        "2006-01-02T15:xx:05Z",
        "1" * 60,
        "1 " * 10_000,
    ],
)
def test_an_invalid_date_is_none(text):
    assert parse_date(text) is None


def test_common_notations_need_no_tables_of_the_others():
    program = """
import sys
from newsbot.extraction.dates import parse_date
assert parse_date("Mon, 02 Jan 2006 15:04:05 GMT") and parse_date("2006-01-02T15:04:05+01:00")
rare = {"newsbot.extraction." + name for name in ("written_dates", "clocks", "months", "zones")}
assert not rare & set(sys.modules)
assert parse_date("2. Januar 2006")
assert rare < set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_zone_that_is_unknown_or_impossible_makes_no_date():
    assert parse_date("Mon, 02 Jan 2006 15:04:05 QQQ") is None
    assert parse_date("Mon, 02 Jan 2006 15:04:05 +9900") is None
    assert parse_date("20060102T150405+9900") is None


# Parts of texts without a whole date, each with its surroundings on real pages.
_PIECES = (
    *(
        "Mark",
        "Marketing",
        "Decor",
        "Augustine",
        "May",
        "Jan",
        "April",
        "Juni",
        "Sept.",
        "mars",
        "lis",
        "Mon",
        "AM",
        "pm",
    ),
    *(
        "5",
        "12",
        "31",
        "99",
        "1.5",
        "7%",
        "18:05",
        "9.30",
        "#3",
        "3rd",
        "24/7",
        "2",
        "min",
        "read",
        "comments",
        "Uhr",
        "h",
    ),
    *(
        "GMT",
        "+0200",
        "UTC",
        "at",
        "by",
        "de",
        "of",
        "klo",
        "|",
        "-",
        "·",
        ",",
        "(",
        ")",
        ".",
        "/",
        "年",
        "月",
        "日",
        "時",
    ),
)


def test_texts_without_a_year_of_four_digits_name_no_date():
    """In any company of words and numbers, two digits are a year only behind a day and a month's name."""
    chance = random.Random(7)
    for _ in range(3_000):
        pieces = [chance.choice(_PIECES) for _ in range(chance.randint(1, 8))]
        # No day, month and year in two digits, which would be a date: "5 May 12".
        pieces = [piece for piece in pieces if piece not in ("5", "12", "31", "99", "2", "3rd")]
        text = chance.choice((" ", ", ", "")).join(pieces)
        assert parse_date(text) is None, text


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 13 Mar 2025 08:20:11 +0000",
        "2025-03-13 08:20:11",
        "7 August 2024, 18:05",
        "Aug 7, 2024 at 3:05 pm ET",
        "7. elokuuta 2024 klo 11.34",
        "2024年8月7日 午後6時5分",
        "22/01/2015 à 18h05",
    ],
)
def test_a_number_too_many_makes_no_other_date(text):
    """With one put in anywhere, the date is the same or none."""
    right = parse_date(text)
    places = [at for at, character in enumerate(text) if character == " "]
    for at in (0, *places, len(text)):
        for number in ("5", "17", "45", "1999", "7:15", "7.15", "25:00"):
            changed = f"{text[:at]} {number} {text[at:]}".strip()
            assert parse_date(changed) in (None, right), changed


@pytest.mark.parametrize(
    "piece",
    ["1", " ", "1 ", "1:", "Nov ", "12 Nov ", "(", "12/", "1h ", "klo 1 ", "00:00 ", "年", "x-1", "\u0301", "١"],
)
@pytest.mark.parametrize("start", ["", "Nov 3, 2025 ", "2026-11-27"])
def test_a_long_text_costs_no_more_than_looking_at_it(piece, start):
    def seconds(work):
        begun = time.process_time()
        for _ in range(20):
            work()
        return time.process_time() - begun

    text = start + piece * (100_000 // len(piece))
    parse_date(text)
    assert seconds(lambda: parse_date(text)) < 20 * seconds(lambda: " ".join(list(text[:100_000]))) + 0.05
    short = text[:200]
    usual = seconds(lambda: parse_date("Tuesday 3 November 2025 at 3.05 pm"))
    assert seconds(lambda: parse_date(short)) < 60 * usual


def test_the_first_date_of_several_and_what_was_not_understood():
    assert first_date(["", "soon", "2025-03-13"]) == ("2025-03-13T00:00:00", None)
    assert first_date(["", " soon ", "later"]) == (None, "soon")
    assert first_date([]) == first_date([" "]) == (None, None)


def test_a_declared_order_is_kept_to_the_letter():
    assert parse_date("31/05/2026", Hints(day_first=False)) is None
    assert parse_date("04-05-2026", Hints(day_first=False)) == "2026-04-05T00:00:00"
    assert parse_date("04.05.2026", Hints(day_first=False)) == "2026-05-04T00:00:00"


def test_a_day_a_month_and_a_year_that_stand_apart_are_no_date():
    """Words between them, in any order, with other numbers about."""
    chance = random.Random(11)
    words = ("by", "Jones", "Marketing", "read", "Oktoberfest", "noon of", "sur", "uutiset", "годы", "週刊", "vol")
    months = ("Nov", "March", "mai", "kesäkuuta", "февраля", "Agustus", "Sept.")
    for _ in range(3_000):
        parts = [str(chance.randint(1, 31)), chance.choice(months), str(chance.randint(1990, 2030))]
        chance.shuffle(parts)
        text = parts[0]
        for part in parts[1:]:
            text += f" {chance.choice(words)} {part}"
        assert parse_date(text) is None, text
