"""Our own API, below /api/v1/: promotions, what they rest on, and where models run."""

from trackback.server.api import accounts, approvals, audit, policies, promotions, verdicts
from trackback.server.routing import Route

ROUTES: list[Route] = [
    *accounts.ROUTES,
    *audit.ROUTES,
    *promotions.ROUTES,
    *policies.ROUTES,
    *verdicts.ROUTES,
    *approvals.ROUTES,
]
