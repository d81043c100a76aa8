"""Scrapyd's own calls: the same names, parameters and answers, from the queue in Postgres, and more keys.

https://scrapyd.readthedocs.io/en/latest/api.html
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from threading import Event
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator
from scrapyd.exceptions import EggNotFoundError, ProjectNotFoundError
from scrapyd.website import Root
from twisted.internet.defer import CancelledError, DeferredLock
from twisted.internet.threads import deferToThread
from twisted.web import http

from newsbot.hosting import claims, queries, spider_arguments
from newsbot.hosting.api import schemas
from newsbot.hosting.api.call import Call, Query, RefusedError
from newsbot.hosting.names import (
    LONGEST_NAME,
    Name,
    NotAllowedError,
    Version,
    check_argument,
    check_files,
    check_setting,
)
from newsbot.hosting.processes import signal_number
from newsbot.hosting.redaction import masked
from newsbot.hosting.spiders import TIMEOUT, ListingError, ProbeError
from newsbot.hosting.threads import in_own_thread
from newsbot.job import FINISHED, PENDING, RUNNING, DuplicateError, Job

PROJECT = Field(description="the project, as `newsbot`")
LISTED = TIMEOUT + 30.0  # seconds for an answer that may wait until a project has listed its spiders


class ScrapydQuery(Query):
    """Scrapyd ignores parameters that it does not know."""

    model_config = ConfigDict(extra="ignore")


class ScrapydCall(Call):
    """The common part of Scrapyd's calls."""

    lenient = True
    query = ScrapydQuery

    def check_project(self, project: str | None) -> None:
        """Raises `RefusedError` for an unknown project."""
        if project is not None and project not in self.root.poller.queues:
            raise self.unfit(f"project '{project}' not found")

    def check_version(self, project: str, version: str | None) -> None:
        """Raises `RefusedError` for an unknown version."""
        if version:
            _, egg = self.root.eggstorage.get(project, version)
            if egg is None:
                raise self.unfit(f"version '{version}' not found")
            egg.close()

    async def spiders(self, project: str, version: str | None) -> list[str]:
        """The spiders of a version. Raises `RefusedError` when they cannot be listed."""
        try:
            return await self.root.spiders.get(project, version)
        except ListingError as error:
            raise self.unfit(f"the spiders cannot be listed: {error}", http.INTERNAL_SERVER_ERROR) from None

    async def check_job(self, query: "Asked") -> dict[str, str]:
        """The settings of a requested job. Raises `RefusedError` for a job that cannot or may not run."""
        settings = dict(setting.split("=", 1) for setting in query.setting)
        try:
            for name, value in settings.items():
                check_setting(name, value, self.root.allowed_settings)
            check_files(query.model_extra, self.root.allowed_settings)
        except NotAllowedError as error:
            raise RefusedError(str(error), http.FORBIDDEN) from None
        except ValueError as error:
            raise RefusedError(str(error)) from None
        self.check_project(query.project)
        self.check_version(query.project, query.version)
        if query.spider not in await self.spiders(query.project, query.version):
            raise self.unfit(f"spider '{query.spider}' not found")
        if query.project == claims.PROJECT and not query.version and self.root.spiders.is_installed(query.project):
            try:  # an egg's spiders may take other arguments than those of the installed code
                await in_own_thread(lambda: spider_arguments.installed()(query.spider, query.model_extra, settings))
            except ValueError as error:
                raise RefusedError(str(error)) from None
        return settings

    def unfit(self, message: str, status: int = http.NOT_FOUND) -> RefusedError:
        """The refusal, with the status that this call's clients know."""
        return RefusedError(message, http.OK if self.lenient else status)


class DaemonStatus(ScrapydCall):
    """How many jobs are pending, running and finished."""

    async def answer(self, query: Query) -> schemas.DaemonStatus:
        """As Scrapyd's."""
        counts = await queries.counts()
        return {name: counts[name] for name in (PENDING, RUNNING, FINISHED)}


class Asked(Query):
    """A requested job. Any other parameter is an argument of the spider."""

    model_config = ConfigDict(extra="allow")
    project: Name = PROJECT
    spider: str = Field(description="the spider, as `headlines`", max_length=LONGEST_NAME)
    version: Version | None = Field(None, alias="_version", description="of the egg; the newest without it")
    jobid: Name = Field(default_factory=lambda: uuid.uuid1().hex, description="an id that no job has; made without it")
    setting: list[str] = Field([], description="`NAME=VALUE`, as `DOWNLOAD_DELAY=2`; once for each setting")

    @model_validator(mode="after")
    def _arguments(self) -> Self:
        for name, value in self.model_extra.items():
            check_argument(name, value)
        for setting in self.setting:
            if "=" not in setting:
                raise ValueError(f"setting {setting[:60]!r}: expected NAME=VALUE")
        return self


