"""The columns of a table of runs: whatever metrics, params and tags the runs on the page have."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trackback.entities import Metric, Param, Run, Tag
from trackback.server.ui.formats import number

COLUMNS_OF_A_KIND = 40
OF_MLFLOW = "mlflow."
"""Prefix of the tags that MLflow's clients set for themselves."""


@dataclass(frozen=True)
class Column:
    """``field`` names it in a filter or an order; ``style`` is the class of its cells."""

    key: str
    field: str
    style: str


@dataclass(frozen=True)
class Group:
    """All columns of one kind; ``left_out`` is how many more there are than are shown."""

    kind: str
    columns: Sequence[Column]
    left_out: int


@dataclass(frozen=True)
class Row:
    """``cells`` are pairs of style and text, in the order of all columns."""

    run: Run
    cells: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    groups: Sequence[Group]
    rows: Sequence[Row]


def tabulate(runs: Sequence[Run], order_by: Sequence[str]) -> Table:
    """The runs as rows. Of each kind of columns, the one that they are ordered by comes first, then what most have."""
    data = [{kind: _texts(items) for kind, items in _items(run).items()} for run in runs]
    groups = [_group(kind, [each[kind] for each in data], order_by) for kind in ("metrics", "params", "tags")]
    groups = [group for group in groups if group.columns]
    columns = [(group.kind, column) for group in groups for column in group.columns]
    rows = [
        Row(run, [(column.style, texts[kind].get(column.key, "")) for kind, column in columns])
        for run, texts in zip(runs, data, strict=True)
    ]
    return Table(groups, rows)


def field(kind: str, key: str) -> str:
    """The name of a key in the filter language. A key has no backtick in it."""
    return f"{kind}.`{key}`"


def _items(run: Run) -> dict[str, Iterable[Metric | Param | Tag]]:
    tags = (tag for tag in run.data.tags if not tag.key.startswith(OF_MLFLOW))
    return {"metrics": run.data.metrics, "params": run.data.params, "tags": tags}


def _texts(items: Iterable[Metric | Param | Tag]) -> dict[str, str]:
    return {item.key: number(item.value) if isinstance(item, Metric) else item.value for item in items}


def _group(kind: str, texts: Sequence[Mapping[str, str]], order_by: Sequence[str]) -> Group:
    counts = Counter(key for each in texts for key in each)
    ordered = {order.removesuffix(" DESC").removesuffix(" ASC") for order in order_by}
    keys = sorted(counts, key=lambda key: (field(kind, key) not in ordered, -counts[key], key))
    style = "number" if kind == "metrics" else "text"
    columns = [
        Column(key, field(kind, key), style if place else f"{style} group")
        for place, key in enumerate(keys[:COLUMNS_OF_A_KIND])
    ]
    return Group(kind, columns, len(keys) - len(columns))
