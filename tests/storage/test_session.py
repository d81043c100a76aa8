"""A connection that is cut: what was not committed is done again, what may have been is not."""

from contextlib import closing

import psycopg2
import pytest

from newsbot.storage.session import Session

CUT = "SELECT pg_terminate_backend(pg_backend_pid())"


@pytest.fixture
def session(database):
    with closing(Session(database)) as session:
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


def test_a_new_connection_that_is_cut_is_told(session):
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
