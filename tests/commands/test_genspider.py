"""`scrapy genspider` with our templates, in a copy of the project: its spider runs, and its test passes."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import venv
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from newsbot.sample.server import serving

ROOT = Path(__file__).parents[2]


class Project:
    """A project, and commands in it."""

    def __init__(self, folder, python=sys.executable, **variables):
        self.folder, self.python, self.variables = folder, python, variables
        shutil.copy(ROOT / "scrapy.cfg", folder)
        self.tests = folder / "tests" / "spiders"
        self.tests.mkdir(parents=True)

    def run(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | self.variables
        command = [self.python, *(arguments if arguments[0] == "-c" else ("-m", *arguments))]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment, timeout=120)


def copy_newsbot(folder):
    shutil.copytree(ROOT / "newsbot", folder / "newsbot", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def project(tmp_path):
    """A copy of this one."""
    copy_newsbot(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def installed(tmp_path):
    """A new project, with newsbot installed by pip: in a virtual environment, here within the project."""
    venv.create(tmp_path / ".venv", symlinks=True)
    (packages,) = tmp_path.glob(".venv/lib/python*/site-packages")
    copy_newsbot(packages)
    return Project(tmp_path, tmp_path / ".venv/bin/python", PYTHONPATH=sysconfig.get_path("purelib"))


@pytest.fixture
def newsroom():
    with serving() as server:
        yield server


def stand_ins(newsroom):
    return "-s", f"STAND_INS={newsroom.stand_ins}"


def test_a_spider_of_ones_own(project, newsroom, database, database_url):
    host = "harbour-times.example"
    made = project.run("scrapy", "genspider", "-t", "site", *stand_ins(newsroom), "harbour", host)
    assert made.returncode == 0, made.stderr
    assert "made-up" not in made.stdout
    page = project.tests / "pages" / "harbour.html"
    assert "Saltmere" in page.read_text(encoding="utf-8")

    tested = project.run("pytest", "-q", "tests/spiders/test_harbour.py")
    assert tested.returncode == 0, tested.stdout

    settings = (*stand_ins(newsroom), "-s", f"DATABASE_URL={database_url}", "-s", "DOWNLOAD_DELAY=0")
    crawled = project.run("scrapy", "crawl", "harbour", *settings)
    assert crawled.returncode == 0, crawled.stderr
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_id, origin, count(*) >= 8, bool_and(url LIKE %s) FROM articles GROUP BY 1, 2",
            (f"https://{host}/%",),
        )
        assert cursor.fetchall() == [("harbour", "harbour", True, True)]
        cursor.execute("SELECT spider, exit_code, (stats ->> 'new')::int >= 8 FROM runs")
        assert cursor.fetchall() == [("harbour", 0, True)]
    again = project.run("scrapy", "crawl", "harbour", *settings)
    assert again.returncode == 0, again.stderr
    assert " 0 " in next(line for line in again.stderr.splitlines() if line.startswith("harbour"))


class NotFound(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()
        self.wfile.write(b"<h2><a href='/'>Sorry, nothing here</a></h2>")


@pytest.fixture
def not_found():
    with ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_end_of_a_crawl_says_which_requests_failed(project, database_url):
    made = project.run("scrapy", "genspider", "gone", "127.0.0.1:1")
    assert made.returncode == 0, made.stderr
    settings = {"STAND_INS": '{"127.0.0.1:1": "http://127.0.0.1:1"}', "DATABASE_URL": database_url, "RETRY_TIMES": 0}
    crawled = project.run(
        "scrapy", "crawl", "gone", *(part for n, v in settings.items() for part in ("-s", f"{n}={v}"))
    )
    assert crawled.returncode == 1
    assert "Failed:\n  https://127.0.0.1:1: " in crawled.stderr
    assert "refused" in crawled.stderr


@pytest.mark.parametrize(
    ("host", "problem"), [("127.0.0.1:1", "refused"), ("no-such-site.example", "404"), ("10.1.2.3", "private")]
)
def test_a_site_that_cannot_be_fetched_gives_a_made_up_page(project, not_found, host, problem):
    settings = json.dumps({"no-such-site.example": not_found, "127.0.0.1:1": "http://127.0.0.1:1"})
    made = project.run(
        *("scrapy", "genspider", "-t", "site", "-s", f"STAND_INS={settings}", "-s", "RETRY_TIMES=0", "made_up", host)
    )
    assert made.returncode == 0, made.stderr
    assert "saved a made-up page" in made.stdout
    assert problem in made.stdout
    tested = project.run("pytest", "-q", "tests/spiders/test_made_up.py")
    assert tested.returncode == 0, tested.stdout


class Links(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if self.path == "/robots.txt" else 200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        picture, script = "<h2><a href='/1'><img src='1.jpg'></a></h2>", "<h2><a href='javascript:go()'>Menu</a></h2>"
        self.wfile.write(f"{picture}{script}<h2><a href='/1'>The dam holds</a></h2>".encode())


def test_pictures_and_scripts_are_no_headlines(project):
    with ThreadingHTTPServer(("127.0.0.1", 0), Links) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = json.dumps({"site.example": f"http://127.0.0.1:{server.server_port}"})
        made = project.run("scrapy", "genspider", "-t", "site", "-s", f"STAND_INS={settings}", "links", "site.example")
        server.shutdown()
    assert "made-up" not in made.stdout
    tested = project.run("pytest", "-q", "tests/spiders/test_links.py")
    assert tested.returncode == 0, tested.stdout


def test_a_name_that_is_not_a_module(project):
    made = project.run("scrapy", "genspider", "-t", "site", "1st!", "site.example")
    assert made.returncode == 2
    assert "is not a module name" in made.stderr
    assert list(project.tests.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("headlines", "site.example"), "already exists"),
        (("headlines", "site.example"), "Expected another name, or --force"),
        (("newsbot", "site.example"), "same name as your project"),
        (("-t", "nosuch", "mine", "site.example"), "Unable to find template: nosuch"),
        (("-d", "nosuch"), "Unable to find template: nosuch"),
    ],
)
def test_a_spider_that_is_not_made_is_not_a_success(project, arguments, said):
    made = project.run("scrapy", "genspider", *arguments)
    assert made.returncode == 1
    assert said in made.stdout
    assert list(project.tests.iterdir()) == []


@pytest.mark.parametrize("template", ["site", "api"])
@pytest.mark.parametrize(
    "address",
    [
        'ex"ample.org',
        'site.example/a"b',
        "site.example/a b",
        "site.example/a\nb",
        "",
        "https://",
        "site.example:99999/",
        "https://joe:s3cret@site.example/",
        "joe:s3cret@site.example",
        "ftp://site.example/",
        "site.example/?q=1&api_key=s3cret",
        "/news",
        "?q=1",
        "example",
        "example/news",
        "http:/www.site.example",
    ],
)
def test_an_address_that_is_none_is_not_written_into_a_module(project, template, address):
    made = project.run("scrapy", "genspider", "-t", template, "mine", address)
    assert made.returncode == 2
    assert any(right in made.stderr for right in ("expected ", "take it out", "write key=Key(")), made.stderr
    assert "s3cret" not in made.stdout + made.stderr
    assert list(project.tests.iterdir()) == []
    assert not (project.folder / "newsbot/spiders/mine.py").exists()


@pytest.mark.parametrize("template", ["site", "api", "basic"])
def test_an_empty_name(project, template):
    made = project.run("scrapy", "genspider", "-t", template, "", "site.example")
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr.startswith("scrapy: error: the name is empty: expected ")


def test_a_keyword_is_not_a_name_for_a_module(project):
    made = project.run("scrapy", "genspider", "class", "site.example")
    assert (made.returncode, "is not a module name" in made.stderr) == (2, True)


def test_what_is_only_shown_is_a_success(project):
    assert project.run("scrapy", "genspider", "-l").returncode == 0
    assert "allowed_domains" in project.run("scrapy", "genspider", "-d", "site").stdout


def test_a_port_is_not_part_of_a_domain(project):
    project.run("scrapy", "genspider", "plain", "127.0.0.1:1")
    spider = (project.folder / "newsbot" / "spiders" / "plain.py").read_text()
    assert 'allowed_domains = ["127.0.0.1"]' in spider
    assert 'start_urls = ["https://127.0.0.1:1"]' in spider


@pytest.mark.parametrize(
    ("address", "domain", "start"),
    [
        ("Site.example:8080/news/?a=1&b=%22#top", "site.example", "https://site.example:8080/news/?a=1&b=%22"),
        ("http://straße.example", "xn--strae-oqa.example", "http://xn--strae-oqa.example"),
        ("[::1]:1/", "::1", "https://[::1]:1/"),
    ],
)
def test_an_odd_address(project, address, domain, start):
    hosts = dict.fromkeys(("site.example:8080", "xn--strae-oqa.example", "[::1]:1"), "http://127.0.0.1:1")
    made = project.run(
        *("scrapy", "genspider", "-s", f"STAND_INS={json.dumps(hosts)}", "-s", "RETRY_TIMES=0", "odd", address)
    )
    assert made.returncode == 0, made.stderr
    assert "refused" in made.stdout, "the address was not asked"
    spider = (project.folder / "newsbot" / "spiders" / "odd.py").read_text("utf-8")
    assert f'allowed_domains = ["{domain}"]' in spider
    assert f'start_urls = ["{start}"]' in spider
    tested = project.run("pytest", "-q", "tests/spiders/test_odd.py")
    assert tested.returncode == 0, tested.stdout


def test_the_template_need_not_be_named(project):
    made = project.run("scrapy", "genspider", "plain", "127.0.0.1:1")
    assert made.returncode == 0, made.stderr
    assert (project.folder / "newsbot" / "spiders" / "plain.py").exists()
    assert (project.tests / "test_plain.py").exists()


def test_an_installed_package_is_not_a_place_for_a_spider(installed):
    made = installed.run("scrapy", "genspider", "mine", "127.0.0.1:1")
    assert made.returncode == 2
    assert "where an upgrade would remove the spider" in made.stderr
    assert list(installed.tests.iterdir()) == []


def test_a_package_of_ones_own_is(installed):
    spiders = installed.folder / "own" / "spiders"
    spiders.mkdir(parents=True)
    (spiders / "__init__.py").touch()
    (installed.folder / "own" / "settings.py").write_text(
        "from newsbot.settings import *\n"
        'NEWSPIDER_MODULE = "own.spiders"\n'
        'SPIDER_MODULES = ["newsbot.spiders", "own.spiders"]\n'
    )
    (installed.folder / "scrapy.cfg").write_text("[settings]\ndefault = own.settings\n")
    made = installed.run("scrapy", "genspider", "mine", "127.0.0.1:1")
    assert made.returncode == 0, made.stderr
    assert (spiders / "mine.py").exists()
    tested = installed.run("pytest", "-q", "tests/spiders/test_mine.py")
    assert tested.returncode == 0, tested.stdout
    assert {"headlines", "mine"} < set(installed.run("scrapy", "list").stdout.split())


# --- -t api -----------------------------------------------------------------------------------------------------------


def test_a_spider_of_an_api_and_its_test(project):
    made = project.run("scrapy", "genspider", "-t", "api", "harbour-api", "api.harbour.example/v1/news")
    assert made.returncode == 0, made.stderr
    assert [path.name for path in project.tests.iterdir()] == ["test_harbour_api.py"]
    spider = project.folder / "newsbot/spiders/harbour_api.py"
    right = spider.read_text("utf-8")
    assert 'url="https://api.harbour.example/v1/news"' in right
    assert max(map(len, right.splitlines())) <= 120

    for text, code in ((right.replace('"headline"', '"heading"'), 1), (right, 0)):
        spider.write_text(text, "utf-8")
        tested = project.run("pytest", "-q", "-p", "no:cacheprovider", "tests/spiders/test_harbour_api.py")
        assert tested.returncode == code, tested.stdout


def test_the_query_of_an_api_becomes_its_params(project):
    """Parameters that `params` cannot hold stay in the URL; the spider's own parameters, and the fragment, go."""
    query = "q=caf%C3%A9%20%22a%22&empty=&tag=a&tag=b&flag&braces=%7Bsince%7D&page=3"
    made = project.run("scrapy", "genspider", "-t", "api", "harbour", f"API.Harbour.example:8080/v1/news/?{query}#top")
    assert made.returncode == 0, made.stderr
    assert "page=3 in the URL is left out" in made.stdout
    spider = "from newsbot.spiders.harbour import HarbourSpider as spider"
    shown = project.run("-c", f"import json; {spider}; print(json.dumps([spider.api.url, spider.api.params]))")
    url, params = json.loads(shown.stdout)
    assert url == "https://api.harbour.example:8080/v1/news/?tag=a&tag=b&flag&braces=%7Bsince%7D"
    assert params == {"from": "{since}", "to": "{until}", "q": 'café "a"', "empty": ""}
    tested = project.run("pytest", "-q", "-p", "no:cacheprovider", "tests/spiders/test_harbour.py")
    assert tested.returncode == 0, tested.stdout


def test_a_name_that_is_none_for_an_api(project):
    made = project.run("scrapy", "genspider", "-t", "api", "Harbour", "api.harbour.example")
    assert made.returncode == 2
    assert "'Harbour' is not an API name: expected lower-case ASCII letters" in made.stderr
    assert list(project.tests.iterdir()) == []
