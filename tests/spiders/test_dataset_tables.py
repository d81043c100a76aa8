"""Files into `records`, by batch: stored rows, refused rows, and reports."""

import gzip
import json
import uuid
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from newsbot.batch import CursorProgress
from newsbot.extraction.tables.packed import Limits
from newsbot.extraction.tables.table import UnreadableTableError
from newsbot.ids import record_id
from newsbot.sources import dataset as declarations
from newsbot.spiders.base.table_rows import Table
from newsbot.storage import bulk
from newsbot.storage.database import Database
from newsbot.storage.upgrade import upgrade


@pytest.fixture(scope="module")
def connection(new_database):
    with new_database() as url, closing(Database(url, Path()).connect()) as connection:
        upgrade(connection)
        yield connection


class Files:
    """Files of one dataset, each loaded in place of the one before."""

    def __init__(self, connection, folder):
        self.connection = connection
        self.folder = folder
        self.name = f"made-up-{uuid.uuid4().hex}"
        self.header = ()

    def load(self, raw, file="table.csv", **told):
        """Load a file's content by a declaration; returns the result."""
        path = self.folder / file
        path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
        told = {"name": self.name, "title": "Made up", "path": file, "key": ["id"]} | told
        config = self.folder / "made-up.yaml"
        config.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")
        dataset = declarations.load(str(config))
        with path.open("rb") as opened:
            self.table = Table(dataset, opened, file, Limits(2**40, 200), self.header)
            description = {"name": self.name, "title": None, "columns": {}, "source_id": self.name, "url": file}
            columns = {"spider": "dataset", "arguments": {}, "source": self.name, "value": {}}
            progress = CursorProgress(key=self.name, **columns)
            with self.connection, self.connection.cursor() as cursor:
                found = bulk.load(cursor, self.table.lines, description, lambda: progress, str(uuid.uuid4()))
        self.header = self.table.header
        return found.new, found.changed, found.unchanged, found.refusals.rows

    def query(self, sql):
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(sql, {"name": self.name})
            return cursor.fetchall()

    def rows(self):
        return dict(self.query("SELECT key, data FROM records WHERE dataset = %(name)s"))

    def rejects(self):
        """(line, field, reason) of each."""
        sql = "SELECT url, field, reason FROM rejects WHERE source_id = %(name)s"
        return sorted((int(url.rpartition("#line=")[2]), field, reason) for url, field, reason in self.query(sql))


@pytest.fixture
def files(connection, tmp_path):
    return Files(connection, tmp_path)


TYPED = {
    "id": {"type": "integer"},
    "name": {"source": "Name of it"},
    "share": {"type": "number"},
    "on": {"type": "date"},
    "is": {"type": "boolean"},
}
PLAIN = [
    {"id": 1, "name": "é", "share": 0.5, "on": "2017-04-23", "is": True},
    {"id": 9007199254740993, "name": None, "share": None, "on": None, "is": None},
]


def packed(raw, how, name):
    """A file of this content, and its name."""
    if how == "gzip":
        return gzip.compress(raw), f"{name}.gz"
    if how == "zip":
        import io

        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
            opened.writestr(f"../{name}", raw)
        return out.getvalue(), "table.zip"
    return raw, name


