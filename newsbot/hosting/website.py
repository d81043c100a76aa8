"""Scrapyd's `webroot`: all calls of [services], the logs, the page, and Scrapyd's table of jobs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from scrapyd import website
from scrapyd.config import Config
from twisted.application.service import IServiceCollection

from newsbot.hosting import queries
from newsbot.hosting.config import node_name
from newsbot.hosting.page.jobs_table import Jobs
from newsbot.hosting.page.log_view import Log
from newsbot.hosting.page.overview import Page
from newsbot.hosting.spiders import SpiderList
from newsbot.job import RUNNING

if TYPE_CHECKING:
    from twisted.application.service import Application

    from newsbot.hosting.scheduler import Scheduler


class TextFile(website.File):
    """Files that a job wrote: text, under any name."""

    contentTypes: ClassVar = {}  # noqa: N815  Twisted's
    contentEncodings: ClassVar = {}  # noqa: N815  Twisted's
    indexNames: ClassVar = []  # noqa: N815  Twisted's

    def __init__(self, path: str, defaultType: str = "text/plain; charset=utf-8", *args: Any) -> None:  # noqa: N803
        super().__init__(path, defaultType, *args)


class Root(website.Root):
    """`webroot` of scrapyd.conf, with the attributes that its calls need."""

    def __init__(self, config: Config, app: "Application") -> None:
        if not config.get("node_name", ""):
            config.cp.set(config.SECTION, "node_name", node_name(config))
        super().__init__(config, app)
        self.allowed_settings = config.get("allowed_settings", "")
        self.spiders = SpiderList(self.eggstorage, self.runner)
        if self.logs_dir:
            self.putChild(b"logs", TextFile(self.logs_dir))
        if self.local_items:
            self.putChild(b"items", TextFile(self.items_dir))
        self.putChild(b"", Page(self))
        self.putChild(b"jobs", Jobs(self))
        self.putChild(b"log", Log(self))

    @property
    def schedule(self) -> "Scheduler":
        """The service that fires."""
        return IServiceCollection(self.app).getServiceNamed("scheduler")

    def get_log_url(self, job: Any) -> str | None:
        """The address of a job's log; None when this node has none."""
        return self._url("logs", self.logs_dir, job, "log")

    def get_item_url(self, job: Any) -> str | None:
        """The address of a job's items; None when this node has none."""
        return self._url("items", self.items_dir, job, "jl") if self.local_items else None

    def _url(self, base: str, folder: str, job: Any, extension: str) -> str | None:
        """`job` is a row of ours or a process in the form of Scrapyd's services."""
        name = f"{getattr(job, 'id', None) or job.job}.{extension}"
        path = Path(folder, job.project, job.spider, name)
        address = quote(f"/{base}/{job.project}/{job.spider}/{name}")
        return address if folder and os.path.exists(path) else None

    async def cancel(self, project: str, job_id: str, signal: str, reason: str = "asked for") -> str | None:
        """Cancel a job; returns the state it was in, or None. A process of this node gets the signal at once."""
        state = await queries.cancel(project, job_id, signal, reason)
        if state == RUNNING:
            await self.launcher.look()
        return state
