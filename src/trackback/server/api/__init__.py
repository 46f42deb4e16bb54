"""Our own API, below /api/v1/: promotions, what they rest on, and where models run."""

from trackback.server.api import accounts, approvals, audit, house, policies, promotions, verdicts
from trackback.server.routing import Route

ROUTES: list[Route] = [
    *accounts.ROUTES,
    *approvals.ROUTES,
    *audit.ROUTES,
    *house.ROUTES,
    *policies.ROUTES,
    *promotions.ROUTES,
    *verdicts.ROUTES,
]
