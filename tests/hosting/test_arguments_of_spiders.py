"""A job is refused before it is queued when a run of its spider would refuse its arguments at once."""

import os
import re

import pytest
from scrapy.settings import Settings
from scrapy.spiderloader import get_spider_loader

from newsbot.hosting.scheduler import look
from newsbot.hosting.spider_arguments import Checker

OWN = "- {id: mine, name: Mine, homepage: https://mine.example/, country: fr, language: br, feeds: [https://mine.example/f]}\n"


@pytest.fixture(scope="module")
def settings():
    settings = Settings()
    settings.setmodule("newsbot.settings")
    return settings


@pytest.fixture(scope="module")
def check(settings):
    return Checker(settings, get_spider_loader(settings))


@pytest.mark.parametrize(
    ("spider", "given"),
    [
        ("frankfurter", {"symbols": "USD,GBPX"}),
        ("frankfurter", {"base": "USD", "symbols": "USD"}),
        ("gdelt", {"country": "fr"}),
        ("gdelt", {"query": " "}),
        ("openmeteo", {"latitude": "1.0,2.0", "longitude": "1.0"}),
    ],
)
def test_what_a_spider_checks_itself_is_checked_before(check, spider, given):
    with pytest.raises(ValueError, match="-a "):
        check(spider, given)


@pytest.mark.parametrize(
    ("spider", "given"),
    [
        ("frankfurter", {"symbols": "usd, gbp"}),
        ("gdelt", {}),
        ("gdelt", {"query": "x", "country": "fr"}),
        ("openmeteo", {"latitude": "1.0,2.0", "longitude": "1.0,3.0"}),
        ("newsapi", {"top": "1"}),
        ("api", {"config": "worldbank"}),
        ("hackernews", {}),
    ],
)
def test_valid_arguments_pass(check, spider, given):
    check(spider, given)


@pytest.mark.parametrize(
    ("spider", "given", "fault"),
    [
        ("headlines", {"sources": "nosuch"}, "sources: 'nosuch' is unknown"),
        ("headlines", {"country": "zz"}, "country: no source has 'zz'"),
        ("headlines", {"language": "qq"}, "language: no source has 'qq'"),
        ("headlines", {"catalogue": "/nope"}, "/nope: No such file or directory; expected a file, or a folder"),
        ("dataset", {"config": "nosuch"}, "nosuch: No such file or directory; expected a YAML file"),
        (
            "dataset",
            {"config": "presidentielle-2017", "file": "https://a:b@c.example/"},
            "file=: a user or password",
        ),
        (
            "api",
            {"config": "elsewhere/own.yaml"},
            "elsewhere/own.yaml: No such file or directory; expected a YAML file",
        ),
        ("api", {"config": "worldbank", "colour": "red"}, "api has no argument 'colour'"),
    ],
)
def test_files_that_arguments_name_are_read(check, spider, given, fault):
    with pytest.raises(ValueError, match=re.escape(fault)) as error:
        check(spider, given)
    assert "\n" not in str(error.value)


def test_a_catalogue_of_the_job_counts(check, tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    check("headlines", {"sources": "mine"}, {"CATALOGUE": str(file)})
    check("headlines", {"sources": "mine", "catalogue": str(file)})
    with pytest.raises(ValueError, match="'mine' is unknown"):
        check("headlines", {"sources": "mine"})


def test_where_the_settings_are_not_known_the_catalogue_is_not_either(settings):
    check = Checker(settings, get_spider_loader(settings), knows_settings=False)
    check("headlines", {"sources": "mine"})
    with pytest.raises(ValueError, match="no argument 'source'"):
        check("headlines", {"source": "mine"})


def test_the_name_of_a_declaration_may_be_no_spiders(check, tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("{name: guardian, title: A, url: 'https://a.example/', record: {dataset: a, key: id}}\n")
    with pytest.raises(ValueError, match="'guardian' is the name of a spider"):
        check("api", {"config": str(file)})


@pytest.mark.parametrize(("spider", "name"), [("headlines", "catalogue"), ("api", "config"), ("dataset", "config")])
def test_a_file_that_might_block_is_refused(check, tmp_path, spider, name):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ValueError, match=r"pipe\.yaml: not a regular file"):
        check(spider, {name: str(tmp_path / "pipe.yaml")})


@pytest.mark.parametrize(
    "content",
    [
        "root:$6$hunter2:19000:0:99999:7:::\nbin:*:19000:0:99999:7:::\n",
        "root:$6$hunter2:19000:::\n",
        "password: hunter2\n",
        "hunter2: [1, 2]\n",
        "- hunter2\n",
        "- {hunter2: 1}\n",
        "*hunter2\n",
        "!hunter2 x\n",
        "a: 'hunter2\n",
        "hunter2: a: b\n",
    ],
)
@pytest.mark.parametrize(("spider", "name"), [("headlines", "catalogue"), ("api", "config"), ("dataset", "config")])
def test_nothing_of_another_file_is_reported(check, tmp_path, content, spider, name):
    file = tmp_path / "other"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"other:\d: ") as error:
        check(spider, {name: str(file)})
    assert "hunter2" not in str(error.value)


def test_the_schedule_of_a_server_is_checked_where_the_installed_code_runs_it(tmp_path):
    file = tmp_path / "schedule.yaml"
    file.write_text("- {name: a, spider: headlines, every: 1h, args: {source: bbc}}\n")
    (fault,) = look(file, None, None, check=True).faults
    assert f"{file}:1: entry 1 (a): args: -a source=bbc: headlines has no argument 'source'" in fault
    assert look(file, None, None).entries


def test_a_server_refuses_what_a_run_would(make_scrapyd):
    """By its jobs' settings and folder, in its calls and in the schedule."""
    scrapyd = make_scrapyd()
    (scrapyd.folder / "scrapy.cfg").write_text("[settings]\nnewsbot = newsbot.settings\n")
    scrapyd.edit({"name": "kept", "spider": "headlines", "every": "1d"})
    scrapyd.start()
    os.mkfifo(scrapyd.folder / "pipe.yaml")
    for call in ("schedule.json", "crawl.json"):
        for given, fault in (
            ({"spider": "headlines", "sources": "nosuch"}, "sources: 'nosuch' is unknown"),
            ({"spider": "headlines", "catalogue": "own.yaml"}, "own.yaml: No such file or directory"),
            ({"spider": "api", "config": "pipe.yaml"}, "pipe.yaml: not a regular file"),
        ):
            answer = scrapyd.call("POST", call, data={"project": "newsbot"} | given)
            assert (answer.status_code, answer.json()["status"]) == (400, "error")
            assert fault in answer.json()["message"]

    scrapyd.edit(
        {"name": "new", "spider": "headlines", "every": "1d", "args": {"catalogue": "own.yaml", "sources": "mine"}}
    )
    (fault,) = scrapyd.wait_for(lambda: scrapyd.get("schedules.json")["faults"])
    assert "schedule.yaml:1: entry 1 (new): args: the catalogue cannot be read: own.yaml: No such file" in fault
    assert [entry["name"] for entry in scrapyd.get("schedules.json")["schedules"]] == ["kept"]
    assert scrapyd.call("GET", "health.json").status_code == 503
    (scrapyd.folder / "own.yaml").write_text(OWN)  # the fault lay in another file
    scrapyd.wait_for(lambda: [entry["name"] for entry in scrapyd.get("schedules.json")["schedules"]] == ["new"])
    assert scrapyd.get("schedules.json")["faults"] == []
