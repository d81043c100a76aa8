"""`python -m newsbot.hosting.deploy TARGET`: upload this checkout to a Scrapyd with newsbot; see `make deploy`.

The server tries the egg before it serves it: it lists the egg's spiders and runs `PROBE`, which migrates the database.
Until then, and when that fails, the version before goes on serving.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import requests

ROOT = Path(__file__).parents[2]  # of the checkout
SOURCES = ("newsbot", "pyproject.toml", "setup.py", "README.md")  # the files a build reads
TIMEOUT = 10, 600  # seconds to connect, and for an answer: the server may try two eggs, one after the other

# A run of everything but the fetching: a shard for each possible CRC-32 of a source's id is empty.
PROBE = {"probe": "headlines", "arg": f"shard=0/{2**32}"}


class DeployError(Exception):
    """The version is not deployed; the message says why."""


class Target:
    """A Scrapyd at `http://user:password@host:6800`; shows its address without the login."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self._session = requests.Session()
        if username:
            self._session.auth = username.encode(), password.encode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the command line. Without a login in the URL the environment's counts. Raises `DeployError`."""
        try:
            parts = urlsplit(text)
            fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            fine = False
        if not fine or parts.query or parts.fragment:
            raise DeployError(  # without the text, any part of which may be a password
                "TARGET cannot be read: expected http://user:password@host:6800, with special characters of the"
                " password as %XX; or leave the login to SCRAPYD_USERNAME and SCRAPYD_PASSWORD"
            )
        given = unquote(parts.username or ""), unquote(parts.password or "")
        login = (
            given if any(given) else (os.environ.get("SCRAPYD_USERNAME", ""), os.environ.get("SCRAPYD_PASSWORD", ""))
        )
        place = parts.netloc.rpartition("@")[2]
        return cls(f"{parts.scheme}://{place}{parts.path.rstrip('/')}", *login)

    def get(self, call: str, **params: str) -> dict[str, Any]:
        """The answer of a GET call. Raises `DeployError`."""
        return self._ask("GET", call, params=params)

    def post(self, call: str, data: dict[str, str], **options: Any) -> dict[str, Any]:
        """The answer of a POST call. Raises `DeployError`."""
        return self._ask("POST", call, data=data, **options)

    def _ask(self, method: str, call: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._session.request(
                method, f"{self.url}/{call}", timeout=TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise DeployError(f"{self.url} does not answer: {error}") from None
        if response.status_code == requests.codes.unauthorized:
            raise DeployError(f"{self.url} refuses the user name or the password")
        try:
            answer = response.json()
            fine = answer["status"] == "ok"
        except (ValueError, TypeError, KeyError):
            raise DeployError(
                f"{self.url}/{call} answers {response.status_code} {response.reason}: this is not a Scrapyd"
            ) from None
        if not fine:
            raise DeployError(f"{self.url} says: {answer.get('message')}")
        return answer


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 0 when the new version serves, 1 when it does not, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="deploy", description="Upload newsbot to a Scrapyd, prove it, or roll back.")
    parser.add_argument("target", metavar="TARGET", help="http://user:password@host:6800")
    parser.add_argument("--project", default="newsbot", help="default: newsbot")
    parser.add_argument("--version", default=f"{datetime.now(UTC):%Y%m%d%H%M%S}", help="default: the time in UTC")
    given = parser.parse_args(arguments)
    try:
        deploy(Target.parse(given.target), given.project, given.version)
    except DeployError as error:
        sys.exit(f"deploy: {error}")


def deploy(target: Target, project: str, version: str) -> None:
    """Build this checkout, upload it and check that it is the version that serves. Raises `DeployError`."""
    before = target.get("listversions.json", project=project)["versions"]
    if version in before:
        raise DeployError(f"{target.url} has a version {version} of {project} already")
    with tempfile.TemporaryDirectory(prefix="newsbot-deploy-") as folder:
        egg = build(Path(folder))
        print(f"Uploading {egg.stat().st_size / 1e6:.1f} MB as version {version} of {project} to {target.url}")
        try:
            with egg.open("rb") as file:
                data = {"project": project, "version": version} | PROBE
                target.post("addversion.json", data, files={"egg": ("newsbot.egg", file)})
            spiders = _proven(target, project, version)
        except (DeployError, KeyboardInterrupt) as error:
            raise DeployError(f"{str(error) or 'interrupted'}\n{_roll_back(target, project, version)}") from None
    print(
        f"{target.url} serves version {version} of {project}, which has run a probe; its spiders: {', '.join(spiders)}"
    )


def build(folder: Path) -> Path:
    """The egg of this checkout, made in `folder` from a copy. Raises `DeployError`, also when files are missing."""
    if not (ROOT / "setup.py").exists():
        raise DeployError(f"there is no setup.py in {ROOT}: deploy from a checkout of newsbot")
    copy = folder / "checkout"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    command = [sys.executable, "setup.py", "--quiet", "bdist_egg", "--dist-dir", folder]
    done = subprocess.run(command, cwd=copy, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    if done.returncode:
        raise DeployError(f"the egg cannot be built:\n{done.stdout}{done.stderr}".rstrip())
    egg = next(folder.glob("*.egg"))
    wanted = {str(file.relative_to(copy)) for file in (copy / "newsbot").rglob("*") if file.is_file()}
    if missing := sorted(wanted - set(zipfile.ZipFile(egg).namelist())):
        raise DeployError(f"the egg lacks {', '.join(missing)}: name it under package-data in pyproject.toml")
    return egg


def _proven(target: Target, project: str, version: str) -> list[str]:
    """The spiders of the version that now serves. Raises `DeployError` when another version serves."""
    spiders = target.get("listspiders.json", project=project, _version=version)["spiders"]
    newest = target.get("listversions.json", project=project)["versions"][-1]
    if newest != version:
        raise DeployError(f"the version {newest} comes after {version} in order, and so would go on serving")
    return spiders


def _roll_back(target: Target, project: str, version: str) -> str:
    """Make sure that the version is gone; returns which one serves then, in words."""
    try:
        if version in target.get("listversions.json", project=project)["versions"]:
            target.post("delversion.json", {"project": project, "version": version})
        left = target.get("listversions.json", project=project)["versions"]
    except DeployError as error:
        return f"cannot tell whether version {version} serves, since {error}; look at listversions.json"
    return f"Version {left[-1] if left else 'of before, as it is installed there,'} serves as before."


if __name__ == "__main__":
    main()
