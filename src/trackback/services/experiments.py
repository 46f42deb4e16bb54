"""Experiments: how they begin, are named, tagged, deleted, restored and found."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from trackback import limits
from trackback.entities import Actor, Experiment, LifecycleStage, Permission, ViewType
from trackback.errors import AlreadyExists, BadRequest, InvalidParameter, InvalidState, NotFound
from trackback.limits import shown
from trackback.search import EXPERIMENTS, parse_filter, parse_order_by
from trackback.services import access, pages
from trackback.services.clock import Clock, now_ms
from trackback.storage import Storage, Transaction, experiments, runs
from trackback.storage.experiments import ExperimentRecord

DEFAULT_ID = 0
DEFAULT_NAME = "Default"
CUSTOM_VIEW_TAGS = "mlflow.customView.view"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def readable_experiment(tx: Transaction, actor: Actor, experiment: int) -> ExperimentRecord:
    """The experiment; to who may not read it, it is not there."""
    record = experiments.find(tx, experiment)
    if record is None or not access.may_read(actor, experiment=experiment):
        raise _unknown(experiment)
    return record


def writable_experiment(tx: Transaction, actor: Actor, experiment: int) -> ExperimentRecord:
    """The experiment, which must not be deleted and is not until this write ends: a deleted one takes nothing new."""
    record = experiments.hold(tx, experiment)
    if record is None or not access.may_read(actor, experiment=experiment):
        raise _unknown(experiment)
    access.require(actor, Permission.WRITE, experiment=experiment)
    if record.lifecycle != LifecycleStage.ACTIVE:
        raise InvalidParameter(
            f"The experiment {experiment} must be in the 'active' state. "
            f"Current state is {record.lifecycle}. Restore it first."
        )
    return record


def _unknown(experiment: int) -> NotFound:
    return NotFound(f"No Experiment with id={experiment} exists")


class Experiments:
    """``artifact_root``: the URI under which the artifacts of experiments lie that name no location of their own."""

    def __init__(self, storage: Storage, artifact_root: str, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._artifact_root = artifact_root
        self._clock = clock

    async def ensure_default(self) -> None:
        """See that there is an experiment 0; it is named Default to begin with. Servers may do this all at once."""
        now = self._clock()
        location = self._default_location(DEFAULT_ID)
        await self._storage.write(
            lambda tx: experiments.add_numbered(tx, DEFAULT_ID, DEFAULT_NAME, location, now),
        )

    async def create(
        self, actor: Actor, name: str, *, artifact_location: str = "", tags: Sequence[tuple[str, str]] = ()
    ) -> str:
        """The id of a new experiment. A location without a scheme is a path on the server's machine.

        Raises AlreadyExists if an experiment has the name, deleted or not; InvalidParameter for bad values.
        """
        access.require(actor, Permission.WRITE)
        limits.check_experiment_name(name)
        location = resolved_location(limits.check_artifact_location(artifact_location)) if artifact_location else ""
        checked = _checked_tags(tags)
        now = self._clock()

        def operation(tx: Transaction) -> str:
            number = experiments.add(tx, name, now)
            if number is None:
                raise self._taken(tx, name)
            experiments.set_artifact_location(tx, number, location or self._default_location(number))
            if checked:
                _set_tags(tx, number, checked)
            return str(number)

        return await self._storage.write(operation)

    def _default_location(self, experiment: int) -> str:
        return f"{self._artifact_root.rstrip('/')}/{experiment}"

    def _taken(self, tx: Transaction, name: str) -> AlreadyExists:
        record = experiments.find_by_name(tx, name)
        if record is not None and record.lifecycle == LifecycleStage.DELETED:
            return AlreadyExists(
                f"Experiment(name={name}) already exists. It is deleted: restore the experiment {record.id}, "
                "or choose another name."
            )
        return AlreadyExists(f"Experiment(name={name}) already exists.")

    async def get(self, actor: Actor, experiment_id: str) -> Experiment:
        """The experiment, deleted or not."""
        experiment = limits.check_experiment_id(experiment_id)
        return await self._storage.look_up(
            lambda tx: experiments.load(tx, [readable_experiment(tx, actor, experiment)])[0]
        )

    async def get_by_name(self, actor: Actor, name: str) -> Experiment:
        """The experiment, deleted or not."""
        limits.check_text(name, "experiment_name")

        def operation(tx: Transaction) -> Experiment:
            record = experiments.find_by_name(tx, name)
            if record is None or not access.may_read(actor, experiment=record.id):
                raise NotFound(f"Could not find experiment with name '{name}'")
            return experiments.load(tx, [record])[0]

        return await self._storage.look_up(operation)

    async def search(
        self,
        actor: Actor,
        *,
        max_results: int,
        filter_text: str = "",
        order_by: Sequence[str] = (),
        view_type: ViewType = ViewType.ACTIVE_ONLY,
        page_token: str = "",
    ) -> pages.Page[Experiment]:
        """A page of the experiments that a filter matches, in order.

        Raises InvalidParameter for a filter, order, token or size that is not valid.
        """
        limits.check_max_results(max_results, limits.EXPERIMENTS_PER_PAGE)
        offset = pages.decode(page_token)
        query = experiments.ExperimentQuery(
            view=view_type,
            condition=parse_filter(filter_text, EXPERIMENTS),
            order=parse_order_by(order_by, EXPERIMENTS),
            limit=max_results + 1,
            offset=offset,
            readable=access.readable_experiments(actor),
        )

        def operation(tx: Transaction) -> pages.Page[Experiment]:
            found = experiments.search(tx, query)
            return pages.cut(experiments.load(tx, found[:max_results]), len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def rename(self, actor: Actor, experiment_id: str, new_name: str) -> None:
        """Raises BadRequest if another experiment has the name, InvalidState if this one is deleted."""
        experiment = limits.check_experiment_id(experiment_id)
        limits.check_experiment_name(new_name)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            record = readable_experiment(tx, actor, experiment)
            access.require(actor, Permission.WRITE)  # everywhere, as names are everybody's
            if record.lifecycle != LifecycleStage.ACTIVE:
                raise InvalidState(f"Cannot rename a non-active experiment. Restore the experiment {experiment} first.")
            other = experiments.find_by_name(tx, new_name)
            if other is not None and other.id != experiment:
                raise BadRequest(
                    f"Experiment(name={new_name}) already exists: it is the {other.lifecycle} experiment {other.id}. "
                    "Choose another name."
                )
            experiments.rename(tx, experiment, new_name, now)

        await self._storage.write(operation)

    async def delete(self, actor: Actor, experiment_id: str) -> None:
        """Delete an active experiment and all its runs; both can be restored. Raises NotFound if none is active."""
        now = self._clock()
        await self._set_lifecycle(actor, experiment_id, LifecycleStage.DELETED, now, deleted_ms=now)

    async def restore(self, actor: Actor, experiment_id: str) -> None:
        """Restore a deleted experiment and all its runs, also those that were deleted one by one before."""
        await self._set_lifecycle(actor, experiment_id, LifecycleStage.ACTIVE, self._clock(), deleted_ms=None)

    async def _set_lifecycle(
        self, actor: Actor, experiment_id: str, stage: LifecycleStage, updated_ms: int, deleted_ms: int | None
    ) -> None:
        experiment = limits.check_experiment_id(experiment_id)

        def operation(tx: Transaction) -> None:
            readable_experiment(tx, actor, experiment)
            access.require(actor, Permission.WRITE, experiment=experiment)
            if not experiments.set_lifecycle(tx, experiment, stage, updated_ms):
                raise NotFound(f"No Experiment with id={experiment} exists that is not {stage} already")
            runs.set_lifecycle_of_experiment(tx, experiment, stage, deleted_ms)

        await self._storage.write(operation)

    async def set_tag(self, actor: Actor, experiment_id: str, key: str, value: str) -> None:
        experiment = limits.check_experiment_id(experiment_id)
        limits.check_key(key, "key")
        limits.check_length(value, "value", limits.EXPERIMENT_TAG_VALUE_LENGTH)

        def operation(tx: Transaction) -> None:
            writable_experiment(tx, actor, experiment)
            _set_tags(tx, experiment, {key: value})

        await self._storage.write(operation)

    async def delete_tag(self, actor: Actor, experiment_id: str, key: str) -> None:
        experiment = limits.check_experiment_id(experiment_id)
        limits.check_text(key, "key")

        def operation(tx: Transaction) -> None:
            writable_experiment(tx, actor, experiment)
            if not experiments.delete_tag(tx, experiment, key):
                raise NotFound(f"No tag with name: {key} in experiment with id {experiment}")

        await self._storage.write(operation)


def _checked_tags(tags: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Of a key that comes twice the last value stays."""
    return {
        limits.check_key(key, f"tags[{i}].key"): limits.check_length(
            value, f"tags[{i}].value", limits.EXPERIMENT_TAG_VALUE_LENGTH
        )
        for i, (key, value) in enumerate(tags)
    }


