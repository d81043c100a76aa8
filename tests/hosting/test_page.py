"""The page and the logs, as a program and as a browser see them."""

import re
from contextlib import closing
from urllib.parse import quote, urlencode

import browser
import pytest
import yaml
from parsel import Selector
from psycopg2.extras import Json

from newsbot.hosting import logs
from newsbot.hosting.page.html import html
from newsbot.hosting.page.log_view import SIZE, plain

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
NIGHTLY = {"name": "nightly", "spider": "quick", "cron": "35 3 1 1 *", "args": {"country": "gb"}}
AFTERWARDS = {"name": "afterwards", "spider": "quick", "after": "nightly"}


def schedule(*entries):
    return yaml.safe_dump(list(entries))


class Page:
    """The content of `/`: `page.rows("running")`, `page.press("pause", name="nightly")`."""

    def __init__(self, scrapyd, address="", **options):
        self.scrapyd = scrapyd
        self.answer = scrapyd.call("GET", address, **options)
        self.selector = Selector(self.answer.text)

    def text(self, css):
        return " ".join("".join(self.selector.css(css).css("*::text").getall()).split())

    def rows(self, section):
        """Each row's cells by the heads of their columns."""
        table = self.selector.css(f"#{section} table")
        heads = table.css("thead th::text").getall()
        cells = [row.css("th, td") for row in table.css("tbody tr")]
        texts = [[" ".join(cell.css("*::text").getall()).split() for cell in row] for row in cells]
        return [dict(zip(heads, map(" ".join, row), strict=True)) for row in texts]

    def form(self, action, **fields):
        """Address and fields of the form with that action."""
        wanted = {"do": action} | fields
        for form in self.selector.css("form[method=post]"):
            given = {each.attrib["name"]: each.attrib["value"] for each in form.css("input")}
            if wanted.items() <= given.items():
                return form.attrib["action"].lstrip("/"), given
        return pytest.fail(f"no form for {wanted}")

    def press(self, action, **fields):
        """The page that a form leads to."""
        address, given = self.form(action, **fields)
        answer = self.scrapyd.call("POST", address, data=given, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return Page(self.scrapyd, answer.headers["Location"].lstrip("/"))


@pytest.fixture
def add(query):
    """Add a job of another node: `add(state="failed", exit_code=1)`."""

    def run(number=1, **columns):
        columns = {"project": "newsbot", "spider": "quick", "asked_by": "api", "state": "finished"} | columns
        names = ", ".join(columns)
        values = [Json(value) if isinstance(value, dict) else value for value in columns.values()]
        query(
            f"INSERT INTO jobs ({names}, id, token, lease_until, started_at, ended_at, queued_at)"
            f" SELECT {'%s, ' * len(values)} md5(random()::text), gen_random_uuid(), now() + interval '1 day',"
            " now() - number * interval '1 minute', CASE %s WHEN 'running' THEN NULL WHEN 'pending' THEN NULL"
            " ELSE now() END, now() - number * interval '1 minute' FROM generate_series(1, %s) AS number",
            *values,
            columns["state"],
            number,
        )

    return run


@pytest.fixture
def open_browser():
    """Open one: `open_browser(scrapyd)`."""
    if browser.executable() is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    opened = []

    def run(scrapyd, **options):
        opened.append(browser.Browser(*scrapyd.auth, **options))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


# The page


def test_the_page_shows_what_runs_waits_is_scheduled_and_was(make_scrapyd, add, tmp_path):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY, AFTERWARDS), max_proc=1).start()
    runs = scrapyd.run("waits", until=tmp_path / "done", password="topsecret")
    job = scrapyd.wait_until(runs, "running")
    waits = scrapyd.run("quick", priority=2)
    add(state="running", node="other", pid=4711, asked_by="schedule:nightly")
    add(state="out of memory", signal=9, reason="it was refused more memory", node="other")
    page = Page(scrapyd)
    assert page.answer.status_code == 200

    other, own = page.rows("running")
    assert (other["Node"], other["Asked by"]) == ("other process 4711", "entry nightly")
    assert runs in own["Job"]
    assert own["Node"].endswith(f"process {job['pid']}")
    assert "for" in own["Since"]
    assert "password=***" in own["Job"]
    assert "topsecret" not in page.answer.text

    (waiting,) = page.rows("waiting")
    assert waits in waiting["Job"]
    assert waiting["Waits for"] == "a free slot on any node priority 2"

    nightly, afterwards = page.rows("schedule")
    assert nightly["Entry"] == "nightly quick country=gb"
    assert nightly["Fires"] == "35 3 1 1 *"
    assert re.fullmatch(r"20\d\d-01-01 03:35:00 UTC", nightly["Next"])
    assert (nightly["Last"], nightly["Outcome"]) == ("none", "never fired")
    assert (afterwards["Fires"], afterwards["Next"]) == ("after nightly", "when nightly finished well")

    ended = next(row for row in page.rows("history") if "memory" in row["State"])
    assert ended["State"] == "out of memory signal 9, it was refused more memory"
    assert page.text("#summary li") == "2 running1 waiting2 scheduledall is well"
    assert "database in reach" in page.text("#health")


