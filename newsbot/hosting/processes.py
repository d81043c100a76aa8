"""Processes of this machine, told apart for good: numbers are reused, and containers number anew."""

import os
import platform
import signal as signals
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil


@cache
def machine() -> str:
    """The scope of a process number: this host, since its start, in this container."""
    with suppress(OSError):  # Linux
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()}/{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    return f"{platform.node()}/{psutil.boot_time():.0f}"


def birth(pid: int) -> str | None:
    """When the process began, on a clock that nobody sets; None for one that has ended."""
    if os.path.exists("/proc/self/stat"):
        try:  # proc(5): the name, in brackets, may hold anything
            state, *rest = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if state in "ZX" else rest[18]
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None


def lives(pid: int, born: str | None) -> bool:
    """Whether that very process still exists."""
    return born is not None and birth(pid) == born


def end_group(pid: int | None) -> None:
    """Kill the rest of an ended job's process group, such as a browser."""
    if pid:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signals.SIGKILL)


def send(pid: int, born: str, signal: int) -> None:
    """Send a signal to that very process, if it still exists."""
    if lives(pid, born):
        with suppress(ProcessLookupError):
            os.kill(pid, signal)


def signal_number(name: str) -> int:
    """`INT`, `SIGINT` or `2`, in any case. Raises ValueError."""
    if name.isdecimal() and int(name) in set(signals.Signals):
        return int(name)
    try:
        return signals.Signals["SIG" + name.upper().removeprefix("SIG")]
    except KeyError:
        raise ValueError(f"{name!r} is not a signal; expected a name such as INT or KILL, or its number") from None


def killed_for_memory() -> int:
    """How often the kernel has killed a process of ours for want of memory; 0 where it does not report it."""
    for file in (_cgroup() / "memory.events", Path("/proc/vmstat")):
        with suppress(OSError):
            for line in file.read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0


@cache
def _cgroup() -> Path:
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::/"):
                return Path("/sys/fs/cgroup", line.removeprefix("0::/"))
    return Path("/sys/fs/cgroup")
