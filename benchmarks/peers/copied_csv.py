"""python -m benchmarks.peers.copied_csv FILE URL: the rows of a CSV, read by the csv module, into a table of text."""

import csv
import io
import sys
from collections.abc import Iterator
from itertools import islice

import psycopg2


class Stream(io.RawIOBase):
    """The stream that COPY reads."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.parts = parts
        self.rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; none at the end."""
        self.rest = self.rest or memoryview(next(self.parts, b""))
        read, self.rest = self.rest[:size], self.rest[size:]
        return bytes(read)


def parts(rows: Iterator[list[str]]) -> Iterator[bytes]:
    while batch := list(islice(rows, 1_000)):
        text = io.StringIO()
        csv.writer(text).writerows(batch)
        yield text.getvalue().encode()


def main() -> None:
    with open(sys.argv[1], encoding="utf-8", newline="") as file, psycopg2.connect(sys.argv[2]) as connection:
        rows = csv.reader(file)
        columns = ", ".join(f'"{name}" text' for name in next(rows))
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE copied ({columns})")
            cursor.copy_expert("COPY copied FROM STDIN WITH (FORMAT csv)", Stream(parts(rows)), 2**17)
            connection.commit()
            cursor.execute("DROP TABLE copied")


if __name__ == "__main__":
    main()
