"""Rows of requests, and the one DataFrame that is made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from trackback.errors import BadRequest
from trackback.limits import shown
from trackback.scoring.columns import convert, holds_nulls_as_they_are
from trackback.scoring.inputs import Inputs

if TYPE_CHECKING:
    import pandas as pd

Name = str | int


@dataclass(frozen=True)
class Table:
    """``rows`` have one value for each of ``columns``; ``index`` names rows that do not just count from 0."""

    columns: tuple[Name, ...]
    rows: Sequence[Sequence[Any]]
    index: Sequence[Any] | None = None

    @classmethod
    def from_rows(
        cls, rows: list[list[Any]], columns: Sequence[Name] | None = None, index: Sequence[Any] | None = None
    ) -> "Table":
        """Rows that are too short get null at their end. Raises BadRequest for one that is too long."""
        longest = max(map(len, rows), default=0)
        names = tuple(range(longest)) if columns is None else tuple(columns)
        if len(set(names)) != len(names):
            raise BadRequest(f"Invalid input. Columns need different names: {shown(names)}.")
        if longest > len(names):
            raise BadRequest(f"Invalid input. {len(names)} columns passed, passed data had {longest} columns.")
        if index is not None and len(index) != len(rows):
            raise BadRequest(f"Invalid input. There are {len(rows)} rows, and {len(index)} values in the index.")
        if any(len(row) != len(names) for row in rows):
            rows = [row + [None] * (len(names) - len(row)) for row in rows]
        counts = index is None or index == list(range(len(rows)))
        return cls(names, rows, None if counts else index)

    @classmethod
    def from_records(cls, records: list[dict[str, Any]]) -> "Table":
        """The columns are the records' keys, in the order of their first appearance; what a record lacks is null."""
        names = tuple(records[0]) if records else ()
        if len(names) > 1 and all(len(record) == len(names) for record in records):
            try:
                return cls(names, list(map(itemgetter(*names), records)))
            except KeyError:
                pass
        names = tuple(dict.fromkeys(name for record in records for name in record))
        return cls(names, [[record.get(name) for name in names] for record in records])

    @classmethod
    def from_columns(cls, columns: Mapping[Any, Any]) -> "Table":
        """Lists of one length, or one value for each column. Raises BadRequest."""
        values = list(columns.values())
        if not any(isinstance(each, list) for each in values):
            return cls(tuple(columns), [values])
        if not all(isinstance(each, list) and len(each) == len(values[0]) for each in values):
            raise BadRequest("Invalid input. The length of values for each input/column name are not the same")
        return cls(tuple(columns), list(zip(*values, strict=True)))

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame") -> "Table":
        """Missing values become null."""
        columns = [[None if value != value else value for value in frame[name].tolist()] for name in frame]
        return cls(tuple(frame.columns), list(zip(*columns, strict=True)))

    def by_column(self) -> dict[Name, list[Any]]:
        if not self.rows:
            return {name: [] for name in self.columns}
        return dict(zip(self.columns, map(list, zip(*self.rows, strict=True)), strict=True))

    def joins(self, inputs: Inputs) -> bool:
        """Whether its rows make the same columns among those of other requests as they do alone.

        Text is told from a column of nulls by what else is in it, and nested values by what is in them.
        """
        if self.index is not None or not self.rows:
            return False
        kinds = inputs.kinds_of(self.columns)
        if not kinds:
            return False
        bare = [
            place
            for place, name in enumerate(self.columns)
            if name not in kinds or holds_nulls_as_they_are(kinds[name])
        ]
        return not any(row[place] is None for place in bare for row in self.rows)

    def frame(self, inputs: Inputs) -> "pd.DataFrame":
        """A DataFrame with the types of the signature; columns that it does not name stay as they came.

        Raises BadRequest, which names the column that does not fit.
        """
        import pandas as pd  # noqa: PLC0415 - heavy

        dtype = inputs.all_floats
        if dtype and self.rows and self.columns == tuple(inputs.kinds):
            import numpy as np  # noqa: PLC0415 - heavy

            try:
                return pd.DataFrame(np.array(self.rows, dtype=dtype), columns=list(self.columns), index=self.index)
            except (ValueError, TypeError):
                pass  # found out below, with its name
        kinds = inputs.kinds_of(self.columns)
        columns = {
            name: convert(name, values, kinds[name]) if name in kinds else values
            for name, values in self.by_column().items()
        }
        return pd.DataFrame(columns, columns=list(self.columns), index=self.index)


def join(tables: Sequence[Table]) -> Table:
    """All rows, one table after the other; they have the same columns."""
    if len(tables) == 1:
        return tables[0]
    return Table(tables[0].columns, [row for table in tables for row in table.rows])
