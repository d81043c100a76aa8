"""The spiders of a version of a project, by its own `scrapy list`, and whether it can run one."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scrapyd.interfaces import IEggStorage
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

import newsbot
from newsbot.hosting.runner import STAGED
from newsbot.hosting.threads import in_own_thread

_SPIDERS = Path(newsbot.__file__).parent / "spiders"
TIMEOUT = 120  # seconds for a project to list its spiders, or to run one on trial


class ListingError(Exception):
    """The version cannot list its spiders; the message is its last line."""


class ProbeError(Exception):
    """The version cannot run the trial spider; the message is its last line."""


_Version = tuple[str, str | None]  # a project with its version; without one the installed code


class SpiderList:
    """The lists, kept. Several callers for one unknown list share the answer to one question to the project."""

    def __init__(self, eggstorage: IEggStorage, runner: str) -> None:
        self._eggstorage, self._runner = eggstorage, runner
        self._known: dict[_Version, list[str]] = {}
        self._changed_at = 0  # of the folder of spiders, as it was listed last
        self._waiting: dict[_Version, list[Deferred[list[str]]]] = {}
        self._processes: set[subprocess.Popen[str]] = set()
        reactor.addSystemEventTrigger("before", "shutdown", self._end)

    def is_installed(self, project: str) -> bool:
        """Whether the project's newest version is the installed code, as it has no egg."""
        return not self._eggstorage.list(project)

    def known(self, project: str, version: str | None = None) -> list[str] | None:
        """The spiders of a version, or of the newest one; None when they are not listed yet."""
        key = self._key(project, version)
        if key[1] is None:  # the installed code, to which a user adds spiders
            changed_at = _SPIDERS.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._changed_at = changed_at
                self._known.pop(key, None)
        return self._known.get(key)

    def get(self, project: str, version: str | None = None) -> "Deferred[list[str]]":
        """The spiders of a version, or of the newest one, once they are known; fails with `ListingError`."""
        known = self.known(project, version)
        if known is not None:
            return succeed(known)
        key = self._key(project, version)
        if key not in self._waiting:
            listing = in_own_thread(self.ask, *key)
            self._waiting[key] = waiting = []
            listing.addBoth(self._listed, key, waiting)
        mine: Deferred[list[str]] = Deferred()  # a caller that gives up leaves the others theirs
        self._waiting[key].append(mine)
        return mine

    def _listed(self, outcome: list[str] | Failure, key: _Version, waiting: list["Deferred[list[str]]"]) -> None:
        if self._waiting.get(key) is waiting:  # not dropped meanwhile
            del self._waiting[key]
            if not isinstance(outcome, Failure):
                self._known[key] = outcome
        for each in waiting:
            each.callback(outcome)

    def _key(self, project: str, version: str | None) -> _Version:
        if version is None:
            version = next(reversed(self._eggstorage.list(project)), None)
        return project, version and re.sub(
            r"[^A-Za-z0-9_-]", "_", version
        )  # as the name of its egg, which `list` gives

    def ask(self, project: str, version: str | None, staged: str | None = None) -> list[str]:
        """Ask the project: the version's code, or that of the egg `staged`. Waits; raises `ListingError`."""
        env = {"SCRAPYD_EGG_VERSION": version} if version else {}
        if staged:
            env[STAGED] = staged
        return self._scrapy(ListingError, project, env, "list", "-s", "LOG_STDOUT=0").splitlines()

    def probe(self, project: str, staged: str, spider: str, arguments: Sequence[str]) -> None:
        """Let the egg `staged` run a spider, with the arguments `NAME=VALUE`. Raises `ProbeError`."""
        given = [word for argument in arguments for word in ("-a", argument)]
        self._scrapy(ProbeError, project, {STAGED: staged}, "crawl", spider, *given, "-s", "LOG_LEVEL=ERROR")

    def _scrapy(self, error: type[Exception], project: str, env: dict[str, str], *arguments: str) -> str:
        """The output of `scrapy` as a job of the project; raises `error`, with its last line, when it fails."""
        env = os.environ | {"SCRAPY_PROJECT": project, "PYTHONIOENCODING": "UTF-8"} | env
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", self._runner, *arguments],
            **{"env": env, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
            **{"encoding": "utf-8", "errors": "replace"},
            start_new_session=True,  # its children end with it, and Ctrl-C at the terminal is Scrapyd's
        ) as process:
            self._processes.add(process)
            try:
                printed, said = process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                _kill(process)
                raise error(f"`scrapy {arguments[0]}` did not end within {TIMEOUT} s") from None
            finally:
                self._processes.discard(process)
        if process.returncode:
            lines = (said or printed).strip().splitlines()
            raise error(lines[-1] if lines else f"exit code {process.returncode}")
        return printed

    def keep(self, project: str, version: str, spiders: list[str]) -> None:
        """Keep the list of a new version."""
        key = self._key(project, version)
        self._waiting.pop(key, None)  # another egg of this version may answer differently
        self._known[key] = spiders

    def forget(self, project: str) -> None:
        """Drop the list of a deleted version."""
        for kept in (self._known, self._waiting):
            for key in [key for key in kept if key[0] == project]:
                del kept[key]

    def _end(self) -> None:
        """Kill the processes asked, as Scrapyd stops."""
        for process in tuple(self._processes):
            _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
