"""The run of one crawl: the results of its items and requests, and its row in the database."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from newsbot.batch import Outcome, Reject, storable
from newsbot.limits import Spent, Terms
from newsbot.storage import quotas, runs

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

LINES = 25  # of failures, in the run's row
REASONS = 1_000  # different ones that are counted separately

Reasons = Counter[tuple[str | None, str]]  # how often a field was refused with a reason
States = Counter[tuple[str | None, str]]  # how many items of a source reached a state


@dataclass(slots=True)
class Tally:
    """The results of the items of one source, or of all."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: int = 0
    left_out: int = 0  # values that items were stored without; each is among the rejects, too

    @property
    def stored(self) -> int:
        """Items that are in the database, whether this run brought them or not."""
        return self.new + self.changed + self.unchanged


class Run:
    """The numbers and outcomes of one run."""

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.exit_code: int | None = None  # once it is over
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)  # by source, of what is committed or settled
        self.outcomes: defaultdict[str, list[Outcome]] = defaultdict(list)  # by source
        self.reasons: Reasons = Counter()  # of refused items
        self.left_out: Reasons = Counter()  # of values left out of stored ones
        self.remarks: Counter[str] = Counter()  # on stored items
        self.spent: Counter[Terms] = Counter()  # calls
        self.ledger: dict[str, Spent] = {}  # the state of each quota, by name, once it is over
        self.spoilt: dict[tuple[str, str], str] = {}  # (source, URL) of what is reported as failed, and why
        self._asked: dict[tuple[str, str], None] = {}  # (source, URL) of what has no outcome yet
        self._sharing: defaultdict[tuple[str, str], list[str]] = defaultdict(list)  # the other sources of a URL

    # Its row

    def start(self, cursor: "Cursor", spider: str, job: str | None) -> list[runs.Killed]:
        """Open the row; returns the runs that were found killed."""
        return runs.start(cursor, self.id, spider, job)

    def beat(self, cursor: "Cursor", written: Mapping[tuple[str | None, str], int]) -> None:
        """Renew the heartbeat and the numbers in the row, including what this transaction writes."""
        runs.beat(cursor, self.id, self._totals(written))

    def finish(
        self,
        cursor: "Cursor",
        reason: str,
        exit_code: int,
        errors: int,
        failed: Sequence[str] = (),
        remarks: Sequence[str] = (),
    ) -> None:
        """Close the row. `errors` counts errors without a source; `failed` and `remarks` are lines for a user."""
        self.ledger = {terms.name: quotas.spent(cursor, terms, calls) for terms, calls in self.spent.items()}
        stats = self._totals({}) | {
            "sources": {
                source_id: asdict(tally) | {"feeds": [asdict(outcome) for outcome in self.outcomes.get(source_id, ())]}
                for source_id, tally in self.tallies.items()
            },
            "spent": {name: asdict(spent) for name, spent in self.ledger.items()},
            "failed": storable(failed[:LINES]),
            "remarks": storable(remarks),
        }
        stats["errors"] += errors
        runs.finish(cursor, self.id, reason, exit_code, stats)

    def _totals(self, written: Mapping[tuple[str | None, str], int]) -> dict[str, Any]:
        stats: dict[str, Any] = asdict(self.total())
        for (_, state), number in written.items():
            stats[state] += number
        return stats

    # Items

    def tally(self, source_id: str | None) -> Tally:
        """The numbers of a source."""
        return self.tallies[source_id or "-"]

    def total(self) -> Tally:
        """The numbers of all sources."""
        tallies = list(self.tallies.values())
        return Tally(*(sum(getattr(tally, field.name) for tally in tallies) for field in fields(Tally)))

    def refused(self, reject: Reject) -> None:
        """Count one rejected item of its source."""
        self.tally(reject.source_id).rejected += 1
        count(self.reasons, (reject.field, reject.reason))

    def wrote(self, states: States) -> None:
        """Count committed items."""
        for (source_id, state), number in states.items():
            tally = self.tally(source_id)
            setattr(tally, state, getattr(tally, state) + number)

    # Requests

    def asking(self, source_id: str, url: str) -> None:
        """Note that a feed is asked: without an outcome, `tell_unanswered` reports it."""
        self._asked[source_id, url] = None

    def share(self, source_id: str, url: str, other: str) -> None:
        """Note that the feed of a source is one of another source, too: it is fetched once, and each outcome counts for
        both."""
        self._sharing[source_id, url].append(other)
        for outcome in self.outcomes.get(source_id, ()):
            if outcome.url == url:
                self._tell(other, url, ok=outcome.ok, status=f"read for {source_id}: {outcome.status}")

    def tell_unanswered(self) -> None:
        """Report as failed what was asked and never came back: a middleware may drop a request silently."""
        for source_id, url in list(self._asked):
            status = "its request was dropped, or its answer could not be read: the log may say why"
            self.outcome(source_id, url, ok=False, status=status)

    def outcome(self, source_id: str, url: str, *, ok: bool, status: str) -> None:
        """Note how the fetch of a feed ended."""
        self._asked.pop((source_id, url), None)
        if ok and (problem := self.spoilt.get((source_id, url))):
            ok, status = False, "; ".join([problem, *status.split("; ")[1:]])
        self._tell(source_id, url, ok=ok, status=status)
        for other in self._sharing.get((source_id, url), ()):
            self._tell(other, url, ok=ok, status=f"read for {source_id}: {status}")

    def _tell(self, source_id: str, url: str, *, ok: bool, status: str) -> None:
        self.outcomes[source_id].append(Outcome(source_id=source_id, url=url, ok=ok, status=status))
        self.tally(source_id).errors += not ok

    def spoil(self, source_id: str, url: str, problem: str) -> None:
        """Note that a fetch failed although its answer came, and may have been or may yet be reported as good."""
        self.spoilt[source_id, url] = problem
        good = [each for each in self.outcomes.get(source_id, ()) if each.url == url and each.ok]
        if good:
            for each in (source_id, *self._sharing.get((source_id, url), ())):
                self.outcomes[each] = [other for other in self.outcomes[each] if other.url != url or not other.ok]
        for outcome in good:
            self.outcome(source_id, url, ok=True, status=outcome.status)


def count(reasons: Reasons, reason: tuple[str | None, str], number: int = 1) -> None:
    """Count a reason; beyond `REASONS` different ones they are counted together."""
    is_known = reason in reasons or len(reasons) < REASONS
    reasons[reason if is_known else (None, "other reasons")] += number
