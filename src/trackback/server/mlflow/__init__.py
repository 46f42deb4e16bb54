"""MLflow's protocol: ``endpoints`` is how it is declared, ``protojson`` how it is written; the rest are its parts."""

from trackback.server.mlflow import (
    artifacts,
    experiments,
    inputs,
    logged_models,
    metrics,
    model_versions,
    registered_models,
    runs,
    webhooks,
)
from trackback.server.routing import Route

ROUTES: list[Route] = [
    *experiments.ROUTES,
    *runs.ROUTES,
    *metrics.ROUTES,
    *inputs.ROUTES,
    *logged_models.ROUTES,
    *registered_models.ROUTES,
    *model_versions.ROUTES,
    *webhooks.ROUTES,
    *artifacts.ROUTES,
]
