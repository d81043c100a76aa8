"""Arguments with several values, as people type them; and APIs that silently leave values out."""

from dataclasses import replace

import pytest
from stand_ins import Service

from newsbot.sources.api import Api, Argument, Cursor, RecordFields
from newsbot.sources.declared import faults
from newsbot.spiders.base import arguments


def api(**declared):
    return Api(
        name="quay",
        title="Quay",
        url="https://quay.example/rows",
        arguments=declared,
        params={name: f"{{{name}}}" for name in declared},
        record=RecordFields(dataset="quay", key="id"),
    )


@pytest.mark.parametrize(
    ("argument", "text", "value"),
    [
        (Argument(each=True), "a, b,, a ,c", ["a", "b", "c"]),
        (Argument(each=True, case="lower"), "Bitcoin, BITCOIN,ether", ["bitcoin", "ether"]),
        (Argument(join=","), " usd ,GBP, usd", "usd,GBP"),
        (Argument(join=",", case="upper"), "usd, gbp,USD", "USD,GBP"),
        (Argument(join=";"), "fr, de;it ; fr", "fr;de;it"),
        (Argument(case="upper"), " eur ", "EUR"),
        (Argument(), " as it is, ", " as it is, "),
    ],
)
def test_values_are_read_as_they_are_meant(argument, text, value):
    known = arguments.of(api(name=argument))
    assert arguments.read("quay", {"name": text}, known)["name"] == value


@pytest.mark.parametrize("argument", [Argument(each=True), Argument(join=",")])
def test_a_list_without_values_is_refused(argument):
    known = arguments.of(api(name=argument))
    with pytest.raises(arguments.ArgumentError, match="-a name= , : expected one name or several"):
        arguments.read("quay", {"name": " , "}, known)


def test_each_of_several_values_is_among_the_choices():
    declared = {"name": Argument(join=",", choices=("a", "b"))}
    arguments.complete("quay", declared, {"name": "a,b"})
    with pytest.raises(arguments.ArgumentError, match="-a name=c: expected one of a, b"):
        arguments.complete("quay", declared, {"name": "a,c"})


def test_one_by_one_and_at_once_do_not_go_together():
    assert "arguments.name.join" in str(faults(api(name=Argument(each=True, join=","))))


@pytest.mark.parametrize("cursor", [None, Cursor(by="id", path="id")])
@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("since", "2024-05-01", "only an API that takes a time, as {since}, has it"),
        ("until", "2024-05-01", "only an API that takes a time, as {until}, has it"),
        ("backfill", "30d", "only an API that takes a time, as {since}, and whose cursor is a time has it"),
        ("budget", "20", "only an API with a declared quota has it"),
    ],
)
def test_what_would_do_nothing_is_refused_with_the_reason(cursor, name, text, told):
    known = arguments.of(replace(api(query=Argument()), cursor=cursor))
    with pytest.raises(arguments.ArgumentError) as caught:
        arguments.read("quay", {name: text}, known)
    assert str(caught.value) == f"-a {name}={text}: quay has no argument {name!r}; {told}; known: query"


class Harbours(Service):
    """Answers for the values that it knows, by name or code."""

    hosts = ("harbours.example",)
    params = frozenset({"harbours"})

    def data(self, host, path, asked, headers):
        rows = [
            {"id": 1, "name": "Saltmere", "code": "SM"},
            {"id": 2, "name": "Skerry", "code": "SK"},
            {"id": 3, "name": "Saltmere", "code": "SM", "state": "gone"},
        ]
        wanted = asked["harbours"].split("|")
        return {
            "rows": [row for row in rows if wanted == ["all"] or {row["name"].lower(), row["code"].lower()} & {*wanted}]
        }


HARBOURS = """
name: harbours
title: Harbours
url: https://harbours.example/rows
arguments:
  harbours: {join: "|", case: lower, found: "[name, code]", default: all}
params: {harbours: "{harbours}"}
records: rows
withdrawn: state == 'gone'
record: {dataset: harbours, key: id}
"""


@pytest.mark.parametrize(
    ("given", "asked", "code", "told"),
    [
        ({}, "all", 0, "ok; 1 records stand for withdrawn ones and were left out"),
        ({"harbours": "Saltmere, sk"}, "saltmere|sk", 0, "ok; 1 records"),
        ({"harbours": "Saltmere, Atlantis,sk,Vineta"}, "saltmere|atlantis|sk|vineta", 1, "-a harbours=atlantis,vineta"),
    ],
)
def test_a_declared_api_that_leaves_out_what_it_does_not_know(newsbot, tmp_path, given, asked, code, told):
    service = Harbours()
    (tmp_path / "harbours.yaml").write_text(HARBOURS, "utf-8")
    crawled = newsbot.crawl("api", service, config=str(tmp_path / "harbours.yaml"), **given)
    assert (crawled.exit_code, crawled.new, crawled.rejected) == (code, 2, 0)
    assert told in crawled.outcomes[0][2]
    assert service.asked == [("/rows", {"harbours": asked})]
