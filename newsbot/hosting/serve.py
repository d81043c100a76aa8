"""`python -m newsbot.hosting.serve`: Scrapyd in the foreground, with this folder's scrapyd.conf; see `make serve`."""

import os
import secrets
import sys
from pathlib import Path

import newsbot
from newsbot.hosting.config import home

USERNAME = "newsbot"


def main() -> None:
    """Run Scrapyd until it is told to stop."""
    if not Path("scrapyd.conf").exists():
        sys.exit(
            f"there is no scrapyd.conf in {Path.cwd()}: run this in the folder scrapyd/ of newsbot, or in a copy of it"
        )
    # Jobs run in this folder as well, where newsbot is not, unless it is installed.
    path = [str(Path(newsbot.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    if not os.environ.get("SCRAPYD_USERNAME") and not os.environ.get("SCRAPYD_PASSWORD"):
        os.environ["SCRAPYD_USERNAME"], os.environ["SCRAPYD_PASSWORD"] = login()
    from scrapyd.__main__ import main as scrapyd

    sys.argv = ["scrapyd", "--pidfile="]
    scrapyd()


def login() -> tuple[str, str]:
    """The user name and the password, made and shown at the first start."""
    file = home() / "login"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        password = secrets.token_urlsafe(18)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{USERNAME}:{password}\n")
        print(f"User name {USERNAME}, password {password} (shown this once; kept in {file})", flush=True)
    username, _, password = file.read_text("utf-8").strip().partition(":")
    return username, password


if __name__ == "__main__":
    main()
