"""Records of an API to items: what is refused, and in which field."""

import pytest

from newsbot.sources.api import Api, ObservationFields
from newsbot.spiders.base.mapping import RefusedRecordError, mapper


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
