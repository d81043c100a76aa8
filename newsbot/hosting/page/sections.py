"""The sections of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from newsbot.hosting.page.html import Html, html
from newsbot.hosting.page.parts import Frame, arguments, asker, duration, moment, named, state, table, why
from newsbot.job import CANCELLED, STATES, Job

HISTORY_PAGE, SCHEDULE_PAGE = 50, 100  # rows
SHOWN = 100  # of the waiting jobs, and of the faults

_SECTION = '<section id="{id}" aria-labelledby="{id}-head" data-live><h2 id="{id}-head">{head}</h2>{content}</section>'


@dataclass
class Known:
    """The data to show. `failure` says why the database cannot be used; the data is then this node's own."""

    node: str
    failure: str | None
    parts: Mapping[str, Mapping[str, Any]]
    entries: Sequence[Mapping[str, Any]]  # of one page, as `schedules.json` has them
    entries_in_all: int
    faults: Sequence[str] = ()
    running: Sequence[Job] = ()
    waiting: Sequence[Job] = ()  # the first of them
    waiting_in_all: int = 0
    history: Sequence[Job] = ()  # of one page, and one more if there is another page
    nodes: Sequence[str] = ()
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)  # that a filter can have


def overview(frame: Frame, known: Known) -> Html:
    """All sections."""
    return html(
        "{summary}{running}{waiting}{schedule}{history}{health}",
        summary=_summary(frame, known),
        running=_running(frame, known),
        waiting=_waiting(frame, known),
        schedule=_schedule(frame, known),
        history=_history(frame, known),
        health=_health(known),
    )


def _section(name: str, head: str, content: Html) -> Html:
    return html(_SECTION, id=name, head=head, content=content)


def _summary(frame: Frame, known: Known) -> Html:
    wrong = [name for name, part in known.parts.items() if not part["ok"]]
    away = known.failure and html(
        '<p class="message bad" role="alert">The database cannot be used: {why}. This is what the node {node} knows by'
        " itself.</p>",
        why=known.failure,
        node=known.node,
    )
    return html(
        '<div id="summary" class="summary" data-live>{away}<ul>'
        '<li><a href="#running"><b>{running}</b> running</a></li>'
        '<li><a href="#waiting"><b>{waiting}</b> waiting</a></li>'
        '<li><a href="#schedule"><b>{entries}</b> scheduled</a></li>'
        '<li><a href="#health" class="{kind}">{health}</a></li>'
        '</ul><p class="as-of">as of {now}</p></div>',
        away=away,
        running=len(known.running),
        waiting="?" if known.failure else known.waiting_in_all,
        entries=known.entries_in_all,
        kind="not-ok" if wrong else "ok",
        health=f"not well: {', '.join(wrong)}" if wrong else "all is well",
        now=moment(frame.now),
    )


# Jobs


def _running(frame: Frame, known: Known) -> Html:
    rows = [
        (
            named(frame, job),
            html("{job.node}<small>{pid}</small>", job=job, pid=f"process {job.pid}" if job.pid else "starting"),
            html("{at}<small>for {time}</small>", at=moment(job.started_at), time=_running_for(frame, job)),
            asker(job),
            _cancel(frame, job),
        )
        for job in known.running
    ]
    nothing = "Nothing runs on this node." if known.failure else "Nothing runs."
    return _section("running", "Running", table(("Job", "Node", "Since", "Asked by", "Action"), rows, nothing))


def _running_for(frame: Frame, job: Job) -> str:
    return duration((frame.now - job.started_at).total_seconds())


def _cancel(frame: Frame, job: Job) -> Html:
    told = job.asked_end == CANCELLED
    button = frame.button("End at once" if told else "Cancel", "cancel", job.id, project=job.project, job=job.id)
    return html("<small>asked to end</small>{button}", button=button) if told else button


