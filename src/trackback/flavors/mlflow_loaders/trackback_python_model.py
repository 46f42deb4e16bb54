"""Loads a Python function or object that trackback has saved as a model, for MLflow's python_function flavor.

trackback puts this file into such models. It needs MLflow and cloudpickle, and not trackback.
"""

import inspect
import pickle
from pathlib import Path
from typing import Any


def _load_pyfunc(path: str) -> "PythonModelAdapter":
    """``path``: the pickle, which lies beside the MLmodel file."""
    import yaml

    file = Path(path)
    settings = yaml.safe_load((file.parent / "MLmodel").read_text(encoding="utf-8"))["flavors"]["python"]
    return PythonModelAdapter(pickle.loads(file.read_bytes()), settings.get("takes", "table"))


class PythonModelAdapter:
    """A function, or an object with ``predict``, behind ``predict(data, params)``.

    ``takes``: the form in which it wants its data, which is that of its input example: "table" as it comes, "list",
    "records" (a list of dicts), "dict" or "value".
    """

    def __init__(self, model: Any, takes: str) -> None:
        self.model = model
        self.takes = takes

    def predict(self, data: Any, params: "dict[str, Any] | None" = None) -> Any:
        function = self.model.predict if hasattr(self.model, "predict") else self.model
        return function(_in_form(data, self.takes), **accepted(function, params or {}))


def _in_form(data: Any, takes: str) -> Any:
    """MLflow makes tables of lists, dicts and single values; this undoes it."""
    if takes == "table" or not hasattr(data, "iloc"):
        return data
    if takes == "records":
        return data.to_dict("records")
    if takes == "dict":
        return data.to_dict("records")[0]
    column = data.iloc[:, 0].tolist()
    return column if takes == "list" else column[0]


def accepted(function: Any, params: "dict[str, Any]") -> "dict[str, Any]":
    """The params that a function takes: as one dict named ``params``, or each by its name."""
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return params
    if "params" in known:
        return {"params": params}
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values()):
        return params
    return {name: value for name, value in params.items() if name in known}
