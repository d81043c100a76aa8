"""Nearly valid JSON: each kind of fault is repaired or costs one record; JSON that breaks off is not valid."""

import json
import time

import pytest

from newsbot.extraction import charsets, lenient_json
from newsbot.extraction.lenient_json import BYTES, COMMAS, CONTROLS, ESCAPES, HALVES, NO_COMMAS, RECORDS, read


def answer(titles, before="", behind=', "status": "ok"'):
    """An answer with a record for each title, which is written as it stands."""
    records = [
        f'{{"url": "https://quay.example/{n}", "place": {{"id": {n}, "tags": [{{"id": 1}}, {{"id": 2}}]}},'
        f' "title": "{title}", "seen": "2026"}}'
        for n, title in enumerate(titles)
    ]
    return f'{{{before}"records": [{", ".join(records)}]{behind}}}'


def titles(found):
    return [record["title"] if isinstance(record, dict) else None for record in found.data["records"]]


ORDINARY = [f"Ferry {n} für Ærø" for n in range(6)]


@pytest.mark.parametrize(
    ("written", "title", "remark"),
    [
        (r"The captain\'s hat", "The captain's hat", ESCAPES),
        (r"Up \& down", "Up & down", ESCAPES),
        (r"C:\Windows\ and C:\data", "C:\\Windows\\ and C:\\data", ESCAPES),  # \d is not an escape either
        (r"it\x27s", "it's", ESCAPES),
        (r"half \u00", r"half \u00", ESCAPES),
        (r"a \é", r"a \é", ESCAPES),
        (r"half \ud83d", "half ", HALVES),
        (r"half \uDE00 and \ud83d\uDE00, \\ud83d", "half  and 😀, \\ud83d", HALVES),
        ("a\ttab and\na line", "a\ttab and\na line", CONTROLS),
        ("\x00\x1b[0m", "\x00\x1b[0m", CONTROLS),
    ],
)
@pytest.mark.parametrize("places", [[0], [2, 3], [5], range(6)])
def test_what_has_a_plain_meaning_is_read_as_that(written, title, remark, places):
    given = [written if n in places else each for n, each in enumerate(ORDINARY)]
    found = read(answer(given).encode())
    assert titles(found) == [title if n in places else each for n, each in enumerate(ORDINARY)]
    assert (found.remarks, found.data["status"]) == ((remark,), "ok")


@pytest.mark.parametrize(
    "written",
    [
        'He said "no" and left',
        'He said "no", [and] {left',
        r'He said \\"no\\" and left',
        "It ends with a backslash \\",
        '"',
        '", "title": nothing',
    ],
)
@pytest.mark.parametrize("places", [[0], [2, 3], [5], [0, 5], range(6)])
def test_a_record_that_cannot_be_read_costs_itself_alone(written, places):
    given = [written if n in places else each for n, each in enumerate(ORDINARY)]
    found = read(answer(given, before='"total": 6, ').encode())
    assert titles(found) == [None if n in places else each for n, each in enumerate(ORDINARY)]
    assert (found.remarks, found.data["total"], found.data["status"]) == ((RECORDS,), 6, "ok")
    left = found.data["records"][places[0]]
    assert left.startswith('{"url": "https://quay.example/')
    assert left.endswith('"seen": "2026"}')


def test_several_faults_in_one_answer():
    given = [r"The captain\'s hat", 'He said "no" and left', r"The pilot\'s hat", "a\ttab", ORDINARY[4]]
    found = read(answer(given).encode())
    assert titles(found) == ["The captain's hat", None, "The pilot's hat", "a\ttab", ORDINARY[4]]
    assert set(found.remarks) == {ESCAPES, RECORDS}


def test_records_in_two_lists():
    one, two = ({"id": 1, "name": "a"}, {"id": 2, "name": "b"})
    bad = '{"id": 3, "name": "say "no""}'
    found = read(f'[{{"page": 1}}, [{json.dumps(one)}, {bad}, {json.dumps(two)}]]'.encode())
    assert found.data == [{"page": 1}, [one, bad, two]]
    both = f'{{"old": [{bad}, {json.dumps(one)}], "new": [{json.dumps(two)}, {bad}, {json.dumps(two)}]}}'
    assert read(both.encode()).data == {"old": [bad, one], "new": [two, bad, two]}


def test_records_whose_keys_have_no_order():
    bad = '{"name": "say "no"", "id": 7}'
    text = f'[{{"id": 1, "name": "a"}}, {bad}, {{"id": 2, "name": "b"}}, {{"name": "c", "id": 3}}]'
    assert read(text.encode()).data == [
        {"id": 1, "name": "a"},
        bad,
        {"id": 2, "name": "b"},
        {"name": "c", "id": 3},
    ]


