"""Compares the documents' statements on APIs with the code."""

import re
from contextlib import closing

import pytest
from scrapy.settings import Settings

from docs.generate import DICTIONARY, FOLDER, MADE_BELOW, OWN_SPIDER, article_fields, dictionary, pages
from newsbot.storage.upgrade import upgrade

DOCS = FOLDER.parent


def test_the_pages_of_the_apis_say_what_their_spiders_say():
    settings = Settings()
    settings.setmodule("newsbot.settings")
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert found == pages(settings), "docs/apis is stale: run `python -m docs.generate`"


def test_the_fields_of_an_article_are_the_code_s():
    _, _, told = OWN_SPIDER.read_text(encoding="utf-8").partition(MADE_BELOW)
    assert told == article_fields(), "docs/own-spider.md is stale: run `python -m docs.generate`"


def test_the_dictionary_of_the_tables_says_what_tables_py_says():
    assert DICTIONARY.read_text(encoding="utf-8") == dictionary(), (
        "docs/tables.md is stale: run `python -m docs.generate`"
    )


def statements():
    """All SQL of the pages: code blocks, and arguments of `scrapy db sql`."""
    for file in [DOCS / "apis.md", DOCS / "database.md", DOCS.parent / "README.md", *FOLDER.iterdir()]:
        text = file.read_text(encoding="utf-8")
        blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
        yield from (each for block in blocks for each in block.split(";") if each.strip())
        yield from re.findall(r'scrapy db sql "(.*?)"', text)


@pytest.fixture
def cursor(database):
    with closing(database.connect()) as connection:
        upgrade(connection)
        with connection, connection.cursor() as cursor:
            yield cursor


def test_the_sql_of_the_pages_is_valid(cursor):
    found = list(statements())
    assert len(found) > 15
    for each in found:
        cursor.execute(f"EXPLAIN {each}")
