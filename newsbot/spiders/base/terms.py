"""The terms of a declared quota, for the ledger in the database."""

import hashlib

from newsbot.limits import COUNTED, Terms
from newsbot.sources.api import Api

MARGIN = 1.05  # factor on the space between two calls, as the service has another clock
SHORTEST_COUNTED = 3_600  # seconds; the calls of a shorter period are spaced evenly

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "month": 2_629_800}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NAMED = {_SECONDS[period]: period for period in COUNTED}


def terms(api: Api, secret: str | None) -> Terms:
    """The terms of an API. Each key has its own budget, whose name does not reveal the key."""
    name = f"{api.name}/{hashlib.sha256(secret.encode()).hexdigest()[:8]}" if secret else api.name
    if api.quota is None:
        return Terms(name)
    windows = sorted((seconds_of(limit.per), limit.calls) for limit in api.quota.limits)
    spaces = [MARGIN * seconds / calls for seconds, calls in windows if seconds < SHORTEST_COUNTED]
    return Terms(
        name,
        calls=tuple((_period(seconds), calls) for seconds, calls in windows if seconds >= SHORTEST_COUNTED),
        spacing=max(spaces, default=0.0),
        cost=api.quota.cost,
        currency=api.quota.currency,
    )


def seconds_of(per: str) -> float:
    """The length of a declared period; the mean for a month."""
    return _SECONDS.get(per) or float(per[:-1]) * _UNITS[per[-1]]


def _period(seconds: float) -> str:
    """The ledger's name of a period, however it is declared."""
    whole = f"{seconds / 3_600:.12g} hours" if seconds % 3_600 == 0 else f"{seconds:.12g} seconds"
    return _NAMED.get(seconds, whole)
