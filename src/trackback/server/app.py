"""The composition root: opens what a server keeps, builds the services, and puts the application together."""

import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from trackback.artifacts import BlobStore, open_blobs
from trackback.errors import ConfigurationError
from trackback.server.api import ROUTES as API_ROUTES
from trackback.server.authorization import Admit, Authorization, admit_anybody
from trackback.server.configuration import shown_settings
from trackback.server.dispatch import Dispatcher
from trackback.server.gocd import gocd_routes
from trackback.server.guard import make_guard
from trackback.server.logs import logs_requests
from trackback.server.mlflow import ROUTES as MLFLOW_ROUTES, outside
from trackback.server.observation import Observer, RequestStatistics
from trackback.server.probes import probe_routes
from trackback.server.routing import BodyLimits, Router, Target
from trackback.server.settings import Settings
from trackback.server.ui import ROUTES as UI_ROUTES
from trackback.server.ui.frame.refusals import Refusals
from trackback.services import Services
from trackback.services.accounts import Accounts
from trackback.services.approvals import Approvals
from trackback.services.artifact_trees import ArtifactTrees
from trackback.services.artifacts import Artifacts
from trackback.services.attempts import Attempts
from trackback.services.audit import AuditLog
from trackback.services.builds import Builds
from trackback.services.charts import Charts
from trackback.services.collection import Collection
from trackback.services.comparisons import Comparisons
from trackback.services.configuration import Configuration
from trackback.services.deliverer import Deliverer
from trackback.services.deliveries import Deliveries
from trackback.services.deployments import Deployments
from trackback.services.experiment_tables import ExperimentTables
from trackback.services.experiments import Experiments
from trackback.services.finder import Finder
from trackback.services.gocd import Files, GoCD, Materials, Publications, Stages
from trackback.services.heartbeats import Heartbeats
from trackback.services.identities import Identities
from trackback.services.impact import Impacts
from trackback.services.inputs import Inputs
from trackback.services.lineage_index import LineageIndex
from trackback.services.logged_models import LoggedModels
from trackback.services.metrics import Metrics
from trackback.services.model_versions import ModelVersions
from trackback.services.passwords import Passwords
from trackback.services.policies import Policies
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_marks import PromotionMarks
from trackback.services.promotion_rules import Environments
from trackback.services.promotion_tags import PromotionTags
from trackback.services.promotion_watch import PromotionWatch
from trackback.services.promotions import Promotions
from trackback.services.prospects import Prospects
from trackback.services.provenance import ProvenanceIndex
from trackback.services.purges import Purges
from trackback.services.registered_models import RegisteredModels
from trackback.services.run_completion import RunCompletion
from trackback.services.run_exports import RunExports
from trackback.services.run_groups import RunGroups
from trackback.services.run_log import RunLog
from trackback.services.run_pairs import RunPairs
from trackback.services.run_tables import RunTables
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.services.sessions import Sessions
from trackback.services.signatures import Signatures
from trackback.services.snapshots import Snapshots
from trackback.services.traces import Traces
from trackback.services.verdicts import Verdicts
from trackback.services.version_differences import VersionDifferences
from trackback.services.webhook_addresses import WebhookAddresses
from trackback.services.webhook_history import WebhookHistory
from trackback.services.webhook_sender import WebhookSender
from trackback.services.webhooks import Webhooks
from trackback.storage import Storage, open_storage


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[Dispatcher]:
    """The application over an open database and store; both are closed at the end.

    Raises ConfigurationError if one can't be opened.
    """
    async with AsyncExitStack() as stack:
        storage = open_storage(settings.backend_store_uri, settings.read_timeout_s or math.inf)
        stack.push_async_callback(storage.close)
        blobs = open_blobs(settings.artifacts_destination)
        stack.push_async_callback(blobs.close)
        sealer = Sealer(storage)
        stack.push_async_callback(sealer.close)
        passwords = Passwords()
        stack.callback(passwords.close)
        sender = WebhookSender(WebhookAddresses(settings.webhook_allowed_networks))
        deliverer = Deliverer(storage, sender, history_days=settings.webhook_history_days)
        stack.push_async_callback(deliverer.close)
        identities, attempts = Identities(storage, passwords), Attempts()
        services = build_services(storage, blobs, sealer, passwords, sender, settings, identities, attempts)
        stack.push_async_callback(services.impacts.close)
        stack.push_async_callback(services.heartbeats.close)
        await services.experiments.ensure_default()
        admit: Admit = admit_anybody
        if settings.auth:
            authorization = await open_authorization(services.accounts, identities, attempts)
            stack.push_async_callback(authorization.close)
            admit = authorization.admit
        services.impacts.start()
        services.heartbeats.start()
        deliverer.start()
        yield build_app(services, storage, blobs, admit, settings)


