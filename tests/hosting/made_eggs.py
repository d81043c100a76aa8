"""Eggs of made-up projects, and of newsbot with a spider that reports whose code runs."""

import io
import shutil
import zipfile

SPIDER = """
import json
import sys
from pathlib import Path

import scrapy

MARKER = {marker!r}


class Tells(scrapy.Spider):
    \"\"\"Appends to the file `tells` its marker and where its modules of the package are from.\"\"\"

    name = "tells"

    async def start(self):
        package = __name__.partition(".")[0]
        modules = dict(sys.modules)
        files = [module.__file__ for name, module in modules.items() if name.split(".")[0] == package]
        with Path(self.tells).open("a") as file:
            print(json.dumps([MARKER, files]), file=file)
        return
        yield
"""


def made_egg(marker, package="shop", **files):
    """The bytes of an egg of a small project; `files` replaces files by name, None leaves one out."""
    contents = {
        f"{package}/__init__.py": "",
        f"{package}/settings.py": f"SPIDER_MODULES = ['{package}.spiders']\nTELNETCONSOLE_ENABLED = False\n",
        f"{package}/spiders/__init__.py": "",
        f"{package}/spiders/tells.py": SPIDER.format(marker=marker),
        "EGG-INFO/PKG-INFO": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        "EGG-INFO/entry_points.txt": f"[scrapy]\nsettings = {package}.settings\n",
        "EGG-INFO/top_level.txt": f"{package}\n",
    } | files
    egg = io.BytesIO()
    with zipfile.ZipFile(egg, "w") as archive:
        for name, text in contents.items():
            if text is not None:
                archive.writestr(name, text)
    return egg.getvalue()


def changed_egg(egg, place, add=None, leave_out=lambda name: False):
    """The bytes of a copy of `egg` with other contents."""
    with zipfile.ZipFile(egg) as old, zipfile.ZipFile(place, "w") as new:
        for name in old.namelist():
            if name not in (add or {}) and not leave_out(name):
                new.writestr(name, old.read(name))
        for name, text in (add or {}).items():
            new.writestr(name, text)
    return place.read_bytes()


def marked_newsbot(egg, place, marker):
    """newsbot's egg with the spider."""
    return changed_egg(egg, place, {"newsbot/spiders/tells.py": SPIDER.format(marker=marker)})


def copied_checkout(root, place):
    """A copy of the files to build, for tests to break."""
    from newsbot.hosting.deploy import SOURCES

    place.mkdir()
    for name in SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, place)
    return place
