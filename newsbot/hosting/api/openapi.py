"""`openapi.json`: the calls, described from their code. https://spec.openapis.org/oas/v3.1.0"""

import inspect
import json
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter
from scrapyd.website import Root
from twisted.web import http, resource

from newsbot.hosting.api.call import Call
from newsbot.hosting.api.scrapyd import ScrapydCall

_REFERENCE = "#/components/schemas/{model}"
_ERRORS = {
    http.BAD_REQUEST: "A parameter is unknown, missing or wrong: the message names it, the value and what it expects.",
    http.UNAUTHORIZED: "The user name or the password is missing or wrong.",
    http.SERVICE_UNAVAILABLE: "The database cannot be used.",
}
_ERROR = {
    "type": "object",
    "required": ["status", "message"],
    "properties": {
        "status": {"const": "error"},
        "message": {"type": "string"},
        "node_name": {"type": "string", "description": "the Scrapyd that answers"},
    },
}


class Description(resource.Resource):
    """This description."""

    isLeaf = True  # noqa: N815  Twisted's

    def __init__(self, root: Root) -> None:
        super().__init__()
        self.root = root

    def render_GET(self, request: http.Request) -> bytes:  # noqa: N802  Twisted's
        """Answer with the document."""
        request.setHeader("Content-Type", "application/json")
        return json.dumps(described(self.root.children), indent=1).encode() + b"\n"


def described(children: Mapping[bytes, resource.Resource]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the resources that are calls, by name."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths = {
        f"/{name.decode()}": {call.method.lower(): _operation(name.decode(), type(call), schemas)}
        for name, call in children.items()
        if isinstance(call, Call)
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "newsbot",
            "version": "1",
            "description": "Scrapyd's calls, and newsbot's beside them. Each answer has a `status`, `ok` or `error`,"
            " and the `node_name` of the Scrapyd that answers; an error has a `message`.",
        },
        "servers": [{"url": "/"}],
        "security": [{"login": []}],
        "tags": [{"name": "Scrapyd"}, {"name": "newsbot"}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"login": {"type": "http", "scheme": "basic"}}},
    }


def _operation(name: str, call: type[Call], schemas: dict[str, Any]) -> dict[str, Any]:
    summary, _, more = inspect.getdoc(call).partition("\n\n")
    query = call.query.model_json_schema(ref_template=_REFERENCE)
    is_scrapyds = issubclass(call, ScrapydCall) and call.lenient
    operation = {
        "operationId": name.removesuffix(".json"),
        "summary": " ".join(summary.split()),
        "description": more,
        "tags": ["Scrapyd" if is_scrapyds else "newsbot"],
        "responses": _responses(call, schemas),
    }
    properties = {key: _without_null(schema) for key, schema in query.get("properties", {}).items()}
    required = query.get("required", [])
    if call.method == "GET":
        operation["parameters"] = [_parameter(key, schema, key in required) for key, schema in properties.items()]
    else:
        operation["requestBody"] = _body(properties, required, query.get("additionalProperties"))
    return operation


def _parameter(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    description = schema.pop("description", "")
    return {"name": name, "in": "query", "description": description, "required": required, "schema": schema}


def _body(properties: dict[str, Any], required: list[str], more: Any) -> dict[str, Any]:
    brings_a_file = any(schema.get("format") == "binary" for schema in properties.values())
    media = "multipart/form-data" if brings_a_file else "application/x-www-form-urlencoded"
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": {"type": "string"} if more else False,
    }
    return {"required": bool(required), "content": {media: {"schema": schema}}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out rather than null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
    if rest.get("default", "") is None:
        del rest["default"]
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


def _responses(call: type[Call], schemas: dict[str, Any]) -> dict[str, Any]:
    answer = TypeAdapter(get_type_hints(call.answer, include_extras=True)["return"])
    schema = answer.json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    schema["properties"] = {"status": {"const": "ok"}, "node_name": {"type": "string"}} | schema["properties"]
    schema["required"] = ["status", "node_name", *schema.get("required", ())]
    error = {"$ref": _REFERENCE.format(model="Error")}
    if call.lenient:
        schema = {"oneOf": [schema, error]}
    described = {
        str(status): {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in sorted((_ERRORS | dict(call.errors)).items())
    }
    good = "The answer; an error where a named thing does not exist." if call.lenient else "The answer."
    return {
        "200": {"description": good, "content": {"application/json": {"schema": schema}}},
        **described,
        "default": {"description": "Any other error.", "content": {"application/json": {"schema": error}}},
    }
