"""`scrapy db`, by Scrapy's own command line in this process."""

import csv
import io
import json
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest
from scrapy.cmdline import execute
from scrapy.settings import Settings

from newsbot.storage.upgrade import HEAD

ROOT = Path(__file__).parents[2]


@pytest.fixture
def db(database_url, capsys, monkeypatch):
    """Run `scrapy db` on the test's database."""
    monkeypatch.chdir(ROOT)

    def run(*arguments, **own):
        settings = Settings()
        settings.setmodule("newsbot.settings", priority="project")
        settings.setdict({"DATABASE_URL": database_url} | own, priority="cmdline")
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            execute(["scrapy", "db", *arguments], settings)
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=end.value.code, stdout=printed.out, stderr=printed.err)

    return run


@pytest.fixture
def things(database):
    """A table with rows, read outside of the command."""
    with closing(database.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE things AS SELECT n, 'thing ' || n AS name FROM generate_series(1, 3) n")

            def read():
                cursor.execute("SELECT n, name FROM things ORDER BY n")
                return cursor.fetchall()

            yield read


def failed(process, *told):
    """It reported the fault in one line, and printed nothing else."""
    assert process.returncode == 1
    assert process.stdout == ""
    (line,) = process.stderr.splitlines()
    assert line.startswith("scrapy db: ")
    for text in told:
        assert text in line


def test_a_table(db, things):
    process = db("sql", "SELECT n, name, NULL AS nothing FROM things ORDER BY n")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines() == [
        "n    name     nothing",
        "---  -------  ---------",
        "1    thing 1",
        "2    thing 2",
        "3    thing 3",
    ]


def test_csv_of_every_type(db):
    process = db(
        "sql",
        "--csv",
        """SELECT 1 AS number, 'a, "b"' || chr(10) || 'ä' AS text, NULL AS nothing, ARRAY['x', 'y, z'] AS list,
           '{"a": [1, null]}'::jsonb AS document, true AS yes, 'NaN'::float8 AS nan, 1.50 AS numeric,
           timestamp '2026-03-04 05:06:07.5' AS moment, date '2026-03-04' AS day, timestamptz '12026-03-04' AS far,
           'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, interval '1 day' AS span, '\\x00ff'::bytea AS bytes""",
    )
    assert (process.returncode, process.stderr) == (0, "")
    (row,) = csv.DictReader(io.StringIO(process.stdout, newline=""))
    assert json.loads(row.pop("list")) == ["x", "y, z"]
    assert json.loads(row.pop("document")) == {"a": [1, None]}
    assert row.pop("far").startswith("12026-03-04 00:00:00")
    assert row == {
        "number": "1",
        "text": 'a, "b"\nä',
        "nothing": "",
        "yes": "True",
        "nan": "nan",
        "numeric": "1.50",
        "moment": "2026-03-04 05:06:07.5",
        "day": "2026-03-04",
        "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "span": "1 day",
        "bytes": "\\x00ff",
    }


def test_a_carriage_return_ends_no_row_of_csv(db):
    process = db("sql", "--csv", "SELECT E'a\\rb' AS text, E'c\\r\\nd' AS more, 'plain' AS plain")
    assert process.stdout == 'text,more,plain\n"a\rb","c\r\nd",plain\n'


def test_no_rows_have_a_header_too(db, things):
    process = db("sql", "--csv", "SELECT n, name FROM things WHERE n > 3")
    assert (process.returncode, process.stdout) == (0, "n,name\n")
    process = db("sql", "SELECT n, name FROM things WHERE n > 3")
    assert (process.returncode, process.stdout.split("\n")[0].split()) == (0, ["n", "name"])


def test_more_rows_than_are_fetched_at_once(db):
    process = db("sql", "--csv", "SELECT n FROM generate_series(1, 2500) n")
    assert process.stdout.split() == ["n", *map(str, range(1, 2501))]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("EXPLAIN SELECT * FROM things", "Seq Scan"),
        ("SHOW server_version_num", "server_version_num"),
        ("SELECT n FROM things; ", "n"),
        ("SELECT 100 % 7 AS rest, '%s' AS format, ':name' AS colon", "rest"),
        ("VALUES (1)", "column1"),
        ("WITH t AS (SELECT 7 AS seven) SELECT * FROM t -- a comment", "seven"),
        ("TABLE things", "thing 1"),
    ],
)
def test_what_reads_is_taken(db, things, statement, told):
    process = db("sql", statement)
    assert (process.returncode, process.stderr) == (0, "")
    assert told in process.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM things",
        "DELETE FROM things RETURNING n",
        "UPDATE things SET name = ''",
        "DROP TABLE things",
        "TRUNCATE things",
        "COMMIT; DROP TABLE things",
        "SELECT 1; DELETE FROM things",
        "SELECT 1; COMMIT; DELETE FROM things; SELECT 2",
        "ROLLBACK; BEGIN READ WRITE; DELETE FROM things",
        "WITH gone AS (DELETE FROM things RETURNING n) SELECT * FROM gone",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "EXPLAIN ANALYZE DELETE FROM things",
        "SELECT * INTO more FROM things",
        "CREATE TABLE more AS SELECT * FROM things",
        "COPY things FROM PROGRAM 'echo 1'",
        "DO $$ BEGIN DELETE FROM things; END $$",
        "SELECT 1 $$; DELETE FROM things; $$",
        "'; DELETE FROM things; --",
    ],
)
def test_what_writes_is_refused(db, things, statement):
    before = things()
    failed(db("sql", statement))
    assert things() == before


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELEKT 1", 'syntax error at or near "SELEKT"'),
        ("SELECT * FROM missing", 'relation "missing" does not exist (docs/tables.md lists newsbot\'s tables)'),
        ("SELECT * FROM public.Article", "relation \"public.article\" does not exist (did you mean 'articles'?)"),
        ("SELECT 1/0", "division by zero"),
        ("", ""),
        ("-- nothing", ""),
    ],
)
def test_an_error_is_a_line(db, statement, told):
    failed(db("sql", statement), told)


