import uuid

import pytest

from newsbot.batch import MAX_VALUE, Reject
from newsbot.items import Article
from newsbot.storage import rejects

RUN = str(uuid.uuid4())


def article(**fields):
    return Article(**{"url": "javascript:alert(1)", "title": "A title", "source_id": "site"} | fields)


def rows(cursor, columns="source_id, item_type, url, field, reason, times"):
    cursor.execute(f"SELECT {columns} FROM rejects ORDER BY rejected_at, reason")
    return cursor.fetchall()


def test_a_repeat_counts_up(cursor):
    for _ in range(2):
        rejects.write(cursor, [Reject.of(article(), "url", "no"), Reject.of(article(), "url", "no")], RUN)
    assert rows(cursor) == [("site", "Article", "javascript:alert(1)", "url", "no", 4)]


def test_another_reason_or_thing_is_another_reject(cursor):
    many = [
        Reject.of(article(), "url", "no"),
        Reject.of(article(), "url", "never"),
        Reject.of(article(url="javascript:b"), "url", "no"),
        Reject.of(article(source_id="other"), "url", "no"),
        Reject.of(article(url="", title="a"), "url", "no"),  # without a URL the content tells them apart
        Reject.of(article(url="", title="b"), "url", "no"),
    ]
    rejects.write(cursor, many, RUN)
    assert [row[-1] for row in rows(cursor)] == [1] * 6


def test_the_payload_is_the_item_or_the_value(cursor):
    rejects.write(cursor, [Reject.of(article(keywords=["a"]), "url", "a")], RUN)
    rejects.write(cursor, [Reject.of(article(), "image_url", "b", "data:x")], RUN)
    (item,), (value,) = rows(cursor, "payload")
    assert (item["title"], item["keywords"], item["sentiment"]) == ("A title", ["a"], None)
    assert value == {"image_url": "data:x"}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("nul\0", "nul\ufffd"),
        ("lone \ud800", "lone ?"),
        ("x" * (MAX_VALUE + 1), "x" * MAX_VALUE),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ({"a\0": ["\0", (1, 2.5, None, True)]}, {"a\ufffd": ["\ufffd", [1, 2.5, None, True]]}),
        (range(2), "range(0, 2)"),
    ],
)
def test_whatever_it_is_it_can_be_kept(cursor, value, stored):
    rejects.write(cursor, [Reject.of({"thing": value, "url": "u"}, None, f"because of {value!r}"[:50])], RUN)
    assert rows(cursor, "payload -> 'thing'") == [(stored,)]


def test_rejects_are_kept_by_age(cursor):
    rejects.write(cursor, [Reject.of(article(), "url", reason) for reason in ("old", "new")], RUN)
    cursor.execute("UPDATE rejects SET last_seen_at = now() - interval '91 days' WHERE reason = 'old'")
    assert rejects.forget(cursor, 90) == 1
    assert [row[4] for row in rows(cursor)] == ["new"]
