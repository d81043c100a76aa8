"""Declarations of APIs in YAML: an error names line, key, value and the expected value."""

import dataclasses
import os
import re
from importlib import resources
from types import SimpleNamespace

import pytest
import yaml
from changed_declarations import changed
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader
from scrapy.utils.test import get_crawler

from newsbot.sources import api as facts
from newsbot.sources.api import Api, Argument, Column, Cursor, Key, Limit, NumberedPages, Quota, RecordFields, Slices
from newsbot.sources.declared import DeclarationError, faults, read, schema, shipped
from newsbot.spiders import newsapi
from newsbot.spiders.api import DeclaredSpider
from newsbot.spiders.base.api import DAY, ApiSpider
from newsbot.spiders.base.arguments import ArgumentError

GOOD = {
    "name": "example",
    "title": "Example",
    "url": "https://api.example.com/v1/{section}",
    "arguments": "{query: {}, section: {default: all, each: true}}",
    "params": "{q: '{query}', from: '{since:%Y-%m-%d}', to: '{until}'}",
    "records": "data.items",
    "pages": "{by: number, size: 100, size_param: limit}",
    "cursor": "{by: time, path: date, overlap: 1h30m}",
    "article": "{url: link, title: title || headline, extra.points: points}",
}


def declaration(**changes):
    """A declaration as text; None leaves a key out."""
    return "".join(f"{key}: {value}\n" for key, value in (GOOD | changes).items() if value is not None)


@pytest.fixture
def written(tmp_path):
    def write(content):
        file = tmp_path / "own.yaml"
        file.write_text(content, "utf-8")
        return str(file)

    return write


@pytest.fixture
def told(written, tmp_path):
    """The faults of a file of this content, without its folder."""

    def told(content):
        with pytest.raises(DeclarationError) as caught:
            read(written(content))
        assert str(caught.value).startswith("the declaration cannot be used:\n")
        return [fault.removeprefix(f"{tmp_path}{os.sep}") for fault in caught.value.faults]

    return told


def test_the_declaration_that_the_cases_change_is_valid(written):
    assert read(written(declaration())) == Api(
        name="example",
        title="Example",
        url="https://api.example.com/v1/{section}",
        arguments={"query": Argument(), "section": Argument(default="all", each=True)},
        params={"q": "{query}", "from": "{since:%Y-%m-%d}", "to": "{until}"},
        records="data.items",
        pages=NumberedPages(size=100, size_param="limit"),
        cursor=Cursor(by="time", path="date", overlap=5400),
        article={"url": "link", "title": "title || headline", "extra.points": "points"},
    )


KEYS = "the keys are name, title, url, homepage, params,"


