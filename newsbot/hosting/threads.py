"""Threads for work that may take minutes or hang. Twisted's few threads are for short work."""

from collections.abc import Callable
from threading import Thread
from typing import ParamSpec, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

_P = ParamSpec("_P")
_T = TypeVar("_T")


def in_own_thread(work: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Deferred[_T]":
    """The outcome of `work`, done in a separate thread, which does not keep the process from ending."""
    done: Deferred[_T] = Deferred()

    def run() -> None:
        try:
            outcome = work(*args, **kwargs)
        except BaseException:  # noqa: BLE001  the caller that awaits the outcome gets it
            outcome = Failure()
        reactor.callFromThread(done.callback, outcome)

    Thread(target=run, name=getattr(work, "__name__", None), daemon=True).start()
    return done
