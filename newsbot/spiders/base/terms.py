"""What a declared quota means to the ledger in the database."""

import hashlib

from newsbot.sources.api import Api, Limit
from newsbot.storage.quotas import COUNTED, Terms

MARGIN = 1.05  # of the space between two calls: the clock of the service is another one

_SECONDS = {"second": 1.0, "minute": 60.0}


def terms(api: Api, secret: str | None) -> Terms:
    """The terms of an API; each key has a budget of its own, whose name does not tell the key."""
    name = f"{api.name}/{hashlib.sha256(secret.encode()).hexdigest()[:8]}" if secret else api.name
    if api.quota is None:
        return Terms(name)
    limits = api.quota.limits
    counted = sorted((limit for limit in limits if limit.per in COUNTED), key=lambda limit: COUNTED.index(limit.per))
    spaces = [MARGIN * _seconds(limit) / limit.calls for limit in limits if limit.per not in COUNTED]
    return Terms(
        name,
        calls=tuple((limit.per, limit.calls) for limit in counted),
        spacing=max(spaces, default=0.0),
        cost=api.quota.cost,
        currency=api.quota.currency,
    )


def _seconds(limit: Limit) -> float:
    return _SECONDS.get(limit.per) or float(limit.per.removesuffix("s"))
