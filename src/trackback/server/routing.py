"""Routes are data: a method, a path, the permission it needs, and the endpoint that answers.

A path is literal, or holds parameters: ``{name}`` is one segment, ``{name:path}`` the rest of the path with its
slashes. Templates are matched against the path as it was sent, so that an encoded slash stays inside its segment, and
their values are decoded afterwards, once.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter, MethodNotAllowed, UnknownEndpoint
from trackback.limits import shown
from trackback.services import Services

Handler = Callable[[Actor, Scope, Receive, Send], Awaitable[int]]
"""Answers one request and returns the status it answered with; an error it raises was not answered yet."""

Readmit = Callable[[], Awaitable[Actor]]
"""Who asks, looked up again for a request that takes long. Raises what the same request would be refused with now."""

READMIT = "trackback.readmit"
"""Where a scope holds it."""

ROUTER = "trackback.router"
"""Where a scope holds the router that its target was found by."""

_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")
_EMPTY: dict[str, str] = {}


@dataclass(frozen=True)
class BodyLimits:
    """How many bytes a request's body may have; None: any number."""

    json: int
    artifact: int | None


class Endpoint(Protocol):
    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        """The function that answers requests with these services."""


@dataclass(frozen=True)
class Route:
    """``is_page``: browsers ask for it. Cookies sign in there, and only there; and errors are pages."""

    method: str
    path: str
    permission: Permission
    endpoint: Endpoint
    is_page: bool = False


@dataclass(frozen=True)
class Target:
    """What a request is handed to: a route, and its endpoint ready to answer."""

    route: Route
    handle: Handler


_Methods = dict[str, Target]


class Router:
    """Finds the target of a method and path: literal paths by one look-up, templates by pattern.

    ``explain`` may say more about a path that is not found.
    """

    def __init__(self, targets: Iterable[Target], explain: Callable[[str], str] = lambda path: "") -> None:
        self._explain = explain
        self._literal: dict[str, _Methods] = {}
        self._templates: list[tuple[re.Pattern[str], _Methods]] = []
        by_path: dict[str, _Methods] = {}
        for target in targets:
            route = target.route
            methods = by_path.setdefault(route.path, {})
            if route.method in methods:
                raise ValueError(f"two routes for {route.method} {route.path}")
            methods[route.method] = target
        for path, methods in by_path.items():
            if "GET" in methods:
                methods.setdefault("HEAD", methods["GET"])
            if "{" in path:
                self._templates.append((_pattern(path), methods))
            else:
                self._literal[path] = methods

    def find(self, method: str, path: str, raw_path: bytes) -> tuple[Target, dict[str, str]]:
        """The target, and the values of the path's parameters.

        Raises UnknownEndpoint, or MethodNotAllowed if the path answers to other methods.
        """
        values = _EMPTY
        methods = self._literal.get(path)
        if methods is None:
            methods, values = self._match(method, path, raw_path)
        target = methods.get(method)
        if target is None:
            raise MethodNotAllowed(
                f"{method} is not allowed for {shown(path, 200)}. Allowed: {', '.join(sorted(methods))}.", methods
            )
        return target, values

    def _match(self, method: str, path: str, raw_path: bytes) -> tuple[_Methods, dict[str, str]]:
        sent = raw_path.decode("ascii", "replace")
        for pattern, methods in self._templates:
            if match := pattern.fullmatch(sent):
                return methods, {name: _decoded(value) for name, value in match.groupdict().items()}
        raise UnknownEndpoint(f"There is no {method} {shown(path, 200)} here. {self._explain(path)}".rstrip())


def _pattern(path: str) -> re.Pattern[str]:
    text, end = "", 0
    for parameter in _PARAMETER.finditer(path):
        text += re.escape(path[end : parameter.start()])
        text += f"(?P<{parameter[1]}>{'.*' if parameter[2] else '[^/]+'})"
        end = parameter.end()
    return re.compile(text + re.escape(path[end:]), re.DOTALL)


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise InvalidParameter(f"Invalid path: {shown(value)} is not valid UTF-8 when decoded.") from None
