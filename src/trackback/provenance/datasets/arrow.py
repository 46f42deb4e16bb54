"""Columns of Arrow's arrays, of all types that have a canonical form; pandas' and polars' come here, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.provenance.datasets.arrays import fixed_chunk, time_chunk
from trackback.provenance.datasets.columns import Chunk, Column, Columns
from trackback.provenance.datasets.digests import VALID

if TYPE_CHECKING:
    from trackback.provenance.datasets.columns import Mask

# A pyarrow array, type or table: the library has no types of its own to be checked by.
Arrow = Any


def table_columns(table: Arrow) -> Columns:
    """Those of an Arrow table or record batch."""
    columns = (arrow_column(name, column) for name, column in zip(table.schema.names, table.columns, strict=True))
    return Columns(table.num_rows, tuple(columns))


def arrow_column(name: str, column: Arrow) -> Column:
    """The column that an Arrow array, chunked or not, is. InvalidParameter: its type has no canonical form."""
    return sliced_column(name, column.type, lambda start, stop: one_array(column.slice(start, stop - start)))


def sliced_column(name: str, arrow_type: Arrow, array: Callable[[int, int], Arrow]) -> Column:
    """A column whose rows from one to before another ``array`` gives, as an Arrow array of the type."""
    type_name = canonical_type(name, arrow_type)
    return Column(name, type_name, lambda start, stop: array_chunk(array(start, stop)), arrow=array)


def one_array(column: Arrow) -> Arrow:
    """A chunked array as one; without a copy, if it is one already."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def canonical_type(name: str, arrow_type: Arrow) -> str:
    """The name of an Arrow type in the manifest. Those that hold the same values have the same."""
    import pyarrow.types as t  # noqa: PLC0415 - heavy

    if t.is_dictionary(arrow_type) or t.is_run_end_encoded(arrow_type):
        return canonical_type(name, arrow_type.value_type)
    if hasattr(arrow_type, "storage_type"):
        return canonical_type(name, arrow_type.storage_type)
    if _is_list(arrow_type):
        return f"list<{canonical_type(name, arrow_type.value_type)}>"
    if t.is_struct(arrow_type):
        return f"struct<{','.join(f'{each.name}:{canonical_type(name, each.type)}' for each in arrow_type)}>"
    if t.is_timestamp(arrow_type):
        return f"timestamp[{arrow_type.tz}]" if arrow_type.tz else "timestamp"
    if t.is_decimal(arrow_type) and arrow_type.precision <= 38:
        return f"decimal[{arrow_type.scale}]"
    for holds, type_name in _named():
        if holds(arrow_type):
            return type_name or _number_name(arrow_type)
    raise InvalidParameter(
        f"The column {shown(name)} has the type {arrow_type}, which has no digest. Leave it out, or convert it."
    )


def _named() -> list[tuple[Callable[[Arrow], bool], str]]:
    import pyarrow.types as t  # noqa: PLC0415 - heavy

    return [
        (t.is_integer, ""),
        (t.is_floating, ""),
        (t.is_boolean, "bool"),
        (t.is_null, "null"),
        (t.is_date, "date"),
        (t.is_time, "time"),
        (t.is_duration, "duration"),
        (lambda each: t.is_string(each) or t.is_large_string(each) or t.is_string_view(each), "string"),
        (
            lambda each: (
                t.is_binary(each) or t.is_large_binary(each) or t.is_binary_view(each) or t.is_fixed_size_binary(each)
            ),
            "binary",
        ),
    ]


def _number_name(arrow_type: Arrow) -> str:
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(arrow_type), str(arrow_type))


def _is_list(arrow_type: Arrow) -> bool:
    import pyarrow.types as t  # noqa: PLC0415 - heavy

    return bool(t.is_list(arrow_type) or t.is_large_list(arrow_type) or t.is_fixed_size_list(arrow_type))


def array_chunk(array: Arrow, prefix: str = "") -> Chunk:
    """What is hashed of an Arrow array. ``prefix`` leads from the column to this part of it: ``item.``."""
    array = _plain(array)
    if _is_nested(array.type):
        return _nested_chunk(array, prefix)
    chunk = _leaf_chunk(array)
    chunk.parts = [(prefix + name, content) for name, content in chunk.parts]
    chunk.masks = [(prefix + name, rows, missing) for name, rows, missing in chunk.masks]
    return chunk


