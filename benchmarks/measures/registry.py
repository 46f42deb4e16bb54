"""A registered model with 200,000 versions: what each look at it, and each change of it, takes."""

import itertools
import json
from collections.abc import Iterator

from benchmarks import registered
from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.messages import get, post
from benchmarks.percentiles import percentile
from benchmarks.registered import NAME, Version
from benchmarks.servers import Server
from benchmarks.servers.trackback import TrackbackServer

_TITLES = {
    "model": "get the registered model",
    "latest": "its latest versions",
    "first_page": "its first page of 100 versions",
    "by_number": "the 100 versions with the highest numbers",
    "all_models": "first page of 100 versions, of all models",
    "tag": "its versions with a tag, one in 50",
    "run": "the version of a run",
    "newest": "a version by its number, with params and metrics",
    "models": "search of registered models",
    "alias": "move an alias",
}


def registry(context: Context, server: Server) -> Round:
    """The server's database is filled while the server is stopped."""
    assert isinstance(server, TrackbackServer)
    versions = context.sizes.registered_versions
    server.stop()
    registered.load(server.database(), versions)
    server.start()
    with server.connect() as setup:
        _check(setup, versions)
    requests = _requests(versions)

    def run_round(connection: Connection) -> dict[str, float]:
        return {
            f"registry_{key}": _p50(connection, list(itertools.islice(each, context.sizes.searches)), context)
            for key, each in requests.items()
        }

    return run_round


def _p50(connection: Connection, requests: list[bytes], context: Context) -> float:
    return percentile(call_all(connection, requests, context.sizes.seconds), 50) * 1e3


def _requests(versions: int) -> dict[str, Iterator[bytes]]:
    """Endless requests of each kind."""
    of_model = f"name = '{NAME}'"
    some = Version(versions * 2 // 3)
    same = {
        "model": get("/registered-models/get", {"name": NAME}),
        "latest": post("/registered-models/get-latest-versions", {"name": NAME}),
        "first_page": _search(of_model),
        "by_number": _search(of_model, order_by="version_number DESC"),
        "all_models": _search(""),
        "tag": _search(f"{of_model} AND tags.team = '{some.team}'"),
        "run": _search(f"run_id = '{some.run_id}'"),
        "newest": get("/model-versions/get", {"name": NAME, "version": versions}),
        "models": get("/registered-models/search", {"filter": "tag.`mlflow.prompt.is_prompt` != 'true'"}),
    }
    moves = (
        post(
            "/registered-models/alias", {"name": NAME, "alias": "champion", "version": str(1 + turn * 7919 % versions)}
        )
        for turn in itertools.count()
    )
    return {**{key: itertools.repeat(request) for key, request in same.items()}, "alias": moves}


def _search(filter_text: str, order_by: str = "") -> bytes:
    query: dict[str, str | int] = {"max_results": 100, "filter": filter_text}
    return get("/model-versions/search", query | ({"order_by": order_by} if order_by else {}))


def _check(connection: Connection, versions: int) -> None:
    """That searches find what they must."""
    some = Version(versions * 2 // 3)
    newest = list(range(versions, versions - 100, -1))
    of_team = [number for number in range(versions, 0, -1) if Version(number).team == some.team][:100]
    for request, expected in (
        (_search(f"name = '{NAME}'"), newest),
        (_search(""), newest),
        (_search(f"name = '{NAME}' AND tags.team = '{some.team}'"), of_team),
        (_search(f"run_id = '{some.run_id}'"), [some.number]),
    ):
        found = [int(each["version"]) for each in json.loads(connection.expect(request))["model_versions"]]
        if found != expected:
            raise UnexpectedAnswerError(f"found {found[:5]}…, expected {expected[:5]}…")


MEASURES = (
    Measure(
        "registry",
        tuple(
            Figure(f"registry_{key}", f"model with 200,000 versions: {title}", "ms", "less")
            for key, title in _TITLES.items()
        ),
        registry,
        servers=("trackback", "trackback-postgres"),
        apart=True,
    ),
)
