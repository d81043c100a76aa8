"""Quotas: all processes keep them to the call, through faults, as the service reports them, spread over the day."""

import threading
import time
import uuid
from contextlib import closing
from pathlib import Path

import made_up_apis
import processes
import pytest
from stand_ins import (
    DAY,
    FAULTS,
    CoinGecko,
    Exoplanets,
    Faults,
    Frankfurter,
    Guardian,
    HackerNews,
    Listing,
    NewsApi,
    OpenMeteo,
    Refused,
    ago,
)

from newsbot.job import TOKEN
from newsbot.limits import LONGEST_BLOCK, Refusal, Terms
from newsbot.sources.api import Limit, Quota
from newsbot.spiders.base.terms import terms as terms_of
from newsbot.storage import quotas
from newsbot.storage.database import Database

# A clock of the database that tests move: the search path finds it first.
CLOCK = """
CREATE TABLE clock_moved (by interval NOT NULL);
INSERT INTO clock_moved VALUES ('0');
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS 'SELECT pg_catalog.clock_timestamp() + by FROM clock_moved';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$
"""


@pytest.fixture
def at(newsbot):
    """Set the clock of the database to a time."""
    newsbot.query(CLOCK)

    def move(time):
        newsbot.query("UPDATE clock_moved SET by = %s::timestamptz - pg_catalog.clock_timestamp()", time)

    return move


def listing(count, **options):
    service = Listing("shared.example", "number", **options)
    for n in range(1, count + 1):
        service.put(n)
    return service


def test_two_processes_keep_one_budget_over_the_days(newsbot, at):
    service = listing(190)
    service.limits = ((20, 1.0),)
    for day, hour in ((1, 8), (2, 0), (2, 23)):
        at(f"2026-03-0{day} {hour:02}:30:00+00")
        service.forget()
        for crawler in range(2):
            newsbot.start("made_up_apis:Shared", service, crawler=crawler)
        ended = [newsbot.crawlers[crawler].answer() for crawler in range(2)]
        assert [each.exit_code for each in ended] == [0, 0]
        assert len(service.asked) == (30 if hour != 23 else 0)
        told = [status for each in ended for _, _, status in each.outcomes if status != "ok"]
        assert told, "one of them, at least, had to stop"
        assert all(status.startswith("the 30 calls of this day are spent; more from 2026-03-0") for status in told)
    assert service.overruns == []
    calls = newsbot.query("SELECT period, calls FROM spending WHERE quota = 'shared' ORDER BY starts_at, period")
    assert [calls for period, calls in calls if period == "day"] == [30, 30]
    assert [calls for period, calls in calls if period == "month"] == [60]


def test_a_budget_of_the_run(newsbot):
    service = listing(190)
    crawled = newsbot.crawl("made_up_apis:Shared", service, budget="3")
    assert (crawled.spent, len(service.asked), crawled.exit_code) == (3, 3, 0)
    assert crawled.outcomes[0][2] == "the budget of this run, 3, is spent"
    assert crawled.new == 30


@pytest.mark.parametrize("header", ["Retry-After", "X-Reset"])
def test_a_wait_that_is_asked_for_holds_for_the_next_process(newsbot, header):
    service = listing(10)
    service.reply = 429, {}, {header: 3000}
    newsbot.crawl("made_up_apis:Shared", service)
    asked = len(service.asked)
    service.reply = None
    later = newsbot.crawl("made_up_apis:Shared", service)
    assert len(service.asked) == asked == 1
    assert later.outcomes[0][2].startswith("it asked to be left alone (HTTP status 429); more from")
    ((left,),) = newsbot.query("SELECT extract(epoch FROM blocked_until - clock_timestamp()) FROM quotas")
    assert 2900 < left <= 3000


def test_what_the_answers_say_wins(newsbot):
    service = listing(190)
    service.told = lambda: {"X-Left": 5 - len(service.asked), "X-Reset": 2000}
    crawled = newsbot.crawl("made_up_apis:Shared", service)
    assert (crawled.exit_code, len(service.asked)) == (0, 5)


@pytest.mark.parametrize("limit", ["-1", "0"])
def test_a_limit_that_is_none_does_not_lock_the_api(newsbot, limit):
    service = listing(5)
    service.told = lambda: {"X-Left": "-1", "X-Limit": limit}
    assert newsbot.crawl("made_up_apis:Shared", service).outcomes[0][2] == "ok"
    assert newsbot.crawl("made_up_apis:Shared", service).outcomes[0][2] == "ok"


