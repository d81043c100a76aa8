"""JSON, JSON lines, XLSX and Parquet."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest

from newsbot.extraction import lenient_json
from newsbot.extraction.tables import nested
from newsbot.extraction.tables.packed import Limits
from newsbot.extraction.tables.table import UnreadableTableError

LIMITS = Limits(2**40, 200)


def stream(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return io.BufferedReader(io.BytesIO(raw), 2**20)


def rows(batches):
    batches = list(batches)
    bad = [(each.line, each.reason) for batch in batches for each in batch.bad]
    return [(line, row) for batch in batches for line, row in zip(batch.lines, batch.rows, strict=True)], bad


def test_the_objects_of_a_json_list_wherever_it_is():
    records = [{"id": n, "inner": {"list": [n]}} for n in range(2_500)]
    expected = list(enumerate(records, 1))
    assert rows(nested.json_records(stream(json.dumps(records)))) == (expected, [])
    whole = {"meta": {"n": [1, 2]}, "data": {"rows": records}, "more": []}
    assert rows(nested.json_records(stream(json.dumps(whole)), "data.rows")) == (expected, [])


def test_integers_beyond_2_53_and_fractions_are_kept():
    (found, _) = rows(nested.json_records(stream('[{"id": 9007199254740993, "x": 0.1, "y": 1e3}]')))
    assert found == [(1, {"id": 9007199254740993, "x": 0.1, "y": 1000.0})]


def test_integers_of_any_size_are_kept_and_do_not_end_the_file():
    large = 12345678901234567890123
    (found, _) = rows(nested.json_records(stream(f'[{{"id": {large}, "x": -0.5, "y": 1e400}}, {{"id": 2}}]')))
    assert found == [(1, {"id": large, "x": -0.5, "y": float("inf")}), (2, {"id": 2})]


@pytest.mark.parametrize("before", [0, 2**16 - 2_500])  # within what is read at once, and across its end
def test_a_number_of_too_many_digits_is_reported(before):
    with pytest.raises(UnreadableTableError, match="has a number of more than 4000 digits"):
        rows(nested.json_records(stream(f'[{" " * before}{{"id": {"9" * 5_000}}}]')))
    (found, _) = rows(nested.json_records(stream(f'[{" " * before}{{"id": {"9" * 4_000}}}]')))
    assert found == [(1, {"id": int("9" * 4_000)})]


def test_a_file_of_too_many_levels_is_reported_in_bounded_memory():
    with pytest.raises(UnreadableTableError, match="is nested in more than 200 levels"):
        rows(nested.json_records(stream('[{"a":' + "[" * 1_000_000)))
    (found, _) = rows(nested.json_records(stream(f'[{{"a": {"[" * 190}{"]" * 190}}}]')))
    assert len(found) == 1


def test_an_exponent_beyond_all_bounds_is_reported():
    with pytest.raises(UnreadableTableError, match="is not valid JSON"):
        rows(nested.json_records(stream(f'[{{"x": 1e{"9" * 30}}}]')))


def test_a_mark_of_utf_8_is_not_part_of_the_first_record():
    assert rows(nested.json_records(stream(b'\xef\xbb\xbf[{"a": 1}]'))) == ([(1, {"a": 1})], [])
    for encoding in (None, "utf-8", "UTF_8"):
        assert rows(nested.json_lines(stream(b'\xef\xbb\xbf{"a": 1}'), encoding)) == ([(1, {"a": 1})], [])


def test_utf_16_that_is_cut_off_is_reported():
    with pytest.raises(UnreadableTableError, match=r"line 2: .*truncated"):
        rows(nested.json_lines(stream('{"a": 1}\n{"a": 2}'.encode("utf-16")[:-1])))


def test_an_empty_list_is_not_an_error_and_a_missing_one_is():
    assert rows(nested.json_records(stream("[]"))) == ([], [])
    with pytest.raises(UnreadableTableError, match="no list at 'data'"):
        rows(nested.json_records(stream('{"rows": []}'), "data"))
    with pytest.raises(UnreadableTableError, match="no list as the file itself"):
        rows(nested.json_records(stream('{"rows": []}')))


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a"', "<html>", "", '[{"a": 1} {"a": 2}]', "[é]".encode("latin-1") * 9])
def test_invalid_or_cut_off_json_is_reported(text):
    with pytest.raises(UnreadableTableError, match="is not valid JSON, or is cut off"):
        rows(nested.json_records(stream(text)))


def test_an_element_that_is_not_an_object_costs_only_itself():
    found, bad = rows(nested.json_records(stream('[{"a": 1}, 2, null, {"a": 3}]')))
    assert found == [(1, {"a": 1}), (4, {"a": 3})]
    assert bad == [(2, "is not an object of names and values"), (3, "is not an object of names and values")]


def test_a_line_that_is_not_valid_json_costs_only_itself():
    found, bad = rows(nested.json_lines(stream('{"a": 1}\n\n{"a": 2\n[3]\n{"a": 4}')))
    assert found == [(1, {"a": 1}), (5, {"a": 4})]
    assert [line for line, _ in bad] == [3, 4]
    assert "is not valid JSON" in bad[0][1]


def test_a_byte_that_is_not_of_the_encoding_costs_its_line():
    found, bad = rows(nested.json_lines(stream('{"a": "é"}\n{"a": "e"}\n'.encode("latin-1")), "utf-8"))
    assert found == [(2, {"a": "e"})]
    assert bad == [(1, "the byte 0xe9 is not utf-8")]


STRAYS = [{"a": "é"}, {"a": "naïve café"}, {"a": "x" * 3_000}] * 3


@pytest.mark.parametrize("place", [0, 2, 4, 8])
def test_a_byte_astray_in_utf_8_is_read_as_windows_1252(place):
    """Also across the end of a chunk."""
    given = [*STRAYS[:place], {"a": "\udc93ferry\udc94 café"}, *STRAYS[place:]]
    right = [*STRAYS[:place], {"a": "“ferry” café"}, *STRAYS[place:]]
    texts = [json.dumps(each, ensure_ascii=False).encode("utf-8", "surrogateescape") for each in given]
    for batches in (
        nested.json_records(stream(b"[" + b",".join(texts) + b"]")),
        nested.json_lines(stream(b"\n".join(texts))),
    ):
        batches = list(batches)
        assert rows(batches) == (list(enumerate(right, 1)), [])
        assert list(batches[-1].remarks) == [lenient_json.BYTES]


def test_a_line_that_is_nearly_json_is_read_as_it_is_meant():
    batches = list(nested.json_lines(stream('{"a": "it\\\'s"}\n{"a": "x\\ud800"}\n{"a": "He said "no""}\n{"a": 4,}')))
    assert rows(batches) == (
        [(1, {"a": "it's"}), (2, {"a": "x"}), (4, {"a": 4})],
        [(3, "is not valid JSON: Expecting ',' delimiter")],
    )
    assert set(batches[-1].remarks) == {lenient_json.ESCAPES, lenient_json.HALVES, lenient_json.COMMAS}


def test_a_line_nested_too_deep_costs_itself_alone():
    found, bad = rows(nested.json_lines(stream("[" * 100_000 + "\n" + '{"a": 1}')))
    assert found == [(2, {"a": 1})]
    assert [line for line, _ in bad] == [1]


def test_a_line_without_end_ends_the_reading(monkeypatch):
    monkeypatch.setattr(nested, "MAX_RECORD", 1_000)
    with pytest.raises(UnreadableTableError, match="line 1 has more than 1000"):
        rows(nested.json_lines(stream("[" + "1," * 1_000)))


def test_a_record_without_end_ends_the_reading(monkeypatch):
    monkeypatch.setattr(nested, "MAX_RECORD", 100_000)
    many = json.dumps([{"a": "x" * 1_000}] * 1_000)
    assert len(rows(nested.json_records(stream(many)))[0]) == 1_000
    with pytest.raises(UnreadableTableError, match="has no record within 100000 bytes"):
        rows(nested.json_records(stream(json.dumps([{"a": ["x"] * 100_000}]))))


def test_large_rows_are_passed_on_before_they_fill_the_memory():
    large = [{"a": "x" * 1_000_000}] * 12
    for text in (json.dumps(large), "\n".join(map(json.dumps, large))):
        read = nested.json_records if text.startswith("[") else nested.json_lines
        assert max(len(batch.rows) for batch in read(stream(text))) <= 6


@pytest.fixture
def workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "notes"
    sheet = book.create_sheet("data")
    sheet.append(["code", "votes", "on", "share"])
    sheet.append(["01", 12, datetime(2017, 4, 23), 1.5])
    sheet.append(["2A", None, None, None])
    file = tmp_path / "book.xlsx"
    book.save(file)
    return file


def test_the_rows_of_a_sheet(workbook):
    with workbook.open("rb") as file:
        found = list(nested.xlsx_rows(file, "data"))
        assert not file.closed
    assert found[:2] == [(1, ["code", "votes", "on", "share"]), (2, ["01", 12, "2017-04-23T00:00:00", 1.5])]
    assert found[2] == (3, ["2A"])


def test_a_sheet_that_is_not_there_is_reported(workbook):
    with workbook.open("rb") as file, pytest.raises(UnreadableTableError, match=r"no sheet 'daten'.*'notes', 'data'"):
        list(nested.xlsx_rows(file, "daten"))


def test_a_file_that_is_not_a_workbook_is_reported():
    pytest.importorskip("openpyxl")
    with pytest.raises(UnreadableTableError, match="not a readable XLSX"):
        list(nested.xlsx_rows(io.BytesIO(b"PK\x03\x04 and nothing more")))


def test_the_rows_of_a_parquet_file(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    values = {
        "id": [2**60, 2],
        "name": ["é", None],
        "day": [date(2017, 4, 23), None],
        "at": [datetime(2017, 4, 23, 8, tzinfo=UTC), None],
        "exact": [Decimal("1.50"), Decimal("7.00")],
        "list": [[1, 2], None],
    }
    file = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table(values), file)
    with file.open("rb") as opened:
        header, batches = nested.parquet_rows(opened, LIMITS)
        found, bad = rows(batches)
    assert header == list(values)
    assert found == [
        (1, [2**60, "é", "2017-04-23", "2017-04-23T08:00:00+00:00", 1.5, [1, 2]]),
        (2, [2, None, None, None, 7, None]),
    ]
    assert bad == []


def test_a_parquet_that_is_a_bomb_is_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = tmp_path / "bomb.parquet"
    parquet.write_table(pyarrow.table({"id": pyarrow.array([1] * 9_000_000)}), file)
    with file.open("rb") as opened, pytest.raises(UnreadableTableError, match="200 times its size"):
        for _ in nested.parquet_rows(opened, LIMITS)[1]:
            pass


def test_a_file_that_is_not_parquet_is_reported():
    pytest.importorskip("pyarrow")
    with pytest.raises(UnreadableTableError, match="not a readable Parquet"):
        nested.parquet_rows(io.BytesIO(b"PAR1 and nothing more"), LIMITS)


@pytest.mark.parametrize(
    ("read", "package", "extra"),
    [(nested.xlsx_rows, "openpyxl", "xlsx"), (partial(nested.parquet_rows, limits=LIMITS), "pyarrow", "parquet")],
)
def test_a_missing_package_is_reported_with_what_to_install(read, package, extra, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(UnreadableTableError, match=rf"{package}.*pip install '.\[{extra}\]'"):
        list(read(io.BytesIO()))
