"""Scrapyd's configuration with its folders in newsbot's home, the same for the server and for each job."""

import os
import socket
from pathlib import Path

from scrapyd.config import Config

FOLDERS = ("eggs_dir", "logs_dir", "items_dir", "jobs_dir", "dbs_dir")
DEFAULT_PORT = 6800


def configured() -> Config:
    """The configuration that Scrapyd finds in the working folder."""
    return placed(Config())


def placed(config: Config) -> Config:
    """The same configuration, its relative folders in `home`."""
    for name in FOLDERS:
        folder = config.get(name, "")
        if folder and "://" not in folder:
            config.cp.set(config.SECTION, name, str(home() / folder).replace("%", "%%"))
    return config


def home() -> Path:
    """The folder of Scrapyd's eggs and logs: `scrapyd` in `NEWSBOT_HOME`."""
    if given := os.environ.get("NEWSBOT_HOME"):
        return Path(given).expanduser().resolve() / "scrapyd"
    from newsbot.storage import embedded

    return embedded.default_home() / "scrapyd"


def address(config: Config) -> str:
    """The address that it listens on."""
    return os.environ.get("SCRAPYD_BIND_ADDRESS") or config.get("bind_address", "127.0.0.1")


def port(config: Config) -> int:
    """The port that it listens on."""
    return int(os.environ.get("SCRAPYD_HTTP_PORT") or config.getint("http_port", DEFAULT_PORT))


def node_name(config: Config) -> str:
    """The name of this Scrapyd among those of one database: the host's, with any port but the usual one."""
    if given := config.get("node_name", ""):
        return given
    number = port(config)
    return socket.gethostname() + (f":{number}" if number != DEFAULT_PORT else "")
