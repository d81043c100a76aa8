"""A connection that is cut: uncommitted work is repeated, possibly committed work is not."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from newsbot.storage.database import Database
from newsbot.storage.errors import UnreachableError
from newsbot.storage.session import LONGEST_PAUSE, Outage, Session

CUT = "SELECT pg_terminate_backend(pg_backend_pid())"


@pytest.fixture
def session(database):
    with closing(Session(database, Outage("all waits"))) as session:
        yield session


class Work:
    """Counts how often it is done; the first time its connection is cut."""

    def __init__(self, statement):
        self.statement, self.times = statement, 0

    def __call__(self, cursor):
        self.times += 1
        cursor.execute(self.statement if self.times == 1 else "SELECT 1")
        return cursor.fetchone() if cursor.description else None


def test_a_kept_connection_that_is_cut_is_replaced_within_the_call(session):
    session.transaction(Work("SELECT 1"))
    work = Work(CUT)
    assert session.transaction(work) == (1,)
    assert work.times == 2


def test_a_new_connection_that_is_cut_is_reported(session):
    work = Work(CUT)
    with pytest.raises(psycopg2.Error):
        session.transaction(work)
    assert work.times == 1
    assert session.transaction(work) == (1,)


def test_what_may_be_committed_is_not_done_again(session):
    session.transaction(
        lambda cursor: cursor.execute(
            f"""
            CREATE TABLE made_up (id int);
            CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM ({CUT}); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON made_up DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION cut()
            """
        )
    )
    work = Work("INSERT INTO made_up VALUES (1)")
    with pytest.raises(psycopg2.Error):
        session.transaction(work)
    assert work.times == 1


@pytest.mark.parametrize(("patience", "tries"), [(0, 1), (0.3, 3)])
def test_a_database_that_is_away_is_waited_for_as_long_as_the_patience_lasts(patience, tries):
    away, outage = Database("postgresql://127.0.0.1:1/none", Path()), Outage("all waits")
    asked = []
    connect = away.connect
    away.connect = lambda: asked.append(1) or connect()
    with closing(Session(away, outage, patience)) as session, pytest.raises(UnreachableError):
        session.transaction(Work("SELECT 1"))
    assert len(asked) == tries
    assert outage.failure.startswith("cannot connect to postgresql://127.0.0.1:1/none")


def test_an_outage_is_reported_once_a_minute_until_it_is_over(monkeypatch, caplog):
    clock = [100.0]
    monkeypatch.setattr("newsbot.storage.session.time.monotonic", lambda: clock[0])
    outage = Outage("the crawl waits")
    told = []
    for second in range(150):
        clock[0] = 100.0 + second
        outage.met(OSError("no\nserver"))
        told += [second] if len(caplog.records) > len(told) else []
    assert told == [1, 61, 121]
    assert caplog.records[0].getMessage() == "The database cannot be used since 1 s, the crawl waits: no server"
    outage.over()
    outage.over()
    assert [record.getMessage() for record in caplog.records[3:]] == ["The database is in reach again"]
    assert outage.failure is None


def test_a_restart_of_the_server_is_not_reported(caplog):
    outage = Outage("the crawl waits")
    outage.met(OSError("no server"))
    outage.over()
    assert caplog.records == []


def test_an_outage_of_writing_is_reported_although_others_can_read(database, monkeypatch, caplog):
    clock = [100.0]
    monkeypatch.setattr("newsbot.storage.session.time.monotonic", lambda: clock[0])
    outage = Outage("the crawl waits")
    with closing(Session(database, outage)) as writing, closing(Session(database, outage)) as reading:
        for _ in range(20):
            with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
                writing.transaction(Work("SET TRANSACTION READ ONLY; CREATE TABLE never (id int)"))
            reading.transaction(Work("SELECT 1"))
            clock[0] += LONGEST_PAUSE
    warnings = [record.getMessage() for record in caplog.records if "cannot be used" in record.getMessage()]
    assert [warning.split(",")[0] for warning in warnings] == [
        "The database cannot be used since 5 s",
        "The database cannot be used since 65 s",
    ]