def test_an_error_behind_the_first_rows(db):
    process = db("sql", "--csv", "SELECT 1 / (1500 - n) FROM generate_series(1, 2000) n")
    assert process.returncode == 1
    assert process.stderr.splitlines()[0].startswith("scrapy db: division by zero")


@pytest.mark.parametrize("statement", ["SELECT pg_sleep(60)", "SELECT count(*) FROM generate_series(1, 1e12::bigint)"])
def test_a_long_statement_is_ended(db, statement):
    failed(db("sql", "--timeout", "0.2", statement), "statement timeout")


@pytest.mark.parametrize(
    "arguments",
    [(), ("look",), ("sql",), ("url", "more"), ("sql", "SELECT 1", "2"), ("sql", "--timeout", "soon", "SELECT 1")],
)
def test_asked_wrongly(db, arguments):
    process = db(*arguments)
    assert (process.returncode, process.stdout) == (2, "")
    assert "Traceback" not in process.stderr
    assert process.stderr


def test_a_spreadsheet_reckons_with_no_text(db):
    process = db(
        "sql",
        "--spreadsheet",
        """SELECT '=HYPERLINK("https://evil.example/","more")' AS title, '@SUM(1)' AS "=head", '+49 30 1' AS phone,
           '-1 day' AS minus, E'\\t=1+1' AS tab, E'\\r=1+1' AS return, E'\\n=1+1' AS line, '＝1+1' AS wide,
           '  =1+1' AS blanks, E'\\u00a0=1+1' AS no_break, E'\\ufeff=1+1' AS mark, E'\\u200b\\u200e @a' AS unseen,
           '-5' AS text, '+.5e-3' AS exponent, -5 AS number, -1.50 AS numeric, '-Infinity'::float8 AS infinite,
           interval '-1 day' AS span, 'a=1' AS inside, 'a; =1+1;b' AS semicolon, E'a\\n=1' AS lines,
           E'a\\t@b' AS tabs, NULL AS nothing, '' AS empty, ARRAY['=1'] AS list""",
    )
    assert process.returncode == 0
    assert process.stdout.startswith("\ufeff")
    (row,) = csv.DictReader(io.StringIO(process.stdout[1:], newline=""))
    assert row == {
        "title": """'=HYPERLINK("https://evil.example/","more")""",
        "'=head": "'@SUM(1)",
        "phone": "'+49 30 1",
        "minus": "'-1 day",
        "tab": "'\t'=1+1",
        "return": "'\r'=1+1",
        "line": "'\n'=1+1",
        "wide": "'＝1+1",
        "blanks": "'  =1+1",
        "no_break": "'\u00a0=1+1",
        "mark": "'\ufeff=1+1",
        "unseen": "'\u200b\u200e @a",
        "text": "-5",
        "exponent": "+.5e-3",
        "number": "-5",
        "numeric": "-1.50",
        "infinite": "'-inf",
        "span": "'-1 days",
        "inside": "a=1",
        "semicolon": "a;' =1+1;b",
        "lines": "a\n'=1",
        "tabs": "a\t'@b",
        "nothing": "",
        "empty": "",
        "list": '["=1"]',
    }
    assert db("sql", "--csv", "SELECT '=1+1' AS title").stdout == "title\n=1+1\n"
    assert db("sql", "--csv", "--spreadsheet", "SELECT '=1+1' AS title").stdout == "\ufefftitle\n'=1+1\n"


def test_size(db, things):
    db("upgrade")
    process = db("size", "--csv")
    assert (process.returncode, process.stderr) == (0, "")
    rows = {row["table"]: row for row in csv.DictReader(io.StringIO(process.stdout, newline=""))}
    assert {"articles", "jobs", "sightings", "things"} < rows.keys()
    assert rows["things"]["rows"] == "3"
    assert rows["articles"] == rows["articles"] | {"rows": "0", "oldest": "", "newest": ""}
    total = rows.pop("total")
    assert int(total["bytes"]) == sum(int(row["bytes"]) for row in rows.values())
    assert int(total["rows"]) == 4  # and the revision
    header, _, *lines = db("size").stdout.splitlines()
    assert header.split() == ["table", "rows", "bytes", "oldest", "newest"]
    assert [line.split()[0] for line in lines] == [*rows, "total"]


