"""Columns of whatever data is in memory: frames of pandas, polars and Arrow, arrays, and what holds several of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.provenance.datasets.arrays import array_columns, column_of
from trackback.provenance.datasets.arrow import one_array, sliced_column, table_columns
from trackback.provenance.datasets.columns import Column, Columns
from trackback.provenance.datasets.named_arrays import arrays_of, is_bunch, library_of


def columns_of(data: Any, name: str) -> list[Columns] | None:
    """The columns of data in memory; None if it is nothing of the kind. ``name`` is for a column that has none.

    InvalidParameter: it is, and a column of it has no digest.
    """
    match library_of(data):
        case "pandas":
            return [_of_pandas(data, name)]
        case "polars":
            return [_of_polars(data, name)]
        case "pyarrow" if hasattr(data, "schema") and hasattr(data, "num_rows"):
            return [table_columns(data)]
        case "sklearn" if is_bunch(data) and data.get("frame") is not None:
            return [_of_pandas(data["frame"], "data")]
    if (arrays := arrays_of(data, name)) is not None:
        return [array_columns(each, array) for each, array in arrays.items()]
    if isinstance(data, Mapping) and data:
        return [group for key, each in data.items() for group in named_columns(each, str(key))]
    return None


def named_columns(data: Any, name: str) -> list[Columns]:
    """As ``columns_of``, of data that has to be something of the kind."""
    groups = columns_of(data, name)
    if groups is None:
        raise InvalidParameter(
            f"{shown(name)} is a {type(data).__name__}, of which there is no digest. Give arrays, series or frames."
        )
    return groups


def _of_pandas(data: Any, name: str) -> Columns:
    """A series is a frame of one column. Levels of the index that have a name are columns, too, and come first."""
    if not hasattr(data, "columns"):
        if not hasattr(data, "to_frame"):
            raise InvalidParameter(f"A pandas {type(data).__name__} is no data set. Give a frame or a series.")
        data = data.to_frame(data.name if getattr(data, "name", None) is not None else name)
    levels = [level for level in getattr(data.index, "names", ()) if level is not None]
    found = [(str(level), data.index.get_level_values(level).to_series()) for level in levels]
    found += [(str(label), data.iloc[:, place]) for place, label in enumerate(data.columns)]
    return Columns(len(data), tuple(_pandas_column(label, series) for label, series in found))


def _pandas_column(name: str, series: Any) -> Column:
    if getattr(series.dtype, "kind", "O") in "biufcmM" and hasattr(series.dtype, "byteorder"):
        return column_of(name, series.to_numpy())
    try:
        import pyarrow as pa  # noqa: PLC0415 - heavy
    except ImportError:
        return column_of(name, series.to_numpy(dtype=object))
    with _told_of(name):
        kind = pa.infer_type(series, from_pandas=True) if series.dtype == object else pa.array(series.iloc[:0]).type
    return sliced_column(name, kind, lambda start, stop: _pandas_array(name, series.iloc[start:stop], kind))


def _pandas_array(name: str, series: Any, kind: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    with _told_of(name):
        return one_array(pa.array(series, type=kind if series.dtype == object else None, from_pandas=True))


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """What Arrow makes nothing of is said of the column."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    try:
        yield
    except pa.ArrowException as error:
        raise InvalidParameter(
            f"The column {shown(name)} has values of no one type, so it has no digest: {error}. "
            "Give it one, such as float64 or str."
        ) from None


def _of_polars(data: Any, name: str) -> Columns:
    if hasattr(data, "collect"):  # a LazyFrame
        data = data.collect()
    if hasattr(data, "to_frame"):
        data = data.to_frame(data.name or name)
    columns = tuple(_polars_column(each.name, each) for each in data.get_columns())
    return Columns(data.height, columns)


def _polars_column(name: str, series: Any) -> Column:
    if str(series.dtype) == "Object":  # Arrow would be told where in memory each lies
        raise InvalidParameter(f"The column {shown(name)} holds Python objects, which have no digest. Give it a type.")
    try:
        kind = series.head(0).to_arrow().type
    except ImportError:
        raise InvalidParameter("To read polars' frames takes pyarrow: pip install pyarrow.") from None
    return sliced_column(name, kind, lambda start, stop: series.slice(start, stop - start).to_arrow())
