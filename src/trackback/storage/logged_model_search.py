"""Searching logged models, of which an experiment has some thousands: one statement, walking an index of theirs."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import DatasetFilter, LifecycleStage
from trackback.search import Aggregate, Comparison, Field, Kind, Node, Operator
from trackback.storage.conditions import (
    Fragment,
    among,
    comparisons,
    compiled,
    joined,
    keyed,
    number,
    ordered,
    predicate,
    ranked,
)
from trackback.storage.interface import Transaction
from trackback.storage.logged_models import MODEL_COLUMNS, LoggedModelRecord

_ATTRIBUTES = {
    "model_id": "m.uuid",
    "name": "m.name",
    "model_type": "m.model_type",
    "source_run_id": "m.source_run",
    "experiment_id": "m.experiment",
    "status": "m.status",
    "status_message": "m.status_message",
    "artifact_uri": "m.artifact_uri",
    "creation_timestamp_ms": "m.created_ms",
    "last_updated_timestamp_ms": "m.updated_ms",
}
_NULLABLE = ("m.model_type", "m.source_run", "m.status_message")
_TIES = {"creation_timestamp_ms": "m.created_ms DESC", "model_id": "m.uuid"}
_TABLES = {Kind.PARAM: "logged_model_params", Kind.TAG: "logged_model_tags"}
_LATEST = "ORDER BY step DESC, timestamp_ms DESC, value DESC LIMIT 1"
_NULLS = (Operator.IS_NULL, Operator.IS_NOT_NULL)


class LoggedModelOrder(NamedTuple):
    field: Field
    descending: bool
    dataset: DatasetFilter


class LoggedModelQuery(NamedTuple):
    """With ``datasets``, filters of metrics look at the points of those alone; a model has to have some of them."""

    experiments: list[int]
    condition: Node | None
    datasets: list[DatasetFilter]
    order: list[LoggedModelOrder]
    limit: int
    offset: int


def search(tx: Transaction, query: LoggedModelQuery) -> list[LoggedModelRecord]:
    """The models of a query that are not deleted, in order: its orders, then the newest first, then the model id."""
    if not query.experiments:
        return []
    tx.trust_indexes()
    return _Search(tx, query).page()


class _Search:
    def __init__(self, tx: Transaction, query: LoggedModelQuery) -> None:
        self._tx = tx
        self._query = query
        terms = list(comparisons(query.condition))
        fields = [term.field for term in terms] + [order.field for order in query.order]
        self._keys = tx.known_name_ids([field.key for field in fields])
        self._datasets = _of_datasets(query.datasets)
        self._has_metric_terms = any(term.field.kind is Kind.METRIC for term in terms)

    def page(self) -> list[LoggedModelRecord]:
        where = joined((*self._scope(), compiled(self._query.condition, self._comparison)), "AND")
        order = ordered((*(self._ranked(each) for each in self._query.order), *self._ties()))
        rows = self._tx.rows(
            f"SELECT {MODEL_COLUMNS} FROM logged_models m WHERE {where.sql} ORDER BY {order.sql} LIMIT ? OFFSET ?",
            *where.values,
            *order.values,
            self._query.limit,
            self._query.offset,
        )
        return [LoggedModelRecord(*row) for row in rows]

    def _scope(self) -> list[Fragment]:
        scope = [
            among("m.experiment", self._query.experiments),
            Fragment("m.lifecycle = ?", (LifecycleStage.ACTIVE.value,)),
        ]
        if self._query.datasets and not self._has_metric_terms:
            any_point = f"(SELECT 1 FROM model_metrics WHERE model = m.id AND {self._datasets.sql} LIMIT 1) = 1"
            scope.append(Fragment(any_point, self._datasets.values))
        return scope

    def _comparison(self, term: Comparison) -> Fragment:
        field, operator, value = term.field, term.operator, term.value
        if field.kind is Kind.ATTRIBUTE:
            return predicate(_ATTRIBUTES[field.key], operator, value)
        if field.kind is not Kind.METRIC:
            return keyed(_TABLES[field.kind], "model = m.id", "value", self._key(field), operator, value)
        if operator in _NULLS:
            one = self._metric(field, "value", self._datasets)
            return Fragment(f"{one.sql} {operator}", one.values)
        if field.aggregate is not Aggregate.LAST:
            extreme = self._metric(field, "value", self._datasets)
            test = predicate(extreme.sql, operator, value)
            return Fragment(test.sql, (*extreme.values, *test.values))
        test = number("value", operator, value)
        latest = self._metric(field, test.sql, self._datasets)
        return Fragment(latest.sql, (*test.values, *latest.values))

    def _ranked(self, order: LoggedModelOrder) -> Fragment:
        """The terms of ORDER BY that put values first, then NaN, then what is missing."""
        if order.field.kind is Kind.ATTRIBUTE:
            column = _ATTRIBUTES[order.field.key]
            return ranked(column, descending=order.descending, nullable=column in _NULLABLE)
        datasets = _of_dataset(order.dataset)
        value = self._metric(order.field, "value", datasets)
        if order.field.aggregate is Aggregate.LAST:
            nan = self._metric(order.field, "is_nan", datasets)
        else:
            found = self._metric(Field(Kind.METRIC, order.field.key), "1", datasets)
            nan = Fragment(f"CASE WHEN {value.sql} IS NULL THEN {found.sql} ELSE 0 END", (*value.values, *found.values))
        direction = " DESC" if order.descending else ""
        return Fragment(f"COALESCE({nan.sql}, 2), {value.sql}{direction}", (*nan.values, *value.values))

    def _ties(self) -> list[Fragment]:
        ordered_by = {order.field.key for order in self._query.order if order.field.kind is Kind.ATTRIBUTE}
        return [Fragment(sql) for key, sql in _TIES.items() if key not in ordered_by]

    def _metric(self, field: Field, expression: str, datasets: Fragment) -> Fragment:
        """``expression`` of a metric's last point; or the least or greatest value, which NaN has no part in."""
        rows = f"FROM model_metrics WHERE model = m.id AND key = ? AND {datasets.sql}"
        values = (self._key(field), *datasets.values)
        if field.aggregate is Aggregate.LAST:
            return Fragment(f"(SELECT {expression} {rows} {_LATEST})", values)
        return Fragment(f"(SELECT {field.aggregate}({expression}) {rows} AND is_nan = 0)", values)

    def _key(self, field: Field) -> int | None:
        """The number of a key; None, which no row has, where nothing was ever logged under it."""
        return self._keys.get(field.key)


def _of_datasets(datasets: Sequence[DatasetFilter]) -> Fragment:
    """Points of any of some data sets, of which each has a name. As pairs: SQLite took seconds to plan many ORs."""
    pairs = [tuple(dataset) for dataset in datasets if dataset.digest]
    names = [dataset.name for dataset in datasets if not dataset.digest]
    parts = []
    if pairs:
        values = ", ".join(["(?, ?)"] * len(pairs))
        parts.append(Fragment(f"(dataset_name, dataset_digest) IN (VALUES {values})", sum(pairs, ())))
    if names:
        parts.append(predicate("dataset_name", Operator.IN, names))
    return joined(parts, "OR")


def _of_dataset(dataset: DatasetFilter) -> Fragment:
    name = [Fragment("dataset_name = ?", (dataset.name,))] if dataset.name else []
    digest = [Fragment("dataset_digest = ?", (dataset.digest,))] if dataset.digest else []
    return joined((*name, *digest), "AND")
