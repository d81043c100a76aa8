"""Open-Meteo: hourly weather of any place."""

from functools import partial
from typing import Any

from newsbot.sources.api import Api, Argument, Cursor, Limit, ObservationFields, Quota
from newsbot.spiders.base.api import DAY, ApiSpider, Stream, UnreadableError, expect
from newsbot.spiders.base.arguments import ArgumentError


class OpenmeteoSpider(ApiSpider):
    """Hourly values of a place: up to 92 days back, and the forecast of the coming days.

    A new forecast revises the values, and the former ones are kept. Series have names such as
    `52.52,13.41/temperature_2m`; units are those of the service. The run reads several places one by one, as
    `-a latitude=52.52,48.85 -a longitude=13.41,2.35`.
    """

    name = "openmeteo"
    api = Api(
        name="openmeteo",
        title="Open-Meteo",
        homepage="https://open-meteo.com",
        url="https://api.open-meteo.com/v1/forecast",
        arguments={
            "latitude": Argument(required=True, help="of the place, in degrees; of several, separated by commas"),
            "longitude": Argument(required=True, help="of the place, in degrees; as many as latitudes"),
            "variables": Argument(
                default="temperature_2m",
                join=",",
                case="lower",
                found="variable",
                help="as `temperature_2m,precipitation`",
            ),
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
        quota=Quota(
            limits=(Limit(calls=600, per="minute"), Limit(calls=5_000, per="hour"), Limit(calls=10_000, per="day")),
            spent="contains(reason, 'Daily') && 'day' || contains(reason, 'Hourly') && 'hour'",
        ),
        observation=ObservationFields(series="name", time="time", value="value", unit="unit", frequency="'hourly'"),
    )

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """`latitude` and `longitude`, which take several values."""
        return {"latitude": partial(_degrees, 90), "longitude": partial(_degrees, 180)}

    def check_arguments(self) -> None:
        """Check also that each latitude has its longitude."""
        super().check_arguments()
        latitudes, longitudes = self.given["latitude"], self.given["longitude"]
        given = f"-a latitude={','.join(latitudes)} -a longitude={','.join(longitudes)}"
        if len(latitudes) != len(longitudes):
            raise ArgumentError(f"{self.name}: {given}: expected as many latitudes as longitudes")
        if len(latitudes) == 2 and not any("." in each for each in (*latitudes, *longitudes)):
            right = "52.52 for one place, or 52.0,48.0 for two"
            raise ArgumentError(f"{self.name}: {given}: expected decimals after a point, such as {right}")

    def _asked(self) -> list[Stream]:
        """A stream for each place."""
        (whole,) = super()._asked()
        streams = []
        for latitude, longitude in dict.fromkeys(zip(self.given["latitude"], self.given["longitude"], strict=True)):
            values = {**whole.values, "latitude": latitude, "longitude": longitude}
            stream = self._stream(values, self.api.name)
            if len(self.given["latitude"]) > 1:
                stream.source = f"{latitude},{longitude}"
            streams.append(stream)
        return streams

    def rows(self, data: Any, stream: Stream) -> list[Any]:
        """A row for each hour and variable."""
        hours, units = expect(data, "hourly", dict), expect(data, "hourly_units", dict)
        times = expect(hours, "time", list)
        place = f"{stream.values['latitude']},{stream.values['longitude']}"
        rows = []
        for variable in hours.keys() - {"time"}:
            values = expect(hours, variable, list)
            if len(values) != len(times):
                raise UnreadableError(f"{variable!r}: expected {len(times)} values, one an hour, got {len(values)}")
            common = {"name": f"{place}/{variable}", "unit": units.get(variable), "variable": variable}
            rows += [{"time": time, "value": value, **common} for time, value in zip(times, values, strict=True)]
        return rows


def _degrees(most: int, text: str) -> list[str]:
    """Degrees between commas, as text: the names of the series hold them unchanged."""
    found = [each.strip() for each in text.split(",")]
    for each in found:
        try:
            right = -most <= float(each) <= most
        except ValueError:
            right = False
        if not right:
            raise ValueError(f"expected degrees from -{most} to {most} with a decimal point, such as 13.41")
    return found
