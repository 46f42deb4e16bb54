"""What holds for every route that there is."""

from trackback.entities import Permission
from trackback.server.mlflow import ROUTES
from trackback.server.mlflow.endpoints import Rpc

PATHS = {(route.method, route.path): route for route in ROUTES}


def test_every_request_can_be_read_as_mlflow_writes_it() -> None:
    decoders = [route.endpoint.decoder for route in ROUTES if isinstance(route.endpoint, Rpc)]

    assert decoders
    for decoder in decoders:
        assert callable(decoder.read_body)
        assert callable(decoder.read_query)


def test_every_route_needs_a_permission() -> None:
    assert not [route.path for route in ROUTES if route.permission is Permission.NOTHING]


def test_only_what_reads_can_be_asked_with_a_get() -> None:
    reading = {Permission.READ, Permission.ADMIN}  # webhooks, for one, are looked at by admins only

    assert {route.permission for route in ROUTES if route.method == "GET"} <= reading


def test_every_route_under_api_is_also_under_ajax_api() -> None:
    api = {(method, path) for method, path in PATHS if path.startswith("/api/")}

    assert api
    assert {(method, f"/ajax-{path[1:]}") for method, path in api} <= set(PATHS)
