"""The help of the commands, their actions and the spiders."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def help_of(*arguments):
    run = subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def arguments_of(text):
    """Name and meaning of each argument, as the help of a spider shows them."""
    part = re.search(r"^The spider's arguments.*?:\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)[1]
    return dict(re.findall(r"^  (\w+) +(.*(?:\n {6,}.*)*)", part, re.MULTILINE))


def test_the_commands_of_newsbot_come_first():
    names = re.findall(r"^  (\w+) {2,}", help_of("-h"), re.MULTILINE)
    assert names[:7] == ["crawl", "sources", "api", "schedule", "db", "cursors", "genspider"]
    assert {"shell", "settings", "list"} <= set(names[7:])


def test_the_arguments_of_headlines():
    told = arguments_of(help_of("crawl", "headlines", "-h"))
    assert list(told) == ["sources", "country", "language", "shard", "due", "catalogue"]
    assert "(default: all enabled" in told["sources"]


@pytest.mark.parametrize(
    ("arguments", "names", "told"),
    [
        (["coingecko"], "coins currency since backfill budget", "(default: bitcoin,ethereum)"),
        (["frankfurter"], "base symbols since until backfill", "(default: EUR)"),
        (["newsapi"], "top query language since until backfill budget", "(required)"),
        (["newsapi", "-a", "top=1"], "top query country category budget", "one of `business`"),
        (["api"], "config", "(required)"),
        (["api", "-a", "config=worldbank"], "config countries indicators since until backfill budget", "TOTL"),
        (["dataset"], "config file", "(default: the declaration's)"),
    ],
)
def test_the_arguments_of_other_spiders(arguments, names, told):
    text = help_of("crawl", *arguments, "-h")
    found = arguments_of(text)
    assert list(found) == names.split()
    assert told in text
    assert all(found.values())


@pytest.mark.parametrize("command", ["db", "cursors", "schedule", "api", "sources"])
def test_each_action_has_a_line_and_an_example(command):
    text = help_of(command, "-h")
    syntax = re.search(rf"scrapy {command} (.*)", text)[1]
    actions = set(re.findall(r"[a-z]+(?:-[a-z]+)*", re.sub(r'"[^"]*"', "", syntax))) - {"options"}
    shown = dict(re.findall(r"^  ([\w()-]+) {2,}\S.*\n +e\.g\. (.*)", text.partition("Actions:")[2], re.MULTILINE))
    assert actions <= set(shown)
    assert all(f"scrapy {command}" in example for example in shown.values())


def test_each_template_has_a_line_and_an_example():
    shown = re.findall(r"^  (\w+) {2,}\S.*\n +e\.g\. (scrapy genspider .*)", help_of("genspider", "-h"), re.MULTILINE)
    templates = help_of("genspider", "--list").split()[2:]
    assert [name for name, _ in shown] == ["site", "api"]
    assert set(templates) == {"site", "api"}
