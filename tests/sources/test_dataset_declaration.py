"""The declaration of a dataset: faults are reported with file, line and the expected value."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml
from changed_declarations import changed

from newsbot.sources import dataset
from newsbot.sources.api import Column
from newsbot.sources.dataset import Dataset, DatasetError, Unpivot, load

ROOT = Path(__file__).parents[2]
GOOD = """\
name: prices
title: Prices of fuel
url: https://data.example/prices.csv.gz
key: [id, day]
columns:
  id: {source: Id}
  day: {type: date}
  price: {type: number, unit: EUR, required: true}
"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text):
        (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
        return load("own.yaml")

    return read


@pytest.fixture
def faults(read):
    def faults(text):
        with pytest.raises(DatasetError) as error:
            read(text)
        return list(error.value.faults)

    return faults


def test_a_declaration_is_read_with_its_types(read):
    found = read(GOOD)
    assert (found.name, found.url, found.key) == ("prices", "https://data.example/prices.csv.gz", ("id", "day"))
    assert found.columns["price"] == Column(type="number", unit="EUR", required=True)
    assert (found.header, found.skip_rows, found.quote, found.decimal) == (True, 0, '"', ".")


def test_no_key_that_is_away_or_of_another_type_ends_in_a_traceback(tmp_path):
    told, file = [], tmp_path / "own.yaml"
    for where, one in changed(yaml.safe_load(GOOD) | {"unpivot": {"first": "a", "last": "b"}, "skip_rows": 1}):
        file.write_text(yaml.safe_dump(one), "utf-8")
        try:
            load(str(file))
        except DatasetError as error:
            told += [(fault.removeprefix(f"{file}:"), where) for fault in error.faults]
    assert [each for each in told if not re.match(r"\d+: .", each[0])] == []


def test_a_path_is_from_the_folder_of_the_declaration_on(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(GOOD.replace("url: https://data.example/", "path: data/"))
    assert load(str(file)).path == str(tmp_path / "data/prices.csv.gz")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("name: prices", "name: My prices"), "1: name: 'My prices': expected lower-case ASCII"),
        (("title: Prices of fuel\n", ""), "1: title: missing; its name for people"),
        (("url: https", "url: ftp"), "3: url: 'ftp://data.example/prices.csv.gz': expected http:// or https://"),
        (("url: https://", "url: https://me:secret@"), "3: url: a user or password before the host"),
        (("url:", "path: a.csv\nurl:"), "4: url: expected url or path, one of the two"),
        (("url: https://data.example/prices.csv.gz\n", "format: csv\n"), "1: expected url or path, one of the two"),
        (
            ("prices.csv.gz", "prices"),
            "1: format: missing, and 'https://data.example/prices' does not show it; expected one of csv, tsv",
        ),
        (("title:", "format: xls\ntitle:"), "2: format: 'xls': expected 'csv', 'tsv'"),
        (("title:", "encoding: latin-17\ntitle:"), "2: encoding: 'latin-17': expected an encoding"),
        (("title:", "encoding: base64\ntitle:"), "2: encoding: 'base64': expected an encoding"),
        (("title:", "delimiter: ';;'\ntitle:"), "2: delimiter: ';;': expected one character"),
        (("title:", "decimal: ';'\ntitle:"), "2: decimal: ';': expected '.' or ','"),
        (("title:", "at_least: 0\ntitle:"), "2: at_least: '0': expected a number of rows, from 1 on"),
        (("title:", "skip_rows: -1\ntitle:"), "2: skip_rows: '-1': expected a number of lines"),
        (
            ("title:", "checksum: sha256:abc\ntitle:"),
            "2: checksum: 'sha256:abc': expected md5: and 32 hexadecimal digits",
        ),
        (("title:", "headers: false\ntitle:"), "2: headers: unknown key; perhaps 'header'"),
        (("key: [id, day]", "key: id"), "4: key: 'id': expected a list"),
        (("key: [id, day]", "key: []"), "4: key: expected at least one column"),
        (("key: [id, day]", "key:\n- id\n- date"), "6: key[1]: 'date': no such column; there are id, day, price"),
        (("type: date", "type: day"), "7: columns.day.type: 'day': expected 'text', 'integer'"),
        (("type: date", "typ: date"), "7: columns.day.typ: unknown key; perhaps 'type'"),
        (
            ("title:", "header: false\nunpivot: {first: a, last: b}\ntitle:"),
            "3: unpivot: expected header: true, because blocks are found by their headers",
        ),
        (("title:", "unpivot: {first: a}\ntitle:"), "2: unpivot.last: missing; header of its last column"),
        (("title:", "title: again\ntitle:"), "3: title: appears twice; expected once"),
    ],
)
def test_faults_are_reported_with_their_line_and_the_expected_value(faults, change, fault):
    assert [each for each in faults(GOOD.replace(*change)) if each.startswith(f"own.yaml:{fault}")], faults(
        GOOD.replace(*change)
    )


def test_all_faults_are_reported_at_once(faults):
    found = faults(
        GOOD.replace("name: prices", "name: X").replace("type: number", "type: float").replace("Id}", "Id, a: b}")
    )
    assert [each.split(": ")[0] for each in found] == ["own.yaml:1", "own.yaml:6", "own.yaml:8"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "1: empty; expected a mapping"), ("- a\n", "1: not a mapping"), ("a: [", "2: not YAML")]
)
def test_a_file_that_is_not_a_declaration_is_reported(faults, text, said):
    (fault,) = faults(text)
    assert fault.startswith(f"own.yaml:{said}")


def test_a_file_that_is_not_there_is_reported_with_what_comes_along():
    with pytest.raises(DatasetError, match=r"presidentiele-2017: No such file.*perhaps 'presidentielle-2017'"):
        load("presidentiele-2017")


@pytest.mark.parametrize("name", dataset.shipped())
def test_the_shipped_declarations_are_valid(name):
    found = load(name)
    assert found.name == name
    assert found.path is None or Path(found.path).exists()


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.csv", "csv"),
        ("https://data.example/x/A.TSV.GZ?y=1.json", "tsv"),
        ("folder.csv/a", None),
        ("a.ndjson", "jsonl"),
        ("a.b.xlsx", "xlsx"),
        ("a.parquet", "parquet"),
        ("a.zip", None),
        ("a.csv.zip", "csv"),
        ("csv", None),
    ],
)
def test_the_end_of_a_name_tells_the_format(name, format_):
    assert dataset.format_of(name) == format_


def test_the_published_schema_is_not_stale():
    assert (ROOT / "newsbot/sources/dataset.schema.json").read_text(encoding="utf-8") == dataset.schema()


def test_the_schema_takes_what_comes_along():
    import jsonschema
    import yaml

    for file in dataset.shipped().values():
        jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), json.loads(dataset.schema()))


@pytest.mark.parametrize("kind", [Dataset, Column, Unpivot])
def test_the_keys_are_documented_as_they_are_declared(kind):
    page = (ROOT / "docs/datasets.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `(\w+)` \| (.+) \|$", page.partition(f"<!-- {kind.__name__} -->")[2].partition("\n\n#")[0], re.M
    )
    schema = json.loads(dataset.schema())
    properties = schema["properties"] if kind is Dataset else schema["$defs"][kind.__name__]["properties"]
    names = [field.name for field in dataclasses.fields(kind)]
    assert rows[: len(names)] == [(name, properties[name]["description"]) for name in names]
