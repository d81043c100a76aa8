"""A kind of items unknown to the stages: they handle it by its own declarations."""

import json
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import pytest

from newsbot import items
from newsbot.items import Between, Item, Key, Language, Line, Lines, Longest, Provenance, Published, State, Text
from newsbot.pipelines.outcomes import Rejected, Unchanged
from newsbot.storage import writer
from newsbot.storage.run import Tally

WHEN = datetime(2026, 5, 1, tzinfo=UTC)
TEXT = "The ferry was on time, and the crew was friendly"


@dataclass(slots=True, kw_only=True)
class Rating(Item):
    """A reader's verdict on something."""

    subject: Key
    author: Annotated[Line, Longest(20)]
    stars: Annotated[int, Between(1, 5)]
    rated_at: Published | None = None
    text: Text | None = None
    tags: Lines = field(default_factory=list)
    language: Language | None = None
    sentiment: float | None = None
    sentiment_model: str | None = None
    source_id: Provenance | None = None

    stored_by: ClassVar[str] = "ratings.write"

    def identity(self):
        return self.source_id, self.subject, self.author

    def content(self):
        return json.dumps([self.stars, self.text])

    def to_score(self):
        return self.text


def write(cursor, ratings, run_id):
    for rating in ratings:
        cursor.execute(
            "INSERT INTO ratings VALUES (%s, %s, %s) ON CONFLICT (identity) DO UPDATE SET content = EXCLUDED.content"
            " WHERE ratings.content <> EXCLUDED.content RETURNING xmax = 0",
            (json.dumps(rating.identity()), rating.content(), f"{rating.sentiment_model} {rating.language}"),
        )
        found = cursor.fetchone()
        rating.state = State.UNCHANGED if found is None else State.NEW if found[0] else State.CHANGED
    return [rating for rating in ratings if rating.state != State.UNCHANGED]


@pytest.fixture
def rate(crawl, module_database, monkeypatch):
    """Pass ratings through all stages, into their own table."""
    monkeypatch.setattr(items, "KINDS", (*items.KINDS, Rating))
    monkeypatch.setitem(writer._WRITERS, Rating, write)
    with closing(module_database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS ratings")
        cursor.execute("CREATE TABLE ratings (identity text PRIMARY KEY, content text, found text)")

    return crawl


def rating(**fields):
    return Rating(**{"subject": "ferry/1", "author": "Ada", "stars": 4, "rated_at": WHEN, "text": TEXT} | fields)


def test_it_is_new_then_unchanged_then_changed(rate):
    for stars, end in ((4, "new"), (4, "unchanged"), (5, "changed")):
        run = rate(rating(stars=stars))
        assert run.total == Tally(**{end: 1})
    assert rate.query("SELECT identity, content, found FROM ratings") == [
        (json.dumps(["own", "ferry/1", "Ada"]), json.dumps([5, TEXT]), "vader-3.3.2 en")
    ]


def test_it_is_met_twice_in_a_run(rate):
    run = rate(rating(), rating())
    assert [type(result) for result in run.results] == [Rating, Unchanged]
    assert (run.total.new, run.total.unchanged) == (1, 1)


def test_its_values_are_cleaned_by_their_forms(rate):
    far = datetime(9999, 12, 31, tzinfo=UTC)
    run = rate(
        rating(author=" Ada\0 of the &amp; harbour office", tags=["a ", "a"], rated_at=far, text="One\n\n\n\nTwo ")
    )
    (found,) = run.results
    assert (found.author, found.tags, found.rated_at, found.text) == ("Ada of the &…", ["a"], None, "One\n\nTwo")
    assert run.query("SELECT field FROM rejects") == [("rated_at",)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"author": "\x01"}, "author"),
        ({"stars": 6}, "stars"),
        ({"source_id": 7}, "source_id"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(rate, fields, field):
    run = rate(rating(**fields), rating(subject="ferry/2"))
    assert [type(result) for result in run.results] == [Rejected, Rating]
    assert run.query("SELECT item_type, field FROM rejects") == [("Rating", field)]
    assert run.query("SELECT count(*) FROM ratings") == [(1,)]
