"""Searching runs. The plan is ours, since the databases' planners fail on filters of many terms.

1. Of the terms that must all hold and that an index can answer, the rarest is found, by counting no further than
   ``FEW``. Where it is rare enough, its runs are fetched, and the rest of the filter is tested on those only.
2. Otherwise the runs are walked in the order that is asked for, along an index where it has one, and the filter is
   tested on each, until the page is full. Runs with a value come first, then those where it is NaN, then those
   without: each is a walk of its own.
"""

from collections.abc import Iterator
from typing import NamedTuple

from trackback.entities import ViewType
from trackback.search import Aggregate, Comparison, Field, Kind, Node, Operator, Order
from trackback.storage import inputs
from trackback.storage.conditions import (
    Fragment,
    among,
    comparisons,
    compiled,
    conjuncts,
    in_view,
    joined,
    keyed,
    keyed_number,
    ordered,
    predicate,
    ranked,
)
from trackback.storage.indexed_terms import INDEXED_LENGTH, RANGES, commonness, indexed
from trackback.storage.interface import Transaction
from trackback.storage.runs import RUN_COLUMNS, RunRecord

FEW = 5000
RARE = 50
TERMS_COUNTED = 16

_ATTRIBUTES = {
    "run_id": "r.uuid",
    "user_id": "r.user_id",
    "status": "r.status",
    "artifact_uri": "r.artifact_uri",
    "start_time": "r.start_ms",
    "end_time": "r.end_ms",
}
_NULLABLE = ("r.end_ms",)
_RUN_NAME = Field(Kind.TAG, "mlflow.runName")
_TABLES = {Kind.PARAM: "params", Kind.TAG: "tags", Kind.METRIC: "latest_metrics"}
_COLUMNS = {Aggregate.LAST: "value", Aggregate.MIN: "min", Aggregate.MAX: "max"}


class RunQuery(NamedTuple):
    experiments: list[int]
    view: ViewType
    condition: Node | None
    order: list[Order]
    limit: int
    offset: int


def search(tx: Transaction, query: RunQuery) -> list[RunRecord]:
    """The runs of a query, in order: its orders, then the latest start first, then the run id."""
    if not query.experiments:
        return []
    tx.trust_indexes()
    return _Search(tx, query).page()


class _Source(NamedTuple):
    """``FROM … t WHERE …``, whose rows have a ``run``, and the term that all of those meet."""

    rows: Fragment
    met: Comparison | None