@pytest.mark.parametrize(
    ("changes", "line", "key", "said"),
    [
        # the kind of each key
        ({"titel": "x"}, 10, "titel", f"unknown key; perhaps 'title'; {KEYS}"),
        ({"title": None}, 1, "title", "missing; its name for people"),
        ({"name": "My API"}, 1, "name", "'My API': expected 1 to 64 lower-case ASCII letters, digits, '-' and '_'"),
        (
            {"url": "ftp://x.example/{section}"},
            3,
            "url",
            "'ftp://x.example/{section}': expected http:// or https:// and a host",
        ),
        ({"url": "https://x.example/{section} b"}, 3, "url", "a URL has no blanks"),
        ({"url": "https://me:pw@x.example/{section}"}, 3, "url", "expected a URL without user, password and fragment"),
        ({"homepage": "www.example.com"}, 10, "homepage", "expected http:// or https:// and a host"),
        ({"records": "data[items"}, 6, "records", "'data[items': 'data[items' is not a JMESPath: "),
        ({"records": "size(data)"}, 6, "records", "it has no function size(); expected a path into the JSON"),
        ({"language": "jp"}, 10, "language", "'jp': expected a primary language tag of BCP 47 (ISO 639) in lower case"),
        ({"timezone": "Europe/Berln"}, 10, "timezone", "expected an IANA time zone, as 'Europe/Berlin'; perhaps"),
        ({"rank": "best"}, 10, "rank", "'best': expected 'index', 'section', 'sitemap', 'feed' or 'page'"),
        ({"none_as_empty": "perhaps"}, 10, "none_as_empty", "'perhaps': expected true or false"),
        ({"params": "[a]", "arguments": "{section: {default: a}}"}, 5, "params", "['a']: expected a mapping"),
        ({"headers": "{'X Y': 1}"}, 10, "headers.X Y", "'X Y': expected the name of a header, as X-Api-Key"),
        ({"headers": "{Accept: }"}, 10, "headers.Accept", "None: expected a plain value"),
        (
            {"headers": "{Authorization: Bearer pass5word}"},
            10,
            "headers.Authorization",
            "its value is a secret: expected env:NAME",
        ),
        ({"headers": "{X-Api-Key: '{section}'}"}, 10, "headers.X-Api-Key", "its value is a secret: expected env:NAME"),
        ({"headers": "{Cookie: env:a b}"}, 10, "headers.Cookie", "expected env:NAME for a secret, with the name"),
        (
            {"url": "https://ann:pass5@x.example/{section}"},
            3,
            "url",
            "with a login: expected a URL without user, password",
        ),
        (
            {"headers": "{X-Api-Key: env:X}", "url": "https://{section}.example.com/"},
            3,
            "url",
            "with a key, expected a host without places: no other host gets the key",
        ),
        # durations and limits
        ({"cursor": "{by: time, path: a, overlap: 1x}"}, 8, "cursor.overlap", "'1x': expected a number with its unit"),
        ({"cursor": "{by: time, path: a, first: -1}"}, 8, "cursor.first", "'-1': expected a number with its unit"),
        ({"cursor": "{by: time, path: a, first: 99999d}"}, 8, "cursor.first", "'99999d': expected from 0s to 36500d"),
        *(
            (
                {"cursor": f"{{by: id, path: a, {key}}}", "params": "{q: '{query}', after: '{cursor}'}"},
                8,
                f"cursor.{key.partition(':')[0]}",
                "a cursor by id does not know times; leave it out: known records are not requested again",
            )
            for key in ("first: 1d", "overlap: 1h", "reach: 30d", "at: newest")
        ),
        (
            {"cursor": "{by: token, path: a, first: 7d}", "params": "{q: '{query}', after: '{cursor}'}"},
            8,
            "cursor.first",
            "'7d': a cursor by token does not know times",
        ),
        ({"at_least": "5"}, 10, "at_least", "beside cursor: a run requests new records only"),
        (
            {"slices": "{longest: 1d, too_many: a}"},
            10,
            "slices.too_many",
            "without statuses; expected statuses, those of the answers",
        ),
        (
            {"headers": "{Authorization: Bearer abc}"},
            10,
            "headers.Authorization",
            "its value is a secret: expected env:NAME",
        ),
        ({"headers": "{X-Api-Key: '{query}'}"}, 10, "headers.X-Api-Key", "its value is a secret: expected env:NAME"),
        ({"headers": "{X-Mine: 'env:MY KEY'}"}, 10, "headers.X-Mine", "expected env:NAME for a secret, with the"),
        ({"cursor": "{by: date, path: a}"}, 8, "cursor.by", "'date': expected 'time', 'id' or 'token'"),
        ({"quota": "{limits: [{calls: 0, per: day}]}"}, 10, "quota.limits[0].calls", "'0': expected 1 or more"),
        (
            {"quota": "{limits: [{calls: 1, per: dya}]}"},
            10,
            "quota.limits[0].per",
            "'dya': expected second, minute, hour, day, month or a number with its unit as 5s, 15m, 12h or 7d; perhaps"
            " 'day'",
        ),
        ({"quota": "{limits: [{calls: 1, per: 0s}]}"}, 10, "quota.limits[0].per", "'0s': expected second, minute,"),
        ({"quota": "{limits: [{calls: 1, per: 0h}]}"}, 10, "quota.limits[0].per", "'0h': expected second, minute,"),
        ({"quota": "{limits: 5}"}, 10, "quota.limits", "'5': expected a list"),
        ({"slices": "{longest: 0}"}, 10, "slices.longest", "'0': expected from 1s to 36500d"),
        ({"slices": "{longest: 1d, shortest: 0s}"}, 10, "slices.shortest", "'0s': expected from 1s to 36500d"),
        ({"quota": "{limits: [], cost: nan}"}, 10, "quota.cost", "'nan': expected a finite number"),
        # keys and pages
        ({"key": "{variable: X}"}, 10, "key", "no place for it; expected one of the two, header where"),
        ({"key": "{variable: X, header: A, query: b}"}, 10, "key", "query: beside header; expected one of the two"),
        (
            {"key": "{variable: a b, header: A}"},
            10,
            "key.variable",
            "expected the name of an environment variable",
        ),
        ({"key": "{header: A}"}, 10, "key.variable", "missing; the environment variable that holds it"),
        ({"key": "{variable: X, query: k, prefix: B}"}, 10, "key.prefix", "only a header has one"),
        (
            {"key": "{variable: X, query: k}", "url": "https://{section}.example.com/"},
            3,
            "url",
            "with a key, expected a host without places: no other host gets the key",
        ),
        ({"pages": "{param: p}"}, 7, "pages", "the key 'by' is missing, which names the kind"),
        ({"pages": "{by: pages}"}, 7, "pages", "'pages' as 'by': expected one of 'number', 'offset', 'token', 'link'"),
        ({"pages": "{by: token, param: p}"}, 7, "pages.token", "missing; where the answer has it"),
        ({"pages": "{by: link, param: p}"}, 7, "pages.param", "the keys are by, next, size, size_param"),
        ({"pages": "{by: number, size_param: p}"}, 7, "pages.size_param", "without size"),
        ({"pages": "{by: number, size: 0}"}, 7, "pages.size", "'0': expected 1 or more"),
        # arguments and places
        ({"params": "{q: '{query}{sinc}'}"}, 5, "params.q", "there is no argument {sinc}; perhaps 'since'; expected"),
        ({"params": "{q: '{query}', p: '{Query}'}"}, 5, "params.p", "{Query} is not a place for a value"),
        ({"params": "{q: '{query:%Y}'}"}, 5, "params.q", "only since and until have a form"),
        (
            {"params": "{q: '{query}{since:iso}'}"},
            5,
            "params.q",
            "'iso' is not a form of a time; expected %Y-%m-%d and such",
        ),
        ({"params": "{q: '{query}{since:%Q}'}"}, 5, "params.q", "'%Q' is not a form of a time"),
        ({"params": "{q: '{query}{since:%s}'}"}, 5, "params.q", "'%s' is not a form of a time"),
        ({"headers": "{X-Since: '{since}'}"}, 10, "headers.X-Since", "there is no argument {since}; expected one of"),
        ({"params": "{}"}, 4, "arguments.query", "is used nowhere; {query} in url, params or headers stands for it"),
        (
            {"arguments": "{query: {each: true}, section: {each: yes, default: a}}"},
            4,
            "arguments.section.each",
            "query has it already; one argument may be several",
        ),
        (
            {"arguments": "{query: {}, section: {}}"},
            4,
            "arguments.section",
            "stands in the url, so it needs a default or `required: true`",
        ),
        (
            {"arguments": "{query: {}, section: {each: true, default: 'a,c', choices: [a, b]}}"},
            4,
            "arguments.section.default",
            "'a,c': expected one of the choices: a, b",
        ),
        (
            {"arguments": "{query: {}, section: {default: a}, until: {}}"},
            4,
            "arguments.until",
            "'until' is a built-in argument; expected another name",
        ),
        # cursor and slices
        (
            {"cursor": "{by: id, path: id, oldest_first: true}"},
            8,
            "cursor",
            "expected {cursor} in params: it stands for the id of last",
        ),
        (
            {"params": "{q: '{query}', after: '{cursor}'}"},
            8,
            "cursor",
            "{cursor} is used; expected a cursor by id or token",
        ),
        (
            {"url": "https://x.example/{section}/{cursor}", "cursor": "{by: id, path: id}"},
            3,
            "url",
            "expected {cursor} among the params, as the first run has none",
        ),
        (
            {"url": "https://x.example/{section}/{since}", "cursor": None},
            1,
            "cursor",
            "since or until stand in the url; expected a cursor by time",
        ),
        (
            {"slices": "{longest: 7d}", "params": "{q: '{query}{since}'}"},
            10,
            "slices",
            "expected {until} in url or params",
        ),
        ({"slices": "{longest: 7d, total: n}"}, 10, "slices.total", "without cap"),
        ({"slices": "{longest: 1d, shortest: 36h}"}, 10, "slices.shortest", "longer than longest"),
        (
            {"slices": "{longest: 7d}", "cursor": None},
            9,
            "slices",
            "expected a cursor by time: slices begin at the cursor",
        ),
        # what becomes of a record
        ({"article": None}, 1, "", "makes nothing of a record; expected article, observation or record"),
        (
            {"record": "{dataset: a, key: b}"},
            10,
            "record",
            "beside article; expected one of article, observation, record",
        ),
        ({"article": "{url: a}"}, 9, "article.title", "missing; where a record has its headline"),
        (
            {"article": "{url: a, title: b, sumary: c}"},
            9,
            "article.sumary",
            "unknown field; perhaps 'summary'; the fields are url, title,",
        ),
        ({"article": "{url: a, title: b, rank: c}"}, 9, "article.rank", "unknown field"),
        ({"article": "{url: a, title: b, extra.: c}"}, 9, "article.extra.", "unknown field"),
        ({"article": None, "observation": "{series: a, time: b}"}, 9, "observation.value", "missing; the number"),
        (
            {"article": None, "record": "{dataset: a, key: b, columns: {a-b: {}}}"},
            9,
            "record.columns.a-b",
            "'a-b' is not a JMESPath: ",
        ),
        (
            {"article": None, "record": "{dataset: a, key: b, columns: {c: {source: d e}}}"},
            9,
            "record.columns.c.source",
            "'d e' is not a JMESPath: ",
        ),
        (
            {"article": None, "record": "{dataset: a, key: b, columns: {c: {type: txt}}}"},
            9,
            "record.columns.c.type",
            "'txt': expected 'text', 'integer',",
        ),
    ],
)
def test_a_wrong_value_is_reported_with_line_key_value_and_the_expected_value(told, changes, line, key, said):
    [fault] = told(declaration(**changes))
    assert fault.startswith(f"own.yaml:{line}: {key}: " if key else f"own.yaml:{line}: "), fault
    assert said in fault
    assert "pass5" not in fault


