"""A copy of the project as a user gets it, with the packages of this environment."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
VENV = Path(sys.prefix)
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".scrapy", "*.egg-info")


def copy_project(folder):
    shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)


def share_packages(venv):
    """The result of `make install`, without the time that it takes."""
    venv.mkdir()
    for each in VENV.iterdir():
        if not each.name.startswith(".installed"):
            (venv / each.name).symlink_to(each)
    (venv / ".installed").touch()
