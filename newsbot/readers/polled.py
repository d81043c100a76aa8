"""The shared reader of feeds, sitemaps and section pages: the batch of an answer, and the time of the next fetch."""

import hashlib
import marshal
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

from newsbot.batch import Answer, Ask, Batch, Broken, Done, FeedProgress, FeedState, Outcome, Then
from newsbot.logins import without_login
from newsbot.readers.endpoint import Endpoint, Reading, UnreadableError
from newsbot.readers.entry_articles import articles

READERS = 2  # raised when the readers change: then each feed and page is read again, even if it did not change
DEFAULT_INTERVAL = 900  # seconds, until a feed has shown how often it changes
DAY = 86_400  # seconds

_GONE = "gone: take it out of the catalogue, or have it asked again by `scrapy sources reset {}`"
_SAYS_GONE = "gone: it is asked daily for a week; `scrapy sources reset {}` has it asked at once"
_PERMANENT = {301, 308}


def read(
    answer: Answer, endpoint: Endpoint, state: FeedState, look: Callable[[Answer, Endpoint], Reading]
) -> tuple[Batch, FeedState, Then[Endpoint]]:
    """The batch of an answer, and the sitemaps that it leads to."""
    if answer.status == 304 and answer.conditional:
        progress = _progress(endpoint, state, answer, interval=_interval(endpoint, state, answer, changed=False))
        return _batch(endpoint, progress, "not modified"), state, Done()
    if answer.status != 200:
        return _refused(answer, endpoint, state)
    try:
        reading = look(answer, endpoint)
    except UnreadableError as error:
        return failed(endpoint, state, str(error), answer)
    return _taken(answer, endpoint, state, reading)


def failed(
    endpoint: Endpoint, state: FeedState, problem: str, answer: Answer | None, status: str | None = None, **columns: Any
) -> tuple[Batch, FeedState, Broken]:
    """The batch of a failed fetch; `status` is a longer text than `problem` for the user."""
    due_in = min(endpoint.bounds.interval_max, (state.interval or DEFAULT_INTERVAL) * 2 ** min(state.failures, 10))
    columns = {"problem": without_login(problem), "ok": False, "moved_to": None, "due_in": due_in} | columns
    progress = _progress(endpoint, state, answer, **columns)
    return _batch(endpoint, progress, status or problem), state, Broken(problem)


def fingerprint(endpoint: Endpoint) -> str:
    """A hash of how the catalogue and the readers read an endpoint: if it changes, the same answer is read again."""
    source = endpoint.source
    facts = (READERS, endpoint.section, source.country, source.language, source.timezone, source.section)
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def is_full_due(endpoint: Endpoint, state: FeedState) -> bool:
    """Whether the whole answer is requested and read, even if nothing changed."""
    if 0 < state.refused_runs <= endpoint.bounds.refused_runs:
        return True  # its answer is requested again
    return state.full_due or state.fingerprint != fingerprint(endpoint)


def gone(endpoint: Endpoint, state: FeedState) -> str:
    """The message to a user about a feed that says that it is gone."""
    return (_GONE if state.gone else _SAYS_GONE).format(endpoint.source.id)


def _refused(answer: Answer, endpoint: Endpoint, state: FeedState) -> tuple[Batch, FeedState, Broken]:
    problem = answer.told
    if answer.status == 410:
        status = f"{problem}, {gone(endpoint, state)}"
        return failed(endpoint, state, problem, answer, status, gone=True, due_in=DAY)
    if answer.status == 304:
        problem += ", not modified, although the request had no validators"
    elif answer.status == 401:
        problem += f", {_about_login(endpoint, answer)}"
    return failed(endpoint, state, problem, answer)


def _about_login(endpoint: Endpoint, answer: Answer) -> str:
    """The meaning of a 401: the server wants a login, or another one."""
    if endpoint.key is None:
        return "it needs a login: write auth: env:NAME in its entry of the catalogue"
    variable = endpoint.key.key.variable
    if urlsplit(answer.url).hostname != endpoint.key.host:
        return f"the login in the environment variable {variable} does not go to this server, {answer.url}"
    return f"the login in the environment variable {variable} is refused"


