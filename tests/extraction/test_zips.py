"""Lines of the one file in a zip; refuses other archives and dangerous ones."""

import io
import zipfile

import pytest

from newsbot.extraction import zips


def packed(**members):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return archive.getvalue()


def read(archive, most=1 << 30):
    return list(zips.lines(archive, most))


def test_lines_that_reach_over_blocks_are_whole():
    content = b"".join(b"%d" % n * (n % 50) + b"\n" for n in range(50_000))
    assert len(content) > 10 * zips.BLOCK
    assert read(packed(a=content)) == content.split(b"\n")[:-1]
    assert read(packed(a=content + b"end")) == [*content.split(b"\n")[:-1], b"end"]


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        (b"", "is not a readable zip"),
        (b"<html>Not found</html>", "is not a readable zip"),
        (packed(a=b"a" * 99)[:-9], "is not a readable zip"),
        (packed(), "expected one file in it, got 0"),
        (packed(a=b"a", b=b"b"), "expected one file in it, got 2: a, b"),
        (packed(**{"../a": b"a"}), "expected a file without a folder in it, got '../a'"),
        (packed(**{"C:\\a": b"a"}), "expected a file without a folder"),
        (packed(**{"..": b"a"}), "expected a file without a folder"),
        (packed(a=b"ab\n" * 500_000).replace(b"\0\0\0a", b"\0\0\0b", 1), "is not a readable zip"),
        (packed(a=b"ab\n" * 500_000), "more than 1,000,000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "archive",  # a zip has the time, and workers differ by it
)
def test_what_is_wrong_is_reported(archive, told):
    with pytest.raises(zips.ZipError) as raised:
        read(archive, 1_000_000)
    assert told in str(raised.value)


def test_bytes_that_were_changed_are_reported():
    archive = bytearray(packed(a=bytes(range(256)) * 999))
    archive[50] ^= 1
    with pytest.raises(zips.ZipError):
        read(bytes(archive))


def test_a_line_without_end_is_not_kept():
    with pytest.raises(zips.ZipError, match="a line of the file"):
        read(packed(a=bytes(20 << 20)))
