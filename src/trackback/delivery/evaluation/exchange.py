"""Tables between two Pythons that may have other versions of all libraries: NumPy's format, and JSON for the rest."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = "{}.npz"
COLUMNS = "{}.json"


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table's columns, in their order, as two files of a folder."""
    import numpy as np  # noqa: PLC0415 - heavy

    arrays: dict[str, Any] = {}
    columns = []
    for place, column in enumerate(frame.columns):
        kind, content = _taken_apart(frame[column])
        told = {"name": column if isinstance(column, int) else str(column), "kind": kind}
        if kind in ("array", "moments"):
            arrays[f"column_{place}"] = content
        else:
            told["values"] = content
        columns.append(told)
    np.savez(folder / ARRAYS.format(name), allow_pickle=False, **arrays)
    text = json.dumps({"rows": len(frame), "columns": columns}, default=_plain)
    (folder / COLUMNS.format(name)).write_text(text)


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """The table that was written there."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    told = json.loads((folder / COLUMNS.format(name)).read_text())
    columns: dict[Any, Any] = {}
    with np.load(folder / ARRAYS.format(name), allow_pickle=False) as arrays:
        for place, column in enumerate(told["columns"]):
            match column["kind"]:
                case "array":
                    columns[column["name"]] = arrays[f"column_{place}"]
                case "moments":
                    columns[column["name"]] = arrays[f"column_{place}"].astype("datetime64[ns]")
                case "bytes":
                    values = [None if each is None else base64.b64decode(each) for each in column["values"]]
                    columns[column["name"]] = pd.Series(values, dtype=object)
                case "texts":
                    columns[column["name"]] = pd.Series(column["values"], dtype="str" if column["values"] else object)
                case _:
                    columns[column["name"]] = pd.Series(column["values"], dtype=object)
    return pd.DataFrame(columns, index=range(told["rows"]))


def _taken_apart(column: Any) -> tuple[str, Any]:
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    column = _without_masks(column)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return "array", column.to_numpy()
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(column.dt, "tz", None) else column
        return "moments", naive.to_numpy().astype("datetime64[ns]").astype("int64")
    values = [None if _is_missing(each) else each for each in column.tolist()]
    if any(isinstance(each, bytes) for each in values):
        return "bytes", [None if each is None else base64.b64encode(each).decode() for each in values]
    return "texts" if all(each is None or isinstance(each, str) for each in values) else "values", values


def _without_masks(column: Any) -> Any:
    """Of pandas' own numbers, which may be missing, NumPy's: integers of which some are become floats."""
    import pandas as pd  # noqa: PLC0415 - heavy

    if not isinstance(column.dtype, pd.api.extensions.ExtensionDtype) or not pd.api.types.is_numeric_dtype(
        column.dtype
    ):
        return column
    if not column.isna().any():
        return pd.Series(column.to_numpy(dtype=column.dtype.numpy_dtype))
    return (
        column
        if pd.api.types.is_bool_dtype(column.dtype)
        else pd.Series(column.to_numpy("float64", na_value=float("nan")))
    )


def _is_missing(value: Any) -> bool:
    return (
        value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )


def _plain(value: Any) -> Any:
    """What JSON has no word for: arrays and numbers of NumPy within lists, decimals, dates."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