def _set_tags(tx: Transaction, experiment: int, tags: Mapping[str, str]) -> None:
    """Set tags, of which MLflow's UI keeps its custom views in some: there may be so many of these and no more."""
    experiments.set_tags(tx, experiment, tags)
    if not any(key.startswith(CUSTOM_VIEW_TAGS) for key in tags):
        return
    if experiments.count_tags(tx, experiment, CUSTOM_VIEW_TAGS) > limits.CUSTOM_VIEWS_PER_EXPERIMENT:
        raise InvalidParameter(
            f"The maximum number of custom views per experiment is {limits.CUSTOM_VIEWS_PER_EXPERIMENT}. "
            f"Delete one of the tags {CUSTOM_VIEW_TAGS}… first."
        )


def resolved_location(location: str) -> str:
    """``location`` with a path on this machine made absolute, as MLflow's server does."""
    scheme = _SCHEME.match(location)
    if scheme is None:
        return str(Path(location).absolute())
    if scheme[1].lower() != "file":
        return location
    path = location.removeprefix(scheme[0])
    if path.startswith("//"):
        host, _, path = path.removeprefix("//").partition("/")
        if host not in ("", "localhost"):
            raise InvalidParameter(
                f"Invalid value {shown(location)} for parameter 'artifact_location' supplied: "
                "a file URI names a path on the server's machine. Leave out the host: file:///path."
            )
        path = f"/{path}"
    return f"file://{Path(path).absolute()}"
