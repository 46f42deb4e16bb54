"""The pages of deployments: what is live in each environment, now or at a time in the past, and each by itself."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Deployment
from trackback.errors import TrackbackError
from trackback.server.ui.frame.path_numbers import path_number
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services
from trackback.services.pages import Page
from trackback.services.times import parse_time_ms

LIVE = 50
CHANGES = 200
HISTORY = 20
NOW = "now"


class Asked(NamedTuple):
    """What the page's URL says. ``at_ms`` None is now; ``at`` is as it was written."""

    environment: str
    stream: str
    at: str
    at_ms: int | None

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Raises InvalidParameter for a time that is none."""
        query = request.query_params
        at = query.get("at", "").strip()
        at_ms = None if at in ("", NOW) else parse_time_ms(at, "at")
        return cls(query.get("environment", ""), query.get("model", "").strip(), "" if at_ms is None else at, at_ms)

    def url(self, **changes: str) -> str:
        state = {"environment": self.environment, "model": self.stream, "at": self.at, **changes}
        query = urlencode({name: value for name, value in state.items() if value})
        return f"/deployments?{query}" if query else "/deployments"

    @property
    def named_stream(self) -> str:
        """As the services take it: people write a model's name alone, too."""
        return self.stream if not self.stream or ":/" in self.stream else f"models:/{self.stream}"


class Changes(NamedTuple):
    """The times at which something changed, the last first; ``earlier`` and ``later`` are those around the one shown.

    ``place`` is the number of the time that is shown, or before it, counted from the first; as many as there are: now.
    """

    times: Sequence[int]
    place: int
    earlier: int | None
    later: int | None


@page
async def show_deployments(services: Services, actor: Actor, request: Request) -> Response:
    known, problem, status = services.prospects.environments, "", 200
    asked = Asked("", "", "", None)
    live: dict[str, Page[Deployment]] = {}
    changes, history = Changes((), 0, None, None), Page[Deployment](())
    try:
        asked = Asked.of(request)
        for environment in [asked.environment] if asked.environment else known:
            live[environment] = await _live(services, actor, asked, environment)
        changes = await _changes(services, actor, asked)
        history = await services.deployments.search(
            actor,
            environment=asked.environment,
            stream=asked.named_stream,
            max_results=HISTORY,
            page_token=request.query_params.get("page_token", ""),
        )
    except TrackbackError as error:
        problem, status = error.message, error.status
    return await render(
        "delivery/deployments.html",
        status,
        asked=asked,
        environments=known,
        live=live,
        changes=changes,
        history=history,
        problem=problem,
    )


@page
async def show_deployment(services: Services, actor: Actor, request: Request) -> Response:
    deployment = await services.deployments.get(actor, path_number(request, "id", "a deployment"))
    build = await services.builds.get(actor, deployment.build) if deployment.build is not None else None
    return await render("delivery/deployment.html", deployment=deployment, build=build)


async def _live(services: Services, actor: Actor, asked: Asked, environment: str) -> Page[Deployment]:
    return await services.deployments.search(
        actor,
        environment=environment,
        at_ms=asked.at_ms,
        live=asked.at_ms is None,
        stream=asked.named_stream,
        max_results=LIVE,
    )


async def _changes(services: Services, actor: Actor, asked: Asked) -> Changes:
    """The last ones; of a time further back, those around it."""
    stream = asked.named_stream
    times = await services.deployments.change_times(
        actor, environment=asked.environment, stream=stream, max_results=CHANGES
    )
    at = asked.at_ms
    if at is not None and len(times) == CHANGES and at < times[-1]:
        times = await services.deployments.change_times(
            actor, environment=asked.environment, stream=stream, before_ms=at + 1, max_results=CHANGES
        )
    if at is None:
        return Changes(times, len(times), times[0] if times else None, None)
    return Changes(
        times,
        len([time for time in times if time <= at]) - 1,
        next((time for time in times if time < at), None),
        next((time for time in reversed(times) if time > at), None),
    )


ROUTES = [
    shows("/deployments", show_deployments),
    shows("/deployments/{id}", show_deployment),
]