def _waiting(frame: Frame, known: Known) -> Html:
    if known.failure:
        return _section("waiting", "Waiting", html('<p class="empty">Only the database knows.</p>'))
    busy = {job.schedule for job in known.running if job.schedule}
    rows = [
        (named(frame, job), _waits_for(job, busy), moment(job.queued_at), asker(job), _cancel(frame, job))
        for job in known.waiting
    ]
    content = table(("Job", "Waits for", "Since", "Asked by", "Action"), rows, "Nothing waits.")
    if more := known.waiting_in_all - len(rows):
        content = html('{content}<p class="more">and {more} more</p>', content=content, more=more)
    return _section("waiting", "Waiting", content)


def _waits_for(job: Job, busy: set[str]) -> Html:
    reasons: list[Any] = []
    if job.waits_for:
        reasons.append(html("entry {names}", names=", ".join(job.waits_for)))
    if job.not_before:
        reasons.append(html("its time, {at}", at=moment(job.not_before)))
    if job.schedule in busy:
        reasons.append(html("the entry's job that runs"))
    if not reasons:
        reasons.append(html("a free slot on {node}", node=job.wanted_node or "any node"))
    if job.reason:
        reasons.append(html("<small>{reason}</small>", reason=job.reason))
    if job.priority:
        reasons.append(html("<small>priority {priority:g}</small>", priority=job.priority))
    return html("{reasons}", reasons=[html("<div>{each}</div>", each=each) for each in reasons])


# The schedule


def _schedule(frame: Frame, known: Known) -> Html:
    faults = _faults(known.faults) if known.faults else None
    rows = [_entry(frame, entry) for entry in known.entries]
    heads = ("Entry", "Fires", "Next", "Last", "Outcome", "Action")
    content = html(
        "{faults}{table}{pager}",
        faults=faults,
        table=table(heads, rows, "The schedule has no entries."),
        pager=_pager(frame, "entries", "schedule", known.entries_in_all > frame.given["entries"] * SCHEDULE_PAGE),
    )
    return _section("schedule", "Schedule", content)


def _faults(faults: Sequence[str]) -> Html:
    more = len(faults) - SHOWN
    return html(
        '<div class="message bad" role="alert"><p>The schedule file cannot be used as it is; what is below stays:</p>'
        "<ul>{faults}{more}</ul></div>",
        faults=[html("<li>{fault}</li>", fault=fault) for fault in faults[:SHOWN]],
        more=html("<li>and {more} more</li>", more=more) if more > 0 else None,
    )


def _entry(frame: Frame, entry: Mapping[str, Any]) -> Sequence[Any]:
    name = entry["name"]
    off = state("paused") if entry["paused"] else None if entry["enabled"] else state("off")
    after = f"after {', '.join(entry['after'])}"
    switch = ("Resume", "resume") if entry["paused"] else ("Pause", "pause")
    return (
        html(
            "{name} {off}<small>{spider} {args}</small>",
            name=name,
            off=off,
            spider=entry["spider"],
            args=arguments(entry["args"]),
        ),
        html(
            "<code>{times}</code><small>{zone}</small><small>{after}</small>",
            times=entry["times"],
            zone=entry["timezone"] if entry["timezone"] != "UTC" else None,
            after=after if entry["after"] and entry["times"] != after else None,
        ),
        moment(entry["next_time"]) or html('<span class="none">{why}</span>', why=_no_next(entry)),
        moment(entry.get("last_time")) or html('<span class="none">none</span>'),
        _verdict(entry),
        html(
            '<div class="buttons">{run}{switch}</div>',
            run=frame.button("Run now", "run", name, name=name),
            switch=frame.button(*switch, name, name=name),
        ),
    )


def _no_next(entry: Mapping[str, Any]) -> str:
    if entry["paused"] or not entry["enabled"]:
        return "none"
    return f"when {' and '.join(entry['after'])} finished well" if entry["after"] else "none"


