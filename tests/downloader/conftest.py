import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import serve

__all__ = ["serve"]

PROBE = Path(__file__).with_name("probe.py")
ROOT = PROBE.parents[2]


class Crawl:
    def __init__(self, finished):
        self.log = finished.stderr
        self.exit_code = finished.returncode
        result = json.loads(finished.stdout or "{}")
        self.outcomes = result.get("outcomes", [])
        self.stats = result.get("stats", {})
        self.lookups = result.get("lookups", [])
        self.peak_memory = result.get("peak_memory")

    def __getitem__(self, asked):
        found = [outcome for outcome in self.outcomes if outcome["asked"] == asked]
        assert len(found) == 1, f"{len(found)} outcomes of {asked}: {self.outcomes}\n{self.log}"
        return found[0]


@pytest.fixture
def crawl():
    """Crawl URLs, or requests as mappings, in a separate process."""

    def run(*requests, names=None, public=(), environment=None, **settings):
        asked = [request if isinstance(request, dict) else {"url": request} for request in requests]
        task = {"requests": asked, "names": names or {}, "public": list(public), "settings": settings}
        without_proxy = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        finished = subprocess.run(
            [sys.executable, str(PROBE)],
            input=json.dumps(task),
            env={**without_proxy, "PYTHONPATH": str(ROOT), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Crawl(finished)

    return run
