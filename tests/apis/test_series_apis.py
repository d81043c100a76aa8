"""Frankfurter, Open-Meteo and CoinGecko: all values, new ones, revisions."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from stand_ins import DAY, CoinGecko, Frankfurter, OpenMeteo, Refused, ago

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
    assert thin.outcomes[0][2] == "leaves days out, gives 53 of 364: ask for fewer, -a since= -a until="

    gap = newsbot.crawl("frankfurter", ecb, since="2020-05-02", until="2020-05-03")  # a weekend
    assert gap.exit_code == 1
    assert "HTTP status 404" in gap.outcomes[0][2]


@pytest.mark.parametrize("symbols", ["USD, GBP", " usd ,gbp,", "GBP,USD,GBP"])
def test_frankfurter_symbols_as_they_are_typed(newsbot, symbols):
    ecb = Frankfurter()
    crawled = newsbot.crawl("frankfurter", ecb, symbols=symbols, base="eur")
    assert (crawled.exit_code, crawled.outcomes[0][2]) == (0, "ok")
    assert set(newsbot.column("SELECT name FROM series")) == {"EUR/USD", "EUR/GBP"}
    assert set(ecb.asked[0][1]["symbols"].split(",")) == {"USD", "GBP"}


def test_frankfurter_names_what_it_does_not_know(newsbot):
    ecb = Frankfurter()
    some = newsbot.crawl("frankfurter", ecb, symbols="XXX,USD,YYY")
    assert some.exit_code == 1
    assert some.outcomes[0][1:] == [False, "missing: nothing came of -a symbols=XXX,YYY"]
    assert newsbot.column("SELECT name FROM series") == ["EUR/USD"], "what it knows is stored"
    none = newsbot.crawl("frankfurter", ecb, symbols="XXX")
    assert none.exit_code == 1
    assert "HTTP status 404" in none.outcomes[0][2]
    assert "does it know -a symbols=XXX?" in none.outcomes[0][2]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"symbols": "USD;GBP"}, "-a symbols=USD;GBP: expected a currency of three letters (ISO 4217), such as USD"),
        ({"base": "dollar"}, "-a base=DOLLAR: expected a currency of three letters"),
        ({"symbols": "USD,eur"}, "-a symbols=EUR: expected other currencies than the base"),
        ({"symbols": " , "}, "expected one name or several, separated by commas"),
    ],
)
def test_frankfurter_refuses_an_unknown_currency(newsbot, given, told):
    ecb = Frankfurter()
    assert told in newsbot.crawl("frankfurter", ecb, **given).error
    assert ecb.asked == []


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
    assert "it no longer goes back to 2020-05-01T00:00: read from " in rested.outcomes[0][2]
    assert newsbot.crawl("openmeteo", weather, **place).outcomes[0][2] == "ok", "reported once"
    (since,) = newsbot.column("SELECT (value ->> 'since')::timestamptz FROM cursors")
    assert since > ago(days=93), "what is read is in one piece"

    beyond = newsbot.crawl("openmeteo", weather, since="2020-01-01", **place)
    assert "must be between 0 and 92" in beyond.outcomes[0][2]


def test_openmeteo_places_and_variables_as_they_are_typed(newsbot):
    weather = OpenMeteo()
    given = {"latitude": "52.52, 48.85,52.52", "longitude": "13.41 ,2.35,13.41"}
    given["variables"] = "Temperature_2m, precipitation,precipitation"
    crawled = newsbot.crawl("openmeteo", weather, **given)
    assert crawled.exit_code == 0
    assert [outcome[0] for outcome in crawled.outcomes] == ["52.52,13.41", "48.85,2.35"]
    assert {(asked["latitude"], asked["longitude"], asked["hourly"]) for _, asked in weather.asked} == {
        ("52.52", "13.41", "temperature_2m,precipitation"),
        ("48.85", "2.35", "temperature_2m,precipitation"),
    }
    assert len(newsbot.column("SELECT name FROM series")) == 4

    newsbot.query(AN_HOUR_AGO)
    weather.forget()
    one = {"latitude": " 48.85", "longitude": "2.35 ", "variables": "temperature_2m,precipitation"}
    assert newsbot.crawl("openmeteo", weather, **one).new == 0
    assert [query["past_days"] for _, query in weather.asked] == ["3"], "a place has one cursor, alone or among others"

    unknown = newsbot.crawl("openmeteo", weather, **one | {"variables": "temperature_2m,rainbow"})
    assert (unknown.exit_code, len(weather.asked)) == (1, 2)
    assert "rainbow" in unknown.outcomes[0][2]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"latitude": "52.52,48.85", "longitude": "13.41"}, "expected as many latitudes as longitudes"),
        ({"latitude": "52,52", "longitude": "13,41"}, "expected decimals after a point, such as 52.52 for one place"),
        ({"latitude": "91", "longitude": "13.41"}, "-a latitude=91: expected degrees from -90 to 90"),
        ({"latitude": "52.52", "longitude": "13.41E"}, "-a longitude=13.41E: expected degrees from -180 to 180"),
        ({"latitude": "nan", "longitude": "13.41"}, "-a latitude=nan: expected degrees"),
    ],
)
def test_openmeteo_refuses_an_invalid_place(newsbot, given, told):
    weather = OpenMeteo()
    assert told in newsbot.crawl("openmeteo", weather, **given).error
    assert weather.asked == []


@pytest.mark.parametrize(("spent", "told"), [("Daily", "the 10000 calls of this day"), ("Hourly", "the 5000 calls of")])
def test_openmeteo_limit_that_is_used_up(newsbot, spent, told):
    weather = OpenMeteo()
    weather.spent = spent
    place = {"latitude": "52.52", "longitude": "13.41", "settings": {"RETRY_AFTER_MAX": 0}}
    for _ in range(2):
        crawled = newsbot.crawl("openmeteo", weather, **place)
        assert crawled.exit_code == 0
        assert crawled.outcomes[0][2].startswith(told)
        assert "are spent; more from" in crawled.outcomes[0][2]
    assert len(weather.asked) == 1, "it is not asked again, by the next run neither"


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
    assert coins.overruns == []


def dated(values):
    return {datetime.fromtimestamp(ms / 1000, UTC): value for ms, value in values}


def _prices(newsbot, coin="bitcoin"):
    return {time: value for name, time, value in newsbot.query(_ALL) if name == f"{coin}/usd/price"}


def _kinds(coins):
    """The hourly values of the newest 90 days, and the daily ones before."""
    hourly, daily = dated(coins.values("bitcoin", 90)), dated(coins.values("bitcoin", 365))
    return hourly, {time: value for time, value in daily.items() if time < min(hourly)}


@pytest.mark.parametrize("given", [{"backfill": "365d"}, {"backfill": "52w"}, {"since": f"{ago(days=300):%Y-%m-%d}"}])
def test_coingecko_goes_back_further_than_the_hourly_values(newsbot, given):
    coins = CoinGecko()
    crawled = newsbot.crawl("coingecko", coins, coins="Bitcoin, bitcoin", **given)
    assert (crawled.exit_code, [outcome[2] for outcome in crawled.outcomes]) == (0, ["ok"])
    days = [int(query["days"]) for _, query in coins.asked]
    assert days[0] == 90
    assert 290 < days[1] <= 365
    hourly, daily = _kinds(coins)
    stored = _prices(newsbot)
    assert hourly.items() <= stored.items()
    before = {time: value for time, value in stored.items() if time < min(hourly)}
    first = min(before)
    assert before.keys() >= {time for time in daily if time >= first}
    assert len([time for time in stored if time.hour == time.minute == time.microsecond == 0]) <= len(before) + 1


def test_coingecko_goes_on_where_it_was(newsbot):
    """A past that is asked for later, and a rest that is longer than the hourly values go back."""
    coins = CoinGecko()
    newsbot.crawl("coingecko", coins, coins="bitcoin")
    coins.forget()
    newsbot.crawl("coingecko", coins, coins="bitcoin", backfill="365d")
    assert [query["days"] for _, query in coins.asked] == ["1", "365"]
    hourly, daily = _kinds(coins)
    begin = min(hourly) - timedelta(hours=1)  # the start of the first hourly value
    assert {time for time in _prices(newsbot) if time < begin} == {time for time in daily if time < begin}
    coins.forget()
    newsbot.crawl("coingecko", coins, coins="bitcoin", backfill="365d")
    assert [query["days"] for _, query in coins.asked] == ["1"], "it is read"

    newsbot.query("DELETE FROM observations")
    until = ago(days=200).isoformat()
    newsbot.query("UPDATE cursors SET value = value || jsonb_build_object('until', %s)", until)
    coins.forget()
    rested = newsbot.crawl("coingecko", coins, coins="bitcoin")
    assert (rested.exit_code, [query["days"] for _, query in coins.asked]) == (0, ["201", "90"])
    assert hourly.items() <= _prices(newsbot).items()
    assert min(_prices(newsbot)) < ago(days=199)
    (value,) = newsbot.column("SELECT (value ->> 'until')::timestamptz FROM cursors")
    assert value > ago(days=1)


@pytest.mark.parametrize("given", [{"backfill": "400d"}, {"since": "2020-01-01"}])
def test_coingecko_does_not_go_back_further_than_its_plan(newsbot, given):
    coins = CoinGecko()
    crawled = newsbot.crawl("coingecko", coins, coins="bitcoin", **given)
    assert [query["days"] for _, query in coins.asked] == ["90", "365"]
    assert crawled.exit_code == 0
    assert re.search("it does not go back (400 days|to 2020-01-01): read from", crawled.outcomes[0][2])


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, {"error": "coin not found"}, "says: coin not found"),
        (200, {"status": {"error_code": 10005, "error_message": "Not of your plan"}}, "says: Not of your plan"),
        (401, {"error": {"status": {"error_code": 10012, "error_message": "too far"}}}, "HTTP status 401: {"),
    ],
)
def test_coingecko_says_what_is_wrong(newsbot, status, body, told):
    coins = CoinGecko()
    coins.reply = body
    if status != 200:
        coins.data = lambda *_: (_ for _ in ()).throw(Refused(status, body))
    crawled = newsbot.crawl("coingecko", coins, coins="bitcoin", settings={"RETRY_TIMES": 0})
    assert crawled.exit_code == 1
    assert told in crawled.outcomes[0][2]
    assert "key" not in crawled.outcomes[0][2]


def test_coingecko_with_a_key_and_without_one(newsbot):
    coins = CoinGecko()

    def sent():
        return [{name.lower(): value for name, value in each.items()} for each in coins.headers]

    none = newsbot.crawl("coingecko", coins, coins="bitcoin", environment={"COINGECKO_API_KEY": ""})
    assert none.exit_code == 0
    assert "x-cg-demo-api-key" not in sent()[0]

    coins.forget()
    keyed = newsbot.crawl("coingecko", coins, coins="bitcoin", environment={"COINGECKO_API_KEY": coins.key})
    assert (keyed.exit_code, sent()[0]["x-cg-demo-api-key"]) == (0, coins.key)
    names = newsbot.column("SELECT name FROM quotas ORDER BY 1")
    assert names[0] == "coingecko"
    assert coins.key not in str(names), "a key has a budget of its own, whose name does not tell it"

    wrong = newsbot.crawl("coingecko", coins, environment={"COINGECKO_API_KEY": "CG-wrong-secret"})
    assert wrong.exit_code == 1
    assert "the key in COINGECKO_API_KEY is refused (HTTP status 401" in wrong.outcomes[0][2]
    assert "CG-wrong-secret" not in str(wrong.outcomes)
    newsbot.crawl("coingecko", coins, coins="bitcoin", environment={"COINGECKO_API_KEY": ""})
