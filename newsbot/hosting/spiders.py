"""Which spiders a version of a project has, as its own `scrapy list` says, and whether it can run one."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from scrapyd.interfaces import IEggStorage

from newsbot.hosting.runner import STAGED

TIMEOUT = 120  # seconds for a project to list its spiders, or to run one on trial


class ListingError(Exception):
    """The version can not list its spiders: what it said last."""


class ProbeError(Exception):
    """The version can not run the spider that it is tried with: what it said last."""


class SpiderList:
    """The lists, kept; a thread each."""

    def __init__(self, eggstorage: IEggStorage, runner: str) -> None:
        self._eggstorage, self._runner = eggstorage, runner
        self._known: dict[tuple[str, str | None], list[str]] = {}
        self._lock = threading.Lock()

    def get(self, project: str, version: str | None = None) -> list[str]:
        """The spiders of a version, or of the newest one. Raises `ListingError`."""
        with self._lock:  # of those that ask at once one asks the project
            versions = self._eggstorage.list(project)
            key = project, version or (versions[-1] if versions else None)
            if key not in self._known:
                self._known[key] = self.ask(project, key[1])
            return self._known[key]

    def ask(self, project: str, version: str | None, staged: str | None = None) -> list[str]:
        """Let the project say it: the version's, or the code of the egg `staged`. Raises `ListingError`."""
        env = {"SCRAPYD_EGG_VERSION": version} if version else {}
        if staged:
            env[STAGED] = staged
        return self._scrapy(ListingError, project, env, "list", "-s", "LOG_STDOUT=0").splitlines()

    def probe(self, project: str, staged: str, spider: str, arguments: Sequence[str]) -> None:
        """Let the egg `staged` run a spider, each of the arguments `NAME=VALUE`. Raises `ProbeError`."""
        given = [word for argument in arguments for word in ("-a", argument)]
        self._scrapy(ProbeError, project, {STAGED: staged}, "crawl", spider, *given, "-s", "LOG_LEVEL=ERROR")

    def _scrapy(self, error: type[Exception], project: str, env: dict[str, str], *arguments: str) -> str:
        """What `scrapy` prints as a job of the project; `error`, with what it said last, when it fails."""
        env = os.environ | {"SCRAPY_PROJECT": project, "PYTHONIOENCODING": "UTF-8"} | env
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", self._runner, *arguments],
            **{"env": env, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
            **{"encoding": "utf-8", "errors": "replace"},
            start_new_session=True,  # its children end with it, and Ctrl-C at the terminal is Scrapyd's
        ) as process:
            try:
                printed, said = process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise error(f"`scrapy {arguments[0]}` did not end within {TIMEOUT} s") from None
        if process.returncode:
            lines = (said or printed).strip().splitlines()
            raise error(lines[-1] if lines else f"exit code {process.returncode}")
        return printed

    def forget(self, project: str) -> None:
        """After a version came or went."""
        for key in [key for key in self._known if key[0] == project]:
            self._known.pop(key, None)
