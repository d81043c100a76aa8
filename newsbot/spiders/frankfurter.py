"""Frankfurter: the exchange rates of the European Central Bank."""

import re
from datetime import date
from typing import Any

from newsbot.sources.api import Api, Argument, Cursor, ObservationFields
from newsbot.spiders.base.api import DAY, ApiSpider, Stream, UnreadableError, expect
from newsbot.spiders.base.arguments import ArgumentError


class FrankfurterSpider(ApiSpider):
    """Reference rates of each working day since 1999: the value of one unit of `base` in each currency.

    Series have names such as `EUR/USD`; the unit is the second currency. The service leaves out unknown currencies: the
    run names them as missing, and does not succeed.
    """

    name = "frankfurter"
    api = Api(
        name="frankfurter",
        title="Frankfurter (European Central Bank)",
        homepage="https://frankfurter.dev",
        url="https://api.frankfurter.dev/v1/{since:%Y-%m-%d}..{until:%Y-%m-%d}",
        arguments={
            "base": Argument(default="EUR", case="upper", help="the currency to price"),
            "symbols": Argument(
                join=",",
                case="upper",
                found="unit",
                help="the currencies of the prices, as `USD,GBP`; all without it",
            ),
        },
        params={"base": "{base}", "symbols": "{symbols}"},
        cursor=Cursor(by="time", path="time", overlap=7 * DAY, first=90 * DAY),
        observation=ObservationFields(
            series="name", time="time", value="value", unit="unit", frequency="'daily'", metadata={"base": "base"}
        ),
    )

    def check_arguments(self) -> None:
        """Check also that these are codes of currencies, and that `symbols` lacks the base."""
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
        """A row for each day and currency. Some versions of the service give one day a week for a long time."""
        base, rates = expect(data, "base", str), expect(data, "rates", dict)
        days = sorted(rates)
        asked = (date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days if days else 0
        if asked > 30 and len(days) < asked / 2:
            raise UnreadableError(f"leaves days out, gives {len(days)} of {asked}: ask for fewer, -a since= -a until=")
        return [
            {"time": day, "name": f"{base}/{symbol}", "unit": symbol, "base": base, "value": value}
            for day in days
            for symbol, value in expect(rates, f'"{day}"', dict).items()
        ]
