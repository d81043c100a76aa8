"""Open-Meteo: hourly weather of any place."""

from typing import Any

from newsbot.sources.api import Api, Argument, Cursor, Limit, ObservationFields, Quota
from newsbot.spiders.base.api import DAY, ApiSpider, Stream, UnreadableError, expect


class OpenmeteoSpider(ApiSpider):
    """Hourly values of a place: of up to 92 days back, and the forecast of the days to come.

    A value that is still to come is revised as the forecast is, and the former ones are kept. Series are named as
    `52.52,13.41/temperature_2m`; units are as the service gives them.
    """

    name = "openmeteo"
    api = Api(
        name="openmeteo",
        title="Open-Meteo",
        homepage="https://open-meteo.com",
        url="https://api.open-meteo.com/v1/forecast",
        arguments={
            "latitude": Argument(required=True, help="of the place, in degrees"),
            "longitude": Argument(required=True, help="of the place, in degrees"),
            "variables": Argument(default="temperature_2m", help="as `temperature_2m,precipitation`"),
        },
        params={
            "latitude": "{latitude}",
            "longitude": "{longitude}",
            "hourly": "{variables}",
            "past_days": "{since:days}",
            "timezone": "UTC",
        },
        error="error && reason",
        cursor=Cursor(by="time", path="time", overlap=2 * DAY, first=92 * DAY - 1, reach=92 * DAY - 1),
        quota=Quota(limits=(Limit(calls=600, per="minute"), Limit(calls=10_000, per="day"))),
        observation=ObservationFields(series="name", time="time", value="value", unit="unit", frequency="'hourly'"),
    )

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """A row for each hour and variable."""
        hours, units = expect(data, "hourly", dict), expect(data, "hourly_units", dict)
        times = expect(hours, "time", list)
        place = f"{stream.values['latitude']},{stream.values['longitude']}"
        rows = []
        for variable in hours.keys() - {"time"}:
            values = expect(hours, variable, list)
            if len(values) != len(times):
                raise UnreadableError(f"{variable!r} has {len(values)} values for {len(times)} hours")
            common = {"name": f"{place}/{variable}", "unit": units.get(variable)}
            rows += [{"time": time, "value": value, **common} for time, value in zip(times, values, strict=True)]
        return rows
