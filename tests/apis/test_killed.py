"""kill -9 at random moments of each spider, until it is done: nothing lost, nothing twice."""

import os
import random
import subprocess
import time
from datetime import UTC, datetime

import pytest
from processes import ROOT, environment
from stand_ins import CoinGecko, Exoplanets, Frankfurter, Guardian, HackerNews, NewsApi, OpenMeteo, ago

KILLS = int(os.environ.get("KILLS", "50"))

ARTICLES = ("SELECT external_id FROM sightings", "SELECT canonical_url FROM articles")
SERIES = ("SELECT name || ' ' || extract(epoch FROM time)::bigint FROM observations JOIN series ON id = series_id",)


def guardian():
    service = Guardian()
    service.per_day = 10**6
    for n in range(600):
        service.put(n, ago(hours=3.5 * n))
    return service, {"backfill": "90d"}, ARTICLES, lambda: set(service.articles)


def newsapi():
    service = NewsApi()
    service.per_day = 10**6
    for n in range(600):
        service.put(n, ago(days=1, minutes=14 * n + 1))
    return service, {"query": "harbour"}, ARTICLES, lambda: set(service.articles)


def hackernews():
    service = HackerNews()
    for n in range(1, 1501):
        service.put(n, ago(minutes=n))
    return service, {"backfill": "3d"}, ARTICLES, lambda: {str(id_) for id_ in service.stories}


def times(values):
    return {f"{name} {int(time.timestamp())}" for name, time in values}


def frankfurter():
    service, today = Frankfurter(), ago().date()
    days = service.days_of(today.replace(year=today.year - 4), today)

    def expected():
        midnights = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
        return times((f"EUR/{symbol}", midnight) for midnight in midnights for symbol in service.symbols)

    return service, {"backfill": f"{(today - days[0]).days}d"}, SERIES, expected


def openmeteo():
    service = OpenMeteo()
    arguments = {"latitude": "1", "longitude": "2", "variables": "temperature_2m,precipitation"}
    return (
        service,
        arguments,
        SERIES,
        lambda: times((f"1,2/{variable}", hour) for hour in service.hours(92) for variable in service.units),
    )


def coingecko():
    service = CoinGecko()
    service.limits = ()
    end = ago()
    service.now = lambda: end
    names = [f"{coin}/usd/{kind}" for coin in service.coins for kind in ("price", "market_cap", "volume")]
    expected = {f"{name} {ms // 1000}" for name in names for ms, _ in service.values("bitcoin", 90)}
    return service, {}, SERIES, lambda: expected


def exoplanets():
    service = Exoplanets()
    for n in range(3000):
        service.put(f"Made-up {n} b", pl_orbper=n)
    return service, {}, ("SELECT key FROM records",), lambda: set(service.planets)


@pytest.mark.trial
@pytest.mark.parametrize("make", [guardian, newsapi, hackernews, frankfurter, openmeteo, coingecko, exoplanets])
def test_nothing_is_lost_or_doubled(newsbot, make, capsys):
    service, arguments, statements, expected = make()
    spider, moments = make.__name__, random.Random(KILLS)
    command = newsbot.command(spider, service, **arguments)
    log = newsbot.crawlers[0].log.with_name(f"{spider}-killed.log")

    def start():
        newsbot.query("TRUNCATE quotas, spending")  # so many runs are more than a day's calls
        service.times.clear()
        return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=log.open("a"))

    def finish(process):
        assert process.wait(300) == 0, log.read_text()[-3000:]

    def over():
        """A run from its first request on."""
        service.forget()
        process, began = start(), time.monotonic()
        while not service.asked and process.poll() is None and time.monotonic() - began < 60:
            time.sleep(0.005)
        return process, time.monotonic()

    process, began = over()
    finish(process)
    duration = time.monotonic() - began
    tables = "articles, article_urls, sightings, observations, series, records, cursors, rejects, article_revisions"
    newsbot.query(f"TRUNCATE {tables}")
    killed = done = 0
    while killed < KILLS:
        process, began = over()
        try:
            process.wait(moments.uniform(0, duration))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        else:  # it came to its end: once more from nothing
            finish(process)
            check(newsbot, statements, expected())
            done += 1
            newsbot.query(f"TRUNCATE {tables}")
    process, _ = over()
    finish(process)
    figures = check(newsbot, statements, expected())
    with capsys.disabled():
        print(f"\n{spider}: {killed} kills, {done + 1} ends, {figures}; a run takes {duration:.1f} s")


def check(newsbot, statements, expected):
    """All rows are there, once."""
    figures = []
    for statement in statements:
        found = newsbot.column(statement)
        lost = len(expected) - len(set(found)) if "canonical_url" in statement else len(expected - set(found))
        figures.append((len(found), lost, len(found) - len(set(found))))
        assert (lost, len(found) - len(set(found))) == (0, 0), figures
    assert newsbot.column("SELECT count(*) FROM rejects") == [0]
    return figures
