"""The page at `/`: running and waiting jobs, the schedule, the history; and its buttons."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from scrapyd.website import Root
from twisted.internet.threads import deferToThread
from twisted.web import http

from newsbot import job
from newsbot.hosting import queries
from newsbot.hosting.access import Refusal
from newsbot.hosting.api.call import Query, RefusedError
from newsbot.hosting.api.own import FireNow, Health, Pause, Resume, describe, described
from newsbot.hosting.api.scrapyd import Cancel
from newsbot.hosting.page.form_tokens import Message, Messages, Tokens
from newsbot.hosting.page.html import Html, html
from newsbot.hosting.page.parts import Frame
from newsbot.hosting.page.sections import HISTORY_PAGE, SCHEDULE_PAGE, SHOWN, Known, overview
from newsbot.hosting.page.view import Answer, View
from newsbot.hosting.schedule import Entry
from newsbot.hosting.sessions import AwayError, sessions
from newsbot.job import STATES

MAX_PAGES = 100_000
ACTIONS = {"run": FireNow, "pause": Pause, "resume": Resume, "cancel": Cancel}

_BODY = """<header><h1><a href="{base}/">newsbot</a></h1><p>Scrapyd on <b>{node}</b></p></header>
<main>{message}<p id="contact" class="message bad" role="status" hidden></p>{sections}</main>
<footer><a href="{base}/logs/">all logs</a> <a href="{base}/history.json">history.json</a>
<a href="{base}/schedules.json">schedules.json</a> <a href="{base}/health.json">health.json</a></footer>"""


def _state(value: str | None) -> str | None:
    if value is not None and value not in STATES:
        raise ValueError(f"expected one of {', '.join(STATES)}")
    return value


# A browser sends an empty field as such.
_Text = Annotated[
    Annotated[str, StringConstraints(max_length=200)] | None, BeforeValidator(lambda value: value or None)
]


class Shown(Query):
    """The parts of the history and of the schedule to show."""

    spider: _Text = None
    entry: _Text = None
    node: _Text = None
    state: Annotated[_Text, AfterValidator(_state)] = None
    page: int = Field(1, ge=1, le=MAX_PAGES)
    entries: int = Field(1, ge=1, le=MAX_PAGES)  # page of the schedule

    def given(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        return self.model_dump(exclude_defaults=True)

    def filters(self) -> dict[str, str | None]:
        """As filters for `queries.history`."""
        return {"spider": self.spider, "schedule": self.entry, "node": self.node, "state": self.state}


class Page(View):
    """At `/`. It receives its own forms."""

    isLeaf = True  # noqa: N815  Twisted's
    methods = (b"GET", b"HEAD", b"POST")

    def __init__(self, root: Root) -> None:
        super().__init__(root)
        self._tokens = Tokens()
        self._messages = Messages()
        self._health = Health(root)

    def render(self, request: http.Request) -> bytes | int:
        """Also answers an address that begins with two slashes."""
        if any(request.postpath):
            return Refusal(http.NOT_FOUND, "there is nothing below the page", self.root.node_name).render(request)
        return super().render(request)

    async def get(self, request: http.Request) -> Answer:
        """The page, with the result of the form before."""
        given = _fields(request)
        message = self._messages.take(given.get("said"))
        return await self._page(request, given, message)

    def render_POST(self, request: http.Request) -> int:  # noqa: N802  Twisted's
        """Answer a form."""
        return self.later(request, self._post(request))

    async def _post(self, request: http.Request) -> Answer | bytes:
        """Do the action of a form, and lead back to the page."""
        given = _fields(request)
        if not self._tokens.fits(request, given.get("csrf", "").encode()):
            message = Message(
                "Nothing was done: this form is not from here, or from before a restart. Try again.", False
            )
            return await self._page(request, given, message, http.FORBIDDEN)
        if given.get("do") not in ACTIONS:
            message = Message(f"Nothing was done: a form can {', '.join(ACTIONS)}.", False)
            return await self._page(request, given, message, http.BAD_REQUEST)
        said = self._messages.keep(await self._do(given))
        request.setResponseCode(http.SEE_OTHER)
        request.setHeader("Location", f"{self.base(request)}/?{urlencode(_shown(given)[0].given() | {'said': said})}")
        return b""

    async def _do(self, given: Mapping[str, str]) -> Message:
        """Do it through the call of the API."""
        call = ACTIONS[given["do"]](self.root)
        fields = call.query.model_fields
        try:
            query = call.query.model_validate({name: value for name, value in given.items() if name in fields})
            return _told(given["do"], given, await call.answer(query))
        except ValidationError as error:
            return Message(_faults(error), False)
        except RefusedError as error:
            return Message(str(error), False)
        except AwayError as error:
            return Message(f"Nothing was done, the database cannot be used: {error}", False)

    async def _page(
        self, request: http.Request, given: Mapping[str, str], message: Message | None, status: int = http.OK
    ) -> Answer:
        shown, wrong = _shown(given)
        if wrong and status == http.OK:
            message, status = Message(wrong, False), http.BAD_REQUEST
        known = await self._known(shown)
        if known.failure and status == http.OK:
            status = http.SERVICE_UNAVAILABLE
        frame = Frame(self.base(request), self._tokens.of(request), shown.model_dump(), self.root.schedule.now())
        body = html(_BODY, base=frame.base, node=known.node, message=_message(message), sections=overview(frame, known))
        return Answer(f"newsbot on {known.node}", body, status=status)

    # The state to show

    async def _known(self, shown: Shown) -> Known:
        parts = await self._parts()
        failure = sessions().failure
        if failure is None:
            try:
                return self._all(None, parts, **await self._found(shown))
            except AwayError as error:
                failure = str(error)
        return self._by_itself(shown, failure, parts)

    async def _parts(self) -> Mapping[str, Any]:
        try:
            return (await self._health.answer(Query()))["parts"]
        except RefusedError as error:  # not all are well
            return error.data["parts"]

    async def _found(self, shown: Shown) -> dict[str, Any]:
        entries, now = self._entries(shown), self.root.schedule.now()
        offset = (shown.page - 1) * HISTORY_PAGE
        found = await queries.overview(
            list(entries), shown.filters(), waiting=SHOWN, history=HISTORY_PAGE + 1, offset=offset
        )
        return {
            "entries": await deferToThread(described, entries, found.past, now),
            "running": found.running,
            "waiting": found.waiting,
            "waiting_in_all": found.waiting_in_all,
            "history": found.history,
            "nodes": found.nodes,
        }

    def _by_itself(self, shown: Shown, failure: str, parts: Mapping[str, Any]) -> Known:
        now = self.root.schedule.now()
        entries = [
            describe(entry, None, None, now) | {"verdict": "only the database knows"}
            for entry in self._entries(shown).values()
        ]
        running = [process.row for process in self.root.launcher.processes.values()]
        return self._all(failure, parts, entries=entries, running=running)

    def _all(self, failure: str | None, parts: Mapping[str, Any], **found: Any) -> Known:
        schedule = self.root.schedule
        names = {
            "spider": sorted({entry.work for entry in schedule.entries.values()}),
            "entry": list(islice(schedule.entries, 500)),
            "node": found.get("nodes", ()),
        }
        known = {"entries_in_all": len(schedule.entries), "faults": schedule.faults, "names": names}
        return Known(self.root.node_name, failure, parts, **known, **found)

    def _entries(self, shown: Shown) -> dict[str, Entry]:
        first = (shown.entries - 1) * SCHEDULE_PAGE
        return dict(islice(self.root.schedule.entries.items(), first, first + SCHEDULE_PAGE))


def _fields(request: http.Request) -> dict[str, str]:
    """The parameters of an address and of a form; of several values the first. Postgres takes no NUL."""
    return {
        name.decode(errors="replace"): values[0].decode(errors="replace").replace("\0", "\ufffd")
        for name, values in (request.args or {}).items()
    }


def _shown(given: Mapping[str, str]) -> tuple[Shown, str | None]:
    """The view to show, or its start, and the faults of the parameters."""
    try:
        return Shown.model_validate({name: value for name, value in given.items() if name in Shown.model_fields}), None
    except ValidationError as error:
        return Shown(), _faults(error)


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()
    )


def _message(message: Message | None) -> Html | None:
    if message is None:
        return None
    kind, role = ("good", "status") if message.good else ("bad", "alert")
    return html('<p class="message {kind}" role="{role}">{text}</p>', kind=kind, role=role, text=message.text)


def _told(action: str, given: Mapping[str, str], answer: Mapping[str, Any]) -> Message:
    """The result of an action, in words."""
    match action:
        case "run":
            return Message(f"{answer['name']} was fired: job {answer['jobid']}.")
        case "pause":
            return Message(f"{answer['name']} is paused: it is not fired until it is resumed.")
        case "resume":
            return Message(f"{answer['name']} is fired again, from its next time on.")
    match answer["prevstate"]:
        case job.PENDING:
            return Message(f"Job {given['job']} is cancelled.")
        case job.RUNNING:
            return Message(f"Job {given['job']} was asked to end.")
    return Message(f"Nothing was done: job {given['job']} is not pending or running.", False)
