"""A user's spider: failures are named, and its exit code says whether it brought anything."""

import json
import os
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from newsbot.extensions.failures import Failures

ROOT = Path(__file__).parents[2]
STORIES = b"<h2><a href='/story/1'>The dam holds</a></h2>"


def page(body=STORIES, status=200, **headers):
    return lambda handler: handler.answer(status, body, Content_Type="text/html", **headers)


@pytest.fixture
def quay(serve, database_url):
    """Run the spider against a server that plays all hosts of `.example`."""
    server = serve()

    def run(pages, *, domains=None, settings=None, **routes):
        server.routes.update(routes.pop("routes", {}))
        base = f"http://127.0.0.1:{server.port}"
        hosts = {"quay.example": base, "moved.example": base, "away.example": "http://127.0.0.1:1"}
        own = {"SPIDER_MODULES": "made_up_site"}
        settings = (
            own
            | (settings or {})
            | {
                "STAND_INS": json.dumps(hosts),
                "DATABASE_URL": database_url,
                "DOWNLOAD_DELAY": 0,
                "RETRY_TIMES": 0,
            }
        )
        given = {"pages": pages} | ({"domains": domains} if domains else {})
        return subprocess.run(
            [
                *(sys.executable, "-m", "scrapy", "crawl", "quay"),
                *(part for name, value in settings.items() for part in ("-s", f"{name}={value}")),
                *(part for name, value in given.items() for part in ("-a", f"{name}={value}")),
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    run.seen = server.seen
    return run


def below(heading, run):
    """The lines below a heading."""
    lines = run.stderr.partition(f"\n{heading}:\n")[2].splitlines()
    return [line.strip() for line in takewhile(lambda line: line.startswith("  "), lines)]


def failed(run):
    return below("Failed", run)


def remarks(run):
    return below("Remarks", run)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "HTTP status 404 (Not Found)"),
        (503, "HTTP status 503 (Service Unavailable)"),
        (499, "HTTP status 499"),
    ],
)
def test_a_start_page_with_a_bad_status(quay, query, status, reason):
    run = quay("https://quay.example/gone", routes={"/gone": page(status=status)})
    assert run.returncode == 1
    assert failed(run) == [f"https://quay.example/gone: {reason}"]
    assert query("SELECT exit_code, errors FROM runs") == [(1, 1)]


def test_with_a_log_file_the_table_and_what_failed_stay_on_standard_error(quay, tmp_path):
    log = tmp_path / "quay.log"
    pages = "https://quay.example/,https://quay.example/gone"
    run = quay(pages, routes={"/": page(), "/gone": page(status=404)}, settings={"LOG_FILE": log, "LOG_LEVEL": "INFO"})
    assert run.returncode == 0
    assert run.stderr.splitlines()[0].split() == ["source", "new", "changed", "unchanged", "rejected", "status"]
    assert failed(run) == ["https://quay.example/gone: HTTP status 404 (Not Found)"]
    assert "Spider opened" in log.read_text()
    assert "unchanged    rejected" not in log.read_text()


def test_a_start_page_that_robots_txt_forbids(quay):
    run = quay("https://quay.example/", routes={"/robots.txt": page(b"User-agent: *\nDisallow: /"), "/": page()})
    assert run.returncode == 1
    assert failed(run) == ["https://quay.example/: Forbidden by robots.txt"]


def test_robots_txt_holds_for_all_that_wait_for_it(quay):
    """Scrapy lets the third and later ones pass."""
    urls = [f"https://quay.example/{n}" for n in range(6)]
    everything = {f"/{n}": page() for n in range(6)} | {"/robots.txt": page(b"User-agent: *\nDisallow: /")}
    run = quay(",".join(urls), routes=everything, settings={"CONCURRENT_REQUESTS_PER_DOMAIN": 16})
    assert set(failed(run)) == {f"{url}: Forbidden by robots.txt" for url in urls}
    assert {path for _, path in quay.seen} == {"/robots.txt"}


def test_a_host_that_does_not_answer(quay):
    run = quay("https://away.example/")
    assert run.returncode == 1
    (line,) = failed(run)
    assert line.startswith("https://away.example/: ")
    assert "refused" in line


def test_one_page_of_two_is_enough(quay, query):
    run = quay("https://quay.example/,https://quay.example/gone", routes={"/": page()})
    assert run.returncode == 0
    assert failed(run) == ["https://quay.example/gone: HTTP status 404 (Not Found)"]
    assert query("SELECT count(*) FROM articles") == [(1,)]


def test_a_list_whose_pages_all_fail_stores_nothing(quay):
    run = quay("https://quay.example/", routes={"/": page(b"<nav><a href='/1'>1</a><a href='/2'>2</a></nav>")})
    assert run.returncode == 1
    assert len(failed(run)) == 2


