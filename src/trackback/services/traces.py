"""Traces: from anything that is known of a model's way into production back to the run that made it, and forth."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor, Build, Deployment, ModelVersion, Promotion, Trace, TracedRun
from trackback.errors import InvalidParameter
from trackback.services import access, streams, trace_targets
from trackback.services.trace_candidates import TOLD, Target
from trackback.services.trace_runs import RunTeller
from trackback.storage import (
    Storage,
    Transaction,
    builds,
    deployments,
    logged_models,
    model_versions,
    promotion_log,
    promotions,
    traces,
)
from trackback.storage.traces import TracedRunRow, TracedVersionRow


class _Delivered(NamedTuple):
    """What was built, promoted and deployed."""

    deployments: Sequence[Deployment]
    builds: Sequence[Build]
    promotions: Sequence[Promotion]

    @property
    def truncated(self) -> bool:
        return any(len(each) >= TOLD for each in self)


class Traces:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, actor: Actor, x: str) -> Trace:
        """The chain that ``x`` is part of; ``trace_targets`` says what it may be.

        Raises NotFound if it names nothing here, InvalidParameter if it is no text that could.
        """
        wanted = x.strip()
        if not wanted:
            raise InvalidParameter("Missing value for required parameter 'x'. Say what is to be traced.")
        limits.check_length(wanted, "x", limits.TRACED_LENGTH)
        return await self._storage.read(lambda tx: _trace(tx, actor, wanted))


def _trace(tx: Transaction, actor: Actor, x: str) -> Trace:
    target = trace_targets.find(tx, actor, x)
    version, run = _subject(tx, actor, target)
    delivered = _all_delivered(tx, actor, target, version, run) if target.whole else _loaded(tx, target)
    whole, deleted = _version(tx, version)
    return Trace(
        x=x,
        kind=target.kind,
        deployments=tuple(delivered.deployments),
        builds=tuple(delivered.builds),
        promotions=tuple(delivered.promotions),
        version=whole,
        deleted=deleted,
        run=_run(tx, actor, version, run),
        candidates=tuple(target.candidates),
        truncated=target.truncated or delivered.truncated,
    )


def _subject(tx: Transaction, actor: Actor, target: Target) -> tuple[TracedVersionRow | None, TracedRunRow | None]:
    """The version and the run of a target, which may be known by its promotions only."""
    version, run = target.version, target.run
    if version is None and run is None:
        for number in target.promotions:
            entry = promotions.find(tx, number)
            if entry and entry.model_version is not None:
                version = traces.version(tx, entry.model_version)
            elif entry and entry.run is not None:
                run = traces.run_by_row(tx, entry.run)
    if version and not access.may_read(actor, model=version.model):
        version = None
    return version, run


def _loaded(tx: Transaction, target: Target) -> _Delivered:
    return _Delivered(
        deployments.load(tx, target.deployments),
        builds.load(tx, target.builds),
        promotion_log.load(tx, target.promotions),
    )


def _all_delivered(
    tx: Transaction, actor: Actor, target: Target, version: TracedVersionRow | None, run: TracedRunRow | None
) -> _Delivered:
    """Everything of a version, or else of a run that was promoted itself."""
    if version:
        numbers = traces.promotions_of_version(tx, version.id, TOLD)
        found = deployments.of_versions(tx, [version.id], [version.digest] if version.digest else [], TOLD)
        live = sorted(streams.among_readable(actor, (each for _, each in found)), key=lambda each: each.id)
    elif run and not target.candidates:
        numbers = traces.promotions_of_run(tx, run.id, TOLD)
        live = deployments.load(tx, traces.deployments_of_promotions(tx, numbers, TOLD))
    else:
        return _Delivered((), (), ())
    return _Delivered(live, builds.of_promotions(tx, numbers, TOLD), promotion_log.load(tx, numbers))


def _version(tx: Transaction, version: TracedVersionRow | None) -> tuple[ModelVersion | None, bool]:
    record = model_versions.find_by_id(tx, version.id) if version else None
    if version is None or record is None:
        return None, False
    return model_versions.load_whole(tx, record), version.deleted


def _run(tx: Transaction, actor: Actor, version: TracedVersionRow | None, run: TracedRunRow | None) -> TracedRun | None:
    run_id = run.run_id if run else version.run_id if version else ""
    if not run_id and version and (model := logged_models.find(tx, version.logged_model)):
        run_id = model.source_run or ""
    return RunTeller(tx, actor).tell(run_id, version.id if version else None) if run_id else None
