"""Logged models: how they begin, are finished, described, deleted and found."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from trackback import limits
from trackback.entities import Actor, DatasetFilter, LifecycleStage, LoggedModel, LoggedModelStatus, Permission
from trackback.errors import BadRequest, InvalidParameter, NotFound
from trackback.limits import shown
from trackback.search import LOGGED_MODELS, parse_filter, parse_order_field
from trackback.search.order import MAX_ORDERS
from trackback.services import access, pages
from trackback.services.clock import Clock, now_ms
from trackback.services.experiments import writable_experiment
from trackback.services.random_names import random_name
from trackback.storage import Storage, Transaction, logged_model_search, logged_models, names
from trackback.storage.logged_model_search import LoggedModelOrder, LoggedModelQuery
from trackback.storage.logged_models import LoggedModelRecord


class ModelOrder(NamedTuple):
    """A criterion of a search's order, as a client gives it; a metric may be that of one data set."""

    field_name: str
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


def readable_model(tx: Transaction, actor: Actor, model_id: str, *, allow_deleted: bool = False) -> LoggedModelRecord:
    """The model; to clients a deleted one is not there, nor is one to who may not read it."""
    return _readable(logged_models.find(tx, model_id), actor, model_id, allow_deleted)


def writable_model(tx: Transaction, actor: Actor, model_id: str, *, allow_deleted: bool = False) -> LoggedModelRecord:
    return _writable(logged_models.find(tx, model_id), actor, model_id, allow_deleted)


def writable_models(tx: Transaction, actor: Actor, model_ids: Iterable[str]) -> dict[str, LoggedModelRecord]:
    """The models by their ids, found by one statement; NotFound names the first of the ids that is none."""
    ids = sorted(set(model_ids))
    found = {record.uuid: record for record in logged_models.find_many(tx, ids)}
    return {model_id: _writable(found.get(model_id), actor, model_id, allow_deleted=False) for model_id in ids}


def _readable(record: LoggedModelRecord | None, actor: Actor, model_id: str, allow_deleted: bool) -> LoggedModelRecord:
    if (
        record is None
        or not (allow_deleted or record.lifecycle == LifecycleStage.ACTIVE)
        or not access.may_read(actor, experiment=record.experiment)
    ):
        raise NotFound(f"Logged model with ID '{model_id}' not found.")
    return record


def _writable(record: LoggedModelRecord | None, actor: Actor, model_id: str, allow_deleted: bool) -> LoggedModelRecord:
    record = _readable(record, actor, model_id, allow_deleted)
    access.require(actor, Permission.WRITE, experiment=record.experiment)
    return record


