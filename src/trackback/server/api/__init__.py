"""Our own API, below /api/v1/: accounts, promotions, what they rest on, and where models run."""

from trackback.server.api import accounts, audit
from trackback.server.routing import Route

ROUTES: list[Route] = [
    *accounts.ROUTES,
    *audit.ROUTES,
]
