"""The environment of these tests' processes."""

import os
from pathlib import Path

from stand_ins import Guardian, NewsApi

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEYS = {"GUARDIAN_API_KEY": Guardian.key, "NEWSAPI_KEY": NewsApi.key}


def environment(**more):
    """Of a child process: without proxies, with the keys of the stand-ins."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    paths = os.pathsep.join([str(HERE), str(ROOT)])
    return kept | {"PYTHONPATH": paths, "SCRAPY_SETTINGS_MODULE": "newsbot.settings"} | KEYS | more
