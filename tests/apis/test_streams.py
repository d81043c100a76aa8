"""Streams: where they end, where they begin, what they give up, and what the reports show."""

import json
import socket
import socketserver
import threading
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from processes import environment
from stand_ins import DAY, HOUR, Guardian, Refused, Service, ago

from newsbot.storage import cursors
from newsbot.storage.database import Database


class Rows(Service):
    """Answers with the result of `find` for a query."""

    def __init__(self, name, *params):
        super().__init__()
        self.hosts = (f"{name}.example",)
        self.params = frozenset(params)
        self.rows = []
        self.reply = None

    def data(self, host, path, asked, headers):
        if self.reply is not None:
            raise Refused(*self.reply)
        return self.find(asked)

    def find(self, asked):
        return {"rows": self.rows}


def crawl(newsbot, name, service, **options):
    return newsbot.crawl(f"made_up_streams:{name}", service, **options)


def keys(newsbot):
    return sorted(map(int, newsbot.column("SELECT key FROM records")))


# --- From new to old --------------------------------------------------------------------------------------------------


class Timeline(Rows):
    """The newest first, five a page; the link to the next one has `max_id` and no `since_id`."""

    def __init__(self):
        super().__init__("timeline", "since_id", "max_id")
        self.pinned = []

    def find(self, asked):
        low, high = int(asked.get("since_id", 0)), int(asked.get("max_id", 10**9))
        found = sorted((n for n in self.rows if low < n < high), reverse=True)
        page = found[:5]
        self.link = f'<https://timeline.example/rows?max_id={page[-1]}>; rel="next"' if page else None
        pinned = self.pinned if "max_id" not in asked else []
        return {"rows": [{"id": str(n)} for n in [*pinned, *page]]}

    def told(self):
        return {"Link": self.link} if self.link else {}


@pytest.fixture
def timeline():
    service = Timeline()
    service.rows = list(range(90, 121))  # across a power of ten: as texts, 99 is behind 120
    return service


def test_pages_from_new_to_old_end_at_the_id_that_is_known(newsbot, timeline):
    assert crawl(newsbot, "Timeline", timeline).new == 31
    timeline.forget()
    timeline.rows += range(121, 133)
    again = crawl(newsbot, "Timeline", timeline)
    assert (again.new, again.outcomes[0][2]) == (12, "ok")
    assert [asked for _, asked in timeline.asked] == [{"since_id": "120"}, {"max_id": "128"}, {"max_id": "123"}]
    timeline.forget()
    assert crawl(newsbot, "Timeline", timeline).new == 0
    assert len(timeline.asked) == 1
    assert keys(newsbot) == timeline.rows


def test_an_old_record_at_the_top_of_new_ones_does_not_end_them(newsbot, timeline):
    crawl(newsbot, "Timeline", timeline)
    timeline.rows += range(121, 133)
    timeline.pinned = [95]
    assert crawl(newsbot, "Timeline", timeline).new == 12


def test_one_odd_id_does_not_become_the_cursor(newsbot, timeline):
    timeline.pinned = ["z" * 10]
    crawl(newsbot, "Timeline", timeline)
    assert newsbot.column("SELECT value ->> 'value' FROM cursors") == ["120"]
    timeline.pinned = ["9" * 5_000]  # more digits than Python reads
    timeline.rows += [121]
    crawl(newsbot, "Timeline", timeline)
    assert newsbot.column("SELECT value ->> 'value' FROM cursors") == ["121"]


# --- Refused ----------------------------------------------------------------------------------------------------------


class Quakes(Rows):
    """One an hour for six days; `most` of them at once."""

    def __init__(self):
        super().__init__("quakes", "from", "to", "offset", "limit")
        self.rows = [{"id": n, "at": int(ago(hours=n).timestamp())} for n in range(144)]
        self.most = 20_000

    def find(self, asked):
        start = int(asked["offset"])
        if start < 1:
            raise Refused(400, f'Error 400: bad offset "{start}", it should be above zero')
        found = [row for row in self.rows if int(asked["from"]) <= row["at"] <= int(asked["to"])]
        if len(found) > self.most:
            raise Refused(400, f"Error 400: {len(found)} matching events exceeds search limit of {self.most}")
        return {"rows": found[start - 1 : start - 1 + int(asked["limit"])]}