@pytest.mark.parametrize("how", ["plain", "gzip", "zip"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl"])
def test_every_format_gives_the_same_rows(files, kind, how):
    given = [{("Name of it" if name == "name" else name): value for name, value in row.items()} for row in PLAIN]
    columns = TYPED
    if kind in ("csv", "tsv"):
        mark = "," if kind == "csv" else "\t"
        lines = [mark.join(given[0])]
        lines += [mark.join("" if value is None else str(value) for value in row.values()) for row in given]
        raw = "\n".join(lines)
    else:
        columns = TYPED | {"name": {"source": '"Name of it"'}}
        raw = json.dumps(given) if kind == "json" else "\n".join(map(json.dumps, given))
    content, name = packed(raw.encode(), how, f"table.{kind}")
    assert files.load(content, name, columns=columns) == (2, 0, 0, 0)
    assert files.rows() == {str(row["id"]): row for row in PLAIN}
    assert files.load(content, name, columns=columns) == (0, 0, 2, 0)


def test_sheets_and_parquet_give_the_same_rows(files):
    openpyxl, pyarrow = pytest.importorskip("openpyxl"), pytest.importorskip("pyarrow")
    from pyarrow import parquet

    book = openpyxl.Workbook()
    book.active.append(["made up in 2017"])
    book.active.append(["id", "Name of it", "share", "on", "is"])
    for row in PLAIN:
        # Excel keeps 15 digits of a number, so that a longer one is text.
        book.active.append([str(row["id"]), *list(row.values())[1:]])
    book.save(files.folder / "made.xlsx")
    columns = TYPED
    content = (files.folder / "made.xlsx").read_bytes()
    assert files.load(content, "made.xlsx", columns=columns, skip_rows=1) == (2, 0, 0, 0)
    table = {"Name of it" if name == "name" else name: [row[name] for row in PLAIN] for name in PLAIN[0]}
    parquet.write_table(pyarrow.table(table), files.folder / "made.parquet")
    content = (files.folder / "made.parquet").read_bytes()
    assert files.load(content, "made.parquet", columns=columns) == (0, 0, 2, 0)
    for name in ("made.xlsx", "made.parquet"):
        skipped = {"skip_rows": 1} if name == "made.xlsx" else {}
        for how in ("gzip", "zip"):
            content, file = packed((files.folder / name).read_bytes(), how, name)
            assert files.load(content, file, columns=columns, **skipped) == (0, 0, 2, 0)
            assert files.load(content, f"{name}.{how}", format=name[5:], columns=columns, **skipped) == (0, 0, 2, 0)
    assert files.rows() == {str(row["id"]): row for row in PLAIN}


def test_a_row_of_a_sheet_may_be_short_and_not_long(files):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["id", "a", "b"], [1], [2, "x", "y", "z"], [], [3, "x", "y"]):
        book.active.append(row)
    book.save(files.folder / "made.xlsx")
    assert files.load((files.folder / "made.xlsx").read_bytes(), "made.xlsx") == (2, 0, 0, 1)
    assert files.rows() == {"1": {"id": 1, "a": None, "b": None}, "3": {"id": 3, "a": "x", "b": "y"}}
    assert files.rejects() == [(3, None, "has 4 cells, more than the header")]


def test_blocks_of_a_sheet_are_unpivoted(files):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["place", "no", "votes", "no", "votes"], ["01", "1", 10, "2", 20], ["2A", "1", 5]):
        book.active.append(row)
    book.save(files.folder / "made.xlsx")
    assert files.load((files.folder / "made.xlsx").read_bytes(), "made.xlsx", **BLOCKS) == (3, 0, 0, 0)
    assert {key: data["votes"] for key, data in files.rows().items()} == {"01/1": 10, "01/2": 20, "2A/1": 5}


def test_without_columns_all_are_kept_as_they_come(files):
    assert files.load("id;a 1;b\n01;x;\n") == (1, 0, 0, 0)
    assert files.rows() == {"01": {"id": "01", "a 1": "x", "b": None}}
    assert files.load('[{"id": 7, "deep": {"er": [1, null]}}]', "table.json") == (1, 0, 0, 0)
    assert files.rows()["7"] == {"id": 7, "deep": {"er": [1, None]}}


def test_a_whole_record_with_what_json_has_not_is_refused_and_not_emptied(files):
    raw = '{"id": "1", "v": NaN}\n{"id": "2", "v": 1}\n{"id": "3", "v": [-Infinity]}\n'
    assert files.load(raw, "table.jsonl") == (1, 0, 0, 2)
    assert files.rows() == {"2": {"id": "2", "v": 1}}
    assert files.rejects() == [(1, None, "is not a value of JSON"), (3, None, "is not a value of JSON")]


def test_what_is_nested_too_deep_is_refused(files):
    raw = '{"id": "1", "v": ' + "[" * 600 + "]" * 600 + '}\n{"id": "2"}\n'
    assert files.load(raw, "table.jsonl") == (1, 0, 0, 1)
    assert files.rejects() == [(1, None, "is nested too deep")]


def test_a_header_with_control_characters_is_read_without_them(files):
    assert files.load("\0id,v\0w\n1,2\n") == (1, 0, 0, 0)
    assert files.rows() == {"1": {"id": "1", "vw": "2"}}


def test_without_a_header_the_columns_are_those_of_the_file(files):
    columns = {"id": {}, "n": {"type": "integer"}}
    assert files.load("a,1\nb,2\nc\n", header=False, columns=columns) == (2, 0, 0, 1)
    assert files.rows()["b"] == {"id": "b", "n": 2}


def test_names_and_values_of_any_characters_are_kept(files):
    value = 'tab\tquote" back\\slash %s {} line\nend é 港口 \U0001f6a2'
    raw = f'id,50 % "of" it\\n\n1,"{value.replace(chr(34), chr(34) * 2)}"\n'.replace(
        '50 % "of" it\\n', '"50 % ""of"" it\\n"'
    )
    assert files.load(raw) == (1, 0, 0, 0)
    assert files.rows() == {"1": {"id": "1", '50 % "of" it\\n': value}}


