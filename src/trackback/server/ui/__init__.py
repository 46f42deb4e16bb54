"""The web pages, rendered here; what a page shows is in its URL, so that it can be kept, sent and gone back to."""

from trackback.entities import Permission
from trackback.server.raw import Raw
from trackback.server.routing import Route
from trackback.server.ui import assets, pages, promotion_pages, registry_pages

ROUTES = [
    Route("GET", "/", Permission.READ, Raw(pages.show_experiments)),
    Route("GET", "/experiments/{experiment_id}", Permission.READ, Raw(pages.show_runs)),
    Route("GET", "/runs/{run_id}", Permission.READ, Raw(pages.show_run)),
    Route("GET", "/models/{model_id}", Permission.READ, Raw(pages.show_model)),
    Route("GET", "/registry", Permission.READ, Raw(registry_pages.show_models)),
    Route("GET", "/registry/{name}", Permission.READ, Raw(registry_pages.show_model)),
    Route("GET", "/registry/{name}/{version}", Permission.READ, Raw(registry_pages.show_version)),
    Route("GET", "/promotions", Permission.READ, Raw(promotion_pages.show_promotions)),
    Route("GET", "/promotions/{seq}", Permission.READ, Raw(promotion_pages.show_promotion)),
    Route("GET", "/static/{name}", Permission.NOTHING, Raw(assets.serve)),
]
