"""The common parts of all calls: a model for the parameters, Scrapyd's form for the answer."""

import functools
import json
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, get_origin

import psycopg2
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from scrapyd.website import Root
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, TimeoutError, ensureDeferred
from twisted.python.failure import Failure
from twisted.web import http, resource, server

from newsbot.hosting.forms import MAX_FIELDS
from newsbot.hosting.sessions import AwayError

logger = logging.getLogger(__name__)


class RefusedError(Exception):
    """The call cannot be answered: an HTTP status, the reason, and further keys of the answer."""

    def __init__(self, message: str, status: int = http.BAD_REQUEST, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.data = data or {}


class Query(BaseModel):
    """The parameters of a call; each field's description is part of the published one."""

    model_config = ConfigDict(extra="forbid")


class Call(resource.Resource):
    """One call. The docstring of a subclass is its published description."""

    isLeaf = True  # noqa: N815  Twisted's
    method: ClassVar[str] = "GET"
    query: ClassVar[type[Query]] = Query
    # Scrapyd answers 200 when a parameter is missing or a name is unknown, and its clients expect that.
    lenient: ClassVar[bool] = False
    patience: ClassVar[float] = 30.0  # seconds for the answer
    errors: ClassVar[Mapping[int, str]] = {}  # by status, beside the errors of every call

    def __init__(self, root: Root) -> None:
        super().__init__()
        self.root = root

    async def answer(self, query: Any) -> dict[str, Any]:
        """The answer without status and node. Raises `RefusedError`."""
        raise NotImplementedError

    def render(self, request: http.Request) -> int:
        """Answer with JSON, once `answer` is done."""
        answering = ensureDeferred(self._answer(request))
        answering.addTimeout(self.patience, reactor)
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addCallbacks(functools.partial(self._send, request), functools.partial(self._fail, request))
        return server.NOT_DONE_YET

    async def _answer(self, request: http.Request) -> dict[str, Any] | None:
        allowed = f"OPTIONS, HEAD, {self.method}" if self.method == "GET" else f"OPTIONS, {self.method}"
        method = request.method.decode("ascii", "replace")
        if any(request.postpath):  # a slash at the end is Scrapyd's as well
            raise RefusedError("this call has nothing below it", http.NOT_FOUND)
        if method not in allowed.split(", "):
            request.setHeader("Allow", allowed)
            raise RefusedError(f"{method[:20]} is not for this call; {self.method} is", http.NOT_ALLOWED)
        if method == "OPTIONS":
            request.setHeader("Allow", allowed)
            request.setResponseCode(http.NO_CONTENT)
            return None
        return {"status": "ok"} | await self.answer(self._read(request.args or {}))

    def _read(self, arguments: dict[bytes, list[bytes]]) -> Query:
        """The parameters. Of several values the first counts, as in Scrapyd, unless the parameter is a list."""
        kinds = {field.alias or name: field.annotation for name, field in self.query.model_fields.items()}
        if len(arguments) > MAX_FIELDS:
            raise RefusedError(f"more than {MAX_FIELDS} parameters")
        given: dict[str, Any] = {}
        for name, values in arguments.items():
            key = _text("the name of a parameter", name)
            if key.startswith("_") and key not in kinds:  # as `_=1690` that browsers' scripts add against caches
                continue
            kind = kinds.get(key)
            texts = values if kind is bytes else [_text(f"'{key[:60]}'", value) for value in values]
            given[key] = texts if get_origin(kind) is list else texts[0]
        try:
            return self.query.model_validate(given)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False)
            missing = all(detail["type"] == "missing" for detail in details)
            message = "; ".join(map(_message, details[:5]))
            raise RefusedError(message, http.OK if missing and self.lenient else http.BAD_REQUEST) from None

    def _send(self, request: http.Request, data: dict[str, Any] | None) -> None:
        if data is not None:
            request.setHeader("Content-Type", "application/json")
            data["node_name"] = self.root.node_name
            request.write(json.dumps(data, default=str).encode() + b"\n")
        request.finish()

    def _fail(self, request: http.Request, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, CancelledError):  # nobody listens any more
            return
        if isinstance(error, RefusedError):
            status, message = error.status, str(error)
        elif isinstance(error, TimeoutError):
            status, message = http.SERVICE_UNAVAILABLE, f"no answer within {self.patience:g} s"
        elif isinstance(error, psycopg2.DataError):
            status, message = http.BAD_REQUEST, f"the database has no room for such a value: {error}".strip()
        elif isinstance(error, AwayError):
            status, message = http.SERVICE_UNAVAILABLE, f"the database cannot be used: {' '.join(str(error).split())}"
        else:
            logger.error("%s failed", type(self).__name__, exc_info=(failure.type, error, failure.getTracebackObject()))
            status, message = http.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}"
        request.setResponseCode(status)
        self._send(request, {"status": "error", "message": message} | getattr(error, "data", {}))


def _text(what: str, value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{what} is not UTF-8: {error.reason} at byte {error.start}") from None
    if "\0" in text:  # neither a process nor Postgres takes it
        raise RefusedError(f"{what} holds a NUL character")
    return text


def _message(detail: ErrorDetails) -> str:
    name = ".".join(map(str, detail["loc"]))
    match detail["type"]:
        case "missing":
            return f"'{name}' parameter is required"
        case "extra_forbidden":
            return f"'{name[:60]}' is not a parameter of this call"
    told = detail["msg"].removeprefix("Value error, ")
    return f"{name} is invalid: {told}" if name else told
