"""Which route answers a request."""

import pytest
from starlette.types import Receive, Scope, Send

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter, MethodNotAllowed, UnknownEndpoint
from trackback.server.routing import BodyLimits, Handler, Route, Router, Target
from trackback.services import Services


async def _handle(actor: Actor, scope: Scope, receive: Receive, send: Send) -> int:
    return 200


class Nothing:
    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        return _handle


def router(*routes: tuple[str, str]) -> Router:
    return Router(
        (Target(Route(method, path, Permission.READ, Nothing()), _handle) for method, path in routes),
        lambda path: "Look elsewhere." if path.startswith("/elsewhere") else "",
    )


ROUTER = router(
    ("GET", "/models"),
    ("POST", "/models"),
    ("GET", "/models/{model_id}"),
    ("DELETE", "/models/{model_id}/tags/{key}"),
    ("GET", "/artifacts/{path:path}"),
)


def find(method: str, raw_path: str, path: str | None = None) -> tuple[str, dict[str, str]]:
    target, parameters = ROUTER.find(method, path or raw_path, raw_path.encode())
    return target.route.path, parameters


def test_a_literal_path_has_no_parameters() -> None:
    assert find("POST", "/models") == ("/models", {})


def test_a_parameter_is_one_segment() -> None:
    assert find("GET", "/models/m-1") == ("/models/{model_id}", {"model_id": "m-1"})


@pytest.mark.parametrize("path", ["/models/", "/models/m-1/", "/models/m-1/x", "/Models", "/models.", "/", ""])
def test_other_paths_are_not_found(path: str) -> None:
    with pytest.raises(UnknownEndpoint):
        find("GET", path)


def test_an_encoded_slash_stays_inside_its_segment_and_is_decoded_once() -> None:
    _, parameters = find("DELETE", "/models/m-1/tags/a%2Fb%252F", "/models/m-1/tags/a/b%2F")

    assert parameters == {"model_id": "m-1", "key": "a/b%2F"}


@pytest.mark.parametrize(
    ("sent", "path"), [("a/b", "a/b"), ("", ""), ("a%20b/%C3%BC", "a b/ü"), ("../x", "../x"), ("a%0Ab", "a\nb")]
)
def test_a_path_parameter_is_all_the_rest(sent: str, path: str) -> None:
    assert find("GET", f"/artifacts/{sent}") == ("/artifacts/{path:path}", {"path": path})


def test_a_parameter_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(InvalidParameter):
        find("GET", "/artifacts/%FF")


def test_another_method_is_refused_with_those_there_are() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        find("PATCH", "/models")

    assert caught.value.allowed == ("GET", "HEAD", "POST")


def test_head_is_answered_where_get_is() -> None:
    assert find("HEAD", "/models/m-1")[0] == "/models/{model_id}"


def test_more_may_be_said_of_what_is_not_found() -> None:
    with pytest.raises(UnknownEndpoint) as caught:
        find("GET", "/elsewhere/x")

    assert caught.value.message == "There is no GET '/elsewhere/x' here. Look elsewhere."


def test_two_routes_for_one_method_and_path_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two routes for GET /models"):
        router(("GET", "/models"), ("GET", "/models"))
