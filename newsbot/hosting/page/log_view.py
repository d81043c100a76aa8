"""The view of a job's log at `/log/PROJECT/JOB`: its end, and new lines as they come."""

import json
import re
from pathlib import Path
from urllib.parse import quote

from twisted.internet.threads import deferToThread
from twisted.web import http

from newsbot.hosting import logs, queries
from newsbot.hosting.logs import Piece
from newsbot.hosting.page.html import Html, html, visible
from newsbot.hosting.page.parts import arguments, asker, moment, state, why
from newsbot.hosting.page.view import Answer, View
from newsbot.hosting.sessions import AwayError
from newsbot.job import PENDING, RUNNING, Job

SIZE = 64 << 10  # bytes of a log in one answer

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # colours and moves
    r"|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # titles, links and other strings
    r"|[ -/]*[0-~])"
)
_LAST_NUMBER = 1 << 62

_BODY = """<header><h1><a href="{base}/">newsbot</a></h1><p><a href="{base}/">back to all jobs</a></p></header>
<main><h2>{title} {state}</h2>{facts}{content}</main>"""
_FACTS = """<dl class="facts"><div><dt>Job</dt><dd>{job.project} / {job.id}</dd></div>
<div><dt>Node</dt><dd>{node}</dd></div><div><dt>Started</dt><dd>{started}</dd></div>
<div><dt>Ended</dt><dd>{ended} {why}</dd></div><div><dt>Asked by</dt><dd>{asker}</dd></div>
<div><dt>Arguments</dt><dd>{arguments}</dd></div></dl>"""
_LOG = """<p class="bar"><a href="{whole}">The whole log</a>, {size:,} bytes{part}
<span id="following" role="status"></span></p>
<pre id="log" tabindex="0" aria-label="Log" data-end="{end}"{follow}>{text}</pre>"""
_RELOAD = '<noscript><meta http-equiv="refresh" content="5"></noscript>\n'


class Log(View):
    """At `/log`. With `?after=BYTE` the bytes since, as JSON."""

    isLeaf = True  # noqa: N815  Twisted's

    async def get(self, request: http.Request) -> Answer | bytes:
        """The page, or the new bytes."""
        names = [name.decode(errors="replace") for name in request.postpath]
        if len(names) != 2:
            return self._refused(request, http.NOT_FOUND, "There is no such page; expected /log/PROJECT/JOB.")
        try:
            job = await self._job(*names)
        except AwayError as error:
            told = f"The database cannot be used, and no such job runs on this node: {error}"
            return self._refused(request, http.SERVICE_UNAVAILABLE, told)
        if job is None:
            return self._refused(request, http.NOT_FOUND, "There is no such job, or it is no longer kept.")
        after = request.args.get(b"after", [None])[0]
        if after is not None:
            return await self._since(request, job, after)
        return await self._page(request, job)

    async def _job(self, project: str, job_id: str) -> Job | None:
        """The job; one that runs here is known without the database."""
        for process in self.root.launcher.processes.values():
            if (process.project, process.job) == (project, job_id):
                return process.row
        return await queries.find(job_id, project)

    async def _page(self, request: http.Request, job: Job) -> Answer:
        piece, told = None, None
        file = self._file(job)
        if file:
            try:
                piece = await deferToThread(logs.since, file, 0, SIZE, ended=_has_ended(job))
            except OSError as error:
                told = f"The log cannot be read: {error.strerror}."
        content = self._shown(request, job, file, piece) if piece else _nothing(told or self._missing(job))
        facts = html(
            _FACTS,
            job=job,
            node=job.node or job.wanted_node or "none yet",
            started=moment(job.started_at) or "not yet",
            ended=moment(job.ended_at) or "not yet",
            why=why(job),
            asker=asker(job),
            arguments=arguments(job.args) or "none",
        )
        body = html(
            _BODY, base=self.base(request), title=job.spider, state=state(job.state), facts=facts, content=content
        )
        return Answer(f"{job.spider}: {job.state}", body, head=None if _has_ended(job) else Html(_RELOAD))

    def _shown(self, request: http.Request, job: Job, file: Path, piece: Piece) -> Html:
        below = file.relative_to(Path(self.root.logs_dir).resolve())
        return html(
            _LOG,
            whole=f"{self.base(request)}/logs/{quote(str(below))}",
            size=piece.end,
            part=f"; here the last {len(piece.text):,}" if piece.start else None,
            end=piece.end,
            follow=None if _has_ended(job) else html(" data-follow"),
            text=plain(piece.text),
        )

    async def _since(self, request: http.Request, job: Job, after: bytes) -> Answer | bytes:
        if not after.isdigit() or int(after) > _LAST_NUMBER:
            return self._refused(request, http.BAD_REQUEST, "after: expected a number of bytes.")
        file = self._file(job)
        if file is None:
            return self._refused(request, http.NOT_FOUND, self._missing(job))
        try:
            piece = await deferToThread(logs.since, file, int(after), SIZE, ended=_has_ended(job))
        except OSError as error:
            return self._refused(request, http.NOT_FOUND, f"The log cannot be read: {error.strerror}.")
        request.setHeader("Content-Type", "application/json")
        told = {"start": piece.start, "end": piece.end, "text": plain(piece.text), "ended": _has_ended(job)}
        return json.dumps(told).encode()

    def _file(self, job: Job) -> Path | None:
        """The job's log, when it is among the logs of this node."""
        if not job.log_file or not self.root.logs_dir:
            return None
        file = Path(job.log_file).resolve()
        return file if file.is_relative_to(Path(self.root.logs_dir).resolve()) and file.is_file() else None

    def _missing(self, job: Job) -> str:
        if job.state == PENDING:
            return "It has not started: there is no log yet."
        if job.node and job.node != self.root.node_name:
            return f"Its log is on the node {job.node}; this is {self.root.node_name}."
        if job.state == RUNNING:
            return "It is about to start: there is no log yet."
        return f"There is no log of it on {self.root.node_name}: it never wrote one, or it is no longer kept."

    def _refused(self, request: http.Request, status: int, told: str) -> Answer:
        body = html(_BODY, base=self.base(request), title="Log", state=None, facts=None, content=_nothing(told))
        return Answer("Log", body, status=status)


def plain(raw: bytes) -> str:
    """A log as harmless text: without terminal controls, other control characters visible."""
    return visible(_ESCAPES.sub("", raw.decode(errors="replace").replace("\r\n", "\n")))


def _nothing(told: str) -> Html:
    return html('<p class="message" role="status">{told}</p>', told=told)


def _has_ended(job: Job) -> bool:
    return job.state not in (PENDING, RUNNING)
