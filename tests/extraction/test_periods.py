"""Periods of statistics: the day that they begin with."""

from datetime import UTC, datetime

import pytest

from newsbot.extraction import periods
from newsbot.extraction.conversions import ValueTypeError, moment
from newsbot.extraction.tables.columns import encoder


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("2024Q1", "2024-01-01"),
        ("2024-Q4", "2024-10-01"),
        ("2024 q2", "2024-04-01"),
        ("Q3 2024", "2024-07-01"),
        ("Q3/2024", "2024-07-01"),
        ("2024M01", "2024-01-01"),
        ("2024M1", "2024-01-01"),
        ("2024-M12", "2024-12-01"),
        ("2024H1", "2024-01-01"),
        ("2024-H2", "2024-07-01"),
        ("2024S2", "2024-07-01"),
        ("H2 2024", "2024-07-01"),
        ("2024-T3", "2024-09-01"),
        ("2024-A1", "2024-01-01"),
        ("2024W07", "2024-02-12"),
        ("2024-W07", "2024-02-12"),
        ("2020-W53", "2020-12-28"),
        ("2021-W01", "2021-01-04"),
        ("2024-W07-3", "2024-02-14"),
        ("2024W073", "2024-02-14"),
        ("2024-D060", "2024-02-29"),
        (" 2024Q1 ", "2024-01-01"),
    ],
)
def test_the_begin_of_a_period(text, begin):
    right = datetime.fromisoformat(begin)
    assert periods.begin(text) == right
    assert moment(text) == right.replace(tzinfo=UTC)
    assert moment(text, "Europe/Berlin").isoformat().startswith(f"{begin}T00:00:00+0")
    assert encoder("date")([text]) == ([f'"{begin}"'], [])


@pytest.mark.parametrize(
    "text",
    [
        "2024Q5",
        "2024Q0",
        "2024M13",
        "2024M00",
        "2024H3",
        "2024W54",
        "2021-W53",
        "2023-D366",
        "2024-D367",
        "0000Q1",
        "Q1",
    ],
)
def test_a_period_that_there_is_not(text):
    assert periods.begin(text) is None
    with pytest.raises(ValueTypeError):
        moment(text)


@pytest.mark.parametrize("text", ["2024", "2024-01", "2024-01-01", "March 2024", "20240101", "", "Q", "Mon 4 Mar 2024"])
def test_other_dates_are_no_periods(text):
    assert periods.begin(text) is None
