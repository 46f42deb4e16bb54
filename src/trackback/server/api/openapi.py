"""The description of our own API, for programs: OpenAPI 3.1, made from the routes and their structs."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, get_type_hints

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trackback import __version__
from trackback.entities import Actor, Permission
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import Poll, Rpc, raw
from trackback.server.raw import Raw
from trackback.server.routing import Route
from trackback.services import Services

_PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")
_REFERENCE = "#/components/schemas/{name}"


class ErrorAnswer(msgspec.Struct):
    """How every call fails: a code to decide by, and a message for people."""

    error_code: str
    message: str


def describing(routes: Sequence[Route]) -> list[Route]:
    """The route that describes ``routes``."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(describe(routes))

    async def answer(services: Services, actor: Actor, request: Request) -> Response:
        return Response(document(), media_type="application/json")

    return raw("GET", "openapi.json", Permission.NOTHING, answer, under=API)


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    types = [
        kind for route in routes if isinstance(route.endpoint, Rpc | Poll) for kind in _types(route.endpoint) if kind
    ]
    schemas, components = msgspec.json.schema_components([ErrorAnswer, *types], ref_template=_REFERENCE)
    schema_of = dict(zip([ErrorAnswer, *types], schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schema_of, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "trackback", "version": __version__},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(route: Route, schema_of: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters = _PARAMETER.findall(route.path)
    fields: dict[str, Any] = {}
    required: list[str] = []
    content: Any = {}
    if isinstance(route.endpoint, Rpc | Poll):
        request, answer = _types(route.endpoint)
        fields, required = _fields(schema_of[request], components)
        content = {"application/json": {"schema": schema_of[answer] if answer else {"type": "object"}}}
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z0-9]+', '_', route.path)}".rstrip("_"),
        "x-permission": route.permission,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": fields.pop(name, {"type": "string"})}
            for name in parameters
        ],
        "responses": {
            "200": {"description": "Done.", "content": content},
            "default": {
                "description": "It failed.",
                "content": {"application/json": {"schema": schema_of[ErrorAnswer]}},
            },
        },
    }
    if summary := _summary(route):
        operation["summary"] = summary
    if route.method in ("GET", "HEAD"):
        operation["parameters"] += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in fields.items()
        ]
    elif fields:
        needed = [name for name in required if name in fields]
        schema = {"type": "object", "properties": fields} | ({"required": needed} if needed else {})
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _types(endpoint: Rpc[Any] | Poll[Any]) -> tuple[Any, Any]:
    """The struct of the request, and that of the answer; None for an empty object."""
    returned = get_type_hints(endpoint.function)["return"]
    return endpoint.request, None if returned is type(None) else returned


def _fields(schema: dict[str, Any], components: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    found = components[schema["$ref"].rpartition("/")[2]]
    return dict(found.get("properties", {})), list(found.get("required", []))


def _summary(route: Route) -> str:
    function = route.endpoint.function if isinstance(route.endpoint, Rpc | Poll | Raw) else None
    return " ".join((function.__doc__ or "").strip().partition("\n\n")[0].split()) if function else ""
