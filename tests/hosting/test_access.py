"""The gate before Scrapyd: who gets in, how much strangers cost, and what the log says of them."""

import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse

import psutil
import pytest
import requests

from newsbot.hosting import access

NO_LOGIN = {"SCRAPYD_USERNAME": "", "SCRAPYD_PASSWORD": ""}


@pytest.fixture
def open_scrapyd(make_scrapyd):
    """One without a login, as `scrapyd` starts it."""
    scrapyd = make_scrapyd(environment=NO_LOGIN)
    scrapyd.command = [sys.executable, "-m", "scrapyd", "--pidfile="]
    scrapyd.auth = None
    return scrapyd.start()


def connect(scrapyd, said=b""):
    connection = socket.create_connection(("127.0.0.1", scrapyd.port), timeout=60)
    connection.sendall(said)
    return connection


def answer_on(connection):
    answer = HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


# --- Where it listens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "scrapyd.example", "127.1"])
def test_elsewhere_than_on_loopback_it_needs_a_password(make_scrapyd, address):
    scrapyd = make_scrapyd(environment=NO_LOGIN | {"SCRAPYD_BIND_ADDRESS": address})
    command = [sys.executable, "-m", "scrapyd", "--pidfile="]
    ended = subprocess.run(
        command, cwd=scrapyd.folder, env=scrapyd.environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert f"bind_address {address} can be reached from outside" in ended.stdout + ended.stderr
    assert "SCRAPYD_USERNAME, SCRAPYD_PASSWORD" in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SCRAPYD_PASSWORD": ""}, "go together"),
        ({"SCRAPYD_USERNAME": ""}, "go together"),
        ({"SCRAPYD_USERNAME": "a:b"}, "illegal character"),
    ],
)
def test_a_login_that_is_none(make_scrapyd, environment, message):
    scrapyd = make_scrapyd(environment=environment)
    command = [sys.executable, "-m", "scrapyd", "--pidfile="]
    ended = subprocess.run(
        command, cwd=scrapyd.folder, env=scrapyd.environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert re.search(message, ended.stdout + ended.stderr)


# --- Without a login --------------------------------------------------------------------------------------------------


def test_without_a_login_it_has_only_the_names_of_loopback(open_scrapyd):
    def status(host):
        return open_scrapyd.call("GET", "daemonstatus.json", headers={"Host": host}).status_code

    port = open_scrapyd.port
    for host in (
        "localhost",
        f"localhost:{port}",
        "LOCALHOST",
        "127.0.0.1:1",
        "127.8.8.8",
        "[::1]:1",
        "a.localhost",
    ):
        assert status(host) == 200, host
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1.evil.example",
        "192.168.0.1",
        "localhost.b",
        "",
        "[",
    ):
        assert status(host) == 403, host


