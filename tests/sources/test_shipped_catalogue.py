import re
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from newsbot.sources.catalogue import load
from newsbot.sources.check import Entry, SectionEntry, read, schema
from newsbot.sources.model import Section, Source

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "newsbot/sources"


@pytest.fixture(scope="module")
def checked():
    """The shipped files, read as a user's are."""
    return read([PACKAGE / "countries"])


def test_the_shipped_files_are_valid_and_read_the_same_without_the_checks(checked):
    assert {source.id: source for source in checked} == load()


def test_ids_are_unique_over_all_files(checked):
    assert [name for name, times in Counter(source.id for source in checked).items() if times > 1] == []


def test_each_file_holds_its_own_country():
    for file in (PACKAGE / "countries").iterdir():
        assert {source.country for source in read([file])} == {file.stem}, file


def test_sources_and_countries_that_can_be_fetched(checked):
    fetched = [source for source in checked if source.enabled and (source.feeds or source.news_sitemaps)]
    assert len(checked) >= 173
    assert len(fetched) >= 140
    assert len({source.country for source in fetched}) >= 30


def test_politeness_is_only_lowered_with_a_reason(checked):
    for source in checked:
        if source.delay is not None:
            assert source.delay > 0, f"{source.id}: a delay of 0 is for a user's own file"
            assert source.delay >= 1 or source.reason, f"{source.id}: a delay below 1 s needs a reason"


def test_no_address_stands_twice_in_a_source(checked):
    for source in checked:
        urls = source.feeds + source.news_sitemaps + source.sitemaps
        assert len(urls) == len(set(urls)), source.id


def test_each_country_file_names_the_schema_for_editors():
    for file in (PACKAGE / "countries").iterdir():
        assert file.read_text("utf-8").startswith("# yaml-language-server: $schema=../schema.json\n"), file


def test_the_published_schema_is_current():
    published = (resources.files("newsbot.sources") / "schema.json").read_text("utf-8")
    assert published == schema(), "run: python -m newsbot.sources.check > newsbot/sources/schema.json"


@pytest.mark.parametrize(("model", "result"), [(Entry, Source), (SectionEntry, Section)])
def test_what_is_checked_is_what_is_loaded(model, result):
    optional = {key: field.get_default() for key, field in model.model_fields.items() if not field.is_required()}
    defaults = {key: field.default for key, field in result.__dataclass_fields__.items()}
    assert set(defaults) == set(model.model_fields)
    assert {key: tuple(value) if value == [] else value for key, value in optional.items()} == {
        key: defaults[key] for key in optional
    }


@pytest.mark.parametrize("model", [Entry, SectionEntry])
def test_the_documentation_has_every_key(model):
    rows = re.findall(r"^\| `\w+` \|.*", (ROOT / "docs/sources.md").read_text("utf-8"), re.MULTILINE)
    for key, field in model.model_fields.items():
        assert f"| `{key}` | {'yes' if field.is_required() else ''} | {field.description} |" in rows
    assert len(rows) == len(Entry.model_fields) + len(SectionEntry.model_fields)
