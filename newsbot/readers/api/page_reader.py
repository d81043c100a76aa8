"""Turns a page of an API into its batch, the cursor behind it, and the next calls."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from newsbot.batch import Again, Answer, Ask, Batch, Broken, CursorProgress, Done, Outcome, Reject, Then
from newsbot.extraction.paths import PathError, fill, places
from newsbot.items import Item
from newsbot.readers.api import chains, paging, record_items
from newsbot.readers.api.chains import Chain, known
from newsbot.readers.api.facts import Facts
from newsbot.readers.api.paging import BadPageError
from newsbot.readers.api.streams import Call, GarbledError, RefusedError, RefusedSlice, Stream, Tries, said
from newsbot.sources.api import Api, LinkedPages, NumberedPages, OffsetPages

BAD_ANSWERS = 5  # retries of a page whose answer cannot be read
BAD_PAGES = 2  # retries of a page that contradicts the pages before it
TOKEN_TRIES = 2  # retries of a page whose token has expired, before its chain is restarted
RESTARTS = 10  # of a chain with expired tokens, without progress
DOUBTFUL_RESTARTS = 1  # of a chain whose tokens may just as well be wrong each time
REFUSED_SLICES = 3  # in a row, of the shortest length: then too many hits are not the reason

_OVER = (404, 410, 416)
_BEHIND_THE_LAST = (400, 422, *_OVER)  # statuses of a page behind the last, and of an expired token
_KEY_REFUSED = (401, 403)
_NOT_KNOWN = (400, 404, 422)

logger = logging.getLogger(__name__)

Read = tuple[Batch | None, Stream, Then[Call]]


@dataclass(frozen=True, slots=True)
class Page:
    """A readable answer."""

    answer: Answer
    data: Any
    rows: Sequence[Any]
    hits: str | None  # their number, in words, if they are more than the API gives


def read(answer: Answer, facts: Facts, stream: Stream) -> Read:
    """The batch of an answer, and the next calls. Continue with the returned stream, not with the given one."""
    page = look(answer, facts, stream)
    return take(page, facts, stream) if isinstance(page, Page) else page


def look(answer: Answer, facts: Facts, stream: Stream) -> Page | Read:
    """The page, for `take`; for any other answer, what follows from it."""
    stream.fetched_at = answer.fetched_at
    if answer.status != 200:
        return _refusal(answer, facts, stream)
    try:
        data = facts.data(answer, stream)
        rows = facts.rows(data, stream)
        return Page(answer, data, rows, _hits(facts.api, data, rows, stream.chain))
    except ValueError as error:  # UnreadableError, PathError, BadPageError, or from a method of the spider
        return _unread(answer, facts, stream, error)


def take(page: Page, facts: Facts, stream: Stream) -> Read:
    """The batch of a page, and the next calls."""
    api, chain, rows = facts.api, stream.chain, page.rows
    if page.hits is not None and not chain.is_incomplete:
        if half := _halved(facts, stream, page.hits, "read in slices, as it gives no more at once"):
            return None, stream, Ask((half,))
        chain = _incomplete(facts, stream, chain, page.hits)
    following = problem = None
    try:
        following = paging.following(api.pages, chain.page, page.answer, page.data, rows, facts.identity)
    except (BadPageError, PathError) as error:
        if stream.tries.again(page.answer, min(BAD_PAGES, facts.tries)):
            return None, stream, Again("bad answer")
        problem = str(error)
    if not problem and chains.moves_by_page(api, chain):
        problem = chains.disorder(api, rows)
    items = list(record_items.items_of(facts, rows, stream))
    _pass_over(facts, stream)
    record_items.look_through(facts, rows, stream)
    chain = chains.seen(api, chain, page.data, rows)
    is_over = following is None or chains.is_before(api, chain, page.data, rows, stream.cursor.get("value"))
    moves = not problem and (is_over or chains.moves_by_page(api, chain))
    batch = _batch(facts, stream, chain, items, moves=moves, is_over=is_over)
    if problem:
        return broken(facts, stream, problem, batch=batch)
    if following is None or is_over:
        return _over(facts, stream, chain, batch)
    return batch, stream, Ask((call(facts, stream, replace(chain, page=following)),))


def call(facts: Facts, stream: Stream, chain: Chain) -> Call:
    """The call for the current page of a chain, which the stream reads next. Raises ValueError."""
    api = facts.api
    link = chain.page.token if isinstance(api.pages, LinkedPages) else None
    url = link or _address(api, stream, chain)
    stream.chain, stream.url, stream.tries = chain, url, Tries()
    headers = {name: fill(template, stream.values) for name, template in api.plain_headers.items()}
    return Call(url, {name: value for name, value in headers.items() if value is not None})


def _address(api: Api, stream: Stream, chain: Chain) -> str:
    values = {**stream.values, "since": chain.since, "until": chain.until, "cursor": stream.cursor.get("value")}
    url = fill(api.url, values, in_url=True)
    if url is None:
        raise ValueError(f"{api.name}: {api.url} lacks {', '.join(sorted(places(api.url)))}")
    filled = {name: fill(template, values) for name, template in api.params.items()}
    asked = {name: value for name, value in filled.items() if value is not None}
    asked |= paging.params(api.pages, chain.page)
    return url + (("&" if "?" in url else "?") + urlencode(asked) if asked else "")


def broken(
    facts: Facts,
    stream: Stream,
    problem: str,
    *,
    ok: bool = False,
    batch: Batch | None = None,
    is_general: bool = False,
) -> tuple[Batch, Stream, Broken]:
    """The end of a stream: a page after a gap would move the cursor past it. A first run's begin is kept."""
    stream.chains.clear()
    batch = batch or _moved(facts, stream, stream.begin)
    return _last(facts, stream, batch, problem, ok=ok), stream, Broken(problem, is_general)