def test_size_of_rows_with_a_time_and_of_a_large_table(db, database):
    db("upgrade")
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rejects (id, item_type, reason, last_seen_at, payload) SELECT gen_random_uuid(), 'Article',"
            " 'x', timestamptz '2026-01-01 12:00Z' + n * interval '1 minute',"
            " json_build_object('t', repeat(n::text, 200)) FROM generate_series(1, 20000) n"
        )
        cursor.execute("ANALYZE rejects")
    rows = {row["table"]: row for row in csv.DictReader(io.StringIO(db("size", "--csv").stdout, newline=""))}
    row = rows["rejects"]
    assert (row["oldest"], row["newest"]) == ("2026-01-01T12:01:00Z", "2026-01-15T09:20:00Z")
    assert 19_000 < int(row["rows"]) < 21_000
    assert int(row["bytes"]) > 8 << 20
    line = next(line for line in db("size").stdout.splitlines() if line.startswith("rejects"))
    assert "about" in line
    assert "MB" in line


@pytest.fixture
def old(db, database):
    """Old rows; returns how many rejects and runs are left."""
    db("upgrade")
    with closing(database.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO rejects (id, item_type, reason, last_seen_at) SELECT gen_random_uuid(), 'Article', 'x',"
                " now() - n * interval '30 days' FROM generate_series(1, 5) n"
            )
            cursor.execute(
                "INSERT INTO runs (id, spider, node, pid, started_at, finished_at, heartbeat_at) SELECT"
                " gen_random_uuid(), 'headlines', 'n', 1, t, t, t FROM (VALUES (now() - interval '100 days')) v(t)"
            )

            def left():
                cursor.execute("SELECT (SELECT count(*) FROM rejects), (SELECT count(*) FROM runs)")
                return cursor.fetchone()

            yield left


def test_prune(db, old):
    process = db("prune", "--dry-run")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines() == [
        "rejects: 3 would be deleted, of more than 90 days ago (REJECTS_DAYS)",
        "runs: 1 would be deleted, of more than 90 days ago (RUNS_DAYS)",
        "jobs: 0 would be deleted, of more than 90 days ago (HISTORY_DAYS)",
        "fires: 0 would be deleted, of more than 90 days ago (HISTORY_DAYS)",
        "sightings: 0 would be deleted, of more than 365 days ago (SIGHTINGS_DAYS)",
        "article_urls: 0 would be deleted, tracking variants of a URL of which the origin has a newer one",
    ]
    assert old() == (5, 1)
    process = db("prune", REJECTS_DAYS="45.5", RUNS_DAYS=200)
    assert process.stdout.startswith("rejects: 4 deleted, of more than 45.5 days ago (REJECTS_DAYS)\nruns: 0 deleted")
    assert old() == (1, 1)


@pytest.mark.parametrize("name", ["REJECTS_DAYS", "RUNS_DAYS", "HISTORY_DAYS", "SIGHTINGS_DAYS"])
@pytest.mark.parametrize("value", ["-1", "soon", "", "nan", "inf", "100001"])
def test_an_age_that_is_none_deletes_nothing(db, old, name, value):
    process = db("prune", **{name: value})
    assert (process.returncode, process.stdout) == (2, "")
    assert f"{name}={value}: expected a number of days from 0 to 100000" in process.stderr
    assert old() == (5, 1)


def test_url(db, database_url):
    process = db("url")
    assert (process.returncode, process.stderr) == (0, "")
    with closing(psycopg2.connect(process.stdout.strip())) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone()[0] in database_url


def test_upgrade(db, database):
    failed(
        db("sql", "SELECT * FROM articles"),
        "(the first crawl creates newsbot's tables, and so does `scrapy db upgrade`)",
    )
    assert db("upgrade").stdout == f"upgraded to revision {HEAD}\n"
    assert db("upgrade").stdout == f"at revision {HEAD}\n"
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = '4f2a91c'")
    failed(db("upgrade"), "another version of newsbot", "install the newer version")


def test_stop(db, home):
    embedded = {"DATABASE_URL": "", "NEWSBOT_HOME": str(home)}
    assert db("stop", **embedded).stdout == "was not running\n"
    assert db("sql", "--csv", "SELECT 1 AS one", **embedded).stdout == "one\n1\n"
    assert db("stop", **embedded).stdout == "stopped\n"
    process = db("stop")
    assert process.returncode == 2
    assert "DATABASE_URL is set" in process.stderr


@pytest.mark.parametrize("action", ["url", "sql", "upgrade", "size", "prune"])
@pytest.mark.parametrize(
    ("url", "told"), [("mysql://nowhere/x", "is not a Postgres URL"), ("postgresql://127.0.0.1:1/x", "cannot connect")]
)
def test_a_database_that_cannot_be_used(db, action, url, told):
    if action == "url" and told == "cannot connect":
        assert db("url", DATABASE_URL=url).stdout == f"{url}\n"
        return
    failed(db(action, *(["SELECT 1"] if action == "sql" else []), DATABASE_URL=url), told)
