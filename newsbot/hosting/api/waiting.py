"""Waiting within bounds for work that cannot be ended, such as a thread that waits for the database."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred

_T = TypeVar("_T")


def within(seconds: float, working: "Deferred[_T] | Coroutine[Any, Any, _T]") -> "Deferred[_T]":
    """The outcome of `working`, or Twisted's `TimeoutError` after so many seconds, while `working` goes on."""
    waiting: Deferred[_T] = Deferred()

    def hand_on(outcome: _T) -> None:
        if not waiting.called:
            waiting.callback(outcome)

    ensureDeferred(working).addBoth(hand_on)
    return waiting.addTimeout(seconds, reactor)
