"""The web pages, rendered here; what a page shows is in its URL, so that it can be kept, sent and gone back to."""

from trackback.entities import Permission
from trackback.server.raw import Raw
from trackback.server.routing import Route
from trackback.server.ui import (
    account_actions,
    account_pages,
    assets,
    audit_pages,
    comparison_pages,
    deployment_pages,
    gallery,
    login_pages,
    model_pages,
    pages,
    promotion_actions,
    promotion_pages,
    registry_pages,
    run_actions,
    run_pages,
    search_pages,
    series_data,
    settings_pages,
    trace_pages,
    version_pages,
    webhook_actions,
    webhook_pages,
)

ROUTES = [
    *pages.ROUTES,
    *run_pages.ROUTES,
    *run_actions.ROUTES,
    *model_pages.ROUTES,
    *series_data.ROUTES,
    *promotion_actions.ROUTES,
    *registry_pages.ROUTES,
    *version_pages.ROUTES,
    *promotion_pages.ROUTES,
    *comparison_pages.ROUTES,
    *deployment_pages.ROUTES,
    *search_pages.ROUTES,
    *trace_pages.ROUTES,
    *audit_pages.ROUTES,
    *webhook_pages.ROUTES,
    *webhook_actions.ROUTES,
    *account_pages.ROUTES,
    *account_actions.ROUTES,
    *settings_pages.ROUTES,
    *login_pages.ROUTES,
    *gallery.ROUTES,
    Route("GET", "/static/{release}/{name:path}", Permission.NOTHING, Raw(assets.serve)),
]
