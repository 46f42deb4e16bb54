"""Tables of an experiment's runs: what of them a page shows, and no more."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor, RunInfo, ViewType
from trackback.search import RUNS, Aggregate, And, Comparison, Field, Kind, Node, Operator, parse_filter, parse_order_by
from trackback.services import access, pages
from trackback.services.experiments import readable_experiment
from trackback.services.run_columns import Column, Fact, fact_column, field_column
from trackback.storage import Storage, Transaction, run_columns, run_search, runs
from trackback.storage.run_columns import Extremes, MadeModel, UsedData
from trackback.storage.run_search import RunQuery
from trackback.storage.runs import RunRecord

__all__ = ["Extremes", "MadeModel", "Query", "RunRow", "RunTables", "Table", "UsedData"]

PARENT_TAG = "mlflow.parentRunId"
USER_TAG = "mlflow.user"
SOURCE_TAG = "mlflow.source.name"
COMMIT_TAG = "mlflow.source.git.commit"
OF_MLFLOW = "mlflow."
"""Prefix of the tags that MLflow's clients set for themselves."""
OF_A_KIND = 12
"""How many columns of a kind a table has that nobody has chosen columns for."""
MOST_CHILDREN = 100
"""How far the runs in a run are counted."""

_ALWAYS = (PARENT_TAG, USER_TAG, SOURCE_TAG, COMMIT_TAG)
_KEYED = (Kind.METRIC, Kind.PARAM, Kind.TAG)
_PARENT = Field(Kind.TAG, PARENT_TAG)


class Query(NamedTuple):
    """Which runs, in which order. ``top_only``: those that are in no other; ``parent``: those that are in this one."""

    filter_text: str = ""
    order_by: Sequence[str] = ()
    view: ViewType = ViewType.ACTIVE_ONLY
    top_only: bool = False
    parent: str = ""

    def condition(self) -> Node | None:
        """Raises InvalidSearch."""
        asked = parse_filter(self.filter_text, RUNS) if self.filter_text.strip() else None
        if self.parent:
            inside: Node = Comparison(_PARENT, Operator.EQUAL, self.parent)
        elif self.top_only:
            inside = Comparison(_PARENT, Operator.IS_NULL)
        else:
            return asked
        if asked is None:
            return inside
        return And((inside, *(asked.children if isinstance(asked, And) else (asked,))))


class RunRow(NamedTuple):
    """A run, with what the columns asked for of it. ``children``: how many runs are in it, up to ``MOST_CHILDREN``."""

    info: RunInfo
    metrics: Mapping[str, Extremes]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    datasets: Sequence[UsedData]
    models: Sequence[MadeModel]
    children: int = 0

    @property
    def user(self) -> str:
        return self.info.user_id or self.tags.get(USER_TAG, "")

    @property
    def parent(self) -> str:
        return self.tags.get(PARENT_TAG, "")


class Table(NamedTuple):
    """``left_out``: how many keys the runs have besides, where nobody has chosen columns."""

    columns: Sequence[Column]
    rows: pages.Page[RunRow]
    left_out: int = 0


class RunTables:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def page(
        self,
        actor: Actor,
        experiment_id: str,
        query: Query,
        *,
        columns: Sequence[Column] | None = None,
        count_children: bool = False,
        max_results: int = 50,
        page_token: str = "",
    ) -> Table:
        """A page of the runs of an experiment. Without ``columns``, with those that suit what these runs have.

        Raises InvalidParameter for a filter, order, token or size that is not valid.
        """
        limits.check_max_results(max_results, limits.RUNS_PER_PAGE)
        offset = pages.decode(page_token)
        experiment = limits.check_experiment_id(experiment_id)
        asked = run_query(experiment, query, max_results + 1, offset)

        def operation(tx: Transaction) -> Table:
            readable_experiment(tx, actor, experiment)
            found = run_search.search(tx, asked)
            records = found[:max_results]
            chosen, left_out = (columns, 0) if columns is not None else suitable(tx, records, query.order_by)
            rows = loaded(tx, records, chosen)
            if count_children:
                rows = _with_children(tx, experiment, rows, query.view)
            return Table(chosen, pages.cut(rows, len(found) > max_results, offset), left_out)

        return await self._storage.read(operation)

    async def rows(self, actor: Actor, run_ids: Sequence[str], columns: Sequence[Column]) -> list[RunRow]:
        """Those of the runs that are there and may be read."""
        _check_run_ids(run_ids)
        return await self._storage.look_up(lambda tx: loaded(tx, _readable(tx, actor, run_ids), columns))

    async def lacking(self, actor: Actor, run_ids: Sequence[str], columns: Sequence[Column]) -> list[Column]:
        """The columns that these runs call for, and that are not among those that a table was given to begin with.

        A kind of which there are ``OF_A_KIND`` is full: what else the runs have of it is left out.
        """
        _check_run_ids(run_ids)
        shown = Counter(column.field.kind for column in columns if column.field)

        def is_lacking(column: Column) -> bool:
            return column not in columns and (column.field is None or shown[column.field.kind] < OF_A_KIND)

        def operation(tx: Transaction) -> list[Column]:
            suited, _ = suitable(tx, _readable(tx, actor, run_ids), ())
            return [column for column in suited if is_lacking(column)]

        return await self._storage.look_up(operation)


