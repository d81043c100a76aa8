"""The name of an end, from what is known."""

import pytest

from newsbot.hosting.ends import named

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


def test_reasons():
    def reason(exit_code, signal=None, **known):
        return named(exit_code, signal, **PLAIN | known).reason

    assert reason(0) is None
    assert reason(0, finish_reason="closespider_timeout") == "closespider_timeout"
    assert reason(2, finish_reason=None, last_lines=["usage", "no spider"]) == "no spider"
    assert "every source failed" in reason(1)
    assert reason(None, 15) == "by signal 15"