@pytest.mark.parametrize("title", [ORDINARY[0], r"The captain\'s hat", 'He said "no" and left'])
def test_what_breaks_off_is_not_json(title):
    raw = answer([*ORDINARY, title, title, ORDINARY[0]]).encode()
    for cut in range(1, len(raw)):
        with pytest.raises(ValueError):  # noqa: PT011  the standard library's
            read(raw[:-cut])


@pytest.mark.parametrize(
    "text", ["", "<html>down", "Your query was too short.", "{'a': 1}", '{"a": 1} and more', "NaNa"]
)
def test_what_is_something_else_is_not_json(text):
    with pytest.raises(json.JSONDecodeError):
        read(text.encode())


def test_commas_and_numbers_that_json_does_not_have():
    found = read(b'{"a": [1, 2, ], "b": NaN, "c": -Infinity, "d": "one, ]",}')
    assert (found.data["a"], str(found.data["b"]), found.data["c"], found.data["d"]) == (
        [1, 2],
        "nan",
        float("-inf"),
        "one, ]",
    )
    assert found.remarks == (COMMAS,)


@pytest.mark.parametrize(
    ("raw", "charset", "title", "remarks"),
    [
        ("Ærø".encode(), None, "Ærø", ()),
        ("Ærø".encode(), "iso-8859-1", "Ærø", ()),
        ("Ærø".encode("latin-1"), "iso-8859-1", "Ærø", ()),
        ("Łódź".encode("cp1250"), "windows-1250", "Łódź", ()),
        ("Ærø".encode("latin-1"), None, "Ærø", (BYTES,)),
        ("Ærø".encode("latin-1"), "utf-8", "Ærø", (BYTES,)),
        ("Ærø".encode("latin-1"), "no-such-charset", "Ærø", (BYTES,)),
        (b"a \x93ferry\x94 runs", None, "a “ferry” runs", (BYTES,)),
        ("Ærø på Ærø ".encode() + b"\xe6", "iso-8859-1", "Ærø på Ærø æ", (BYTES,)),
    ],
)
def test_charsets(raw, charset, title, remarks):
    assert read(b'{"title": "' + raw + b'"}', charset and charsets.named(charset)) == ({"title": title}, remarks)


def test_the_language_tells_the_charset():
    raw = '{"title": "Żółw i łódź"}'.encode("iso-8859-2")
    assert read(raw, None, "pl") == ({"title": "Żółw i łódź"}, (BYTES,))


def test_bad_records_by_the_thousands_cost_themselves_alone():
    found = read(answer(['He said "no" and left', ORDINARY[1]] * 5_000).encode())
    assert titles(found) == [None, ORDINARY[1]] * 5_000
    assert found.remarks == (RECORDS,)


@pytest.mark.parametrize("bad", [[], [1], [0, 5], range(6)])
@pytest.mark.parametrize("gap", ["", " ", "\n\t"])
def test_a_comma_that_is_missing_between_two_records(bad, gap):
    given = ['He said "no" and left' if n in bad else each for n, each in enumerate(ORDINARY)]
    written = answer(given)
    for at in (3, 1):
        head, behind = written.split('}, {"url": "https://quay.example/' + str(at), 1)
        written = f'{head}}}{gap}{{"url": "https://quay.example/{at}{behind}'
    found = read(written.encode())
    assert titles(found) == [None if n in bad else each for n, each in enumerate(ORDINARY)]
    assert set(found.remarks) == ({NO_COMMAS, RECORDS} if bad else {NO_COMMAS})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_forms_of_unicode(encoding):
    assert read('{"title": "Ærø"}'.encode(encoding)).data == {"title": "Ærø"}


def test_what_is_neither_json_nor_text_says_where():
    with pytest.raises(UnicodeDecodeError) as caught:
        read(b"{'rows': \xff}")
    assert caught.value.start == 9


@pytest.mark.parametrize(
    "hostile",
    [
        '{"a": "' + r"\"" * 100_000,
        "[" + r'{"a":"b\q"},' * 100_000,
        "[" + '{"a":"b"x"},' * 100_000 + '{"a":1}]',
        '[{"a":"b"x","c":[' + '{"d":1},' * 100_000 + "]}]",
        '[{"a":"b"x"' + "}]" * 100_000,
        "," + " " * 100_000 + "," * 100_000,
    ],
)
def test_hostile_answers_take_time_by_their_length(hostile):
    """Compared with the time for as many valid bytes; a quadratic way takes thousands of times as long."""
    plain = json.dumps(["a" * 10] * (len(hostile) // 14)).encode()
    begin = time.process_time()
    for _ in range(20):
        json.loads(plain.decode())
    each = (time.process_time() - begin) / 20
    begin = time.process_time()
    try:
        found = read(hostile.encode())
    except ValueError:
        pass
    else:
        assert lenient_json.RECORDS in found.remarks
    assert time.process_time() - begin < 1_000 * each
