"""Scrapyd's spider queue and job storage, in Postgres. They wait for the database: call them from a thread."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from scrapyd.config import Config
from scrapyd.interfaces import IJobStorage, ISpiderQueue
from zope.interface import implementer

from newsbot.hosting.sessions import sessions
from newsbot.job import FINISHED, PENDING, Job
from newsbot.storage import jobs


class Message(dict[str, Any]):
    """A job in the form that Scrapyd passes on, and its row."""

    def __init__(self, job: Job, **named: str) -> None:
        super().__init__(job.args | named | {"_job": job.id, "settings": dict(job.settings)})
        if job.version:
            self["_version"] = job.version
        self.job = job


@implementer(ISpiderQueue)
class PostgresSpiderQueue:
    """`spiderqueue` of scrapyd.conf."""

    def __init__(self, config: Config, project: str) -> None:
        self.project = project

    def add(self, name: str, priority: float = 0.0, **spider_args: Any) -> None:
        """Queue a job. Raises `DuplicateError` when its id is taken."""
        job = Job(
            project=self.project,
            id=spider_args.pop("_job", None) or uuid.uuid4().hex,
            spider=name,
            version=spider_args.pop("_version", None),
            settings=spider_args.pop("settings", {}),
            asked_by="api",
            priority=priority,
            args=spider_args,
        )
        sessions().transaction(lambda cursor: jobs.add(cursor, [job]))

    def pop(self) -> None:
        """Does nothing: nodes claim jobs, with a lease; see `newsbot.hosting.poller`."""

    def list(self) -> list[Message]:
        """The pending jobs."""
        found = sessions().transaction(lambda cursor: jobs.waiting(cursor, self.project))
        return [Message(job, name=job.spider) for job in found]

    def count(self) -> int:
        """How many are pending."""
        return sessions().transaction(lambda cursor: jobs.counts(cursor, self.project))[PENDING]

    def remove(self, func: Callable[[Message], bool]) -> int:
        """Cancel the pending jobs for which `func` is true; returns how many."""
        removed = [message for message in self.list() if func(message)]
        for message in removed:
            sessions().transaction(lambda cursor, job=message.job: jobs.cancel(cursor, job.project, job.id, "INT"))
        return len(removed)

    def clear(self) -> None:
        """Cancel all that are pending."""
        self.remove(lambda message: True)


class Ended:
    """A job that has ended, in the form that Scrapyd's services read."""

    def __init__(self, job: Job) -> None:
        self.row = job
        self.project, self.spider, self.job = job.project, job.spider, job.id
        self.start_time, self.end_time = job.started_at, job.ended_at


@implementer(IJobStorage)
class PostgresJobStorage:
    """`jobstorage` of scrapyd.conf. The launcher closes the rows, so that nothing is left to add."""

    def __init__(self, config: Config) -> None:
        self.finished_to_keep = config.getint("finished_to_keep", 100)

    def add(self, job: Any) -> None:
        """Does nothing: the launcher closes the row when it names the end."""

    def list(self) -> list[Ended]:
        """The newest `finished_to_keep`."""
        found = sessions().transaction(lambda cursor: jobs.ended(cursor, self.finished_to_keep))
        return [Ended(job) for job in found]

    def __iter__(self) -> Iterator[Ended]:
        return iter(self.list())

    def __len__(self) -> int:
        return sessions().transaction(jobs.counts)[FINISHED]