@pytest.mark.parametrize("wait", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_wait_is_for_ever(newsbot, wait):
    service = listing(5)
    service.reply = 429, {}, {"Retry-After": wait}
    newsbot.crawl("made_up_apis:Shared", service)
    assert newsbot.column("SELECT blocked_until < now() + interval '7 days' FROM quotas") == [True]


@pytest.mark.parametrize(
    "told",
    [
        {"X-Reset": "9999-12-31T23:59:59"},
        {"X-Reset": "9999-12-31T23:59:59-12:00"},
        {"X-Reset": "0001-01-01T00:00:00"},
        {"X-Reset": "1e10"},
        {"X-Reset": "1e300"},
        {"X-Reset": "nan"},
        {"X-Reset": "-99999999999"},
        {"X-Left": "9" * 400, "X-Limit": "9" * 400},
        {"X-Left": "4611686018427387903", "X-Limit": "4611686018427387903"},
        {"X-Left": "-inf", "X-Limit": "inf"},
    ],
)
def test_nothing_that_an_answer_says_of_its_quota_ends_the_runs_after_it(newsbot, told):
    service = listing(5)
    service.told = lambda: {"X-Left": "0"} | told
    newsbot.crawl("made_up_apis:Shared", service)
    later = newsbot.crawl("made_up_apis:Shared", service)
    assert later.exit_code == 0
    ((resets,),) = newsbot.query("SELECT coalesce(resets_at < now() + interval '33 days', true) FROM quotas")
    assert resets


@pytest.mark.parametrize("column", ["blocked_until", "resets_at", "next_at"])
@pytest.mark.parametrize("time", ["infinity", "10055-01-01", "-infinity", "4000-01-01 BC"])
def test_a_row_of_before_heals(ledger, newsbot, at, column, time):
    terms = Terms("a", calls=(("day", 100),), spacing=0.001)
    assert ledger(quotas.spend, terms, spread=False) == 0
    row = f"{column} = '{time}', remaining = 0, reason = 'it said so'"
    ledger(lambda cursor: cursor.execute(f"UPDATE quotas SET {row}"))
    refused = ledger(quotas.spend, terms, spread=False)
    assert isinstance(refused, float) or refused.seconds <= LONGEST_BLOCK
    at("2126-01-01")
    assert isinstance(ledger(quotas.spend, terms, spread=False), float)


def test_all_comes_through_faults_and_the_quota_is_kept(newsbot):
    guardian = Guardian()
    for n in range(900):
        guardian.put(n, ago(minutes=n))
    newsbot.web.faults = Faults(0.2, seed=7)
    crawled = newsbot.crawl("guardian", guardian, settings={"DOWNLOAD_TIMEOUT": 1})
    assert crawled.exit_code == 0
    assert len(newsbot.column("SELECT 1 FROM articles")) == 900
    assert guardian.overruns == []
    assert sum(newsbot.column("SELECT calls FROM spending WHERE period = 'day'")) == sum(guardian.days.values())
    assert newsbot.web.faults.made


def test_a_job_of_the_schedule_leaves_some_for_later(newsbot, at):
    index, spider, arguments, *_ = newsapi()
    at("2026-03-01 00:30:00+00")
    newsbot.query(
        "INSERT INTO jobs (project, id, spider, asked_by, schedule, state, token)"
        " VALUES ('newsbot', 'a', %s, 'the schedule', 'harbour', 'running', %s)",
        *(spider, token := str(uuid.uuid4())),
    )
    environment = processes.environment() | processes.KEYS | {"DATABASE_URL": newsbot.url, TOKEN: token}
    done = newsbot.run(spider, index, env=environment, **arguments)
    assert done.returncode == 0, done.stderr
    assert done.returncode == 0, done.stderr
    assert len(index.asked) == 100 // 24
    assert "4 of the 100 calls of this day are spent already, and it is still long" in done.stderr
    newsbot.query("UPDATE jobs SET schedule = NULL")
    assert newsbot.run(spider, index, env=environment, **arguments).returncode == 0
    assert newsbot.column("SELECT count(*) FROM articles") == [300], "who asks by hand gets all"


def newsapi():
    index = NewsApi()
    for n in range(300):
        index.put(n, ago(days=2, minutes=10 * n))
    return index, "newsapi", {"query": "harbour"}, "SELECT count(*) FROM articles", 300


def hackernews():
    news = HackerNews()
    for n in range(1, 801):
        news.put(n, ago(minutes=n))
    news.updates.extend(range(1, 11))
    return news, "hackernews", {}, "SELECT count(*) FROM sightings", 800


def token():
    service = Listing("token.example", "token")
    for n in range(1, 201):
        service.put(n)
    return service, "made_up_apis:Token", {}, "SELECT count(*) FROM records", 200


@pytest.mark.parametrize("make", [newsapi, hackernews, token])
def test_all_comes_through_faults(newsbot, make):
    service, spider, arguments, count, expected = make()
    newsbot.web.faults = Faults(0.2, seed=11, kinds=(*FAULTS, "410", "410"))
    crawled = newsbot.crawl(spider, service, settings={"DOWNLOAD_TIMEOUT": 1}, **arguments)
    assert (crawled.exit_code, crawled.rejected) == (0, 0), crawled.outcomes
    assert newsbot.column(count) == [expected]
    assert service.overruns == []
    assert newsbot.web.faults.made


def frankfurter():
    service, today = Frankfurter(), ago().date()
    days = service.days_of(today - 90 * DAY, today)
    return service, {}, len(days) * len(service.symbols)


def openmeteo():
    service = OpenMeteo()
    return service, {"latitude": "1", "longitude": "2"}, len(service.hours(92))


def coingecko():
    service, end = CoinGecko(), ago()
    service.now = lambda: end
    return service, {"coins": "bitcoin"}, 3 * len(service.values("bitcoin", 90))


def exoplanets():
    service = Exoplanets()
    for n in range(300):
        service.put(f"Made-up {n} b")
    return service, {}, 300


@pytest.mark.parametrize("make", [frankfurter, openmeteo, coingecko, exoplanets])
def test_one_answer_comes_through_faults(newsbot, make):
    """The crawl is repeated until a fault happened."""
    service, arguments, expected = make()
    newsbot.web.faults = Faults(0.2, seed=3)
    while not newsbot.web.faults.made:
        newsbot.query("TRUNCATE cursors, observations, series, records, quotas, spending")
        crawled = newsbot.crawl(make.__name__, service, settings={"DOWNLOAD_TIMEOUT": 1}, **arguments)
        assert (crawled.exit_code, crawled.rejected, crawled.new) == (0, 0, expected), crawled.outcomes
    assert service.overruns == []


# --- The ledger -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(newsbot):
    """Call the ledger in a separate transaction."""
    database = Database(newsbot.url, Path())

    def run(function, *arguments, **options):
        with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
            return function(cursor, *arguments, **options)

    return run


def test_a_day_is_spread_for_a_job_of_the_schedule(ledger, at):
    terms, given = Terms("a", calls=(("day", 100),)), 0
    for hour in range(24):
        at(f"2026-03-01 {hour:02}:30+00")
        while ledger(quotas.spend, terms, spread=True) == 0:
            given += 1
        assert given <= max(100 / 24 + 1, 100 * (hour + 0.5) / 24 + 1)
    assert given == 98
    at("2026-03-02 00:00+00")
    assert [ledger(quotas.spend, terms, spread=True) == 0 for _ in range(6)] == [True] * 4 + [False] * 2


def test_windows_of_any_length_hold_at_once(ledger, at):
    limits = [Limit(calls=8, per="1d"), Limit(calls=5, per="12h"), Limit(calls=3, per="60m"), Limit(calls=9, per="48h")]
    terms = terms_of(made_up_apis.api("a", quota=Quota(limits=tuple(limits))), None)
    assert terms.calls == (("hour", 3), ("12 hours", 5), ("day", 8), ("48 hours", 9))

    def given():
        count = 0
        while (answer := ledger(quotas.spend, terms, spread=False)) == 0:
            count += 1
        return count, answer.reason, f"{answer.until:%d %H:%M}"

    spent = "the {} calls of {} are spent".format
    at("2026-03-02 09:30+00")
    assert given() == (3, spent(3, "this hour"), "02 10:00")
    at("2026-03-02 10:30+00")
    assert given() == (2, spent(5, "these 12 hours"), "02 12:00")
    at("2026-03-02 12:30+00")
    assert given() == (3, spent(3, "this hour"), "02 13:00")
    at("2026-03-02 13:30+00")
    assert given() == (0, spent(8, "this day"), "03 00:00")
    at("2026-03-03 00:30+00")  # in twos from the first of 1970 on
    assert given() == (1, spent(9, "these 48 hours"), "04 00:00")
    assert ledger(quotas.spent_today) == {"a": (1, 0.0)}


def test_no_call_leaves_so_late_that_it_counts_in_the_next_period(ledger, at):
    at("2026-03-01 23:59:59+00")
    wait = ledger(quotas.spend, Terms("a", calls=(("day", 5),)), spread=False)
    assert 0 < wait <= 1


def test_the_space_begins_with_the_answer(ledger):
    terms = Terms("a", spacing=0.5)
    assert ledger(quotas.spend, terms, spread=False) == 0
    assert ledger(quotas.spend, terms, spread=False) == 0.5, "it may still be on its way"
    ledger(quotas.answered, terms)
    assert 0 < ledger(quotas.spend, terms, spread=False) <= 0.5


def test_what_a_service_reports(ledger):
    terms = Terms("a", calls=(("day", 100), ("month", 1000)))
    ledger(quotas.told, terms, 10, 20, None)
    assert sum(ledger(quotas.spend, terms, spread=False) == 0 for _ in range(15)) == 10
    refusal = ledger(quotas.spend, terms, spread=False)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "the 20 calls of this month are spent"
    ledger(quotas.told, terms, 500, 5000, None)
    assert ledger(quotas.spend, terms, spread=False) == 0, "a plan with more calls"
    assert ledger(quotas.spent_today) == {"a": (11, 0.0)}


def test_what_a_service_reports_until_a_time(ledger, at):
    terms = Terms("a", calls=(("day", 6),))

    def given():
        return sum(ledger(quotas.spend, terms, spread=False) == 0 for _ in range(20))

    at("2026-03-01 10:00+00")
    ledger(quotas.told, terms, 4, None, 1800)
    ledger(quotas.told, terms, 9, None, 1790)  # an answer that was overtaken
    assert given() == 4
    refusal = ledger(quotas.spend, terms, spread=False)
    assert (refusal.reason, refusal.seconds < 1800) == ("it said that no calls are left", True)
    at("2026-03-01 10:31+00")
    assert given() == 6, "all of them are there again"
    ledger(quotas.told, terms, 7, None, 1800)
    assert given() == 7, "its count stands above ours"


def test_a_quota_that_is_soon_there_again_is_waited_for(newsbot):
    service = listing(190)
    service.told = lambda: {"X-Left": -len(service.asked) % 5, "X-Reset": 1}
    crawled = newsbot.crawl("made_up_apis:Shared", service)
    assert (crawled.exit_code, crawled.new, len(service.asked)) == (0, 190, 20)


class Windowed(Listing):
    """Ten calls in two seconds, as its answers say."""

    begun = time.time()
    window = given = 0

    def count(self):
        window = int((time.time() - self.begun) // 2)
        if window != self.window:
            self.window, self.given = window, 0
        if self.given == 10:
            self.overruns.append(window)
            raise Refused(429, {}, self.told())
        self.given += 1

    def told(self):
        return {"X-Left": 10 - self.given, "X-Reset": round(self.begun + 2 * (self.window + 1) - time.time(), 3)}


def test_two_processes_keep_what_the_answers_say_above_our_own_count(newsbot):
    service = Windowed("shared.example", "number")
    for n in range(170):
        service.put(n)
    for crawler in range(2):
        newsbot.start("made_up_apis:Shared", service, crawler=crawler)
    ended = [newsbot.crawlers[crawler].answer() for crawler in range(2)]
    assert [each.outcomes[0][2] for each in ended] == ["ok", "ok"]
    assert service.overruns == []
    assert newsbot.column("SELECT calls FROM spending WHERE period = 'day'") == [len(service.asked)]
    assert len(service.asked) > 30, "which the declaration has as a day's"


def test_a_longer_wait_is_not_made_shorter(ledger):
    ledger(quotas.block, "a", 100, "long")
    ledger(quotas.block, "a", 10, "short")
    refusal = ledger(quotas.spend, Terms("a"), spread=False)
    assert (refusal.reason, refusal.seconds > 90) == ("long", True)


def test_many_at_once_take_no_more_than_there_is(ledger):
    terms, given = Terms("a", calls=(("day", 25),)), []

    def spend():
        given.extend(ledger(quotas.spend, terms, spread=False) == 0 for _ in range(10))

    threads = [threading.Thread(target=spend) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given.count(True) == 25