class Schedule(ScrapydCall):
    """Queue a job. Any other parameter is an argument of the spider."""

    method = "POST"
    patience = LISTED
    errors: ClassVar[Mapping[int, str]] = {
        http.FORBIDDEN: "A setting is not allowed.",
        http.CONFLICT: "A job has that id already.",
    }

    class query(Asked):  # noqa: N801
        """Parameters."""

        priority: float = Field(0, description="higher goes first", allow_inf_nan=False)

    async def answer(self, query: Any) -> schemas.Scheduled:
        """Returns `jobid`; refuses a setting that is not allowed, and an id that is taken."""
        settings = await self.check_job(query)
        given = {"_version": query.version} if query.version else {}
        schedule = partial(self.root.scheduler.schedule, query.project, query.spider, priority=query.priority)
        try:
            # The spider's arguments may have the names of deferToThread's.
            await deferToThread(partial(schedule, settings=settings, _job=query.jobid, **given, **query.model_extra))
        except DuplicateError as error:
            raise RefusedError(str(error), http.CONFLICT) from None
        self.root.poller.poll()
        return {"jobid": query.jobid}


class Cancel(ScrapydCall):
    """Cancel a pending job, or ask a running one to end, on any node. A second call ends it at once."""

    method = "POST"

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        project: Name = PROJECT
        job: str = Field(description="the job's id", max_length=LONGEST_NAME)
        signal: str = Field("INT", description="for a running one, as `INT` or `KILL`", max_length=10)

    async def answer(self, query: Any) -> schemas.Cancelled:
        """As Scrapyd's."""
        self.check_project(query.project)
        try:
            signal_number(query.signal)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        return {"prevstate": await self.root.cancel(query.project, query.job, query.signal)}


class Status(ScrapydCall):
    """The state of a job: pending, running or finished; `state` says how it finished."""

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        job: str = Field(description="the job's id", max_length=LONGEST_NAME)
        project: Name | None = Field(None, description=PROJECT.description)

    async def answer(self, query: Any) -> schemas.Status:
        """Returns `currstate` as Scrapyd does, and `state`."""
        self.check_project(query.project)
        job = await queries.find(query.job, query.project)
        if job is None:
            return {"currstate": None}
        plain = job.state if job.state in (PENDING, RUNNING) else "finished"
        return {"currstate": plain, "state": job.state}


class ListJobs(ScrapydCall):
    """Pending and running jobs of all nodes, and the newest finished ones (`finished_to_keep`)."""

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        project: Name | None = Field(None, description=PROJECT.description)

    async def answer(self, query: Any) -> schemas.Jobs:
        """Returns Scrapyd's keys, and more for running and finished jobs."""
        self.check_project(query.project)
        keep = self.root.launcher.finished.finished_to_keep
        pending, running, finished = await queries.listed(keep, query.project)
        return {
            "pending": [self._pending(job) for job in pending],
            "running": [self._running(job) for job in running],
            "finished": [self._finished(job) for job in finished],
        }

    def _pending(self, job: Job) -> schemas.PendingJob:
        named = {"id": job.id, "project": job.project, "spider": job.spider, "version": job.version}
        return named | {
            "settings": masked(job.settings),
            "args": masked(job.args),
            "asked_by": job.asked_by,
            "priority": job.priority,
        }

    def _running(self, job: Job) -> schemas.RunningJob:
        return {
            "id": job.id,
            "project": job.project,
            "spider": job.spider,
            "pid": job.pid,
            "start_time": local(job.started_at),
            "log_url": self.root.get_log_url(job),
            "items_url": self.root.get_item_url(job),
            "node": job.node,
            "asked_by": job.asked_by,
        }

    def _finished(self, job: Job) -> schemas.FinishedJob:
        return {
            "id": job.id,
            "project": job.project,
            "spider": job.spider,
            "start_time": local(job.started_at or job.ended_at),  # clients expect a time
            "end_time": local(job.ended_at),
            "log_url": self.root.get_log_url(job),
            "items_url": self.root.get_item_url(job),
            "state": job.state,
            "exit_code": job.exit_code,
            "signal": job.signal,
            "reason": job.reason,
            "node": job.node,
            "asked_by": job.asked_by,
            "retry_of": job.retry_of,
        }


def local(moment: datetime | None) -> str | None:
    """A time as Scrapyd writes it: the node's own, without a zone."""
    return str(moment.astimezone().replace(tzinfo=None)) if moment else None


# Projects, versions, spiders


class ListProjects(ScrapydCall):
    """The projects."""

    async def answer(self, query: Query) -> schemas.Projects:
        """As Scrapyd's."""
        return {"projects": self.root.scheduler.list_projects()}


