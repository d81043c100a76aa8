"""Gzip and zip as streams: cut, encrypted, without end, and with paths for names."""

import gzip
import io
import zipfile

import pytest

from newsbot.extraction.tables.packed import SMALL, Limits, check_zip, unpacked
from newsbot.extraction.tables.table import UnreadableTableError

LIMITS = Limits(2**40, 200)
TEXT = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(50_000))


def zipped(*members):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members:
            out.writestr(name, data)
    return raw.getvalue()


def read(raw, limits=LIMITS, member=None):
    file = io.BytesIO(raw)
    stream, name = unpacked(file, limits, member)
    found = stream.read()
    del stream
    assert not file.closed, "it is read once more where the database was lost"
    return found, name


def test_plain_gzip_and_zip_hold_the_same():
    assert read(TEXT) == (TEXT, None)
    assert read(gzip.compress(TEXT)) == (TEXT, None)
    assert read(gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:])) == (TEXT, None)
    assert read(zipped(("table.csv", TEXT))) == (TEXT, "table.csv")


@pytest.mark.parametrize("junk", [bytes(1000), b"\n", b"<html>error</html>", bytes(9) + b"x"])
def test_what_stands_behind_the_last_member_of_a_gzip_is_left_out(junk):
    assert read(gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:]) + junk) == (TEXT, None)


def test_a_last_member_that_is_cut_off_is_not_left_out():
    raw = gzip.compress(TEXT) + gzip.compress(TEXT)
    for end in (-1, -5, -9, -100):
        with pytest.raises(UnreadableTableError, match="is broken after"):
            read(raw[:end])


@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "/tmp/evil.csv", "..\\evil.csv", "deep/in/a/folder.csv"])
def test_the_name_of_a_member_is_a_name_and_nothing_is_written(name, tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    found, told = read(zipped((name, TEXT)))
    assert found == TEXT
    assert told.endswith(name.rpartition("\\")[2])
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_one_of_several_members_is_to_be_named():
    raw = zipped(("a.csv", b"1"), ("b.csv", b"2"), ("__MACOSX/._a.csv", b"x"), ("folder/", b""))
    with pytest.raises(UnreadableTableError, match=r"'a\.csv', 'b\.csv'.* one file"):
        read(raw)
    assert read(raw, member="b.csv") == (b"2", "b.csv")
    with pytest.raises(UnreadableTableError, match=r"'a\.csv', 'b\.csv'.*'c\.csv'"):
        read(raw, member="c.csv")


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: zipped(("a.csv", text))], ids=["gzip", "zip"])
def test_a_bomb_is_refused_by_its_ratio_and_by_its_size(pack):
    bomb = pack(bytes(SMALL + 2**21))
    with pytest.raises(UnreadableTableError, match="200 times its size"):
        read(bomb)
    with pytest.raises(UnreadableTableError, match="more than 1000000 bytes"):
        read(bomb, Limits(1_000_000, 10_000))


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: zipped(("a.csv", text))], ids=["gzip", "zip"])
def test_what_is_cut_off_is_reported(pack):
    raw = pack(TEXT)
    with pytest.raises(UnreadableTableError, match=r"broken after|not a readable zip"):
        read(raw[: len(raw) // 2])


def test_a_flipped_byte_is_reported():
    for raw in (bytearray(gzip.compress(TEXT)), bytearray(zipped(("a.csv", TEXT)))):
        raw[len(raw) // 2] ^= 0xFF
        with pytest.raises(UnreadableTableError, match="broken after"):
            read(bytes(raw))


def test_an_encrypted_member_is_reported():
    raw = bytearray(zipped(("a.csv", TEXT)))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        raw[raw.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    with pytest.raises(UnreadableTableError, match=r"'a\.csv' in the zip is encrypted"):
        read(bytes(raw))


def test_a_zip_that_others_read_is_checked_by_its_directory():
    check_zip(io.BytesIO(zipped(("a.xml", TEXT))), LIMITS)
    with pytest.raises(UnreadableTableError, match="as a bomb does"):
        check_zip(io.BytesIO(zipped(("a.xml", bytes(SMALL + 1)))), LIMITS)
