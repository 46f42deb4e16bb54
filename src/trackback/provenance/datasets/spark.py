"""Spark's frames, which have no order of rows and may not fit into this process.

The digest is of the set of rows: each row's is computed where it lies, Spark sorts them all, and no more than they
passes through here. docs/reference/capture.md defines it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from trackback.errors import InvalidParameter
from trackback.provenance.datasets.files import FileFacts

FORMAT: Final = "trackback-rows-1"
_DIGEST_BYTES = 32
_NUMBERS = frozenset({"tinyint", "smallint", "int", "bigint", "float", "double"})


def facts(frame: Any) -> FileFacts:
    """Digest, schema and statistics of a Spark frame, by two of its jobs.

    InvalidParameter: pyarrow is missing, or this Spark has no ``mapInArrow``.
    """
    if not hasattr(frame, "mapInArrow"):
        raise InvalidParameter(
            "To read Spark's frames takes Spark 3.3 or newer. Write it as Parquet, and log the path."
        )
    columns = [{"name": field.name, "type": field.dataType.simpleString()} for field in frame.schema.fields]
    sha256, rows = _digest(frame, columns)
    return FileFacts(sha256, 0, rows, {"format": FORMAT, "columns": columns}, {"columns": _statistics(frame, columns)})


def source_of(frame: Any) -> str | None:
    """The file, or the folder of all the files, that a frame is read from; None if there is no such."""
    try:
        found = sorted(frame.inputFiles())
    except Exception:  # noqa: BLE001 - whatever Spark says, the data set is described without it
        return None
    folders = {name.rpartition("/")[0] for name in found}
    if len(found) < 2 or len(folders) > 1:
        return str(found[0]) if len(found) == 1 else None
    return str(folders.pop())


def _digest(frame: Any, columns: list[dict[str, str]]) -> tuple[str, int]:
    found = hashlib.sha256(f"{FORMAT}\n{json.dumps(columns, sort_keys=True, separators=(',', ':'))}\n".encode())
    plain = frame.toDF(*(f"c{place}" for place in range(len(columns))))  # Spark trips over names with a dot
    digests = plain.mapInArrow(row_digester(), "digest binary").sort("digest").mapInArrow(_joiner(), "digests binary")
    rows = 0
    for row in digests.toLocalIterator(prefetchPartitions=True):
        found.update(row.digests)
        rows += len(row.digests) // _DIGEST_BYTES
    return found.hexdigest(), rows


def row_digester() -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A function from Arrow's record batches to batches of a digest a row.

    It imports all that it needs, so that it runs where trackback is not installed: on Spark's workers.
    """

    def digests(batches: Iterator[Any]) -> Iterator[Any]:
        import hashlib  # noqa: PLC0415 - on a worker
        import json  # noqa: PLC0415
        import math  # noqa: PLC0415
        import struct  # noqa: PLC0415

        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.types as t  # noqa: PLC0415

        pack_int, pack_float, absent = struct.Struct("<Bq").pack, struct.Struct("<Bd").pack, b"\0"

        def texts(values: list[Any]) -> list[bytes]:
            encoded = [value.encode() if isinstance(value, str) else value for value in values]
            return [absent if value is None else pack_int(1, len(value)) + value for value in encoded]

        def encoded(array: Any) -> list[bytes]:
            kind = array.type
            if t.is_date(kind):
                array, kind = array.cast(pa.int32()), pa.int32()
            if t.is_timestamp(kind):
                array, kind = array.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()), pa.int64()
            values = array.to_pylist()
            if t.is_integer(kind) or t.is_boolean(kind):
                return [absent if value is None else pack_int(1, value) for value in values]
            if t.is_floating(kind):
                return [absent if value is None or math.isnan(value) else pack_float(1, value) for value in values]
            if t.is_string(kind) or t.is_large_string(kind) or t.is_binary(kind) or t.is_large_binary(kind):
                return texts(values)
            return texts([None if value is None else json.dumps(value, default=str) for value in values])

        for batch in batches:
            rows = zip(*(encoded(column) for column in batch.columns), strict=True)
            found = [hashlib.sha256(b"".join(row)).digest() for row in rows]
            yield pa.RecordBatch.from_arrays([pa.array(found, pa.binary())], ["digest"])

    return digests


def _joiner() -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A row a batch instead of one a digest, which would be slow to take over one by one."""

    def joined(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa  # noqa: PLC0415 - on a worker

        for batch in batches:
            content = b"".join(batch.column(0).to_pylist())
            yield pa.RecordBatch.from_arrays([pa.array([content], pa.binary())], ["digests"])

    return joined


def _statistics(frame: Any, columns: list[dict[str, str]]) -> list[dict[str, Any]]:
    from pyspark.sql import functions as f  # noqa: PLC0415 - heavy

    asked = []
    for place, column in enumerate(columns):
        own = f.col(f"`{column['name'].replace('`', '``')}`")
        asked.append(f.count(f.when(own.isNull(), 1)).alias(f"{place}.missing"))
        if column["type"] in _NUMBERS:
            asked += [
                f.min(own).alias(f"{place}.min"),
                f.max(own).alias(f"{place}.max"),
                f.avg(own).alias(f"{place}.mean"),
                f.stddev_pop(own).alias(f"{place}.std"),
            ]
        if column["type"] in _NUMBERS or column["type"] == "string":
            asked.append(f.approx_count_distinct(own).alias(f"{place}.distinct"))
    found = frame.agg(*asked).first().asDict() if asked else {}
    return [
        {
            "name": column["name"],
            **{key.partition(".")[2]: _plain(found[key]) for key in found if key.startswith(f"{i}.")},
        }
        for i, column in enumerate(columns)
    ]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and value - value != 0 else value
