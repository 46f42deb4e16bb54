"""Tables and arrays of other libraries, told apart without importing any."""

from collections.abc import Iterator
from typing import Any

from trackback.errors import InvalidParameter
from trackback.flavors.libraries import missing
from trackback.flavors.schema import Array, ColSpec, ColumnType, DataType, Object, Property, SparkVector

_KINDS = {
    ("pandas", "DataFrame"): "pandas",
    ("pandas", "Series"): "series",
    ("polars", "DataFrame"): "polars",
    ("polars", "LazyFrame"): "polars",
    ("polars", "Series"): "series",
    ("pyarrow", "Table"): "arrow",
    ("pyarrow", "RecordBatch"): "arrow",
    ("numpy", "ndarray"): "numpy",
    ("pyspark", "DataFrame"): "spark",
}
_SPARSE = ("csr_matrix", "csc_matrix", "csr_array", "csc_array")


def kind_of(data: object) -> str:
    """pandas, series, polars, arrow, numpy, sparse, spark, dict, list, or other."""
    if isinstance(data, dict):
        return "dict"
    if isinstance(data, (list, tuple)):
        return "list"
    for kind in type(data).__mro__:
        package = kind.__module__.partition(".")[0]
        if known := _KINDS.get((package, kind.__name__)):
            return known
        if package == "scipy" and kind.__name__ in _SPARSE:
            return "sparse"
    return "other"


def to_pandas(data: Any) -> Any:
    """A pandas DataFrame of a table, series, dict, list, array or single value. InvalidParameter if it is no table."""
    try:
        import pandas
    except ImportError as error:
        raise missing("pandas", error) from error
    match kind_of(data):
        case "pandas":
            return data
        case "series":
            return pandas.DataFrame({data.name if data.name is not None else 0: _column(data)})
        case "polars":
            frame = data.collect() if type(data).__name__ == "LazyFrame" else data
            return pandas.DataFrame({name: _column(frame[name]) for name in frame.columns})
        case "arrow":
            return data.to_pandas()
        case "spark":
            return data.toPandas()
    try:
        return pandas.DataFrame(_rows(data))
    except (ValueError, TypeError) as error:
        raise InvalidParameter(f"the model takes a table, and this {type(data).__name__} is none: {error}") from error


def _column(series: Any) -> Any:
    """A column of polars as pandas takes it, without pyarrow; dates and times are NumPy's in nanoseconds."""
    if type(series).__module__.partition(".")[0] != "polars":
        return series
    if series.dtype.is_numeric() and not series.null_count() and not series.dtype.is_decimal():
        return series.to_numpy()
    if series.dtype.is_temporal() and str(series.dtype).startswith(("Date", "Datetime")):
        return series.dt.replace_time_zone(None).to_numpy() if "time_zone" in str(series.dtype) else series.to_numpy()
    if series.dtype.is_numeric() and not series.dtype.is_decimal():
        return series.cast(float).to_numpy() if series.dtype.is_integer() else series.fill_null(float("nan")).to_numpy()
    return series.to_list()


def _rows(data: Any) -> Any:
    """A dict of values is one row, a dict of columns is those; nested arrays are kept as lists."""
    if not isinstance(data, dict):
        return data if kind_of(data) in ("list", "numpy") else [data]
    columns = {name: value.tolist() if getattr(value, "ndim", 0) > 1 else value for name, value in data.items()}
    is_row = all(not hasattr(value, "__len__") or isinstance(value, (str, bytes, dict)) for value in columns.values())
    return [columns] if is_row else columns


def spark_columns(frame: Any) -> Iterator[ColSpec]:
    """The columns of a Spark DataFrame. MLflow counts all as required, since Spark's may nearly always be null."""
    for field in frame.schema.fields:
        yield ColSpec(_spark_type(field.dataType, field.name), field.name)


_SPARK_TYPES = {
    "byte": DataType.INTEGER,
    "short": DataType.INTEGER,
    "integer": DataType.INTEGER,
    "long": DataType.LONG,
    "float": DataType.FLOAT,
    "double": DataType.DOUBLE,
    "boolean": DataType.BOOLEAN,
    "string": DataType.STRING,
    "binary": DataType.BINARY,
    "date": DataType.DATETIME,
    "timestamp": DataType.DATETIME,
}


def _spark_type(kind: Any, name: str) -> ColumnType:
    match kind.typeName():
        case "array":
            return Array(_spark_type(kind.elementType, name))
        case "struct":
            return Object(tuple(Property(f.name, _spark_type(f.dataType, f.name), not f.nullable) for f in kind.fields))
        case known if known in _SPARK_TYPES:
            return _SPARK_TYPES[known]
    if type(kind).__name__ == "VectorUDT":
        return SparkVector()
    raise InvalidParameter(f"column {name!r} has Spark's type {kind.simpleString()}, for which signatures have no type")
