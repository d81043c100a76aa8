"""Frankfurter, Open-Meteo and CoinGecko: all values, what is new, revisions."""

from datetime import UTC, datetime

from stand_ins import DAY, CoinGecko, Frankfurter, OpenMeteo, ago

_ALL = "SELECT name, time, value FROM observations JOIN series ON series.id = series_id"
_REVISIONS = "SELECT name, time, old, new FROM observation_revisions JOIN series ON series.id = series_id"

AN_HOUR_AGO = """
UPDATE cursors SET value = value || jsonb_build_object('until', (value ->> 'until')::timestamptz - interval '1 hour')
"""


def midnight(day):
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_frankfurter(newsbot):
    ecb = Frankfurter()
    today = ecb.now().date()

    def expected(first):
        days = ecb.days_of(first, today)
        return {(f"EUR/{symbol}", midnight(day), ecb.rate(day, symbol)) for day in days for symbol in ecb.symbols}

    assert newsbot.crawl("frankfurter", ecb).exit_code == 0
    assert set(newsbot.query(_ALL)) == expected(today - 90 * DAY)
    assert len(ecb.asked) == 1
    assert newsbot.query("SELECT DISTINCT source, unit, frequency FROM series ORDER BY 2") == [
        ("frankfurter", symbol, "daily") for symbol in sorted(ecb.symbols)
    ]

    revised = ecb.days_of(today - 3 * DAY, today)[0]
    before = ecb.rate(revised, "USD")
    ecb.revised[revised, "USD"] = 9.5
    ecb.forget()
    again = newsbot.crawl("frankfurter", ecb)
    assert (again.new, again.changed) == (0, 1)
    ((path, _),) = ecb.asked
    assert path == f"/v1/{today - 7 * DAY}..{today}"
    assert newsbot.query(_REVISIONS) == [("EUR/USD", midnight(revised), before, 9.5)]

    newsbot.crawl("frankfurter", ecb, backfill="200d")
    assert set(newsbot.query(_ALL)) == expected(today - 200 * DAY)
    ecb.forget()
    newsbot.crawl("frankfurter", ecb, backfill="200d")
    assert len(ecb.asked) == 1, "what was read of the past is not read again"

    ecb.sampled = True
    thin = newsbot.crawl("frankfurter", ecb, since="2020-01-01", until="2020-12-31", settings={"RETRY_TIMES": 0})
    assert thin.exit_code == 1
    assert thin.outcomes[0][2] == "leaves days out, with 53 of 364: -a since= -a until= ask for fewer"

    gap = newsbot.crawl("frankfurter", ecb, since="2020-05-02", until="2020-05-03")  # a weekend
    assert gap.exit_code == 1
    assert "HTTP status 404" in gap.outcomes[0][2]


def test_openmeteo(newsbot):
    weather = OpenMeteo()
    place = {"latitude": "52.52", "longitude": "13.41", "variables": "temperature_2m,precipitation"}

    def expected():
        return {
            (f"52.52,13.41/{variable}", hour, weather.value(hour, variable))
            for hour in weather.hours(92)
            for variable in weather.units
        }

    assert newsbot.crawl("openmeteo", weather, **place).exit_code == 0
    assert set(newsbot.query(_ALL)) == expected()
    assert newsbot.query("SELECT name, unit FROM series ORDER BY name") == [
        ("52.52,13.41/precipitation", "mm"),
        ("52.52,13.41/temperature_2m", "°C"),
    ]

    to_come = weather.hours(0)[30]
    before = weather.value(to_come, "precipitation")
    weather.revised[to_come, "precipitation"] = 77.7
    weather.revised[weather.hours(1)[3], "temperature_2m"] = float("nan")
    weather.forget()
    newsbot.query(AN_HOUR_AGO)  # both runs may be in one second
    again = newsbot.crawl("openmeteo", weather, backfill="90d", **place)
    assert [query["past_days"] for _, query in weather.asked] == ["3"], "90 days were read by the first run"
    assert (again.new, again.changed) == (0, 2)
    assert ("52.52,13.41/precipitation", to_come, before, 77.7) in newsbot.query(_REVISIONS)
    assert newsbot.column("SELECT count(*) FROM observations WHERE value = 'NaN'") == [1]
    assert newsbot.crawl("openmeteo", weather, **place).changed == 0, "NaN is as it was"

    newsbot.query("""UPDATE cursors SET value = '{"since": "2020-01-01T00:00Z", "until": "2020-05-01T00:00Z"}'""")
    weather.forget()
    rested = newsbot.crawl("openmeteo", weather, **place)
    assert (rested.exit_code, [query["past_days"] for _, query in weather.asked]) == (0, ["92"])
    assert "it does not go back to 2020-05-01T00:00 any more: read from " in rested.outcomes[0][2]
    assert newsbot.crawl("openmeteo", weather, **place).outcomes[0][2] == "ok", "it is told once"
    (since,) = newsbot.column("SELECT (value ->> 'since')::timestamptz FROM cursors")
    assert since > ago(days=93), "what is read is in one piece"

    beyond = newsbot.crawl("openmeteo", weather, since="2020-01-01", **place)
    assert "must be between 0 and 92" in beyond.outcomes[0][2]


def test_coingecko(newsbot):
    coins = CoinGecko()
    first = newsbot.crawl("coingecko", coins, coins="bitcoin")
    assert first.exit_code == 0
    assert [query["days"] for _, query in coins.asked] == ["90"]
    values = {datetime.fromtimestamp(ms / 1000, UTC): value for ms, value in coins.values("bitcoin", 90)}
    stored = newsbot.query(_ALL)
    assert {(time, value) for name, time, value in stored if name.endswith("/price")} == set(values.items())
    assert {(time, value) for name, time, value in stored if name.endswith("/volume")} == set(values.items())
    assert {value for name, _, value in stored if name.endswith("/market_cap")} == {None}
    assert newsbot.column("SELECT DISTINCT unit FROM series") == ["usd"]

    coins.forget()
    ms, _ = coins.values("bitcoin", 1)[0]
    coins.revised["bitcoin", ms] = 5.0
    newsbot.crawl("coingecko", coins, coins="bitcoin")
    assert [query["days"] for _, query in coins.asked] == ["1"]
    five = {datetime.fromtimestamp(ms / 1000, UTC): value for ms, value in coins.values("bitcoin", 1)}
    prices = {time: value for name, time, value in newsbot.query(_ALL) if name.endswith("/price")}
    assert prices == values | five

    unknown = newsbot.crawl("coingecko", coins, coins="dogecoin")
    assert unknown.exit_code == 1
    assert "coin not found" in unknown.outcomes[0][2]
    newsbot.crawl("coingecko", coins, coins="bitcoin", backfill="400d")
    assert coins.overruns == []
