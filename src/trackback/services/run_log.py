"""What is logged to a run: points, params and tags, one or a batch of them, all or nothing."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trackback import limits
from trackback.entities import Actor, Points
from trackback.errors import InvalidParameter, NotFound
from trackback.services.logged_models import writable_models
from trackback.services.promotion_tags import NO_PROMOTION_TAGS, PromotionTags
from trackback.services.runs import RUN_NAME_TAG, Place, checked_tags, in_list, writable_run
from trackback.services.sealing import Sealer
from trackback.storage import Storage, Transaction, logged_models, metrics, names, provenance, runs
from trackback.storage.logged_models import ModelPoint
from trackback.storage.runs import RunRecord

LOGGED_MODELS_TAG = "mlflow.log-model.history"
BRIEF_ITEMS = 100
"""How many items are written briefly enough for the event loop to wait."""
NO_POINTS = Points((), (), (), ())


class ModelOfPoint(NamedTuple):
    """The point at ``place`` of a batch belongs to a logged model too, and perhaps to a data set."""

    place: int
    model_id: str
    dataset_name: str
    dataset_digest: str


class RunLog:
    """``truncate``: values longer than their limit are cut, as MLflow does by default, and not refused.

    ``promotion_tags`` are those that promote a run; by default none do.
    """

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        promotion_tags: PromotionTags = NO_PROMOTION_TAGS,
        *,
        truncate: bool = True,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._promotion_tags = promotion_tags
        self._truncate = truncate

    async def log(
        self,
        actor: Actor,
        run_id: str,
        *,
        points: Points = NO_POINTS,
        params: Sequence[tuple[str, str]] = (),
        tags: Sequence[tuple[str, str]] = (),
        models: Sequence[ModelOfPoint] = (),
        single: bool = False,
    ) -> None:
        """Log a batch, all of it or nothing. What is there already, with the same value, is left as it is.

        ``single``: the request was for one item, so errors name its fields without a place in a list.
        Raises NotFound for an unknown run, InvalidParameter for a deleted one, for a param that has another value, and
        for values or numbers of items beyond their limits.
        """
        limits.check_run_id(run_id)
        _check_sizes(points, params, tags)
        place = _alone if single else in_list
        points = _checked_points(points, place)
        _check_models(models, place)
        params_kept = self._checked_params(params, place)
        tags_kept = checked_tags(tags, truncate=self._truncate, place=place)
        name = tags_kept.get(RUN_NAME_TAG)

        def operation(tx: Transaction) -> int:
            run = writable_run(tx, actor, run_id)
            if params_kept or tags_kept:
                names.enter(tx, params_kept, points.keys, tags_kept)
            if params_kept:
                _add_params(tx, run, params_kept)
            if points.keys:
                metrics.append(tx, run, points)
            if models:
                logged_models.add_metrics(tx, _model_points(tx, actor, run, points, models))
            if name:
                runs.update(tx, run.id, None, None, name)
            if tags_kept:
                with self._promotion_tags.followed(tx, actor, run, tags_kept):
                    runs.set_tags(tx, run, tags_kept)
            provenance.follow_tags(tx, run.id, tags_kept)
            return run.id

        items = len(points.keys) + len(params_kept) + len(tags_kept)
        brief = items <= BRIEF_ITEMS and not self._promotion_tags.may_follow(tags_kept)
        run = await self._storage.write(operation, brief=brief)
        if points.keys:
            self._sealer.count(run, len(points.keys))

    async def log_points(self, actor: Actor, run_id: str, points: Points) -> None:
        """Log more points at once than a batch may hold, all of them or none. Errors: as for ``log``."""
        limits.check_run_id(run_id)
        limits.check_count(len(points.keys), "points", limits.POINTS_PER_PACK)
        points = _checked_points(points, in_list)

        def operation(tx: Transaction) -> int:
            run = writable_run(tx, actor, run_id)
            if points.keys:
                metrics.append(tx, run, points)
            return run.id

        run = await self._storage.write(operation)
        self._sealer.count(run, len(points.keys))

    def _checked_params(self, params: Sequence[tuple[str, str]], place: Place) -> dict[str, str]:
        checked = {
            limits.check_key(key, place("params", i, "key")): limits.check_param_value(
                value, place("params", i, "value"), truncate=self._truncate
            )
            for i, (key, value) in enumerate(params)
        }
        if len(checked) < len(params):
            keys = [key for key, _ in params]
            twice = sorted({key for key in keys if keys.count(key) > 1})
            raise InvalidParameter(f"Duplicate parameter keys have been submitted: {twice}. Give each once a batch.")
        return checked

    async def delete_tag(self, actor: Actor, run_id: str, key: str) -> None:
        limits.check_text(key, "key")

        def operation(tx: Transaction) -> None:
            run = writable_run(tx, actor, run_id)
            with self._promotion_tags.followed(tx, actor, run, (key,)):
                if not runs.delete_tag(tx, run.id, key):
                    raise NotFound(f"No tag with name: {key} in run with id {run_id}")
            provenance.forget_tag(tx, run.id, key)

        await self._storage.write(operation)

    async def log_model(self, actor: Actor, run_id: str, model_json: str) -> None:
        """Append a model's MLmodel, as JSON, to the history that clients before 3.0 keep in a tag."""
        model = _parsed_model(model_json)

        def operation(tx: Transaction) -> None:
            run = writable_run(tx, actor, run_id)
            runs.hold(tx, run.id)
            history = _parsed_history(runs.find_tag(tx, run.id, LOGGED_MODELS_TAG) or "[]")
            runs.set_tags(tx, run, {LOGGED_MODELS_TAG: json.dumps([*history, model])})

        await self._storage.write(operation)