def _last(facts: Facts, stream: Stream, batch: Batch, problem: str | None, *, ok: bool) -> Batch:
    """The last batch of a stream, with its outcome."""
    remarks = [*stream.incomplete[:3], *stream.remarks]
    if stream.withdrawn:
        remarks.append(f"{stream.withdrawn} records stand for withdrawn ones and were left out")
    status = "; ".join([problem, *remarks] if problem else remarks if stream.incomplete else ["ok", *remarks])
    is_ok = ok and not stream.incomplete
    outcome = Outcome(source_id=facts.api.name, url=stream.source, ok=is_ok, status=status)
    return replace(batch, items=[*batch.items, *_rejects(stream)], outcome=outcome)


def _rejects(stream: Stream) -> list[Reject]:
    """Takes the rejects that wait for a batch."""
    rejects, stream.rejects = stream.rejects, []
    return rejects


# --- The batch of a page ----------------------------------------------------------------------------------------------


def _batch(
    facts: Facts,
    stream: Stream,
    chain: Chain,
    items: Iterable[Item | Reject] = (),
    *,
    moves: bool = True,
    is_over: bool = True,
) -> Batch:
    """The batch of a page, with the cursor behind it if it `moves`."""
    value = stream.begin
    if moves:
        value = chains.moved(facts.api, stream.cursor or stream.begin, chain, is_over=is_over)
    return _moved(facts, stream, value, items)


def _moved(facts: Facts, stream: Stream, value: dict[str, Any], items: Iterable[Item | Reject] = ()) -> Batch:
    """A batch with a value of the cursor; without one, the cursor stays."""
    if value:
        stream.cursor, stream.begin = value, {}
    progress = progress_of(facts.api, stream, value or None)
    items = [*items, *_rejects(stream)]
    return Batch(items=items, progress=progress, lane=stream.key, refused_runs=stream.refused_runs)