def test_buttons_do_what_they_say_and_tell_it_once(make_scrapyd, tmp_path):
    entry = {"name": "long", "spider": "waits", "cron": "0 0 1 1 *", "args": {"until": str(tmp_path / "done")}}
    scrapyd = make_scrapyd(schedule=schedule(entry), max_proc=1).start()
    page = Page(scrapyd, "?state=cancelled").press("run", name="long")
    (job,) = scrapyd.jobs(schedule="long")
    assert page.text(".message.good") == f"long was fired: job {job['id']}."
    assert page.selector.css("option[selected]::text").get() == "cancelled"  # the filter is as it was
    assert Page(scrapyd, page.answer.url.removeprefix(scrapyd.url)[1:]).text(".message") == ""

    page = page.press("run", name="long")
    assert page.text(".message.bad").startswith(f"long is skipped: job {job['id']}")

    page = page.press("pause", name="long")
    assert scrapyd.get("schedules.json")["schedules"][0]["paused"]
    (row,) = page.rows("schedule")
    assert "paused" in row["Entry"]
    assert row["Next"] == "none"
    page = page.press("resume", name="long")
    assert not scrapyd.get("schedules.json")["schedules"][0]["paused"]

    scrapyd.wait_until(job["id"], "running")
    waits = scrapyd.run("quick")
    page = Page(scrapyd)
    assert page.press("cancel", job=waits).text(".message.good") == f"Job {waits} is cancelled."
    assert scrapyd.job(waits)["state"] == "cancelled"
    assert page.press("cancel", job=waits).text(".message.bad").startswith("Nothing was done")
    assert page.press("cancel", job=job["id"]).text(".message.good") == f"Job {job['id']} was asked to end."
    assert scrapyd.wait_until(job["id"])["state"] == "cancelled"


def test_forms_of_others_have_no_effect(make_scrapyd):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    address, fields = Page(scrapyd).form("pause", name="nightly")

    def status(changes, **options):
        given = {name: value for name, value in (fields | changes).items() if value is not None}
        return scrapyd.call("POST", address, data=given, allow_redirects=False, **options).status_code

    assert status({"csrf": None}) == 403
    assert status({"csrf": ""}) == 403
    assert status({"csrf": "é"}) == 403
    assert status({"csrf": fields["csrf"][:-1] + "x"}) == 403
    assert status({}, headers={"Origin": "https://elsewhere.example"}) == 403
    assert status({}, headers={"Origin": "null"}) == 403
    assert status({}, headers={"Sec-Fetch-Site": "cross-site"}) == 403
    assert status({}, auth=("ann", "wrong")) == 401
    assert status({"do": "delete"}) == 400
    assert not scrapyd.get("schedules.json")["schedules"][0]["paused"]
    assert status({"name": "nobody's"}) == 303
    assert status({}, headers={"Origin": scrapyd.url}) == 303
    assert scrapyd.get("schedules.json")["schedules"][0]["paused"]


def test_a_form_from_before_a_restart_is_refused_with_a_new_one(make_scrapyd):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    address, fields = Page(scrapyd).form("pause", name="nightly")
    scrapyd.stop()
    scrapyd.start()
    scrapyd.wait_for(lambda: Page(scrapyd).rows("schedule"))
    answer = scrapyd.call("POST", address, data=fields)
    assert answer.status_code == 403
    assert "Nothing was done" in answer.text
    assert Page(scrapyd).form("pause", name="nightly")[1]["csrf"] in answer.text


