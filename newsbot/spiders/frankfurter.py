"""Frankfurter: the exchange rates of the European Central Bank."""

import re
from datetime import date
from typing import Any

from newsbot.sources.api import Api, Argument, Cursor, ObservationFields
from newsbot.spiders.base.api import DAY, ApiSpider, Stream, UnreadableError, expect
from newsbot.spiders.base.arguments import ArgumentError


class FrankfurterSpider(ApiSpider):
    """Reference rates of each working day since 1999: what one unit of `base` is worth in each currency.

    Series are named as `EUR/USD`; the unit is the second currency. The service leaves out a currency that it does not
    know: it is named as missing, and the run is no success.
    """

    name = "frankfurter"
    api = Api(
        name="frankfurter",
        title="Frankfurter (European Central Bank)",
        homepage="https://frankfurter.dev",
        url="https://api.frankfurter.dev/v1/{since:%Y-%m-%d}..{until:%Y-%m-%d}",
        arguments={
            "base": Argument(default="EUR", case="upper", help="the currency that is priced"),
            "symbols": Argument(
                join=",",
                case="upper",
                found="unit",
                help="the currencies that it is priced in, as `USD,GBP`; all without it",
            ),
        },
        params={"base": "{base}", "symbols": "{symbols}"},
        cursor=Cursor(by="time", path="time", overlap=7 * DAY, first=90 * DAY),
        observation=ObservationFields(
            series="name", time="time", value="value", unit="unit", frequency="'daily'", metadata={"base": "base"}
        ),
    )

    def check_arguments(self) -> None:
        """Also whether these are codes of currencies, and the base is not priced in itself."""
        super().check_arguments()
        base, symbols = self.given["base"], (self.given["symbols"] or "").split(",")
        faults = [
            f"-a {name}={code}: expected a currency of three letters (ISO 4217), such as USD"
            for name, codes in (("base", [base]), ("symbols", symbols))
            for code in codes
            if code and not re.fullmatch("[A-Z]{3}", code)
        ]
        if base in symbols:
            faults.append(f"-a symbols={base}: expected other currencies than the base")
        if faults:
            raise ArgumentError(f"{self.name}: " + "\n".join(faults))

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
