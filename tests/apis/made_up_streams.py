"""Spiders of made-up APIs whose pages go from new to old, count from 1, refuse slices, or give all each time."""

from newsbot.sources.api import (
    Api,
    Argument,
    Cursor,
    Limit,
    LinkedPages,
    OffsetPages,
    Quota,
    RecordFields,
    Slices,
    TokenPages,
)
from newsbot.spiders.base.api import DAY, HOUR, ApiSpider


def api(name, **declared):
    fields = {"record": RecordFields(dataset=name, key="id"), "url": f"https://{name}.example/rows"} | declared
    return Api(name=name, title=name.title(), records="rows", **fields)


class Timeline(ApiSpider):
    """Links to the next page drop the filter for new records."""

    name = "timeline"
    api = api(name, params={"since_id": "{cursor}"}, pages=LinkedPages(), cursor=Cursor(by="id", path="id"))


class Quakes(ApiSpider):
    """Counts records from 1, and answers both bad requests and too many records with one status."""

    name = "quakes"
    api = api(
        name,
        params={"from": "{since:epoch}", "to": "{until:epoch}"},
        pages=OffsetPages(size=10, first=1),
        slices=Slices(longest=30 * DAY, statuses=(400,), too_many="contains(@, 'exceeds')"),
        cursor=Cursor(by="time", path="at", first=7 * DAY),
    )


class Untaught(ApiSpider):
    """The same, declared without that knowledge."""

    name = "untaught"
    api = api(
        name,
        url=Quakes.api.url,
        params=Quakes.api.params,
        pages=OffsetPages(size=10),
        slices=Slices(longest=30 * DAY, statuses=(400,)),
        cursor=Cursor(by="time", path="at", first=7 * DAY),
    )


class Hourly(ApiSpider):
    """The same, read in slices of an hour at least."""

    name = "hourly"
    api = api(
        name,
        url=Quakes.api.url,
        params=Quakes.api.params,
        pages=OffsetPages(size=100, first=1),
        slices=Slices(longest=8 * DAY, shortest=HOUR),
        cursor=Cursor(by="time", path="at", first=7 * DAY),
    )


class Windowed(ApiSpider):
    """Several streams by time, of an API that goes back ten days."""

    name = "windowed"
    api = api(
        name,
        arguments={"of": Argument(each=True, default="a")},
        params={"of": "{of}", "from": "{since:epoch}", "to": "{until:epoch}"},
        cursor=Cursor(by="time", path="at", overlap=3_600, first=2 * DAY, reach=10 * DAY),
        quota=Quota(limits=(Limit(calls=1_000, per="day"),), remaining="X-Left", reset="X-Reset"),
    )


class Farthest(ApiSpider):
    """A first run goes back as far as the API does."""

    name = "farthest"
    api = api(name, params={"from": "{since:epoch}"}, cursor=Cursor(by="time", path="at", first=9 * DAY, reach=9 * DAY))


class Tokens(ApiSpider):
    name = "tokens"
    api = api(name, pages=TokenPages(param="after", token="next"))


class Whole(ApiSpider):
    """All of a table, each time."""

    name = "whole"
    api = api(name, at_least=2)


class Hidden(ApiSpider):
    """Secrets in its headers."""

    name = "hidden"
    api = api(
        name, headers={"X-App": "newsbot", "X-Token": "env:HIDDEN_TOKEN", "Authorization": "Bearer env:HIDDEN_KEY"}
    )
