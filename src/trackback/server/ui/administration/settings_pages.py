"""Settings: what the server is configured with, and the policies in force."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission
from trackback.entities.policy_documents import kept_policy, requirements
from trackback.server.ui.administration.policy_pages import called, policy_url
from trackback.server.ui.frame.listing import Listing
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services, access
from trackback.services.promotion_rules import STAGES

PATH = "/settings"


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
        policy_url=policy_url,
        asked_for=[requirements(kept_policy(policy.document)) for policy in found.items],
        settings=configuration.settings(actor) if access.may(actor, Permission.ADMIN) else (),
    )


ROUTES = [shows(PATH, show_settings)]
