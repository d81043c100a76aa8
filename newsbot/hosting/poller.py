"""Scrapyd's poller: claims jobs from the queue in Postgres while this node has room."""

import logging

import psycopg2
from scrapyd.config import Config
from scrapyd.interfaces import IPoller
from scrapyd.utils import get_spider_queues
from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred
from zope.interface import implementer

from newsbot.hosting.config import node_name
from newsbot.hosting.processes import machine
from newsbot.hosting.queue import Message
from newsbot.hosting.sessions import AwayError, sessions
from newsbot.job import Job
from newsbot.storage import jobs

logger = logging.getLogger(__name__)


@implementer(IPoller)
class Poller:
    """`poller` of scrapyd.conf."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.node = node_name(config)
        self.open = False  # set once the database is ready and orphans are found; cleared when Scrapyd stops
        self.adopted = 0  # jobs of this node without a slot
        self.lock = DeferredLock()  # between claiming jobs and looking after them
        self._waiting: list[Deferred[Message]] = []
        self.update_projects()

    def update_projects(self) -> None:
        """Look for the projects anew."""
        self.queues = get_spider_queues(self.config)

    def next(self) -> "Deferred[Message]":
        """The next job, once there is one and room for it."""
        deferred: Deferred[Message] = Deferred()
        self._waiting.append(deferred)
        return deferred

    def poll(self) -> "Deferred[None]":
        """Claim jobs while there is room. The next call tries a database that is away again."""
        return self.lock.run(lambda: ensureDeferred(self._poll()))

    async def _poll(self) -> None:
        while self.open and len(self._waiting) > self.adopted:
            try:
                job = await sessions().do(self._take)
            except psycopg2.errors.UniqueViolation:  # another node claimed a job of the same entry at the same moment
                return
            except AwayError:
                return
            except Exception:  # an exception raised here would end the polling
                logger.exception("No job can be claimed")
                return
            if job is None:
                return
            self._waiting.pop(0).callback(Message(job, _project=job.project, _spider=job.spider))

    def _take(self, cursor: "psycopg2.extensions.cursor") -> Job | None:
        return jobs.take(cursor, self.node, machine(), self.queues)
