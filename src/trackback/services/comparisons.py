"""Comparing up to 500 runs: what was logged to them, and what went into them, each by name and run.

All of it is read at once: a fixed number of statements, however many runs, and no struct for a value.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from trackback import limits
from trackback.entities import Actor, Provenance, RunInfo, ViewType
from trackback.entities.particulars import Values, of_code, of_datasets, of_environment, of_packages
from trackback.errors import InvalidParameter
from trackback.search import Aggregate
from trackback.services import access, provenance
from trackback.services.runs import run_query
from trackback.storage import Storage, Transaction, run_search, run_values, runs
from trackback.storage.run_search import RunQuery
from trackback.storage.runs import RunRecord

LOGGED = ("params", "metrics", "tags")

Table = Mapping[str, Mapping[int, Any]]
"""Of each name its values, by the place of the run among those compared; a run without one is left out."""


class Selection(NamedTuple):
    """The runs to compare: those with ids, and, in experiments, those that a filter matches, in order."""

    run_ids: Sequence[str] = ()
    experiment_ids: Sequence[str] = ()
    filter_text: str = ""
    order_by: Sequence[str] = ()


class Comparison(NamedTuple):
    """``missing``: ids that no run has that the actor may read. ``more``: the filter matches more than are compared.

    ``parts``: by what of the runs it is, in order.
    """

    runs: Sequence[RunInfo]
    missing: Sequence[str]
    more: bool
    parts: Mapping[str, Table]


class _Chosen(NamedTuple):
    records: list[RunRecord]
    missing: list[str]
    more: bool

    @property
    def numbers(self) -> list[int]:
        return [record.id for record in self.records]


_Read = Callable[[Transaction, _Chosen], Mapping[str, Table]]


class Comparisons:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def logged(
        self,
        actor: Actor,
        selection: Selection,
        *,
        parts: Sequence[str] = LOGGED,
        aggregate: Aggregate = Aggregate.LAST,
        names: Mapping[str, Sequence[str]] | None = None,
    ) -> Comparison:
        """Some of the ``params``, ``metrics`` and ``tags`` of the runs; of metrics the last, least or greatest value.

        ``names``: the only params, and metrics, that are read; None: all.
        Raises InvalidParameter for too many runs, and for a filter or order that is not valid.
        """

        only: Mapping[str, Sequence[str]] = names or {}

        def read(tx: Transaction, chosen: _Chosen) -> Mapping[str, Table]:
            readers: dict[str, Callable[[], Table]] = {
                "params": lambda: run_values.params(tx, chosen.numbers, only.get("params")),
                "metrics": lambda: run_values.metrics(tx, chosen.numbers, aggregate, only.get("metrics")),
                "tags": lambda: run_values.tags(tx, chosen.numbers),
            }
            return {part: readers[part]() for part in parts}

        return await self._compared(actor, selection, read)

    async def made_of(self, actor: Actor, selection: Selection) -> Comparison:
        """The code, data sets (by digest), packages and environments of the runs, as far as they are known."""

        def read(tx: Transaction, chosen: _Chosen) -> Mapping[str, Table]:
            known = provenance.of_runs(tx, chosen.records)
            told: dict[str, Callable[[Provenance], Values]] = {
                "code": lambda each: of_code(each.code),
                "data": lambda each: of_datasets(each.datasets),
                "packages": lambda each: of_packages(each.packages),
                "environment": lambda each: of_environment(each.environment),
            }
            return {part: _by_name(known, values) for part, values in told.items()}

        return await self._compared(actor, selection, read)

    async def _compared(self, actor: Actor, selection: Selection, read: _Read) -> Comparison:
        ids = list(dict.fromkeys(selection.run_ids))
        if len(ids) > limits.COMPARED_RUNS:
            raise InvalidParameter(
                f"At most {limits.COMPARED_RUNS} runs can be compared at once, and these are {len(ids)}. Choose fewer, "
                "or have a filter choose them."
            )
        for each in ids:
            limits.check_text(each, "run")
        query = _query(actor, selection, limits.COMPARED_RUNS - len(ids) + 1) if selection.experiment_ids else None

        def operation(tx: Transaction) -> Comparison:
            chosen = _choose(tx, actor, ids, query)
            places = {number: place for place, number in enumerate(chosen.numbers)}
            parts = {part: _placed(table, places) for part, table in read(tx, chosen).items()}
            return Comparison([record.info for record in chosen.records], chosen.missing, chosen.more, parts)

        return await self._storage.read(operation)


def _query(actor: Actor, selection: Selection, limit: int) -> RunQuery:
    return run_query(
        actor,
        selection.experiment_ids,
        filter_text=selection.filter_text,
        order_by=selection.order_by,
        view_type=ViewType.ACTIVE_ONLY,
        limit=limit,
    )


def _choose(tx: Transaction, actor: Actor, ids: Sequence[str], query: RunQuery | None) -> _Chosen:
    """Those by id in the order that they are named in, deleted ones too; then those of the search."""
    found = {record.uuid: record for record in runs.find_many(tx, ids)} if ids else {}
    readable = {uuid: record for uuid, record in found.items() if access.may_read(actor, experiment=record.experiment)}
    missing = [each for each in ids if each not in readable]
    named = [readable[each] for each in ids if each in readable]
    if query is None:
        return _Chosen(named, missing, False)
    matching = run_search.search(tx, query)
    besides = [record for record in matching[: query.limit - 1] if record.uuid not in readable]
    return _Chosen([*named, *besides], missing, len(matching) == query.limit)


def _by_name(known: Mapping[int, Provenance], values: Callable[[Provenance], Values]) -> Table:
    found: defaultdict[str, dict[int, Any]] = defaultdict(dict)
    for number, each in known.items():
        for name, value in values(each).items():
            found[name][number] = value
    return found


def _placed(table: Table, places: Mapping[int, int]) -> Table:
    return {name: {places[number]: value for number, value in column.items()} for name, column in sorted(table.items())}
