"""Each of the server's routes has its method, and one only."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
import pytest

from trackback.client.api import Client
from trackback.client.progress import Advance, ignore
from trackback.client.transport import Transport, artifact_target
from trackback.client.wire import Request
from trackback.server.api import ROUTES as OUR_ROUTES
from trackback.server.mlflow import ROUTES as MLFLOW_ROUTES
from trackback.server.routing import Handler, Route, Router, Target

T = TypeVar("T", bound=msgspec.Struct)

SAME_AS_POST = "the same as its POST, which the client sends: what is searched for may be too long for a query"
SAME_AS_GET = "the same as its GET, which MLflow's server has too"
SAME_AS_MLFLOWS = "the same as MLflow's route for it, which the client calls"
NO_TRANSFER = "answers that there are no such transfers here"
LEFT_OUT = {
    "GET /api/2.0/mlflow/experiments/search": SAME_AS_POST,
    "GET /api/2.0/mlflow/registered-models/get-latest-versions": SAME_AS_POST,
    "POST /api/2.0/mlflow/registered-models/search": SAME_AS_GET,
    "POST /api/2.0/mlflow/model-versions/search": SAME_AS_GET,
    "GET /api/v1/webhooks/{webhook_id}": SAME_AS_MLFLOWS,
    "DELETE /api/v1/webhooks/{webhook_id}": SAME_AS_MLFLOWS,
    "POST /api/v1/webhooks/{webhook_id}/test": SAME_AS_MLFLOWS,
    "POST /api/2.0/mlflow-artifacts/mpu/create/{path:path}": NO_TRANSFER,
    "POST /api/2.0/mlflow-artifacts/mpu/complete/{path:path}": NO_TRANSFER,
    "POST /api/2.0/mlflow-artifacts/mpu/abort/{path:path}": NO_TRANSFER,
    "GET /api/2.0/mlflow-artifacts/presigned/{path:path}": NO_TRANSFER,
    "POST /api/2.0/mlflow/artifacts/presigned-upload-url": NO_TRANSFER,
    "POST /api/2.0/mlflow/artifacts/presigned-download-url": NO_TRANSFER,
    "POST /api/v1/runs/{run_id}/points": "what the spool of a run sends; log_batch takes the same points",
    "POST /ajax-api/2.0/mlflow/upload-artifact": "for MLflow's pages, and 10 MB at most; upload_file sends any size",
    "GET /api/v1/promotions/events": "the log for pages in browsers; follow_promotions reads it by its cursor",
    "GET /api/v1/openapi.json": "describes the API to programs that make clients of their own",
}

# What methods do by way of others.
DERIVED = {
    "copy_model_version": "create_registered_model",
    "download_artifacts": "get_run",
    "follow_promotions": "read_promotions",
    "get_parent_run": "get_run",
    "log_artifact": "get_run",
    "log_artifacts": "get_run",
    "log_dict": "get_run",
    "log_model_artifact": "get_logged_model",
    "log_model_artifacts": "get_logged_model",
    "log_text": "get_run",
    "promotions_in_force": "read_promotions",
    "set_terminated": "update_run",
    "walk_promotions": "read_promotions",
}
NO_CALLS = {"close", "tracking_uri", "transport"}

# Arguments without which a method would take another route, or refuse.
VARIANTS: list[tuple[str, dict[str, object]]] = [
    ("create_webhook", {"environment": "production"}),
    ("finalize_logged_model", {"status": "READY"}),
    ("list_webhooks", {"promotions": True}),
    ("update_webhook", {"token": "secret"}),
]
SAMPLES: Mapping[object, object] = {
    "events": ["model_version.created"],
    "content": b"",
    "params": {},
    "tags": {},
    "destination": Path("x"),
    "dictionary": {},
    "status": "READY",
    float: 0.5,
    int: 1,
    bool: True,
}


class Noted(Exception):
    """A call was about to be sent."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"{method} {path}")
        self.method = method
        self.path = path


class Note(Transport):
    """Sends nothing; raises where a call would go."""

    def call(self, method: str, path: str, request: Request, answer: type[T], *, idempotent: bool = True) -> T:
        raise Noted(method, path)

    def upload(self, path: str, content: bytes | Path, advance: Advance = ignore) -> str:
        raise Noted("PUT", artifact_target(path))

    def download(self, path: str, destination: Path) -> str:
        raise Noted("GET", artifact_target(path))

    def fetch(self, path: str, request: Request, destination: Path) -> str:
        raise Noted("GET", path)


def handle(*_: object) -> Any:
    raise AssertionError("nothing is served here")


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def routes() -> Iterator[Route]:
    """Each endpoint once: what MLflow has below /ajax-api/ too, is one."""
    paths = {route.path for route in MLFLOW_ROUTES}
    for route in [*MLFLOW_ROUTES, *OUR_ROUTES]:
        if (
            route.path.replace("/ajax-api/", "/api/") == route.path
            or route.path.replace("/ajax-api/", "/api/") not in paths
        ):
            yield route


def methods() -> list[str]:
    return [name for name in dir(Client) if not name.startswith("_") and name not in NO_CALLS]


def arguments(name: str) -> dict[str, object]:
    method = getattr(Client, name)
    hints = get_type_hints(method)
    return {
        each.name: SAMPLES.get(each.name, SAMPLES.get(hints[each.name], "1"))
        for each in inspect.signature(method).parameters.values()
        if each.default is inspect.Parameter.empty and each.name != "self"
    }


def _begin(method: Callable[..., object], given: Mapping[str, object]) -> None:
    result = method(**given)
    if isinstance(result, Iterator):
        next(result)


def route_of(name: str, given: Mapping[str, object]) -> str:
    client = Client(transport=Note())
    with pytest.raises(Noted) as noted:
        _begin(getattr(client, name), {**arguments(name), **given})
    bound: Handler = handle
    router = Router([Target(route, bound) for route in [*MLFLOW_ROUTES, *OUR_ROUTES]])
    path = noted.value.path
    target, _ = router.find(noted.value.method, path, path.encode())
    return named(target.route)


def test_each_route_is_called_by_one_method_or_left_out_for_a_reason() -> None:
    callers: dict[str, set[str]] = defaultdict(set)
    for name, given in [*((name, {}) for name in methods() if name not in DERIVED), *VARIANTS]:
        callers[route_of(name, given)].add(name)
    several = {route: names for route, names in callers.items() if len(names) > 1}
    known = {named(route) for route in routes()}

    assert not several
    assert callers.keys() & LEFT_OUT.keys() == set()
    assert callers.keys() | LEFT_OUT.keys() == known


@pytest.mark.parametrize(("name", "other"), DERIVED.items())
def test_what_a_method_does_by_way_of_another_begins_with_that_ones_route(name: str, other: str) -> None:
    assert route_of(name, {}) == route_of(other, {})


@pytest.mark.parametrize("name", methods())
def test_each_method_says_what_it_does(name: str) -> None:
    assert getattr(Client, name).__doc__
