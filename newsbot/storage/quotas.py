"""What was spent on an API, and whether it may be called again: one budget for all processes, kept over restarts.

A call is counted before it goes out, so that a crash counts one too many at worst. The spacing between two calls begins
when the first is answered, since nobody knows how long a call takes. All times are the database's.
"""

from typing import TYPE_CHECKING

from newsbot.limits import COUNTED, LONGEST_BLOCK, Refusal, Spent, Terms

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

ON_ITS_WAY = 3.0  # seconds after which a call that is not answered has long arrived, or its process has died
EDGE = 2.0  # seconds at the end of a period without calls: one would arrive in the next, and count there

_FARTHEST = f"clock_timestamp() + make_interval(secs => {LONGEST_BLOCK})"

# A stored time that is too far off is bounded from now on: an older release or another clock may have written it.
_LOCK = f"""
INSERT INTO quotas AS q (name) VALUES (%(name)s) ON CONFLICT (name) DO UPDATE SET
    next_at = least(q.next_at, {_FARTHEST}), blocked_until = least(q.blocked_until, {_FARTHEST}),
    resets_at = least(q.resets_at, {_FARTHEST})
    WHERE greatest(q.next_at, q.blocked_until, q.resets_at) > {_FARTHEST};
SELECT extract(epoch FROM next_at - clock_timestamp()), extract(epoch FROM blocked_until - clock_timestamp()),
    CASE WHEN blocked_until > clock_timestamp() THEN blocked_until END, reason, remaining,
    CASE WHEN resets_at > clock_timestamp() THEN resets_at END, extract(epoch FROM resets_at - clock_timestamp())
FROM quotas WHERE name = %(name)s FOR UPDATE
"""  # noqa: S608  of constants

# When the period that is now began, in UTC.
_BEGIN = """CASE WHEN %(period)s = 'month' THEN date_trunc('month', clock_timestamp(), 'UTC')
    ELSE date_bin(%(length)s::interval, clock_timestamp(), 'epoch') END"""

_SPENT = f"""
SELECT coalesce(s.calls, 0), coalesce(s.cost, 0)::float, s.told_limit,
    ends_at, extract(epoch FROM ends_at - clock_timestamp()),
    extract(epoch FROM clock_timestamp() - p.starts_at) / extract(epoch FROM ends_at - p.starts_at)
FROM (SELECT starts_at, starts_at + %(length)s::interval AS ends_at FROM (SELECT {_BEGIN} AS starts_at) AS p) AS p
LEFT JOIN spending s ON s.quota = %(name)s AND s.period = %(period)s AND s.starts_at = p.starts_at
"""  # noqa: S608  of constants

_SPEND = f"""
INSERT INTO spending AS s (quota, period, starts_at, calls, cost)
VALUES (%(name)s, %(period)s, {_BEGIN}, 1, %(cost)s)
ON CONFLICT (quota, period, starts_at) DO UPDATE SET calls = s.calls + 1, cost = s.cost + EXCLUDED.cost
"""  # noqa: S608  of constants

# From the period of the call, which may be over.
_GIVE_BACK = f"""
UPDATE spending SET calls = calls - 1, cost = cost - %(cost)s
WHERE quota = %(name)s AND period = %(period)s AND calls > 0
    AND starts_at = {_BEGIN.replace("clock_timestamp()", "clock_timestamp() - make_interval(secs => %(ago)s)")}
"""  # noqa: S608  of constants

_TOLD = f"""
INSERT INTO spending AS s (quota, period, starts_at, calls, told_limit)
VALUES (%(name)s, %(period)s, {_BEGIN},
    greatest(0, coalesce(%(limit)s, %(declared)s) - %(remaining)s), %(limit)s)
ON CONFLICT (quota, period, starts_at) DO UPDATE SET
    told_limit = coalesce(EXCLUDED.told_limit, s.told_limit),
    calls = greatest(s.calls, coalesce(EXCLUDED.told_limit, s.told_limit, %(declared)s) - %(remaining)s)
"""  # noqa: S608  of constants

# In one window the lowest reported number counts: answers overtake each other.
_WINDOW = """
INSERT INTO quotas AS q (name, remaining, resets_at)
VALUES (%(name)s, %(remaining)s, clock_timestamp() + make_interval(secs => %(resets_in)s))
ON CONFLICT (name) DO UPDATE SET
    remaining = CASE WHEN q.resets_at > clock_timestamp()
        THEN least(q.remaining, EXCLUDED.remaining) ELSE EXCLUDED.remaining END,
    resets_at = CASE WHEN q.resets_at > clock_timestamp()
        THEN greatest(q.resets_at, EXCLUDED.resets_at) ELSE EXCLUDED.resets_at END
"""