def _taken(
    answer: Answer, endpoint: Endpoint, state: FeedState, reading: Reading
) -> tuple[Batch, FeedState, Then[Endpoint]]:
    remark = "; ".join(filter(None, (reading.remark, _beyond(endpoint, reading)))) or None
    # An index has no hash and no validators: it may stay the same while the sitemaps that it lists change.
    content_hash = _content_hash(reading.entries) if reading.whole and not reading.children else None
    is_validated = content_hash is not None and reading.validated
    is_changed = content_hash is None or content_hash != state.content_hash
    is_read = is_changed or is_full_due(endpoint, state)
    # Else the entries are the same as last time, and all of them were stored or refused.
    number = len(reading.entries)
    progress = _progress(
        endpoint,
        state,
        answer,
        kind=reading.kind,
        entries=number if is_read else min(state.entries, number),
        interval=_interval(endpoint, state, answer, changed=is_changed, hint=reading.interval),
        content_hash=content_hash,
        etag=answer.headers.get("ETag") or None if is_validated else None,
        last_modified=answer.headers.get("Last-Modified") or None if is_validated else None,
        fingerprint=fingerprint(endpoint),
        is_full=is_read,
        changed=is_changed,
        problem=remark,
    )
    moved = f"moved to {without_login(progress.moved_to)}" if progress.moved_to and not state.moved_to else None
    status = "; ".join(filter(None, ("ok" if is_read else "the same entries", moved, remark)))
    batch = _batch(
        endpoint,
        progress,
        status,
        items=articles(reading, endpoint) if is_read else (),
        unread=0 if is_read else number,
        refused_runs=state.refused_runs,
    )
    return batch, state, Ask(tuple(reading.children)) if reading.children else Done()


def _beyond(endpoint: Endpoint, reading: Reading) -> str | None:
    most, listed = endpoint.bounds.children, len({child.name for child in reading.children})
    if listed <= most:
        return None
    return f"{most} of its {listed} sitemaps are read, the newest first; the others in later runs"


def _batch(endpoint: Endpoint, progress: FeedProgress, status: str, **columns: Any) -> Batch:
    shown = {"source_id": endpoint.source.id, "url": endpoint.name, "status": without_login(status)}
    return Batch(progress=progress, outcome=Outcome(ok=progress.ok, **shown), **columns)


def _progress(endpoint: Endpoint, state: FeedState, answer: Answer | None, **columns: Any) -> FeedProgress:
    defaults = {
        "source_id": endpoint.source.id,
        "status": answer.status if answer else None,
        "ok": True,
        "moved_to": _moved_to(state, answer) if answer else None,
        "wait": answer.wait if answer else None,
    }
    return FeedProgress(url=endpoint.name, **defaults | columns)


def _moved_to(state: FeedState, answer: Answer) -> str | None:
    """The new address of the feed: only permanent redirects count, and only if the chain has no other."""
    if answer.redirects and all(status in _PERMANENT for status, _ in answer.redirects):
        return answer.url
    return state.moved_to


def _interval(endpoint: Endpoint, state: FeedState, answer: Answer, *, changed: bool, hint: int | None = None) -> int:
    """Seconds until the feed is due: sooner if it changed, later if not, never sooner than it asks for."""
    interval = (state.interval or DEFAULT_INTERVAL) * (0.5 if changed else 1.5)
    interval = max(interval, hint or 0, _max_age(answer), endpoint.bounds.interval_min)
    return round(min(interval, endpoint.bounds.interval_max))


def _max_age(answer: Answer) -> float:
    """Seconds for which a cache may keep the answer (RFC 9111, section 4.2.1); 0 if it does not say."""
    for directive in answer.headers.get("Cache-Control", "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-cache", "no-store"):
            return 0
        if name == "max-age" and value.strip('"').isdecimal():
            return float(value.strip('"')[:9])
    expires = answer.headers.get("Expires")
    try:
        return max(0.0, (parsedate_to_datetime(expires) - answer.fetched_at).total_seconds()) if expires else 0
    except (ValueError, TypeError, OverflowError):  # not a date, or without a zone
        return 0


def _content_hash(entries: Sequence[Mapping[str, Any]]) -> str:
    # Version 2 of the format always gives the same bytes for the same values, at a third of the cost of JSON.
    return hashlib.blake2b(marshal.dumps(cast("list[Any]", entries), 2), digest_size=16).hexdigest()
