"""Where a run, or a logged model, has got to: the versions made of it, their promotions, and what is deployed."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import Actor, Deployment, Promotion
from trackback.entities.streams import model_stream
from trackback.services import access, streams
from trackback.services.logged_models import readable_model
from trackback.services.runs import readable_run
from trackback.storage import Storage, Transaction, deployments, promotion_log, promotions, traces
from trackback.storage.traces import TracedVersionRow

VERSIONS = 50
PROMOTIONS = 50
DEPLOYMENTS = 50


class MadeVersion(NamedTuple):
    """A version, and the environments that it holds now."""

    name: str
    version: str
    digest: str | None
    environments: list[str]


class Delivered(NamedTuple):
    """The newest of each, so many as are told at once; ``truncated``: there may be more."""

    versions: list[MadeVersion]
    promotions: list[Promotion]
    deployments: list[Deployment]

    @property
    def truncated(self) -> bool:
        return len(self.versions) >= VERSIONS or len(self.promotions) >= PROMOTIONS

    @property
    def live(self) -> list[Deployment]:
        return [each for each in self.deployments if each.ended is None]

    @property
    def environments(self) -> list[str]:
        """Those that something of it holds by promotion, or is live in."""
        held = [name for version in self.versions for name in version.environments]
        return sorted({*held, *(each.environment for each in self.live)})


class Deliveries:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def of_run(self, actor: Actor, run_id: str) -> Delivered:
        """Raises NotFound for a run that is not there. What of it the actor may not read is not told."""

        def operation(tx: Transaction) -> Delivered:
            run = readable_run(tx, actor, run_id)
            versions = traces.versions_of_run(tx, run_id, VERSIONS)
            return _delivered(tx, actor, versions, traces.promotions_of_run(tx, run.id, PROMOTIONS))

        return await self._storage.read(operation)

    async def of_model(self, actor: Actor, model_id: str) -> Delivered:
        """As ``of_run``, of a logged model: the versions that were registered from it."""

        def operation(tx: Transaction) -> Delivered:
            readable_model(tx, actor, model_id)
            return _delivered(tx, actor, traces.versions_of_logged_model(tx, model_id, VERSIONS), [])

        return await self._storage.read(operation)


def _delivered(tx: Transaction, actor: Actor, versions: Sequence[TracedVersionRow], of_run: Sequence[int]) -> Delivered:
    readable = [each for each in versions if access.may_read(actor, model=each.model)]
    numbers = {*of_run, *(seq for each in readable for seq in traces.promotions_of_version(tx, each.id, PROMOTIONS))}
    newest = sorted(numbers, reverse=True)[:PROMOTIONS]
    digests = sorted({each.digest for each in readable if each.digest})
    found = deployments.of_versions(tx, [each.id for each in readable], digests, DEPLOYMENTS)
    live = streams.among_readable(actor, (each for _, each in found))
    promoted = deployments.load(tx, traces.deployments_of_promotions(tx, list(of_run), DEPLOYMENTS))
    known = {each.id: each for each in (*live, *streams.among_readable(actor, promoted))}
    return Delivered(
        [_made(tx, each) for each in readable],
        sorted(promotion_log.load(tx, newest), key=lambda each: -each.seq),
        sorted(known.values(), key=lambda each: -each.started),
    )


def _made(tx: Transaction, row: TracedVersionRow) -> MadeVersion:
    environments = promotions.environments_of(tx, model_stream(row.model), row.id)
    return MadeVersion(row.name, str(row.version), row.digest, environments)
