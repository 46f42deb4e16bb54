"""An experiment's runs by the values of a param or tag."""

from collections.abc import Mapping, Sequence
from math import isnan
from statistics import fmean
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor
from trackback.search import And, Comparison, Field, Kind, Node, Operator
from trackback.services.experiments import readable_experiment
from trackback.services.pages import Page
from trackback.services.run_columns import Column
from trackback.services.run_tables import Query, run_query
from trackback.storage import Storage, Transaction, distinct, run_columns, run_search
from trackback.storage.indexed_terms import INDEXED_LENGTH

GROUPS = 25
MOST_GROUPS = 100
MOST_COUNTED = 100
"""How far the runs of a group are counted, and how many of them its means are of."""


class Spread(NamedTuple):
    """Of the last values of a metric in a group, NaN aside."""

    mean: float
    least: float
    greatest: float


class Group(NamedTuple):
    """``runs`` is how many it has, as far as they are counted; ``spreads`` are those of the columns' metrics."""

    value: str
    runs: int
    spreads: Mapping[str, Spread]

    @property
    def is_cut(self) -> bool:
        """Whether the value is longer than this, so that no filter finds it."""
        return len(self.value) >= INDEXED_LENGTH


class RunGroups:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def page(
        self,
        actor: Actor,
        experiment_id: str,
        by: Field,
        query: Query,
        *,
        columns: Sequence[Column] = (),
        max_results: int = GROUPS,
        after: str | None = None,
    ) -> Page[Group]:
        """The groups whose value comes after one, in order; those with no run that the query's filter matches left out.

        The token of the next page is the value that it comes after.
        """
        limits.check_max_results(max_results, MOST_GROUPS)
        experiment = limits.check_experiment_id(experiment_id)
        condition = query.condition()

        def operation(tx: Transaction) -> Page[Group]:
            readable_experiment(tx, actor, experiment)
            key = tx.known_name_ids([by.key]).get(by.key)
            if key is None:
                return Page(())
            values = distinct.values_of_key(tx, by.kind, experiment, key, max_results + 1, after=after)
            found = {value: _members(tx, experiment, query, condition, by, value) for value in values[:max_results]}
            groups = _summed(tx, {value: members for value, members in found.items() if members}, columns)
            return Page(groups, values[max_results - 1] if len(values) > max_results else None)

        return await self._storage.read(operation)


def _members(
    tx: Transaction, experiment: int, query: Query, condition: Node | None, by: Field, value: str
) -> list[int]:
    is_cut = len(value) >= INDEXED_LENGTH
    among: Node = Comparison(by, Operator.LIKE if is_cut else Operator.EQUAL, f"{value}%" if is_cut else value)
    if condition is not None:
        among = And((among, *(condition.children if isinstance(condition, And) else (condition,))))
    asked = run_query(experiment, query, MOST_COUNTED + 1, 0)
    return run_search.search_numbers(tx, asked._replace(condition=among, order=[]))


def _summed(tx: Transaction, found: Mapping[str, Sequence[int]], columns: Sequence[Column]) -> list[Group]:
    names = [column.field.key for column in columns if column.field and column.field.kind is Kind.METRIC]
    numbers = tx.known_name_ids(names)
    keys = {number: name for name, number in numbers.items()}
    runs = sorted({run for members in found.values() for run in members[:MOST_COUNTED]})
    last = {
        (run, key): extremes.last
        for run, key, extremes in run_columns.metrics(tx, runs, sorted(keys))
        if not isnan(extremes.last)
    }
    groups = []
    for value, members in found.items():
        spreads = {}
        for key, name in keys.items():
            if values := [last[run, key] for run in members[:MOST_COUNTED] if (run, key) in last]:
                spreads[name] = Spread(fmean(values), min(values), max(values))
        groups.append(Group(value, len(members), spreads))
    return groups