def _check_sizes(points: Points, params: Sequence[Any], tags: Sequence[Any]) -> None:
    limits.check_count(len(points.keys), "metrics", limits.METRICS_PER_BATCH)
    limits.check_count(len(params), "params", limits.PARAMS_PER_BATCH)
    limits.check_count(len(tags), "tags", limits.TAGS_PER_BATCH)
    limits.check_count(len(points.keys) + len(params) + len(tags), "metrics, params, and tags", limits.ITEMS_PER_BATCH)


def _alone(items: str, index: int, field: str) -> str:
    """How an error names a field of a request for one item: ``key``."""
    return field


def _checked_points(points: Points, place: Place) -> Points:
    """``points`` with infinities clamped; InvalidParameter for a bad key, timestamp or step.

    A batch is looked through as a whole first, which is quick; only a bad one is gone through for the place.
    """
    if not points.keys:
        return points
    if not all(map(limits.is_key, set(points.keys))):
        for i, key in enumerate(points.keys):
            limits.check_key(key, place("metrics", i, "key"))
    if min(points.timestamps_ms) < 0 or max(points.timestamps_ms) > limits.INT64_MAX:
        for i, timestamp in enumerate(points.timestamps_ms):
            limits.check_timestamp(timestamp, place("metrics", i, "timestamp"))
    if min(points.steps) < limits.INT64_MIN or max(points.steps) > limits.INT64_MAX:
        for i, step in enumerate(points.steps):
            limits.check_int64(step, place("metrics", i, "step"))
    if any(map(math.isinf, points.values)):
        return points._replace(values=[limits.clamp_infinity(value) for value in points.values])
    return points


def _check_models(models: Sequence[ModelOfPoint], place: Place) -> None:
    for each in models:
        limits.check_length(each.model_id, place("metrics", each.place, "model_id"), limits.ID_LENGTH)
        limits.check_length(each.dataset_name, place("metrics", each.place, "dataset_name"), limits.DATASET_NAME_LENGTH)
        limits.check_length(
            each.dataset_digest, place("metrics", each.place, "dataset_digest"), limits.DATASET_DIGEST_LENGTH
        )


def _add_params(tx: Transaction, run: RunRecord, params: Mapping[str, str]) -> None:
    if refused := runs.add_params(tx, run, params):
        key, (kept, new) = next(iter(sorted(refused.items())))
        raise InvalidParameter(
            f"Changing param values is not allowed. Param with key='{key}' was already logged with value="
            f"{limits.shown(kept)} for run ID='{run.uuid}'. Attempted logging new value {limits.shown(new)}."
            " Log it under another key, or start a new run."
        )


def _model_points(
    tx: Transaction, actor: Actor, run: RunRecord, points: Points, models: Sequence[ModelOfPoint]
) -> list[ModelPoint]:
    found = writable_models(tx, actor, (each.model_id for each in models))
    keys = tx.name_ids([points.keys[each.place] for each in models])
    rows = []
    for key, each in zip(keys, models, strict=True):
        value = points.values[each.place]
        is_nan = math.isnan(value)
        rows.append(
            ModelPoint(
                model=found[each.model_id].id,
                key=key,
                step=points.steps[each.place],
                timestamp_ms=points.timestamps_ms[each.place],
                value=0.0 if is_nan else value,
                is_nan=int(is_nan),
                run=run.uuid,
                dataset_name=each.dataset_name,
                dataset_digest=each.dataset_digest,
            )
        )
    return rows


def _parsed_model(text: str) -> dict[str, Any]:
    try:
        model = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidParameter(f"Malformed model info. It is no JSON: {limits.shown(text)}.") from None
    needed = ("artifact_path", "flavors", "utc_time_created", "run_id")
    if not isinstance(model, dict) or (missing := [name for name in needed if name not in model]):
        raise InvalidParameter(
            f"Model json is missing mandatory fields: {missing if isinstance(model, dict) else needed}"
        )
    return model


def _parsed_history(text: str) -> list[Any]:
    """What the tag holds, which clients may set to anything."""
    try:
        history = json.loads(text)
    except (ValueError, RecursionError):
        history = None
    if not isinstance(history, list):
        raise InvalidParameter(
            f"The run's tag {LOGGED_MODELS_TAG} is no list of models, so none can be added: {limits.shown(text)}. "
            "Delete the tag first."
        )
    return history