class LoggedModels:
    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def create(
        self,
        actor: Actor,
        experiment_id: str,
        *,
        name: str = "",
        model_type: str = "",
        source_run_id: str = "",
        params: Sequence[tuple[str, str]] = (),
        tags: Sequence[tuple[str, str]] = (),
    ) -> LoggedModel:
        """A new model, PENDING until it is finalized; without a name it gets a random one.

        Raises NotFound for an unknown experiment, InvalidParameter for a deleted one or bad values, BadRequest for a
        param's key given twice.
        """
        experiment = limits.check_experiment_id(experiment_id)
        name = limits.check_logged_model_name(name) or random_name()
        limits.check_length(model_type, "model_type", limits.MODEL_TYPE_LENGTH)
        limits.check_length(source_run_id, "source_run_id", limits.ID_LENGTH)
        checked_params, checked_tags = _checked_params(params), _checked_tags(tags)
        model_id = f"m-{uuid.uuid4().hex}"
        now = self._clock()

        def operation(tx: Transaction) -> LoggedModel:
            parent = writable_experiment(tx, actor, experiment)
            uri = parent.artifact_uri(f"models/{model_id}")
            names.enter(tx, checked_params, checked_tags)
            record = logged_models.add(tx, model_id, experiment, name, model_type, source_run_id, uri, now)
            if checked_params:
                logged_models.add_params(tx, record.id, checked_params)
            if checked_tags:
                logged_models.set_tags(tx, record.id, checked_tags)
            return logged_models.load(tx, [record])[0]

        return await self._storage.write(operation)

    async def get(self, actor: Actor, model_id: str, *, allow_deleted: bool = False) -> LoggedModel:
        """The model with all its params, tags and points."""
        limits.check_text(model_id, "model_id")
        return await self._storage.look_up(
            lambda tx: logged_models.load(tx, [readable_model(tx, actor, model_id, allow_deleted=allow_deleted)])[0]
        )

    async def finalize(self, actor: Actor, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        """Set the status; from any to any, as in MLflow."""
        limits.check_text(model_id, "model_id")
        now = self._clock()

        def operation(tx: Transaction) -> LoggedModel:
            logged_models.set_status(tx, writable_model(tx, actor, model_id).id, status, now)
            return logged_models.load(tx, [readable_model(tx, actor, model_id)])[0]

        return await self._storage.write(operation)

    async def delete(self, actor: Actor, model_id: str) -> None:
        """Mark the model deleted; again changes nothing."""
        limits.check_text(model_id, "model_id")
        now = self._clock()

        def operation(tx: Transaction) -> None:
            logged_models.delete(tx, writable_model(tx, actor, model_id, allow_deleted=True).id, now)

        await self._storage.write(operation)

    async def add_params(self, actor: Actor, model_id: str, params: Sequence[tuple[str, str]]) -> None:
        """Add params; BadRequest, and none is added, where the model has one of the keys or a key comes twice."""
        limits.check_text(model_id, "model_id")
        checked = _checked_params(params)

        def operation(tx: Transaction) -> None:
            record = writable_model(tx, actor, model_id)
            if not checked:
                return
            if known := logged_models.param_keys(tx, record.id, list(checked)):
                raise BadRequest(
                    f"The logged model '{model_id}' has a param {shown(known[0])} already, and params can't be "
                    "changed. Leave it out, or log another model."
                )
            logged_models.add_params(tx, record.id, checked)

        await self._storage.write(operation)

    async def set_tags(self, actor: Actor, model_id: str, tags: Sequence[tuple[str, str]]) -> None:
        """Set tags; of a key that comes twice the last value stays."""
        limits.check_text(model_id, "model_id")
        checked = _checked_tags(tags)

        def operation(tx: Transaction) -> None:
            record = writable_model(tx, actor, model_id)
            if checked:
                logged_models.set_tags(tx, record.id, checked)

        await self._storage.write(operation)

    async def delete_tag(self, actor: Actor, model_id: str, key: str) -> None:
        limits.check_text(model_id, "model_id")
        limits.check_text(key, "tag_key")

        def operation(tx: Transaction) -> None:
            if not logged_models.delete_tag(tx, writable_model(tx, actor, model_id).id, key):
                raise NotFound(f"No tag with key {shown(key)} found for model with ID '{model_id}'.")

        await self._storage.write(operation)

    async def search(
        self,
        actor: Actor,
        experiment_ids: Sequence[str],
        *,
        filter_text: str = "",
        datasets: Sequence[DatasetFilter] = (),
        order_by: Sequence[ModelOrder] = (),
        max_results: int = limits.LOGGED_MODELS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[LoggedModel]:
        """A page of the models of some experiments that a filter matches, in order.

        Raises InvalidParameter for a filter, order or size that is not valid, and for the token of another search.
        """
        limits.check_max_results(max_results, limits.LOGGED_MODELS_PER_PAGE)
        limits.check_count(len(experiment_ids), "experiment_ids", limits.SEARCH_EXPERIMENTS)
        limits.check_count(len(datasets), "datasets", limits.SEARCH_DATASETS)
        asked = _asked(experiment_ids, filter_text, datasets, order_by)
        offset = pages.decode(page_token, asked)
        query = LoggedModelQuery(
            experiments=access.among_readable(
                actor, (limits.check_experiment_id(each, "experiment_ids") for each in experiment_ids)
            ),
            condition=parse_filter(filter_text, LOGGED_MODELS),
            datasets=[_checked_filter(dataset, f"datasets[{i}]") for i, dataset in enumerate(datasets)],
            order=_parsed_order(order_by),
            limit=max_results + 1,
            offset=offset,
        )

        def operation(tx: Transaction) -> pages.Page[LoggedModel]:
            found = logged_model_search.search(tx, query)
            models = logged_models.load(tx, found[:max_results])
            return pages.cut(models, len(found) > max_results, offset, asked)

        return await self._storage.read(operation)


def _checked_params(params: Sequence[tuple[str, str]]) -> dict[str, str]:
    checked = _checked_pairs(params, "params")
    if len(checked) < len(params):
        twice, _ = Counter(key for key, _ in params).most_common(1)[0]
        raise BadRequest(f"The param {shown(twice)} comes twice in the request. Give each key once.")
    return checked


def _checked_tags(tags: Sequence[tuple[str, str]]) -> dict[str, str]:
    return _checked_pairs(tags, "tags")


def _checked_pairs(pairs: Sequence[tuple[str, str]], what: str) -> dict[str, str]:
    return {
        limits.check_logged_model_key(key, f"{what}[{i}].key"): limits.check_length(
            value, f"{what}[{i}].value", limits.LOGGED_MODEL_VALUE_LENGTH
        )
        for i, (key, value) in enumerate(pairs)
    }


def _checked_filter(dataset: DatasetFilter, what: str) -> DatasetFilter:
    if not dataset.name:
        raise InvalidParameter(f"`dataset_name` in the `datasets` clause must be specified: {what} has none.")
    return _checked_dataset(dataset, what)


def _checked_dataset(dataset: DatasetFilter, what: str) -> DatasetFilter:
    limits.check_text(dataset.name, f"{what}.dataset_name")
    limits.check_text(dataset.digest, f"{what}.dataset_digest")
    return dataset


def _parsed_order(order_by: Sequence[ModelOrder]) -> list[LoggedModelOrder]:
    limits.check_count(len(order_by), "order_by", MAX_ORDERS)
    return [
        LoggedModelOrder(
            field=parse_order_field(order.field_name, LOGGED_MODELS),
            descending=not order.ascending,
            dataset=_checked_dataset(DatasetFilter(order.dataset_name, order.dataset_digest), f"order_by[{i}]"),
        )
        for i, order in enumerate(order_by)
    ]


def _asked(
    experiment_ids: Sequence[str],
    filter_text: str,
    datasets: Sequence[DatasetFilter],
    order_by: Sequence[ModelOrder],
) -> Mapping[str, Any]:
    """What a page token is bound to."""
    return {
        "experiment_ids": list(experiment_ids),
        "filter_string": filter_text or None,
        "datasets": [list(dataset) for dataset in datasets] or None,
        "order_by": [list(order) for order in order_by] or None,
    }
