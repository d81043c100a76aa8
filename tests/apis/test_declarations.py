"""A spider is its declaration: how many lines it takes."""

import ast
import importlib

import pytest

# The code beyond the declaration: answers that are not a list of records, and further requests.
MORE = {
    "coingecko": "values of two kinds, by how far back one asks",
    "exoplanets": "30 columns, a line each",
    "frankfurter": "codes of currencies, which are checked before it is asked: it leaves out what it does not know",
    "guardian": "the fields of an article",
    "hackernews": "scores and deletions from another API",
    "newsapi": "two endpoints, and the walls of the free plan",
    "openmeteo": "columns of hours in place of records, and several places",
}


def lines(name):
    """Lines of code from the first constant to the end, without imports, docstrings, comments and blank lines."""
    file = importlib.import_module(f"newsbot.spiders.{name}").__file__
    with open(file, encoding="utf-8") as opened:
        text = opened.read()
    tree, counted = ast.parse(text), set()
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_docstring(node):
            counted.update(range(node.lineno, node.end_lineno + 1))
    for node in ast.walk(tree):
        if _is_docstring(node):
            counted.difference_update(range(node.lineno, node.end_lineno + 1))
    written = text.splitlines()
    return sum(bool(written[n - 1].strip()) and not written[n - 1].strip().startswith("#") for n in counted)


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@pytest.mark.parametrize(
    "name", ["coingecko", "exoplanets", "frankfurter", "guardian", "hackernews", "newsapi", "openmeteo"]
)
def test_a_declaration_is_short(name):
    assert (lines(name) > 35) == (name in MORE), f"{name}: {lines(name)} lines"
