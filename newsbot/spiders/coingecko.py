"""CoinGecko: prices of crypto currencies."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from newsbot.extraction.conversions import ValueTypeError, moment
from newsbot.readers.api.chains import Chain
from newsbot.sources.api import Api, Argument, Cursor, Key, Limit, ObservationFields, Quota
from newsbot.spiders.base.api import DAY, ApiSpider, Stream, UnreadableError, expect

HOURLY = timedelta(days=90)  # the reach of an answer with hourly values
REACH = timedelta(days=365)  # the reach of any answer without a paid plan
SPARE = timedelta(hours=1)  # requests ask for whole days before the time of the request, and the second one is later

_KINDS = {"prices": "price", "market_caps": "market_cap", "total_volumes": "volume"}


class CoingeckoSpider(ApiSpider):
    """Price, market capitalisation and traded volume of coins. Series are named as `bitcoin/usd/price`.

    The service gives a value every five minutes for the last day, an hourly value for 90 days, and a daily value for up
    to a year: a run that goes back further than 90 days asks for both. It needs no key; with one of the free plan
    (`demo`) the calls of others at the same address do not count.
    """

    name = "coingecko"
    api = Api(
        name="coingecko",
        title="CoinGecko",
        homepage="https://www.coingecko.com",
        url="https://api.coingecko.com/api/v3/coins/{coins}/market_chart",
        arguments={
            "coins": Argument(
                default="bitcoin,ethereum", each=True, case="lower", help="ids, as in the address of a coin's page"
            ),
            "currency": Argument(default="usd", case="lower", help="the currency of the prices"),
        },
        params={"vs_currency": "{currency}", "days": "{since:days}"},
        key=Key(
            variable="COINGECKO_API_KEY",
            header="x-cg-demo-api-key",
            signup="https://www.coingecko.com/en/api/pricing",
            required=False,
        ),
        error="error.status.error_message || error || status.error_message",
        cursor=Cursor(by="time", path="time", first=90 * DAY - 1, reach=365 * DAY - 1),
        quota=Quota(limits=(Limit(calls=10, per="minute"), Limit(calls=10_000, per="month"))),
        observation=ObservationFields(series="name", time="time", value="value", unit="unit"),
    )

    def planned(self, stream: Stream, now: datetime) -> list[Chain]:
        """A separate chain for daily values, as an answer holds either hourly or daily ones."""
        found: list[Chain] = []
        for chain in super().planned(stream, now):
            since = max(chain.since, now - REACH + SPARE)
            if chain.since < now - REACH:
                remark = f"it does not go back to {chain.since:%Y-%m-%d}: read from {since:%Y-%m-%dT%H:%M} on"
                stream.remarks[remark] = None
            if since >= chain.until:
                continue
            hourly = now - HOURLY + SPARE
            if chain.since < now - HOURLY and hourly < chain.until:
                found += _by_kind(replace(chain, since=since), hourly, is_first=not stream.cursor)
            else:
                found.append(replace(chain, since=since))
        return found

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """A row for each time and kind of value."""
        coin, currency, end = stream.values["coins"], stream.values["currency"], stream.chain.until
        is_cut = end < stream.fetched_at - timedelta(hours=1)  # the answer goes on to now
        rows = []
        for name, kind in _KINDS.items():
            for pair in expect(data, name, list):
                if not isinstance(pair, list) or len(pair) != 2:
                    raise UnreadableError(f"expected pairs of time and value in {name!r}, got {pair!r:.80}")
                if is_cut and _is_behind(pair[0], end):
                    continue
                rows.append({"name": f"{coin}/{currency}/{kind}", "unit": currency, "time": pair[0], "value": pair[1]})
        return rows


def _by_kind(chain: Chain, hourly: datetime, *, is_first: bool) -> Iterator[Chain]:
    """A chain that spans daily and hourly values as two chains, in the order that moves the cursor."""
    if chain.is_past or is_first or not chain.moves:  # backwards from now
        yield replace(chain, since=hourly)
        yield replace(chain, until=hourly, is_past=True)
    else:
        yield replace(chain, until=hourly)
        yield replace(chain, since=hourly)


def _is_behind(value: Any, end: datetime) -> bool:
    try:
        time = moment(value)
    except ValueTypeError:  # the mapping refuses it
        return False
    return time is not None and time >= end
