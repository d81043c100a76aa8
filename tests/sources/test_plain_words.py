"""The faults of a file are reported in plain words, whatever the file declares."""

import pytest
from pydantic import TypeAdapter

from newsbot.hosting import schedule
from newsbot.sources import check, dataset, declared, yaml_files

ODD = ("", "''", "x", "-1", "1.5", "nan", "9" * 30, "true", "[a]", "[[a]]", "{a: b}", "[{a: b}]")
FILES = {
    "catalogue": (check._ENTRIES, "id"),
    "schedule": (schedule._ENTRIES, "name"),
    "API": (declared._API, None),
    "dataset": (dataset.adapter(), None),
}
OF_PYDANTIC = ("Input should", "should be a valid", "should have", "unable to parse", "Extra inputs", "Field required")


def faults(file, model, identity):
    try:
        yaml_files.read(file, model, identity=identity) if identity else yaml_files.read_one(file, model)
    except yaml_files.FaultyFileError as error:
        return error.faults
    return []


@pytest.mark.parametrize("name", FILES)
def test_odd_values_of_every_key_are_reported_in_plain_words(tmp_path, name):
    model, identity = FILES[name]
    file, told = tmp_path / "own.yaml", []
    for key in yaml_files._known(model.json_schema()):
        for value in ODD:
            file.write_text(f"{'- ' if identity else ''}{key}: {value}\n")
            told += faults(file, model, identity)
    assert len(told) > 100
    assert [fault for fault in told if any(words in fault for words in OF_PYDANTIC)] == []


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (str, 15, "15: expected a text; put it in quotes"),
        (str, True, "True: expected a text; put it in quotes"),
        (str, ["a"], "['a']: expected a text"),
        (int, "many", "'many': expected a whole number"),
        (int, 1.5, "1.5: expected a whole number"),
        (float, "much", "'much': expected a number"),
        (bool, "perhaps", "'perhaps': expected true or false"),
        (dict[str, str], "a", "'a': expected a mapping, `key: value` on each line"),
        (list[str], "a", "'a': expected a list, each element on its own line after a hyphen"),
    ],
)
def test_the_words_for_a_kind(kind, value, said):
    _, [(where, message)] = yaml_files.validated({"key": value}, TypeAdapter(dict[str, kind]))
    assert (where, message) == (("key",), said)
