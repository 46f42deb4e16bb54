"""The bytes of data that are to be kept: files as they are, frames as Parquet, arrays in numpy's format."""

from pathlib import Path
from typing import Any

from trackback.errors import DataLoss, InvalidParameter
from trackback.provenance.datasets.digests import digest
from trackback.provenance.datasets.files import Checksums, file_digest, folder_files
from trackback.provenance.datasets.frames import columns_of, named_columns
from trackback.provenance.datasets.named_arrays import arrays_of
from trackback.provenance.datasets.sources import name_of, read_uri

TABLE = "data.parquet"
ARRAY = "data.npy"
ARRAYS = "data.npz"
CHECKSUMS = "SHA256SUMS"
"""What ``sha256sum`` says of the files of a folder; comes last, so that the folder is complete where it is."""
FILES = "files"


def write_memory(data: Any, targets: Any, folder: Path) -> dict[str, Path]:
    """Write data in memory to a file in ``folder``; the file by its name.

    InvalidParameter: no form that is kept holds it, or what writes it is not installed.
    """
    given = data if targets is None else {"data": data, "targets": targets}
    arrays = arrays_of(given)
    if arrays is not None and not any(array.dtype.hasobject for array in arrays.values()):
        return _write_arrays(arrays, folder)
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - heavy
    except ImportError:
        raise InvalidParameter("To keep a frame takes pyarrow: pip install pyarrow.") from None
    pq.write_table(_table_of(data, targets), folder / TABLE)
    return {TABLE: folder / TABLE}


def write_uri(uri: str, folder: Path) -> dict[str, Path]:
    """Download what is at a URI into ``folder``."""
    path = folder / name_of(uri)
    with path.open("wb") as file:
        read_uri(uri, file.write)
    return {path.name: path}


def folder_content(folder: Path, sums: Checksums, scratch: Path) -> dict[str, Path]:
    """The files of a folder, then the list of them."""
    listed = scratch / CHECKSUMS
    listed.write_bytes(sums.content)
    return {**{f"{FILES}/{name}": folder / name for name in folder_files(folder)}, CHECKSUMS: listed}


def verify(path: Path, sha256: str) -> None:
    """DataLoss: the file is neither the bytes with this digest nor a table or arrays with it."""
    found = file_digest(path)
    if found == sha256:
        return
    if path.name in (TABLE, ARRAY, ARRAYS):
        found = digest(columns_of(_read(path), "data") or []).sha256
    if found != sha256:
        raise DataLoss(
            f"{path.name} has the digest {found}, and should have {sha256}. It was not kept. "
            "Fetch it again; if that fails too, the server's copy is damaged."
        )


def _read(path: Path) -> Any:
    try:
        if path.name == TABLE:
            import pyarrow.parquet as pq  # noqa: PLC0415 - heavy

            return pq.read_table(path)
        import numpy as np  # noqa: PLC0415 - heavy

        found = np.load(path, allow_pickle=False, mmap_mode="r" if path.name == ARRAY else None)
        if path.name == ARRAY:
            return found
        with found:
            return {name: found[name] for name in found.files}
    except ImportError as error:
        raise InvalidParameter(f"To verify {path.name} takes {error.name}: pip install {error.name}.") from error


def _write_arrays(arrays: dict[str, Any], folder: Path) -> dict[str, Path]:
    import numpy as np  # noqa: PLC0415 - heavy

    if list(arrays) == ["data"]:
        np.save(folder / ARRAY, arrays["data"], allow_pickle=False)
        return {ARRAY: folder / ARRAY}
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays)
    return {ARRAYS: folder / ARRAYS}


def _table_of(data: Any, targets: Any) -> Any:
    """The same columns as Arrow's, for Parquet."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    groups = named_columns(data, "data") + ([] if targets is None else named_columns(targets, "targets"))
    columns = [(column, group.rows) for group in groups for column in group.columns]
    if any(column.arrow is None for column, _ in columns) or len({rows for _, rows in columns}) != 1:
        raise InvalidParameter(
            "Only frames whose columns hold single values, and arrays of numbers, are kept. "
            "Write it to a file of your own, and log that."
        )
    arrays = [column.arrow(0, rows) for column, rows in columns if column.arrow]
    return pa.Table.from_arrays(arrays, names=[column.name for column, _ in columns])
