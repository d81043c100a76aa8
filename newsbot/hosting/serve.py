"""`python -m newsbot.hosting.serve [FOLDER]`: Scrapyd in the foreground, with the folder's scrapyd.conf: `make serve`.

Faults that keep it from running are reported in a line before it starts. It waits for a database that is merely away.
"""

import argparse
import configparser
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from scrapyd.config import Config

import newsbot
from newsbot.hosting.config import address, home, port
from newsbot.storage.database import Database
from newsbot.storage.errors import DatabaseError

USERNAME = "newsbot"
PATHS = ("NEWSBOT_HOME", "NEWSBOT_SCHEDULE", "CATALOGUE")  # environment variables


class ServeError(Exception):
    """A fault that keeps Scrapyd from running, and what it expects."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run Scrapyd until it is stopped."""
    parser = argparse.ArgumentParser(prog="serve", description="Run Scrapyd with newsbot's spiders and schedule.")
    parser.add_argument("folder", nargs="?", default=".", type=Path, help="of scrapyd.conf; default: this one")
    given = parser.parse_args(arguments)
    try:
        _enter(given.folder)
        _prepare(Config())
    except (ServeError, DatabaseError, configparser.Error) as error:
        sys.exit(f"serve: {' '.join(str(error).split())}")
    from scrapyd.__main__ import main as scrapyd

    sys.argv = ["scrapyd", "--pidfile="]
    scrapyd()


def _enter(folder: Path) -> None:
    """Work in `folder`, as jobs will; relative paths of the environment keep their meaning."""
    if not (folder / "scrapyd.conf").exists():
        raise ServeError(
            f"there is no scrapyd.conf in {folder.resolve()}: name the folder scrapyd/ of newsbot, or a copy"
        )
    for name in PATHS:
        if value := os.environ.get(name):
            os.environ[name] = os.path.abspath(os.path.expanduser(value))
    root = Path(newsbot.__file__).parents[1]
    if root == Path.cwd():  # found because it is here
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    os.chdir(folder)


def _prepare(config: Config) -> None:
    """Try everything that may be wrong. Raises `ServeError` or `DatabaseError`."""
    from newsbot.settings import NUMBERS, wrong_number  # reads the environment, whose paths are absolute by now

    for name in NUMBERS:
        if (value := os.environ.get(name)) and (wrong := wrong_number(name, value)):
            raise ServeError(wrong)
    place, number = address(config), _port(config)
    _try_to_bind(place, number)
    try:
        Database.from_settings(os.environ).check()  # an embedded one makes the home as its server needs it
    except DatabaseError as error:
        if not error.lost:
            raise
    username = _login(config)
    print(
        f"http://{f'[{place}]' if ':' in place else place}:{number}/ is the page, for the user {username}."
        f" Eggs, logs and items are in {home()}. Ctrl-C stops it: running crawls end in order.",
        flush=True,
    )


def _port(config: Config) -> int:
    try:
        number = port(config)
    except ValueError:
        number = 0
    if not 0 < number < 65_536:
        given = os.environ.get("SCRAPYD_HTTP_PORT")
        name = f"SCRAPYD_HTTP_PORT={given}" if given else f"http_port = {config.get('http_port')} in scrapyd.conf"
        raise ServeError(f"{name}: expected a number from 1 to 65535")
    return number


def _try_to_bind(address: str, number: int) -> None:
    try:
        family, *_, place = socket.getaddrinfo(address, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except OSError as error:
        raise ServeError(
            f"port {number} of {address} cannot be used: {error.strerror};"
            " SCRAPYD_HTTP_PORT names another port, SCRAPYD_BIND_ADDRESS another address"
        ) from None


def _login(config: Config) -> str:
    """The user name. The first start makes a missing one, with a password."""
    given = [os.environ.get(f"SCRAPYD_{name.upper()}") or config.get(name, "") for name in ("username", "password")]
    if not any(given):
        given = _made_login(home() / "login")
        os.environ["SCRAPYD_USERNAME"], os.environ["SCRAPYD_PASSWORD"] = given
    if not all(given) or ":" in given[0]:
        raise ServeError(
            "a user name, which has no colon, and a password go together: set both SCRAPYD_USERNAME and"
            " SCRAPYD_PASSWORD, or none to have them made"
        )
    return given[0]


def _made_login(file: Path) -> tuple[str, str]:
    """The login kept in `file`; makes and shows one when there is none."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            password = secrets.token_urlsafe(18)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as stream:
                stream.write(f"{USERNAME}:{password}\n")
            print(f"User name {USERNAME}, password {password} (shown this once; kept in {file})", flush=True)
        username, _, password = file.read_text("utf-8").strip().partition(":")
    except OSError as error:
        raise ServeError(
            f"{error.filename} cannot be used: {error.strerror}; NEWSBOT_HOME names another home"
        ) from None
    if not username or not password:
        raise ServeError(f"{file} holds no user name and password: remove it, and new ones are made")
    return username, password


if __name__ == "__main__":
    main()
