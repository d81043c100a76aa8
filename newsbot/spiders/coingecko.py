"""CoinGecko: prices of crypto currencies."""

from typing import Any

from newsbot.sources.api import Api, Argument, Cursor, Limit, ObservationFields, Quota
from newsbot.spiders.base.api import DAY, ApiSpider, Stream, UnreadableError, expect

_KINDS = {"prices": "price", "market_caps": "market_cap", "total_volumes": "volume"}


class CoingeckoSpider(ApiSpider):
    """Price, market capitalisation and traded volume of coins. Series are named as `bitcoin/usd/price`.

    The service gives a value an hour for 90 days, every five minutes for the last one.
    """

    name = "coingecko"
    api = Api(
        name="coingecko",
        title="CoinGecko",
        homepage="https://www.coingecko.com",
        url="https://api.coingecko.com/api/v3/coins/{coins}/market_chart",
        arguments={
            "coins": Argument(default="bitcoin,ethereum", each=True, help="ids as in the address of a coin's page"),
            "currency": Argument(default="usd", help="that they are priced in"),
        },
        params={"vs_currency": "{currency}", "days": "{since:days}"},
        cursor=Cursor(by="time", path="time", first=90 * DAY - 1),
        quota=Quota(limits=(Limit(calls=10, per="minute"), Limit(calls=10_000, per="month"))),
        observation=ObservationFields(series="name", time="time", value="value", unit="unit"),
    )

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """A row for each time and kind of value."""
        coin, currency = stream.values["coins"], stream.values["currency"]
        rows = []
        for name, kind in _KINDS.items():
            for pair in expect(data, name, list):
                if not isinstance(pair, list) or len(pair) != 2:
                    raise UnreadableError(f"{name!r} should hold pairs of time and value, and holds {pair!r:.80}")
                rows.append({"name": f"{coin}/{currency}/{kind}", "unit": currency, "time": pair[0], "value": pair[1]})
        return rows
