import pytest

from trackback import errors
from trackback.client.refusals import error_class, refusal
from trackback.errors import TrackbackError

REQUEST = "POST http://host/api"


def all_classes(kind: type[TrackbackError] = TrackbackError) -> list[type[TrackbackError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in all_classes(child))]


@pytest.mark.parametrize("kind", all_classes())
def test_every_error_that_the_server_can_send_arrives_as_its_own_class(kind: type[TrackbackError]) -> None:
    if "code" in vars(kind) and kind.__module__ == errors.__name__:
        assert error_class(kind.code, kind.status) is kind
    else:
        assert issubclass(kind, error_class(kind.code, kind.status))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("INVALID_STATE", 500, errors.InvalidState),  # MLflow's status for it
        ("RESOURCE_EXHAUSTED", 429, errors.Overloaded),
        ("MALFORMED_REQUEST", 400, errors.BadRequest),
        ("NO_TEAPOT", 418, errors.BadRequest),
        ("CUSTOMER_UNAUTHORIZED", 403, errors.PermissionDenied),
        (None, 404, errors.NotFound),
        (None, 502, errors.Unavailable),
        ("SOMETHING_NEW", 500, errors.TrackbackError),
        ("SOMETHING_NEW", 599, errors.TrackbackError),
    ],
)
def test_codes_unknown_here_become_an_error_of_their_status(
    code: str | None, status: int, kind: type[TrackbackError]
) -> None:
    assert error_class(code, status) is kind


def test_a_servers_message_is_passed_on_as_it_is() -> None:
    failure = refusal(REQUEST, 404, {}, b'{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"No Run with id=7."}')
    assert (type(failure.error), failure.error.message) == (errors.NotFound, "No Run with id=7.")


def test_a_code_unknown_here_is_named_in_the_message() -> None:
    error = refusal(REQUEST, 418, {}, b'{"error_code":"NO_TEAPOT","message":"I am one."}').error
    assert error.message == "POST http://host/api was answered with 418 (I'm a Teapot) NO_TEAPOT: I am one."


def test_the_detail_of_mlflows_artifact_routes_is_quoted() -> None:
    error = refusal("GET http://host/a", 404, {}, b'{"detail":"No such artifact"}').error
    assert (type(error), error.message) == (
        errors.NotFound,
        "GET http://host/a was answered with 404 (Not Found): No such artifact",
    )


def test_a_page_is_quoted_shortly_without_its_markup() -> None:
    page = b"<html><style>p {color: red}</style><h1>Bad\nGateway</h1><p>" + b"nginx " * 1000 + b"</html>"
    error = refusal(REQUEST, 502, {}, page).error
    assert type(error) is errors.Unavailable
    assert error.message.startswith("POST http://host/api was answered with 502 (Bad Gateway): 'Bad Gateway nginx")
    assert len(error.message) < 300


def test_a_404_that_is_a_page_means_that_nobody_knows_the_route() -> None:
    error = refusal(REQUEST, 404, {}, b"<!doctype html><title>404 Not Found</title>").error
    assert type(error) is errors.UnknownEndpoint
    assert "Check that the tracking URI is a tracking server's" in error.message


def test_a_401_says_how_to_give_credentials() -> None:
    assert "TRACKBACK_TOKEN" in refusal(REQUEST, 401, {}, b"You are not authenticated.").error.message


def test_a_redirect_says_where_it_leads_but_not_with_what() -> None:
    failure = refusal(REQUEST, 302, {"location": "https://ada:s3cret@sso/login?state=s3cret"}, b"")
    assert "s3cret" not in failure.error.message
    assert "a redirect (302) to 'https://sso/login', which is not followed" in failure.error.message
    assert not failure.passing


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        ("Fri, 01 Jan 1999 00:00:00 GMT", 0, 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 1e9, 1e10),
        ("Fri, 01 Jan 2100 00:00:00 -0000", 1e9, 1e10),
        ("soon", 0, 0),
        ("Fri, 99 Jan 2100 00:00:00 GMT", 0, 0),
        ("-3", 0, 0),
    ],
)
def test_retry_after_is_in_seconds_or_a_date(value: str, least: float, most: float) -> None:
    assert least <= refusal(REQUEST, 503, {"retry-after": value}, b"").retry_after_s <= most


@pytest.mark.parametrize(
    ("status", "body", "passing"),
    [
        (500, b'{"error_code":"INTERNAL_ERROR","message":"?"}', True),
        (500, b"", True),
        (500, b'{"error_code":"DATA_LOSS","message":"The bytes are gone."}', False),
        (500, b'{"error_code":"INVALID_STATE","message":"It is deleted."}', False),
        (503, b"", True),
        (507, b"", False),
        (400, b"", False),
    ],
)
def test_only_what_may_pass_is_worth_another_attempt(status: int, body: bytes, passing: bool) -> None:
    assert refusal(REQUEST, status, {}, body).passing is passing
