"""All runs that a filter matches, piece by piece, with any columns: what files of them are made of.

Which runs these are is found out at the beginning, of each no more than its number; the rest is read as it is written
out. So an export takes the room of one piece, however many runs there are, and each of them is in it once.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor
from trackback.search import Field, Kind
from trackback.services import access
from trackback.services.experiments import readable_experiment
from trackback.services.run_columns import Column, Fact, fact_column, field_column
from trackback.services.run_tables import Query, RunRow, loaded, run_query
from trackback.storage import Storage, Transaction, distinct, run_search, runs

PIECE = 500
MOST_RUNS = 2_000_000
MOST_KEYS = 2000
"""Of each kind, where all columns are asked for: the widest table that programs read."""


class Export(NamedTuple):
    """``numbers`` are those of the runs, in order."""

    columns: Sequence[Column]
    numbers: Sequence[int]


class RunExports:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def begin(
        self,
        actor: Actor,
        experiment_id: str,
        query: Query,
        *,
        columns: Sequence[Column] | None = None,
        run_ids: Sequence[str] = (),
    ) -> Export:
        """Without ``columns``, with all that any run of the experiment has. With ``run_ids``, only these of its runs.

        Raises InvalidParameter for a filter or order that is not valid.
        """
        experiment = limits.check_experiment_id(experiment_id)
        for run_id in run_ids:
            limits.check_run_id(run_id)
        asked = run_query(experiment, query, MOST_RUNS, 0)

        def operation(tx: Transaction) -> Export:
            readable_experiment(tx, actor, experiment)
            chosen = columns if columns is not None else _all_columns(tx, experiment)
            if run_ids:
                known = {run.uuid: run for run in runs.find_many(tx, run_ids) if run.experiment == experiment}
                return Export(chosen, [known[each].id for each in dict.fromkeys(run_ids) if each in known])
            return Export(chosen, run_search.search_numbers(tx, asked))

        return await self._storage.read(operation)

    async def pieces(self, actor: Actor, export: Export) -> AsyncIterator[list[RunRow]]:
        """The runs, up to ``PIECE`` at a time; those that were purged meanwhile are left out."""
        for start in range(0, len(export.numbers), PIECE):
            numbers = export.numbers[start : start + PIECE]
            yield await self._storage.read(
                partial(_piece, actor=actor, numbers=numbers, columns=export.columns),
            )


def _piece(tx: Transaction, actor: Actor, numbers: Sequence[int], columns: Sequence[Column]) -> list[RunRow]:
    found = {run.id: run for run in runs.find_numbered(tx, numbers)}
    readable = [
        found[number]
        for number in numbers
        if number in found and access.may_read(actor, experiment=found[number].experiment)
    ]
    return loaded(tx, readable, columns)


def _all_columns(tx: Transaction, experiment: int) -> list[Column]:
    keyed = [
        field_column(Field(kind, key))
        for kind in (Kind.METRIC, Kind.PARAM, Kind.TAG)
        for key in sorted(distinct.keys_of_experiment(tx, kind, experiment, MOST_KEYS))
    ]
    return [*map(fact_column, Fact), *keyed]
