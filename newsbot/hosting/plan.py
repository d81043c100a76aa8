"""Which entries are due next, without looking at all of them."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime

from newsbot.hosting import fires
from newsbot.hosting.schedule import Entry


class Plan:
    """The entries that have fire times, the next to fire first."""

    def __init__(self, entries: Iterable[Entry], now: datetime) -> None:
        self._times: dict[str, Iterator[datetime]] = {}
        self._next: list[tuple[datetime, str]] = []
        for entry in entries:
            if entry.enabled:
                self._times[entry.name] = fires.after(entry, now)
                self._push(entry.name)

    def next_time(self) -> datetime | None:
        """When the next entry is due."""
        return self._next[0][0] if self._next else None

    def due(self, now: datetime) -> list[str]:
        """The names of the entries that are due by now."""
        if not self._next or self._next[0][0] > now:
            return []
        return [name for moment, name in self._next if moment <= now]

    def move(self, now: datetime) -> None:
        """Move the entries that are due by now to their next times."""
        while self._next and self._next[0][0] <= now:
            _, name = heapq.heappop(self._next)
            self._push(name, now)

    def _push(self, name: str, now: datetime | None = None) -> None:
        for moment in self._times[name]:
            if now is None or moment > now:
                heapq.heappush(self._next, (moment, name))
                return
