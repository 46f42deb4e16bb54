"""What parts and the output are written as."""

import base64
from typing import TYPE_CHECKING, Any

from trackback.delivery.batch.plans import Plan, Stamp
from trackback.scoring.files.predicting import beside
from trackback.scoring.files.targets import Target
from trackback.scoring.files.writing import ParquetWriter, Writer, open_writer

if TYPE_CHECKING:
    import pyarrow as pa

PART = ".arrow"
PARQUET = ".parquet"


class PartWriter(Writer):
    """Arrow's own format, since it is read once, and soon: nothing is encoded."""

    def _begin(self, schema: "pa.Schema") -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy

        self._arrow: Any = pa.ipc.new_file(self._file, schema)

    def _write(self, table: "pa.Table") -> None:
        self._arrow.write_table(table)

    def _end(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy

        if self._schema is None:
            self._begin(pa.schema([]))
        self._arrow.close()


class StampedParquetWriter(ParquetWriter):
    """The columns of the stamp come as dictionaries, which takes no time, and are text to whoever reads the file."""

    def __init__(self, target: Target, stamp: Stamp) -> None:
        super().__init__(target)
        self._names = (stamp.version_column, stamp.digest_column)

    def _begin(self, schema: "pa.Schema") -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy
        from pyarrow import parquet  # noqa: PLC0415 - heavy

        read_as = pa.schema([each.with_type(pa.string()) if each.name in self._names else each for each in schema])
        told = {b"ARROW:schema": base64.b64encode(read_as.serialize().to_pybytes())}
        self._parquet = parquet.ParquetWriter(self._file, schema.with_metadata(told), store_schema=False)


def part_writer(plan: Plan, target: Target) -> Writer:
    return StampedParquetWriter(target, plan.stamp) if plan.ending == PARQUET else PartWriter(target)


def output_writer(plan: Plan, target: Target) -> Writer:
    """InvalidParameter: the name of the output does not tell its format."""
    return StampedParquetWriter(target, plan.stamp) if is_parquet(target.name) else open_writer(target)


def is_parquet(name: str) -> bool:
    return name.lower().endswith(PARQUET)


def stamped(table: "pa.Table", stamp: Stamp, *, as_text: bool = False) -> "pa.Table":
    """With a column each for the version and the digest: dictionaries of one value, or text."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    places = pa.array(np.zeros(table.num_rows, dtype=np.int32))
    columns = {}
    for name, value in ((stamp.version_column, stamp.version), (stamp.digest_column, stamp.digest)):
        column = pa.DictionaryArray.from_arrays(places, [value])
        columns[name] = column.cast(pa.string()) if as_text else column
    return beside(table, pa.table(columns))