BY_PAGES = [
    {"by": "token", "param": "after", "token": "next"},
    {"by": "offset", "size": 10, "first": 1, "total": "total"},
    {"by": "link", "next": "next", "size": 10, "size_param": "limit"},
]


@pytest.mark.parametrize("declared", [*shipped(), *BY_PAGES], ids=str)
def test_no_key_that_is_away_or_of_another_type_ends_in_a_traceback(declared, written):
    """Neither when it is read, nor when its spider is made and requests a first page."""
    shipped_file = resources.files("newsbot.sources") / "apis" / "worldbank.yaml"
    data = yaml.safe_load(shipped_file.read_text("utf-8"))
    changes = changed(data | {"pages": declared})
    if isinstance(declared, str):
        changes = changed(yaml.safe_load((shipped_file.parent / f"{declared}.yaml").read_text("utf-8")))
    else:
        changes = ((where, one) for where, one in changes if where[0] == "pages")
    told, crawler = [], get_crawler(DeclaredSpider, {"SPIDER_MODULES": ["newsbot.spiders"]})
    for where, one in changes:
        file = written(yaml.safe_dump(one))
        try:
            spider = DeclaredSpider.from_crawler(crawler, config=file)
        except DeclarationError as error:
            told += [(fault.removeprefix(f"{file}:"), where) for fault in error.faults]
            continue
        except ArgumentError:  # one that is required now
            continue
        spider.writer = SimpleNamespace(run=Asked())
        spider._streams.extend(spider._asked())
        assert list(spider._begin()), where
    assert [each for each in told if not re.match(r"\d+: .", each[0])] == []


