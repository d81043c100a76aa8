"""Frankfurter: the exchange rates of the European Central Bank."""

from datetime import date
from typing import Any

from newsbot.sources.api import Api, Argument, Cursor, ObservationFields
from newsbot.spiders.base.api import DAY, ApiSpider, Stream, UnreadableError, expect


class FrankfurterSpider(ApiSpider):
    """Reference rates of each working day since 1999: what one unit of `base` is worth in each currency.

    Series are named as `EUR/USD`; the unit is the second currency.
    """

    name = "frankfurter"
    api = Api(
        name="frankfurter",
        title="Frankfurter (European Central Bank)",
        homepage="https://frankfurter.dev",
        url="https://api.frankfurter.dev/v1/{since:%Y-%m-%d}..{until:%Y-%m-%d}",
        arguments={
            "base": Argument(default="EUR", help="the currency that is priced"),
            "symbols": Argument(help="the currencies that it is priced in, as `USD,GBP`; all without it"),
        },
        params={"base": "{base}", "symbols": "{symbols}"},
        cursor=Cursor(by="time", path="time", overlap=7 * DAY, first=90 * DAY),
        observation=ObservationFields(
            series="name", time="time", value="value", unit="unit", frequency="'daily'", metadata={"base": "base"}
        ),
    )

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """A row for each day and currency; some of its versions give but one day a week of a long time."""
        base, rates = expect(data, "base", str), expect(data, "rates", dict)
        days = sorted(rates)
        asked = (date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days if days else 0
        if asked > 30 and len(days) < asked / 2:
            raise UnreadableError(f"leaves days out, with {len(days)} of {asked}: -a since= -a until= ask for fewer")
        return [
            {"time": day, "name": f"{base}/{symbol}", "unit": symbol, "base": base, "value": value}
            for day in days
            for symbol, value in expect(rates, f'"{day}"', dict).items()
        ]
