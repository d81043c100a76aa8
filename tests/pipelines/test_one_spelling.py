"""The same value by an item of a plain spider, by a file of a dataset and by an API is the same row."""

import io
import json
import uuid
from contextlib import closing

import pytest
import yaml

from newsbot.batch import Batch, CursorProgress
from newsbot.extraction import lenient_json
from newsbot.extraction.feeds import parse
from newsbot.extraction.tables.packed import Limits
from newsbot.items import Article, Observation, Record, Removal, Series
from newsbot.readers.api.mapping import mapper
from newsbot.readers.endpoint import Bounds, Endpoint, Reading
from newsbot.readers.entry_articles import articles
from newsbot.sources import dataset as declarations
from newsbot.sources.api import Api, Column, RecordFields
from newsbot.sources.model import Source
from newsbot.spiders.base.table_rows import Table
from newsbot.storage import bulk
from newsbot.values import MAX_JSON


@pytest.fixture
def load(module_database, tmp_path):
    """Load a file as a dataset."""

    def load(raw, file, name, **told):
        path = tmp_path / file
        path.write_bytes(raw)
        config = tmp_path / "made-up.yaml"
        told = {"name": name, "title": "Made up", "path": file, "key": ["id"]} | told
        config.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
        with path.open("rb") as opened, closing(module_database.connect()) as connection, connection:
            table = Table(declarations.load(str(config)), opened, file, Limits(2**40, 200))
            description = {"name": name, "title": None, "columns": {}, "source_id": name, "url": file}
            progress = CursorProgress(key=name, spider="dataset", arguments={}, source=name, value={})
            with connection.cursor() as cursor:
                bulk.load(cursor, table.lines, description, lambda: progress, str(uuid.uuid4()))

    return load


def by_api(raw, **columns):
    """The item of a record in an answer's bytes."""
    fields = RecordFields(dataset="api", key="id", columns={name: Column(type=kind) for name, kind in columns.items()})
    return mapper(Api(name="api", title="A", url="https://a.example/", record=fields))(lenient_json.read(raw).data)


def xlsx(*rows):
    openpyxl = pytest.importorskip("openpyxl")
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def stored(run):
    """(key, data as Postgres writes it), of each dataset by its name."""
    rows = run.query("SELECT dataset, key, data::text FROM records ORDER BY dataset")
    return {dataset: (key, data) for dataset, key, data in rows}


