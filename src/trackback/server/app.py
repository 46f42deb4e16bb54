"""The composition root: opens what a server keeps, builds the services, and puts the application together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from trackback.artifacts import BlobStore, open_blobs
from trackback.server.authorization import allow_everything, identify_by_address
from trackback.server.dispatch import Dispatcher
from trackback.server.guard import make_guard
from trackback.server.logs import logs_requests
from trackback.server.mlflow import ROUTES as MLFLOW_ROUTES
from trackback.server.mlflow import outside
from trackback.server.observation import Observer, RequestStatistics
from trackback.server.probes import probe_routes
from trackback.server.routing import BodyLimits, Router, Target
from trackback.server.settings import Settings
from trackback.server.ui import ROUTES as UI_ROUTES
from trackback.services import Services
from trackback.services.artifacts import Artifacts
from trackback.services.experiments import Experiments
from trackback.services.inputs import Inputs
from trackback.services.logged_models import LoggedModels
from trackback.services.metrics import Metrics
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage, open_storage


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[Dispatcher]:
    """The application over an open database and store; both are closed at the end.

    Raises ConfigurationError if one can't be opened.
    """
    async with AsyncExitStack() as stack:
        storage = open_storage(settings.backend_store_uri)
        stack.push_async_callback(storage.close)
        blobs = open_blobs(settings.artifacts_destination)
        stack.push_async_callback(blobs.close)
        sealer = Sealer(storage)
        stack.push_async_callback(sealer.close)
        services = build_services(storage, blobs, sealer, settings)
        await services.experiments.ensure_default()
        sealer.start()
        yield build_app(services, storage, blobs, settings)


def build_services(storage: Storage, blobs: BlobStore, sealer: Sealer, settings: Settings) -> Services:
    truncate = not settings.refuse_long_values
    return Services(
        experiments=Experiments(storage, settings.default_artifact_root),
        runs=Runs(storage, truncate=truncate),
        run_log=RunLog(storage, sealer, truncate=truncate),
        metrics=Metrics(storage),
        inputs=Inputs(storage),
        logged_models=LoggedModels(storage),
        artifacts=Artifacts(storage, blobs, settings.default_artifact_root),
    )


def build_app(services: Services, storage: Storage, blobs: BlobStore, settings: Settings) -> Dispatcher:
    statistics = RequestStatistics()
    pings = {"database": storage.ping, "artifact store": blobs.ping}
    routes = [*probe_routes(pings, statistics, lambda: storage.waiting), *MLFLOW_ROUTES, *UI_ROUTES]
    limits = BodyLimits(json=settings.max_json_bytes, artifact=settings.max_artifact_bytes or None)
    return Dispatcher(
        router=Router((Target(route, route.endpoint.bind(services, limits)) for route in routes), outside.explain),
        guard=make_guard(settings.host, settings.allowed_hosts),
        identify=identify_by_address,
        authorize=allow_everything,
        observe=Observer(statistics, log_requests=logs_requests(settings)),
    )
