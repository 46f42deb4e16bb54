"""The web pages, rendered here; what a page shows is in its URL, so that it can be kept, sent and gone back to.

A folder for each part of the site; what all parts are made with is in ``frame``.
"""

from trackback.entities import Permission
from trackback.server.raw import Raw
from trackback.server.routing import Route
from trackback.server.ui import (
    administration,
    charts,
    comparison,
    delivery,
    experiments,
    gallery,
    models,
    runs,
    search_pages,
    trace,
)
from trackback.server.ui.frame import assets

ROUTES = [
    *experiments.ROUTES,
    *runs.ROUTES,
    *charts.ROUTES,
    *delivery.ROUTES,
    *models.ROUTES,
    *comparison.ROUTES,
    *search_pages.ROUTES,
    *trace.ROUTES,
    *administration.ROUTES,
    *gallery.ROUTES,
    Route("GET", "/static/{release}/{name:path}", Permission.NOTHING, Raw(assets.serve)),
]
