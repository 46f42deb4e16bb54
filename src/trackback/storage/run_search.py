"""Searching runs. The plan is ours, since the databases' planners fail on filters of many terms.

1. Of the terms that must all hold and that an index can answer, the rarest is found, by counting no further than
   ``FEW``, nor than 3 would go by what its first runs say. Where it is rare enough, its runs are fetched, and the rest
   of the filter is tested on those only.
2. Otherwise the other terms that must hold are tested on a sample of runs. Where this says that 3 would test many runs,
   the rarest term is held against its key's values, or else its entries, as long as these are few; again the rest is
   tested on the runs that are found so, if these are few.
3. Otherwise the runs are walked in the order that is asked for, along an index where it has one, and the filter is
   tested on each, until the page is full. Runs with a value come first, then those where it is NaN, then those
   without: each is a walk of its own.
"""

from collections.abc import Iterator
from typing import NamedTuple

from trackback.entities import ViewType
from trackback.search import Aggregate, Comparison, Field, Kind, Node, Operator, Order
from trackback.storage.conditions import (
    Fragment,
    comparisons,
    compiled,
    conjuncts,
    in_view,
    joined,
    keyed,
    ordered,
    predicate,
    ranked,
)
from trackback.storage.indexed_terms import COLUMNS, INDEXED_LENGTH, RANGES
from trackback.storage.interface import Row, Transaction
from trackback.storage.run_candidates import Candidates, Walk, find_candidates
from trackback.storage.run_terms import ATTRIBUTES, TABLES, RunTerms, stored
from trackback.storage.runs import RUN_COLUMNS, RunRecord

_NULLABLE = ("r.end_ms",)


class RunQuery(NamedTuple):
    experiments: list[int]
    view: ViewType
    condition: Node | None
    order: list[Order]
    limit: int
    offset: int


def search(tx: Transaction, query: RunQuery) -> list[RunRecord]:
    """The runs of a query, in order: its orders, then the latest start first, then the run id."""
    return [RunRecord(*row) for row in _found(tx, query, RUN_COLUMNS)]


def search_numbers(tx: Transaction, query: RunQuery) -> list[int]:
    """The numbers of the runs of a query, in the same order: of many they take much less room."""
    return [number for (number,) in _found(tx, query, "r.id")]


def _found(tx: Transaction, query: RunQuery, columns: str) -> list[Row]:
    if not query.experiments:
        return []
    tx.trust_indexes()
    return _Search(tx, query, columns).page()


