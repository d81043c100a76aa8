"""Which spiders a version of a project has, as its own `scrapy list` says."""

import os
import subprocess
import sys
import threading

from scrapyd.interfaces import IEggStorage

TIMEOUT = 120  # seconds for a project to list its spiders
STAGED = "NEWSBOT_STAGED_EGG"  # environment variable: the runner takes this egg, which is not in the storage yet


class ListingError(Exception):
    """The version can not list its spiders: what it said last."""


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
        env = os.environ | {"SCRAPY_PROJECT": project, "PYTHONIOENCODING": "UTF-8"}
        if version:
            env["SCRAPYD_EGG_VERSION"] = version
        if staged:
            env[STAGED] = staged
        command = [sys.executable, "-m", self._runner, "list", "-s", "LOG_STDOUT=0"]
        try:
            done = subprocess.run(command, env=env, capture_output=True, timeout=TIMEOUT, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise ListingError(f"it did not list its spiders within {TIMEOUT} s") from None
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise ListingError(said[-1] if said else f"exit code {done.returncode}")
        return done.stdout.decode().splitlines()

    def forget(self, project: str) -> None:
        """After a version came or went."""
        for key in [key for key in self._known if key[0] == project]:
            self._known.pop(key, None)
