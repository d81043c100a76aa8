"""The keys of the calls' answers beside status and node: the published schemas are made from these."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from newsbot.job import STATES

State = Annotated[str, Field(description="how the job is or ended", json_schema_extra={"enum": list(STATES)})]
Time = Annotated[str, Field(description="ISO 8601 in UTC", json_schema_extra={"format": "date-time"})]
LocalTime = Annotated[str, Field(description="as Scrapyd writes it: the node's own time, without a zone")]
Spider = Annotated[str, Field(description="the spider, or the words of the command, as `db prune`")]
Command = Annotated[list[str] | None, Field(description="its words after `scrapy`; null: it is a spider that runs")]
Texts = Annotated[dict[str, str], Field(description="by name; what looks like a secret is `***`")]
AskedBy = Annotated[str, Field(description="`api`, `crawl.json`, or `schedule:` with the entry's name")]


# Scrapyd's calls


class DaemonStatus(TypedDict):
    """How many jobs are pending, running and finished."""

    pending: int
    running: int
    finished: int


class Scheduled(TypedDict):
    """The job that is queued."""

    jobid: str


class Cancelled(TypedDict):
    """The state that the job was in."""

    prevstate: Annotated[
        Literal["pending", "running"] | None, Field(description="null: no job with that id was waiting or running")
    ]


class Status(TypedDict):
    """The state of a job, in Scrapyd's words and in ours."""

    currstate: Annotated[
        Literal["pending", "running", "finished"] | None, Field(description="null: there is no such job")
    ]
    state: NotRequired[State]


class PendingJob(TypedDict):
    """A job that waits."""

    id: str
    project: str
    spider: str
    version: str | None
    settings: Texts
    args: Texts
    asked_by: AskedBy
    priority: float


class RunningJob(TypedDict):
    """A job that runs."""

    id: str
    project: str
    spider: str
    pid: int | None
    start_time: LocalTime
    log_url: Annotated[str | None, Field(description="null: this node has no log of it")]
    items_url: str | None
    node: str
    asked_by: AskedBy


class FinishedJob(TypedDict):
    """A job that has ended."""

    id: str
    project: str
    spider: str
    start_time: Annotated[str | None, Field(description="null: it never started")]
    end_time: LocalTime
    log_url: Annotated[str | None, Field(description="null: this node has no log of it")]
    items_url: str | None
    state: State
    exit_code: int | None
    signal: int | None
    reason: str | None
    node: str | None
    asked_by: AskedBy
    retry_of: str | None


class Jobs(TypedDict):
    """Jobs by state."""

    pending: list[PendingJob]
    running: list[RunningJob]
    finished: list[FinishedJob]


class Projects(TypedDict):
    """The names of the projects."""

    projects: list[str]


class Versions(TypedDict):
    """The versions, the newest last."""

    versions: list[str]


class Spiders(TypedDict):
    """The names of the spiders."""

    spiders: list[str]


class Added(TypedDict):
    """The uploaded version."""

    project: str
    version: str
    spiders: Annotated[int, Field(description="how many it has")]


class Nothing(TypedDict):
    """Nothing beside the status."""


# newsbot's calls


class Entry(TypedDict):
    """An entry of the schedule."""

    name: str
    spider: Spider
    command: Command
    args: Texts
    times: Annotated[str, Field(description="when it fires, as `*/30 * * * *` or `every 5m`")]
    timezone: str
    after: Annotated[list[str], Field(description="the entries that it waits for")]
    next_time: Annotated[Time | None, Field(description="null: it is paused, not enabled, or only follows others")]
    last_time: Annotated[Time | None, Field(description="the nominal time of its last fire; null: it never fired")]
    last_state: Annotated[
        str | None, Field(description="the state of the job of the last fire; `skipped` or `missed` without one")
    ]
    last_job: str | None
    verdict: Annotated[str, Field(description="the last state with its reason, in words")]
    paused: bool
    enabled: bool


class Schedule(TypedDict):
    """The schedule as it is in force."""

    schedules: list[Entry]
    file: str
    faults: Annotated[list[str], Field(description="of the file as it is now, which is not in force for that")]


class Pause(TypedDict):
    """Whether the entry is paused now."""

    name: str
    paused: bool


class Fired(TypedDict):
    """The job that is queued."""

    name: str
    jobid: str


class Job(TypedDict):
    """A job of the history."""

    id: str
    project: str
    spider: Spider
    command: Command
    version: str | None
    args: Texts
    settings: Texts
    state: State
    exit_code: int | None
    signal: int | None
    reason: Annotated[str | None, Field(description="why it ended so; null where the state says all")]
    node: str | None
    pid: int | None
    asked_by: AskedBy
    schedule: Annotated[str | None, Field(description="the entry that fired it")]
    retry_of: Annotated[str | None, Field(description="the job that this one tries again")]
    nominal_time: Annotated[Time | None, Field(description="when it was due by the schedule")]
    queued_time: Time
    start_time: Time | None
    end_time: Time | None
    log: Annotated[str | None, Field(description="a file on its node")]
    items: Annotated[
        str | None, Field(description="a file on its node, or an address elsewhere; null: this node has no such file")
    ]


class History(TypedDict):
    """A page of the history."""

    jobs: list[Job]
    page: int
    next_page: Annotated[int | None, Field(description="null: this is the last one")]


class Part(TypedDict):
    """A part of the service."""

    ok: bool
    message: str


class Health(TypedDict):
    """All parts."""

    healthy: bool
    parts: dict[str, Part]


class Crawl(TypedDict):
    """The items of a job."""

    jobid: str
    state: State
    reason: str | None
    truncated: Annotated[
        Literal["items", "bytes", "seconds"] | None, Field(description="the bound that was met; null: all is here")
    ]
    items: Annotated[
        list[dict[str, Any]],
        Field(description="as they were cleaned; times in ISO 8601"),
    ]
