"""Our own API, below /api/v1/: promotions, what they rest on, where models run, and what MLflow's API lacks."""

from trackback.server.api import (
    accounts,
    approvals,
    audit,
    builds,
    deployments,
    files,
    house,
    lineage,
    openapi,
    policies,
    promotions,
    runs,
    verdicts,
    webhooks,
)
from trackback.server.routing import Route

_CALLS: list[Route] = [
    *accounts.ROUTES,
    *approvals.ROUTES,
    *audit.ROUTES,
    *builds.ROUTES,
    *deployments.ROUTES,
    *files.ROUTES,
    *house.ROUTES,
    *lineage.ROUTES,
    *policies.ROUTES,
    *promotions.ROUTES,
    *runs.ROUTES,
    *verdicts.ROUTES,
    *webhooks.ROUTES,
]

ROUTES = [*_CALLS, *openapi.describing(_CALLS)]