async def open_authorization(accounts: Accounts, identities: Identities, attempts: Attempts) -> Authorization:
    """Raises ConfigurationError if nobody could ever sign in."""
    if not await accounts.has_admin():
        raise ConfigurationError(
            "There is no admin yet, so nobody could sign in. Make one first: "
            "trackback user add NAME --admin --backend-store-uri URI"
        )
    return Authorization(identities, accounts, attempts=attempts)


def build_services(
    storage: Storage,
    blobs: BlobStore,
    sealer: Sealer,
    passwords: Passwords,
    sender: WebhookSender,
    settings: Settings,
    identities: Identities | None = None,
    attempts: Attempts | None = None,
) -> Services:
    """``identities`` and ``attempts`` are those of who is admitted, so that a password is not tried twice as often."""
    truncate = not settings.refuse_long_values
    snapshots = Snapshots(blobs, settings.default_artifact_root)
    environments = Environments(settings.environments, settings.promotion_rules)
    gate = PromotionGate(environments, accounts=settings.auth)
    marks = PromotionMarks(gate)
    promotion_tags = PromotionTags(gate)
    signatures = Signatures(storage, blobs, gate.retry)
    provenance = ProvenanceIndex(storage, blobs)
    lineage = LineageIndex(storage, provenance, signatures)
    experiments = Experiments(storage, settings.default_artifact_root)
    runs = Runs(storage, promotion_tags=promotion_tags, truncate=truncate)
    artifacts = Artifacts(
        storage, blobs, settings.default_artifact_root, arrived=[signatures.arrived, provenance.arrived]
    )
    models = RegisteredModels(storage, marks)
    versions = ModelVersions(storage, snapshots, marks, created=[lineage.start])
    builds = Builds(storage)
    accounts = Accounts(storage, passwords, retry=gate.retry)
    return Services(
        experiments=experiments,
        experiment_tables=ExperimentTables(storage),
        runs=runs,
        run_log=RunLog(storage, sealer, promotion_tags, truncate=truncate),
        run_tables=RunTables(storage),
        run_groups=RunGroups(storage),
        run_exports=RunExports(storage),
        run_completion=RunCompletion(storage),
        heartbeats=Heartbeats(storage, promotion_tags=promotion_tags),
        metrics=Metrics(storage, sealer),
        comparisons=Comparisons(storage),
        configuration=Configuration(gate.environments, shown_settings(settings)),
        finder=Finder(storage),
        run_pairs=RunPairs(provenance, artifacts),
        charts=Charts(storage, sealer),
        inputs=Inputs(storage),
        logged_models=LoggedModels(storage),
        artifact_trees=ArtifactTrees(storage),
        artifacts=artifacts,
        registered_models=models,
        model_versions=versions,
        version_differences=VersionDifferences(storage),
        promotions=Promotions(storage, snapshots, gate, PromotionWatch(storage)),
        prospects=Prospects(storage, gate),
        policies=Policies(storage, gate.environments, gate.retry),
        verdicts=Verdicts(storage, gate.retry_digest),
        approvals=Approvals(storage, gate.environments, gate.retry),
        accounts=accounts,
        sessions=Sessions(
            storage,
            identities or Identities(storage, passwords),
            accounts,
            attempts or Attempts(),
            enabled=settings.auth,
        ),
        webhooks=Webhooks(storage, sender, gate.environments),
        webhook_history=WebhookHistory(storage),
        audit=AuditLog(storage),
        collection=Collection(storage, blobs, lineage),
        purges=Purges(storage),
        builds=builds,
        deployments=Deployments(storage, gate.environments),
        deliveries=Deliveries(storage),
        provenance=provenance,
        traces=Traces(storage),
        impacts=Impacts(storage, lineage),
        gocd=GoCD(
            materials=Materials(storage, gate.environments),
            files=Files(storage, artifacts),
            publications=Publications(storage, experiments, runs, artifacts, models, versions),
            stages=Stages(storage, builds),
        ),
    )


def build_app(services: Services, storage: Storage, blobs: BlobStore, admit: Admit, settings: Settings) -> Dispatcher:
    statistics = RequestStatistics()
    pings = {"database": storage.ping, "artifact store": blobs.ping}
    probes = probe_routes(pings, statistics, lambda: storage.waiting)
    routes = [*probes, *MLFLOW_ROUTES, *API_ROUTES, *gocd_routes(settings.gocd_jar), *UI_ROUTES]
    limits = BodyLimits(json=settings.max_json_bytes, artifact=settings.max_artifact_bytes or None)
    return Dispatcher(
        router=Router((Target(route, route.endpoint.bind(services, limits)) for route in routes), outside.explain),
        guard=make_guard(settings.host, settings.allowed_hosts),
        admit=admit,
        refuse_page=Refusals(has_accounts=settings.auth).answer,
        observe=Observer(statistics, log_requests=logs_requests(settings)),
        stop_waiting=services.promotions.stop_waiting,
    )