class ListVersions(ScrapydCall):
    """The versions of a project that were uploaded, the newest last."""

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        project: Name = PROJECT

    async def answer(self, query: Any) -> schemas.Versions:
        """As Scrapyd's."""
        return {"versions": self.root.eggstorage.list(query.project)}


class ListSpiders(ScrapydCall):
    """The spiders of a version."""

    patience = LISTED

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        project: Name = PROJECT
        version: Version | None = Field(None, alias="_version", description="of the egg; the newest without it")

    async def answer(self, query: Any) -> schemas.Spiders:
        """As Scrapyd's."""
        self.check_project(query.project)
        self.check_version(query.project, query.version)
        return {"spiders": await self.spiders(query.project, query.version)}


class AddVersion(ScrapydCall):
    """Upload an egg as a version. It serves once it is proven; one that fails is refused and leaves nothing."""

    method = "POST"
    patience = 900.0  # uploads are tried one after the other, and each may take minutes
    errors: ClassVar[Mapping[int, str]] = {
        http.REQUEST_ENTITY_TOO_LARGE: "The egg is too large.",
        http.INSUFFICIENT_STORAGE_SPACE: "The egg cannot be stored.",
    }

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        project: Name = PROJECT
        version: Version = Field(description="use a time stamp: the newest version is the last in order")
        egg: bytes = Field(description="the egg, as a file of a form")
        probe: str | None = Field(
            None, description="a spider that the version must run well before it serves", pattern=r"^\w", max_length=200
        )
        arg: list[str] = Field([], description="`NAME=VALUE`, an argument of that spider; once for each")

        @model_validator(mode="after")
        def _arguments(self) -> "AddVersion.query":
            for argument in self.arg:
                check_argument(*argument.partition("=")[::2])
            return self

    def __init__(self, root: Root) -> None:
        super().__init__(root)
        self._one_at_a_time = DeferredLock()  # each starts processes that try the egg

    async def answer(self, query: Any) -> schemas.Added:
        """Returns Scrapyd's keys. A client that goes away before the answer gets no version."""
        gone = Event()
        try:
            spiders = await self._one_at_a_time.run(in_own_thread, self._add, query, gone)
        except CancelledError:
            gone.set()
            raise
        except ValueError as error:
            raise RefusedError(str(error), http.OK) from None
        except ListingError as error:
            raise RefusedError(
                f"the version is refused, since its spiders cannot be listed: {error}", http.OK
            ) from None
        except ProbeError as error:
            raise RefusedError(f"the version is refused, since it cannot run {query.probe}: {error}", http.OK) from None
        except OSError as error:
            raise RefusedError(f"the egg cannot be stored: {error}", http.INSUFFICIENT_STORAGE_SPACE) from None
        self.root.spiders.keep(query.project, query.version, spiders)
        self.root.update_projects()
        return {"project": query.project, "version": query.version, "spiders": len(spiders)}

    def _add(self, query: Any, gone: Event) -> list[str]:
        storage = self.root.eggstorage
        staged = storage.stage(query.egg, query.project, query.version)
        try:
            spiders = self.root.spiders.ask(query.project, None, staged=str(staged))
            if query.probe:
                self.root.spiders.probe(query.project, str(staged), query.probe, query.arg)
            if not gone.is_set():
                storage.keep(staged, query.project, query.version)
        finally:
            storage.drop(staged, query.project)
        return spiders


class DeleteVersion(ScrapydCall):
    """Delete an uploaded version."""

    method = "POST"

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        project: Name = PROJECT
        version: Version = Field(description="the version")

    async def answer(self, query: Any) -> schemas.Nothing:
        """As Scrapyd's."""
        try:
            self.root.eggstorage.delete(query.project, query.version)
        except EggNotFoundError:
            raise RefusedError(f"version '{query.version}' not found", http.OK) from None
        self.root.spiders.forget(query.project)
        self.root.update_projects()
        return {}


class DeleteProject(ScrapydCall):
    """Delete all uploaded versions of a project. Its jobs that wait fail, unless it is installed as well."""

    method = "POST"

    class query(ScrapydQuery):  # noqa: N801
        """Parameters."""

        project: Name = PROJECT

    async def answer(self, query: Any) -> schemas.Nothing:
        """As Scrapyd's."""
        try:
            self.root.eggstorage.delete(query.project)
        except ProjectNotFoundError:
            raise RefusedError(f"project '{query.project}' not found", http.OK) from None
        self.root.spiders.forget(query.project)
        self.root.update_projects()
        if query.project not in self.root.poller.queues:
            await queries.cancel_all(query.project, "its project was deleted")
        return {}