def test_an_unchanged_page_with_a_dead_link_is_a_success(quay):
    routes = {"/": page(STORIES + b"<nav><a href='/gone'>more</a></nav>")}
    assert quay("https://quay.example/", routes=routes).returncode == 0
    assert quay("https://quay.example/", routes=routes).returncode == 0


def test_many_failures_are_counted_by_reason(quay):
    links = "".join(f"<a href='/{n}'>{n}</a>" for n in range(25))
    run = quay("https://quay.example/", routes={"/": page(STORIES + f"<nav>{links}</nav>".encode())})
    lines = failed(run)
    assert len(lines) == 21
    assert lines[-1] == "and 5 more: HTTP status 404 (Not Found)"


def test_an_exception_in_a_callback_is_named(quay):
    run = quay("https://quay.example/broken", routes={"/broken": page()})
    assert run.returncode == 1
    reason = "LookupError: no headline here\0 (in a callback; the log has the traceback)"
    assert failed(run) == [f"https://quay.example/broken: {reason}"]


@pytest.mark.parametrize("domains", ["quay.example", "quay.example:443"])
def test_robots_txt_holds_whatever_allowed_domains_says(quay, domains):
    """A host that is not among them, as the first of a redirect, or written with a port: Scrapy drops its robots.txt as
    offsite, and takes that for one that allows all."""
    routes = {
        "/robots.txt": lambda handler: handler.answer(body=b"User-agent: *\nDisallow: /secret"),
        "/secret": page(),
        "/": page(b"", 301, Location="https://moved.example/secret"),
    }
    run = quay("https://quay.example/,https://moved.example/secret", domains=domains, routes=routes)
    assert run.returncode == 1
    assert ("moved.example", "/robots.txt") in quay.seen
    assert ("moved.example", "/secret") not in quay.seen
    assert set(failed(run)) == {"https://moved.example/secret: Forbidden by robots.txt"}


def test_a_spider_that_asks_nothing_is_reported(quay, query):
    run = quay("")
    assert run.returncode == 0
    assert remarks(run) == ["No request went out: start_urls is empty, or start() yields no request"]
    assert query("SELECT stats->'remarks' FROM runs") == [(remarks(run),)]


def test_pages_without_an_item_are_reported(quay):
    run = quay("https://quay.example/", routes={"/": page(b"<p>New design</p>")})
    assert run.returncode == 0
    assert remarks(run) == ["1 page gave no item: the selectors may no longer match"]


def test_why_a_spider_closed_itself_is_reported(quay):
    run = quay("https://quay.example/enough", routes={"/enough": page()})
    assert remarks(run) == ["The run ended early: the archive has no more pages"]


def test_the_row_of_a_run_says_what_failed(quay, query):
    run = quay("https://quay.example/gone,https://quay.example/broken", routes={"/broken": page()})
    ((lines,),) = query("SELECT stats->'failed' FROM runs")
    assert len(lines) == 2
    assert "https://quay.example/gone: HTTP status 404 (Not Found)" in lines
    assert [line.replace("\0", "\ufffd") for line in failed(run)] == lines


def test_a_url_with_a_login_is_refused_and_shown_without_it(quay, query):
    """As a start page, as a link and as the target of a redirect; the log at DEBUG has each request."""
    routes = {
        "/": page(
            b"<h2><a href='https://joe:s3cret@quay.example/story/1'>The dam holds</a></h2>"
            b"<nav><a href='https://joe:s3cret@quay.example/link'>more</a> <a href='/moved'>other</a></nav>"
        ),
        "/moved": page(b"", 302, Location="https://joe:s3cret@quay.example/target"),
    }
    start = "https://quay.example/,https://joe:s3cret@quay.example/start,https://joe:s3'cret@quay.example/quoted"
    run = quay(start, routes=routes, settings={"LOG_LEVEL": "DEBUG"})
    assert run.returncode == 0
    assert {path for _, path in quay.seen} == {"/robots.txt", "/", "/moved"}
    assert "s3" not in run.stderr
    assert "Redirecting (302) to <GET https://quay.example/target>" in run.stderr
    for path in ("start", "quoted", "link", "target"):
        (line,) = [line for line in failed(run) if line.startswith(f"https://quay.example/{path}: ")]
        assert "a URL with a login is not requested" in line
        assert "http_auth_domain" in line
    assert query("SELECT url FROM articles") == [("https://quay.example/story/1",)]
    assert query("SELECT count(*) FROM runs WHERE stats::text LIKE '%%s3%%'") == [(0,)]


def test_a_failure_shows_no_login_and_no_endless_address():
    failures = Failures()
    failures.add("http://joe:s3cret@quay.example/x", "invalid hostname: joe:s3cret@quay.example")
    failures.add("http://quay.example/" + "x" * 10_000, "too long")
    assert "s3cret" not in failures.shown[0]
    assert len(failures.shown[1]) < 400
