"""A job's hold on its row in the queue, renewed by the job's own process."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from newsbot.hosting import processes
from newsbot.hosting.sessions import Sessions
from newsbot.storage import jobs
from newsbot.storage.database import Database
from newsbot.storage.session import Outage

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

logger = logging.getLogger(__name__)

GRACE = 15.0  # seconds for an end in order once another process has the job


class Lease(threading.Thread):
    """Renews until the process ends. A job that was taken over ends itself."""

    def __init__(self, token: str) -> None:
        super().__init__(name="lease", daemon=True)
        self.token = token
        self._registered = False
        self._outage = Outage("the lease of this job is not renewed")
        self._sessions = Sessions(Database.from_settings(os.environ), self._outage)

    @classmethod
    def begin(cls, token: str) -> Self:
        """Note this process as the job's. Exits when another process has taken the job over."""
        lease = cls(token)
        if lease._kept() is False:
            sys.exit("this job was given to another process before it began")
        lease.start()
        return lease

    def run(self) -> None:
        """Renew, again and again. Waits for a database that is away: the crawl waits as well."""
        while True:
            time.sleep(jobs.LEASE / 3)
            if self._kept() is False:
                self._give_up()

    def end(self, exit_code: int) -> None:
        """Note how it ends, for a Scrapyd that is no longer its parent."""
        self._try(lambda cursor: jobs.note_exit(cursor, self.token, exit_code))

    def _kept(self) -> bool | None:
        """Whether the job is still ours; None when the database does not answer."""
        pid = os.getpid()

        def work(cursor: "Cursor") -> bool:
            if self._registered:
                return jobs.renew(cursor, self.token)
            return jobs.register(cursor, self.token, pid, processes.birth(pid))

        kept = self._try(work)
        self._registered |= bool(kept)
        return kept

    def _try(self, work: "Callable[[Cursor], bool | None]") -> bool | None:
        try:
            return self._sessions.transaction(work)
        except Exception as error:  # noqa: BLE001  an egg's module may raise its own: two versions' are not the same
            self._outage.met(error)
            return None

    def _give_up(self) -> None:
        logger.critical("This job was given to another process, so it ends here")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os.kill(os.getpid(), signal.SIGKILL)