def test_the_history_is_filtered_and_has_pages(scrapyd, add):
    add(120, node="one")
    add(3, state="failed", node="two", spider="crashes", schedule="nightly", exit_code=3)
    page = Page(scrapyd, "?node=one")
    assert len(page.rows("history")) == 50
    seen = {row["Job"] for row in page.rows("history")}
    while older := page.selector.css("#history a[rel=next]::attr(href)").get():
        page = Page(scrapyd, older.lstrip("/"))
        seen |= {row["Job"] for row in page.rows("history")}
    assert len(seen) == 120
    for query in ({"state": "failed"}, {"spider": "crashes"}, {"node": "two"}, {"entry": "nightly"}):
        rows = Page(scrapyd, "?" + urlencode(query)).rows("history")
        assert [row["State"] for row in rows] == ["failed exit code 3"] * 3
    everything = Page(scrapyd, "?spider=&state=&node=&entry=")  # as a browser sends an empty filter
    assert everything.answer.status_code == 200
    assert len(everything.rows("history")) == 50


def test_a_wrong_filter_is_reported(scrapyd):
    for query in (
        "state=well",
        "page=0",
        "page=x",
        "page=99999999999",
        "entries=-1",
        "spider=" + "x" * 300,
    ):
        page = Page(scrapyd, f"?{query}")
        assert page.answer.status_code == 400
        assert query.partition("=")[0] in page.text(".message.bad")
    assert Page(scrapyd, "?node=%00%ff").text("#history-rows") == "No job is like that."


def test_hostile_text_is_text(scrapyd, add):
    add(spider=HOSTILE, args={"query": HOSTILE, "bidi": "\u202e"}, node=HOSTILE, reason=HOSTILE, asked_by=HOSTILE)
    add(spider=HOSTILE, args={HOSTILE: "x"}, state="running", node=HOSTILE)
    add(spider=HOSTILE, project="../..", state="pending", wanted_node=HOSTILE, waits_for={HOSTILE: "x"})
    page = Page(scrapyd, "?" + urlencode({"spider": HOSTILE}))
    assert len(page.rows("history")) == 3
    assert page.text("#history-rows").count(HOSTILE) >= 5
    assert len(page.selector.css("script")) == 1
    assert not page.selector.css("[onerror], img")
    assert "\u202e" not in page.answer.text
    for link in page.selector.css("a[href*='/log/']::attr(href)").getall():
        assert Page(scrapyd, link.lstrip("/")).selector.css("[onerror], img").get() is None


def test_only_the_page_s_own_script_and_style_may_run(scrapyd):
    one, two = Page(scrapyd), Page(scrapyd)
    policy = one.answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
    assert one.selector.css("script::attr(nonce), style::attr(nonce)").getall() == [nonce, nonce]
    assert nonce not in two.answer.text
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert one.answer.headers["Cache-Control"] == "no-store"
    assert "http" not in "".join(one.selector.css("::attr(href), ::attr(src)").getall()).replace(
        "http://www.w3.org/2000/svg", ""
    )


def test_behind_a_proxy_links_have_its_prefix_if_it_is_a_path(make_scrapyd):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    for prefix, base in {
        "/news": "/news",
        "/a/b-1.2/": "/a/b-1.2",
        "//elsewhere.example": "",
        "/\\elsewhere.example": "",
        "/../x": "",
        '/"><script>': "",
        "https://elsewhere.example": "",
        "/x" * 20: "",
    }.items():
        headers = {"X-Forwarded-Prefix": prefix}
        page = Page(scrapyd, headers=headers)
        assert page.selector.css("form[method=post]::attr(action)").get() == f"{base}/"
        assert page.selector.css("footer a::attr(href)").get() == f"{base}/logs/"
        fields = page.form("run", name="nightly")[1]
        answer = scrapyd.call("POST", "", data=fields, headers=headers, allow_redirects=False)
        assert answer.headers["Location"].startswith(f"{base}/?said=")
        scrapyd.wait_for(lambda: scrapyd.get("listjobs.json")["finished"])
        log = Page(scrapyd, "jobs", headers=headers).selector.css("#jobs a::attr(href)").get()
        assert log.startswith(f"{base}/logs/newsbot/quick/")


