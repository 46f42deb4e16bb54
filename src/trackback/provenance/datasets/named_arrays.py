"""Arrays by name: those of a dict, of a sparse matrix, of a Bunch of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackback.provenance.datasets.columns import Array


def library_of(data: Any) -> str:
    """The name of the package that the type of ``data`` is from."""
    return type(data).__module__.partition(".")[0]


def is_bunch(data: Any) -> bool:
    return library_of(data) == "sklearn" and isinstance(data, Mapping) and "data" in data


def arrays_of(data: Any, name: str = "data") -> dict[str, Array] | None:
    """The numpy arrays that data comes down to; None if it is none. ``name`` is for an array that has none."""
    if is_bunch(data):
        return _of_bunch(data)
    if library_of(data) == "scipy" and hasattr(data, "tocsr"):
        return _of_sparse(data, name)
    if hasattr(data, "__array_interface__") or _is_plain_list(data):
        import numpy as np  # noqa: PLC0415 - heavy

        return {name: data if isinstance(data, np.ndarray) else np.asarray(data)}
    if isinstance(data, Mapping) and data:
        parts = [arrays_of(each, str(key)) for key, each in data.items()]
        if all(part is not None for part in parts):
            return {key: array for part in parts if part for key, array in part.items()}
    return None


def _is_plain_list(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and all(isinstance(each, bool | int | float | str) for each in data)


def _of_bunch(bunch: Mapping[str, Any]) -> dict[str, Array] | None:
    """Its columns as those of the frame that ``as_frame=True`` gives, wherever it names them."""
    data, target = bunch["data"], bunch.get("target")
    found = _named(data, bunch.get("feature_names"), "data")
    targets = {} if target is None else _named(target, bunch.get("target_names"), "target")
    return None if found is None or targets is None else {**found, **targets}


def _named(data: Any, names: Any, name: str) -> dict[str, Array] | None:
    if (
        getattr(data, "ndim", 0) == 2
        and names is not None
        and len(names) == data.shape[1]
        and library_of(data) == "numpy"
    ):
        return {str(each): data[:, place] for place, each in enumerate(names)}
    return arrays_of(data, name)


def _of_sparse(matrix: Any, name: str) -> dict[str, Array]:
    """A sparse matrix as the arrays of its rows (CSR), each row's columns in order, with nothing twice."""
    import numpy as np  # noqa: PLC0415 - heavy

    rows = matrix.tocsr().copy()
    rows.sum_duplicates()
    return {
        f"{name}.shape": np.asarray(rows.shape, np.int64),
        f"{name}.starts": rows.indptr.astype(np.int64),
        f"{name}.columns": rows.indices.astype(np.int64),
        f"{name}.values": rows.data,
    }