def spend(cursor: "Cursor", terms: Terms, *, spread: bool) -> float | Refusal:
    """Take a call out of the budget: 0; else the seconds until the next attempt is worth it, or a refusal.

    With `spread`, gives no more than the elapsed part of the day's calls, and an hour's share at once. What the service
    reported of the longest limit, and until when, stands above our own count. A call that is given goes out at once,
    and `answered` follows at its end.
    """
    cursor.execute(_LOCK, {"name": terms.name})
    gap, blocked, until, reason, remaining, resets_at, resets_in = cursor.fetchone()
    if blocked is not None and blocked > 0:
        return Refusal(reason, until, float(blocked))
    if gap is not None and gap > 0 and terms.spacing:
        return min(float(gap), terms.spacing)
    if resets_in is not None and resets_in <= 0:  # all are there again; the next answer says how many
        remaining, resets_at = terms.calls[-1][1] if terms.calls else None, None
        cursor.execute("UPDATE quotas SET remaining = %s, resets_at = NULL WHERE name = %s", (remaining, terms.name))
    if remaining == 0 and resets_at is not None:
        return Refusal("it said that no calls are left", resets_at, float(resets_in))
    for period, declared in terms.calls:
        cursor.execute(_SPENT, _of(terms, period))
        calls, _, told, ends_at, left, elapsed = cursor.fetchone()
        limit = declared if told is None else told
        if calls >= limit and not (remaining and period == terms.calls[-1][0]):
            now = f"these {period}" if period[0].isdecimal() else f"this {period}"
            return Refusal(f"the {limit} calls of {now} are spent", ends_at, float(left))
        if spread and period == "day" and calls >= max(1, limit // 24, limit * float(elapsed)):
            pause = 86_400 / limit
            cursor.execute("SELECT clock_timestamp() + make_interval(secs => %s)", (pause,))
            reason = f"{calls} of the {limit} calls of this day are spent already, and it is still long"
            return Refusal(reason, cursor.fetchone()[0], pause)
        if left < EDGE:
            return float(left)
    for period in _periods(terms):
        cursor.execute(_SPEND, _of(terms, period) | {"cost": terms.cost})
    if remaining:
        cursor.execute("UPDATE quotas SET remaining = remaining - 1 WHERE name = %s", (terms.name,))
    _space(cursor, terms, ON_ITS_WAY)
    return 0.0


def give_back(cursor: "Cursor", terms: Terms, ago: float) -> None:
    """Put a call back into the budget, `ago` seconds after it was taken: it never went out."""
    for period in _periods(terms):
        cursor.execute(_GIVE_BACK, _of(terms, period) | {"cost": terms.cost, "ago": ago})
    cursor.execute(
        "UPDATE quotas SET remaining = remaining + 1 WHERE name = %s AND resets_at > clock_timestamp()", (terms.name,)
    )


def _periods(terms: Terms) -> dict[str, None]:
    """The periods that have a row each."""
    return dict.fromkeys((*COUNTED, *dict(terms.calls)))


def _of(terms: Terms, period: str) -> dict[str, str]:
    """The parameters of a statement on a period of a quota."""
    return {"name": terms.name, "period": period, "length": period if period[0].isdecimal() else f"1 {period}"}


def answered(cursor: "Cursor", terms: Terms) -> None:
    """A call is over: the spacing to the next one begins."""
    _space(cursor, terms, 0.0)


def _space(cursor: "Cursor", terms: Terms, more: float) -> None:
    if terms.spacing:
        cursor.execute(
            "UPDATE quotas SET next_at = clock_timestamp() + make_interval(secs => %s) WHERE name = %s",
            (terms.spacing + more, terms.name),
        )


def told(
    cursor: "Cursor",
    terms: Terms,
    remaining: int,
    limit: int | None,
    resets_in: float | None,
    period: str | None = None,
) -> None:
    """Take over an answer's words on a limit: its calls, how many are left, and for how many seconds.

    Without the name of a period they concern the longest one. Without seconds, at least so many calls count as spent in
    our own period.
    """
    if resets_in is not None:
        cursor.execute(_WINDOW, {"name": terms.name, "remaining": remaining, "resets_in": resets_in})
        remaining = 2**62
    if terms.calls:
        limits = dict(terms.calls)
        period = period if period in limits else terms.calls[-1][0]
        declared = limits[period]
        values = {"remaining": remaining, "limit": limit, "declared": declared}
        cursor.execute(_TOLD, _of(terms, period) | values)


def block(cursor: "Cursor", name: str, seconds: float, reason: str) -> None:
    """Allow no calls for so many seconds: the service said so."""
    cursor.execute(
        """
        INSERT INTO quotas AS q (name, blocked_until, reason)
        VALUES (%s, clock_timestamp() + make_interval(secs => %s), %s)
        ON CONFLICT (name) DO UPDATE SET blocked_until = EXCLUDED.blocked_until, reason = EXCLUDED.reason
        WHERE q.blocked_until IS NULL OR q.blocked_until < EXCLUDED.blocked_until
        """,
        (name, seconds, reason),
    )


def unblock(cursor: "Cursor", api: str) -> int:
    """Lift the rests of an API, of all its keys; returns how many quotas it has. Spent calls stay spent."""
    cursor.execute(
        "UPDATE quotas SET blocked_until = NULL, reason = NULL, remaining = NULL, resets_at = NULL"
        " WHERE split_part(name, '/', 1) = %s",
        (api,),
    )
    return cursor.rowcount


def spent(cursor: "Cursor", terms: Terms, calls: int) -> Spent:
    """What is spent, `calls` of it by this run."""
    period, declared = terms.calls[-1] if terms.calls else ("day", None)
    cursor.execute(_SPENT, _of(terms, period))
    total, cost, told, *_ = cursor.fetchone()
    return Spent(calls, period, total, cost, declared if told is None else told, terms.currency)


def apis(cursor: "Cursor") -> set[str]:
    """All APIs that were ever called."""
    cursor.execute("SELECT DISTINCT split_part(name, '/', 1) FROM quotas")
    return {name for (name,) in cursor}


def spent_today(cursor: "Cursor") -> dict[str, tuple[int, float]]:
    """Calls and cost of this day (UTC) by API, of all its keys."""
    cursor.execute(
        """
        SELECT split_part(quota, '/', 1), sum(calls)::bigint, sum(cost)::float FROM spending
        WHERE period = 'day' AND starts_at = date_trunc('day', clock_timestamp(), 'UTC') GROUP BY 1
        """
    )
    return {api: (calls, cost) for api, calls, cost in cursor}
