"""Measures the cost of a child process, and prints a figure."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage

from newsbot.settings import OWN

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figure:
    """One row of the report; `measured` and `target` are in `unit`."""

    what: str
    measured: float
    unit: str
    target: float | None = None  # None: reported for comparison only
    at_least: bool = False  # the target; else at most
    detail: str = ""

    @property
    def reached(self) -> str:
        """`yes`, `NO`, or nothing without a target."""
        if self.target is None:
            return ""
        return "yes" if (self.measured >= self.target if self.at_least else self.measured <= self.target) else "NO"


def environment(**variables: str) -> dict[str, str]:
    """Our environment without newsbot's settings; compiled modules are kept, as outside a container's build."""
    foreign = {*OWN, "PYTHONDONTWRITEBYTECODE", "SCRAPY_SETTINGS_MODULE"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return kept | {"PYTHONPATH": str(ROOT)} | variables


def start(command: Iterable[str | Path], output: int, folder: Path, env: Mapping[str, str]) -> subprocess.Popen:
    """`python -m command` in a folder, its output into the file descriptor `output`."""
    return subprocess.Popen(
        [sys.executable, "-m", *command], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
    )


def run(*command: str | Path, folder: Path, env: Mapping[str, str]) -> float:
    """CPU seconds, user and system, of `python -m command` and of the processes that it waited for.

    Raises RuntimeError with the end of its output when it fails.
    """
    usage = used(*command, folder=folder, env=env)
    return usage.ru_utime + usage.ru_stime


def used(*command: str | Path, folder: Path, env: Mapping[str, str]) -> struct_rusage:
    """The resources of `python -m command`; as `run`."""
    with tempfile.TemporaryFile() as output:
        process = start(command, output.fileno(), folder, env)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2_000:]
            raise RuntimeError(f"{' '.join(map(str, command[:4]))} failed with {process.returncode}:\n{said}")
    return usage