def test_a_page_of_another_name_that_leads_here_can_do_nothing(open_scrapyd):
    headers = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
    answer = open_scrapyd.call("POST", "delproject.json", data={"project": "newsbot"}, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (403, "error")
    assert "localhost only" in answer.json()["message"]


# --- The password -----------------------------------------------------------------------------------------------------


def test_wrong_passwords_are_slowed_reported_and_not_shown(scrapyd):
    wrong = (scrapyd.auth[0], "not the pass")
    for number in range(1, 4):
        begin = time.monotonic()
        answer = scrapyd.call("GET", "listjobs.json", auth=wrong, headers={"X-Forwarded-For": f"10.0.0.{number}"})
        assert time.monotonic() - begin >= access.FIRST_DELAY * 2 ** (number - 1)
        assert answer.status_code == 401
        assert answer.json() == {
            "status": "error",
            "message": "a user name and a password are needed",
            "node_name": answer.json()["node_name"],
        }
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        scrapyd.wait_for(lambda: f"password from 127.0.0.1, {number} in a row" in scrapyd.said())  # noqa: B023
    assert scrapyd.get("daemonstatus.json")["status"] == "ok"
    scrapyd.call("GET", "listjobs.json", auth=wrong)
    scrapyd.wait_for(lambda: scrapyd.said().count("127.0.0.1, 1 in a row") == 2)  # the correct one has reset it
    assert "not the pass" not in scrapyd.said()
    assert "10.0.0." not in scrapyd.said()


def test_who_knocks_often_does_not_fill_the_log(scrapyd):
    with requests.Session() as session:
        for _ in range(3 * access.REFUSALS_LOGGED):
            assert session.get(f"{scrapyd.url}/listjobs.json").status_code == 401
    assert len(re.findall("listjobs.json: 401", scrapyd.said())) <= access.REFUSALS_LOGGED


def test_many_addresses_take_no_more_memory():
    class Root:
        node_name = "here"

    gate = access.Gate(Root, access.Login("ann", "secret"))
    access.logger.disabled = True
    try:
        delays = [gate._delay(f"address {number}") for number in range(access.REMEMBERED + 100)]
        assert len(gate._wrong) == access.REMEMBERED
        assert "address 0" not in gate._wrong
        assert delays == pytest.approx([access.FIRST_DELAY] * len(delays))
        gate._delay("address 10099")
        assert gate._wrong["address 10099"][0] == 2
    finally:
        access.logger.disabled = False


def test_wrong_passwords_by_many_connections_are_reported_one_after_the_other(scrapyd):
    """A client with the correct password does not wait for them, from any address."""
    told = []

    def guess(number):
        answer = scrapyd.call("GET", "listjobs.json", auth=("ann", f"guess {number}"))
        told.append(time.monotonic())
        return answer.status_code

    begin = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        guesses = pool.map(guess, range(8))
        assert scrapyd.get("daemonstatus.json")["status"] == "ok"
        assert set(guesses) == {401}
    # The correct one in between may start the count again.
    assert max(told) - begin >= 8 * access.FIRST_DELAY  # at the least, as the correct one starts the count again


def test_wrong_passwords_wait_behind_those_of_their_address_alone():
    class Root:
        node_name = "here"

    gate = access.Gate(Root, access.Login("ann", "secret"))
    delays = [gate._delay("one") for _ in range(100)]
    assert delays[:6] == pytest.approx([0.1, 0.3, 0.7, 1.5, 2.5, 3.5], abs=0.05)
    assert max(delays) == access.LONGEST_QUEUE
    assert gate._delay("other") == pytest.approx(access.FIRST_DELAY)


@pytest.mark.parametrize("target", ["*", "/", "/daemonstatus.json", "/none"])
def test_no_method_answers_without_the_password(scrapyd, target):
    for method in ("OPTIONS", "GET", "HEAD", "POST"):
        for auth, statuses in ((None, {401}), (scrapyd.auth, {200, 204, 403, 404, 405})):
            headers = {} if auth is None else {"Authorization": requests.auth._basic_auth_str(*auth)}
            connection = HTTPConnection("127.0.0.1", scrapyd.port, timeout=30)
            connection.request(method, target, headers=headers)
            assert connection.getresponse().status in statuses, (method, target, auth)
            connection.close()


def test_a_login_of_any_bytes():
    login = access.Login("\u00e4nn", "pass\u00ae\udcff")
    assert login.fits("\u00e4nn".encode(), "pass\u00ae".encode() + b"\xff")
    assert not login.fits(b"ann", b"")
    assert "pass" not in repr(login)


# --- Secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_are_in_no_log_and_no_answer(scrapyd, tmp_path):
    scrapyd.call("GET", "daemonstatus.json", params={"api_key": "hunter2"})
    scrapyd.call("HEAD", "logs/none", params={"password": "hunter2"})
    scrapyd.call("GET", "none", params={"password": "hunter2"})
    url = "http://ann:hunter2@a.example/?token=hunter2"
    job = scrapyd.run("waits", until=tmp_path / "never", api_key="hunter2", url=url, setting="MY_TOKEN=hunter2")
    scrapyd.wait_until(job, "running")
    assert "hunter2" not in scrapyd.call("GET", "history.json").text
    assert "hunter2" not in scrapyd.call("GET", "listjobs.json").text
    scrapyd.wait_for(lambda: f"Job {job} started" in scrapyd.said())
    assert "hunter2" not in scrapyd.said()


def test_jobs_do_not_know_the_password(scrapyd, tmp_path):
    job = scrapyd.wait_until(scrapyd.run("waits", until=tmp_path / "never"), "running")
    environment = psutil.Process(job["pid"]).environ()
    assert not {"SCRAPYD_USERNAME", "SCRAPYD_PASSWORD"} & set(environment)
    assert scrapyd.auth[1] not in environment.values()


# --- What others cost -------------------------------------------------------------------------------------------------


def test_half_requests_do_not_keep_others_out(scrapyd):
    with ExitStack() as stack:
        for _ in range(access.MAX_CONNECTIONS + 100):
            stack.enter_context(connect(scrapyd, b"GET /daemonstatus.json HTTP/1.1\r\nX: y"))
        assert scrapyd.get("daemonstatus.json")["status"] == "ok"
        assert psutil.Process(scrapyd.process.pid).num_fds() < access.MAX_CONNECTIONS + 100


def is_cut_off(connection):
    """Whether the other side closes it, although a byte comes now and then."""
    for _ in range(300):
        time.sleep(0.1)
        try:
            connection.sendall(b"x")
        except (ConnectionResetError, BrokenPipeError):
            return True
    return False


@pytest.fixture
def impatient(make_scrapyd):
    """One that gives a request a second."""
    scrapyd = make_scrapyd()
    program = "from newsbot.hosting import access, serve; access.TIMEOUT = 1; access.LINGER = 1; serve.main()"
    scrapyd.command = [sys.executable, "-c", program]
    return scrapyd.start()


@pytest.mark.parametrize(
    "begin", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n"]
)
def test_a_byte_now_and_then_does_not_hold_a_connection(impatient, begin):
    with connect(impatient, begin) as connection:
        assert is_cut_off(connection)


def test_who_has_logged_in_may_send_slowly(impatient):
    auth = requests.auth._basic_auth_str(*impatient.auth)
    head = f"POST /cancel.json HTTP/1.1\r\nHost: x\r\nAuthorization: {auth}\r\nContent-Length: 30\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with connect(impatient, head.encode()) as connection:
        for byte in b"project=newsbot&job=none&x":
            time.sleep(0.1)
            connection.sendall(bytes([byte]))
        connection.sendall(b"=yyy")
        assert answer_on(connection)[0] == 200  # the job does not exist


def test_who_goes_on_sending_what_was_refused_is_cut_off(impatient):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    with connect(impatient, head) as connection:
        assert answer_on(connection)[0] == 401
        assert is_cut_off(connection)


def test_the_body_of_a_stranger_is_not_kept(scrapyd):
    process = psutil.Process(scrapyd.process.pid)
    memory, files = process.memory_info().rss, set(process.open_files())
    body = 50 << 20
    head = b"POST /addversion.json HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with connect(scrapyd, head + b"Content-Length: %d\r\n\r\n" % body) as connection:
        for _ in range(body // (1 << 20) - 1):
            connection.sendall(b"--x\r\n" + b"y" * ((1 << 20) - 5))
        scrapyd.get("daemonstatus.json")
        assert process.memory_info().rss - memory < 20 << 20
        written = [file for file in process.open_files() if file not in files and "/tmp" in file.path]
        assert all(psutil.os.stat(f"/proc/{process.pid}/fd/{file.fd}").st_size == 0 for file in written)
        connection.sendall(b"y" * (1 << 20))
        status, told = answer_on(connection)
    assert (status, b'"status": "error"' in told) == (401, True)


def test_a_large_egg_is_read(scrapyd):
    process = psutil.Process(scrapyd.process.pid)
    memory = process.memory_info().rss
    egg = b"--x\r\n" * (4 << 20)
    data = {"project": "newsbot", "version": "1"}
    answer = scrapyd.call("POST", "addversion.json", data=data, files={"egg": ("a.egg", egg)})
    assert (answer.status_code, answer.json()["message"][:21]) == (200, "egg is not a ZIP file")
    assert process.memory_info().rss - memory < 8 * len(egg)


def test_forms_in_both_spellings(scrapyd):
    fields = {"project": "newsbot", "job": "\u00fc&=;"}
    for form in ({"data": fields}, {"files": {name: (None, value) for name, value in fields.items()}}):
        answer = scrapyd.call("POST", "cancel.json", **form).json()
        assert (answer["status"], answer["prevstate"]) == ("ok", None)


# --- Browsers ---------------------------------------------------------------------------------------------------------


def test_its_own_pages_may_send_forms(scrapyd):
    data = {"project": "newsbot", "job": "none"}
    for headers in (
        {},
        {"Origin": scrapyd.url, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://news.example", "X-Forwarded-Host": "news.example"},
        {"Origin": "https://news.example", "Host": "NEWS.example"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert scrapyd.call("POST", "cancel.json", data=data, headers=headers).status_code == 200, headers


def test_the_headers_that_browsers_get(scrapyd):
    for name in ("", "daemonstatus.json", "logs/", "none", "jobs"):
        for auth in (scrapyd.auth, None):
            headers = scrapyd.call("GET", name, auth=auth).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["Server"] == "newsbot"
