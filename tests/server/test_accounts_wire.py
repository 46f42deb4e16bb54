"""A server that knows who asks, over HTTP: which requests get in, and what the others are told."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import httpx
import pytest

from tests.server.test_command_line import trackback
from tests.servers.accounts import PASSWORD, add_admin, add_service, admin, guarded_server, post, with_token
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer
from trackback.entities import Permission, Role
from trackback.server.api import ROUTES as API_ROUTES
from trackback.server.authorization import FRESH_S
from trackback.server.mlflow import ROUTES as MLFLOW_ROUTES
from trackback.server.routing import Route
from trackback.server.ui import ROUTES as UI_ROUTES

ROUTES: list[Route] = [*MLFLOW_ROUTES, *API_ROUTES, *UI_ROUTES]
TRACKING = "/api/2.0/mlflow"

_names = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("guarded")
    with guarded_server(f"sqlite:///{folder}/trackback.db", folder) as running:
        yield running


@pytest.fixture
def root(server: TrackbackServer) -> Iterator[httpx.Client]:
    with admin(server) as client:
        yield client


@pytest.fixture
def stranger(server: TrackbackServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"user{next(_names)}"


def send(http: httpx.Client, route: Route) -> httpx.Response:
    """A request to a route, with something for each parameter of the path."""
    path = re.sub(r"\{\w+(:path)?\}", "1", route.path)
    return http.request(route.method, path, json={} if route.method in ("POST", "PUT") else None)


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error_code"]


# Every route


def test_every_route_but_what_says_nothing_wants_to_know_who_asks(stranger: httpx.Client) -> None:
    open_routes = [route for route in ROUTES if send(stranger, route).status_code != 401]

    assert {route.permission for route in open_routes} == {Permission.NOTHING}
    assert {route.path for route in open_routes} == {
        *("/static/{release}/{name:path}", "/ui/components", "/ui/components/points", "/ui/components/refusal"),
        *("/login", "/login/session", "/login/token", "/logout", "/api/v1/openapi.json"),
    }


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_a_role_opens_the_routes_of_its_permissions_only(
    server: TrackbackServer, root: httpx.Client, role: Role
) -> None:
    allowed = role.permissions | {Permission.NOTHING, Permission.SELF}
    closed = [route for route in ROUTES if route.permission not in allowed]
    assert closed
    with with_token(server, add_service(root, f"every-route-{role}", role)) as http:
        assert [route.path for route in closed if send(http, route).status_code != 403] == []
        assert http.get("/api/v1/me").status_code == 200


def test_probes_ask_nobody(stranger: httpx.Client) -> None:
    for path in ("/health", "/ready", "/version", "/metrics"):
        assert stranger.get(path, headers={"authorization": "Bearer wrong"}).status_code == 200


# Signing in


def test_who_sends_nothing_or_something_wrong_gets_401_as_json_and_how_to_sign_in(stranger: httpx.Client) -> None:
    answers = [
        stranger.post(f"{TRACKING}/experiments/search", json={"max_results": 1}, headers=headers)
        for headers in ({}, {"authorization": "Bearer tbk_wrong"}, {"authorization": "Basic !"})
    ]

    for answer in answers:
        assert error(answer) == (401, "UNAUTHENTICATED")
        assert answer.headers.get_list("www-authenticate") == [
            'Basic realm="trackback", charset="UTF-8"',
            'Bearer realm="trackback"',
        ]


def test_wrong_password_and_unknown_user_get_the_same_answer(stranger: httpx.Client) -> None:
    def answer(user: str) -> tuple[int, str]:
        response = stranger.get("/api/v1/me", auth=(user, "wrong"))
        return response.status_code, response.text

    assert answer("root") == answer("nobody-at-all")


def test_a_token_works_as_bearer_and_as_the_password_of_any_name(
    server: TrackbackServer, root: httpx.Client, stranger: httpx.Client, name: str
) -> None:
    token = add_service(root, name, "reader")
    with with_token(server, token) as bearer:
        assert bearer.get("/api/v1/me").json()["user"]["name"] == name
    for user in (name, "token", ""):
        assert stranger.get("/api/v1/me", auth=(user, token)).json()["user"]["name"] == name


def test_a_browser_is_asked_for_name_and_password_and_then_shown_pages(
    stranger: httpx.Client, root: httpx.Client
) -> None:
    asked = stranger.get("/")
    shown = root.get("/")

    assert (asked.status_code, asked.headers["www-authenticate"].split()[0]) == (401, "Basic")
    assert (shown.status_code, "Default" in shown.text) == (200, True)


def test_a_page_of_another_site_changes_nothing_with_what_the_browser_remembers(root: httpx.Client, name: str) -> None:
    answer = root.post("/api/v1/users", json={"name": name}, headers={"origin": "http://evil.example"})

    assert error(answer) == (403, "PERMISSION_DENIED")


def test_guessing_a_password_is_slowed_and_stops_nobody_else(
    root: httpx.Client, stranger: httpx.Client, name: str
) -> None:
    post(root, "users", {"name": name, "password": PASSWORD})
    statuses = [stranger.get("/api/v1/me", auth=(name, f"guess {number}")).status_code for number in range(12)]

    assert statuses[:5] == [401] * 5
    assert 429 in statuses[5:]
    assert root.get("/api/v1/me").status_code == 200


def test_a_token_of_narrow_scopes_can_not_make_itself_wider(
    server: TrackbackServer, root: httpx.Client, stranger: httpx.Client, name: str
) -> None:
    post(root, "users", {"name": name, "password": PASSWORD, "roles": ["writer"]})
    body = {"name": "reads", "scopes": ["reader"]}
    secret = stranger.post("/api/v1/tokens", json=body, auth=(name, PASSWORD)).json()["secret"]
    change = {"password": "another long password", "current_password": PASSWORD}
    with with_token(server, secret) as http:
        assert error(http.post(f"/api/v1/users/{name}/password", json=change)) == (403, "PERMISSION_DENIED")
        for scopes in ([], ["writer"], ["admin"]):
            wider = http.post("/api/v1/tokens", json={"name": "wider", "scopes": scopes})
            assert error(wider) == (403, "PERMISSION_DENIED")
    assert stranger.post(f"/api/v1/users/{name}/password", json=change, auth=(name, PASSWORD)).status_code == 200


# Roles


def test_no_role_is_403_and_a_role_given_counts_at_once(server: TrackbackServer, root: httpx.Client, name: str) -> None:
    with with_token(server, add_service(root, name)) as http:
        assert error(http.get("/")) == (403, "PERMISSION_DENIED")
        post(root, "grants", {"user": name, "role": "writer"})
        created = http.post(f"{TRACKING}/runs/create", json={"experiment_id": "0"})
        assert created.status_code == 200
        answer = root.request("DELETE", "/api/v1/grants", json={"user": name, "role": "writer"})
        assert answer.status_code == 200
        assert http.post(f"{TRACKING}/runs/create", json={"experiment_id": "0"}).status_code == 403


def test_what_one_may_not_read_is_answered_byte_for_byte_as_what_is_not_there(
    server: TrackbackServer, root: httpx.Client, name: str
) -> None:
    def create(experiment: str) -> str:
        answer = root.post(f"{TRACKING}/experiments/create", json={"name": experiment})
        return str(answer.json()["experiment_id"])

    mine, theirs = create(f"{name} mine"), create(f"{name} theirs")
    run = root.post(f"{TRACKING}/runs/create", json={"experiment_id": theirs}).json()["run"]["info"]["run_id"]
    token = add_service(root, name, "writer", resources=(f"experiments:/{mine}",))

    with with_token(server, token) as http:

        def answer(path: str) -> tuple[int, str]:
            response = http.get(path)
            text = re.sub(r'name="csrf" value="[^"]*"', "", response.text)  # another one each time
            return response.status_code, text.replace(run, "<run>").replace("f" * 32, "<run>")

        assert http.get(f"{TRACKING}/experiments/get?experiment_id={mine}").status_code == 200
        for path in (
            f"{TRACKING}/runs/get?run_id=RUN",
            f"{TRACKING}/metrics/get-history?run_id=RUN&metric_key=loss",
            f"{TRACKING}/artifacts/list?run_id=RUN",
            "/get-artifact?run_id=RUN&path=x",
            f"/api/2.0/mlflow-artifacts/artifacts?path={theirs}/RUN/artifacts",
            f"/api/2.0/mlflow-artifacts/artifacts/{theirs}/RUN/artifacts/x",
            "/runs/RUN",
        ):
            assert answer(path.replace("RUN", run)) == answer(path.replace("RUN", "f" * 32)), path


def test_two_servers_on_one_database_learn_soon_of_what_was_revoked_at_the_other(
    postgres: Postgres, tmp_path: Path
) -> None:
    uri = postgres.create_database()
    add_admin(uri)
    flags = ["--auth"]
    with (
        TrackbackServer(uri, tmp_path / "artifacts", tmp_path, flags) as here,
        TrackbackServer(uri, tmp_path / "artifacts", tmp_path, flags) as there,
        admin(here) as root,
    ):
        post(root, "users", {"name": "ci", "service": True, "roles": ["reader"]})
        created = root.post("/api/v1/tokens", json={"name": "t", "user": "ci"}).json()
        with with_token(there, created["secret"]) as http:
            assert http.get("/api/v1/me").status_code == 200
            assert root.delete(f"/api/v1/tokens/{created['token']['id']}").status_code == 200
            sleep(FRESH_S + 0.5)
            assert http.get("/api/v1/me").status_code == 401


# The command line


def test_a_server_that_others_can_reach_has_accounts_or_says_that_it_has_none(tmp_path: Path) -> None:
    code, printed = trackback("server", "--host", "0.0.0.0", "--port", "0", folder=tmp_path)

    assert code == 2
    assert "--auth" in printed
    assert "--allow-anonymous" in printed
    assert list(tmp_path.iterdir()) == []


def test_a_server_with_accounts_wants_an_admin_first(tmp_path: Path) -> None:
    code, printed = trackback("server", "--auth", "--port", "0", folder=tmp_path)

    assert (code, "trackback user add NAME --admin --backend-store-uri URI" in printed) == (2, True)


def test_accounts_are_looked_after_by_commands(server: TrackbackServer, name: str) -> None:
    env = {
        "TRACKBACK_TRACKING_URI": server.url,
        "MLFLOW_TRACKING_USERNAME": "root",
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "TRACKBACK_TOKEN": "",
        "MLFLOW_TRACKING_TOKEN": "",
    }

    def run(*arguments: str) -> str:
        code, printed = trackback(*arguments, env=env)
        assert code == 0, printed
        return printed

    run("user", "add", name, "--service", "--role", "reader")
    token = run("token", "create", "ci", "--user", name, "--scope", "reader", "--days", "7").splitlines()[-1]
    run("role", "grant", name, "writer", "--on", "experiments:/0")
    roles = run("role", "list", name)
    assert ("writer" in roles, "experiments:/0" in roles) == (True, True)
    assert name in run("user", "list")
    tokens = run("token", "list", "--user", name)
    assert "reader" in tokens

    with with_token(server, token) as http:
        assert http.get("/api/v1/me").json()["user"]["name"] == name
        run("token", "revoke", tokens.splitlines()[1].split()[0])
        assert http.get("/api/v1/me").status_code == 401
    run("role", "revoke", name, "writer", "--on", "experiments:/0")
    run("user", "disable", name)
    run("user", "enable", name)
    lines = run("audit", "--object", f"users/{name}", "--json")
    for action in ("user.add", "role.grant", "role.revoke", "user.disable", "user.enable"):
        assert f'"action":"{action}"' in lines


def test_who_may_not_is_told_so_in_one_line(server: TrackbackServer, root: httpx.Client, name: str) -> None:
    token = add_service(root, name, "reader")
    env = {"TRACKBACK_TRACKING_URI": server.url, "TRACKBACK_TOKEN": token, "MLFLOW_TRACKING_USERNAME": ""}

    code, printed = trackback("audit", env=env)

    assert code == 1
    assert printed == f"trackback: {name} lacks the permission 'admin'. An admin can grant a role that has it."


# What it costs


def test_credentials_cost_a_request_next_to_nothing(server: TrackbackServer, root: httpx.Client, name: str) -> None:
    """Signed in by password, the first request takes as long as argon2; those after it as long as with a token."""
    token = add_service(root, name, "reader")

    def seconds(http: httpx.Client) -> float:
        took = []
        for _ in range(200):
            began = perf_counter()
            assert http.get("/api/v1/me").status_code == 200
            took.append(perf_counter() - began)
        return median(took)

    with with_token(server, token) as bearer:
        assert seconds(root) < 5 * seconds(bearer)


def test_many_that_sign_in_at_once_all_get_in(server: TrackbackServer) -> None:
    def ask(_: int) -> int:
        with admin(server) as http:
            return http.get("/api/v1/me").status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(ask, range(32))) == {200}
