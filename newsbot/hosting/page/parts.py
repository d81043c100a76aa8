"""The building blocks of pages: states, times, jobs, tables, buttons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from newsbot.hosting.page.html import Html, html, joined
from newsbot.hosting.redaction import masked
from newsbot.job import Job


@dataclass(frozen=True)
class Frame:
    """The common values of all parts of one answer."""

    base: str  # path before all links
    token: str  # of the forms
    given: Mapping[str, Any]  # the parameters of the page, which its forms lead back to
    now: datetime

    def link(self, **changes: Any) -> str:
        """The page, with other parameters."""
        given = {name: value for name, value in (dict(self.given) | changes).items() if value not in (None, "", 1)}
        return f"{self.base}/" + (f"?{urlencode(given)}" if given else "")

    def log(self, job: Job) -> str:
        """The address of a job's log view."""
        return f"{self.base}/log/{quote(job.project, safe='')}/{quote(job.id, safe='')}"

    def button(self, label: str, action: str, about: str, **fields: str) -> Html:
        """A form with one button; `about` tells it from others like it for readers who do not see its place."""
        hidden = {"csrf": self.token, "do": action} | fields
        return html(
            '<form method="post" action="{to}">{hidden}<button>{label}<span class="unseen"> {about}</span></button>'
            "</form>",
            to=self.link(),
            hidden=[html('<input type="hidden" name="{n}" value="{v}">', n=n, v=v) for n, v in hidden.items()],
            label=label,
            about=about,
        )


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> Html:
    """The first cell of a row names it. A narrow screen shows each row as a card, and heads beside the cells."""
    drawn = [
        html(
            '<tr><th scope="row">{first}</th>{cells}</tr>',
            first=first,
            cells=[
                html('<td data-head="{head}">{cell}</td>', head=head, cell=cell)
                for head, cell in zip(heads[1:], cells, strict=True)
            ],
        )
        for first, *cells in rows
    ]
    if not drawn:
        return html('<p class="empty">{empty}</p>', empty=empty)
    columns = [html('<th scope="col">{head}</th>', head=head) for head in heads]
    return html("<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>", columns=columns, rows=drawn)


def state(name: str) -> Html:
    """A state by colour and name."""
    return html('<span class="state {kind}">{name}</span>', kind=name.replace(" ", "-"), name=name)


def moment(when: datetime | str | None) -> Html | None:
    """A time in UTC; a browser with JavaScript adds the viewer's."""
    if when is None:
        return None
    when = (datetime.fromisoformat(when) if isinstance(when, str) else when).astimezone(UTC)
    return html('<time datetime="{iso:%Y-%m-%dT%H:%M:%SZ}">{iso:%Y-%m-%d %H:%M:%S} UTC</time>', iso=when)


def duration(seconds: float) -> str:
    """As `3m 20s`: the two largest units."""
    rest, parts = max(0, int(seconds)), []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        if number or parts:
            parts.append(f"{number}{unit}" if number else "")
    return " ".join(filter(None, parts[:2])) or "0s"


def arguments(values: Mapping[str, str]) -> Html:
    """The arguments of a job, without secrets."""
    return joined(
        html('<span class="argument">{name}={value}</span> ', name=name, value=value)
        for name, value in masked(values).items()
    )


def named(frame: Frame, job: Job) -> Html:
    """A job: its spider, which leads to its log, its arguments and its id."""
    return html(
        '<a href="{log}">{job.spider}</a> {arguments}<small class="id">{project}{job.id}</small>',
        log=frame.log(job),
        job=job,
        arguments=arguments(job.args),
        project="" if job.project == "newsbot" else f"{job.project} / ",
    )


def asker(job: Job) -> str:
    """The asker of a job."""
    kind, _, name = job.asked_by.partition(":")
    who = f"entry {name}" if kind == "schedule" else job.asked_by
    return f"{who}, again after {job.retry_of}" if job.retry_of else who


def why(job: Job) -> Html:
    """The end of a job in more detail. A reason names code and signal itself."""
    signal = f"signal {job.signal}" if job.signal else None
    code = f"exit code {job.exit_code}" if job.exit_code else None
    told = [each for each in (code, signal) if each and each not in (job.reason or "")]
    told = ", ".join(filter(None, [*told, job.reason]))
    return html('<small class="why">{told}</small>', told=told) if told else Html()
