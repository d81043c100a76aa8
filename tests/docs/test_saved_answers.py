"""docs/architecture.md, "Read a saved answer": its code reads files, and what it says of pickles holds."""

import json
import os
import pickle
import re
from datetime import UTC, datetime

import pytest

from docs.generate import FOLDER
from newsbot.batch import Done, Reject
from newsbot.readers.api.facts import Facts
from newsbot.sources.declared import read

PAGE = (FOLDER.parent / "architecture.md").read_text("utf-8")
SECTION = re.search(r"^## Read a saved answer\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)[1]
FETCHED_AT = datetime(2026, 3, 4, 12, tzinfo=UTC)

RECORD = {"id": 1, "url": "https://space.example/1", "title": "A probe", "published_at": "2026-03-04T05:06:07Z"}
FILES = {
    "feed.xml": "<rss><channel><item><title>The ferry runs</title><link>/ferry</link></item></channel></rss>",
    "news.html": "<html><body><article><h2>The dam holds</h2><a href='/dam'>More</a></article></body></html>",
    "page.json": json.dumps({"count": 2, "results": [RECORD, "no record"]}),
}


@pytest.fixture
def names(tmp_path, monkeypatch):
    """The names that the code of the page makes."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
        os.utime(tmp_path / name, (FETCHED_AT.timestamp(), FETCHED_AT.timestamp()))
    monkeypatch.chdir(tmp_path)
    made = {}
    exec("\n".join(re.findall(r"^```python\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)), made)
    return made


def told(items):
    return [(item.url, item.title) for item in items if not isinstance(item, Reject)]


def test_the_code_reads_saved_answers(names):
    assert told(names["articles"]) == [("https://harbour.example/ferry", "The ferry runs")]
    assert told(names["headlines"]) == [("https://harbour.example/dam", "The dam holds")]
    assert told(names["records"]) == [("https://space.example/1", "A probe")]
    assert [item.reason for item in names["records"] if isinstance(item, Reject)] == [
        "expected an object as the record, got 'no record'"
    ]
    assert (names["then"], names["batch"].outcome.status) == (Done(), "ok")
    assert names["answer"].fetched_at == FETCHED_AT


@pytest.mark.parametrize("name", ["answer", "articles", "headlines", "records"])
def test_answers_and_lists_of_items_can_be_pickled(names, name):
    assert pickle.loads(pickle.dumps(names[name])) == names[name]


def test_facts_cannot_be_pickled_and_are_built_from_the_name(names):
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(names["facts"])
    assert Facts.of(read(names["api"].name)).api == names["api"]
