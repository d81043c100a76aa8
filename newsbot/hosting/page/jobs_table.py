"""The table of jobs at `/jobs`, in the form of Scrapyd's own page: tools such as scrapydweb read it."""

from datetime import datetime, timedelta
from typing import Any

from twisted.web import http

from newsbot.hosting import queries
from newsbot.hosting.page.html import Html, html
from newsbot.hosting.page.view import Answer, View
from newsbot.hosting.sessions import AwayError
from newsbot.job import Job

# Scrapyd's columns in its order, one cell a line: readers go by both.
_COLUMNS = ("Project", "Spider", "Job", "PID", "Start", "Runtime", "Finish", "Log", "Items", "Cancel")
_BODY = """<h1>Jobs</h1>
<p><a href="./">Go up</a></p>
<table id="jobs">
<thead>
<tr>{heads}
</tr>
</thead>{parts}
</table>"""
_PART = """
<tbody>
<tr>
<th colspan="{width}">{name}</th>
</tr>{rows}
</tbody>"""
_CANCEL = """
<form method="post" action="{base}/cancel.json">
<input type="hidden" name="project" value="{job.project}">
<input type="hidden" name="job" value="{job.id}">
<input type="submit" value="Cancel">
</form>
"""


class Jobs(View):
    """Pending and running jobs of all nodes, and the newest finished ones, as `listjobs.json` has them."""

    async def get(self, request: http.Request) -> Answer:
        """The table."""
        try:
            pending, running, finished = await queries.listed(self.root.launcher.finished.finished_to_keep)
        except AwayError as error:
            told = html("<p>The database cannot be used: {error}</p>", error=error)
            return Answer("Scrapyd", told, status=http.SERVICE_UNAVAILABLE)
        base, now = self.base(request), datetime.now().astimezone()
        columns = [name for name in _COLUMNS if name != "Items" or self.root.local_items]
        parts = {
            "Pending": [_named(job) | {"Cancel": html(_CANCEL, base=base, job=job)} for job in pending],
            "Running": [
                self._begun(job, base, now) | {"PID": job.pid, "Cancel": html(_CANCEL, base=base, job=job)}
                for job in running
            ],
            "Finished": [self._begun(job, base, job.ended_at) | {"Finish": _time(job.ended_at)} for job in finished],
        }
        body = html(
            _BODY,
            heads=[html("\n<th>{name}</th>", name=name) for name in columns],
            parts=[
                html(_PART, width=len(columns), name=name, rows=[_row(cells, columns) for cells in rows])
                for name, rows in parts.items()
            ],
        )
        return Answer("Scrapyd", body)

    def _begun(self, job: Job, base: str, until: datetime) -> dict[str, Any]:
        """The cells of a job that has run up to `until`; one that never started ended as it began."""
        began = job.started_at or job.ended_at
        log, items = self.root.get_log_url(job), self.root.get_item_url(job)
        return _named(job) | {
            "Start": _time(began),
            "Runtime": timedelta(seconds=max(0, int((until - began).total_seconds()))),
            "Log": html('<a href="{to}">Log</a>', to=base + log) if log else None,
            "Items": html('<a href="{to}">Items</a>', to=base + items) if items else None,
        }


def _named(job: Job) -> dict[str, Any]:
    return {"Project": job.project, "Spider": job.spider, "Job": job.id}


def _row(cells: dict[str, Any], columns: list[str]) -> Html:
    return html("\n<tr>{cells}\n</tr>", cells=[html("\n<td>{cell}</td>", cell=cells.get(name)) for name in columns])


def _time(moment: datetime) -> str:
    """Scrapyd's form of a time there: the node's own, to the second."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
