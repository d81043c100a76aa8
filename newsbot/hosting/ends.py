"""How a job ended, by name, from the signs of its process."""

import logging
import signal as signals
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from newsbot.hosting import logs
from newsbot.hosting.redaction import without
from newsbot.job import CANCELLED, FAILED, FINISHED, KILLED, OUT_OF_MEMORY, STOPPED, TIMED_OUT, Job
from newsbot.storage import jobs

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

logger = logging.getLogger(__name__)


class End(NamedTuple):
    """A state of `newsbot.job` and, unless it says all, the reason."""

    state: str
    reason: str | None = None


def close(
    cursor: "Cursor",
    job: Job,
    exit_code: int | None,
    signal: int | None,
    *,
    asked: str | None = None,
    out_of_memory: bool = False,
) -> None:
    """Note the end of a job whose process had an exit code or fell to a signal; see `named`."""
    finish_reason = jobs.finish_reason(cursor, job.token)
    asked = asked or jobs.asked_end(cursor, job.token)
    if asked == STOPPED and finish_reason != "finished":
        jobs.give_back(cursor, job.token, "its Scrapyd was stopped", suspect=False)
        return
    end = named(
        exit_code,
        signal,
        asked=asked,
        finish_reason=finish_reason,
        failure=jobs.first_failure(cursor, job.token),
        out_of_memory=out_of_memory,
        last_lines=logs.last_lines(job.log_file),
        log_is_full=logs.is_full(job.log_file),
    )
    reason = without(end.reason, job.args | job.settings) if end.reason else None
    if jobs.end(cursor, job.token, end.state, exit_code=exit_code, signal=signal, reason=reason):
        level = logging.INFO if end.state == FINISHED else logging.WARNING
        logger.log(level, "Job %s of %s: %s%s", job.id, job.spider, end.state, f", {reason}" if reason else "")


def close_orphan(cursor: "Cursor", job: Job, *, asked: str | None = None) -> None:
    """Note the end of a job that this process did not start: by the exit code that it noted itself.

    Without one it did not end in order, and is requeued.
    """
    exit_code = jobs.exit_code(cursor, job.token)
    if exit_code is not None:
        close(cursor, job, exit_code, None, asked=asked)
    elif asked == TIMED_OUT:
        close(cursor, job, None, signals.SIGKILL, asked=asked)
    elif jobs.give_back(cursor, job.token, f"its process is gone; it was on {job.node}"):
        logger.warning("Job %s of %s is requeued: its process is gone", job.id, job.spider)


def named(
    exit_code: int | None,
    signal: int | None,
    *,
    asked: str | None,
    finish_reason: str | None,
    failure: str | None = None,
    out_of_memory: bool,
    last_lines: Sequence[str],
    log_is_full: bool = False,
) -> End:
    """The end of a process that has an exit code or fell to a signal.

    `asked` is the state that Scrapyd asked it to end with, `finish_reason` what its run says, `failure` its first
    failure, `out_of_memory` whether the kernel killed something for want of memory, `last_lines` its last lines
    of log or print, `log_is_full` whether it could log no more. A reason begins with the signal or the exit code; its
    first failure follows, or the error it logged last.
    """
    error = logs.last_error(last_lines)
    if asked in (CANCELLED, TIMED_OUT):
        return End(asked)
    if finish_reason == "memusage_exceeded":
        return End(OUT_OF_MEMORY, "it passed MEMUSAGE_LIMIT_MB")
    if exit_code and any(line.startswith("MemoryError") for line in last_lines):
        return End(OUT_OF_MEMORY, "it was refused more memory")
    if signal == signals.SIGKILL and out_of_memory:
        return End(OUT_OF_MEMORY, "the kernel killed it for want of memory")
    if signal is not None:
        return End(KILLED, _told(f"signal {_named(signal)}", error))
    if finish_reason in ("shutdown", "cancelled"):
        return End(KILLED, "stopped by a signal that was not Scrapyd's")
    if exit_code == 0:
        return End(FINISHED, None if finish_reason in (None, "finished") else finish_reason)
    why = "every source failed or nothing could be stored" if finish_reason == "finished" else finish_reason
    error = (failure if finish_reason == "finished" else None) or error or logs.last_words(last_lines)
    if log_is_full and not error:
        error = "there is no room left for its log"
    return End(FAILED, _told(f"exit code {exit_code}", why, error))


def _named(signal: int) -> str:
    """A signal by number and name."""
    try:
        return f"{signal} ({signals.Signals(signal).name})"
    except ValueError:  # one of those that programs may use as they like
        return str(signal)


def _told(*parts: str | None) -> str:
    return ": ".join(filter(None, parts))
