"""kill -9 of the database's processes during a crawl, which must go on."""

import random
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from crawls import assert_all_is_stored_once, finish

from newsbot.storage import embedded
from newsbot.storage.database import Database

DEBIAN = Path("/usr/lib/postgresql/15/bin")


def kill_embedded(home, moments):
    """Kill the postmaster or one process of it, by turns of chance; False while there is none."""
    with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):  # it is just being started
        postmaster = psutil.Process(int((home / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0]))
        if postmaster.status() != psutil.STATUS_ZOMBIE:
            moments.choice([postmaster, *moments.sample(postmaster.children(), 1)]).kill()
            return True
    return False


@pytest.mark.parametrize(
    ("feeds", "kills"), [pytest.param(12, 2, id="short"), pytest.param(40, 20, id="long", marks=pytest.mark.trial)]
)
def test_embedded_server(feeds, kills, serve, start_crawl, home, capsys):
    began, moments = time.monotonic(), random.Random(kills)
    feeds, environment = serve(feeds), {"NEWSBOT_HOME": str(home)}

    def start():
        crawl = start_crawl(feeds, **environment)
        assert feeds.asked.wait(60), crawl.log.read_text()
        return crawl, time.monotonic()

    crawl, asked_at = start()
    finish(crawl)
    duration = time.monotonic() - asked_at
    killed = crawls = 0
    while killed < kills:
        crawl, _ = start()
        crawls += 1
        while killed < kills:
            try:
                crawl.wait(moments.uniform(0, duration))
                break
            except subprocess.TimeoutExpired:
                killed += kill_embedded(home, moments)
        finish(crawl)
    feeds.moving = False
    finish(start_crawl(feeds, **environment))
    figures = assert_all_is_stored_once(feeds, Database("", home))
    assert set(figures["runs"]) == {"finished"}
    with capsys.disabled():
        print(
            f"\n{killed} kills of the embedded server in {crawls} crawls, {time.monotonic() - began:.0f} s: {figures}"
        )


class Server:
    """Debian's Postgres on loopback, that can be killed as a whole and started again."""

    def __init__(self, home, account):
        self.data, self.account = home / "postgres" / "other", account
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        initdb = ("--auth=trust", "--username=postgres", "--no-sync", "--locale=C.UTF-8")
        assert account.run(DEBIAN / "initdb", "-D", self.data, *initdb).returncode == 0
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self):
        command = [DEBIAN / "postgres", "-D", self.data, "-p", str(self.port), "-k", ""]
        options = self.account.process_options | {"stderr": subprocess.PIPE}
        self.process = psutil.Popen(command, encoding="utf-8", **options)
        assert any("ready to accept" in line for line in self.process.stderr)

    def kill(self):
        processes = [self.process, *self.process.children()] if self.process.is_running() else []
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture
def server_of_ones_own(home):
    if not DEBIAN.exists():
        pytest.skip(f"{DEBIAN} is missing (Debian 12: apt-get install postgresql)")
    server = Server(home, embedded._prepare(home))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def start_and_kill_server(start_crawl, server_of_ones_own):
    """Start a crawl whose server is killed at a moment of its work."""

    def start(feeds, moment=0.0, **environment):
        crawl = start_crawl(feeds, DATABASE_URL=server_of_ones_own.url, **environment)
        assert feeds.asked.wait(60), crawl.log.read_text()
        with suppress(subprocess.TimeoutExpired):
            crawl.wait(moment)
        server_of_ones_own.kill()
        return crawl

    return start


@pytest.mark.parametrize(
    ("feeds", "times", "away"),
    [pytest.param(12, 1, 1, id="short"), pytest.param(40, 5, 30, id="long", marks=pytest.mark.trial)],
)
def test_server_that_comes_back(
    feeds, times, away, serve, start_crawl, server_of_ones_own, start_and_kill_server, capsys
):
    began, moments = time.monotonic(), random.Random(times)
    server, feeds = server_of_ones_own, serve(feeds)
    waited = 0
    while waited < times:
        crawl = start_and_kill_server(feeds, moments.uniform(0, 0.3))
        with suppress(subprocess.TimeoutExpired):
            crawl.wait(away)
        waited += crawl.poll() is None  # else all was stored when the server was killed
        server.start()
        finish(crawl)
    feeds.moving = False
    finish(start_crawl(feeds, DATABASE_URL=server.url))
    figures = assert_all_is_stored_once(feeds, Database(server.url, Path()))
    assert set(figures["runs"]) == {"finished"}
    with capsys.disabled():
        print(f"\n{times} times away for {away} s, {time.monotonic() - began:.0f} s: {figures}")


def stop_by_force(crawl):
    for _ in range(20):  # a signal that comes while another one is handled counts as the same
        crawl.terminate()
        with suppress(subprocess.TimeoutExpired):
            crawl.wait(1)
    assert crawl.returncode == 1, crawl.log.read_text()


def test_server_that_is_not_waited_for_any_longer(serve, start_crawl, server_of_ones_own, start_and_kill_server):
    server, feeds = server_of_ones_own, serve(4)
    crawl = start_and_kill_server(feeds, DATABASE_WAIT="1")
    crawl.wait(60)
    log = crawl.log.read_text()
    assert crawl.returncode == 1, log
    assert "Nothing can be stored any more" in log
    assert "UnreachableError" not in log.partition("Refused")[2]
    server.start()
    feeds.moving = False
    finish(start_crawl(feeds, DATABASE_URL=server.url))
    figures = assert_all_is_stored_once(feeds, Database(server.url, Path()))
    assert figures["runs"] == {"killed": 1, "finished": 1}


def test_a_second_signal_does_not_wait_for_a_server_that_hangs(serve, start_crawl, server_of_ones_own):
    feeds = serve(4)
    crawl = start_crawl(feeds, DATABASE_URL=server_of_ones_own.url)
    assert feeds.asked.wait(60), crawl.log.read_text()
    processes = [server_of_ones_own.process, *server_of_ones_own.process.children()]
    for process in processes:
        process.suspend()
    stop_by_force(crawl)
    for process in processes:
        process.resume()


def test_a_stop_waits_for_the_server_and_a_second_one_does_not(
    serve, start_crawl, server_of_ones_own, start_and_kill_server
):
    server, feeds = server_of_ones_own, serve(4)
    crawl = start_and_kill_server(feeds)
    crawl.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        crawl.wait(1)
    server.start()
    finish(crawl)
    crawl = start_and_kill_server(feeds)
    stop_by_force(crawl)
    server.start()
    feeds.moving = False
    finish(start_crawl(feeds, DATABASE_URL=server.url))
    figures = assert_all_is_stored_once(feeds, Database(server.url, Path()))
    assert figures["runs"] == {"shutdown": 1, "killed": 1, "finished": 1}