def _verdict(entry: Mapping[str, Any]) -> Html:
    last, verdict = entry.get("last_state"), entry.get("verdict") or ""
    told = verdict.removeprefix(last or "").strip().removeprefix("(").removesuffix(")")
    return html("{state}<small class='why'>{told}</small>", state=state(last) if last else None, told=told)


# History


def _history(frame: Frame, known: Known) -> Html:
    if known.failure:
        return _section("history", "History", html('<p class="empty">Only the database knows.</p>'))
    rows = [
        (
            named(frame, job),
            html("{state}{why}", state=state(job.state), why=why(job)),
            job.node,
            html("{at}<small>{took}</small>", at=moment(job.started_at or job.ended_at), took=_took(frame, job)),
            asker(job),
        )
        for job in known.history[:HISTORY_PAGE]
    ]
    return html(
        '<section id="history" aria-labelledby="history-head"><h2 id="history-head">History</h2>{filter}'
        '<div id="history-rows" data-live>{table}{pager}</div></section>',
        filter=_filter(frame, known),
        table=table(("Job", "State", "Node", "Started", "Asked by"), rows, "No job is like that."),
        pager=_pager(frame, "page", "history", len(known.history) > HISTORY_PAGE),
    )


def _took(frame: Frame, job: Job) -> str:
    if job.started_at is None:
        return "never started" if job.ended_at else "not yet"
    if job.ended_at is None:
        return f"for {_running_for(frame, job)}"
    return f"took {duration((job.ended_at - job.started_at).total_seconds())}"


def _filter(frame: Frame, known: Known) -> Html:
    given = frame.given
    options = [
        html(
            '<option value="{name}"{on}>{name}</option>', name=name, on=" selected" if name == given["state"] else None
        )
        for name in STATES
    ]
    return html(
        '<form class="filter" method="get" action="{to}#history" role="search" aria-label="History">{texts}'
        '<label>State <select name="state"><option value="">any</option>{options}</select></label>'
        '<button>Filter</button> <a href="{all}#history">All</a></form>',
        to=f"{frame.base}/",
        texts=[_choice(label, label.lower(), given, known.names) for label in ("Spider", "Entry", "Node")],
        options=options,
        all=frame.link(spider=None, state=None, node=None, entry=None, page=None),
    )


def _choice(label: str, name: str, given: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> Html:
    return html(
        '<label>{label} <input name="{name}" value="{value}" list="names-{name}" maxlength="200" autocomplete="off">'
        '</label><datalist id="names-{name}">{names}</datalist>',
        label=label,
        name=name,
        value=given[name],
        names=[html('<option value="{each}">', each=each) for each in names.get(name, ())],
    )


def _pager(frame: Frame, parameter: str, anchor: str, more: bool) -> Html | None:
    page = frame.given[parameter]
    if page == 1 and not more:
        return None
    link = '<a href="{to}#{anchor}" rel="{rel}">{label}</a>'
    steps = [("prev", "Newer" if parameter == "page" else "Before", page - 1, page > 1)]
    steps.append(("next", "Older" if parameter == "page" else "Next", page + 1, more))
    links = [
        html(link, to=frame.link(**{parameter: to}), anchor=anchor, rel=rel, label=label)
        for rel, label, to, there in steps
        if there
    ]
    return html(
        '<nav class="pager" aria-label="{anchor}, pages">{links}<span>page {page}</span></nav>',
        anchor=anchor,
        links=links,
        page=page,
    )


# Health


def _health(known: Known) -> Html:
    parts = [
        html(
            "<li>{state} <b>{name}</b> <span>{message}</span></li>",
            state=state("ok" if part["ok"] else "not ok"),
            name=name,
            message=part["message"],
        )
        for name, part in known.parts.items()
    ]
    nodes = html('<p class="more">Nodes: {names}</p>', names=", ".join(known.nodes)) if known.nodes else None
    return _section("health", "Health", html('<ul class="parts">{parts}</ul>{nodes}', parts=parts, nodes=nodes))
