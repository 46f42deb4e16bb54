"""Whatever is sent to whatever route: never a 5xx, always MLflow's JSON, nothing leaked, nothing written if refused.

`TRACKBACK_FUZZ_EXAMPLES=2000` makes a longer search, of other examples each time.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.databases import Observer, PostgresObserver, observe
from tests.fuzz.examples import World
from tests.fuzz.mutations import Sent, each_field_at_its_worst, each_odd_header, sent, spoiled
from tests.fuzz.oracle import fault
from tests.fuzz.values import NOT_FOR_POSTGRES
from tests.server.wire import Answer, Wire
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer
from trackback.server.api.runs import ROUTES as RUN_ROUTES
from trackback.server.gocd import RELAYED
from trackback.server.mlflow import ROUTES as MLFLOW_ROUTES
from trackback.server.routing import Route
from trackback.server.ui import ROUTES as UI_ROUTES

EXAMPLES = int(os.environ.get("TRACKBACK_FUZZ_EXAMPLES", "0"))

ALL = [*MLFLOW_ROUTES, *RUN_ROUTES, *RELAYED, *UI_ROUTES]
# What is under /api/ and under /ajax-api/ leads to the same endpoints.
DISTINCT = {(route.method, route.path.replace("/ajax-api/", "/api/")): route for route in reversed(ALL)}
# What forms send is signed by the page that has them: tests/ui sends it. Without that, it is refused before anything
# else is looked at, so that here one form is like another.
FORMS = [route for route in DISTINCT.values() if route in UI_ROUTES and route.method == "POST"]
A_FORM = FORMS[-1]
NO_FORMS = [route for route in DISTINCT.values() if route not in FORMS]


def cases(**routes: list[Route]) -> pytest.MarkDecorator:
    """Each of the routes, on the kind of database that they are given for."""
    each = [
        pytest.param(database, route, id=f"{database}-{route.method} {route.path}")
        for database, chosen in routes.items()
        for route in chosen
    ]
    return pytest.mark.parametrize(("target", "route"), each, indirect=["target"])


class Target:
    """A server, watched while requests are sent to it."""

    def __init__(self, server: TrackbackServer, observer: Observer) -> None:
        self._server = server
        self._port = server.port
        self._lost_runs = 0
        self._observer = observer
        self.on_postgres = isinstance(observer, PostgresObserver)
        self._wire: Wire | None = None
        self.world = World(server.port)
        observer.changes()

    def renew_for(self, route: Route) -> None:
        self.world.renew_for(route)
        self._observer.changes()

    def ask(self, request: Sent) -> Answer:
        """The answer, of which everything holds that must."""
        wire, answer = self._exchange(request)
        endless = answer.status == 200 and "content-length" not in answer.headers  # or in pieces, which are not read
        if answer.headers.get("connection") == "close" or endless:
            wire.close()
        else:
            self._wire = wire
        wrong = fault(request.method, answer, page=request.page)
        if (changed := self._observer.changes()) and answer.status >= 400 and not self._has_ended_a_lost_run():
            wrong = f"refused, but something was written: {', '.join(sorted(changed))}"
        assert wrong is None, (wrong, request.data[:3000], answer)
        return answer

    def _exchange(self, request: Sent) -> tuple[Wire, Answer]:
        """Over the connection that was kept, if it still is one: what followed the last request may have ended it."""
        kept, self._wire = self._wire, None
        if kept is not None:
            try:
                return kept, kept.send(request.data).answer(request.method)
            except ConnectionError:
                kept.close()
        wire = Wire(self._port)
        return wire, wire.send(request.data).answer(request.method)

    def _has_ended_a_lost_run(self) -> bool:
        """Whether the server has ended a run of its own accord: one whose heartbeats, sent here, have not gone on."""
        ends = time.monotonic() + 2
        while time.monotonic() < ends:  # for it writes first, and says so then
            before, self._lost_runs = self._lost_runs, self._server.log_text.count("is not heard from any more")
            if self._lost_runs > before:
                return True
            time.sleep(0.05)
        return False

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._observer.close()


@pytest.fixture(scope="module")
def target_on(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Target]]:
    """The one on a kind of database, which is started when a test first asks for it."""
    with ExitStack() as stack:

        @cache
        def start(database: str) -> Target:
            folder = tmp_path_factory.mktemp("fuzz")
            uri = f"sqlite:///{folder}/trackback.db"
            if database == "postgres":
                postgres: Postgres = request.getfixturevalue("postgres")
                uri = postgres.create_database()
            return stack.enter_context(watched(uri, folder))

        yield start


@contextmanager
def watched(uri: str, folder: Path) -> Iterator[Target]:
    with TrackbackServer(uri, folder / "artifacts", folder) as server:
        target = Target(server, observe(uri))
        yield target
        target.close()
    assert "Traceback" not in server.log_text


@pytest.fixture
def target(request: pytest.FixtureRequest, target_on: Callable[[str], Target]) -> Target:
    return target_on(request.param)


# What this server does not do, a host of a webhook that is nowhere, and a file for packed points.
RIGHTLY_REFUSED = (b"presigned URLs", b"hook.invalid", b"vnd.trackback.points")


@cases(sqlite=NO_FORMS, postgres=NO_FORMS)
def test_a_request_of_our_making_is_well_formed(target: Target, route: Route) -> None:
    """Else the rest would only show that nonsense is refused."""
    target.renew_for(route)
    example = target.world.example(route)
    answer = target.ask(sent(example, example.fields))
    of_pages = (303, 400) if example.is_page else ()  # where to, and what is not among the fields of this one
    assert answer.status in (200, 404, 501, *of_pages) or any(why in answer.body for why in RIGHTLY_REFUSED), answer


@cases(sqlite=[*NO_FORMS, A_FORM], postgres=NO_FORMS)
def test_any_field_at_its_worst(target: Target, route: Route) -> None:
    """What is above the database is the same above each, and is asked for all of it once."""
    target.renew_for(route)
    example = target.world.example(route)
    worst = NOT_FOR_POSTGRES if target.on_postgres and example.is_page else ()
    for request in each_field_at_its_worst(example, worst):
        target.ask(request)


@cases(sqlite=[*NO_FORMS, A_FORM])
def test_any_odd_header_and_method(target: Target, route: Route) -> None:
    target.renew_for(route)
    for request in each_odd_header(target.world.example(route)):
        target.ask(request)


@cases(sqlite=list(DISTINCT.values()), postgres=NO_FORMS)
def test_any_request_spoiled(target: Target, route: Route) -> None:
    for number in range(EXAMPLES or (4 if route in UI_ROUTES else 12)):
        choose = Random() if EXAMPLES else Random(f"{number} {route.method} {route.path}")
        target.ask(spoiled(choose, target.world.example(route)))
