"""The reported spending of a run: in its table, and in its row."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPIDER = Path(__file__).with_name("made_up_api.py")


@pytest.fixture
def dear(serve, database_url):
    """Run `dear` against a stand-in that gives two pages."""
    left = {}

    def news(handler):
        page = int(handler.path.partition("page=")[2])
        news = [{"url": f"https://dear.example/{page}", "title": f"Ferry number {page} runs again"}]
        handler.answer(body=json.dumps({"news": news, "pages": 2}).encode(), **left)

    server = serve({"/news": news})

    def run(key="wj3-secret", per="day", **headers):
        left.update(headers)
        stand_ins = json.dumps({"dear.example": f"http://127.0.0.1:{server.port}"})
        settings = (f"STAND_INS={stand_ins}", f"DATABASE_URL={database_url}")
        return subprocess.run(
            [sys.executable, "-m", "scrapy", "runspider", SPIDER, *(x for each in settings for x in ("-s", each))],
            cwd=ROOT,
            env=os.environ | {"DEAR_KEY": key, "DEAR_PER": per},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_the_table_and_the_row_say_what_was_spent(dear, query):
    first, second = dear(), dear()
    assert first.returncode == 0, first.stderr
    assert "\nSpent: dear 2 of 100 calls today for 0.5 USD (this run: 2)\n" in first.stderr
    assert "\nSpent: dear 4 of 100 calls today for 1 USD (this run: 2)\n" in second.stderr
    rows = query("SELECT stats->'spent' FROM runs ORDER BY started_at")
    (name,) = rows[1][0]
    assert name.startswith("dear/")
    assert "wj3-secret" not in first.stderr + name
    told = {"calls": 2, "period": "day", "total": 4, "cost": 1.0, "limit": 100, "currency": "USD"}
    assert rows[1] == ({name: told},)


def test_a_limit_of_a_length_of_its_own_is_named(dear):
    run = dear(per="12h")
    assert run.returncode == 0, run.stderr
    assert "\nSpent: dear 2 of 100 calls in these 12 hours for 0.5 USD (this run: 2)\n" in run.stderr


def test_a_key_has_a_budget_of_its_own_and_the_answers_say_how_much(dear):
    dear()
    assert "Spent: dear 32 of 40 calls today" in dear(key="another", X_Limit=40, X_Left=9).stderr