def test_an_api_that_counts_from_1(newsbot):
    service = Quakes()
    done = crawl(newsbot, "Quakes", service)
    assert (done.exit_code, done.new, done.outcomes[0][2]) == (0, 144, "ok")
    offsets = [int(asked["offset"]) for _, asked in service.asked]
    assert offsets[:3] == [1, 10, 19], "the last record once more"


def test_a_wall_is_gone_round_by_what_the_body_says(newsbot):
    service = Quakes()
    service.most = 40
    done = crawl(newsbot, "Quakes", service)
    assert (done.exit_code, done.new) == (0, 144)
    assert done.outcomes[0][2] == "ok; read in slices, as it gives no more at once"


def test_a_refusal_for_another_reason_is_not_a_wall(newsbot):
    service = Quakes()
    service.reply = 400, "Error 400: minmagnitude is unknown", {}
    done = crawl(newsbot, "Quakes", service)
    assert (done.exit_code, done.rejected, len(service.asked)) == (1, 0, 1)
    assert done.outcomes[0][2].startswith("HTTP status 400: Error 400: minmagnitude is unknown")


def test_slices_that_are_refused_in_a_row_end_the_stream(newsbot):
    service = Quakes()
    done = crawl(newsbot, "Untaught", service)
    assert (done.exit_code, done.rejected) == (1, 0)
    assert len(service.asked) < 30
    assert (
        'refused, as short as they may be, so it is not for too many hits: HTTP status 400: Error 400: bad offset "0"'
        in (done.outcomes[0][2])
    )
    ((since, until),) = newsbot.query("SELECT value ->> 'since', value ->> 'until' FROM cursors")
    assert since == until, "nothing is read"


def broken_off(service, is_bad):
    """Answers with a bad record end before the first one."""
    find = service.find

    def answer(asked):
        found = find(asked)
        return b'{"rows": [' if any(map(is_bad, found["rows"])) else found

    service.find = answer


def test_a_record_that_garbles_each_answer_costs_the_shortest_slice_alone(newsbot):
    service = Quakes()
    service.rows = [row | {"at": row["at"] - 60} for row in service.rows if row["id"] % 4 == 2]
    broken_off(service, lambda row: row["id"] == 70)
    done = crawl(newsbot, "Hourly", service)
    assert keys(newsbot) == [row["id"] for row in service.rows if row["id"] != 70]
    told = done.outcomes[0][2]
    assert told.startswith("incomplete: is not valid JSON but application/json: ")
    assert told.endswith("; read in slices, as one is garbled")
    ((since, until, body),) = newsbot.query(
        "SELECT payload ->> 'since', payload ->> 'until', payload ->> 'body' FROM rejects WHERE item_type = 'slice'"
    )
    since, until = map(datetime.fromisoformat, (since, until))
    at = datetime.fromtimestamp(next(row["at"] for row in service.rows if row["id"] == 70), UTC)
    assert since <= at <= until <= since + 2 * HOUR
    assert body == '{"rows": ['
    service.forget()
    assert crawl(newsbot, "Hourly", service).outcomes[0][2] == "ok", "the cursor has passed it"
    assert len(service.asked) == 1


def test_an_api_all_of_whose_answers_are_garbled_fails(newsbot):
    service = Quakes()
    service.find = lambda asked: b'{"rows": ['
    done = crawl(newsbot, "Hourly", service)
    assert (done.exit_code, done.rejected) == (1, 0)
    assert done.outcomes[0][2].startswith("3 slices in a row are garbled, as short as they may be")
    ((since, until),) = newsbot.query("SELECT value ->> 'since', value ->> 'until' FROM cursors")
    assert since == until, "nothing is read"


def test_an_api_without_slices_stays_failed_where_an_answer_is_garbled(newsbot):
    service = Rows("whole")
    service.reply = 200, '{"rows": [', {}
    assert crawl(newsbot, "Whole", service).exit_code == 1
    assert len(service.asked) == 3


def test_an_answer_that_stays_the_same_is_not_asked_for_many_times(newsbot):
    service = Rows("whole")
    service.reply = 200, "<p>This query is not understood", {"Content-Type": "text/html"}
    assert crawl(newsbot, "Whole", service).exit_code == 1
    assert len(service.asked) == 3
    service.forget()
    service.before = lambda count: setattr(service, "reply", (200, f"<p>Busy: {count}", {}))
    assert crawl(newsbot, "Whole", service).exit_code == 1
    assert len(service.asked) == 6, "one that changes may still become right"
    said = (
        '{{"error": "no such thing", "request": "{0}", "ray": "8a1b2c3d4e5f{1}-FRA", "at": "{2}", "ms": {3}}} and {2}'
    )

    def refuse(count):
        now = datetime.now(UTC)
        told = said.format(uuid.uuid4(), 1000 + count, now.isoformat(), int(now.timestamp() * 1000))
        service.reply = 200, told, {}

    service.forget()
    service.before = refuse
    assert crawl(newsbot, "Whole", service).exit_code == 1
    assert len(service.asked) == 3, "the id of a request and its time make no other answer"


