"""CSV and TSV as found in the wild: encodings, delimiters, quotes, and lines that are not rows."""

import io

import pytest

from newsbot.extraction.tables import delimited
from newsbot.extraction.tables.delimited import Delimited, find_delimiter, find_encoding
from newsbot.extraction.tables.table import UnreadableTableError


def read(raw, **told):
    """The result for a file of bytes: its rows with their lines, and the lines that are not rows."""
    raw = raw.encode() if isinstance(raw, str) else raw
    table = Delimited(io.BufferedReader(io.BytesIO(raw), 2**20), **told)
    wide = len(table.header) if table.header else 2
    batches = list(table.batches(lambda cells: wide if cells >= wide else None))
    rows = [(line, row) for batch in batches for line, row in zip(batch.lines, batch.rows, strict=True)]
    return table, rows, [bad for batch in batches for bad in batch.bad]


def test_rows_have_the_lines_that_they_begin_on():
    table, rows, bad = read('a,b\r\n1,"two\r\nlines"\r\n\r\n2,""""\r\n')
    assert table.header == ["a", "b"]
    assert rows == [(2, ["1", "two\r\nlines"]), (5, ["2", '"'])]
    assert bad == []


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("name,town\nJosé,Orléans\n".encode(), "utf-8"),
        ("name,town\nJosé,Orléans\n".encode("utf-8-sig"), "utf-8-sig"),
        ("name,town\nJosé,Orléans\n".encode("utf-16"), "utf-16"),
        ("nom,lieu\nPère Noël,Hôtel de la Guêpe à Orléans\n".encode("cp1252"), "cp1252"),
        ("město,kůň\nPlzeň,žluťoučký\n".encode("cp1250"), "cp1250"),
        ("miasto,opis\nŁódź,zażółć gęślą jaźń\n".encode("cp1250"), "cp1250"),
        ("имя,город\nИван Петрович,Санкт-Петербург и окрестности\n".encode("cp1251"), "cp1251"),
    ],
)
def test_the_encoding_is_found(raw, encoding):
    table, rows, bad = read(raw)
    assert table.encoding == encoding
    assert rows == [(2, raw.decode(encoding).split("\n")[1].split(","))]
    assert bad == []


def test_a_mark_of_utf_8_is_not_part_of_the_first_header():
    assert read("\ufeffa,b\n1,2\n", encoding="utf-8")[0].header == ["a", "b"]


def test_bytes_that_are_not_text_have_no_encoding():
    with pytest.raises(UnreadableTableError, match="encoding"):
        find_encoding(bytes(range(256)) * 50)


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_delimiter_is_found(delimiter):
    lines = [["département", "voix, en tout", "part"], ["01", "3;4|5", "1,5"], ["2A", "6", "2,5"]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    assert find_delimiter(text, '"', 0) == delimiter
    assert read(text)[0].header == lines[0]


def test_the_delimiter_is_not_the_decimal_mark():
    assert find_delimiter("a;b;c\n1,5;2,5;3,5\n1,5;2,5;3,5", '"', 0) == ";"


def test_lines_before_the_header_are_passed_over():
    table, rows, _ = read("Results of 2017\n\nid,value\n1,2\n", skip_rows=2)
    assert table.header == ["id", "value"]
    assert rows == [(4, ["1", "2"])]


def test_without_a_header_the_first_line_is_a_row():
    table, rows, _ = read("1,2\n3,4\n", has_header=False)
    assert table.header is None
    assert rows == [(1, ["1", "2"]), (2, ["3", "4"])]


def test_a_quote_can_be_a_character_as_any_other():
    assert read('a\tb\n5" pipe\t"x\n', delimiter="\t", quote="")[1] == [(2, ['5" pipe', '"x'])]


def test_an_empty_file_is_reported():
    with pytest.raises(UnreadableTableError, match="is empty"):
        read("")


@pytest.mark.parametrize(
    "stray",
    [
        '3,"three,3.5',  # opens and is never closed
        '3,"three"s,3.5',  # goes on after its end
        '3,th,"3.5',
        '"3,three,3.5',
    ],
)
@pytest.mark.parametrize("others", ["{n},name {n},{n}.5", '{n},"name, {n}",{n}.5', '"{n}","name ""{n}""","{n}.5"'])
def test_a_stray_quote_costs_its_own_line(stray, others):
    count = 3 * delimited.MAX_LINES
    lines = ["id,name,value", *(others.format(n=n) for n in range(count))]
    lines[4] = stray
    _, rows, bad = read("\n".join(lines))
    assert [(each.line, each.value) for each in bad] == [(5, stray)]
    assert "quote" in bad[0].reason
    assert [line for line, _ in rows] == [line for line in range(2, count + 2) if line != 5]
    assert all(row[0] == str(line - 2) for line, row in rows)


def test_a_stray_quote_in_the_last_line_is_reported():
    _, rows, bad = read('a,b\n1,2\n3,"4\n')
    assert (rows, [each.line for each in bad]) == ([(2, ["1", "2"])], [3])


def test_many_stray_quotes_cost_their_lines_alone():
    lines = ["a,b", *(f'{n},"x' if n % 3 == 0 else f"{n},x" for n in range(6_000))]
    _, rows, bad = read("\n".join(lines))
    assert (len(rows), len(bad)) == (4_000, 2_000)


@pytest.mark.parametrize(("line", "cells"), [("1", 1), ("1,2,3", 3)])
def test_a_row_with_another_number_of_cells_is_reported(line, cells):
    _, rows, bad = read(f"a,b\n{line}\n3,4\n")
    assert rows == [(3, ["3", "4"])]
    assert [(each.line, each.reason) for each in bad] == [(2, f"has {cells} cells; the header has 2")]


def test_empty_cells_beyond_the_last_column_are_passed_over():
    assert read("a,b\n1,2,,\n")[1] == [(2, ["1", "2"])]


def test_latin_1_told_as_utf_8_costs_the_lines_that_are_not_ascii():
    raw = "id,town\n1,Lyon\n2,Orléans\n3,Paris\n".encode("latin-1")
    _, rows, bad = read(raw, encoding="utf-8")
    assert rows == [(2, ["1", "Lyon"]), (4, ["3", "Paris"])]
    assert [tuple(each) for each in bad] == [(3, None, "the byte 0xe9 is not utf-8", "2,Orl\ufffdans")]


def test_a_header_that_cannot_be_decoded_is_reported():
    with pytest.raises(UnreadableTableError, match=r"line 1: .*0xe9 is not utf-8"):
        read("id,né\n1,2\n".encode("latin-1"), encoding="utf-8")


def test_a_cell_without_end_is_reported():
    _, rows, bad = read(f"a,b\n1,{'x' * (delimited.MAX_CELL + 1)}\n2,y\n")
    assert rows == [(3, ["2", "y"])]
    assert "field limit" in bad[0].reason
    assert len(bad[0].value) < 1_000


def test_a_line_without_end_ends_the_reading():
    with pytest.raises(UnreadableTableError, match="line 2 has more than"):
        read("a,b\n" + "x" * (delimited.MAX_LINE + 1))
