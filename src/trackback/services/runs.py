"""Runs: how they begin, change, end, are deleted, restored and found."""

import uuid
from collections.abc import Callable, Sequence
from itertools import starmap

from trackback import limits
from trackback.entities import (
    Actor,
    LifecycleStage,
    Permission,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunStatus,
    Tag,
    ViewType,
)
from trackback.errors import AlreadyExists, InvalidParameter, NotFound
from trackback.search import RUNS, parse_filter, parse_order_by
from trackback.services import access, pages
from trackback.services.clock import Clock, now_ms
from trackback.services.experiments import writable_experiment
from trackback.services.lost_runs import LostRuns
from trackback.services.promotion_tags import NO_PROMOTION_TAGS, PromotionTags
from trackback.services.random_names import random_name
from trackback.storage import Storage, Transaction, provenance, run_search, runs
from trackback.storage.runs import RunRecord

RUN_NAME_TAG = "mlflow.runName"

Place = Callable[[str, int, str], str]


def readable_run(tx: Transaction, actor: Actor, run_id: str) -> RunRecord:
    """The run, deleted or not; to who may not read it, it is not there."""
    record = runs.find(tx, limits.check_text(run_id, "run_id"))
    if record is None or not access.may_read(actor, experiment=record.experiment):
        raise NotFound(f"Run with id={run_id} not found")
    return record


def writable_run(tx: Transaction, actor: Actor, run_id: str) -> RunRecord:
    """The run, which must not be deleted: nothing is written to a deleted one."""
    record = readable_run(tx, actor, run_id)
    access.require(actor, Permission.WRITE, experiment=record.experiment)
    if record.lifecycle != LifecycleStage.ACTIVE:
        raise InvalidParameter(
            f"The run {run_id} must be in the 'active' state. Current state is {record.lifecycle}. Restore it first."
        )
    return record


def in_list(items: str, index: int, field: str) -> str:
    """How an error names a field of a batch: ``metrics[3].key``."""
    return f"{items}[{index}].{field}"


def checked_tags(tags: Sequence[tuple[str, str]], *, truncate: bool, place: Place = in_list) -> dict[str, str]:
    """The tags of a run, one of which may be its name; of a key that comes twice the last value stays."""
    checked = {}
    for i, (key, value) in enumerate(tags):
        limits.check_key(key, place("tags", i, "key"))
        if key == RUN_NAME_TAG:
            limits.check_length(value, place("tags", i, "value"), limits.RUN_NAME_LENGTH)
        checked[key] = limits.check_tag_value(value, place("tags", i, "value"), truncate=truncate)
    return checked


def _begun_before(tx: Transaction, actor: Actor, experiment: int, run_id: str) -> Run | None:
    """The run of an id that its client chose, if the actor began it there before.

    Raises AlreadyExists, in the same words whatever the run is, if the id is another's. So it is if a version came from
    a run elsewhere that has it: what is logged here must not pass for what is known of that.
    """
    record = runs.find(tx, run_id)
    if record is not None and record.experiment == experiment and runs.creator(tx, record.id) == actor.user:
        return runs.load(tx, [record])[0]
    if record is not None or runs.is_named(tx, run_id):
        raise AlreadyExists(f"The run ID {run_id} is taken, by a run of somebody else or elsewhere. Choose another.")
    return None


def _checked_name(name: str) -> str:
    return limits.check_length(name, "run_name", limits.RUN_NAME_LENGTH)