class _Search:
    def __init__(self, tx: Transaction, query: RunQuery, columns: str) -> None:
        self._tx = tx
        self._columns = columns
        self._query = query
        self._order = [Order(stored(order.field), order.descending) for order in query.order]
        fields = [stored(term.field) for term in comparisons(query.condition)] + [order.field for order in self._order]
        self._terms = RunTerms(tx.known_name_ids([field.key for field in fields]), query.experiments)
        self._view = in_view("r.lifecycle", query.view)
        self._along_runs = not self._order or self._order[0].field.kind is Kind.ATTRIBUTE
        self._scope = joined((self._terms.of_experiments("r.experiment"), self._view), "AND")

    def page(self) -> list[Row]:
        few = self._candidates()
        walks = self._walks() if few is None else iter([self._among(few)])
        found: list[Row] = []
        ahead, wanted = self._query.offset, self._query.limit
        for walk in walks:
            rows = self._tx.rows(f"{walk.sql} LIMIT ? OFFSET ?", *walk.values, wanted - len(found), ahead)
            found.extend(rows)
            if len(found) == wanted:
                break
            if ahead:
                ahead = 0 if rows else ahead - self._count(walk, ahead)
        return found

    def _count(self, walk: Fragment, most: int) -> int:
        """How many runs a walk comes to, counted no further than ``most``."""
        number: int = self._tx.rows(f"SELECT count(*) FROM ({walk.sql} LIMIT ?) AS walked", *walk.values, most)[0][0]
        return number

    def _candidates(self) -> Candidates | None:
        terms = conjuncts(self._query.condition)
        must_hold = [term for term in terms if isinstance(term, Comparison)]
        by_index = not self._order and len(self._query.experiments) == 1
        walk = Walk(
            Fragment(
                f"SELECT r.* FROM runs r WHERE {self._scope.sql}"
                + (f" ORDER BY {ordered(self._ties()).sql}" if by_index else ""),
                self._scope.values,
            ),
            self._query.offset + self._query.limit,
            self._along_runs,
            ahead=by_index and len(must_hold) == len(terms),
        )
        return find_candidates(self._tx, self._terms, must_hold, walk)

    def _among(self, found: Candidates) -> Fragment:
        """The candidates for which the rest of the filter holds too, in order."""
        rest = [term for term in conjuncts(self._query.condition) if term is not found.term]
        tests = (compiled(term, self._terms.condition) for term in rest)
        return self._ordered(
            Fragment("runs r"), [Fragment("r.id {ints}", (found.runs,)), self._view, *tests], [], self._order
        )

    def _walks(self) -> Iterator[Fragment]:
        condition = compiled(self._query.condition, self._terms.condition)
        if self._along_runs:
            yield self._ordered(Fragment("runs r"), [self._scope, condition], [], self._order)
            return
        first, *others = self._order
        table, key = TABLES[first.field.kind], self._terms.key(first.field)
        source = Fragment(f"{table} o CROSS JOIN runs r")
        # r.experiment goes without saying. Said, it led PostgreSQL with old statistics to look up each run by it.
        keyed_rows = joined(
            (
                Fragment("r.id = o.run"),
                self._terms.of_experiments("o.experiment"),
                Fragment("o.key = ?", (key,)),
                self._view,
            ),
            "AND",
        )
        direction = " DESC" if first.descending else ""
        if first.field.kind is Kind.METRIC:
            column = f"o.{COLUMNS[first.field.aggregate]}"
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
            f"SELECT {self._columns} FROM {source.sql}{''.join(join.sql for join in joins)} WHERE {where.sql}"
            f" ORDER BY {order.sql}",
            (*(value for join in joins for value in join.values), *where.values, *order.values),
        )

    def _joined_order(self, place: int, order: Order) -> Fragment:
        table = TABLES[order.field.kind]
        return Fragment(
            f" LEFT JOIN {table} o{place} ON o{place}.run = r.id AND o{place}.key = ?", (self._terms.key(order.field),)
        )

    def _bounds(self, field: Field, column: str) -> list[Fragment]:
        """What must hold of the very field that is walked, so that the walk begins and ends where it does."""
        terms = [term for term in conjuncts(self._query.condition) if isinstance(term, Comparison)]
        return [
            predicate(column, term.operator, term.value)
            for term in terms
            if stored(term.field) == field and term.operator in RANGES
        ]

    def _ties(self) -> list[Fragment]:
        ordered = {order.field.key for order in self._order if order.field.kind is Kind.ATTRIBUTE}
        ties = {"start_time": "r.start_ms DESC", "run_id": "r.uuid"}
        return [Fragment(sql) for key, sql in ties.items() if key not in ordered]


def _ranked(place: int, order: Order) -> Fragment:
    """The terms of ORDER BY that put values first, then NaN, then what is missing."""
    field = order.field
    if field.kind is Kind.ATTRIBUTE:
        column = ATTRIBUTES[field.key]
        return ranked(column, descending=order.descending, nullable=column in _NULLABLE)
    direction = " DESC" if order.descending else ""
    column = f"o{place}.{COLUMNS[field.aggregate]}"
    rank = f"o{place}.run IS NULL"
    if field.kind is Kind.METRIC:
        only_nan = f"o{place}.is_nan" if field.aggregate is Aggregate.LAST else f"{column} IS NULL"
        rank = f"{rank}, {only_nan}"
    return Fragment(f"{rank}, {column}{direction}")
