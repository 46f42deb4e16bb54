"""What is written for an input that has no rows: the columns that there would be, as whoever reads them expects."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trackback.flavors.schema import Schema, TensorSpec
from trackback.scoring.files.predicting import Wanted, kept_columns
from trackback.scoring.files.reading import arrow_type
from trackback.scoring.inputs import Inputs

if TYPE_CHECKING:
    import pyarrow as pa


def schema_of_output(
    types: bytes, columns: Sequence[str], inputs: Inputs, outputs: Schema | None, wanted: Wanted
) -> bytes:
    """``types``: of the input's columns as they are read, an Arrow schema, and so is the result. Of a model whose
    signature does not tell what it predicts, that is text.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy

    read = pa.ipc.read_schema(pa.py_buffer(types))
    known = dict(zip(read.names, read.types, strict=True))
    kept = [(name, known.get(name, pa.string())) for name in kept_columns(columns, inputs, wanted)]
    content: bytes = pa.schema([*kept, *_predicted(outputs, wanted.column)]).serialize().to_pybytes()
    return content


def _predicted(outputs: Schema | None, column: str) -> Iterator[tuple[str, "pa.DataType"]]:
    """Called as those that ``as_table`` makes of predictions."""
    specs = list(outputs or ())
    kinds = [spec.dtype if isinstance(spec, TensorSpec) else spec.type for spec in specs]
    names = [None if spec.name is None else str(spec.name) for spec in specs]
    if len(specs) == 1 and isinstance(tensor := specs[0], TensorSpec) and len(tensor.shape) == 2:
        kinds *= max(1, tensor.shape[1])
        names *= max(1, tensor.shape[1])
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        yield name or (column if len(names) == 1 else f"{column}_{place}"), arrow_type(kind)
    if not specs:
        yield column, arrow_type(None)