class Runs:
    """``truncate`` and ``promotion_tags``: as for ``RunLog``."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock = now_ms,
        promotion_tags: PromotionTags = NO_PROMOTION_TAGS,
        *,
        truncate: bool = True,
    ) -> None:
        self._storage = storage
        self._promotion_tags = promotion_tags
        self._lost_runs = LostRuns(promotion_tags)
        self._clock = clock
        self._truncate = truncate

    async def create(
        self,
        actor: Actor,
        experiment_id: str,
        *,
        user_id: str = "",
        run_name: str = "",
        start_time_ms: int | None = None,
        tags: Sequence[tuple[str, str]] = (),
        run_id: str | None = None,
    ) -> Run:
        """A new run, RUNNING. Its name is ``run_name``, else the tag ``mlflow.runName``, else a random one.

        ``run_id``: the id that it is to have. If the actor has begun a run with it in the experiment before, the answer
        is that run as it is now.
        Raises NotFound for an unknown experiment, InvalidParameter for a deleted one or bad values, AlreadyExists for
        an id that is another's.
        """
        experiment = limits.check_experiment_id(experiment_id)
        limits.check_length(user_id, "user_id", limits.USER_ID_LENGTH)
        start_ms = self._clock() if start_time_ms is None else limits.check_timestamp(start_time_ms, "start_time")
        checked = checked_tags(tags, truncate=self._truncate)
        name = self._name(run_name, checked.get(RUN_NAME_TAG, ""))
        checked[RUN_NAME_TAG] = name
        new_id = uuid.uuid4().hex if run_id is None else limits.check_new_run_id(run_id)

        def operation(tx: Transaction) -> Run:
            parent = writable_experiment(tx, actor, experiment)
            if run_id is not None and (begun := _begun_before(tx, actor, experiment, run_id)):
                return begun
            uri = parent.artifact_uri(new_id)
            record = runs.add(tx, new_id, experiment, name, user_id, start_ms, uri, creator=actor.user)
            with self._promotion_tags.followed(tx, actor, record, checked):
                runs.set_tags(tx, record, checked)
            provenance.follow_tags(tx, record.id, checked)
            return Run(record.info, RunData(tags=tuple(starmap(Tag, checked.items()))), RunInputs())

        return await self._storage.write(operation, brief=not self._promotion_tags.may_follow(checked))

    def _name(self, run_name: str, tagged: str) -> str:
        if run_name and tagged and run_name != tagged:
            raise InvalidParameter(
                f"Both 'run_name' argument and '{RUN_NAME_TAG}' tag are specified, but with different values "
                f"(run_name={limits.shown(run_name)}, {RUN_NAME_TAG}={limits.shown(tagged)}). Give one."
            )
        return _checked_name(run_name or tagged or random_name())

    async def get(self, actor: Actor, run_id: str) -> Run:
        """The run, deleted or not, with the last point of each metric."""
        return await self._storage.look_up(lambda tx: runs.load(tx, [readable_run(tx, actor, run_id)])[0])

    async def update(
        self,
        actor: Actor,
        run_id: str,
        *,
        status: RunStatus | None = None,
        end_time_ms: int | None = None,
        run_name: str = "",
    ) -> RunInfo:
        """Change what is given. A run's name is kept in the tag ``mlflow.runName`` too."""
        if end_time_ms is not None:
            limits.check_timestamp(end_time_ms, "end_time")
        name = _checked_name(run_name) if run_name else None

        def operation(tx: Transaction) -> RunInfo:
            record = writable_run(tx, actor, run_id)
            if status:
                self._lost_runs.heed(tx, actor, record, status)
            runs.update(tx, record.id, status, end_time_ms, name)
            if name:
                runs.set_tags(tx, record, {RUN_NAME_TAG: name})
            updated = readable_run(tx, actor, run_id)
            if status is RunStatus.FINISHED:
                self._promotion_tags.finished(tx, updated)
            return updated.info

        return await self._storage.write(operation)

    async def delete(self, actor: Actor, run_id: str) -> None:
        await self._set_lifecycle(actor, run_id, LifecycleStage.DELETED, self._clock())

    async def restore(self, actor: Actor, run_id: str) -> None:
        await self._set_lifecycle(actor, run_id, LifecycleStage.ACTIVE, None)

    async def _set_lifecycle(self, actor: Actor, run_id: str, stage: LifecycleStage, deleted_ms: int | None) -> None:
        """Nothing changes, the time of deletion neither, where the run is in that stage already."""

        def operation(tx: Transaction) -> None:
            record = readable_run(tx, actor, run_id)
            access.require(actor, Permission.WRITE, experiment=record.experiment)
            if record.lifecycle != stage:
                runs.set_lifecycle(tx, record.id, stage, deleted_ms)

        await self._storage.write(operation)

    async def search(
        self,
        actor: Actor,
        experiment_ids: Sequence[str],
        *,
        filter_text: str = "",
        order_by: Sequence[str] = (),
        view_type: ViewType = ViewType.ACTIVE_ONLY,
        max_results: int = limits.RUNS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Run]:
        """A page of the runs of some experiments that a filter matches, in order.

        Raises InvalidParameter for a filter, order, token or size that is not valid.
        """
        limits.check_max_results(max_results, limits.RUNS_PER_PAGE)
        limits.check_count(len(experiment_ids), "experiment_ids", limits.SEARCH_EXPERIMENTS)
        offset = pages.decode(page_token)
        query = run_search.RunQuery(
            experiments=access.among_readable(
                actor, (limits.check_experiment_id(each, "experiment_ids") for each in experiment_ids)
            ),
            view=view_type,
            condition=parse_filter(filter_text, RUNS),
            order=parse_order_by(order_by, RUNS),
            limit=max_results + 1,
            offset=offset,
        )

        def operation(tx: Transaction) -> pages.Page[Run]:
            found = run_search.search(tx, query)
            return pages.cut(runs.load(tx, found[:max_results]), len(found) > max_results, offset)

        return await self._storage.read(operation)
