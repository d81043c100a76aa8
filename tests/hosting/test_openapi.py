"""openapi.json: it is valid, it has every call, and a real Scrapyd's answers match it."""

import configparser
import io
from pathlib import Path
from zipfile import ZipFile

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = Path(__file__).parents[2]

ENTRY = "- {name: hourly, spider: quick, cron: '0 * * * *', overlap: skip}\n"


class Checked:
    """Calls of a Scrapyd, each answer of which is checked against its description."""

    def __init__(self, scrapyd):
        self.scrapyd = scrapyd
        self.document = scrapyd.get("openapi.json")
        self.asked = set()

    def operation(self, name):
        ((method, operation),) = self.document["paths"][f"/{name}"].items()
        return method.upper(), operation

    def __call__(self, call, status=200, /, files=None, **data):
        method, operation = self.operation(call)
        where = {"params" if method == "GET" else "data": data}
        answer = self.scrapyd.call(method, call, files=files, **where)
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        described = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        schema = {"components": self.document["components"], **described}
        faults = [f"{error.json_path}: {error.message}" for error in self.faults(schema, answer.json())]
        assert faults == [], f"{call}: {answer.text}"
        if answer.json()["status"] == "ok":
            self.asked.add(call)
        return answer.json()

    @staticmethod
    def faults(schema, answer):
        return list(Draft202012Validator(strict(schema)).iter_errors(answer))


def strict(schema):
    """The same schema, in which an undescribed key is a fault."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    properties = schema.get("properties", {})
    is_closed = properties and properties.get("status") != {"const": "error"}  # an error may say more
    closed = {"additionalProperties": False} if is_closed else {}
    return closed | {key: strict(value) for key, value in schema.items()}


@pytest.fixture
def checked(make_scrapyd):
    return Checked(make_scrapyd(schedule=ENTRY, max_proc=1).start())


def services():
    config = configparser.RawConfigParser()
    config.read(ROOT / "scrapyd/scrapyd.conf")
    return set(config["services"]) - {"openapi.json"}


def test_the_description_is_valid(checked):
    assert list(OpenAPIV31SpecValidator(checked.document).iter_errors()) == []


def test_every_call_is_described(checked):
    assert {path.removeprefix("/") for path in checked.document["paths"]} == services()
    for name in services():
        _, operation = checked.operation(name)
        assert operation["summary"].endswith(".")
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], f"{name}: {parameter['name']}"
        for media in operation.get("requestBody", {}).get("content", {}).values():
            for parameter, schema in media["schema"]["properties"].items():
                assert schema["description"], f"{name}: {parameter}"


def test_what_is_answered_is_as_described(checked, tmp_path):
    scrapyd, project = checked.scrapyd, {"project": "newsbot"}
    checked("daemonstatus.json")
    checked("listprojects.json")
    checked("listspiders.json", **project)
    checked("listversions.json", **project)
    running = checked("schedule.json", **project, spider="waits", until=str(tmp_path / "end"))["jobid"]
    scrapyd.wait_until(running, "running")
    pending = checked("schedule.json", **project, spider="quick", setting="LOG_LEVEL=INFO", priority=2)["jobid"]
    assert [len(checked("listjobs.json")[state]) for state in ("pending", "running", "finished")] == [1, 1, 0]
    assert len(checked("history.json")["jobs"]) == 2
    assert checked("status.json", job=running)["state"] == "running"
    assert checked("cancel.json", **project, job=pending)["prevstate"] == "pending"
    (tmp_path / "end").touch()
    scrapyd.wait_until(running)
    failed = scrapyd.wait_until(checked("schedule.json", **project, spider="crashes")["jobid"])
    assert checked("status.json", job=failed["id"])["state"] == "failed"
    assert checked("status.json", job="none")["currstate"] is None
    assert len(checked("listjobs.json")["finished"]) == 3
    assert checked("crawl.json", **project, spider="quick", items=3, max_items=2)["truncated"] == "items"
    checked("schedules.json")
    checked("pause.json", name="hourly")
    checked("resume.json", name="hourly")
    scrapyd.wait_until(checked("fire.json", name="hourly")["jobid"])
    assert checked("schedules.json")["schedules"][0]["last_state"] == "finished"
    assert len(checked("history.json", limit=1)["jobs"]) == 1
    checked("health.json")
    egg = made_egg()
    assert checked("addversion.json", project="other", version="1", files={"egg": egg})["spiders"] == 1
    assert checked("listversions.json", project="other")["versions"] == ["1"]
    checked("delversion.json", project="other", version="1")
    checked("addversion.json", project="other", version="2", files={"egg": egg})
    checked("delproject.json", project="other")
    assert checked.asked == services()


def made_egg():
    """An egg of a project with one spider."""
    file = io.BytesIO()
    with ZipFile(file, "w") as egg:
        egg.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 2.1\nName: other\nVersion: 1\n")
        egg.writestr("EGG-INFO/entry_points.txt", "[scrapy]\nsettings = other.settings\n")
        egg.writestr("EGG-INFO/top_level.txt", "other\n")
        egg.writestr("other/__init__.py", "")
        egg.writestr("other/settings.py", "SPIDER_MODULES = ['other.spiders']\n")
        egg.writestr("other/spiders.py", "import scrapy\n\nclass One(scrapy.Spider):\n    name = 'one'\n")
    return file.getvalue()


def test_what_is_refused_is_as_described(checked):
    project = {"project": "newsbot"}
    for name in services() - {"addversion.json"}:
        assert checked(name, 400, nonsense="\0")["status"] == "error"
    for name in ("delversion.json", "delproject.json"):
        checked(name, **{"project": "none"} | ({"version": "1"} if "version" in name else {}))
    checked("schedule.json", **project, spider="none")
    checked("schedule.json", 403, **project, spider="quick", setting="ITEM_PIPELINES={}")
    checked("crawl.json", 403, **project, spider="quick", setting="ITEM_PIPELINES={}")
    checked("crawl.json", 404, **project, spider="none")
    checked("fire.json", 404, name="none")
    checked("pause.json", 404, name="none")
    checked.scrapyd.schedule.write_text("- {}\n")
    checked.scrapyd.wait_for(lambda: checked.scrapyd.call("GET", "health.json").status_code == 503)
    checked("health.json", 503)
    checked.scrapyd.auth = None
    checked("health.json", 401)