def progress_of(api: Api, stream: Stream, value: dict[str, Any] | None) -> CursorProgress:
    """The progress of a stream with this value of its cursor; with None, the cursor stays."""
    return CursorProgress(
        key=stream.key, spider=api.name, arguments=stream.arguments, source=stream.source, value=value
    )


def _over(facts: Facts, stream: Stream, chain: Chain, batch: Batch) -> Read:
    """The next step after a chain: its next slice, the next chain, or the end of the stream."""
    api = facts.api
    if chain.page.remark:
        stream.remarks[chain.page.remark] = None
    if api.cursor and chain.count and chain.newest is None:
        stream.remarks[f"there is nothing at {api.cursor.path!r}, which the cursor goes by"] = None
    following = chains.next_slice(api, chain)
    if following is None and stream.chains:
        following = stream.chains.popleft()
    if following is not None:
        return batch, stream, Ask((call(facts, stream, following),))
    _pass_over(facts, stream)
    stream.incomplete += record_items.missing(stream)
    few = record_items.too_few(facts, stream)
    return _last(facts, stream, batch, few, ok=few is None), stream, Done()


# --- More than the API gives ------------------------------------------------------------------------------------------


def _hits(api: Api, data: Any, rows: Sequence[Any], chain: Chain) -> str | None:
    slices = api.slices
    if slices is None or slices.cap is None or chain.since is None:
        return None
    if slices.total:
        total = paging.count_at(slices.total, data)
        return f"{total} hits" if total is not None and total > slices.cap else None
    return f"{slices.cap} hits or more" if chain.count + len(rows) >= slices.cap else None


def _halved(facts: Facts, stream: Stream, problem: str, remark: str) -> Call | None:
    """The call for the first half of a slice; None for a slice of the shortest length."""
    chain = stream.chain
    half = chains.halved(facts.api, chain)
    if half is None:
        return None
    stream.remarks.setdefault(remark)
    logger.info("%s: %s from %s to %s, halved", stream.source, problem, chain.since, chain.until)
    return call(facts, stream, half)


def _narrowed(facts: Facts, stream: Stream, problem: str, body: str | None = None) -> Read:
    """The next step after a slice that is refused for too many hits or, with its body, cannot be read: its first half,
    or the slice behind it."""
    remark = "read in slices, as it gives no more at once" if body is None else "read in slices, as one is garbled"
    if half := _halved(facts, stream, problem, remark):
        return None, stream, Ask((half,))
    chain = stream.chain
    if chain.count:
        if not chain.is_incomplete:
            _incomplete(facts, stream, chain, problem, body)
        return _over(facts, stream, chain, _batch(facts, stream, chain))
    # A slice that brought nothing does not move the cursor; the slice behind it will.
    stream.refused.append(RefusedSlice(chain, problem, body))
    if len(stream.refused) < REFUSED_SLICES:
        return _over(facts, stream, chain, Batch(lane=stream.key))
    stream.refused.clear()
    what = "refused, as short as they may be, so it is not for too many hits"
    if body is not None:
        what = "garbled, as short as they may be, so it is not one record"
    return broken(facts, stream, f"{REFUSED_SLICES} slices in a row are {what}: {problem}")


def _pass_over(facts: Facts, stream: Stream) -> None:
    """Report slices that brought nothing, because others are read."""
    for chain, problem, body in stream.refused:
        _incomplete(facts, stream, chain, problem, body)
    stream.refused.clear()


def _incomplete(facts: Facts, stream: Stream, chain: Chain, problem: str, body: str | None = None) -> Chain:
    """Report a slice that is not read as a whole: it has more hits than the API gives, or cannot be read."""
    reason = f"incomplete: {problem} from {chain.since:%Y-%m-%d %H:%M:%S} to {chain.until:%Y-%m-%d %H:%M:%S}"
    reason += ", more than the API gives" if body is None else ""
    stream.incomplete.append(reason)
    logger.warning("%s: %s", stream.source, reason)
    payload = {"since": known(chain.since).isoformat(), "until": chain.until.isoformat()}
    payload |= {"hits": problem} if body is None else {"body": body}
    stream.rejects.append(Reject(facts.api.name, "slice", None, None, reason, payload))
    return replace(chain, is_incomplete=True)


