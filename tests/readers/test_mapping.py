"""Records of an API to items: the refused fields, and why."""

import pytest

from newsbot.readers.api.mapping import RefusedRecordError, identity, mapper
from newsbot.sources.api import Api, Column, ObservationFields, RecordFields


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"s": "a", "t": "2026-05-01", "v": "n/a"}, "value"),
        ({"s": "a", "t": "2026-05-01", "v": True}, "value"),
        ({"s": "a", "t": "soon", "v": 1}, "time"),
        ({"s": "a", "v": 1}, "time"),
        ({"s": 7, "t": "2026-05-01", "v": 1}, "series"),
    ],
)
def test_a_refused_observation_names_its_field(record, field):
    fields = ObservationFields(series="s", time="t", value="v")
    with pytest.raises(RefusedRecordError) as caught:
        mapper(Api(name="a", title="A", url="https://a.example/", observation=fields))(record)
    assert caught.value.field == field


EMPTY = ["", "  ", "\n\t"]


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_text_is_not_a_value_of_an_article(empty):
    where = {name: name for name in ("url", "title", "published_at", "summary", "text", "image_url", "section")}
    where |= {"authors": "by", "keywords": "tags", "external_id": "id", "language": "lang", "extra.more": "more"}
    given = dict.fromkeys([*where.values()], empty) | {"url": "https://a.example/1", "title": "One"}
    made = mapper(Api(name="a", title="A", url="https://a.example/", article=where, language="de"))(given)
    assert made.refused == []
    assert (made.published_at, made.summary, made.text, made.image_url, made.section) == (None,) * 5
    assert (made.external_id, made.extra, made.authors, made.keywords, made.language) == (None, None, [], [], "de")


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_text_is_not_a_value_of_an_observation(empty):
    fields = ObservationFields(series="s", time="t", value="v", unit="u", frequency="f", metadata={"of": "o"})
    make = mapper(Api(name="a", title="A", url="https://a.example/", observation=fields))
    made = make({"s": "x", "t": "2026-05-01", "v": empty, "u": empty, "f": empty, "o": empty})
    assert (made.value, made.series.unit, made.series.frequency) == (None, None, None)
    assert made.series.metadata == {"of": None}
    with pytest.raises(RefusedRecordError, match="is missing"):
        make({"s": "x", "t": empty, "v": 1})


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_text_is_not_a_value_of_a_record(empty):
    kinds = ("text", "integer", "number", "boolean", "date", "time", "json")
    columns = {kind: Column(type=kind) for kind in kinds}
    fields = RecordFields(dataset="d", key="id", url="at", columns=columns)
    make = mapper(Api(name="a", title="A", url="https://a.example/", record=fields))
    made = make(dict.fromkeys(kinds, empty) | {"id": "1", "at": empty})
    assert (made.data, made.url, made.refused) == (dict.fromkeys(kinds), None, [])
    with pytest.raises(RefusedRecordError) as caught:
        make({"id": empty})
    assert caught.value.field == "key"


@pytest.mark.parametrize("nothing", [False, [], {}])
@pytest.mark.parametrize("field", ["summary", "text", "image_url", "section", "language"])
def test_phps_empty_list_is_not_a_value_of_an_article(field, nothing):
    where = {name: name for name in ("url", "title", field)}
    made = mapper(Api(name="a", title="A", url="https://a.example/", article=where))(
        {"url": "https://a.example/1", "title": "One", field: nothing}
    )
    assert (getattr(made, field), made.refused) == (None, [])


@pytest.mark.parametrize("wrong", [5, 1.5, True, ["x"], {"x": 1}])
@pytest.mark.parametrize("field", ["summary", "text", "image_url", "section", "language"])
def test_a_value_that_is_not_a_text_does_not_cost_the_article(field, wrong):
    where = {name: name for name in ("url", "title", field)}
    made = mapper(Api(name="a", title="A", url="https://a.example/", article=where))(
        {"url": "https://a.example/1", "title": "One", field: wrong}
    )
    assert getattr(made, field) is None
    assert [(name, value) for name, _, value in made.refused] == [(field, wrong)]


def test_a_time_in_two_notations_is_one():
    fields = ObservationFields(series="s", time="t", value="v")
    identify = identity(Api(name="a", title="A", url="https://a.example/", observation=fields))
    assert identify({"s": "x", "t": "2025Q1", "v": 1}) == identify({"s": "x", "t": "2025-01", "v": 7})
    assert identify({"s": "x", "t": "2025Q1", "v": 1}) != identify({"s": "x", "t": "2025Q2", "v": 1})
    assert identify({"s": "x", "t": "soon", "v": 1}) != identify({"s": "x", "t": "later", "v": 1})