def _plain(array: Arrow) -> Arrow:
    """Without a form of storage that says nothing of the values."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.types as t  # noqa: PLC0415

    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if t.is_dictionary(array.type):
        array = array.dictionary_decode()
    if t.is_run_end_encoded(array.type):
        array = pc.run_end_decode(array)
    for holds, plain in (
        (t.is_string_view, pa.large_string()),
        (t.is_binary_view, pa.large_binary()),
        (t.is_fixed_size_binary, pa.binary()),
        (t.is_date64, pa.date32()),
        (t.is_time, pa.time64("ns")),
        (t.is_boolean, pa.uint8()),
    ):
        if holds(array.type):
            return array.cast(plain)
    return array.cast(pa.decimal128(38, array.type.scale)) if t.is_decimal(array.type) else array


def _is_nested(arrow_type: Arrow) -> bool:
    import pyarrow.types as t  # noqa: PLC0415 - heavy

    return _is_list(arrow_type) or bool(t.is_struct(arrow_type))


def _nested_chunk(array: Arrow, prefix: str) -> Chunk:
    """Lists: how long each is, then the items of all; structs: each field by itself."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415

    missing = _missing(array)
    chunk = Chunk(
        masks=[(prefix + VALID, len(array), missing)],
        missing=0 if missing is None else int(np.count_nonzero(missing)),
    )
    if _is_list(array.type):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False).astype("<i8")
        chunk.parts.append((f"{prefix}lengths", lengths.view(np.uint8)))
        children = [("item", array.flatten())]
    else:
        children = [(field.name, child) for field, child in zip(array.type, array.flatten(), strict=True)]
    for name, child in children:
        inner = array_chunk(child, f"{prefix}{name}.")
        chunk.parts += inner.parts
        chunk.masks += inner.masks
    return chunk


def _leaf_chunk(array: Arrow) -> Chunk:
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow.types as t  # noqa: PLC0415

    kind, missing = array.type, _missing(array)
    if t.is_null(kind):
        return Chunk(missing=len(array))
    if t.is_timestamp(kind) or t.is_duration(kind):
        name = "datetime64" if t.is_timestamp(kind) else "timedelta64"
        return time_chunk(_buffer(array, np.dtype("i8")), f"{name}[{kind.unit}]", missing)
    if t.is_decimal(kind):
        return _wide_chunk(array, missing)
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_string(kind) or t.is_large_string(kind):
        return _text_chunk(array, missing)
    dtype = "i4" if t.is_date32(kind) else "i8" if t.is_time64(kind) else kind.to_pandas_dtype()
    chunk = fixed_chunk(_buffer(array, np.dtype(dtype)), missing)
    if t.is_date32(kind) or t.is_time64(kind):
        chunk.numbers, chunk.pick = None, _picker(array)
    return chunk


def _missing(array: Arrow) -> Mask | None:
    if not array.null_count:
        return None
    found: Mask = array.is_null().to_numpy(zero_copy_only=False)
    return found


def _buffer(array: Arrow, dtype: Any) -> Any:
    """The values of a type of fixed width, also under what is missing."""
    import numpy as np  # noqa: PLC0415 - heavy

    content = array.buffers()[1]
    if content is None or not len(array):
        return np.zeros(len(array), dtype)
    return np.frombuffer(content, dtype, count=len(array), offset=array.offset * dtype.itemsize)


def _wide_chunk(array: Arrow, missing: Mask | None) -> Chunk:
    """Decimals as whole numbers of 16 bytes."""
    import numpy as np  # noqa: PLC0415 - heavy

    content = _buffer(array, np.dtype("V16"))
    if missing is not None:
        content = content.copy()
        content[missing] = np.void(b"\0" * 16)
    return Chunk(
        parts=[("values", np.ascontiguousarray(content).view(np.uint8))],
        masks=[(VALID, len(array), missing)],
        missing=array.null_count,
        pick=_picker(array),
    )


def _text_chunk(array: Arrow, missing: Mask | None) -> Chunk:
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow.types as t  # noqa: PLC0415

    filled = array
    if missing is not None:  # what lies under a missing value is of no account
        filled = array.fill_null("" if t.is_string(array.type) or t.is_large_string(array.type) else b"")
    wide = t.is_large_string(filled.type) or t.is_large_binary(filled.type)
    dtype = np.dtype("i8" if wide else "i4")
    _, offsets, content = filled.buffers()
    count = len(filled)
    ends = (
        np.frombuffer(offsets, dtype, count=count + 1, offset=filled.offset * dtype.itemsize)
        if count
        else np.zeros(1, dtype)
    )
    text = memoryview(content)[int(ends[0]) : int(ends[-1])] if content is not None else b""
    lengths = np.diff(ends).astype("<i8")
    return Chunk(
        parts=[("lengths", lengths.view(np.uint8)), ("bytes", text)],
        masks=[(VALID, count, missing)],
        missing=array.null_count,
        pick=_picker(array),
    )


def _picker(array: Arrow) -> Callable[[Any], list[Any]]:
    return lambda rows: [value for value in array.take(rows).to_pylist() if value is not None]
