"""Settings: what the server is configured with, and the policies of models and experiments with their revisions."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission, Policy
from trackback.entities.streams import ALL_MODELS
from trackback.server.ui.frame.listing import Listing
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services, access
from trackback.services.promotion_rules import STAGES

PATH = "/settings"
POLICIES = f"{PATH}/policies"
ROWS = 50


@page
async def show_settings(services: Services, actor: Actor, request: Request) -> Response:
    """Environments and policies for everybody who may read anything; how the server runs for admins."""
    configuration = services.configuration
    listing = Listing.of(request)
    found = await services.policies.search(actor, max_results=listing.rows, page_token=listing.page_token)
    return await render(
        "administration/settings.html",
        environments=[(name, STAGES.get(name)) for name in configuration.environments],
        rules=configuration.rules,
        listing=listing,
        found=found,
        called=called,
        history_of=history_of,
        settings=configuration.settings(actor) if access.may(actor, Permission.ADMIN) else (),
    )


@page
async def show_policy(services: Services, actor: Actor, request: Request) -> Response:
    """The revisions of one policy, the newest first."""
    query = request.query_params
    stream, environment = query.get("stream", ""), query.get("environment", "")
    found = await services.policies.history(
        actor, stream, environment, max_results=ROWS, page_token=query.get("page_token", "")
    )
    return await render(
        "administration/policy.html",
        stream=stream,
        environment=environment,
        found=found,
        older=urlencode({"stream": stream, "environment": environment, "page_token": found.next_page_token or ""}),
    )


def called(policy: Policy) -> str:
    """What the policy is for, as commands name it."""
    return f"models:/{policy.name}" if policy.name else policy.stream


def history_of(policy: Policy) -> str:
    stream = policy.stream if policy.stream == ALL_MODELS or not policy.name else f"models:/{policy.name}"
    return f"{POLICIES}?{urlencode({'stream': stream, 'environment': policy.environment})}"


ROUTES = [
    shows(PATH, show_settings),
    shows(POLICIES, show_policy),
]