TEXTS = {
    "mark and C1": ("a\ufeffb\x91", "ab"),
    "controls": ("a\0b\x08c\x1fd\x7fe\x80f\x9f", "abcdef"),
    "noncharacters": ("a\ufdd0b\ufffec\uffffd\U0001fffee", "abcde"),
    "decomposed": ("Ange\u0301le e\x91\u0301", "Angéle é"),
    "what stays": ("soft\xad 港口 \U0001f6a2\U00020000 \x85\u2028", "soft\xad 港口 \U0001f6a2\U00020000"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_and_a_key(crawl, load, name):
    given, right = TEXTS[name]
    record = {"id": given, "v": given, given.split()[0]: given}  # a header is one line
    rows = [[*record], [*record.values()]]
    sides = json.dumps(record)
    load("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode(), "table.csv", "csv")
    load(json.dumps(record, ensure_ascii=False).encode() + b"\n", "table.jsonl", "jsonl")
    load(sides.encode(), "escaped.jsonl", "escaped")
    load(f"[{sides}]".encode(), "table.json", "json")
    run = crawl(Record(dataset="item", key=given, data=record), by_api(sides.encode()))
    found = stored(run)
    assert {key for key, _ in found.values()} == {right}
    assert set(found) == {"csv", "jsonl", "escaped", "json", "item", "api"}
    assert len({data for _, data in found.values()}) == 1, found
    assert json.loads(found["item"][1])["v"].strip() == right


def test_half_a_character(crawl, load):
    raw = rb'{"id": "1", "v": "a\ud800b", "\udfffw": ["\ud83d"]}'
    load(raw, "table.jsonl", "jsonl")
    run = crawl(Record(dataset="item", key="1", data=json.loads(raw)), by_api(raw))
    assert {data for _, data in stored(run).values()} == {'{"v": "ab", "w": [""], "id": "1"}'}


def test_a_text_in_a_sheet(crawl, load):
    cell = "Ange\u0301le\x91\ufeff"
    load(xlsx(["id", "v", "n", "w"], [cell, cell, 1.5, 2.0]), "table.xlsx", "xlsx")
    run = crawl(Record(dataset="item", key=cell, data={"id": cell, "v": cell, "n": 1.5, "w": 2.0}))
    assert len(set(stored(run).values())) == 1


@pytest.mark.parametrize(
    ("written", "kind", "right"),
    [
        *(("-0.0", "number", "0"), ("1.50", "number", "1.5"), ("100.0", "number", "100"), ("1e3", "number", "1000")),
        *(("12345678901234567890", "number", "12345678901234567890"), ("7.0", "integer", None), ("-0", "integer", "0")),
        *(("NaN", "number", "null"), ("-Infinity", "number", "null"), ("1" * 40, "integer", "1" * 40)),
    ],
)
def test_a_number_of_a_column(crawl, load, written, kind, right):
    columns = {"id": {}, "v": {"type": kind}}
    for beside in ("1", "1e0"):  # what stands beside it changes nothing
        load(f"id,v\n1,{written}\n2,{beside}\n".encode(), "table.csv", f"csv-{beside}", columns=columns)
    raw = f'{{"id": "1", "v": {written}}}'.encode()
    load(raw, "table.jsonl", "jsonl", columns=columns)
    run = crawl(by_api(raw, id="text", v=kind))
    rows = run.query("SELECT dataset, data ->> 'v' FROM records WHERE key = '1' ORDER BY 1")
    if right is None:  # a text of 7.0 is not an integer, a number is
        rows, right = [row for row in rows if not row[0].startswith("csv")], "7"
    assert {value for _, value in rows} == {None if right == "null" else right}, rows


@pytest.mark.parametrize(
    "written", ["[NaN]", "-Infinity", "[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300, "[" * 199 + "]" * 199]
)
def test_a_record_with_what_json_has_not_is_refused(crawl, load, written):
    raw = f'{{"id": "1", "v": {written}}}'.encode()
    load(raw, "table.jsonl", "jsonl")
    run = crawl(Record(dataset="item", key="1", data=json.loads(raw)), by_api(raw))
    found = stored(run)
    right = {"jsonl", "item", "api"} if "[" * 199 in written and "[" * 200 not in written else set()
    assert set(found) == right
    assert len({data for _, data in found.values()}) <= 1
    rejects = run.query("SELECT source_id, field IS NOT NULL FROM rejects ORDER BY source_id")
    assert [source for source, _ in rejects] == ([] if right else ["api", "jsonl", "own"])


def test_what_is_too_large_ends_no_crawl(crawl):
    deep = []
    for _ in range(5_000):
        deep = [deep]
    huge = 10**5_000
    series = Series(name="s", metadata={"deep": deep, "huge": huge, "fine": 1})
    run = crawl(
        *(Record(dataset="d", key=str(n), data={"v": value}) for n, value in enumerate((deep, huge, "x" * MAX_JSON))),
        Article(url="https://site.example/1", title="Deep", extra={"deep": deep, "huge": huge, "fine": 1}),
        Article(url="https://site.example/2", title=deep, keywords=[deep, "fine"]),
        Article(url="https://site.example/3", title="Long", extra={"v": "x" * MAX_JSON}, authors=[huge, "Ada"]),
        Article(url="https://site.example/4", title=huge),
        Observation(series=series, time="2026-01-01T00:00:00Z", value=1),
        Observation(series=series, time="2026-01-02T00:00:00Z", value=huge),
        Observation(series=series, time="2026-01-03T00:00:00Z", value=-0.0),
    )
    assert run.query("SELECT title, authors FROM articles ORDER BY 1") == [("Deep", []), ("Long", ["Ada"])]
    assert run.query("SELECT data FROM sightings WHERE data IS NOT NULL")[0][0]["fine"] == 1
    assert run.query("SELECT metadata ->> 'fine' FROM series") == [("1",)]
    assert run.query("SELECT value::text FROM observations ORDER BY time") == [("1",), ("0",)]
    fields = {field for (field,) in run.query("SELECT field FROM rejects WHERE item_type = 'Record'")}
    assert fields == {"data", "data.v"}
    assert run.total.rejected == 6


def test_a_key_of_too_many_bytes_is_refused(crawl):
    key = "港" * 700
    run = crawl(
        *(
            Record(dataset="d", key=key, data={}),
            Removal(external_id=key),
            Record(dataset="d", key="é" * 1000, data={}),
        ),
        Article(url="https://site.example/1", title="Stays", external_id=key),
    )
    assert run.total.rejected == 2
    reasons = run.query("SELECT DISTINCT field, right(reason, 25) FROM rejects ORDER BY 1")
    assert reasons == [("external_id", "is longer than 2000 bytes"), ("key", "is longer than 2000 bytes")]
    assert run.query("SELECT title FROM articles") == [("Stays",)]


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
def test_a_time_out_of_the_calendar(crawl, load, when):
    load(f"id,v\n1,{when}\n".encode(), "table.csv", "csv", columns={"id": {}, "v": {"type": "time"}})
    run = crawl(by_api(json.dumps({"id": 1, "v": when}).encode(), id="text", v="time"))
    assert {data for _, data in stored(run).values()} == {'{"v": null, "id": "1"}'}
    assert run.query("SELECT field FROM rejects") == [("v",), ("v",)]


# --- Entities ---------------------------------------------------------------------------------------------------------

SOURCE = Source(id="s", name="S", country="us", language="en", homepage="https://a.test/")


def titles(crawl, raw):
    feed = parse(raw.encode(), "https://a.test/")
    bounds = Bounds(interval_min=1, interval_max=9, refused_runs=1, children=1)
    endpoint = Endpoint("https://a.test/feed", SOURCE, "feed", bounds)
    run = crawl(Batch(items=articles(Reading(feed.kind, feed.entries), endpoint)))
    return run.query("SELECT title FROM articles")


RSS = "<rss><channel><item><title>{}</title><link>https://a.test/1</link></item></channel></rss>"
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="{}">{}</title>'
    '<link href="https://a.test/1"/></entry></feed>'
)


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (RSS.format("The &amp;lt;template&amp;gt; element"), "The <template> element"),
        (RSS.format("The &amp;amp;lt;template&amp;amp;gt; element"), "The &lt;template&gt; element"),
        (RSS.format("<![CDATA[How &amp;lt;b&amp;gt; is written]]>"), "How &lt;b&gt; is written"),
        (RSS.format("<![CDATA[AT&amp;T &#8217;s]]>"), "AT&T ’s"),
        (ATOM.format("html", "The &amp;lt;template&amp;gt; element"), "The <template> element"),
        (ATOM.format("html", "How &amp;amp;lt; is written"), "How &lt; is written"),
        (ATOM.format("text", "The &amp;lt;template&amp;gt; element"), "The &lt;template&gt; element"),
        (ATOM.format("text", "The &lt;template&gt; element"), "The <template> element"),
        (
            ATOM.format("xhtml", '<div xmlns="http://www.w3.org/1999/xhtml">The &lt;template&gt; element</div>'),
            "The <template> element",
        ),
        (
            ATOM.format("xhtml", '<div xmlns="http://www.w3.org/1999/xhtml">How &amp;lt; is written</div>'),
            "How &lt; is written",
        ),
    ],
)
def test_the_entities_of_a_title_are_resolved_once(crawl, raw, title):
    assert titles(crawl, raw) == [(title,)]


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("The &lt;template&gt; element", "The <template> element"),
        ("The <template> element", "The <template> element"),
        ("How &amp;lt; is written", "How &lt; is written"),
        ("AT&amp;T &#8217;s", "AT&T ’s"),
    ],
)
def test_the_entities_of_a_json_feed_are_resolved_once(crawl, given, title):
    item = {"id": "1", "url": "https://a.test/1", "title": given, "summary": given, "tags": [given]}
    raw = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item | {"authors": [{"name": given}]}]})
    assert titles(crawl, raw) == [(title,)]
    assert crawl.query("SELECT summary, authors, keywords FROM articles") == [(title, [title], [title])]


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("The &lt;template&gt; element", "The <template> element"),
        ("How &amp;lt; is <b>written</b>", "How &lt; is written"),
    ],
)
def test_the_entities_of_an_api_are_resolved_once(crawl, given, title):
    where = {name: name for name in ("url", "title", "summary", "text", "authors", "keywords", "section")}
    make = mapper(Api(name="api", title="A", url="https://a.example/", article=where))
    bare = given.replace("<b>", "").replace("</b>", "")
    texts = {"title": given, "summary": given, "text": given, "authors": bare, "keywords": [bare], "section": bare}
    run = crawl(make({"url": "https://a.test/1"} | texts))
    found = run.query("SELECT title, summary, text, authors[1], keywords[1], section FROM articles")
    assert found == [(title,) * 6]


def test_an_item_of_a_plain_spider_is_resolved_once(crawl):
    run = crawl(Article(url="https://a.test/1", title="How &amp;lt; is written", keywords=["A &amp; B"]))
    assert run.query("SELECT title, keywords FROM articles") == [("How &lt; is written", ["A & B"])]


def test_the_limits_hold_for_items_and_apis(crawl):
    where = {name: name for name in ("url", "title", "summary", "text", "authors", "keywords", "section")}
    make = mapper(Api(name="api", title="A", url="https://a.example/", article=where))
    long, names = "words " * 200_000, [f"{n} {'word ' * 200}" for n in range(150)]
    fields = {"title": long, "summary": long, "text": long, "section": long, "authors": names, "keywords": names}
    run = crawl(make(fields | {"url": "https://a.test/1"}), Article(url="https://a.test/2", **fields))
    lengths = "length(title), length(summary), length(text), length(section), cardinality(authors), length(keywords[1])"
    (one, other) = run.query(f"SELECT {lengths} FROM articles")
    assert one == other
    for length, limit in zip(one, (1_000, 10_000, 1_000_000, 500, 100, 500), strict=True):
        assert limit - 6 <= length <= limit
