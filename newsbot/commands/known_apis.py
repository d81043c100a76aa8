"""All known APIs: those of the spiders and those declared in YAML."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from scrapy.spiderloader import get_spider_loader

from newsbot.sources.secrets import secret_of

if TYPE_CHECKING:  # every command is imported at every start
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from scrapy.settings import BaseSettings

    from newsbot.sources.api import Api, Key, Limit


STATUS = ("api", "key", "quota", "spent today", "read up to", "last success", "state")


class Known(NamedTuple):
    """An API and how to crawl it."""

    api: "Api"
    run: str  # the name of its runs
    crawl: str  # the arguments of `scrapy crawl`


def known(settings: "BaseSettings") -> list[Known]:
    """All APIs, by name."""
    return sorted([*_of_spiders(settings), *_declared()], key=lambda each: each.api.name)


def _of_spiders(settings: "BaseSettings") -> Iterator[Known]:
    from newsbot.sources.api import Api

    loader = get_spider_loader(settings)
    for name in loader.list():
        api = getattr(loader.load(name), "api", None)
        if isinstance(api, Api):
            yield Known(api, name, name)


def _declared() -> Iterator[Known]:
    from newsbot.sources.declared import read, shipped

    for name in shipped():
        api = read(name)
        yield Known(api, api.name, f"api -a config={name}")


def status(cursor: "Cursor", apis: Sequence[Known]) -> list[tuple[str | None, ...]]:
    """One row of `STATUS` for each API, and for each API that ran by a declaration outside newsbot."""
    from newsbot.storage import cursors, quotas, runs

    by_name = {each.api.name: each for each in apis}
    names = sorted(by_name.keys() | quotas.apis(cursor))
    spent = quotas.spent_today(cursor)
    read = cursors.newest(cursor, names)
    ran = runs.of_apis(cursor, [(name, by_name[name].run if name in by_name else name) for name in names])
    rows = []
    for name in names:
        api = by_name[name].api if name in by_name else None
        calls, cost = spent.get(name, (0, 0.0))
        up_to, number = read.get(name, ("", 0))
        state, succeeded = ran.get(name, ("never ran", ""))
        rows.append(
            (
                name,
                key_state(api) if api else "",
                quota(api) if api else "",
                f"{calls} ({money(api, cost)})" if cost else str(calls),
                f"{up_to} (newest of {number})" if number > 1 else up_to,
                succeeded,
                state,
            )
        )
    return rows


def key_state(api: "Api") -> str:
    """Whether the API needs a key, and whether it is set: the variable's name, never its value."""
    if not api.keys:
        return "not needed"
    return ", ".join(map(_key_state, api.keys))


def _key_state(key: "Key") -> str:
    if secret_of(key.variable):
        return f"{key.variable} is set"
    return f"{key.variable} is not set{'' if key.required else ', nor needed'}"


def quota(api: "Api") -> str:
    """Its rate limits, in words: `500 a day, 1 a second`."""
    if api.quota is None:
        return ""
    words = ", ".join(_limit(limit) for limit in sorted(api.quota.limits, key=lambda limit: -limit.calls))
    return f"{words}, {money(api, api.quota.cost)} a call" if api.quota.cost else words


def money(api: "Api | None", amount: float) -> str:
    """An amount in the currency of the API's quota: `0.25 USD`."""
    currency = api.quota.currency if api and api.quota else None
    return f"{amount:g} {currency}" if currency else f"{amount:g}"


def _limit(limit: "Limit") -> str:
    if limit.per[0].isdecimal():
        units = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
        unit = units[limit.per[-1]]
        return f"{limit.calls:,} in {limit.per[:-1]} {unit}{'' if limit.per[:-1] == '1' else 's'}"
    return f"{limit.calls:,} {'an' if limit.per == 'hour' else 'a'} {limit.per}"
