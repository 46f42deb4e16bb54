"""Search across everything: the page, and what the search box suggests while somebody types."""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor
from trackback.entities.findings import Findings, Found, FoundKind
from trackback.server.ui.frame.forms import see_other
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services
from trackback.services.finder import PER_KIND_MOST

PATH = "/search"
SUGGESTED = 4
"""Of each kind, below the search box."""

_PATHS = {
    FoundKind.EXPERIMENT: "/experiments/{}",
    FoundKind.RUN: "/runs/{}",
    FoundKind.REGISTERED_MODEL: "/registry/{}",
    FoundKind.LOGGED_MODEL: "/models/{}",
    FoundKind.PROMOTION: "/promotions/{}",
}
_TITLES = {
    FoundKind.EXPERIMENT: "Experiments",
    FoundKind.RUN: "Runs",
    FoundKind.REGISTERED_MODEL: "Models",
    FoundKind.VERSION: "Versions",
    FoundKind.LOGGED_MODEL: "Logged models",
    FoundKind.PROMOTION: "Promotions",
    FoundKind.DEPLOYMENT: "Deployments",
    FoundKind.COMMIT: "Commits",
    FoundKind.DATASET: "Data sets",
}


@page
async def show_search(services: Services, actor: Actor, request: Request) -> Response:
    """What is known by the text; the page itself of the one thing whose whole id, digest or URL it is."""
    text = request.query_params.get("q", "").strip()
    found = await services.finder.find(actor, text, PER_KIND_MOST)
    if found.exact:
        return see_other(url_of(found.exact))
    return await render("search.html", text=text, found=found, titles=_TITLES, url_of=url_of)


@page
async def show_suggestions(services: Services, actor: Actor, request: Request) -> Response:
    """A part of a page: options of a listbox."""
    text = request.query_params.get("q", "").strip()
    found = await services.finder.find(actor, text, SUGGESTED) if len(text) > 1 else Findings(text)
    return await render("suggestions.html", text=text, found=found, titles=_TITLES, url_of=url_of)


def url_of(found: Found) -> str:
    """The page of what was found; of what has none of its own, its trace."""
    if found.kind is FoundKind.VERSION:
        name, _, number = found.id.rpartition("/")
        return f"/registry/{quote(name, safe='')}/{quote(number, safe='')}"
    if path := _PATHS.get(found.kind):
        return path.format(quote(found.id, safe=""))
    return f"/trace?{urlencode({'of': found.id})}"


ROUTES = [
    shows(PATH, show_search),
    shows(f"{PATH}/suggestions", show_suggestions),
]