class _Search:
    def __init__(self, tx: Transaction, query: RunQuery) -> None:
        self._tx = tx
        self._query = query
        self._order = [Order(_stored(order.field), order.descending) for order in query.order]
        self._keys = tx.known_name_ids(
            [_stored(term.field).key for term in comparisons(query.condition)]
            + [order.field.key for order in self._order]
        )
        self._view = in_view("r.lifecycle", query.view)
        self._scope = joined((self._of_experiments("r.experiment"), self._view), "AND")

    def page(self) -> list[RunRecord]:
        rarest = self._rarest()
        walks = self._walks() if rarest is None else iter([self._among(rarest)])
        found: list[RunRecord] = []
        ahead, wanted = self._query.offset, self._query.limit
        for walk in walks:
            rows = self._tx.rows(f"{walk.sql} LIMIT ? OFFSET ?", *walk.values, wanted - len(found), ahead)
            found.extend(RunRecord(*row) for row in rows)
            if len(found) == wanted:
                break
            if ahead:
                ahead = 0 if rows else ahead - self._count(walk, ahead)
        return found

    def _count(self, walk: Fragment, most: int) -> int:
        """How many runs a walk comes to, counted no further than ``most``."""
        number: int = self._tx.rows(f"SELECT count(*) FROM ({walk.sql} LIMIT ?) AS walked", *walk.values, most)[0][0]
        return number

    def _rarest(self) -> "_Source | None":
        """The source of the rarest term that must hold; None where no indexed term is rare."""
        terms = [term for term in conjuncts(self._query.condition) if isinstance(term, Comparison)]
        sources = [source for term in sorted(terms, key=commonness) if (source := self._source(term))]
        rarest, fewest = None, FEW + 1
        for source in sources[:TERMS_COUNTED]:
            row = self._tx.row(
                f"SELECT count(*) FROM (SELECT 1 {source.rows.sql} LIMIT ?) AS counted", *source.rows.values, fewest
            )
            if row is not None and row[0] < fewest:
                rarest, fewest = source, row[0]
                if fewest <= RARE:
                    break
        return rarest

    def _source(self, term: Comparison) -> "_Source | None":
        """Where an index finds the runs of a term."""
        field, operator, value = _stored(term.field), term.operator, term.value
        if field == Field(Kind.ATTRIBUTE, "run_id") and operator in (Operator.EQUAL, Operator.IN):
            test = predicate("uuid", operator, value)
            scope = self._of_experiments("t.experiment")
            named = f"FROM (SELECT id AS run, experiment FROM runs WHERE {test.sql}) t WHERE {scope.sql}"
            return _Source(Fragment(named, (*test.values, *scope.values)), term)
        found = indexed(field, operator, value)
        if found is None:
            return None
        key = Fragment("t.key = ?", (self._key(field),))
        scope = joined((self._of_experiments("t.experiment"), key, found.condition), "AND")
        rows = Fragment(f"FROM {_TABLES[field.kind]} t WHERE {scope.sql}", scope.values)
        return _Source(rows, term if found.exact else None)

    def _among(self, source: "_Source") -> Fragment:
        """The runs of a source for which the rest of the filter holds too, in order."""
        candidates = [run for (run,) in self._tx.rows(f"SELECT t.run {source.rows.sql}", *source.rows.values)]
        rest = [term for term in conjuncts(self._query.condition) if term is not source.met]
        tests = (compiled(term, self._comparison) for term in rest)
        return self._ordered(
            Fragment("runs r"), [Fragment("r.id {ints}", (candidates,)), self._view, *tests], [], self._order
        )

    def _walks(self) -> Iterator[Fragment]:
        condition = compiled(self._query.condition, self._comparison)
        if not self._order or self._order[0].field.kind is Kind.ATTRIBUTE:
            yield self._ordered(Fragment("runs r"), [self._scope, condition], [], self._order)
            return
        first, *others = self._order
        table, key = _TABLES[first.field.kind], self._key(first.field)
        source = Fragment(f"{table} o CROSS JOIN runs r")
        # r.experiment goes without saying. Said, it led PostgreSQL with old statistics to look up each run by it.
        keyed_rows = joined(
            (
                Fragment("r.id = o.run"),
                self._of_experiments("o.experiment"),
                Fragment("o.key = ?", (key,)),
                self._view,
            ),
            "AND",
        )
        direction = " DESC" if first.descending else ""
        if first.field.kind is Kind.METRIC:
            column = f"o.{_COLUMNS[first.field.aggregate]}"
            last = first.field.aggregate is Aggregate.LAST
            number, nan = ("o.is_nan = 0", "o.is_nan = 1") if last else (f"{column} IS NOT NULL", f"{column} IS NULL")
            numbers = [keyed_rows, Fragment(number), *self._bounds(first.field, column), condition]
            yield self._ordered(source, numbers, [Fragment(column + direction)], others)
            yield self._ordered(source, [keyed_rows, Fragment(nan), condition], [], others)
        else:
            prefix = f"substr(o.value, 1, {INDEXED_LENGTH})"
            ranks = [Fragment(prefix + direction), Fragment("o.value" + direction)]
            texts = [keyed_rows, *self._bounds(first.field, "o.value"), condition]
            yield self._ordered(source, texts, ranks, others)
        missing = keyed(table, "run = r.id", "value", key, Operator.IS_NULL, None)
        yield self._ordered(Fragment("runs r"), [self._scope, missing, condition], [], others)

    def _ordered(
        self, source: Fragment, conditions: list[Fragment], ranks: list[Fragment], orders: list[Order]
    ) -> Fragment:
        """The runs of ``source`` for which ``conditions`` hold, by ``ranks``, then ``orders``."""
        places = list(enumerate(orders))
        joins = [self._joined_order(place, order) for place, order in places if order.field.kind is not Kind.ATTRIBUTE]
        where = joined(conditions, "AND")
        order = ordered([*ranks, *(_ranked(place, order) for place, order in places), *self._ties()])
        return Fragment(
            f"SELECT {RUN_COLUMNS} FROM {source.sql}{''.join(join.sql for join in joins)} WHERE {where.sql}"
            f" ORDER BY {order.sql}",
            (*(value for join in joins for value in join.values), *where.values, *order.values),
        )

    def _joined_order(self, place: int, order: Order) -> Fragment:
        table = _TABLES[order.field.kind]
        return Fragment(
            f" LEFT JOIN {table} o{place} ON o{place}.run = r.id AND o{place}.key = ?", (self._key(order.field),)
        )

    def _bounds(self, field: Field, column: str) -> list[Fragment]:
        """What must hold of the very field that is walked, so that the walk begins and ends where it does."""
        terms = [term for term in conjuncts(self._query.condition) if isinstance(term, Comparison)]
        return [
            predicate(column, term.operator, term.value)
            for term in terms
            if _stored(term.field) == field and term.operator in RANGES
        ]

    def _ties(self) -> list[Fragment]:
        ordered = {order.field.key for order in self._order if order.field.kind is Kind.ATTRIBUTE}
        ties = {"start_time": "r.start_ms DESC", "run_id": "r.uuid"}
        return [Fragment(sql) for key, sql in ties.items() if key not in ordered]

    def _comparison(self, term: Comparison) -> Fragment:
        field, operator, value = _stored(term.field), term.operator, term.value
        match field.kind:
            case Kind.ATTRIBUTE:
                return predicate(_ATTRIBUTES[field.key], operator, value)
            case Kind.DATASET:
                return inputs.dataset_condition(field.key, operator, value)
            case Kind.METRIC if field.aggregate is Aggregate.LAST:
                return keyed_number("latest_metrics", "run = r.id", "value", self._key(field), operator, value)
            case Kind.METRIC:
                test = predicate(_COLUMNS[field.aggregate], operator, value)
                if operator is Operator.IS_NULL:
                    test = Fragment(f"{_COLUMNS[field.aggregate]} IS NOT NULL")
                    found = f"SELECT 1 FROM latest_metrics WHERE run = r.id AND key = ? AND {test.sql}"
                    return Fragment(f"({found}) IS NULL", (self._key(field),))
                return Fragment(
                    f"(SELECT {test.sql} FROM latest_metrics WHERE run = r.id AND key = ?)",
                    (*test.values, self._key(field)),
                )
            case _:
                return keyed(_TABLES[field.kind], "run = r.id", "value", self._key(field), operator, value)

    def _key(self, field: Field) -> int | None:
        """The number of a key; None, which no row has, where nothing was ever logged under it."""
        return self._keys.get(field.key)

    def _of_experiments(self, column: str) -> Fragment:
        return among(column, self._query.experiments)


def _ranked(place: int, order: Order) -> Fragment:
    """The terms of ORDER BY that put values first, then NaN, then what is missing."""
    field = order.field
    if field.kind is Kind.ATTRIBUTE:
        column = _ATTRIBUTES[field.key]
        return ranked(column, descending=order.descending, nullable=column in _NULLABLE)
    direction = " DESC" if order.descending else ""
    column = f"o{place}.{_COLUMNS[field.aggregate]}"
    rank = f"o{place}.run IS NULL"
    if field.kind is Kind.METRIC:
        only_nan = f"o{place}.is_nan" if field.aggregate is Aggregate.LAST else f"{column} IS NULL"
        rank = f"{rank}, {only_nan}"
    return Fragment(f"{rank}, {column}{direction}")


def _stored(field: Field) -> Field:
    """A run's name is searched as the tag that holds it too, as in MLflow."""
    return _RUN_NAME if field == Field(Kind.ATTRIBUTE, "run_name") else field