def test_other_methods_are_refused(scrapyd):
    for path, method, allowed in [
        ("", "OPTIONS", "GET, HEAD, POST"),
        ("log/newsbot/x", "POST", "GET, HEAD"),
        ("jobs", "POST", "GET, HEAD"),
    ]:
        answer = scrapyd.call(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert scrapyd.call("PUT", "").status_code == 405
    answer = scrapyd.call("HEAD", "")
    assert (answer.status_code, answer.content) == (200, b"")


def test_faults_of_the_schedule_file_are_shown_and_the_old_one_stays(make_scrapyd):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    scrapyd.edit(NIGHTLY | {"cron": f"61 * * * {HOSTILE}"})
    page = scrapyd.wait_for(lambda: (page := Page(scrapyd)).selector.css("#schedule .message li") and page)
    assert "cron" in page.text("#schedule .message li")
    assert page.rows("schedule")[0]["Fires"] == NIGHTLY["cron"]
    assert not page.selector.css("[onerror]")
    assert "not well: schedule" in Page(scrapyd).text("#summary")


def test_without_its_database_the_page_shows_what_the_node_knows(make_scrapyd, server, database, tmp_path):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    job = scrapyd.run("waits", until=tmp_path / "done")
    scrapyd.wait_for(lambda: "Spider opened" in Page(scrapyd, f"log/newsbot/{job}").text("#log"))
    fields = Page(scrapyd).form("pause", name="nightly")[1]
    name = re.search(r"/(test_\w+)", scrapyd.environment["DATABASE_URL"])[1]
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            page = scrapyd.wait_for(lambda: (page := Page(scrapyd)).answer.status_code == 503 and page)
            assert "The database cannot be used" in page.text(".message.bad")
            assert job in page.rows("running")[0]["Job"]
            assert page.rows("schedule")[0]["Outcome"] == "only the database knows"
            answer = scrapyd.call("POST", "", data=fields)
            assert "Nothing was done" in answer.text
            log = Page(scrapyd, f"log/newsbot/{job}")
            assert log.answer.status_code == 200
            assert "Spider opened" in log.text("#log")
            assert Page(scrapyd, "log/newsbot/other").answer.status_code == 503
        finally:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    scrapyd.wait_for(lambda: Page(scrapyd).answer.status_code == 200)


# Logs


def log_folder(scrapyd):
    return scrapyd.folder / "home" / "scrapyd" / "logs"


def test_a_log_is_shown_and_followed_from_its_end_however_large_it_is(scrapyd, query):
    job = scrapyd.run("talks", text="the last words")
    scrapyd.wait_until(job)
    page = Page(scrapyd, f"log/newsbot/{job}")
    assert "the last words" in page.text("#log")
    assert not page.selector.css("noscript, [data-follow]")  # it has ended
    whole = page.selector.css(".bar a::attr(href)").get()
    answer = scrapyd.call("GET", whole.lstrip("/"))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "the last words" in answer.text

    file = log_folder(scrapyd) / "newsbot" / "talks" / f"{job}.log"
    with file.open("r+b") as log:
        log.truncate(2 << 30)
        log.seek(0, 2)
        log.write(b"\n" + b"one more line\n" * 10)
    page = Page(scrapyd, f"log/newsbot/{job}")
    assert page.text("#log").endswith("one more line")
    assert len(page.answer.content) < 8 * SIZE
    end = page.selector.css("#log::attr(data-end)").get()
    assert int(end) == file.stat().st_size
    assert scrapyd.get(f"log/newsbot/{job}", after=end) == {
        "start": int(end),
        "end": int(end),
        "text": "",
        "ended": True,
    }
    with file.open("ab") as log:
        log.write(b"and more\n")
    assert scrapyd.get(f"log/newsbot/{job}", after=end)["text"] == "and more\n"
    file.write_bytes(b"cut\n")
    assert scrapyd.get(f"log/newsbot/{job}", after=end) == {"start": 0, "end": 4, "text": "cut\n", "ended": True}
    for wrong in ("-1", "x", "", "9" * 100):
        assert scrapyd.call("GET", f"log/newsbot/{job}", params={"after": wrong}).status_code == 400


def test_a_log_is_shown_only_from_among_the_logs_of_this_node(scrapyd, add, query, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = log_folder(scrapyd)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link.log").symlink_to(secret)
    here = scrapyd.get("daemonstatus.json")["node_name"]

    def told(**columns):
        query("DELETE FROM jobs")
        add(**columns)
        page = Page(scrapyd, f"log/newsbot/{scrapyd.jobs()[0]['id']}")
        assert page.answer.status_code == 200
        assert "secret" not in page.text("main")
        return page.text("main .message")

    never = f"There is no log of it on {here}: it never wrote one, or it is no longer kept."
    assert told(log_file=str(secret), node=here) == never
    assert told(log_file=str(folder / ".." / ".." / ".." / ".." / secret.name), node=here) == never
    assert told(log_file=str(folder / "link.log"), node=here) == never
    assert told(log_file=str(folder), node=here) == never
    assert told(node=here) == never
    assert told(log_file="/elsewhere/logs/1.log", node="other") == f"Its log is on the node other; this is {here}."
    assert told(state="pending", wanted_node="other") == "It has not started: there is no log yet."
    for wrong in ("log/newsbot/none", "log/newsbot", "log/", "log/a/b/c", "log/..%2f/x"):
        assert scrapyd.call("GET", wrong).status_code == 404
    assert scrapyd.call("GET", "log/newsbot/%00").status_code == 400


def test_scrapyd_s_files_are_nothing_but_text(scrapyd):
    folder = log_folder(scrapyd)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("page.html", "index.html", "image.svg", "x.xml", "x.rpy", "x.gz", HOSTILE.replace("/", "_")):
        (folder / name).write_text(HOSTILE)
    for name in ("page.html", "image.svg", "x.xml", "x.rpy", "x.gz"):
        answer = scrapyd.call("GET", f"logs/{name}")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Encoding" not in answer.headers
        assert answer.text == HOSTILE
    listing = scrapyd.call("GET", "logs/")
    assert "page.html" in listing.text
    assert HOSTILE.replace("/", "_") not in listing.text
    assert "default-src 'none'" in listing.headers["Content-Security-Policy"]
    for path in (
        "logs/../../login",
        "logs/%2e%2e/%2e%2e/scrapyd.conf",
        "logs/..%2f..%2fscrapyd.conf",
        "logs//etc/passwd",
    ):
        with closing(raw(scrapyd, path)) as answer:
            assert answer.status == 404


def raw(scrapyd, path):
    """The answer to a path that no client has normalised."""
    import base64
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", scrapyd.port)
    login = base64.b64encode(":".join(scrapyd.auth).encode()).decode()
    connection.request("GET", f"/{path}", headers={"Authorization": f"Basic {login}"})
    return connection.getresponse()


def test_pieces_of_a_log_are_whole_lines(tmp_path):
    file = tmp_path / "log"
    file.write_bytes("één\nzwei\nthr".encode())
    assert logs.since(file, 0, 100, ended=False) == ("één\nzwei\n".encode(), 0, 11)
    assert logs.since(file, 11, 100, ended=False) == (b"", 11, 11)
    assert logs.since(file, 11, 100, ended=True) == (b"thr", 11, 14)
    assert logs.since(file, 0, 9, ended=False) == (b"zwei\n", 6, 11)  # the last 9 bytes begin in a line
    assert logs.since(file, 99, 100, ended=False) == ("één\nzwei\n".encode(), 0, 11)  # it was cut
    file.write_bytes(b"x" * 50)
    assert logs.since(file, 0, 20, ended=False) == (b"x" * 20, 30, 50)  # a line that is too long to wait for


def test_what_steers_a_terminal_is_left_out_or_made_visible():
    assert plain(b"\x1b[31;1mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\ \x1b(Bend\r\n") == "red link end\n"
    assert plain(b"a\x00b\x08c\x7fd\rnext\ttab\n") == "a␀b␈c␡d␍next\ttab\n"
    assert plain("\u009b31m \u202eabc\u2066 é 新".encode()) == "�31m �abc� é 新"
    assert plain(b"\xff\xc3") == "��"


def test_html_escapes_all_but_html():
    assert html("<b>{x}</b>{y}", x="<&\"'", y=html("<i>{z}</i>", z="{x}")) == "<b>&lt;&amp;&quot;&#x27;</b><i>{x}</i>"
    assert html("{x}{y}", x=None, y=["<", html("<br>")]) == "&lt;<br>"
    assert html("{x.name}", x=type("Named", (), {"name": "<"})) == "&lt;"


# As a browser sees it


def test_hostile_logs_and_arguments_do_not_run(scrapyd, open_browser):
    job = scrapyd.run("talks", text=HOSTILE)
    scrapyd.wait_until(job)
    viewer = open_browser(scrapyd, zone="Asia/Kathmandu")
    viewer.open(f"{scrapyd.url}/")
    assert viewer.evaluate("document.body.textContent.includes('onerror=')")
    time = viewer.evaluate("document.querySelector('#history time').textContent")
    local = viewer.evaluate("document.querySelector('#history .local').textContent")
    assert time.endswith("UTC")
    assert "GMT+5:45" in local
    viewer.open(f"{scrapyd.url}/log/newsbot/{job}")
    assert viewer.evaluate("document.getElementById('log').textContent.includes('onerror=')")
    viewer.open(f"{scrapyd.url}/logs/newsbot/talks/{job}.log")
    assert viewer.evaluate("document.body.textContent.includes('onerror=')")
    assert viewer.evaluate("document.title") != "owned"
    assert all(request["url"].startswith((scrapyd.url, "data:")) for request in viewer.requests)


def test_the_policy_stops_a_script_that_got_in(scrapyd, open_browser):
    viewer = open_browser(scrapyd)
    viewer.open(f"{scrapyd.url}/")
    viewer.evaluate(
        "const script = document.createElement('script'); script.textContent = \"document.title = 'owned'\";"
        "document.body.append(script); document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"x\">')"
    )
    assert viewer.evaluate("document.title") != "owned"
    assert any("Content Security Policy" in text for text in viewer.said)


def test_page_and_log_follow_by_themselves_and_buttons_work(make_scrapyd, open_browser, tmp_path):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    viewer = open_browser(scrapyd)
    viewer.open(f"{scrapyd.url}/")
    job = scrapyd.run("waits", until=tmp_path / "done")
    viewer.wait_for(f"document.getElementById('running').textContent.includes('{job}')")  # not loaded again
    assert viewer.evaluate("document.querySelector('#running .local') !== null")
    viewer.click("form:has(input[value=pause]) button")
    assert viewer.evaluate("document.querySelector('.message').textContent").startswith("nightly is paused")
    assert viewer.evaluate("location.search") == ""
    assert scrapyd.get("schedules.json")["schedules"][0]["paused"]

    viewer.open(f"{scrapyd.url}/log/newsbot/{job}")
    with (log_folder(scrapyd) / "newsbot" / "waits" / f"{job}.log").open("a") as log:
        log.write(f"{HOSTILE}\n")
    viewer.wait_for("document.getElementById('log')?.textContent.includes('onerror=')")
    (tmp_path / "done").touch()
    viewer.wait_for("document.querySelector('.state')?.textContent === 'finished'")
    assert viewer.evaluate("document.title") == "waits: finished"
    assert viewer.said == []


def test_the_page_follows_where_the_login_stands_in_the_address(make_scrapyd, open_browser, tmp_path):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    viewer = open_browser(scrapyd)
    address = scrapyd.url.replace("://", "://ann:" + quote(scrapyd.auth[1]) + "@")
    viewer.open(f"{address}/?said=nothing&spider=quick#history")
    viewer.wait_for("location.search === '?spider=quick' && location.hash === '#history'")
    viewer.open(f"{address}/?said=nothing")
    viewer.wait_for("location.search === ''")
    scrapyd.run("waits", until=tmp_path / "never", jobid="one")
    viewer.wait_for("document.querySelector('#running tbody')?.textContent.includes('waits')")
    viewer.open(f"{address}/log/newsbot/one")
    viewer.wait_for("document.getElementById('log').textContent.includes('Spider opened')")
    assert viewer.said == []


def test_without_scripts_buttons_work_and_logs_are_loaded_again(make_scrapyd, open_browser, tmp_path):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    job = scrapyd.run("waits", until=tmp_path / "done")
    scrapyd.wait_until(job, "running")
    viewer = open_browser(scrapyd)
    viewer.scripts(False)
    viewer.open(f"{scrapyd.url}/")
    assert viewer.evaluate("document.querySelector('.local')") is None
    viewer.click("form:has(input[value=pause]) button")
    assert scrapyd.get("schedules.json")["schedules"][0]["paused"]
    viewer.open(f"{scrapyd.url}/log/newsbot/{job}")
    (tmp_path / "done").touch()
    viewer.wait_for("document.querySelector('.state')?.textContent === 'finished'")


def test_nothing_is_cut_off_however_narrow_it_is_shown(make_scrapyd, add, open_browser):
    scrapyd = make_scrapyd(schedule=schedule(NIGHTLY)).start()
    add(state="running", node="a-node-with-a-very-long-name.of.a.data.center.example", args={"query": "x" * 300})
    viewer = open_browser(scrapyd, zone="America/Argentina/Buenos_Aires")
    for width in (320, 390, 959, 960, 1280):
        viewer.size(width, 844)
        viewer.open(f"{scrapyd.url}/")
        assert viewer.evaluate("document.documentElement.scrollWidth") <= width