class Asked:
    """A spider's words before its first request."""

    def asking(self, source_id, url):
        pass


def test_a_key_that_is_away_is_named_also_where_a_tag_has_its_name(told):
    pages = "{by: token, param: after, token: next}"
    for right, wrong, key, said in (
        ("param: after, ", "", "pages.param", "missing; the query parameter of the token"),
        ("after", "[a]", "pages.param", "['a']: "),
        ("next", "a b", "pages.token", "'a b'"),
    ):
        [fault] = told(declaration(pages=pages.replace(right, wrong)))
        assert fault.startswith(f"own.yaml:7: {key}: {said}")


def test_all_faults_are_reported_at_once_in_the_order_of_the_lines(told):
    content = declaration(name="A", records="a[", cursor="{by: token, path: 'b['}", article="{title: t}", homepage="x")
    found = told(content)
    assert [fault.split(": ")[0].removeprefix("own.yaml:") for fault in found] == ["1", "6", "8", "8", "9", "10"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "own.yaml:1: empty; expected a mapping"),
        ("- name: a\n", "own.yaml:1: not a mapping; expected a mapping"),
        (declaration() + "title: again\n", "own.yaml:10: title: appears twice; expected once"),
        ("name: [a\n", "own.yaml:2: not YAML: "),
    ],
)
def test_a_file_that_is_not_a_declaration(told, content, said):
    [fault, *_] = told(content)
    assert fault.startswith(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"params": "{q: '{query}', fields: '{id,name}', filter: '{\"a\": 1}', n: 5}"},  # braces in the API's syntax
        {"params": "{q: '{query}', from: '{since:epoch-1}', ago: '{since:days}', to: '{until:ms}'}"},
        {"params": "{q: '{query}', after: '{cursor}'}", "cursor": "{by: token, path: next}"},
        {"pages": "{by: offset, total: meta.total}"},
        {"pages": "{by: link}"},
        {"pages": "{by: token, param: t, token: meta.next}"},
        {"slices": "{longest: 7d, shortest: 1h30m, cap: 100, total: n, statuses: [426]}"},
        {"slices": "{longest: 7d, statuses: [400], too_many: \"contains(@, 'exceeds')\"}"},
        {"pages": "{by: offset, first: 1}"},
        {"cursor": None, "params": "{q: '{query}'}", "at_least": "1"},
        {"headers": "{X-Token: 'env:MY_TOKEN', Authorization: 'Bearer env:MY_KEY', X-App: mine}"},
        {"quota": "{limits: [{calls: 1, per: 5s}, {calls: 500, per: month}], cost: 0.01, currency: USD}"},
        {"quota": "{limits: [{calls: 60, per: 15m}, {calls: 50, per: 12h}, {calls: 900, per: 7d}]}"},
        {"key": "{variable: MY_KEY, header: Authorization, prefix: 'Bearer ', signup: 'https://x.example/'}"},
        {"article": None, "observation": "{series: '''a''', time: t, value: v, metadata: {place: p.name}}"},
        {"article": None, "record": "{dataset: d, key: id, columns: {n: {type: integer, unit: m, required: true}}}"},
        {"language": "'no'", "timezone": "Europe/Oslo", "rank": "page", "none_as_empty": "true"},
        {"arguments": "{query: {choices: [1, 2], default: 1}, section: {required: true, help: a part}}"},
        {"cursor": "{by: time, path: date, overlap: 90, first: 30d, oldest_first: true}"},
    ],
)
def test_valid_declarations_fit_the_schema_too(written, validator, changes):
    content = declaration(**changes)
    read(written(content))
    validator.validate(yaml.safe_load(content))


