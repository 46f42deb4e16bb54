"""MLflow's protocol: ``endpoints`` is how it is declared, ``protojson`` how it is written; the rest are its parts."""

from trackback.server.mlflow import metrics, runs
from trackback.server.routing import Route

ROUTES: list[Route] = [*runs.ROUTES, *metrics.ROUTES]
