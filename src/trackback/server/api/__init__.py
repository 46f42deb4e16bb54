"""Our own API, below /api/v1/: promotions, what they rest on, and where models run."""

from trackback.server.api import accounts, audit, promotions
from trackback.server.routing import Route

ROUTES: list[Route] = [
    *accounts.ROUTES,
    *audit.ROUTES,
    *promotions.ROUTES,
]