# --- Answers without a page -------------------------------------------------------------------------------------------


def _unread(answer: Answer, facts: Facts, stream: Stream, error: ValueError) -> Read:
    """The next step after an answer that cannot be read."""
    if not isinstance(error, RefusedError) and stream.tries.again(answer, min(BAD_ANSWERS, facts.tries)):
        return None, stream, Again("bad answer")
    if isinstance(error, GarbledError) and stream.chain.span is not None:
        return _narrowed(facts, stream, str(error), answer.body.decode("utf-8", "replace"))
    return broken(facts, stream, str(error))


def _refusal(answer: Answer, facts: Facts, stream: Stream) -> Read:
    """The next step after an answer with another status than 200."""
    api, chain, status = facts.api, stream.chain, answer.status
    page, is_behind = chain.page, status in _BEHIND_THE_LAST
    problem = f"{answer.told}: {said(answer.body)}"
    if page.depth and facts.is_end(answer):
        if (page.total or 0) > chain.count:
            stream.remarks[f"the plan gives the first {chain.count} of {page.total}"] = None
        return _over(facts, stream, chain, _batch(facts, stream, chain))
    if page.is_probe and isinstance(api.pages, NumberedPages | OffsetPages) and (is_behind or facts.too_many(answer)):
        return _over(facts, stream, chain, _batch(facts, stream, chain))
    if facts.too_many(answer):
        return _narrowed(facts, stream, problem)
    if is_behind and (before := paging.before(api.pages, page)):
        return None, stream, Ask((call(facts, stream, replace(chain, page=before)),))
    if page.token and is_behind:
        # Except for the page at which the chain was restarted.
        if page.depth != chain.depth and stream.tries.again(answer, min(TOKEN_TRIES, facts.tries)):
            return None, stream, Again("bad answer")
        if chain.restarts < (RESTARTS if status in _OVER else DOUBTFUL_RESTARTS):
            logger.info("%s: the token of a page has expired, the chain is restarted: %s", stream.source, problem)
            return None, stream, Ask((call(facts, stream, chains.restarted(api, chain)),))
    if facts.keys and status in _KEY_REFUSED:
        stream.begin = {}  # nothing began
        variables = " or ".join(facts.keys)
        return broken(facts, stream, f"the key in {variables} is refused ({problem})", is_general=True)
    doubt = _doubt(api, stream) if status in _NOT_KNOWN else ""
    return broken(facts, stream, problem + doubt + _hint(api, stream))


def _doubt(api: Api, stream: Stream) -> str:
    """The values that an API may refuse because it does not know them."""
    named = (name for name, argument in api.arguments.items() if argument.found and stream.values.get(name))
    asked = " ".join(f"-a {name}={stream.values[name]}" for name in named)
    return f"; does it know {asked}?" if asked else ""


def _hint(api: Api, stream: Stream) -> str:
    """A hint if the cursor may have expired, or reaches further back than a first run would, as after a long pause."""
    cursor, chain = api.cursor, stream.chain
    if cursor is None or not stream.cursor or chain.is_past or not chain.moves or chain.page.depth:
        return ""
    if cursor.by != "time":
        return f"; if its cursor has expired, `scrapy cursors reset {api.name}` starts again"
    since = known(chain.since)
    if stream.fetched_at - since <= timedelta(seconds=cursor.first + cursor.overlap):
        return ""
    asked = f"; asked from {since:%Y-%m-%d} on"
    return f"{asked}: if it does not go back so far, `scrapy cursors reset {api.name}` starts again"
