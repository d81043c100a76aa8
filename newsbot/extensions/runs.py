"""Ends a run: its exit code, its row, and the table for the user."""

import sys
from typing import TYPE_CHECKING, Self

from scrapy import signals

from newsbot.extensions.failures import Failures
from newsbot.logins import without_login
from newsbot.storage.run import Run
from newsbot.storage.writer import Writer

if TYPE_CHECKING:
    from collections import Counter

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

    from newsbot.limits import Spent

# "finished", and reasons that a user or a user's limit asked for; any other reason is a failure.
_ASKED_FOR = ("finished", "shutdown", "cancelled", "closespider_")

_NOT_ASKED = {  # Scrapy's stats of requests that it drops silently
    "offsite/filtered": "not in allowed_domains",
    "depth/request_ignored_count": "deeper than DEPTH_LIMIT",
}

FAILURES_SHOWN = 20
REASONS_SHOWN = 10


class RunRecord:
    """Closes the run's row with its exit code, then prints the result of each source."""

    def __init__(self, crawler: "Crawler") -> None:
        self.stats = crawler.stats
        self.writer = Writer.of(crawler)
        self.run = self.writer.run
        self.failures = Failures.of(crawler)
        crawler.signals.connect(self.spider_error, signal=signals.spider_error)
        crawler.signals.connect(self.spider_closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make the extension of a crawl."""
        return cls(crawler)

    def spider_error(self, failure: "Failure", response: "Response | Failure") -> None:
        """Note an exception of a callback, or of an errback, whose failure has the request."""
        request = getattr(response, "request", None)
        self.failures.add_error(getattr(response, "url", None) or getattr(request, "url", ""), failure.value)

    async def spider_closed(self, spider: "Spider", reason: str) -> None:
        """Close the run, and print its table, failures and remarks."""
        self.run.exit_code = 1  # until the run is closed
        await self.writer.flush()  # of a crawl whose stages could not close
        reason = self.writer.end_reason(reason)  # it may give up after the spider finished
        if reason == "finished":
            self.run.tell_unanswered()
        self.tells_outcomes = bool(self.run.outcomes) or getattr(spider, "tells_outcomes", False)
        exit_code = self._exit_code(reason)
        if not self.writer.opened:  # the user's settings lack the store stage
            self.run.exit_code = exit_code
            return
        errors = self.stats.get_value("spider_exceptions/count", 0)
        failed = _failed_requests(self.failures)
        if self.run.outcomes:  # the spider's base reports failed requests as outcomes
            failed = _failed_outcomes(self.run)
        else:
            errors += self.failures.total
        remarks = self._remarks(reason)
        try:
            await self.writer.finish(reason, exit_code, errors, failed=failed, remarks=remarks)
        except Exception as error:
            remarks.append(f"The run cannot be closed: {type(error).__name__}: {error}; the log has the traceback")
            raise
        finally:
            self._print(failed, remarks)

    def _print(self, failed: list[str], remarks: list[str]) -> None:
        print(report(self.run), file=sys.stderr)
        if failed and not self.run.outcomes:
            print("\nFailed:", *(f"  {line}" for line in failed), sep="\n", file=sys.stderr)
        if remarks:
            print("\nRemarks:", *(f"  {line}" for line in remarks), sep="\n", file=sys.stderr)

    def _remarks(self, reason: str) -> list[str]:
        """Facts of the run that a user would otherwise miss."""
        remarks = []
        if reason != "finished":
            remarks.append(f"The run ended early: {without_login(reason + self._why())}")
        elif self._nothing_asked():
            remarks.append("No request went out: start_urls is empty, or start() yields no request")
        elif self._nothing_found():
            pages = self.failures.answered
            read = "1 page" if pages == 1 else f"{pages} pages"
            remarks.append(f"{read} gave no item: the selectors may no longer match")
        for name, why in _NOT_ASKED.items():
            if number := self.stats.get_value(name):
                remarks.append(f"Not asked: {number} {'URL' if number == 1 else 'URLs'}, {why}")
        remarks += [f"{times} x {remark}" for remark, times in self.run.remarks.most_common(REASONS_SHOWN)]
        return remarks

    def _why(self) -> str:
        return "" if self.writer.failure is None else f" ({self.writer.problem})"

    def _nothing_asked(self) -> bool:
        came = self.failures.answered or self.failures.total or self.stats.get_value("spider_exceptions/count")
        return not self.tells_outcomes and not came and not self._items()

    def _nothing_found(self) -> bool:
        failed = self.stats.get_value("spider_exceptions/count")
        return not self.tells_outcomes and self.failures.answered > 0 and not failed and not self._items()

    def _items(self) -> int:
        total = self.run.total()
        return total.stored + total.rejected

    def _exit_code(self, reason: str) -> int:
        """0 unless the whole run failed: every source, every request, or nothing stored."""
        if self.writer.failure is not None or not reason.startswith(_ASKED_FOR):
            return 1
        outcomes = [outcome for outcomes in self.run.outcomes.values() for outcome in outcomes]
        if outcomes:
            every_source_failed = not any(outcome.ok for outcome in outcomes)
            return int(every_source_failed or self._nothing_stored())
        every_request_failed = self.failures.total > 0 and not self.failures.answered
        return int(every_request_failed or self._nothing_stored(self.failures.total))

    def _nothing_stored(self, failures: int = 0) -> bool:
        """Whether nothing was stored although items came, or should have come."""
        total = self.run.total()
        failures += total.rejected + self.stats.get_value("spider_exceptions/count", 0)
        return total.stored == 0 and failures > 0


def report(run: Run) -> str:
    """The table of a run: a row for each source; failures and refused items with their reasons; the calls spent."""
    from tabulate import tabulate

    rows = [
        (source_id, tally.new, tally.changed, tally.unchanged, tally.rejected, _status(run, source_id))
        for source_id, tally in sorted(run.tallies.items())
    ]
    total = run.total()
    if len(rows) != 1:
        rows.append(("all", total.new, total.changed, total.unchanged, total.rejected, ""))
    lines = [tabulate(rows, ("source", "new", "changed", "unchanged", "rejected", "status"), "simple")]
    failed = _failed_outcomes(run)
    if failed:
        lines.append("\nFailed:")
        lines += [f"  {line}" for line in failed[:FAILURES_SHOWN]]
        if len(failed) > FAILURES_SHOWN:
            lines.append(f"  and {len(failed) - FAILURES_SHOWN} more: scrapy sources --status")
    lines += _reasons("Refused (kept in the table rejects):", run.reasons)
    lines += _reasons("Left out of stored items (kept in the table rejects):", run.left_out)
    if run.ledger:
        lines.append("")
        lines += [f"Spent: {_spent(name, spent)}" for name, spent in sorted(run.ledger.items())]
    return "\n".join(lines)


def _reasons(heading: str, reasons: "Counter[tuple[str | None, str]]") -> list[str]:
    if not reasons:
        return []
    lines = [f"\n{heading}"]
    lines += [f"  {times} x {field or 'item'}: {why}" for (field, why), times in reasons.most_common(REASONS_SHOWN)]
    if len(reasons) > REASONS_SHOWN:
        lines.append(f"  and {len(reasons) - REASONS_SHOWN} other reasons")
    return lines


_PERIODS = {"hour": "this hour", "day": "today", "month": "this month"}


def _spent(quota: str, spent: "Spent") -> str:
    """`guardian 12 of 500 calls today (this run: 3)`; without the hash of the key."""
    of = f" of {spent.limit}" if spent.limit is not None else ""
    cost = f" for {spent.cost:g} {spent.currency or ''}".rstrip() if spent.cost else ""
    calls = "call" if spent.total == 1 and not of else "calls"
    when = _PERIODS.get(spent.period) or f"in these {spent.period}"  # a declared length, such as `12 hours`
    api, _, _ = quota.partition("/")
    return f"{api} {spent.total}{of} {calls} {when}{cost} (this run: {spent.calls})"


def _failed_requests(failures: Failures) -> list[str]:
    """The requests without an answer: the first ones with their URL, the others by reason."""
    return [
        *failures.shown,
        *(f"and {number} more: {reason}" for reason, number in failures.others.most_common(REASONS_SHOWN)),
    ]


def _failed_outcomes(run: Run) -> list[str]:
    return [
        f"{source_id}: {outcome.url}: {outcome.status}"
        for source_id, outcomes in sorted(run.outcomes.items())
        for outcome in outcomes
        if not outcome.ok
    ]


def _status(run: Run, source_id: str) -> str:
    outcomes = run.outcomes.get(source_id, ())
    failed = sum(not outcome.ok for outcome in outcomes)
    if failed:
        return f"{failed} of {len(outcomes)} failed" if len(outcomes) > 1 else "failed"
    statuses = list(dict.fromkeys(outcome.status for outcome in outcomes))
    return "; ".join(statuses) or "ok"
