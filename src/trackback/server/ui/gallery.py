"""The page that shows each component once, with examples of what it is for."""

import math

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action
from trackback.server.ui.frame.listing import Listing
from trackback.server.ui.frame.rendering import data, page, render
from trackback.server.ui.frame.routes import acts, shows
from trackback.services import Services
from trackback.services.clock import now_ms
from trackback.services.pages import Page

PATH = "/ui/components"
EXAMPLE_MS = 1_764_259_200_000


@page
async def show_components(services: Services, actor: Actor, request: Request) -> Response:
    listing = Listing(PATH, rows=3)
    return await render(
        "gallery.html",
        listing=listing,
        found=Page(("one", "two", "three"), "next"),
        now_ms=EXAMPLE_MS,
        heard_ms=now_ms() - 240_000,
    )


@page
async def show_example_points(services: Services, actor: Actor, request: Request) -> Response:
    """A series as the page of a run has it, to draw a chart of."""
    points = [[step, 0.7 * math.exp(-step / 30) + 0.02 * math.sin(step)] for step in range(100)]
    return data({"series": [{"name": "loss", "points": points}]})


@action
async def refuse_example(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """Always, so that the page shows how it looks."""
    raise InvalidParameter("This is how a refusal looks: it stands where the form is, and nothing typed is lost.")


ROUTES = [
    shows(PATH, show_components, Permission.NOTHING),
    shows(f"{PATH}/points", show_example_points, Permission.NOTHING),
    acts(f"{PATH}/refusal", refuse_example, Permission.NOTHING),
]