def test_the_key_is_of_several_columns_and_tells_them_apart(files):
    told = {"key": ["a", "b"]}
    assert files.load("a,b\nx/y,z\nx,y/z\nx%,\\z\n", **told) == (3, 0, 0, 0)
    assert set(files.rows()) == {"x%2Fy/z", "x/y%2Fz", "x%25/\\z"}
    ids = files.query("SELECT id::text, key FROM records WHERE dataset = %(name)s")
    assert all(id_ == record_id(files.name, key) for id_, key in ids)


def test_what_changed_is_revised_and_the_past_is_kept(files):
    files.load("id,v,w\n1,a,x\n2,b,y\n")
    assert files.load("id,v,w\n1,a,x\n2,c,y\n3,d,z\n") == (1, 1, 1, 0)
    sql = "SELECT key, old, new FROM record_revisions v JOIN records r ON r.id = record_id WHERE dataset = %(name)s"
    assert files.query(sql) == [("2", {"v": "b"}, {"v": "c"})]


# Bad input


def test_a_value_of_another_type_is_left_out_and_reported_and_a_row_without_what_is_required_refused(files):
    columns = {"id": {}, "n": {"type": "integer"}, "must": {"type": "number", "required": True}}
    raw = "id,n,must\n1,x,1.5\n2,2,y\n3,3,\n,4,4\n5,5,5\n"
    assert files.load(raw, columns=columns) == (2, 0, 0, 3)
    assert files.rows() == {"1": {"id": "1", "n": None, "must": 1.5}, "5": {"id": "5", "n": 5, "must": 5}}
    assert files.rejects() == [
        (2, "n", "is not of type integer"),
        (3, "must", "is not of type number"),
        (4, "must", "is missing"),
        (5, "id", "is missing"),
    ]
    (payload,) = files.query("SELECT payload FROM rejects WHERE source_id = %(name)s AND field = 'n'")
    assert payload == ({"line": 2, "value": "x"},)


def test_a_key_that_comes_again_counts_once(files):
    raw = "id,v\n1,a\n2,b\n1,a\n2,other\n2,b\n2,third\n"
    assert files.load(raw) == (2, 0, 2, 2)
    assert {key: data["v"] for key, data in files.rows().items()} == {"1": "a", "2": "b"}
    reason = "this key came before with other values, which are kept"
    assert files.rejects() == [(5, "key", reason), (7, "key", reason)]
    payloads = files.query("SELECT payload -> 'value' FROM rejects WHERE source_id = %(name)s")
    assert payloads == [({"key": "2", "first": 3},)] * 2


def test_of_many_rejects_the_first_are_kept_and_the_others_counted(files):
    count = bulk.KEPT + 500
    raw = "id,n\n" + "".join(f"{n},x\n" for n in range(count)) + "".join("1,2,3\n" for _ in range(700))
    assert files.load(raw, columns={"id": {}, "n": {"type": "integer"}}) == (count, 0, 0, 700)
    sql = "SELECT field, reason, (payload ->> 'rows')::int FROM rejects WHERE source_id = %(name)s"
    found = files.query(sql)
    assert len(found) == bulk.KEPT + 2
    beyond = " (rows beyond those kept one by one)"
    assert {row for row in found if row[2] is not None} == {
        ("n", f"is not of type integer{beyond}", count - bulk.KEPT),
        (None, f"has 3 cells; the header has 2{beyond}", 700),
    }


@pytest.mark.parametrize("key", ["a\tb", "a\nb", "x" * 2_001, "é" * 1_001])
def test_what_can_be_no_key_is_refused(files, key):
    assert files.load(f'id,v\n"{key}",1\n2,2\n') == (1, 0, 0, 1)
    assert set(files.rows()) == {"2"}
    assert files.rejects()[0][:2] == (2, "key")


def test_a_stray_quote_costs_its_line(files):
    lines = [f'{n},"name {n}",{n}' for n in range(3_000)]
    lines[1_500] = '1500,"name 1500,1500'
    assert files.load("id,name,n\n" + "\n".join(lines)) == (2_999, 0, 0, 1)
    assert files.rejects() == [(1_502, None, "a quote is not closed, or not doubled inside of a cell")]


def test_latin_1_told_as_utf_8_costs_the_lines_concerned(files):
    raw = "id,town\n1,Lyon\n2,Orléans\n".encode("latin-1")
    assert files.load(raw, encoding="utf-8") == (1, 0, 0, 1)
    assert files.rejects() == [(3, None, "the byte 0xe9 is not utf-8")]


def test_utf_8_told_as_latin_1_is_stored_as_told_and_reported(files):
    assert files.load("id,v\n1,\u00e9\n", encoding="latin-1") == (1, 0, 0, 0)
    assert files.table.remarks == ["is declared as latin-1, and seems to be utf-8"]
    assert files.load("id,v\n1,\u00e9\n".encode("latin-1"), encoding="latin-1") == (0, 1, 0, 0)
    assert files.load("id,v\n1,\u00e9\n", encoding="utf-8") == (0, 0, 1, 0)
    assert files.load("id,v\n1,e\n", encoding="cp1252") == (0, 1, 0, 0)
    assert files.table.remarks == []


