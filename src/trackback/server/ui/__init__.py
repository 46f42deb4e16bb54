"""The web pages, rendered here; what a page shows is in its URL, so that it can be kept, sent and gone back to."""

from trackback.entities import Permission
from trackback.server.raw import Raw
from trackback.server.routing import Route
from trackback.server.ui import (
    assets,
    deployment_pages,
    experiment_actions,
    experiment_pages,
    gallery,
    login_pages,
    model_pages,
    promotion_actions,
    promotion_pages,
    registry_actions,
    registry_pages,
    run_actions,
    run_pages,
    series_data,
    trace_pages,
    version_pages,
)

ROUTES = [
    *experiment_pages.ROUTES,
    *experiment_actions.ROUTES,
    *run_pages.ROUTES,
    *run_actions.ROUTES,
    *model_pages.ROUTES,
    *series_data.ROUTES,
    *promotion_actions.ROUTES,
    *registry_actions.ROUTES,
    *registry_pages.ROUTES,
    *version_pages.ROUTES,
    *promotion_pages.ROUTES,
    *deployment_pages.ROUTES,
    *trace_pages.ROUTES,
    *login_pages.ROUTES,
    *gallery.ROUTES,
    Route("GET", "/static/{release}/{name:path}", Permission.NOTHING, Raw(assets.serve)),
]
