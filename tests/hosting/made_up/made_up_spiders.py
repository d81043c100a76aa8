"""Spiders that fetch nothing: they wait, crash, hang or take memory, by their arguments."""

import asyncio
import fcntl
import os
import signal
import time
from pathlib import Path

import scrapy

from newsbot.items import Article


class Made(scrapy.Spider):
    """The common part: `items` articles, each with the job's own URL unless `same` names one."""

    def articles(self):
        for number in range(int(getattr(self, "items", 0))):
            same = getattr(self, "same", None)
            yield Article(
                url=f"https://made-up.example/{same or self._job}/{number}", title=f"Made up, number {number}"
            )

    def parse(self, response):
        yield from self.articles()

    async def start(self):
        await self.act()
        if hasattr(self, "items"):
            yield scrapy.Request("https://made-up.example/", callback=self.parse)

    async def act(self):
        pass


class Quick(Made):
    """Ends at once."""

    name = "quick"


class Waits(Made):
    """Ends when the file `until` exists, at the latest after ten minutes. Appends a line to `tells` at each start."""

    name = "waits"

    async def act(self):
        if tells := getattr(self, "tells", None):
            with Path(tells).open("a") as file:
                file.write(f"{self._job} {os.getpid()}\n")
                if hasattr(self, "api_key"):
                    file.write(f"api_key {self.api_key}\n")
        for _ in range(12_000):
            if Path(self.until).exists():
                return
            await asyncio.sleep(0.05)


class Works(Made):
    """Works for `seconds`, and notes in the folder `locks` when another process does the same job at the same time."""

    name = "works"

    async def act(self):
        self.lock = (Path(self.locks) / self._job).open("a")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            (Path(self.locks) / f"twice-{self._job}").touch()
        print(time.time(), os.getpid(), file=self.lock, flush=True)
        await asyncio.sleep(float(self.seconds))


class Lingers(Made):
    """Yields its articles, then goes on until the file `until` exists."""

    name = "lingers"

    def parse(self, response):
        yield from self.articles()
        yield from self.linger(response)

    def linger(self, response):
        if not Path(self.until).exists():
            yield response.request.replace(callback=self.linger, dont_filter=True)


class Loose(Made):
    """Yields no typed item."""

    name = "loose"

    def parse(self, response):
        yield {"word": "loose"}
        yield from self.articles()


class Forks(Made):
    """Leaves a child behind, and writes down its number."""

    name = "forks"

    async def act(self):
        child = await asyncio.create_subprocess_exec("sleep", "600")
        Path(self.tells).write_text(str(child.pid))


class Crashes(Made):
    """Ends with `code`, silently."""

    name = "crashes"

    async def act(self):
        os._exit(int(getattr(self, "code", 1)))


class Hangs(Made):
    """Never comes back to the event loop."""

    name = "hangs"

    async def act(self):
        while True:
            pass


class Deaf(Made):
    """Ignores the signals that ask it to end."""

    name = "deaf"

    async def act(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        Path(self.tells).touch()
        await asyncio.sleep(600)


class Greedy(Made):
    """Is refused memory."""

    name = "greedy"

    async def act(self):
        raise MemoryError


class Swells(Made):
    """Takes memory in the control group `group` until the kernel kills it."""

    name = "swells"

    async def act(self):
        Path(self.group, "cgroup.procs").write_text(str(os.getpid()))
        taken = []
        while True:
            taken.append(bytearray(os.urandom(1 << 20)))


class Talks(Made):
    """Logs `text`, `times` times."""

    name = "talks"

    async def act(self):
        for _ in range(int(getattr(self, "times", 1))):
            self.logger.info("%s", self.text)
            await asyncio.sleep(float(getattr(self, "pause", 0)))