def _check_run_ids(run_ids: Sequence[str]) -> None:
    limits.check_count(len(run_ids), "run", limits.BULK_HISTORY_RUNS)
    for run_id in run_ids:
        limits.check_run_id(run_id)


def _readable(tx: Transaction, actor: Actor, run_ids: Sequence[str]) -> list[RunRecord]:
    """Those of the runs that are there and may be read, in the order they were asked for."""
    known = {record.uuid: record for record in runs.find_many(tx, run_ids)}
    found = [known[run_id] for run_id in dict.fromkeys(run_ids) if run_id in known]
    return [run for run in found if access.may_read(actor, experiment=run.experiment)]


def run_query(experiment: int, query: Query, limit: int, offset: int) -> RunQuery:
    return RunQuery(
        experiments=[experiment],
        view=query.view,
        condition=query.condition(),
        order=parse_order_by(query.order_by, RUNS),
        limit=limit,
        offset=offset,
    )


def suitable(tx: Transaction, records: Sequence[RunRecord], order_by: Sequence[str]) -> tuple[list[Column], int]:
    """Columns for some runs: of each kind what they are ordered by, then what most of them have; how many are left out.

    Data sets, models and sources have one where any of the runs has them.
    """
    ids = [record.id for record in records]
    ordered = {order.field for order in parse_order_by(order_by, RUNS)}
    columns: list[Column] = []
    left_out = 0
    counted = {kind: run_columns.keys_of_runs(tx, kind, ids) for kind in _KEYED}
    for kind in _KEYED:
        keys = [(key, count) for key, count in counted[kind] if not (kind is Kind.TAG and key.startswith(OF_MLFLOW))]
        keys.sort(key=lambda each: (Field(kind, each[0]) not in ordered, -each[1], each[0]))
        columns.extend(field_column(Field(kind, key)) for key, _ in keys[:OF_A_KIND])
        left_out += max(len(keys) - OF_A_KIND, 0)
    columns.extend(
        field_column(field)
        for field in sorted(ordered, key=str)
        if field.aggregate is not Aggregate.LAST and field not in {column.field for column in columns}
    )
    return [*_facts_of(tx, records, {key for key, _ in counted[Kind.TAG]}), *columns], left_out


def loaded(tx: Transaction, records: Sequence[RunRecord], columns: Sequence[Column]) -> list[RunRow]:
    """The runs with what is in the columns: a fixed number of statements, however many runs."""
    ids = [record.id for record in records]
    keys = {
        kind: [column.field.key for column in columns if column.field and column.field.kind is kind] for kind in _KEYED
    }
    keys[Kind.TAG] = [*keys[Kind.TAG], *_ALWAYS]
    numbers = tx.known_name_ids(list(chain.from_iterable(keys.values())))
    names = {number: name for name, number in numbers.items()}
    wanted = {kind: sorted({numbers[key] for key in keys[kind] if key in numbers}) for kind in _KEYED}
    metrics: defaultdict[int, dict[str, Extremes]] = defaultdict(dict)
    for run, key, extremes in run_columns.metrics(tx, ids, wanted[Kind.METRIC]):
        metrics[run][names[key]] = extremes
    texts = {kind: _texts(tx, kind, ids, wanted[kind], names) for kind in (Kind.PARAM, Kind.TAG)}
    facts = {column.fact for column in columns}
    datasets: defaultdict[int, list[UsedData]] = defaultdict(list)
    for used in run_columns.datasets(tx, ids) if Fact.DATASETS in facts else ():
        datasets[used.run].append(used)
    models: defaultdict[str, list[MadeModel]] = defaultdict(list)
    for made in run_columns.models(tx, [record.uuid for record in records]) if Fact.MODELS in facts else ():
        models[made.run_id].append(made)
    return [
        RunRow(
            info=record.info,
            metrics=metrics[record.id],
            params=texts[Kind.PARAM][record.id],
            tags=texts[Kind.TAG][record.id],
            datasets=datasets[record.id],
            models=models[record.uuid],
        )
        for record in records
    ]


def _texts(
    tx: Transaction, kind: Kind, ids: Sequence[int], keys: Sequence[int], names: Mapping[int, str]
) -> defaultdict[int, dict[str, str]]:
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for run, key, value in run_columns.texts(tx, kind, ids, keys):
        found[run][names[key]] = value
    return found


def _facts_of(tx: Transaction, records: Sequence[RunRecord], tags: set[str]) -> Iterable[Column]:
    ids = [record.id for record in records]
    there = {
        Fact.STATUS: True,
        Fact.START: True,
        Fact.DURATION: True,
        Fact.USER: USER_TAG in tags or any(record.user_id for record in records),
        Fact.SOURCE: SOURCE_TAG in tags,
        Fact.DATASETS: bool(run_columns.datasets(tx, ids)),
        Fact.MODELS: bool(run_columns.models(tx, [record.uuid for record in records])),
    }
    return [fact_column(fact) for fact, is_there in there.items() if is_there]


def _with_children(tx: Transaction, experiment: int, rows: Sequence[RunRow], view: ViewType) -> list[RunRow]:
    key = tx.known_name_ids([PARENT_TAG]).get(PARENT_TAG)
    if key is None:
        return list(rows)
    return [
        row._replace(
            children=run_columns.count_having(tx, Kind.TAG, experiment, key, row.info.run_id, view, MOST_CHILDREN)
        )
        for row in rows
    ]
