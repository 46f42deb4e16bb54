"""Parquet files, cut along row groups; those that are very large, also within."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from trackback.delivery.batch.places import Found, Place
from trackback.errors import BadRequest
from trackback.scoring.inputs import Inputs

UNIT = "rows"
PARTITION_BYTES = 128 << 20  # not compressed
MOST_ROWS = 1 << 20
LEAST_ROWS = 1 << 14

#: Rows and bytes of each row group.
Groups = list[tuple[int, int]]


@dataclass(frozen=True)
class Looked:
    columns: list[str]
    shape: Groups
    row_bytes: float


def look_into(found: Found) -> Looked:
    """Raises BadRequest if it is no Parquet."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    try:
        with found.place.open() as file:
            metadata = parquet.ParquetFile(file).metadata
            columns: list[str] = metadata.schema.to_arrow_schema().names
    except pa.ArrowException as error:
        raise BadRequest(f"{found.place.text} is no Parquet that can be read: {error}") from error
    groups = [_size_of(metadata.row_group(number)) for number in range(metadata.num_row_groups)]
    return Looked(columns, groups, _row_bytes(groups))


def types_of(place: Place, inputs: Inputs) -> bytes:
    """The types of columns, as an Arrow schema: the file's, whatever the model takes."""
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    with place.open() as file:
        content: bytes = parquet.read_schema(file).remove_metadata().serialize().to_pybytes()
        return content


def _size_of(group: Any) -> tuple[int, int]:
    return group.num_rows, group.total_byte_size


def _row_bytes(groups: Groups) -> float:
    return sum(size for _, size in groups) / max(1, sum(rows for rows, _ in groups))


def partition_size(shapes: Iterable[Groups]) -> int:
    """How many rows a partition is to have, of files with these row groups."""
    return _rows_of_partition(_row_bytes([group for groups in shapes for group in groups]))


def _rows_of_partition(row_bytes: float) -> int:
    return max(LEAST_ROWS, min(MOST_ROWS, int(PARTITION_BYTES / max(row_bytes, 1))))


def cut(groups: Groups) -> Iterator[tuple[tuple[int, ...], int]]:
    """Slices, without their source, and the rows of each. A group with more rows than two partitions is cut: whoever
    reads a later piece of it has to pass over the ones before.
    """
    for number, (rows, size) in enumerate(groups):
        most = _rows_of_partition(size / max(1, rows))
        if rows <= 2 * most:
            if rows:
                yield (number, number + 1), rows
            continue
        for skip in range(0, rows, most):
            taken = min(most, rows - skip)
            yield (number, number + 1, skip, taken), taken
