"""The name of an end, from its signs."""

import pytest

from newsbot.hosting.ends import named
from newsbot.hosting.logs import last_lines

PLAIN = {"asked": None, "finish_reason": "finished", "out_of_memory": False, "last_lines": []}


@pytest.mark.parametrize(
    ("exit_code", "signal", "known", "state"),
    [
        (0, None, {}, "finished"),
        (0, None, {"finish_reason": None}, "finished"),
        (0, None, {"finish_reason": "closespider_timeout"}, "finished"),
        (1, None, {}, "failed"),
        (2, None, {"finish_reason": None, "last_lines": ["usage", "there is no spider"]}, "failed"),
        (None, 9, {}, "killed"),
        (None, 9, {"finish_reason": None}, "killed"),
        (None, 11, {"out_of_memory": True}, "killed"),
        (None, 9, {"out_of_memory": True}, "out of memory"),
        (1, None, {"finish_reason": "memusage_exceeded"}, "out of memory"),
        (1, None, {"finish_reason": "start_error", "last_lines": ["MemoryError", "closed"]}, "out of memory"),
        (0, None, {"last_lines": ["MemoryError"]}, "finished"),
        (0, None, {"finish_reason": "shutdown"}, "killed"),
        (0, None, {"finish_reason": "shutdown", "asked": "cancelled"}, "cancelled"),
        (None, 9, {"finish_reason": None, "asked": "cancelled", "out_of_memory": True}, "cancelled"),
        (None, 9, {"finish_reason": None, "asked": "timed out"}, "timed out"),
    ],
)
def test_states(exit_code, signal, known, state):
    assert named(exit_code, signal, **PLAIN | known).state == state


def reason(exit_code, signal=None, **known):
    return named(exit_code, signal, **PLAIN | known).reason


def test_reasons():
    assert reason(0) is None
    assert reason(0, finish_reason="closespider_timeout") == "closespider_timeout"
    assert reason(2, finish_reason=None, last_lines=["usage", "no spider"]) == "exit code 2: no spider"
    assert reason(1) == "exit code 1: every source failed or nothing could be stored"
    told = (
        "exit code 1: every source failed or nothing could be stored: https://a.example/: HTTP status 404 (Not Found)"
    )
    assert reason(1, failure="https://a.example/: HTTP status 404 (Not Found)", last_lines=["x"]) == told
    assert reason(None, 15) == "signal 15 (SIGTERM)"
    assert reason(None, 40) == "signal 40"
    assert reason(3, finish_reason=None) == "exit code 3"
    assert reason(1, finish_reason=None, log_is_full=True) == "exit code 1: there is no room left for its log"


LOG = """\
2026-11-27 10:00:00 [scrapy.core.engine] INFO: Spider opened
2026-11-27 10:00:01 [scrapy.core.scraper] ERROR: Spider error processing <GET https://a.example/>
Traceback (most recent call last):
  File "spider.py", line 7, in parse
    return response.json()["price"]
KeyError: 'price'
2026-11-27 10:00:02 [scrapy.statscollectors] INFO: Dumping Scrapy stats:
{'downloader/request_count': 3,
 'finish_reason': 'finished'}
2026-11-27 10:00:02 [scrapy.core.engine] INFO: Spider closed (finished)
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (LOG, "exit code 1: KeyError: 'price'"),
        (LOG + "2026-11-27 10:00:03 [shop] CRITICAL: no shop\n", "exit code 1: no shop"),
        (LOG + "2026-11-27 10:00:03 [shop] WARNING: slow\n", "exit code 1: KeyError: 'price'"),
        (LOG.partition("2026-11-27 10:00:01")[0], "exit code 1"),  # the last lines do not explain it
        (LOG[LOG.index("2026-11-27 10:00:02") :], "exit code 1"),
        ("Traceback (most recent call last):\n  File 'a', line 1\nshop.OutOfStock\n", "exit code 1: shop.OutOfStock"),
        (
            "version '3' of project 'shop' is not on this node\n",
            "exit code 1: version '3' of project 'shop' is not on this node",
        ),
        ("", "exit code 1"),
    ],
)
def test_the_reason_of_a_failure_is_its_last_error(tmp_path, said, told):
    (tmp_path / "log").write_text(said)
    assert reason(1, finish_reason=None, last_lines=last_lines(tmp_path / "log")) == told


def test_the_reason_of_a_signal_has_the_error_as_well(tmp_path):
    (tmp_path / "log").write_text(
        "Fatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n  ...\n"
    )
    told = reason(None, 11, finish_reason=None, last_lines=last_lines(tmp_path / "log"))
    assert told == "signal 11 (SIGSEGV): Fatal Python error: Segmentation fault"