@pytest.mark.parametrize(
    "changes",
    [
        {"titel": "x"},
        {"title": None},
        {"name": "My API"},
        {"url": "ftp://x.example"},
        {"pages": "{by: pages}"},
        {"pages": "{by: link, param: p}"},
        {"pages": "{by: number, size: 0}"},
        {"cursor": "{by: time, path: a, overlap: 1x}"},
        {"quota": "{limits: [{calls: 1, per: dya}]}"},
        {"key": "{variable: X}"},
        {"key": "{variable: X, header: A, query: b}"},
        {"params": "{q: '{query}', a: [1]}"},
        {"article": None},
        {"article": "{url: a}"},
        {"article": "{url: a, title: b, sumary: c}"},
        {"record": "{dataset: a, key: b}"},
    ],
)
def test_what_is_wrong_fits_neither_the_schema_nor_the_code(told, validator, changes):
    content = declaration(**changes)
    assert told(content)
    assert not validator.is_valid(yaml.safe_load(content))


# --- In Python --------------------------------------------------------------------------------------------------------


def spiders():
    loader = SpiderLoader.from_settings(Settings({"SPIDER_MODULES": ["newsbot.spiders"]}))
    found = {name: loader.load(name) for name in loader.list()}
    return {name: spider.api for name, spider in found.items() if issubclass(spider, ApiSpider) and name != "api"}