def test_a_token_that_is_never_taken_is_given_up(newsbot):
    service = Rows("tokens", "after")

    def find(asked):
        if "after" in asked:
            raise Refused(400, {"message": "after is not a valid token"})
        return {"rows": [{"id": 1}], "next": "t"}

    service.find = find
    done = crawl(newsbot, "Tokens", service)
    assert done.exit_code == 1
    assert "after is not a valid token" in done.outcomes[0][2]
    assert sum("after" in asked for _, asked in service.asked) <= 5


# --- Long URLs --------------------------------------------------------------------------------------------------------


def long_tokens(length):
    service, token = Rows("tokens", "after"), "t0k/" * (length // 4)
    service.find = lambda asked: (
        {"rows": [{"id": 2}]} if asked.get("after") == token else {"rows": [{"id": 1}], "next": token}
    )
    return service


@pytest.mark.parametrize("length", [2_500, 8_000])
def test_a_long_token_is_asked_for(newsbot, length):
    done = crawl(newsbot, "Tokens", long_tokens(length))
    assert (done.exit_code, done.outcomes[0][2], keys(newsbot)) == (0, "ok", [1, 2])


def test_a_url_above_the_bound_is_a_failure(newsbot):
    done = crawl(newsbot, "Tokens", long_tokens(2_500), settings={"URLLENGTH_LIMIT": 2_083})
    assert (done.exit_code, keys(newsbot)) == (1, [1])
    assert "expected at most 2083 (URLLENGTH_LIMIT): https://tokens.example/rows?" in done.outcomes[0][2]


def test_what_a_setting_drops_on_its_way_is_a_failure(newsbot):
    service = Rows("tokens", "after")
    pages = {None: {"rows": [{"id": 1}], "next": "b"}, "b": {"rows": [{"id": 2}], "next": "c"}, "c": {"rows": []}}
    service.find = lambda asked: pages[asked.get("after")]
    done = crawl(newsbot, "Tokens", service, settings={"DEPTH_LIMIT": 1})
    assert (done.exit_code, keys(newsbot)) == (1, [1, 2])
    assert done.outcomes[0][2].startswith("a setting or a middleware of this run dropped a request before it left: ")
    assert "https://tokens.example/rows?after=c" in done.outcomes[0][2]


def test_streams_behind_one_that_is_dropped_are_read(newsbot):
    service = windowed()
    long = "a" * 3_000
    done = crawl(newsbot, "Windowed", service, settings={"URLLENGTH_LIMIT": 2_083}, of=f"{long},b,{long}b,c")
    assert [(url[-1], ok) for url, ok, _ in done.outcomes] == [("a", False), ("b", True), ("b", False), ("c", True)]


def test_a_long_query_is_asked(newsbot):
    guardian = Guardian()
    query = " OR ".join(f'"the harbour of port number {n}"' for n in range(75))
    done = newsbot.crawl("guardian", guardian, query=query)
    assert (done.exit_code, done.outcomes[0][2]) == (0, "ok")
    assert guardian.asked[0][1]["q"] == query


# --- Times ------------------------------------------------------------------------------------------------------------


def windowed():
    return Rows("windowed", "of", "from", "to")


def asked_from(service):
    """The start times of the requests."""
    return [datetime.fromtimestamp(int(asked["from"]), UTC) for _, asked in service.asked]


def shifted(newsbot, **span):
    """As if the cursors had moved so long ago."""
    newsbot.query(
        "UPDATE cursors SET value = (SELECT jsonb_object_agg(name, to_jsonb(text::timestamptz - %s))"
        " FROM jsonb_each_text(value) AS v(name, text))",
        timedelta(**span),
    )


@pytest.mark.parametrize("reply", [(503, {}, {}), (200, "no JSON", {}), (400, {"message": "no"}, {})])
def test_the_begin_of_a_first_run_that_failed_is_that_of_the_next(newsbot, reply):
    service = windowed()
    service.reply = reply
    assert crawl(newsbot, "Windowed", service, settings={"RETRY_TIMES": 0}).exit_code == 1
    (first,) = asked_from(service)
    assert abs(first - ago(days=2)) < timedelta(minutes=1)
    shifted(newsbot, days=3)
    service.forget()
    service.reply = None
    assert crawl(newsbot, "Windowed", service).outcomes[0][2] == "ok"
    assert asked_from(service) == [first - 3 * DAY]
    service.forget()
    crawl(newsbot, "Windowed", service)
    assert asked_from(service)[0] > ago(hours=2), "then it is read"


def test_what_is_beyond_the_reach_is_reported_and_not_asked_for(newsbot):
    service = windowed()
    crawl(newsbot, "Windowed", service)
    shifted(newsbot, days=15)
    service.forget()
    done = crawl(newsbot, "Windowed", service)
    assert abs(asked_from(service)[0] - ago(days=10)) < timedelta(minutes=1)
    assert done.outcomes[0][2].startswith("ok; it no longer goes back to ")
    service.forget()
    assert crawl(newsbot, "Windowed", service).outcomes[0][2] == "ok"
    assert asked_from(service)[0] > ago(hours=2)


def test_a_first_run_that_goes_as_far_back_as_the_api_has_no_gap_when_it_is_tried_again(newsbot):
    service = Rows("farthest", "from")
    service.reply = 400, {"message": "no"}, {}
    assert crawl(newsbot, "Farthest", service).exit_code == 1
    shifted(newsbot, seconds=30)
    service.reply = None
    assert crawl(newsbot, "Farthest", service).outcomes[0][2] == "ok"


def test_a_past_beyond_the_reach_is_reported_and_not_asked_for(newsbot):
    service = windowed()
    crawl(newsbot, "Windowed", service)
    service.forget()
    done = crawl(newsbot, "Windowed", service, backfill="30d")
    assert abs(min(asked_from(service)) - ago(days=10)) < timedelta(minutes=1)
    assert "it does not go back 30 days" in done.outcomes[0][2]


@pytest.mark.parametrize(
    "value",
    [
        {"since": "2026-01-01T00:00:00+00:00"},
        {"since": "2026-01-01T00:00:00+00:00", "until": "tomorrow"},
        {"since": "2026-01-01T00:00:00+00:00", "until": 7},
        {"since": "2026-02-01T00:00:00+00:00", "until": "2026-01-01T00:00:00+00:00"},
        {"since": "0001-01-01T00:00:00+23:00", "until": "9999-12-31T23:59:59-23:00"},
        {"value": 5},
        [],
        "2026",
        None,
    ],
)
def test_a_cursor_that_cannot_be_read_costs_only_its_stream(newsbot, value):
    service = windowed()
    crawl(newsbot, "Windowed", service, of="a,b")
    newsbot.query("UPDATE cursors SET value = %s WHERE source = 'a'", json.dumps(value))
    service.forget()
    done = crawl(newsbot, "Windowed", service, of="a,b")
    (one, is_ok, told), other = done.outcomes
    assert (one, is_ok, other) == ("a", False, ["b", True, "ok"])
    assert told.startswith("its cursor cannot be read: ")
    assert "`scrapy cursors reset windowed` begins anew" in told
    assert [asked["of"] for _, asked in service.asked] == ["b"]


def test_cursors_that_cannot_be_read_are_shown_as_they_are(newsbot):
    values = [{"since": 1, "until": "tomorrow"}, {"missing": 5}, {"fetched_at": "2026-13-45"}, [], "2026", None]
    for n, value in enumerate(values):
        newsbot.query(
            "INSERT INTO cursors (key, spider, source, value, run_id) VALUES (%s, 'odd', %s, %s, gen_random_uuid())",
            *(str(n), str(n), json.dumps(value)),
        )
    with closing(Database(newsbot.url, Path()).connect()) as connection, connection.cursor() as cursor:
        columns, rows = cursors.overview(cursor)
        assert cursors.newest(cursor, ["odd"])["odd"][1] == len(values)
    shown = [row[columns.index("read")] for row in rows]
    assert shown == ["1 .. tomorrow", '{"missing": 5}', "2026-13-45", "[]", '"2026"', "null"]


def test_an_id_that_cannot_be_asked_for_is_not_a_cursor(newsbot, timeline):
    crawl(newsbot, "Timeline", timeline)
    newsbot.query("""UPDATE cursors SET value = '{"value": {"a": 1}}'""")
    assert "expected the id of last time" in crawl(newsbot, "Timeline", timeline).outcomes[0][2]


@pytest.mark.parametrize("until", ["2999-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_cursor_in_the_future_begins_anew(newsbot, until):
    service = windowed()
    crawl(newsbot, "Windowed", service)
    newsbot.query("UPDATE cursors SET value = value || jsonb_build_object('until', %s)", until)
    service.forget()
    done = crawl(newsbot, "Windowed", service)
    assert abs(asked_from(service)[0] - ago(days=2)) < timedelta(hours=2)
    assert "its cursor stood in the future" in done.outcomes[0][2]
    service.forget()
    assert crawl(newsbot, "Windowed", service).outcomes[0][2] == "ok"
    assert asked_from(service)[0] > ago(hours=2)


# --- All of a table ---------------------------------------------------------------------------------------------------


def test_a_table_with_fewer_records_than_expected(newsbot):
    service = Rows("whole")
    done = crawl(newsbot, "Whole", service)
    assert (done.exit_code, done.outcomes[0][2]) == (1, "expected at least 2 records, got 0")
    service.rows = [{"id": 1}, {"id": 2}]
    assert crawl(newsbot, "Whole", service).outcomes[0][2] == "ok"


def test_records_that_vanish_are_reported(newsbot):
    service = Rows("whole")
    service.rows = [{"id": n} for n in range(10)]
    crawl(newsbot, "Whole", service)
    del service.rows[3:5]
    service.rows.append({"id": 10})
    done = crawl(newsbot, "Whole", service)
    assert done.outcomes == [["whole", True, "ok; 2 of the 10 former records did not come, as 3, 4; they stay"]]
    del service.rows[2:]
    done = crawl(newsbot, "Whole", service)
    assert done.outcomes == [
        ["whole", False, "9 of the 11 former records did not come, as 10, 2, 3, 4, 5, 6, 7, 8, 9; they stay"]
    ]
    assert keys(newsbot) == list(range(11))


# --- Secrets in headers -----------------------------------------------------------------------------------------------


SECRETS = {"HIDDEN_TOKEN": "t0ken/of+mine", "HIDDEN_KEY": "an0ther=secret"}


def test_secrets_in_headers_are_sent_to_their_host_and_show_nowhere(newsbot):
    service = Rows("hidden")
    service.rows = [{"id": n, "note": f"{SECRETS['HIDDEN_TOKEN']} {SECRETS['HIDDEN_KEY']}"} for n in range(3)]

    def run():
        settings = {"SPIDER_MODULES": "newsbot.spiders,made_up_streams"}
        return newsbot.run("hidden", service, env=environment(**SECRETS), options=("-L", "DEBUG"), settings=settings)

    done = [run()]
    assert {(each["X-App"], each["X-Token"], each["Authorization"]) for each in service.headers} == {
        ("newsbot", SECRETS["HIDDEN_TOKEN"], f"Bearer {SECRETS['HIDDEN_KEY']}")
    }
    service.reply = 403, {"message": f"{SECRETS['HIDDEN_KEY']} is over"}, {"X-Said": SECRETS["HIDDEN_TOKEN"]}
    done.append(run())
    assert "the key in HIDDEN_TOKEN or HIDDEN_KEY is refused" in done[1].stderr
    tables = newsbot.column("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    stored = "".join(str(newsbot.column(f'SELECT t::text FROM "{table}" AS t')) for table in tables)
    shown = stored + "".join(each.stdout + each.stderr for each in done)
    assert "***" in stored
    assert not [secret for secret in ("t0ken", "an0ther") if secret in shown]


def test_a_secret_of_a_header_that_is_missing_is_named(newsbot):
    settings = {"SPIDER_MODULES": "newsbot.spiders,made_up_streams"}
    done = newsbot.run("hidden", Rows("hidden"), env=environment(HIDDEN_TOKEN="a"), settings=settings)
    assert done.returncode == 2
    assert "HIDDEN_KEY is not set: set it to your key for Hidden" in done.stderr


# --- Calls that reached nobody ----------------------------------------------------------------------------------------


class Closes(socketserver.BaseRequestHandler):
    """Reads the request, then closes the connection: in order, or by a reset."""

    def handle(self):
        self.server.calls += 1
        self.request.recv(65_536)
        if self.server.resets:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.request.close()  # before the server ends it in order
        elif self.server.hangs:
            self.server.stopping.wait(30)


@pytest.fixture
def closing_server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Closes) as server:
        server.daemon_threads = True
        server.calls, server.resets, server.hangs, server.stopping = 0, False, False, threading.Event()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.stopping.set()
        server.shutdown()


def unreachable(newsbot, base, **settings):
    """The calls that a crawl of a service at `base` has spent, by the run and by the ledger, and its status."""
    newsbot.query("TRUNCATE spending, quotas")
    stand_ins = {"STAND_INS": json.dumps({"windowed.example": base} if base else {})}
    done = crawl(newsbot, "Windowed", windowed(), settings=stand_ins | {"RETRY_TIMES": 2} | settings)
    assert done.exit_code == 1
    calls = dict(newsbot.query("SELECT period, calls FROM spending"))
    assert len(set(calls.values())) == 1, calls
    return done.spent, calls["day"]


def test_calls_that_reach_nobody_are_given_back(newsbot, closing_server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert unreachable(newsbot, f"http://127.0.0.1:{free.getsockname()[1]}") == (0, 0), "refused"
    assert unreachable(newsbot, None) == (0, 0), "a name that there is not"
    assert unreachable(newsbot, "http://windowed.invalid") == (0, 0), "a name that there is not"
    at = f"127.0.0.1:{closing_server.server_address[1]}"
    closing_server.resets = True
    assert unreachable(newsbot, f"http://{at}") == (0, 0), "reset before an answer"
    assert closing_server.calls == 3
    assert unreachable(newsbot, f"https://{at}") == (0, 0), "no TLS"


def test_calls_that_may_have_arrived_count(newsbot, closing_server):
    at = f"http://127.0.0.1:{closing_server.server_address[1]}"
    assert unreachable(newsbot, at) == (3, 3), "closed without an answer"
    closing_server.hangs = True
    assert unreachable(newsbot, at, DOWNLOAD_TIMEOUT=1, RETRY_TIMES=1) == (2, 2), "a time-out"


def test_a_budget_is_not_spent_by_calls_that_reach_nobody(newsbot):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = json.dumps({"windowed.example": f"http://127.0.0.1:{free.getsockname()[1]}"})
        done = crawl(newsbot, "Windowed", windowed(), settings={"STAND_INS": base, "RETRY_TIMES": 3}, budget="1")
    assert "refused" in done.outcomes[0][2].lower()


# --- Times that a service says ----------------------------------------------------------------------------------------


def test_a_reset_header_that_makes_no_sense_locks_nothing(newsbot):
    for reset in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00", "253402300799", "1e300", "inf", "nan", "-5", "soon"):
        newsbot.query("TRUNCATE cursors, spending, quotas")
        service = windowed()
        service.told = lambda reset=reset: {"X-Left": "3", "X-Reset": reset}
        assert crawl(newsbot, "Windowed", service).outcomes[0][2] == "ok", reset
        locked = "resets_at > now() + interval '32 days' OR blocked_until > now() + interval '32 days'"
        assert newsbot.query(f"SELECT 1 FROM quotas WHERE {locked}") == [], reset
        assert crawl(newsbot, "Windowed", service).outcomes[0][2] == "ok", reset


def test_a_reset_in_milliseconds_is_read(newsbot):
    service = windowed()
    ends = ago() + HOUR
    service.told = lambda: {"X-Left": "3", "X-Reset": str(int(ends.timestamp() * 1000))}
    crawl(newsbot, "Windowed", service)
    (stored,) = newsbot.column("SELECT resets_at FROM quotas")
    assert abs(stored - ends) < timedelta(seconds=30)


def test_no_retry_after_is_for_longer_than_a_week(newsbot):
    service = windowed()
    service.reply = 429, {}, {"Retry-After": "999999999"}
    crawl(newsbot, "Windowed", service)
    assert newsbot.column("SELECT blocked_until < now() + interval '8 days' FROM quotas") == [True]


@pytest.mark.parametrize("time", ["9999-12-31 23:59:59+00", "infinity", "20000-01-01 00:00:00+00"])
def test_stored_times_that_are_too_far_heal(newsbot, time):
    service = windowed()
    crawl(newsbot, "Windowed", service)
    newsbot.query("UPDATE quotas SET blocked_until = %s, resets_at = %s, remaining = 0", time, time)
    done = crawl(newsbot, "Windowed", service)
    assert "; more from " in done.outcomes[0][2]
    assert newsbot.column("SELECT greatest(blocked_until, resets_at) < now() + interval '33 days' FROM quotas") == [
        True
    ]
