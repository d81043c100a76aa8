"""How a job ended, by name, from what is known of its process."""

from collections.abc import Sequence
from typing import NamedTuple

from newsbot.storage.jobs import CANCELLED, FAILED, FINISHED, KILLED, OUT_OF_MEMORY, TIMED_OUT


class End(NamedTuple):
    """A state of `storage.jobs` and, unless it is plain, why."""

    state: str
    reason: str | None


def named(
    exit_code: int | None,
    signal: int | None,
    *,
    asked: str | None,
    finish_reason: str | None,
    out_of_memory: bool,
    last_lines: Sequence[str],
) -> End:
    """The end of a process that has an exit code or fell to a signal.

    `asked` is the state that it was told to end with, `finish_reason` what its run says, `out_of_memory` whether the
    kernel killed something for that meanwhile, `last_lines` the last of what it logged or printed.
    """
    if asked in (CANCELLED, TIMED_OUT):
        return End(asked, None)
    if finish_reason == "memusage_exceeded":
        return End(OUT_OF_MEMORY, "it passed MEMUSAGE_LIMIT_MB")
    if exit_code and any(line.startswith("MemoryError") for line in last_lines):
        return End(OUT_OF_MEMORY, "it was refused more memory")
    if signal is not None:
        if signal == 9 and out_of_memory:
            return End(OUT_OF_MEMORY, "the kernel killed it for want of memory")
        return End(KILLED, f"by signal {signal}")
    if finish_reason in ("shutdown", "cancelled"):
        return End(KILLED, "told to stop by a signal that was not Scrapyd's")
    if exit_code == 0:
        return End(FINISHED, None if finish_reason in (None, "finished") else finish_reason)
    if finish_reason not in (None, "finished"):
        return End(FAILED, finish_reason)
    if finish_reason == "finished":
        return End(FAILED, "every source failed or nothing could be stored; see its log")
    return End(FAILED, last_lines[-1] if last_lines else None)
