"""`python -m newsbot.hosting.runner`: runs `scrapy` for Scrapyd, with the code of the requested version.

An egg comes first on the path: newsbot is installed beside Scrapyd as well, and would else run in its place. A job of
any project keeps its lease from here.
"""

import signal

# Until Scrapy sets its handlers: Python's raises in the middle of an import, where it may be lost. Scrapyd, which
# imports this module as well, must keep Python's: Twisted replaces only that one.
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import atexit
import importlib
import json
import os
import shutil
import sys
import tempfile
from importlib import metadata
from typing import IO

from scrapyd.exceptions import DirectoryTraversalError
from scrapyd.utils import initialize_component

from newsbot.hosting.config import configured
from newsbot.hosting.lease import Lease
from newsbot.job import TOKEN

HIDDEN = "NEWSBOT_JOB_SECRETS"  # environment variable: JSON list of the secret words of the command line
STAGED = "NEWSBOT_STAGED_EGG"  # environment variable: the egg that runs, which is not in the storage yet


def main() -> None:
    """Run `scrapy` with the given arguments; never returns."""
    token = os.environ.get(TOKEN)
    if token:
        os.setsid()  # Ctrl-C at Scrapyd's terminal is Scrapyd's: it ends its jobs itself
    # A command takes its name in errors from its first word.
    sys.argv = ["scrapy", *sys.argv[1:], *json.loads(os.environ.pop(HIDDEN, "[]"))]
    lease = Lease.begin(token) if token else None
    code: object = 1
    try:
        activate(os.environ["SCRAPY_PROJECT"], os.environ.get("SCRAPYD_EGG_VERSION"))
        from scrapy.cmdline import execute  # reads SCRAPY_SETTINGS_MODULE, or [settings] of scrapy.cfg for the project

        execute()
    except SystemExit as end:
        code = end.code
        raise
    finally:
        if lease:
            lease.end(code if isinstance(code, int) else int(code is not None))


def activate(project: str, version: str | None) -> None:
    """Put the egg of that version, or the newest, first on the path; without any egg the installed code runs.

    A staged egg goes before all. Exits, with the reason, when there is no such version or it is not an egg of a Scrapy
    project.
    """
    if staged := os.environ.pop(STAGED, None):
        _use(staged, f"the egg for project {project!r}")
        return
    storage = initialize_component(configured(), "eggstorage", "scrapyd.eggstorage.FilesystemEggStorage")
    try:
        found, egg = storage.get(project, version)
    except DirectoryTraversalError as error:
        sys.exit(f"project {project!r}: {error}")
    if egg is None:
        if version:
            sys.exit(f"version {version!r} of project {project!r} is not on this node; see listversions.json")
        return
    with egg:
        path = _path(egg)
    _use(path, f"version {found!r} of project {project!r}")


def _use(path: str, name: str) -> None:
    """Run the egg at `path` from here on; `name` stands for it in errors."""
    try:
        distribution = next(iter(metadata.distributions(path=[path])), None)
    except Exception as error:  # noqa: BLE001  anything may stand in that file
        sys.exit(f"{name} cannot be read: {error}")
    if distribution is None:
        sys.exit(f"{name} is not an egg: it has no EGG-INFO")
    settings = [
        entry.value for entry in distribution.entry_points if (entry.group, entry.name) == ("scrapy", "settings")
    ]
    if not settings:
        sys.exit(f"{name} lacks the entry point `settings` of the group `scrapy`")
    sys.path.insert(0, path)
    for package in (distribution.read_text("top_level.txt") or "").split():
        for module in [module for module in sys.modules if module == package or module.startswith(f"{package}.")]:
            del sys.modules[module]  # of the installed one; running code already has its modules
    importlib.invalidate_caches()
    os.environ["SCRAPY_SETTINGS_MODULE"] = settings[0]


def _path(egg: IO[bytes]) -> str:
    if isinstance(name := getattr(egg, "name", None), str):
        return os.path.abspath(name)
    with tempfile.NamedTemporaryFile(suffix=".egg", delete=False) as copy:  # from a storage without files
        atexit.register(os.remove, copy.name)
        shutil.copyfileobj(egg, copy)
    return copy.name


if __name__ == "__main__":
    main()