def test_a_key_that_left_the_header_stores_nothing(files):
    columns = {"id": {"source": "Code"}, "v": {"source": "Value"}}
    files.load("Code,Value\n1,a\n", columns=columns)
    with pytest.raises(UnreadableTableError) as error:
        files.load("Codes,Value\n1,b\n2,c\n", columns=columns)
    assert "the header has no 'Code' (perhaps renamed: 'Codes')" in str(error.value)
    assert "nothing is stored" in str(error.value)
    assert files.rows() == {"1": {"id": "1", "v": "a"}}


def test_another_column_that_left_the_header_is_reported_by_name_and_what_is_new_too(files):
    columns = {"id": {}, "v": {"source": "Value"}}
    files.load("id,Value,ignored\n1,a,x\n", columns=columns)
    assert files.table.remarks == []
    assert files.load("id,Valeur,ignored,more\n1,a,x,y\n", columns=columns) == (0, 1, 0, 0)
    assert files.table.remarks == [
        "the header has no 'Value' (perhaps renamed: 'Valeur')",
        "the header has new columns: 'Valeur', 'more'",
    ]


def test_a_header_with_a_column_twice_is_reported(files):
    with pytest.raises(UnreadableTableError, match="'v' more than once, as columns 2, 3"):
        files.load("id,v,v\n1,a,b\n", columns={"id": {}, "v": {}})


@pytest.mark.parametrize("how", ["gzip", "zip"])
def test_a_file_that_is_cut_off_stores_nothing(files, how):
    raw, name = packed(b"id,v\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000)), how, "table.csv")
    with pytest.raises(UnreadableTableError):
        files.load(raw[: len(raw) // 2], name)
    assert files.rows() == {}


# The election


def test_the_shipped_election_is_unpivoted(files):
    file = declarations.shipped()["presidentielle-2017"]
    told = yaml.safe_load(file.read_text(encoding="utf-8")) | {"name": files.name, "path": "table.csv"}
    raw = file.with_suffix(".csv").read_bytes()
    places, candidates = raw.count(b"\r\n") - 1, raw.splitlines()[0].count(b";Nom;")
    assert files.load(raw, **told) == (places * candidates, 0, 0, 0)
    rows = files.rows()
    assert {"01/1", "2A/1", "971/1"} <= set(rows)
    assert {data["departement"] for data in rows.values()} >= {"01", "2A", "971"}
    first = raw.decode("latin-1").splitlines()[1].split(";")
    found = rows["01/2"]
    assert [str(found[name]) for name in ("inscrits", "panneau", "nom", "prenom", "voix")] == [
        first[2],
        *first[23:24],
        *first[25:28],
    ]
    assert found["voix_exp"] == float(first[29].replace(",", "."))
    for place in {data["departement"] for data in rows.values()}:
        of_place = [data for data in rows.values() if data["departement"] == place]
        assert sum(data["voix"] for data in of_place) == of_place[0]["exprimes"]


BLOCKS = {"key": ["place", "no"], "unpivot": {"first": "no", "last": "votes"}}
BLOCKS["columns"] = {"place": {}, "no": {}, "votes": {"type": "integer", "required": True}}


@pytest.mark.parametrize(
    "header",
    [
        "place;no;votes;no;votes",
        "place;no;votes;no 2;votes 2",
        "place;no;votes;no.1;votes.1",
        "place;no;votes;;",
        "place;no;votes",
    ],
)
def test_blocks_repeat_with_their_headers_numbered_or_without(files, header):
    assert files.load(f"{header}\n01;1;10;2;20\n2A;1;5;;\n", **BLOCKS) == (3, 0, 0, 0)
    assert {key: data["votes"] for key, data in files.rows().items()} == {"01/1": 10, "01/2": 20, "2A/1": 5}


def test_a_row_that_ends_within_a_block_is_refused(files):
    assert files.load("place;no;votes\n01;1;10;2\n2A;1;5\n", **BLOCKS) == (1, 0, 0, 1)
    assert [line for line, *_ in files.rejects()] == [2]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("place;no;sex;votes;no;votes", "'votes' as column 6, expected 'sex'"),
        ("place;no;votes;sex;votes", "'sex' as column 4, expected 'no'"),
        ("place;No;votes", r"no 'no', expected in a block \(perhaps renamed: 'No'\)"),
    ],
)
def test_a_header_of_other_blocks_stores_nothing(files, header, said):
    with pytest.raises(UnreadableTableError, match=said):
        files.load(f"{header}\n01;1;10;2;20\n", **BLOCKS)
