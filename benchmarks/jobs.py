"""Crawls as child processes, with databases that only they use."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, environment, run
from newsbot.storage import embedded
from newsbot.storage.database import Database
from newsbot.storage.upgrade import upgrade


@contextmanager
def home() -> Iterator[Path]:
    """An empty NEWSBOT_HOME that the server's account can enter; its server, if any, ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="newsbot-bench-")).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder)


def new_database(home: Path) -> Database:
    """A separate database in the server of this home, at head and without rows."""
    server, name = Database("", home), f"bench_{uuid.uuid4().hex}"
    with closing(server.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    database = Database(server.url.replace("/postgres?", f"/{name}?"), Path())
    with closing(database.connect()) as connection:
        upgrade(connection)
    return database


def query(database: Database, statement: str, *parameters: Any) -> list[tuple]:
    """The rows of a statement, if it returns any."""
    with closing(database.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


def command(catalogue: Path, sources: Sequence[str], **settings: object) -> list[str]:
    """`scrapy crawl headlines` over sources on loopback."""
    settings |= {"ALLOW_PRIVATE_HOSTS": "127.0.0.1"}
    return [
        *("scrapy", "crawl", "headlines", "-a", f"catalogue={catalogue}", "-a", f"sources={','.join(sources)}"),
        *(part for name, value in settings.items() for part in ("-s", f"{name}={value}")),
    ]


def crawl(database: Database, catalogue: Path, sources: Sequence[str], **settings: object) -> float:
    """CPU seconds of a crawl to its end."""
    env = environment(DATABASE_URL=database.url)
    return run(*command(catalogue, sources, **settings), folder=ROOT, env=env)