APIS = [*spiders().values(), newsapi._TOP]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_the_shipped_spiders_are_valid(api):
    assert faults(api) == []


def test_each_spider_has_the_name_of_its_declaration():
    assert len(spiders()) >= 7
    assert [name for name, api in spiders().items() if api.name != name] == []


def test_what_is_wrong_in_python_is_reported_alike():
    wrong = Api(
        name="Wrong",
        title="Wrong",
        url="https://x.example/",
        key=Key(variable="X"),
        params={"q": "{query}"},
        slices=Slices(longest=-DAY),
        quota=Quota(limits=(Limit(calls=1, per="second"), Limit(calls=1, per="week"))),
        record=RecordFields(dataset="d", key="a[", columns={"a b": Column()}),
    )
    assert [fault.split(": ")[0] for fault in sorted(faults(wrong))] == [
        *("key", "name", "params.q", "quota.limits[1].per", "record.columns.a b", "record.key"),
        *("slices.longest", "slices.shortest", "slices", "slices", "slices"),
    ]


# --- What ships and what is published ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_files_are_valid_and_name_the_schema_for_editors(name, validator):
    assert read(name).name == name
    file = resources.files("newsbot.sources") / "apis" / f"{name}.yaml"
    validator.validate(yaml.safe_load(file.read_text("utf-8")))
    assert file.read_text("utf-8").startswith("# yaml-language-server: $schema=../api.schema.json\n")


@pytest.mark.parametrize("config", ["worldbnk", "no/where.yaml", "nowhere.yaml"])
def test_a_file_that_is_not_there(config):
    with pytest.raises(DeclarationError) as caught:
        read(config)
    [fault] = caught.value.faults
    assert fault.startswith(f"{config}: ")
    assert "spaceflightnews, worldbank" in fault


def test_the_published_schema_is_current():
    published = (resources.files("newsbot.sources") / "api.schema.json").read_text("utf-8")
    assert published == schema(), "run: python -m newsbot.sources.declared > newsbot/sources/api.schema.json"


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(yaml.safe_load(schema()))
    return jsonschema.Draft202012Validator(yaml.safe_load(schema()))


def test_every_key_says_what_it_is():
    classes = [each for each in vars(facts).values() if dataclasses.is_dataclass(each)]
    parts = yaml.safe_load(schema())
    described = parts["$defs"] | {"Api": parts}
    for each in classes:
        assert [
            key for key, about in described[each.__name__]["properties"].items() if not about.get("description")
        ] == []


@pytest.mark.parametrize("key", ["pass5word", "[pass5word]", "{variable: pass5-word, header: X-Api-Key}"])
def test_a_secret_in_place_of_a_key_is_refused_and_not_repeated(told, key):
    (fault,) = told(declaration(url="https://api.example.com/v1", arguments="{query: {}}", key=key))
    assert re.search("expected ({variable: NAME, header: X-Api-Key}|the name of an environment variable)", fault)
    assert "pass5" not in fault


@pytest.mark.parametrize("param", ["apikey: pass5word", "q: 'env:MY_KEY'"])
def test_a_secret_among_the_params_is_refused_and_not_repeated(told, param):
    faults = "\n".join(map(str, told(declaration(params=f"{{{param}}}"))))
    assert "expected a secret of the query as key" in faults
    assert "pass5word" not in faults
