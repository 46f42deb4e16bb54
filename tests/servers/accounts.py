"""A server that knows who asks, with users of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.commands import trackback
from tests.servers.trackback import TrackbackServer

PASSWORD = "correct horse battery"


def add_admin(backend_uri: str, name: str = "root") -> None:
    """The first admin, as an operator makes it: on the database, before the server starts."""
    words = f"user add {name} --admin --password-stdin --backend-store-uri".split()
    trackback(*words, backend_uri, input=PASSWORD + "\n").check_returncode()


@contextmanager
def guarded_server(backend_uri: str, folder: Path) -> Iterator[TrackbackServer]:
    """`trackback server --auth`, whose admin is root."""
    add_admin(backend_uri)
    with TrackbackServer(backend_uri, folder / "artifacts", folder, ["--auth"]) as server:
        yield server
        assert "Traceback" not in server.log_text, f"the server logged an error:\n{server.log_text[-4000:]}"


def admin(server: TrackbackServer) -> httpx.Client:
    return httpx.Client(base_url=server.url, auth=("root", PASSWORD), trust_env=False, timeout=30)


def with_token(server: TrackbackServer, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=30)


def add_service(root: httpx.Client, name: str, *roles: str, resources: tuple[str, ...] = ()) -> str:
    """A service with roles for everything, or for resources; a token of it."""
    post(root, "users", {"name": name, "service": True, "roles": [] if resources else roles})
    for resource in resources:
        for role in roles:
            post(root, "grants", {"user": name, "role": role, "resource": resource})
    return str(post(root, "tokens", {"name": "tests", "user": name})["secret"])


def post(http: httpx.Client, path: str, body: object) -> dict[str, object]:
    answer = http.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text
    parsed: dict[str, object] = answer.json()
    return parsed
