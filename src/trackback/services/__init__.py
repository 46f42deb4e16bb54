"""The rules of trackback, each written once. The composition root builds the services; endpoints are handed them."""

from dataclasses import dataclass

from trackback.services.accounts import Accounts
from trackback.services.approvals import Approvals
from trackback.services.artifact_trees import ArtifactTrees
from trackback.services.artifacts import Artifacts
from trackback.services.audit import AuditLog
from trackback.services.builds import Builds
from trackback.services.charts import Charts
from trackback.services.collection import Collection
from trackback.services.comparisons import Comparisons
from trackback.services.configuration import Configuration
from trackback.services.deliveries import Deliveries
from trackback.services.deployments import Deployments
from trackback.services.experiment_tables import ExperimentTables
from trackback.services.experiments import Experiments
from trackback.services.finder import Finder
from trackback.services.gocd import GoCD
from trackback.services.heartbeats import Heartbeats
from trackback.services.impact import Impacts
from trackback.services.inputs import Inputs
from trackback.services.logged_models import LoggedModels
from trackback.services.metrics import Metrics
from trackback.services.model_versions import ModelVersions
from trackback.services.policies import Policies
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
from trackback.services.sessions import Sessions
from trackback.services.traces import Traces
from trackback.services.verdicts import Verdicts
from trackback.services.version_differences import VersionDifferences
from trackback.services.webhook_history import WebhookHistory
from trackback.services.webhooks import Webhooks


@dataclass(frozen=True)
class Services:
    """All services of one server."""

    experiments: Experiments
    experiment_tables: ExperimentTables
    runs: Runs
    run_log: RunLog
    run_tables: RunTables
    run_groups: RunGroups
    run_exports: RunExports
    run_completion: RunCompletion
    heartbeats: Heartbeats
    metrics: Metrics
    comparisons: Comparisons
    configuration: Configuration
    finder: Finder
    run_pairs: RunPairs
    charts: Charts
    inputs: Inputs
    logged_models: LoggedModels
    artifacts: Artifacts
    artifact_trees: ArtifactTrees
    registered_models: RegisteredModels
    model_versions: ModelVersions
    version_differences: VersionDifferences
    promotions: Promotions
    prospects: Prospects
    policies: Policies
    verdicts: Verdicts
    approvals: Approvals
    accounts: Accounts
    sessions: Sessions
    webhooks: Webhooks
    webhook_history: WebhookHistory
    audit: AuditLog
    collection: Collection
    purges: Purges
    builds: Builds
    deployments: Deployments
    deliveries: Deliveries
    provenance: ProvenanceIndex
    traces: Traces
    impacts: Impacts
    gocd: GoCD
